package radius

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
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

// script writes a random one, with queries of many radii.
func script(r *rand.Rand, radius *int) (s []byte) {
	s = append(s, byte(r.Uint32()), byte(r.Uint32()))
	add := func(what int, n int) {
		s = append(s, byte(what), byte(r.Uint32()))
		s = binary.LittleEndian.AppendUint16(s, uint16(n))
	}
	some := func() int { return 1 << r.IntN(13) * (1 + r.IntN(100)) / 100 }
	add(stepAdd, r.IntN(5000))
	for range 1 + r.IntN(8) {
		for range 1 + r.IntN(3) {
			switch what := r.IntN(steps + 3); what {
			case stepQuery, stepQuery2, stepPast:
				add(stepForce, some())
			case steps, steps + 1, steps + 2:
				add(stepStart, some())
				add([]int{stepAdd, stepRemove, stepForce}[what-steps], some())
				add(stepInstall, some())
			default:
				add(what, some())
			}
		}
		*radius++
		add(stepQuery, *radius%257)
		add(stepQuery, r.IntN(72))
		add(stepQuery, r.IntN(36))
		add(stepPast, r.IntN(72))
		add(stepNearest, []int{*radius % 257, 256, 64, r.IntN(40)}[r.IntN(4)])
	}
	return s
}

// shortened leaves out the steps of a script without which it fails too.
func shortened(s []byte, searchers []*Searcher) []byte {
	for i := len(s) - stepBytes; i >= headBytes; i -= stepBytes {
		t := slices.Concat(s[:i], s[i+stepBytes:])
		if _, err := play(t, searchers); err != nil {
			s = t
		}
	}
	return s
}
