package hash

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainDCT is the slow twin of dctTo: the product with the cosines from both sides, as
// written down.
func plainDCT(s *samples) (b block) {
	for i := range pdqBlock {
		var h [pdqSide]int64
		for k := range h {
			for j := range pdqSide {
				h[k] += cosines[i][j] * s[j][k]
			}
			h[k] >>= weightBits
		}
		for j := range pdqBlock {
			var sum int64
			for k, v := range h {
				sum += v * cosines[j][k]
			}
			b[pdqBlock*i+j] = sum >> weightBits
		}
	}
	return b
}

// extremeSamples are those that rounding, signs and sums can go wrong on.
func extremeSamples() map[string]*samples {
	const most = 2048 << fractionBits // what a scaled plane may hold
	of := func(f func(j, k int) int64) *samples {
		s := new(samples)
		for j := range s {
			for k := range s[j] {
				s[j][k] = f(j, k)
			}
		}
		return s
	}
	random := func(seed uint64, lo, hi int64) *samples {
		r := rand.New(rand.NewPCG(seed, 9))
		return of(func(int, int) int64 { return lo + r.Int64N(hi-lo+1) })
	}
	all := map[string]*samples{
		"zero":             new(samples),
		"white":            of(func(int, int) int64 { return 255 << fractionBits }),
		"one more":         of(func(j, k int) int64 { return int64(j*k) % 2 }),
		"checks":           of(func(j, k int) int64 { return int64((j+k)%2) * 255 << fractionBits }),
		"ramp":             of(func(j, k int) int64 { return int64(pdqSide*j + k) }),
		"extreme checks":   of(func(j, k int) int64 { return int64(2*((j+k)%2)-1) * most }),
		"photo":            random(1, 0, 255<<fractionBits),
		"beyond clipping":  random(2, -most, most),
		"one level":        random(3, -1, 1),
		"single sample":    of(func(j, k int) int64 { return int64(255<<fractionBits) * int64((64-j)/64*((64-k)/64)) }),
		"samples of waves": sample(texture(4, 200, 150), texture(4, 200, 150).frame()),
	}
	// Signs like those of a pair of cosines make the largest sums.
	for _, f := range [][2]int{{0, 0}, {1, 3}, {7, 15}, {15, 8}} {
		all["signs of cosines "+string(rune('a'+f[0]))] = of(func(j, k int) int64 {
			if cosines[f[0]][j]*cosines[f[1]][k] < 0 {
				return -most
			}
			return most
		})
	}
	return all
}

// Folding changes the order of additions and nothing else.
func TestFoldedDCTAgainstPlainDCT(t *testing.T) {
	for name, s := range extremeSamples() {
		was := *s
		got, want := block{1, 2, 3}, plainDCT(s) // a block that was used before
		if p := s.dctTo(&got); p != &got || got != want {
			t.Errorf("%s: folded and plain DCT differ", name)
		}
		if *s != was {
			t.Errorf("%s: the samples were changed", name)
		}
	}
}

// Each frequency is to meet its own part of the folded samples, all of which come from
// fold, in one direction and in the other.
func TestFoldRowsIsFoldOfEachColumn(t *testing.T) {
	for name, s := range extremeSamples() {
		var got [pdqSide][pdqSide]int64
		foldRows(&got, s)
		for k := range pdqSide {
			var column, want [pdqSide]int64
			for j := range column {
				column[j] = s[j][k]
			}
			fold(&want, &column)
			for j := range want {
				if got[j][k] != want[j] {
					t.Fatalf("%s: sample %d of column %d is %d, want %d", name, j, k, got[j][k], want[j])
				}
			}
		}
	}
}

// blocks for the median: random ones, and those that selection is slow or wrong on.
func medianBlocks() map[string]block {
	r := rand.New(rand.NewPCG(8, 8))
	of := func(f func(i int) int64) (b block) {
		for i := range b {
			b[i] = f(i)
		}
		return b
	}
	all := map[string]block{
		"equal":          of(func(int) int64 { return -7 }),
		"ascending":      of(func(i int) int64 { return int64(i) }),
		"descending":     of(func(i int) int64 { return int64(-i) }),
		"pipe":           of(func(i int) int64 { return int64(min(i, 255-i)) }),
		"saw":            of(func(i int) int64 { return int64(i % 5) }),
		"two values":     of(func(i int) int64 { return int64(i % 2) }),
		"half":           of(func(i int) int64 { return int64(i / 128) }),
		"half and one":   of(func(i int) int64 { return int64(i / 127) }),
		"extremes":       of(func(i int) int64 { return []int64{math.MinInt64, math.MaxInt64, 0}[i%3] }),
		"one is smaller": of(func(i int) int64 { return -int64((256 - i) / 256) }),
		"one is larger":  of(func(i int) int64 { return int64(i / 255) }),
	}
	for i := range 200 {
		n := []int64{1, 2, 5, 100, 1 << 40}[i%5]
		all[string(rune('A'+i))] = of(func(int) int64 { return r.Int64N(2*n+1) - n })
	}
	return all
}

func TestMedianAgainstSorting(t *testing.T) {
	for name, b := range medianBlocks() {
		was, sorted := b, b
		slices.Sort(sorted[:])
		if got := b.median(); got != sorted[127] || b != was {
			t.Errorf("%s: median %d, want %d; block changed: %v", name, got, sorted[127], b != was)
		}
	}
}

// A code is a bit for each coefficient above the median, in its own place.
func TestCodeAgainstSorting(t *testing.T) {
	for name, b := range medianBlocks() {
		sorted := b
		slices.Sort(sorted[:])
		code := b.code()
		for i, v := range b {
			if got := code[i/64]>>(i%64)&1 != 0; got != (v > sorted[127]) {
				t.Fatalf("%s: bit %d is %v", name, i, got)
			}
		}
	}
}
