package hash

import (
	"math"
	"math/bits"
)

// Reduction by area: each output pixel is the mean of the rectangle of the
// input that it covers, parts of pixels counted by the part. It is the only
// resampling of recipe 1.
//
// With weights as floating-point numbers the result would depend on the order
// of additions and on whether the CPU fuses them with multiplications. Here
// the input pixel j spans [j*out, (j+1)*out) and the output pixel i spans
// [i*in, (i+1)*in) on the same integer axis, so overlaps are integers, the sum
// is exact, and the only rounding is the last division (to nearest, halves
// up). Sums stay below 2^16 * in_w * in_h, which fits for sides up to 2^23.

// level is a channel's value in a picture: 8 bits, or 16 for fine luma.
type level interface{ ~uint8 | ~uint16 }

// span is the run of input pixels that one output pixel covers in width: a
// first part, whole pixels of outW each, and a last part (0 if there is none).
// The parts add up to inW.
type span struct {
	x, whole    int
	first, last uint64
}

// reducer averages rows of interleaved channels as they come, top to bottom.
type reducer[T level] struct {
	inW, inH, outW, outH, ch int
	y, outY                  int // next input and output row
	spans                    []span
	row                      []uint64 // one input row, reduced in width
	acc                      []uint64 // the output row being filled
	out                      []T      // outH rows of outW*ch values
}

func newReducer[T level](inW, inH, outW, outH, ch int) *reducer[T] {
	r := &reducer[T]{
		inW: inW, inH: inH, outW: outW, outH: outH, ch: ch, spans: make([]span, outW),
		row: make([]uint64, outW*ch), acc: make([]uint64, outW*ch), out: make([]T, outW*outH*ch),
	}
	for i := range r.spans {
		x := i * inW / outW
		first := min((x+1)*outW-i*inW, inW)
		r.spans[i] = span{x, (inW - first) / outW, uint64(first), uint64((inW - first) % outW)}
	}
	return r
}

// add takes the next input row.
func (r *reducer[T]) add(row []T) {
	if r.inW == r.outW && r.inH == r.outH {
		copy(r.out[r.y*len(r.row):], row[:len(r.row)])
		r.y++
		return
	}
	for c := range r.ch {
		r.addWidth(row[c:], c)
	}
	lo, hi := r.y*r.outH, (r.y+1)*r.outH
	r.y++
	for lo < hi {
		full := (r.outY + 1) * r.inH
		end := min(hi, full)
		part := uint64(end - lo)
		for i, v := range r.row {
			r.acc[i] += v * part
		}
		if end == full {
			r.flush()
		}
		lo = end
	}
}

// flush divides by the area. The quotient is estimated by a multiplication and
// is then one too small at the most.
func (r *reducer[T]) flush() {
	area := uint64(r.inW) * uint64(r.inH)
	inverse := math.MaxUint64 / area
	out := r.out[r.outY*len(r.acc):][:len(r.acc)]
	for i, v := range r.acc {
		v += area / 2
		q, _ := bits.Mul64(v, inverse)
		if v-q*area >= area {
			q++
		}
		out[i] = T(q)
	}
	clear(r.acc)
	r.outY++
}

// addWidth reduces one channel of a row in width into r.row.
func (r *reducer[T]) addWidth(row []T, c int) {
	scale := uint64(r.outW)
	for i, s := range r.spans {
		x := s.x * r.ch
		sum := uint64(row[x]) * s.first
		var whole uint64
		for range s.whole {
			x += r.ch
			whole += uint64(row[x])
		}
		sum += whole * scale
		if s.last > 0 {
			sum += uint64(row[x+r.ch]) * s.last
		}
		r.row[i*r.ch+c] = sum
	}
}

// fit scales w x h down so that the long side is at most side; the short one
// is rounded to nearest and at least 1.
func fit(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	scale := func(n int) int { return max(1, (2*n*side+long)/(2*long)) }
	return scale(w), scale(h)
}
