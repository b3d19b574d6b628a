package hash

import (
	"image"
	"math"
	"slices"
)

// PDQ (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ
// Image-Hashing Algorithm", 2019) is the field's interchange standard: luma,
// two passes of a box filter in each direction (together a tent), the 64x64
// centres, the 16x16 lowest frequencies of the DCT without the constant ones,
// and a bit for each coefficient above the median. The mean brightness drops
// out with the constant terms, contrast with the median, detail with the high
// frequencies.
//
// Run as described it filters the whole picture four times, and that is where
// the time of other implementations goes. Only 64x64 filtered values are ever
// looked at, and both passes are linear, so each of the 64 columns (and rows)
// is one short list of weights over the unfiltered pixels. Columns are
// gathered first, then rows: about 1 ns per picture pixel instead of 5.
//
// All arithmetic is in integers (fixed point), because floating point may be
// fused on one CPU and not on another, and a coefficient on the median's edge
// would then change sides. The weights carry 24 fractional bits, samples and
// coefficients 16; the difference from exact arithmetic is below 1e-5 grey
// levels. The reference implementation scales to 512x512 by nearest neighbour
// first; that step adds noise of its own and is left out here.

const (
	pdqSide      = 64 // samples per side
	pdqBlock     = 16 // frequencies per side
	weightBits   = 24
	fractionBits = 16
	lumaBits     = 8 // fractional bits of a plane
)

// tap is a run of weights over consecutive pixels, with weightBits fractional
// bits; they add up to one.
type tap struct {
	first     int
	weights   []uint64
	symmetric bool
}

// of weighs the pixels of a row. Those of the same weight are added first, wherever
// the edge of the picture does not cut the run.
func (t *tap) of(row []uint16) uint64 {
	run := row[t.first:][:len(t.weights)]
	var sum uint64
	if !t.symmetric {
		for i, v := range run {
			sum += uint64(v) * t.weights[i]
		}
		return sum
	}
	half := len(run) / 2
	sum = uint64(run[half]) * t.weights[half]
	for i, w := range t.weights[:half] {
		sum += (uint64(run[i]) + uint64(run[len(run)-1-i])) * w
	}
	return sum
}

// tents returns the 64 taps of a side of n pixels: two box filters of
// (n+127)/128 pixels, each divided by the number of pixels that it finds
// inside the picture, sampled at the centres of 64 cells.
func tents(n int) [pdqSide]tap {
	var ts [pdqSide]tap
	for k := range ts {
		ts[k] = tent((2*k+1)*n/(2*pdqSide), n)
	}
	return ts
}

func tent(at, n int) tap {
	lo, hi := box(at, n)
	first, _ := box(lo, n)
	_, last := box(hi-1, n)
	w := make([]float64, last-first)
	for o := lo; o < hi; o++ {
		l, h := box(o, n)
		for x := l; x < h; x++ {
			w[x-first] += 1 / float64((hi-lo)*(h-l))
		}
	}
	f := fixed(w)
	mirrored := slices.Clone(f)
	slices.Reverse(mirrored)
	return tap{first, f, len(f)%2 == 1 && slices.Equal(f, mirrored)}
}

// box returns the half-open window that PDQ's box filter averages at pixel at.
// Even windows reach one pixel further to the right.
func box(at, n int) (lo, hi int) {
	window := (n + 127) / 128
	half := (window + 2) / 2
	return max(0, at-(window-half)), min(n, at+half)
}

// fixed rounds weights to fixed point and puts what is missing from one on the
// middle.
func fixed(w []float64) []uint64 {
	f := make([]uint64, len(w))
	rest := uint64(1 << weightBits)
	for i, v := range w {
		f[i] = uint64(math.Round(v * (1 << weightBits)))
		rest -= f[i]
	}
	f[len(f)/2] += rest
	return f
}

// samples is the filtered picture at 64x64, fractionBits fractional bits.
type samples [pdqSide][pdqSide]int64

