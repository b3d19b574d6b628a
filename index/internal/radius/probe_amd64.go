//go:build !noasm

package radius

import (
	"slices"
	"unsafe"

	features "golang.org/x/sys/cpu"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// lookup is what a kernel is told of a request, and what it tells.
type lookup struct {
	records unsafe.Pointer
	masks   unsafe.Pointer
	dists   unsafe.Pointer
	spans   unsafe.Pointer // room for count spans and a group more
	count   int            // of masks and dists
	key     uint32
	held    uint32 // sum of n of all spans
	end     uint32 // the largest start+n
	full    uint32 // not 0 if there is a full bucket
	found   int    // spans that are not empty
	// What to prefetch meanwhile: nextRecords[nextFirst^l] for nextCount l.
	nextRecords unsafe.Pointer
	nextLines   unsafe.Pointer
	nextCount   int
	nextFirst   uint32
}

// A kernel is given no more masks at a time, as the scheduler cannot interrupt it.
const stretch = 1 << 12

// probeGroup is the number of buckets that probeAVX512 looks up at a time.
const probeGroup = 16

func kernels(l hamming.Level) bool { return l != hamming.Generic && features.X86.HasBMI2 }

// probeFast is probe with records, and false if there is no kernel for it. It
// prefetches where the others read.
func (r request) probeFast(level hamming.Level, spans []span, next request) (_ []span, held int, ok bool) {
	if r.offsets != nil || !kernels(level) {
		return spans, 0, false
	}
	if level != hamming.AVX512 {
		prefetchRecords(level, next)
	}
	masks := r.ball.masks
	spans = slices.Grow(spans, len(masks)+probeGroup)
	l := lookup{records: data(r.records), key: r.key}
	if level == hamming.AVX512 && next.table != nil && next.offsets == nil {
		l.nextRecords, l.nextLines = data(next.records), data(next.ball.lines)
		l.nextCount, l.nextFirst = len(next.ball.lines), next.firstLine()
	}
	from, full := len(spans), uint32(0)
	for at := 0; at < len(masks); at += stretch {
		l.masks, l.dists = data(masks[at:]), data(r.ball.dists[at:])
		l.spans = data(spans[len(spans):cap(spans)])
		l.count = min(len(masks)-at, stretch)
		if level == hamming.AVX512 {
			probeAVX512(&l)
		} else {
			probeBMI2(&l)
		}
		l.nextCount = 0
		found := spans[len(spans):][:l.found]
		if int(l.end) > len(r.ids) {
			panic("radius: a directory that leads beyond its numbers")
		}
		if level != hamming.AVX512 || !r.ball.wide() {
			prefetchIDs(r.ids, found)
		}
		spans = spans[:len(spans)+l.found]
		held += int(l.held)
		full |= l.full
	}
	if full != 0 {
		spans, held = r.mend(spans, from, held)
	}
	return spans, held, true
}

// prefetchRecords is touch, and false if the level is plain Go.
func prefetchRecords(level hamming.Level, r request) bool {
	if level == hamming.Generic {
		return false
	}
	if r.table != nil && r.offsets == nil {
		prefetchLines(r.records, r.ball.lines, r.firstLine())
	}
	return true
}

// gathering is what gatherAVX512 is told, and what it tells.
type gathering struct {
	ids   unsafe.Pointer
	spans unsafe.Pointer
	out   unsafe.Pointer // room for gatherLanes numbers for each span and once more
	count int            // of spans
	shift uint32
	sign  uint32
	mask  uint32
	left  [1 << distBits]uint32
	done  int // spans
	kept  int // numbers
}

// gatherLanes is the largest number of numbers in a span that gatherAVX512 takes,
// and gatherStretch that of spans that it is given at a time.
const (
	gatherLanes   = 16
	gatherStretch = 256
)

// gatherFast gathers what it can of the first spans, and returns how many of them
// it has done with.
func (s *signs) gatherFast(level hamming.Level, ids []uint32, spans []span) ([]uint32, int) {
	if level != hamming.AVX512 || !kernels(level) {
		return ids, 0
	}
	g := gathering{ids: data(s.ids), shift: s.shift, sign: s.sign, mask: s.mask, left: s.left}
	done := 0
	for done < len(spans) && g.done == g.count {
		s.ask(spans, len(spans)-done-2*gatherStretch)
		g.count = min(len(spans)-done, gatherStretch)
		ids = slices.Grow(ids, (g.count+1)*gatherLanes)
		g.spans, g.out = data(spans[done:]), data(ids[len(ids):cap(ids)])
		gatherAVX512(&g)
		ids = ids[:len(ids)+g.kept]
		done += g.done
	}
	return ids, done
}

// ask prefetches the numbers of those spans that are not yet asked for, but for the
// last rest.
func (s *signs) ask(spans []span, rest int) {
	if rest = max(rest, 0); rest < s.unasked {
		prefetchIDs(s.ids, spans[len(spans)-s.unasked:len(spans)-rest])
		s.unasked = rest
	}
}

func data[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

//go:noescape
func probeAVX512(l *lookup)

//go:noescape
func probeBMI2(l *lookup)

//go:noescape
func gatherAVX512(x *gathering)

// prefetchLines asks for the cache lines of records[first^l] for all l of lines.
//
//go:noescape
func prefetchLines(records []record, lines []uint32, first uint32)

// prefetchIDs asks for the cache lines of the first and the last number of each
// span.
//
//go:noescape
func prefetchIDs(ids []uint32, spans []span)
