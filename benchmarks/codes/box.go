package codes

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
)

// A photo of a product is taken to be one upright box in the frame. Its centre
// is (0.5 + 0.03 N, 0.5 + 0.03 N), its half sides are uniform in 0.30 to 0.48
// of the frame (N is standard normal, a new one each time). The coefficient of
// its DCT at the vertical frequency i and the horizontal one j, both 1 to 16, is
//
//	4 cos(pi i y) sin(pi i hy) cos(pi j x) sin(pi j hx)
//
// times a strength, 1.3 exp(0.4 N) on white and 0.6 exp(0.5 N) in a natural
// scene, times a sign, positive with probability 0.85 on white and 0.5 in a
// natural scene. Noise N is added to each; the 128 largest coefficients are
// ones, at bit 16 (i-1) + j-1.
//
// 31 % of the white photos and 1.4 % of the natural ones are relatives of the
// latest free one of their class: the same box, strength and sign, and the
// noise sqrt(1 - e^2) old + e new, e uniform in 0 to 0.7. They are up to about
// 64 bits apart.
//
// These constants were fitted to real product photos, families taken out:
// distances of pairs, bias of bits, and what a multi-index of 13 to 16 chunks
// must look at in the natural order of the bits and after a permutation.
// codes_test.go holds the figures.
//
// Speed: noise comes from a table of quantiles, 16 bits of a random number per
// coefficient; sines and cosines of multiples by rotation; the cut by counting
// instead of sorting. A code takes about two microseconds.

// unit is the fixed-point scale of coefficients: a standard deviation of the
// noise.
const unit = 1 << 12

// normals are the quantiles of the standard normal distribution in units.
type normals [1 << 16]int32

func newNormals() *normals {
	n := new(normals)
	for i := range n {
		p := (float64(i) + 0.5) / float64(len(n))
		n[i] = int32(math.Round(unit * math.Sqrt2 * math.Erfinv(2*p-1)))
	}
	return n
}

// noise is a normal value per coefficient.
type noise [256]int32

func (n *normals) fill(to *noise, r *rand.Rand) {
	for i := 0; i < len(to); i += 4 {
		u := r.Uint64()
		to[i] = n[uint16(u)]
		to[i+1] = n[uint16(u>>16)]
		to[i+2] = n[uint16(u>>32)]
		to[i+3] = n[uint16(u>>48)]
	}
}

func (n *normals) one(r *rand.Rand) float64 { return float64(n[uint16(r.Uint32())]) / unit }

// class is white or natural.
type class struct {
	strength, spread float64 // strength exp(spread N)
	positive         float64 // probability of the positive sign
	related          float64 // share of relatives

	any    bool  // there is a free one
	signal noise // of the latest free one, and its noise
	noise  noise
}

type box struct {
	even
	normals *normals
	white   float64  // share of the white class
	classes [2]class // white, natural
	scratch noise
}

func newBox(n *normals, r *rand.Rand, white float64) *box {
	return &box{
		even: even{r}, normals: n, white: white,
		classes: [2]class{
			{strength: 1.3, spread: 0.4, positive: 0.85, related: 0.31},
			{strength: 0.6, spread: 0.5, positive: 0.5, related: 0.014},
		},
	}
}

func (b *box) class() *class {
	if b.r.Float64() < b.white {
		return &b.classes[0]
	}
	return &b.classes[1]
}

func (b *box) fresh() hash.Code {
	c := b.class()
	b.free(c)
	return cut(&c.signal, &c.noise)
}

func (b *box) next() hash.Code {
	c := b.class()
	if c.any && b.r.Float64() < c.related {
		return b.relative(c)
	}
	b.free(c)
	return cut(&c.signal, &c.noise)
}

// free draws a photo that is no relative of another.
func (b *box) free(c *class) {
	c.any = true
	strength := c.strength * math.Exp(c.spread*b.normals.one(b.r))
	if b.r.Float64() >= c.positive {
		strength = -strength
	}
	x, y := b.side(), b.side()
	for i := range y {
		v := 4 * unit * strength * y[i]
		for j := range x {
			c.signal[16*i+j] = int32(v * x[j])
		}
	}
	b.normals.fill(&c.noise, b.r)
}

// side draws where the box lies along one axis and returns its 16 factors
// cos(pi k centre) sin(pi k half), k from 1.
func (b *box) side() (f [16]float64) {
	centre := 0.5 + 0.03*b.normals.one(b.r)
	half := 0.30 + 0.18*b.r.Float64()
	sc, cc := math.Sincos(math.Pi * centre)
	sh, ch := math.Sincos(math.Pi * half)
	s, c, t, d := sc, cc, sh, ch // sine and cosine of k centre, of k half
	for k := range f {
		f[k] = c * t
		s, c = turned(s, c, sc, cc)
		t, d = turned(t, d, sh, ch)
	}
	return f
}

// turned returns the sine and cosine of the sum of two angles. The conversions
// keep compilers from fusing products and sums, which would round otherwise.
func turned(s, c, s1, c1 float64) (float64, float64) {
	return float64(s*c1) + float64(c*s1), float64(c*c1) - float64(s*s1)
}

// relative draws a relative of the latest free photo of a class.
func (b *box) relative(c *class) hash.Code {
	e := 0.7 * b.r.Float64()
	old := math.Sqrt(1 - float64(e*e))
	b.normals.fill(&b.scratch, b.r)
	for i, n := range b.scratch {
		b.scratch[i] = int32(float64(old*float64(c.noise[i])) + float64(e*float64(n)))
	}
	return cut(&c.signal, &b.scratch)
}

// cut sets the bits of the 128 largest sums of signal and noise. Of equal ones
// the later is the larger.
//
// Sums are counted in bins of 1/64 of the noise's standard deviation about zero,
// where the cut nearly always lies; only the bin that holds it is sorted. The
// outermost bins take all that is beyond, so that the result is right wherever
// the cut lies.
func cut(signal, noise *noise) (c hash.Code) {
	var keys [256]int32
	var counts [256]uint16
	for i := range keys {
		v := signal[i] + noise[i]
		keys[i] = v<<8 | int32(i) // |v| stays far below 2^23
		counts[bin(v)]++
	}
	above, at := 0, len(counts)-1 // sums in bins above at
	for above+int(counts[at]) < 128 {
		above += int(counts[at])
		at--
	}
	var store [256]int32
	inside := store[:0]
	for _, k := range keys {
		if bin(k>>8) == at {
			inside = append(inside, k)
		}
	}
	slices.Sort(inside)
	least := inside[len(inside)-(128-above)]
	for i, k := range keys {
		c[i/64] |= uint64(^uint32(k-least)>>31) << (i % 64)
	}
	return c
}

// bin returns the bin of a sum, 0 to 255.
func bin(v int32) int { return int(min(max(v>>6+128, 0), 255)) }
