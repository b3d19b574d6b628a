package hash

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

// reducer averages rows of interleaved channels as they come, top to bottom.
type reducer[T level] struct {
	inW, inH, outW, outH, ch int
	y, outY                  int      // next input and output row
	row                      []uint64 // one input row, reduced in width
	acc                      []uint64 // the output row being filled
	out                      []T      // outH rows of outW*ch values
}

func newReducer[T level](inW, inH, outW, outH, ch int) *reducer[T] {
	return &reducer[T]{
		inW: inW, inH: inH, outW: outW, outH: outH, ch: ch,
		row: make([]uint64, outW*ch), acc: make([]uint64, outW*ch), out: make([]T, outW*outH*ch),
	}
}

// add takes the next input row.
func (r *reducer[T]) add(row []T) {
	r.addWidth(row)
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

func (r *reducer[T]) flush() {
	area := uint64(r.inW) * uint64(r.inH)
	out := r.out[r.outY*r.outW*r.ch:]
	for i, v := range r.acc {
		out[i] = T((v + area/2) / area)
	}
	clear(r.acc)
	r.outY++
}

// addWidth reduces one row in width into r.row. The parts of an output pixel
// add up to inW: a first part, whole pixels of outW each, a last part.
func (r *reducer[T]) addWidth(row []T) {
	for c := range r.ch {
		for i := range r.outW {
			x := i * r.inW / r.outW
			part := min((x+1)*r.outW-i*r.inW, r.inW)
			sum := uint64(row[x*r.ch+c]) * uint64(part)
			var whole uint64
			rest := r.inW - part
			for x++; rest >= r.outW; x++ {
				whole += uint64(row[x*r.ch+c])
				rest -= r.outW
			}
			sum += whole * uint64(r.outW)
			if rest > 0 {
				sum += uint64(row[x*r.ch+c]) * uint64(rest)
			}
			r.row[i*r.ch+c] = sum
		}
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
