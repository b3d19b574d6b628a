package radius

import (
	"context"
	"slices"
)

// The codes that came last have no index; they are the tail, and are scanned.
// When it has grown to four blocks, an index is due for them, joined with those
// parts before it that are not much larger: so their number stays small (each
// is at least four times the sum of those behind it), and a code is indexed
// anew about five times while a bank grows tenfold.
//
// Removed codes stay in memory until their part is built again, which is due when
// one in 32 of it is dead. That keeps memory within three per cent of what lives,
// for some 15 ms of processor time per thousand codes removed.
//
// A Job is built from a View beside whatever goes on, and installed into a later
// one. In between codes may have come (behind it) and gone: those are marked in
// what it built.

const (
	// dueTail is the number of blocks without index that make one due.
	dueTail = 4
	// growth is how much larger than what is to be indexed a part may be to be
	// joined with it.
	growth = 4
	// dueDead is the inverse of the part of dead codes at which a part is built
	// anew.
	dueDead = 32
	// minPart is the least number of codes that get an index: fewer are scanned
	// as fast. minWords is that of 64-bit codes, of which the kernels scan a
	// million in 0.1 ms.
	minPart  = 2 * blockSize
	minWords = 1 << 20
	// maxBlocks is the largest number of blocks of a part, for which 31 bits of a
	// number are enough.
	maxBlocks = 1 << 17
)

// least is the least number of codes that get an index.
func (o Options) least() int {
	if o.Words {
		return minWords
	}
	return minPart
}

// Job is a run of blocks to be indexed anew. See View.Due.
type Job struct {
	view   *View // that it was made of
	first  int   // of the blocks
	old    []*block
	parts  int // the first part that is replaced
	joined int // the number of these
	done   bool
	blocks []*block
	part   *part // nil if there are too few codes for one
}

// Due returns what is most worth doing, or nil.
func (v *View) Due() *Job {
	tail := v.tail()
	closed := len(v.blocks) - tail
	if n := len(v.blocks); closed > 0 && len(v.blocks[n-1].tags) < blockSize {
		closed--
	}
	if closed >= dueTail {
		// Too few codes for an index are worth no more than packing.
		if j := v.joinTail(tail, closed); j.living() >= v.shape.least() || j.packs() {
			return j
		}
	}
	first := 0
	for i, p := range v.parts {
		blocks := v.blocks[first : first+len(p.blocks)]
		dead := 0
		for _, b := range blocks {
			dead += b.nDead
		}
		if dueDead*dead > p.codes {
			return &Job{view: v, first: first, old: blocks, parts: i, joined: 1}
		}
		first += len(p.blocks)
	}
	return nil
}

// joinTail makes the job of the closed blocks of the tail and of the parts before them
// that are not too large.
func (v *View) joinTail(first, closed int) *Job {
	end := first + min(closed, maxBlocks)
	n := 0
	for _, b := range v.blocks[first:end] {
		n += len(b.tags)
	}
	parts := len(v.parts)
	for parts > 0 && v.parts[parts-1].codes <= growth*n && end-first+len(v.parts[parts-1].blocks) <= maxBlocks {
		parts--
		n += v.parts[parts].codes
		first -= len(v.parts[parts].blocks)
	}
	return &Job{view: v, first: first, old: v.blocks[first:end], parts: parts, joined: len(v.parts) - parts}
}

// Codes is the number of codes that are to be indexed, dead ones included.
func (j *Job) Codes() (n int) {
	for _, b := range j.old {
		n += len(b.tags)
	}
	return n
}

func (j *Job) living() (n int) {
	for _, b := range j.old {
		n += len(b.tags) - b.nDead
	}
	return n
}

// packs reports whether what lives fits into fewer blocks, all of it copied
// together.
func (j *Job) packs() bool {
	blocks, held, base := 0, blockSize, uint64(0)
	for _, b := range j.old {
		for pos := range b.tags {
			if b.isDead(pos) {
				continue
			}
			if held == blockSize || b.tag(pos)-base >= reach {
				blocks, held, base = blocks+1, 0, b.tag(pos)
			}
			held++
		}
	}
	return blocks < len(j.old)
}

