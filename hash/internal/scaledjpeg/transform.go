package scaledjpeg

import (
	"math"
	"math/bits"
)

// From the low coefficients of a block to the means of its parts.
//
// libjpeg's scaled decoding takes the k x k lowest coefficients for those of a picture of
// k x k. That is nearly, but not quite, the mean over the pixels that a sample stands
// for: the mean of a cosine over a run of pixels is the cosine at its middle, times a
// factor below one. With the factor the samples are true means, whatever the scale,
// and so pictures of different scales agree.
//
// With M[x][u] the mean of cosine u over the pixels of sample x (a pixel that two
// samples share counts by the part; T.81, A.3.3 for the cosines), the samples are M C M'.
// M is symmetric about the middle, so that a few factors, one for each coefficient,
// can be drawn into the quantisation table, and what is left are sums:
//
//	k = 2   x0 = c0 + c1              k = 4   x0 = c0 + c2 + (c1 + t c3')
//	        x1 = c0 - c1                      x1 = c0 - c2 + (t c1 - c3')
//	k = 3   x0 = c0 + c1 + c2                 x2 = c0 - c2 - (t c1 - c3')
//	        x1 = c0 - 2 c2                    x3 = c0 + c2 - (c1 + t c3')
//	        x2 = c0 - c1 + c2
//
// where t = tan(pi/8).

// scaleBits are the fractional bits while a block is transformed.
const scaleBits = 14

// meanBits are the fractional bits of cosineMeans: so many that no divisor of 8 bits comes
// to another factor than the exact means would give.
const meanBits = 44

// cosineMeans lists, for each k, the mean of cosine u over the first sample with the norm
// of the DCT (1/sqrt(8) for u = 0, else 1/2), in the order of u; for k = 4 and u = 3 over the
// second one, with its sign changed. They are integers so that they are the same on every CPU.
var cosineMeans = [MaxScale + 1][MaxScale]uint64{
	1: {6219777023951},
	2: {6219777023951, 5635910671597},
	3: {6219777023951, 7199497843574, 3468213749624},
	4: {6219777023951, 7970381308096, 5746324689212, 6756963005625},
}

// factor is what coefficient (v, u) of a block is multiplied by at scale k: its divisor and
// the means of both cosines, rounded to scaleBits + Fraction fractional bits.
func factor(k, v, u int, divisor uint16) int64 {
	const drop = 2*meanBits - (scaleBits + Fraction) - 64
	high, _ := bits.Mul64(uint64(divisor)*cosineMeans[k][v], cosineMeans[k][u])
	return int64((high + 1<<(drop-1)) >> drop)
}

// tangent is tan(pi/8) with scaleBits fractional bits.
const tangent = 6786

// zigzag lists row and column frequency of each coefficient (T.81, figure A.6).
var zigzag = func() (z [64][2]int) {
	i := 0
	for sum := range 15 {
		for j := range sum + 1 {
			v, u := j, sum-j
			if sum%2 == 0 {
				v, u = u, v
			}
			if v < 8 && u < 8 {
				z[i] = [2]int{v, u}
				i++
			}
		}
	}
	return z
}()

// lastWanted is the last coefficient, in zig-zag order, that a scale uses.
var lastWanted = [8]int{1: 0, 2: 4, 3: 12, 4: 24}

// unwanted is where coefficients go that the scale does not use.
const unwanted = MaxScale * MaxScale

// scaler transforms the blocks of one component.
type scaler struct {
	scale int
	place [64]uint8           // from zig-zag order to k*v+u, or unwanted
	table [unwanted + 1]int64 // quantisation and the factors of M
	coefs [32]int32           // of the block at hand
}

// set prepares a scale and a quantisation table in zig-zag order.
func (s *scaler) set(k int, quant *[64]uint16) {
	s.scale = k
	for i, at := range zigzag {
		s.place[i] = unwanted
		if v, u := at[0], at[1]; v < k && u < k {
			s.place[i] = uint8(k*v + u)
			s.table[k*v+u] = factor(k, v, u, quant[i])
		}
	}
}

// halve takes coefficients in half units from now on.
func (s *scaler) halve() {
	for i := range s.table {
		s.table[i] = (s.table[i] + 1) >> 1
	}
}

const middle = 128<<(scaleBits+Fraction) + 1<<(scaleBits-1)

// dequantised returns coefficient i times its factor: below 2^62 for any mean that a
// file can make, and below 2^46 for the others, so that no sum overflows.
func (s *scaler) dequantised(c int32, i int) int64 { return int64(c) * s.table[i] }

// sample rounds to the fraction of a plane.
func sample(v int64) int16 {
	return int16(min(max((v+middle)>>scaleBits, math.MinInt16), math.MaxInt16))
}

// block writes the samples of the block whose quantised coefficients are in coefs,
// at k*v+u.
func (s *scaler) block(dst []int16, stride int) {
	c := &s.coefs
	switch s.scale {
	case 1:
		dst[0] = sample(s.dequantised(c[0], 0))
	case 2:
		s.block2(dst, stride)
	case 3:
		s.block3(dst, stride, c)
	case 4:
		s.block4(dst, stride, c)
	}
}

func (s *scaler) block2(dst []int16, stride int) {
	c := &s.coefs
	a, b := s.dequantised(c[0], 0), s.dequantised(c[1], 1)
	d, e := s.dequantised(c[2], 2), s.dequantised(c[3], 3)
	top, bottom := dst[:2], dst[stride:][:2]
	top[0], top[1] = sample(a+b+d+e), sample(a-b+d-e)
	bottom[0], bottom[1] = sample(a+b-d-e), sample(a-b-d+e)
}

func (s *scaler) block3(dst []int16, stride int, c *[32]int32) {
	var h [9]int64
	for v := range 3 {
		a, b, d := s.dequantised(c[3*v], 3*v), s.dequantised(c[3*v+1], 3*v+1), s.dequantised(c[3*v+2], 3*v+2)
		h[3*v], h[3*v+1], h[3*v+2] = a+b+d, a-2*d, a-b+d
	}
	for x := range 3 {
		a, b, d := h[x], h[3+x], h[6+x]
		dst[x], dst[stride+x], dst[2*stride+x] = sample(a+b+d), sample(a-2*d), sample(a-b+d)
	}
}

func (s *scaler) block4(dst []int16, stride int, c *[32]int32) {
	var h [16]int64
	for v := range 4 {
		q := h[4*v : 4*v+4]
		q[0], q[1], q[2], q[3] = four(s.dequantised(c[4*v], 4*v), s.dequantised(c[4*v+1], 4*v+1),
			s.dequantised(c[4*v+2], 4*v+2), s.dequantised(c[4*v+3], 4*v+3))
	}
	for x := range 4 {
		a, b, d, e := four(h[x], h[4+x], h[8+x], h[12+x])
		dst[x], dst[stride+x], dst[2*stride+x], dst[3*stride+x] = sample(a), sample(b), sample(d), sample(e)
	}
}

// four is M for k = 4.
func four(a, b, c, d int64) (w, x, y, z int64) {
	outer, inner := b+d*tangent>>scaleBits, b*tangent>>scaleBits-d
	return a + c + outer, a - c + inner, a - c - inner, a + c - outer
}
