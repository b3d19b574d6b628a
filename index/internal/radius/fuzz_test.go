package radius

import (
	"math/rand/v2"
	"testing"
)

// FuzzSet does what a script says (model_test.go) and compares with the model.
func FuzzSet(f *testing.F) {
	radius := 0
	for i := range uint64(8) {
		f.Add(script(rand.New(rand.NewPCG(100, i)), &radius))
	}
	// Codes, an index, a query; the same with 64-bit codes; removal while a job runs.
	f.Add([]byte{0x10, 0, stepAdd, 8, 200, 0, stepForce, 0, 0, 0, stepQuery, 6, 31, 0})
	f.Add([]byte{0x11, 0, stepAdd, 8, 200, 0, stepForce, 0, 0, 0, stepQuery, 6, 12, 0})
	f.Add([]byte{0x10, 1, stepAdd, 1, 90, 0, stepStart, 0, 0, 0, stepRemove, 1, 40, 0, stepInstall, 0, 0, 0, stepQuery, 3, 30, 0})
	searchers := available()
	f.Fuzz(func(t *testing.T, s []byte) {
		const longest = headBytes + 24*stepBytes
		if _, err := play(s[:min(len(s), longest)], searchers); err != nil {
			t.Fatal(err)
		}
	})
}
