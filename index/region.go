package index

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// A copy that shows a part of a photo has another hash than the whole. So the
// regions of references have codes too (see package hash), and the picture as a
// whole is compared with all of them: it may be the left half, or the middle. It
// is compared as it is and mirrored, with and without its border: further turns
// would find cuts that were also turned by a quarter, at four times the cost.
//
// A reference that is found both ways is one candidate: that of the better grade,
// and of equal ones that of the better score. Hits of whole pictures come in the
// order of slots; those of regions are found chunk by chunk, when the first hit
// beyond the chunk shows that all of the other kind are there, and put into that
// order. So both are joined like two sorted lists, and none is longer than a
// chunk has references.
//
// The codes of regions are scanned, eight codes of the query in a pass. They have
// no index: a picture has four such codes, and only a photo that the first search
// did not settle asks with them.

// hasRegions reports whether a search by regions can find anything.
func (b *bankView) hasRegions() bool { return b.counts.regions > 0 }

// setParts chooses the codes that regions are compared with: those of the
// picture, or of the fingerprint if that is all there is. Regions that are too
// plain have the code of zeros, so codes of few ones would be near to them.
func (q *query) setParts(picture *hash.Info) {
	variants := q.f.Variants()
	if picture != nil {
		q.picture, variants = picture, picture.RegionVariants()
	}
	for _, v := range variants {
		turned := v.Transform != hash.Upright && (v.Transform != hash.Mirror || q.o.Upright)
		if v.Frame != hash.Smooth && !turned && v.Code.Telling() {
			q.parts = append(q.parts, v)
			q.partCodes = append(q.partCodes, v.Code)
		}
	}
}

// hit is a reference that a check found, and the distance.
type hit struct {
	slot uint64
	dist int
}

// partHits scans the regions of one chunk. Each living reference comes once, with
// the least distance of its regions, in the order of slots. The slice is valid until the
// next call.
func (q *query) partHits(with *searcher, c *chunk, since uint64, radius int) []hit {
	hits := with.part[:0]
	take := func(i, dist int) {
		pos := int(c.regionOf[i])
		if slot := c.slots[pos]; slot >= since && !c.isDead(pos) {
			hits = append(hits, hit{slot, dist})
		}
	}
	if q.o.Exhaustive {
		scanPlain(c.regions, q.partCodes, radius, take)
	} else {
		with.scan(c.regions, q.partCodes, radius, take)
	}
	with.part = nearestOnly(hits)
	return with.part
}

// scan calls take with the rows that are within radius of a code, and the distance.
// A row may come more than once, with the least distance at one of these times.
func (s *searcher) scan(rows []hamming.Row, codes []hash.Code, radius int, take func(i, dist int)) {
	for len(codes) > 0 {
		n := min(len(codes), hamming.Lanes)
		var lanes [hamming.Lanes]hamming.Row
		limits := [hamming.Lanes]int{-1, -1, -1, -1, -1, -1, -1, -1}
		for i, c := range codes[:n] {
			lanes[i], limits[i] = c, radius
		}
		s.pairs = s.level.RowsOf8(s.pairs[:0], rows, &lanes, &limits)
		for _, p := range s.pairs {
			if d, ok := leastDistance(rows[p.Pos], codes[:n], radius); ok {
				take(int(p.Pos), d)
			}
		}
		codes = codes[n:]
	}
}

// scanPlain is the oracle of scan.
func scanPlain(rows []hamming.Row, codes []hash.Code, radius int, take func(i, dist int)) {
	for i, r := range rows {
		if d, ok := leastDistance(r, codes, radius); ok {
			take(i, d)
		}
	}
}

// leastDistance reports whether one of codes is within radius of c, and the least
// distance.
func leastDistance(c hash.Code, codes []hash.Code, radius int) (least int, ok bool) {
	for _, o := range codes {
		if d := c.Distance(o); d <= radius {
			radius, least, ok = d-1, d, true
		}
	}
	return least, ok
}

// nearestOnly keeps the least distance of each reference, in the order of slots.
func nearestOnly(hits []hit) []hit {
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.dist, b.dist)) })
	return slices.CompactFunc(hits, func(a, b hit) bool { return a.slot == b.slot })
}

// joiner makes candidates of the hits of whole pictures and of those of regions.
type joiner struct {
	q       *query
	with    *searcher
	bank    *bankView
	since   uint64
	found   *collector
	regions bool // they are searched
	next    int  // the chunk that is being joined
}

func newJoiner(q *query, with *searcher, b *bankView, since uint64, found *collector) *joiner {
	j := &joiner{q: q, with: with, bank: b, since: since, found: found}
	j.regions = len(q.partCodes) > 0 && b.hasRegions()
	j.next, _ = slices.BinarySearchFunc(b.chunks, since, func(c *chunk, s uint64) int { return cmp.Compare(c.last(), s) })
	with.whole = with.whole[:0]
	return j
}

// add takes up a hit of a whole picture. They come in the order of slots.
func (j *joiner) add(ctx context.Context, p pair) error {
	if !j.regions {
		j.collect(joint{slot: p.slot, whole: p.dist, part: -1})
		return nil
	}
	for j.bank.chunks[j.next].last() < p.slot {
		if err := j.join(ctx); err != nil {
			return err
		}
	}
	j.with.whole = append(j.with.whole, hit{p.slot, p.dist})
	return nil
}

