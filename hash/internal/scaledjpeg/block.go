package scaledjpeg

import (
	"encoding/binary"
	"math"
)

// The blocks of a scan. Each function keeps the state of the reader in registers and
// puts it back at its end; what goes wrong is reported, not told: the file is left to
// image/jpeg then, which says what it is.

// difference reads the first coefficient of a block less that of the block before
// (T.81, F.2.2.1).
func (r *reader) difference(dc *huffman) (int32, bool) {
	r.fill()
	if e := dc.direct[r.acc>>(64-directBits)]; e&0xff != 0 {
		r.drop(uint64(e & 0xff))
		return int32(e) >> 16, true
	}
	return r.longDifference(dc)
}

// longDifference is difference where code and value have more than directBits. At least
// 32 bits must count.
func (r *reader) longDifference(dc *huffman) (int32, bool) {
	size, n := dc.symbol(r.acc)
	if n == 0 || size > 16 {
		return 0, false
	}
	r.drop(n)
	return extend(r.take(uint64(size)), uint64(size)), true
}

// extend gives the value of n bits their sign (T.81, F.12): the lower half are the
// negative ones.
func extend(v, n uint64) int32 {
	if v < 1<<n>>1 {
		return int32(v) + 1 - 1<<n
	}
	return int32(v)
}

// mean reads the first coefficient, less that of the block before, and walks over
// the others.
func (r *reader) mean(dc, ac *huffman) (int32, bool) {
	diff, ok := r.difference(dc)
	return diff, ok && r.walk(ac, 1)
}

// step is one block of a unit of which only the means are wanted.
type step struct {
	dc, ac *huffman
	lane   *lane
	at     int // from the first block of the unit on
}

// unitOfMeans reads a unit of which only the means are wanted: mean for each block, with
// nothing between. The first block of each lane lies at its place. The loop of walk is
// repeated here and in quarter because calls between cost 8 % of the time of a picture of
// 1000x1000 pixels (1.30 ms in place of 1.20).
func (r *reader) unitOfMeans(steps []step) bool {
	acc, n, pos := r.acc, r.n, r.pos
	for i := range steps {
		st := &steps[i]
		acc |= binary.BigEndian.Uint64(r.buf[pos:]) >> (n & 63)
		pos += int(63-n) >> 3
		n |= 56
		d := st.dc.direct[acc>>(64-directBits)]
		if d&0xff == 0 {
			r.acc, r.n, r.pos = acc, n, pos
			diff, ok := r.longDifference(st.dc)
			if !ok || !r.walk(st.ac, 1) {
				return false
			}
			acc, n, pos = r.acc, r.n, r.pos
			st.lane.put(st.at, diff)
			continue
		}
		acc <<= d & 63
		n -= uint64(d & 0xff)
		st.lane.put(st.at, int32(d)>>16)
		ac := st.ac
		k := 1
		for {
			// An entry takes 27 bits at most, so there is enough for one after the first
			// coefficient, and for two after filling up.
			e := uint64(ac.walk[acc>>(64-walkBits)])
			if k += int(e >> 8); k < 64 {
				acc <<= e & 63
				n -= e & 63
				acc |= binary.BigEndian.Uint64(r.buf[pos:]) >> (n & 63)
				pos += int(63-n) >> 3
				n |= 56
				e = uint64(ac.walk[acc>>(64-walkBits)])
				if k += int(e >> 8); k < 64 {
					acc <<= e & 63
					n -= e & 63
					continue
				}
			}
			if k == 64 || k >= walkEnd && k < walkEnd+64 {
				acc <<= e & 63
				n -= e & 63
				break
			}
			// The entry leads beyond the block, or nowhere: go by single symbols.
			r.acc, r.n, r.pos = acc, n, pos
			if !r.passSingly(ac, k-int(e>>8)) {
				return false
			}
			acc, n, pos = r.acc, r.n, r.pos
			break
		}
	}
	r.acc, r.n, r.pos = acc, n, pos
	return true
}

// put writes the sample of a block, its mean, that lies at the given distance from the place of
// the lane.
func (l *lane) put(at int, diff int32) {
	l.predicted += diff
	l.pix[l.place+at] = clip16(int64(l.predicted)*l.step + 128<<Fraction)
}

