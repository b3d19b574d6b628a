//go:build !noasm

package hamming

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// A kernel in assembly compares a fixed number of positions, a group, between
// two looks at whether there was a hit; what does not fill a group is left to
// plain Go. It writes its finds into a buffer on the caller's stack and comes
// back when the next group might not fit, so it never calls back and its memory
// is bounded, and data where everything is near cost one copy more and nothing
// else. It also comes back after a stretch, because the scheduler and the
// garbage collector cannot interrupt assembly.

const (
	room    = 128       // finds in the buffer of a kernel
	stretch = BlockSize // positions that a kernel runs without coming back
)

// group sizes, in positions
const (
	halvesGroup = 16
	codesGroup  = 16
	lanesGroup  = 8 // of HalvesOf8, CodesOf8 and RowsOf8
	wordsGroup  = 32
)

// scan is what a kernel is told and what it tells; the assembly knows its
// fields by name.
type scan struct {
	a, b    unsafe.Pointer // the elements to look at; b: the second plane, or the blocks of At
	blocks  int            // number of blocks of At
	query   unsafe.Pointer // one query; or of eight, words 0 of all, then words 1, and so on
	limits  unsafe.Pointer // one limit per lane
	limit   int            // the limit of a single query
	out     unsafe.Pointer // room finds
	from    int            // the next position; the kernel leaves here where it stopped
	to      int            // the position to stop at, from plus a multiple of the group
	written int            // finds in out; set by the kernel
}

// next prepares the next stretch of the positions below n and reports whether
// there is one.
func (s *scan) next(n int) bool {
	s.to = min(n, s.from+stretch)
	return s.from < s.to
}

// columns returns the queries word by word, as the level wants them: for AVX512
// word w of query j at [w*Lanes+j]; for AVX2 its low nibbles, each in a byte, at
// [2*w*Lanes+j], and its high nibbles Lanes further.
func columns[Q Half | Row](q *[Lanes]Q, l Level) (c [8 * Lanes]uint64) {
	const low = 0x0f0f0f0f0f0f0f0f
	for j := range q {
		for w := range len(q[j]) {
			x := q[j][w]
			if l == AVX512 {
				c[w*Lanes+j] = x
				continue
			}
			c[2*w*Lanes+j] = x & low
			c[(2*w+1)*Lanes+j] = x >> 4 & low
		}
	}
	return c
}

// Available reports whether this machine runs the level. Features switched off
// in the environment (GODEBUG=cpu.avx512vpopcntdq=off) count as absent.
func (l Level) Available() bool {
	x := &cpu.X86
	switch l {
	case Generic:
		return true
	case AVX2:
		return x.HasAVX2 && x.HasBMI1 && x.HasPOPCNT
	case AVX512:
		return x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512VPOPCNTDQ &&
			x.HasBMI1 && x.HasPOPCNT
	}
	return false
}

// Each method below runs the kernel of its level over the whole groups and
// returns how many positions that were. They are alike on purpose: what is passed
// to a kernel by a function value would be moved to the heap.

func (l Level) halves(found []uint32, halves []Half, q *Half, limit int) ([]uint32, int) {
	if l == Generic {
		return found, 0
	}
	var out [room]uint32
	s := scan{a: data(halves), query: unsafe.Pointer(q), limit: limit, out: unsafe.Pointer(&out)}
	for s.next(len(halves) &^ (halvesGroup - 1)) {
		if l == AVX512 {
			halvesAVX512(&s)
		} else {
			halvesAVX2(&s)
		}
		found = append(found, out[:s.written]...)
	}
	return found, s.from
}

func (l Level) halvesOf8(found []Pair, halves []Half, q *[Lanes]Half, limits *[Lanes]int) ([]Pair, int) {
	if l == Generic {
		return found, 0
	}
	var out [room]Pair
	c := columns(q, l)
	s := scan{a: data(halves), query: unsafe.Pointer(&c), limits: unsafe.Pointer(limits), out: unsafe.Pointer(&out)}
	for s.next(len(halves) &^ (lanesGroup - 1)) {
		if l == AVX512 {
			halvesOf8AVX512(&s)
		} else {
			halvesOf8AVX2(&s)
		}
		found = append(found, out[:s.written]...)
	}
	return found, s.from
}