// end joins what is left.
func (j *joiner) end(ctx context.Context) error {
	for j.regions && j.next < len(j.bank.chunks) {
		if err := j.join(ctx); err != nil {
			return err
		}
	}
	return nil
}

// join is done with a chunk.
func (j *joiner) join(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	part := j.q.partHits(j.with, j.bank.chunks[j.next], j.since, j.bank.Policy.RegionWeak)
	for h := range joined(j.with.whole, part) {
		j.collect(h)
	}
	j.with.whole = j.with.whole[:0]
	j.next++
	return nil
}

func (j *joiner) collect(h joint) {
	if !j.q.seen[h.slot] {
		j.found.add(h.candidate(j.bank))
	}
}

// joint is what a search found of a reference; -1 is nothing.
type joint struct {
	slot        uint64
	whole, part int
}

// joined joins two lists of hits in ascending order of their slots.
func joined(whole, part []hit) iter.Seq[joint] {
	return func(yield func(joint) bool) {
		for len(whole) > 0 || len(part) > 0 {
			j := joint{slot: math.MaxUint64, whole: -1, part: -1}
			if len(whole) > 0 {
				j.slot, j.whole = whole[0].slot, whole[0].dist
			}
			if len(part) > 0 && part[0].slot <= j.slot {
				if part[0].slot < j.slot {
					j.whole = -1
				}
				j.slot, j.part = part[0].slot, part[0].dist
				part = part[1:]
			}
			if j.whole >= 0 {
				whole = whole[1:]
			}
			if !yield(j) {
				return
			}
		}
	}
}

// candidate is that of the better of the two checks. A region is forgotten if
// the whole is the surer match: it says nothing more.
func (j joint) candidate(b *bankView) candidate {
	var byPart, byWhole candidate
	if j.part >= 0 {
		byPart = newCandidate(b, j.slot, CheckRegion, j.part)
		byPart.dist, byPart.part = j.whole, j.part
		if j.whole < 0 {
			return byPart
		}
	}
	byWhole = newCandidate(b, j.slot, CheckHash, j.whole)
	byWhole.dist = j.whole
	if j.part >= 0 && compareCandidates(byPart, byWhole) < 0 {
		return byPart
	}
	return byWhole
}

// verifyPart reads row 16 of a candidate that was found by its regions, and says
// which of them it is. Of equal ones it is the first part of the query and then
// the first region.
func (q *query) verifyPart(txn *badger.Txn, c candidate) (*RegionHit, error) {
	key := regionsKey(c.bank.id, c.slot)
	v, err := get(txn, key)
	if err != nil {
		return nil, fmt.Errorf("regions of slot %d: %v: %w", c.slot, err, ErrCorrupt)
	}
	codes, err := decodeRegions(nil, key, v)
	if err != nil {
		return nil, fmt.Errorf("slot %d: %w", c.slot, err)
	}
	hit := RegionHit{Distance: math.MaxInt}
	for _, p := range q.parts {
		for i, code := range codes {
			if d := p.Code.Distance(code); d < hit.Distance {
				hit = RegionHit{Distance: d, Window: i, Frame: p.Frame, Transform: p.Transform}
			}
		}
	}
	if hit.Distance != c.part {
		return nil, fmt.Errorf("the regions of slot %d are at distance %d in memory, %d on disk: %w", c.slot, c.part, hit.Distance, ErrCorrupt)
	}
	if q.picture != nil {
		hit.place(*q.picture)
	}
	return &hit, nil
}

// place says where in the picture the hit is, and where the reference would be
// of which the picture shows a region.
func (h *RegionHit) place(picture hash.Info) {
	box := picture.Box(h.Frame)
	w, ok := hash.RegionWindow(h.Window)
	if !ok {
		return
	}
	h.Query = [4]int{box.Min.X, box.Min.Y, box.Max.X, box.Max.Y}
	const one = 1 << 16
	for i, corner := range [4][2]int{{0, 0}, {one, 0}, {one, one}, {0, one}} {
		x := float64(corner[0]-w.Left) / float64(w.Right-w.Left)
		y := float64(corner[1]-w.Top) / float64(w.Bottom-w.Top)
		x, y = turned(x, y, h.Transform)
		h.Quad[i] = [2]float64{
			hundredths(float64(box.Min.X) + float64(x*float64(box.Dx()))),
			hundredths(float64(box.Min.Y) + float64(y*float64(box.Dy()))),
		}
	}
}

// turned says where a point of a picture, in fractions of its sides, goes when
// the picture is turned.
func turned(x, y float64, t hash.Transform) (float64, float64) {
	if t >= hash.Mirror {
		x = 1 - x
	}
	switch t {
	case hash.Rot90, hash.MirrorRot90:
		return 1 - y, x
	case hash.Rot180, hash.MirrorRot180:
		return 1 - x, 1 - y
	case hash.Rot270, hash.MirrorRot270:
		return y, 1 - x
	}
	return x, y
}

// hundredths rounds, so that places are written alike on every CPU.
func hundredths(v float64) float64 { return math.Round(v*100)/100 + 0 } // no minus zero
