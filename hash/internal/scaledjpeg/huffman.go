package scaledjpeg

import "bytes"

// Huffman codes (ITU-T T.81, annex C and F.2.2). Of most of a picture's symbols
// nothing is wanted but where they end: at 1/8 of the size all 63 AC coefficients of
// a block are walked over. So besides the usual table that says which symbol comes
// next, an AC code has a second one that walks: indexed by the next bits, it says how
// many of them, and how many coefficients, are passed by all symbols whose codes lie
// within those bits, together with the value bits that follow each code. Value bits of
// the last one may lie beyond the index; nobody looks at them. One look-up passes two
// symbols on average.
//
// Building the walking table costs as much as a small picture takes, so the tables of
// the last pictures are kept and built anew only for other codes. Most files use the
// example tables of annex K.

const (
	firstBits  = 9
	directBits = 10

	walkBits = 12
	// walkEnd is added to the advance of an entry that ends the block, walkNone stands
	// where the next symbol cannot be walked over.
	walkEnd  = 128
	walkNone = 255
	// walkFull is the advance from which an entry takes no further symbol: with 16
	// more it is still below walkEnd for any coefficient at which it may begin.
	walkFull = 48
)

// huffman is one code table, as it was defined and as far as it was built.
type huffman struct {
	spec   []byte // 16 counts and the symbols, part of the file
	built  []byte // the spec from which first and direct were built
	walked []byte // and the one of walk

	// limits[n] is one more than the largest code of n bits, left-aligned in 16
	// bits; offsets[n] leads from a code of n bits to its symbol.
	limits  [17]int32
	offsets [17]int32
	// first holds, for the next firstBits bits, symbol << 8 | length; 0 if the code
	// is longer.
	first [1 << firstBits]uint16
	// direct holds, for the next directBits bits, value << 16 | advance << 8 | length of
	// code and value; length 0 if they are longer, or no value belongs to the symbol.
	// The advance is walkEnd for the end of a block.
	direct [1 << directBits]uint32
	// walk holds advance << 8 | bits.
	walk [1 << walkBits]uint16
}

// define takes the spec of a table, and reports whether it is sound: a code that is
// not a prefix code is left to image/jpeg.
func (h *huffman) define(spec []byte) bool {
	code := 0
	for i, n := range spec[:16] {
		code = code<<1 + int(n)
		if code > 2<<i {
			return false
		}
	}
	h.spec = spec
	return len(spec) > 16
}

// prepare builds what finds symbols. It reports false if the table is not defined.
func (h *huffman) prepare(class int) bool {
	if h.spec == nil {
		return false
	}
	if bytes.Equal(h.spec, h.built) {
		return true
	}
	h.built = append(h.built[:0], h.spec...)
	clear(h.first[:])
	code, at := int32(0), int32(0)
	for n := 1; n <= 16; n++ {
		count := int32(h.spec[n-1])
		h.offsets[n] = at - code
		if n <= firstBits {
			h.spread(n, code, h.spec[16+at:][:count])
		}
		code, at = code+count, at+count
		h.limits[n] = code << (16 - n)
		code <<= 1
	}
	h.direction(class)
	return true
}

// direction builds direct out of first. A DC symbol (class 0) is the size of a value, an AC
// symbol a run and a size.
func (h *huffman) direction(class int) {
	for i := range h.direct {
		h.direct[i] = 0
		e := h.first[i>>(directBits-firstBits)]
		symbol, n := int(e>>8), int(e&0xff)
		size, run := symbol&15, symbol>>4
		if class == 0 {
			size, run = symbol, 0
		}
		switch {
		case n == 0 || n+size > directBits:
		case size > 0:
			v := i >> (directBits - n - size) & (1<<size - 1)
			h.direct[i] = uint32(extend(uint64(v), uint64(size)))<<16 | uint32(run+1)<<8 | uint32(n+size)
		case run == 0:
			h.direct[i] = walkEnd<<8 | uint32(n)
		case run == 15:
			h.direct[i] = 16<<8 | uint32(n)
		}
	}
}

// spread enters the codes of n bits.
func (h *huffman) spread(n int, code int32, symbols []byte) {
	size := 1 << (firstBits - n)
	for i, s := range symbols {
		e := uint16(s)<<8 | uint16(n)
		to := h.first[(int(code)+i)*size:][:size]
		for j := range to {
			to[j] = e
		}
	}
}

// prepareWalk builds the walking table.
func (h *huffman) prepareWalk(single *[1 << walkBits]stride) {
	if bytes.Equal(h.spec, h.walked) {
		return
	}
	h.walked = append(h.walked[:0], h.spec...)
	h.singles(single)
	for i := range h.walk {
		used, advance := 0, 0
		for rest := i; used < walkBits && advance < walkFull; rest = i << used & (1<<walkBits - 1) {
			e := single[rest]
			if int(e.code) > walkBits-used || e.code == 0 {
				break
			}
			used, advance = used+int(e.code+e.value), advance+int(e.advance)
		}
		if used == 0 {
			advance = walkNone
		}
		h.walk[i] = uint16(advance<<8 | used)
	}
}

// stride is what one symbol passes: bits of code and of value, and coefficients.
type stride struct{ code, value, advance uint8 }

// singles says for each index which symbol comes next; none if it cannot be walked
// over, which is so for runs of blocks (they stand in progressive scans only).
func (h *huffman) singles(single *[1 << walkBits]stride) {
	clear(single[:])
	code, at := 0, 16
	for n := 1; n <= walkBits; n++ {
		for _, s := range h.spec[at:][:h.spec[n-1]] {
			e := stride{uint8(n), s & 15, s>>4 + 1}
			switch {
			case s == 0:
				e.advance = walkEnd
			case s&15 == 0 && s != 0xf0:
				e = stride{}
			}
			for i := range 1 << (walkBits - n) {
				single[code<<(walkBits-n)+i] = e
			}
			code++
		}
		at += int(h.spec[n-1])
		code <<= 1
	}
}

// symbol returns the next symbol and the length of its code; length 0 if there is no
// such code. At least 16 bits must count.
func (h *huffman) symbol(acc uint64) (symbol uint8, n uint64) {
	if e := h.first[acc>>(64-firstBits)]; e != 0 {
		return uint8(e >> 8), uint64(e & 0xff)
	}
	return h.long(acc)
}

// long finds a code of more than firstBits bits.
func (h *huffman) long(acc uint64) (symbol uint8, n uint64) {
	top := int32(acc >> 48)
	for n := firstBits + 1; n <= 16; n++ {
		if top < h.limits[n] {
			return h.built[16+top>>(16-n)+h.offsets[n]], uint64(n)
		}
	}
	return 0, 0
}
