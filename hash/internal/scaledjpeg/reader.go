package scaledjpeg

import (
	"bytes"
	"encoding/binary"
)

// The bits of a scan. A decoder that fetches them byte by byte spends most of its
// time on two questions: is this byte 0xFF, and are there bits enough? Both are
// asked in bulk here. Entropy coded data is copied, some kilobytes at a time, without
// the zero bytes that follow each 0xFF (a memory search between two of them), up to
// the next marker. Behind the copy stand zeros enough for a whole unit, so a unit
// is read without looking at the end; whether it went beyond is asked afterwards.
//
// The bits to come stand left-aligned in a 64-bit word. Filling it has no branch:
// eight bytes are laid under what is there, and as many are counted as fit whole.

const (
	chunk = 16 << 10
	// unitSlack is more than a unit of ten blocks can take, in bytes: of each 64 codes of
	// 16 bits with values of 16, and what is loaded beyond it.
	unitSlack = 10*64*4 + 64
)

// reader hands out the bits of one segment of entropy coded data, between two
// markers.
type reader struct {
	acc uint64 // the bits to come, from the top
	n   uint64 // how many of them count, at most 63
	pos int    // the next byte of buf to load
	end int    // bytes in buf
	// limit is the position from which more is called before a unit: there is
	// no whole unit left behind it.
	limit int
	buf   [chunk + unitSlack]byte

	src   []byte // the file
	at    int    // the next byte of src
	last  bool   // buf holds all up to the marker at src[at]
	check func() error
	err   error
}

// begin starts a segment at src[at].
func (r *reader) begin(at int) {
	r.acc, r.n, r.pos, r.end, r.limit = 0, 0, 0, 0, -1
	r.at, r.last = at, false
}

// more fills the buffer. It is called when pos has passed limit, and reports
// whether a unit can be read.
func (r *reader) more() bool {
	if r.last {
		// Bytes that are loaded and not used may lie behind the end.
		return r.sound()
	}
	if r.err = r.check(); r.err != nil {
		return false
	}
	r.end = copy(r.buf[:], r.buf[min(r.pos, r.end):r.end])
	r.pos = 0
	r.unstuff()
	r.limit = r.end - unitSlack
	if r.last {
		r.limit = r.end - 8
		clear(r.buf[r.end:][:unitSlack])
	}
	return true
}

// unstuff copies data until the buffer is full or a marker is reached.
func (r *reader) unstuff() {
	for r.end < chunk {
		rest := r.src[r.at:]
		rest = rest[:min(len(rest), chunk-r.end)]
		run := bytes.IndexByte(rest, 0xff)
		if run < 0 {
			run = len(rest)
		}
		copy(r.buf[r.end:], rest[:run])
		r.end += run
		r.at += run
		if r.end == chunk {
			return
		}
		if r.at+1 >= len(r.src) || r.src[r.at+1] != 0 {
			r.last = true
			return
		}
		r.buf[r.end] = 0xff
		r.end++
		r.at += 2
	}
}

// sound reports whether no more was read than there was.
func (r *reader) sound() bool { return !r.last || 8*r.pos-int(r.n) <= 8*r.end }

// seek moves to the next marker: 0xFF followed by anything but 0x00 and 0xFF.
func (r *reader) seek() bool {
	for {
		j := bytes.IndexByte(r.src[r.at:], 0xff)
		if j < 0 || r.at+j+1 >= len(r.src) {
			return false
		}
		r.at += j
		switch r.src[r.at+1] {
		case 0x00:
			r.at += 2
		case 0xff:
			r.at++
		default:
			return true
		}
	}
}

// fill loads bits until at least 56 count.
func (r *reader) fill() {
	r.acc |= binary.BigEndian.Uint64(r.buf[r.pos:]) >> (r.n & 63)
	r.pos += int(63-r.n) >> 3
	r.n |= 56
}

// drop takes n bits away, at most as many as count.
func (r *reader) drop(n uint64) {
	r.acc <<= n & 63
	r.n -= n
}

// take returns the next n bits, 0 to 16, of which there must be as many.
func (r *reader) take(n uint64) uint64 {
	v := r.acc >> 1 >> ((63 - n) & 63)
	r.drop(n)
	return v
}
