package hash

import (
	"image"
	"testing"

	"github.com/corona10/goimagehash"
	"pgregory.net/rapid"
)

// Pictures whose coefficients are tied: here the last bit of every rounding
// counts, so equality shows that each step is the library's. Only on amd64 (of
// the first level) are the library's products not fused.
func TestPerceptionIsTheLibrarysOnTies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.IntRange(0, 4).Draw(t, "symmetry")
		seed := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "levels")
		g := image.NewGray(image.Rect(0, 0, 64, 64))
		for y := range 64 {
			for x := range 64 {
				v := seed[(x*7+y*13+x*y)%64]
				switch kind {
				case 0: // about the diagonal
					v = seed[(x+y+x*y)%64]
				case 1: // the right half is the negative of the left one
					if v = seed[(min(x, 63-x)+5*y)%64]; x >= 32 {
						v = 255 - v
					}
				case 2: // plaid
					v = seed[x]/2 + seed[y]/2
				case 3: // few levels
					v = v / 100 * 100
				}
				g.Pix[y*64+x] = v
			}
		}
		want, err := goimagehash.PerceptionHash(g)
		if err != nil {
			t.Fatal(err)
		}
		if got := perception(g); got != want.GetHash() {
			t.Fatalf("%016x, the library has %016x", got, want.GetHash())
		}
	})
}
