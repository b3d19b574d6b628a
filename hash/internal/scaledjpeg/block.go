package scaledjpeg

import "encoding/binary"

// The blocks of a scan. Each function keeps the state of the reader in registers and
// puts it back at its end; what goes wrong is reported, not told: the file is left to
// image/jpeg then, which says what it is.

// difference reads the first coefficient of a block less that of the block before
// (T.81, F.2.2.1).
func (r *reader) difference(dc *huffman) (int32, bool) {
	r.fill()
	size, n := dc.symbol(r.acc)
	if n == 0 || size > 16 {
		return 0, false
	}
	r.drop(n)
	v := r.take(uint64(size))
	return extend(v, uint64(size)), true
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

// walk passes the AC coefficients of a block from k on.
func (r *reader) walk(ac *huffman, k int) bool {
	acc, n, pos := r.acc, r.n, r.pos
	shift := ac.shift & 63
	for {
		acc |= binary.BigEndian.Uint64(r.buf[pos:]) >> (n & 63)
		pos += int(63-n) >> 3
		n |= 56
		// An entry takes 27 bits at most, so there is enough for two.
		e := uint64(ac.walk[acc>>shift&(1<<walkBitsMost-1)])
		if k += int(e & 0xff); k < 64 {
			acc <<= e >> 8 & 63
			n -= e >> 8
			e = uint64(ac.walk[acc>>shift&(1<<walkBitsMost-1)])
			k += int(e & 0xff)
		}
		if k < 64 {
			acc <<= e >> 8 & 63
			n -= e >> 8
			continue
		}
		if k == 64 || k >= walkEnd && k < walkEnd+64 {
			r.acc, r.n, r.pos = acc<<(e>>8&63), n-e>>8, pos
			return true
		}
		// The entry leads beyond the block, or nowhere: go by single symbols.
		r.acc, r.n, r.pos = acc, n, pos
		return r.steps(ac, k-int(e&0xff))
	}
}

// steps passes the AC coefficients from k on, one by one.
func (r *reader) steps(ac *huffman, k int) bool {
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
func (r *reader) low(dc, ac *huffman, last int, place *[64]uint8, to *[unwanted + 1]int32) (int32, bool) {
	diff, ok := r.difference(dc)
	if !ok {
		return 0, false
	}
	k := 1
	for k <= last {
		r.fill()
		s, n := ac.symbol(r.acc)
		if n == 0 {
			return 0, false
		}
		r.drop(n)
		run, size := int(s>>4), uint64(s&15)
		k += run
		if size == 0 {
			if run == 0 {
				return diff, true
			}
			if run < 15 {
				return 0, false
			}
			k++
			continue
		}
		v := r.take(size)
		if k > 63 {
			return 0, false
		}
		to[place[k&63]&31] = extend(v, size)
		k++
	}
	return diff, r.walk(ac, k)
}

// band reads the coefficients of a band of a progressive scan (T.81, G.1.2.2), in
// half units, and returns how many of the blocks that follow are empty.
func (r *reader) band(ac *huffman, from, to int, bits uint, place *[64]uint8, kept []int16) (run int, ok bool) {
	for k := from; k <= to; k++ {
		r.fill()
		s, n := ac.symbol(r.acc)
		if n == 0 {
			return 0, false
		}
		r.drop(n)
		zeros, size := int(s>>4), uint64(s&15)
		if size == 0 {
			if zeros < 15 {
				return 1<<zeros + int(r.take(uint64(zeros))) - 1, true
			}
			k += 15
			continue
		}
		if k += zeros; k > to {
			return 0, false
		}
		v := extend(r.take(size), size)
		if p := int(place[k]); p < len(kept) {
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
