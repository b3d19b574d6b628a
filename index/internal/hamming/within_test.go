package hamming

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
)

// slow is Within as its comment says it.
func slow(codes, queries []hash.Code, radius int) (hits []Hit) {
	for i, c := range codes {
		best := 257
		for _, q := range queries {
			best = min(best, c.Distance(q))
		}
		if best <= radius {
			hits = append(hits, Hit{i, best})
		}
	}
	return hits
}

func near(r *rand.Rand, c hash.Code, n int) hash.Code {
	for range n {
		i := r.IntN(256)
		c[i/64] ^= 1 << (i % 64)
	}
	return c
}

func TestWithin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() hash.Code { return hash.Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()} }
	ones := ^uint64(0)
	for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 500} {
		for _, nq := range []int{0, 1, 2, 15, 16, 17} {
			queries := make([]hash.Code, nq)
			for i := range queries {
				queries[i] = random()
			}
			codes := make([]hash.Code, n)
			for i := range codes {
				switch {
				case i%5 == 0:
					codes[i] = random()
				case i%5 == 1 && nq > 0:
					codes[i] = near(r, queries[r.IntN(nq)], r.IntN(60))
				case i%5 == 2 && nq > 0:
					// Far in the first two words only, or in the others.
					codes[i] = queries[0]
					codes[i][r.IntN(4)] ^= ones >> r.IntN(64)
				case i%5 == 3:
					codes[i] = hash.Code{ones, ones, ones, ones}
				}
			}
			for _, radius := range []int{0, 1, 31, 46, 64, 128, 255, 256} {
				got := Within(nil, codes, queries, radius)
				if want := slow(codes, queries, radius); !slices.Equal(got, want) {
					t.Fatalf("n=%d queries=%d radius=%d: got %v, want %v", n, nq, radius, got, want)
				}
			}
		}
	}
}

func TestWithinWord(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	q := r.Uint64()
	var words []uint64
	for i := range 200 {
		words = append(words, q^(uint64(1)<<(i%64)-1))
	}
	for radius := range 65 {
		var want []Hit
		for i, w := range words {
			if d := bits.OnesCount64(w ^ q); d <= radius {
				want = append(want, Hit{i, d})
			}
		}
		if got := WithinWord(nil, words, q, radius); !slices.Equal(got, want) {
			t.Fatalf("radius=%d: got %v, want %v", radius, got, want)
		}
	}
}