// sample filters the part r of a luma plane.
func sample(p plane, r image.Rectangle) *samples {
	xs, ys := tents(r.Dx()), tents(r.Dy())
	columns := make([][pdqSide]uint64, r.Dy())
	for y := range columns {
		row := p.pix[(r.Min.Y+y)*p.w+r.Min.X:][:r.Dx()]
		for k := range xs {
			columns[y][k] = xs[k].of(row) >> (weightBits + lumaBits - fractionBits)
		}
	}
	var s samples
	for j, t := range ys {
		for k := range pdqSide {
			var sum uint64
			for i, w := range t.weights {
				sum += columns[t.first+i][k] * w
			}
			s[j][k] = int64(sum >> weightBits)
		}
	}
	return &s
}

// The tent is narrow: at 512 pixels it covers 7 of the 8 pixels between two
// samples. Fine regular patterns (checks, stripes, knitwear) pass through it
// and reappear as coarse ones, and others at every size of the picture: scaled
// copies of 3 of 668 product photos lay 50 to 70 bits from their originals.
// That belongs to PDQ and must be kept for the sake of exchanged lists. So a
// picture whose code would be another one without that gets one code more, of
// the same 64x64 samples averaged over their whole cells. Averages of averages
// are averages, so this code hardly depends on the size: the same copies are
// within 26 bits of it (of copies made with cruder filters than averaging, 2 of
// 4,008 remain beyond 46). It is kept only if it differs from the code of the full
// frame by smoothBits or more, one photo in nine; where it does not, the full
// frame's code is near enough to the other picture's smooth one.
//
// Tried before and not enough: averaging to 192 or 128 pixels first (the tent
// then misses at that size), and a wider radius (accuses the innocent).

// smoothBits is the distance of the full frame's code from the smooth one from
// which the latter is kept.
const smoothBits = 16

// average samples a plane by the means of 64x64 cells instead of PDQ's tent.
func average(p plane) *samples {
	r := newReducer[uint16](p.w, p.h, pdqSide, pdqSide, 1)
	for y := range p.h {
		r.add(p.pix[y*p.w:][:p.w])
	}
	var s samples
	for i, v := range r.out {
		s[i/pdqSide][i%pdqSide] = int64(v) << (fractionBits - lumaBits)
	}
	return &s
}

// quality is PDQ's measure of detail: the sum of steps between neighbouring
// samples, each in hundredths of the range and cut to an integer, over 90; at
// most 100.
func (s *samples) quality() int {
	step := func(u, v int64) int64 {
		d := max(u-v, v-u)
		return int64(uint64(d*100) / (255 << fractionBits))
	}
	var sum int64
	for j := range pdqSide {
		for k := range pdqSide {
			if j+1 < pdqSide {
				sum += step(s[j][k], s[j+1][k])
			}
			if k+1 < pdqSide {
				sum += step(s[j][k], s[j][k+1])
			}
		}
	}
	return int(min(sum/90, 100))
}

// block is the 16x16 DCT coefficients of row and column frequencies 1 to 16.
type block [pdqBlock * pdqBlock]int64

// cosines is the 16x64 matrix of the DCT-II, sqrt(2/64) cos(pi/128 i (2j+1))
// for i = 1..16, with weightBits fractional bits.
var cosines = func() (m [pdqBlock][pdqSide]int64) {
	for i := range m {
		for j := range m[i] {
			c := math.Sqrt(2.0/pdqSide) * math.Cos(math.Pi/2/pdqSide*float64((i+1)*(2*j+1)))
			m[i][j] = int64(math.Round(c * (1 << weightBits)))
		}
	}
	return m
}()

// dct multiplies with the cosines from both sides. Sums stay below 2^56. A cosine of
// odd frequency is odd about the middle, one of even frequency is even and, on half of
// the samples, the cosine of half the frequency. So samples are first folded upon each
// other; the sums are the same.
func (s *samples) dct() *block { return s.dctTo(new(block)) }