func (l Level) codes(found []uint32, a, b []Half, q *Row, limit int) ([]uint32, int) {
	if l == Generic {
		return found, 0
	}
	var out [room]uint32
	s := scan{a: data(a), b: data(b), query: unsafe.Pointer(q), limit: limit, out: unsafe.Pointer(&out)}
	for s.next(len(a) &^ (codesGroup - 1)) {
		if l == AVX512 {
			codesAVX512(&s)
		} else {
			codesAVX2(&s)
		}
		found = append(found, out[:s.written]...)
	}
	return found, s.from
}

func (l Level) codesOf8(found []Pair, a, b []Half, q *[Lanes]Row, limits *[Lanes]int) ([]Pair, int) {
	if l == Generic {
		return found, 0
	}
	var out [room]Pair
	c := columns(q, l)
	s := scan{a: data(a), b: data(b), query: unsafe.Pointer(&c), limits: unsafe.Pointer(limits), out: unsafe.Pointer(&out)}
	for s.next(len(a) &^ (lanesGroup - 1)) {
		if l == AVX512 {
			codesOf8AVX512(&s)
		} else {
			codesOf8AVX2(&s)
		}
		found = append(found, out[:s.written]...)
	}
	return found, s.from
}

func (l Level) rowsOf8(found []Pair, rows []Row, q *[Lanes]Row, limits *[Lanes]int) ([]Pair, int) {
	if l == Generic {
		return found, 0
	}
	var out [room]Pair
	c := columns(q, l)
	s := scan{a: data(rows), query: unsafe.Pointer(&c), limits: unsafe.Pointer(limits), out: unsafe.Pointer(&out)}
	for s.next(len(rows) &^ (lanesGroup - 1)) {
		if l == AVX512 {
			rowsOf8AVX512(&s)
		} else {
			rowsOf8AVX2(&s)
		}
		found = append(found, out[:s.written]...)
	}
	return found, s.from
}

func (l Level) words(found []uint32, words []uint64, q uint64, limit int) ([]uint32, int) {
	if l == Generic {
		return found, 0
	}
	var out [room]uint32
	s := scan{a: data(words), query: unsafe.Pointer(&q), limit: limit, out: unsafe.Pointer(&out)}
	for s.next(len(words) &^ (wordsGroup - 1)) {
		if l == AVX512 {
			wordsAVX512(&s)
		} else {
			wordsAVX2(&s)
		}
		found = append(found, out[:s.written]...)
	}
	return found, s.from
}

// at stops before an id beyond the blocks; plain Go then meets it and panics.
func (l Level) at(found []uint32, blocks []*Half, ids []uint32, q *Half, limit int) ([]uint32, int) {
	if l == Generic {
		return found, 0
	}
	var out [room]uint32
	s := scan{a: data(ids), b: data(blocks), blocks: len(blocks), query: unsafe.Pointer(q), limit: limit, out: unsafe.Pointer(&out)}
	for ok := true; ok && s.next(len(ids)); {
		ok = atScalar(&s)
		found = append(found, out[:s.written]...)
	}
	return found, s.from
}

func data[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

//go:noescape
func halvesAVX512(s *scan)

//go:noescape
func halvesAVX2(s *scan)

//go:noescape
func halvesOf8AVX512(s *scan)

//go:noescape
func halvesOf8AVX2(s *scan)

//go:noescape
func codesAVX512(s *scan)

//go:noescape
func codesAVX2(s *scan)

//go:noescape
func codesOf8AVX512(s *scan)

//go:noescape
func codesOf8AVX2(s *scan)

//go:noescape
func rowsOf8AVX512(s *scan)

//go:noescape
func rowsOf8AVX2(s *scan)

//go:noescape
func wordsAVX512(s *scan)

//go:noescape
func wordsAVX2(s *scan)

// atScalar returns false if it stopped because an id is beyond the blocks.
//
//go:noescape
func atScalar(s *scan) bool
