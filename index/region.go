package index

import (
	"cmp"
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
// and of equal ones that of the better score. The position in a chunk of both
// kinds of hits ascends, so they are joined like two sorted lists.

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

// partHits scans the regions of one chunk. Each position comes once, with the
// least distance of its regions, in order.
func (q *query) partHits(c *chunk, first int, b *bankView) []hamming.Hit {
	if len(q.partCodes) == 0 || len(c.regions) == 0 {
		return nil
	}
	hits := hamming.Within(nil, c.regions, q.partCodes, b.Policy.RegionWeak)
	kept := hits[:0]
	for _, h := range hits {
		if pos := int(c.regionOf[h.Pos]); pos >= first {
			kept = append(kept, hamming.Hit{Pos: pos, Dist: h.Dist})
		}
	}
	return nearestOnly(kept)
}

// nearestOnly keeps the least distance of each position, in order of these.
func nearestOnly(hits []hamming.Hit) []hamming.Hit {
	slices.SortFunc(hits, func(a, b hamming.Hit) int { return cmp.Or(cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.Dist, b.Dist)) })
	return slices.CompactFunc(hits, func(a, b hamming.Hit) bool { return a.Pos == b.Pos })
}

// joint is what a scan found of the reference at a position; -1 is nothing.
type joint struct {
	pos, whole, part int
}

// joined joins two lists of hits in ascending order of their positions.
func joined(whole, part []hamming.Hit) iter.Seq[joint] {
	return func(yield func(joint) bool) {
		for len(whole) > 0 || len(part) > 0 {
			j := joint{pos: math.MaxInt, whole: -1, part: -1}
			if len(whole) > 0 {
				j.pos, j.whole = whole[0].Pos, whole[0].Dist
			}
			if len(part) > 0 && part[0].Pos <= j.pos {
				if part[0].Pos < j.pos {
					j.whole = -1
				}
				j.pos, j.part = part[0].Pos, part[0].Dist
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
func (j joint) candidate(b *bankView, slot uint64) candidate {
	var byPart, byWhole candidate
	if j.part >= 0 {
		byPart = newCandidate(b, slot, CheckRegion, j.part)
		byPart.dist, byPart.part = j.whole, j.part
		if j.whole < 0 {
			return byPart
		}
	}
	byWhole = newCandidate(b, slot, CheckHash, j.whole)
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