// Run builds what the job is for, in half a second for a million codes, on one or
// two goroutines of its own that end before it does. It fails only with an error
// of ctx.
func (j *Job) Run(ctx context.Context) error {
	o := j.view.shape.Options
	// Behind what is built there may be parts, and no tail comes before a part.
	n, last := j.living(), j.parts+j.joined == len(j.view.parts)
	indexed := n > 0 && !(last && n < o.least())
	if j.blocks = packed(ctx, j.old, o, indexed); ctx.Err() != nil {
		return ctx.Err()
	}
	if indexed {
		p := newPart(j.blocks, j.view.shape, o.tables(n))
		if err := p.build(ctx); err != nil {
			return err
		}
		j.part = p
	}
	j.done = true
	return nil
}

// packed returns the living codes of blocks, copied together into a new slab; if
// they are to be indexed, but for the blocks that may stay.
func packed(ctx context.Context, old []*block, o Options, indexed bool) (blocks []*block) {
	stays := make([]bool, len(old))
	if indexed {
		stays = stay(old)
	}
	moved := 0
	for i, b := range old {
		if !stays[i] {
			moved += len(b.tags) - b.nDead
		}
	}
	s := newSlab(moved, o)
	var filling *block
	for i, b := range old {
		if giveWay(ctx) != nil {
			return nil // of no use to anybody
		}
		if stays[i] {
			blocks, filling = append(blocks, b), nil
			continue
		}
		for pos := range b.tags {
			if b.isDead(pos) {
				continue
			}
			if filling == nil || !filling.takes(b.tag(pos)) {
				filling = s.block()
				blocks = append(blocks, filling)
			}
			filling.push(b.tag(pos), b.raw(pos), o.Words)
		}
	}
	s.filled()
	return blocks
}

// stay says which blocks need not be copied: those that are settled in a slab of
// which most others are too. One block would keep all of its slab in memory.
// All blocks of a slab are in one part, so they are all here.
func stay(blocks []*block) []bool {
	settled := map[*slab]int{}
	for _, b := range blocks {
		if b.settled() {
			settled[b.slab]++
		}
	}
	stays := make([]bool, len(blocks))
	for i, b := range blocks {
		stays[i] = b.settled() && 32*settled[b.slab] >= 31*b.slab.blocks
	}
	return stays
}

// Install puts what the job built into place, and reports whether that was
// possible: it is not when its blocks have been changed by more than removals,
// when another job has come first, or before Run has succeeded.
func (e *Edit) Install(j *Job) bool {
	if !j.done || !j.fits(&e.view) {
		return false
	}
	end := j.first + len(j.old)
	now := e.view.blocks[j.first:end]
	blocks := slices.Clone(j.blocks)
	next := View{shape: e.view.shape, blocks: blocks}
	for i, b := range now {
		e.carry(&next, j.old[i], b)
	}
	e.own()
	e.view.blocks = slices.Replace(e.view.blocks, j.first, end, blocks...)
	var part []*part
	if j.part != nil {
		part = append(part, j.part)
	}
	e.view.parts = slices.Concat(e.view.parts[:j.parts], part, e.view.parts[j.parts+j.joined:])
	e.tail = e.view.tail()
	return true
}

// fits reports whether v has the blocks and the parts that the job is of.
func (j *Job) fits(v *View) bool {
	end, last := j.first+len(j.old), j.parts+j.joined
	if end > len(v.blocks) || last > len(v.parts) ||
		!slices.Equal(v.parts[j.parts:last], j.view.parts[j.parts:last]) ||
		!slices.EqualFunc(v.blocks[j.first:end], j.old, (*block).sameCodes) {
		return false
	}
	first, indexed := 0, 0
	for i, p := range v.parts {
		if i < j.parts {
			first += len(p.blocks)
		} else if i < last {
			indexed += len(p.blocks)
		}
	}
	// What it takes of the tail, or leaves as tail, lies behind the last part.
	tail := indexed < len(j.old) || j.part == nil && len(j.blocks) > 0
	return first == j.first && (!tail || last == len(v.parts))
}

// carry marks the codes in next that were removed since then.
func (e *Edit) carry(next *View, then, now *block) {
	if then.nDead == now.nDead {
		return
	}
	for pos := range now.tags {
		if !now.isDead(pos) || then.isDead(pos) {
			continue
		}
		i, at, _ := next.find(now.tag(pos))
		b := next.blocks[i]
		if !e.fresh[b] {
			b = b.grave()
			next.blocks[i] = b
			e.fresh[b] = true
		}
		b.bury(at)
	}
}
