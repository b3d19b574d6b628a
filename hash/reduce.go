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
//
// Since sums are exact, their order is free. Reducing each row in width as it
// comes, and then adding, is the obvious order; it walks short uneven runs of
// pixels for every row. Here whole rows are added first, several pixels to a
// machine word, and width is reduced once for a row of the output: a third of
// the time. The colours of a picture have a reducer of their own
// (colours.go).

// level is a channel's value in a picture: 8 bits, or 16 for fine luma.
type level interface{ ~uint8 | ~uint16 }

// span is the run of input pixels that one output pixel covers in width: a
// first part, whole pixels of outW each, and a last part. The parts add up to
// inW. The number of whole pixels is one of two for all spans. The lower of the
// two is the same for all, so that no branch depends on it; the pixel behind
// those is whole or the last part, and the one behind that the last part or
// nothing.
type span struct {
	x                  int
	first, then, after uint64 // weights
}

// layOut returns the spans of outW pixels over inW, in the room of spans, and the
// number of whole pixels that all have. They reach at most 2 pixels beyond the
// input, with no weight.
func layOut(spans []span, inW, outW int) ([]span, int) {
	spans = sized(spans, outW)
	most := max(0, inW/outW-1)
	for i := range spans {
		x := i * inW / outW
		first := min((x+1)*outW-i*inW, inW)
		whole, last := (inW-first)/outW, uint64((inW-first)%outW)
		spans[i] = span{x, uint64(first), last, 0}
		if whole > most {
			spans[i].then, spans[i].after = uint64(outW), last
		}
	}
	return spans, most
}

// sized returns s with n elements of any content, in the same room if it is
// enough.
func sized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}

// reducer averages rows of interleaved channels as they come, top to bottom.
type reducer[T level] struct {
	inW, inH, outW, outH, ch int
	y, outY                  int // next input and output row
	spans                    []span
	whole                    int      // pixels that every span covers wholly
	sums                     []uint64 // of the output row being filled, for each value of an input row
	filled                   bool     // there is something in sums
	out                      []T      // outH rows of outW*ch values
}

func newReducer[T level](inW, inH, outW, outH, ch int) *reducer[T] {
	r := new(reducer[T])
	r.reset(inW, inH, outW, outH, ch)
	return r
}

// reset begins another picture in the same room. The output is new.
func (r *reducer[T]) reset(inW, inH, outW, outH, ch int) {
	spans, whole := layOut(r.spans, inW, outW)
	*r = reducer[T]{inW: inW, inH: inH, outW: outW, outH: outH, ch: ch, spans: spans, whole: whole,
		sums: sized(r.sums, (inW+2)*ch), out: make([]T, outW*outH*ch)}
}

// add takes the next input row.
func (r *reducer[T]) add(row []T) {
	row = row[:r.inW*r.ch]
	if r.inW == r.outW && r.inH == r.outH {
		copy(r.out[r.y*len(row):], row)
		r.y++
		return
	}
	lo, hi := r.y*r.outH, (r.y+1)*r.outH
	r.y++
	for lo < hi {
		full := (r.outY + 1) * r.inH
		end := min(hi, full)
		weigh(r.sums[:len(row)], row, uint64(end-lo), r.filled)
		r.filled = end < full
		if end == full {
			r.flush()
		}
		lo = end
	}
}

// weigh adds a row to sums, or begins them with it.
func weigh[T level](sums []uint64, row []T, part uint64, add bool) {
	if !add {
		for i := range sums {
			sums[i] = uint64(row[i]) * part
		}
		return
	}
	for i := range sums {
		sums[i] += uint64(row[i]) * part
	}
}

// flush reduces the sums in width and divides them by the area.
func (r *reducer[T]) flush() {
	div := newDivider(uint64(r.inW) * uint64(r.inH))
	out := r.out[r.outY*r.outW*r.ch:][:r.outW*r.ch]
	r.outY++
	if r.ch > 1 {
		for c := range r.ch {
			for i, s := range r.spans {
				out[i*r.ch+c] = T(div.round(r.mixed(s, c)))
			}
		}
		return
	}
	for i, s := range r.spans {
		run := r.sums[s.x : s.x+r.whole+3]
		var whole uint64
		for _, v := range run[1 : r.whole+1] {
			whole += v
		}
		out[i] = T(div.round(run[0]*s.first + whole*uint64(r.outW) + run[r.whole+1]*s.then + run[r.whole+2]*s.after))
	}
}

// mixed weighs the sums of one of several channels.
func (r *reducer[T]) mixed(s span, c int) uint64 {
	run, at := r.sums[s.x*r.ch+c:], r.ch
	var whole uint64
	for range r.whole {
		whole += run[at]
		at += r.ch
	}
	return run[0]*s.first + whole*uint64(r.outW) + run[at]*s.then + run[at+r.ch]*s.after
}

// divider divides values of at most 16 bits, times a number, by that number, of
// at most 2^46.
type divider struct {
	by, inverse uint64
	exact       bool
}

func newDivider(by uint64) divider {
	d := divider{by, math.MaxUint64 / by, by > 1 && by <= 1<<24}
	if d.exact {
		d.inverse++
	}
	return d
}

// round returns v over the divisor to nearest, halves up. The inverse of a small
// divisor is too large by less than what could change the quotient (Granlund and
// Montgomery 1994, "Division by invariant integers using multiplication"); that
// of a large one makes it too small by one at the most.
func (d divider) round(v uint64) uint64 {
	v += d.by / 2
	q, _ := bits.Mul64(v, d.inverse)
	if !d.exact && v-q*d.by >= d.by {
		q++
	}
	return q
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