// dctTo is dct into b, which it returns.
func (s *samples) dctTo(b *block) *block {
	var folded [pdqSide][pdqSide]int64
	foldRows(&folded, s)
	for i := range pdqBlock {
		var h, f [pdqSide]int64
		at, n := foldedPart(i)
		c := &cosines[i]
		for j := 0; j < n; j += 2 {
			u, v := &folded[at+j], &folded[at+j+1]
			cu, cv := c[j], c[j+1]
			for k := range h {
				h[k] += cu*u[k] + cv*v[k]
			}
		}
		for k := range h {
			h[k] >>= weightBits
		}
		fold(&f, &h)
		for j := range pdqBlock {
			at, n := foldedPart(j)
			var sum int64
			for k, v := range f[at:][:n] {
				sum += v * cosines[j][k]
			}
			b[pdqBlock*i+j] = sum >> weightBits
		}
	}
	return b
}

// foldedPart is where the folded samples stand that frequency i+1 is made of: odd ones
// need the 32 differences, those divisible by two but not by four the 16 differences of
// sums, and so on.
func foldedPart(i int) (at, n int) {
	switch f := i + 1; {
	case f%2 == 1:
		return 0, 32
	case f%4 == 2:
		return 32, 16
	case f%8 == 4:
		return 48, 8
	}
	return 56, 8
}

// fold adds and subtracts samples that lie opposite to each other: 32 differences, then of
// the sums again 16, then 8, and the 8 sums that are left.
func fold(to, s *[pdqSide]int64) {
	sums := *s
	for at, n := 0, pdqSide/2; n >= 8; at, n = at+n, n/2 {
		for j := range n {
			u, v := sums[j], sums[2*n-1-j]
			to[at+j], sums[j] = u-v, u+v
		}
	}
	copy(to[pdqSide-8:], sums[:8])
}

// foldRows is fold for the columns of s.
func foldRows(to *[pdqSide][pdqSide]int64, s *samples) {
	for j := range pdqSide / 2 {
		opposite(&to[j], &to[pdqSide/2+j], &s[j], &s[pdqSide-1-j])
	}
	for at, n := pdqSide/2, pdqSide/4; n >= 8; at, n = at+n, n/2 {
		var sums [pdqSide / 4][pdqSide]int64
		for j := range n {
			opposite(&to[at+j], &sums[j], &to[at+j], &to[at+2*n-1-j])
		}
		copy(to[at+n:], sums[:n])
	}
}

// opposite writes the differences and the sums of two rows.
func opposite(differences, sums, u, v *[pdqSide]int64) {
	for k := range u {
		a, b := u[k], v[k]
		differences[k], sums[k] = a-b, a+b
	}
}

// signs returns the codes of the picture as it is and mirrored in both ways.
func (b *block) signs() (s signs) {
	for p := range s {
		flipped := *b
		for i := range flipped {
			if flipMasks[p][i/64]>>(i%64)&1 != 0 {
				flipped[i] = -flipped[i]
			}
		}
		s[p] = flipped.code()
	}
	return s
}

// median is the 128th smallest coefficient, found by selection: what cannot be it is left
// out, time and again (Hoare 1961, "Algorithm 65: find").
func (b *block) median() int64 {
	left := *b
	lo, hi, want := 0, len(left)-1, len(left)/2-1
	for lo < hi {
		u, v, w := left[lo], left[(lo+hi)/2], left[hi]
		pivot := max(min(u, v), min(max(u, v), w))
		i, j := lo, hi
		for i <= j {
			for left[i] < pivot {
				i++
			}
			for left[j] > pivot {
				j--
			}
			if i <= j {
				left[i], left[j] = left[j], left[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case want <= j:
			hi = j
		case want >= i:
			lo = i
		default:
			return left[want]
		}
	}
	return left[want]
}

// code sets a bit for each coefficient above the median, the 128th smallest.
func (b *block) code() (c Code) {
	median := b.median()
	for i, v := range b {
		if v > median {
			c[i/64] |= 1 << (i % 64)
		}
	}
	return c
}