// walk passes the AC coefficients of a block from k on.
func (r *reader) walk(ac *huffman, k int) bool {
	acc, n, pos := r.acc, r.n, r.pos
	for {
		if n < 27 {
			acc |= binary.BigEndian.Uint64(r.buf[pos:]) >> (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		e := uint64(ac.walk[acc>>(64-walkBits)])
		k += int(e >> 8)
		if k >= 64 {
			if k == 64 || k >= walkEnd && k < walkEnd+64 {
				r.acc, r.n, r.pos = acc<<(e&63), n-(e&63), pos
				return true
			}
			// The entry leads beyond the block, or nowhere: go by single symbols.
			r.acc, r.n, r.pos = acc, n, pos
			return r.passSingly(ac, k-int(e>>8))
		}
		acc <<= e & 63
		n -= e & 63
	}
}

// passSingly passes the AC coefficients from k on, one by one.
func (r *reader) passSingly(ac *huffman, k int) bool {
	for k < 64 {
		r.fill()
		s, n := ac.symbol(r.acc)
		if n == 0 {
			return false
		}
		r.drop(n)
		run, size := int(s>>4), uint64(s&15)
		switch {
		case size > 0:
			r.drop(size)
		case run == 0:
			return true
		case run < 15:
			return false
		}
		k += run + 1
	}
	return k == 64
}

// low reads the first coefficient, less that of the block before, and those up to
// last, to the places that are given for them; it walks over the others.
func (r *reader) low(dc, ac *huffman, last int, place *[64]uint8, to *[32]int32) (int32, bool) {
	diff, ok := r.difference(dc)
	if !ok {
		return 0, false
	}
	acc, n, pos := r.acc, r.n, r.pos
	k := 1
	for k <= last {
		if n < 32 {
			acc |= binary.BigEndian.Uint64(r.buf[pos:]) >> (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		e := ac.direct[acc>>(64-directBits)]
		if e&0xff == 0 {
			r.acc, r.n, r.pos = acc, n, pos
			v, next, ok := r.long(ac, k)
			if !ok {
				return 0, false
			}
			acc, n, pos = r.acc, r.n, r.pos
			to[place[(next-1)&63]&31] = v
			k = next
			continue
		}
		acc <<= e & 63
		n -= uint64(e & 0xff)
		k += int(e >> 8 & 0xff)
		if k > 64 {
			r.acc, r.n, r.pos = acc, n, pos
			return diff, k >= walkEnd
		}
		to[place[(k-1)&63]&31] = int32(e) >> 16
	}
	r.acc, r.n, r.pos = acc, n, pos
	return diff, k == 64 || k >= walkEnd || r.walk(ac, k)
}

// quarter is low for two samples a side: it reads what is wanted of a block, in the order
// of place, and walks over the rest. It is low and walk with nothing between.
func (r *reader) quarter(dc, ac *huffman, c *[32]int32) bool {
	diff, ok := r.difference(dc)
	if !ok {
		return false
	}
	acc, n, pos := r.acc, r.n, r.pos
	var low [8]int32 // in zig-zag order; those beyond the fourth come together in the last
	k := 1
	for k <= 4 {
		if n < 32 {
			acc |= binary.BigEndian.Uint64(r.buf[pos:]) >> (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		e := ac.direct[acc>>(64-directBits)]
		v := int32(e) >> 16
		if e&0xff == 0 {
			r.acc, r.n, r.pos = acc, n, pos
			if v, k, ok = r.long(ac, k); !ok {
				return false
			}
			acc, n, pos = r.acc, r.n, r.pos
		} else {
			acc <<= e & 63
			n -= uint64(e & 0xff)
			k += int(e >> 8 & 0xff)
		}
		low[min(k-1, 7)&7] = v
	}
	c[0], c[1], c[2], c[3] = diff, low[1], low[2], low[4]
	if k >= 64 {
		r.acc, r.n, r.pos = acc, n, pos
		return k == 64 || k >= walkEnd
	}
	for {
		acc |= binary.BigEndian.Uint64(r.buf[pos:]) >> (n & 63)
		pos += int(63-n) >> 3
		n |= 56
		e := uint64(ac.walk[acc>>(64-walkBits)])
		if k += int(e >> 8); k < 64 {
			acc <<= e & 63
			n -= e & 63
			e = uint64(ac.walk[acc>>(64-walkBits)])
			if k += int(e >> 8); k < 64 {
				acc <<= e & 63
				n -= e & 63
				continue
			}
		}
		if k == 64 || k >= walkEnd && k < walkEnd+64 {
			r.acc, r.n, r.pos = acc<<(e&63), n-(e&63), pos
			return true
		}
		r.acc, r.n, r.pos = acc, n, pos
		return r.passSingly(ac, k-int(e>>8))
	}
}

// long reads a symbol and its value where they have more than directBits, or are none of
// the kind. It returns the value of the coefficient before next. At least 32
// bits must count.
func (r *reader) long(ac *huffman, k int) (v int32, next int, ok bool) {
	s, n := ac.symbol(r.acc)
	if n == 0 {
		return 0, 0, false
	}
	r.drop(n)
	run, size := int(s>>4), uint64(s&15)
	if size == 0 && run < 15 {
		return 0, walkEnd, run == 0
	}
	next = k + run + 1
	return extend(r.take(size), size), next, next <= 64
}

// band reads the coefficients of a band of a progressive scan (T.81, G.1.2.2), in
// half units, and returns how many of the blocks that follow are empty.
func (r *reader) band(ac *huffman, from, to int, bits uint, place *[64]uint8, kept []int16) (run int, ok bool) {
	for k := from; k <= to; {
		r.fill()
		v := int32(0)
		if e := ac.direct[r.acc>>(64-directBits)]; e&0xff != 0 {
			r.drop(uint64(e & 0xff))
			v = int32(e) >> 16
			k += int(e >> 8 & 0xff)
		} else {
			s, n := ac.symbol(r.acc)
			zeros, size := int(s>>4), uint64(s&15)
			if n == 0 {
				return 0, false
			}
			r.drop(n)
			if size == 0 && zeros < 15 {
				return 1<<zeros + int(r.take(uint64(zeros))) - 1, true
			}
			v = extend(r.take(size), size)
			k += zeros + 1
		}
		if k >= walkEnd {
			return 0, true
		}
		if k > to+1 {
			return 0, v == 0 // a run of zeros may lead beyond the band
		}
		if p := int(place[(k-1)&63]); p < len(kept) && v != 0 {
			kept[p] = halves(v, bits)
		}
	}
	return 0, true
}

// halves is the middle of what a coefficient can be of which so many bits are not
// read, in half units. The bits that are read are those of the magnitude.
func halves(v int32, bits uint) int16 {
	unread := int64(1)<<bits - 1
	if v < 0 {
		unread = -unread
	}
	return clip16(int64(v)<<(bits+1) + unread)
}

func clip16(v int64) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }
