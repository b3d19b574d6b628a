//go:build !noasm

package radius

import (
	"slices"
	"unsafe"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// fourfold is what probeFlips is told, and what it tells.
type fourfold struct {
	records unsafe.Pointer
	masks   unsafe.Pointer
	starts  unsafe.Pointer
	ends    unsafe.Pointer
	count   int // of masks, starts and ends
	key     uint32
	held    uint32 // sum of all runs
	end     uint32 // the largest end of a run
	odd     uint32 // not 0 if there is something to take out
}

// probeFast is probeRecords, and ok is false if there is no kernel for it. It
// prefetches what gatherFast reads.
func (g *group) probeFast(level hamming.Level) (held int, odd, ok bool) {
	if level != hamming.AVX512 || !kernels(level) {
		return 0, false, false
	}
	x := fourfold{
		records: data(g.records), masks: data(g.ball.masks), count: len(g.ball.masks),
		starts: data(g.starts), ends: data(g.ends), key: g.key,
	}
	probeFlips(&x)
	if int(x.end) > len(g.ids) {
		panic("radius: a directory that leads beyond its numbers")
	}
	prefetchRuns(g.ids, g.starts, g.ends)
	return int(x.held), x.odd != 0, true
}

// unpacking is what gatherFlips is told, and what it tells.
type unpacking struct {
	ids    unsafe.Pointer
	starts unsafe.Pointer
	ends   unsafe.Pointer
	masks  unsafe.Pointer
	dists  unsafe.Pointer
	out    unsafe.Pointer // room for maxRun numbers for each run and once more
	count  int            // of starts, ends, masks and dists
	kept   int            // numbers
	shift  uint32
	mask   uint32
	left   [1 << distBits]uint32
	// steps are, for each value of the lower bits of a mask, the sign and in its
	// upper bits the query of the first bucket, and the exclusive or that leads from
	// each bucket to the next.
	steps [1 << fourBits][1 << fourBits]uint32
}

// gatherFast is gatherRuns, and ok is false if there is no kernel for it.
func (g *group) gatherFast(level hamming.Level, ids []uint32, s *signs, signs *[1 << fourBits]uint32) (_ []uint32, ok bool) {
	if level != hamming.AVX512 || !kernels(level) {
		return ids, false
	}
	x := unpacking{ids: data(g.ids), shift: s.shift, mask: s.mask, left: s.left}
	for m := range x.steps {
		last := uint32(0)
		for j := range x.steps[m] {
			next := signs[j^m] | uint32(j^m)<<(32-fourBits)
			x.steps[m][j], last = last^next, next
		}
	}
	for at := 0; at < len(g.ends); at += gatherStretch {
		x.count = min(len(g.ends)-at, gatherStretch)
		ids = slices.Grow(ids, (x.count+1)*maxRun)
		x.starts, x.ends = data(g.starts[at:]), data(g.ends[at:])
		x.masks, x.dists = data(g.ball.masks[at:]), data(g.ball.dists[at:])
		x.out = data(ids[len(ids):cap(ids)])
		gatherFlips(&x)
		ids = ids[:len(ids)+x.kept]
	}
	return ids, true
}

//go:noescape
func probeFlips(x *fourfold)

//go:noescape
func gatherFlips(x *unpacking)

// prefetchRuns asks for the cache lines of the first and the last number of each
// run.
//
//go:noescape
func prefetchRuns(ids, starts, ends []uint32)
