package hash

import (
	"cmp"
	"math"
	"slices"
)

// Alignment of a reference with a query by their local features. Each feature
// has a place, a direction and a size, so a single pair of features that look
// alike says how the reference would lie in the query (Philbin et al. 2007 for
// verification by single correspondences; RANSAC, Fischler and Bolles 1981, for
// counting agreement). There are at most a few hundred pairs, so all of them
// are tried instead of a random sample, and the result does not depend on
// chance:
//
//  1. pairs: features that share a word and differ in few bits;
//  2. each pair proposes a map; the other pairs vote on it, with a tolerance
//     that grows with their distance, since direction and size are coarse;
//  3. the best few are fitted by least squares, first as a similarity, then as
//     an affine map of six parameters, with a shrinking tolerance;
//  4. the reference's features are looked up where the map says they should be,
//     with more bits allowed than in step 1: found ones are the inliers;
//  5. the grey levels are compared under the map (residual.go).
//
// Not done: homographies. Of a photo taken from the side (corners moved by 12 %)
// an affine map keeps the middle and loses the corners.

// found is a reference feature and the query's feature at its place.
type found struct{ q, r, dist int }

const (
	pairBits   = 70 // bits in which two features of a pair may differ
	guidedBits = 88 // the same where the place is known
	maxPairs   = 400
	proposals  = 4 // fitted, of each orientation
)

// aligned is a map with what speaks for it.
type aligned struct {
	m       affine // reference working picture -> query working picture
	mirror  bool
	inliers []found
	cells   int // distinct places of inliers, the smaller number of both pictures
}

// pairs joins the words of query and reference.
func (s *Scene) pairs(f *Features) (ps [2][]found) {
	i := 0
	for r := range f.points {
		p := &f.points[r]
		for i < len(s.index) && s.index[i].word < p.word {
			i++
		}
		for _, l := range s.index[i:] {
			if l.word != p.word {
				break
			}
			m := 0
			if l.mirror {
				m = 1
			}
			if d := s.code(int(l.point), l.mirror).Distance(p.code); d <= pairBits {
				ps[m] = append(ps[m], found{int(l.point), r, d})
			}
		}
	}
	for m := range ps {
		slices.SortFunc(ps[m], func(a, b found) int {
			return cmp.Or(cmp.Compare(a.dist, b.dist), cmp.Compare(a.r, b.r), cmp.Compare(a.q, b.q))
		})
		ps[m] = ps[m][:min(len(ps[m]), maxPairs)]
	}
	return ps
}

// propose is the map that one pair suggests.
func propose(q, r *point, mirror bool) affine {
	scale := float64(scales[q.level]) / float64(scales[r.level])
	turn := q.angle - r.angle
	sign := 1.0
	if mirror {
		turn = q.angle + r.angle - angles/2
		sign = -1
	}
	d := directions[turn%angles]
	c, n := times(scale, float64(d[0])/(1<<14)), times(scale, float64(d[1])/(1<<14))
	return affine{times(sign, c), -n, 0, times(sign, n), c, 0}.through(r.place(), q.place())
}

// align finds the best map for one orientation.
func (s *Scene) align(f *Features, ps []found, mirror bool) (best aligned) {
	rs, qs := make([]spot, len(ps)), make([]spot, len(ps))
	for i, p := range ps {
		rs[i], qs[i] = f.points[p.r].place(), s.points[p.q].place()
	}
	type proposal struct{ at, votes int }
	top := make([]proposal, 0, len(ps))
	for i, p := range ps {
		m := propose(&s.points[p.q], &f.points[p.r], mirror)
		top = append(top, proposal{i, len(agreeing(m, rs, qs, rs[i], tolerance{10, .15}, nil))})
	}
	slices.SortStableFunc(top, func(a, b proposal) int { return b.votes - a.votes })
	tried := 0
	for _, t := range top {
		if t.votes < 3 || tried == proposals {
			break
		}
		m := propose(&s.points[ps[t.at].q], &f.points[ps[t.at].r], mirror)
		m, ok := refine(m, rs, qs, rs[t.at], mirror)
		if !ok {
			continue
		}
		tried++
		if a := s.guided(f, m, mirror); a.cells > best.cells {
			best = a
		}
	}
	return best
}

// tolerance is a distance in pixels of the query, and its growth with the
// distance from the proposing pair.
type tolerance struct{ base, growth float64 }

// agreeing returns the numbers of the pairs that agree with a map.
func agreeing(m affine, rs, qs []spot, from spot, t tolerance, in []int) []int {
	scale2 := math.Abs(m.det())
	for i := range rs {
		far := math.Sqrt(times(scale2, distance2(rs[i], from)))
		limit := t.base + times(t.growth, far)
		if distance2(m.at(rs[i]), qs[i]) <= times(limit, limit) {
			in = append(in, i)
		}
	}
	return in
}

// refine fits a proposal to the pairs that agree with it, ever closer ones.
func refine(m affine, rs, qs []spot, from spot, mirror bool) (affine, bool) {
	for k, t := range []tolerance{{10, .15}, {10, .04}, {8, 0}, {6, 0}} {
		in := agreeing(m, rs, qs, from, t, nil)
		r, q := make([]spot, len(in)), make([]spot, len(in))
		for i, j := range in {
			r[i], q[i] = rs[j], qs[j]
		}
		ok := false
		if k >= 2 && len(in) >= 8 {
			m, ok = fitAffine(r, q)
		}
		if !ok {
			m, ok = fitSimilarity(r, q, mirror)
		}
		if !ok || len(in) < 3 {
			return m, false
		}
	}
	return m, true
}

// guided looks up the reference's features where the map puts them, and fits
// the map to what it finds, twice.
func (s *Scene) guided(f *Features, m affine, mirror bool) (a aligned) {
	for range 3 {
		a = aligned{m: m, mirror: mirror, inliers: s.lookUp(f, m, mirror)}
		r, q := make([]spot, len(a.inliers)), make([]spot, len(a.inliers))
		for i, p := range a.inliers {
			r[i], q[i] = f.points[p.r].place(), s.points[p.q].place()
		}
		next, ok := fitAffine(r, q)
		if !ok || len(r) < 6 {
			next, ok = fitSimilarity(r, q, mirror)
		}
		if !ok {
			break
		}
		m = next
	}
	a.cells = s.distinct(f, a.inliers)
	return a
}

// lookUp finds the query's feature at the place of each of the reference's.
func (s *Scene) lookUp(f *Features, m affine, mirror bool) (in []found) {
	scale := math.Sqrt(math.Abs(m.det()))
	turn := m.turn(mirror)
	for r := range f.points {
		p := &f.points[r]
		at := m.at(p.place())
		size := times(scale, float64(scales[p.level]))
		angle := turn + p.angle
		if mirror {
			angle = turn - p.angle + angles/2
		}
		best := found{-1, r, guidedBits + 1}
		reach := 5.0
		s.grid.around(at, reach, func(i int) {
			q := &s.points[i]
			z := float64(scales[q.level])
			off := (q.angle - angle) % angles
			if min(off, angles-off) > 7 || z > times(1.75, size) || size > times(1.75, z) || distance2(at, q.place()) > times(reach, reach) {
				return
			}
			if d := s.code(i, mirror).Distance(p.code); d < best.dist {
				best.q, best.dist = i, d
			}
		})
		if best.q >= 0 {
			in = append(in, best)
		}
	}
	return in
}

// turn is the direction in which a map turns, 64ths.
func (m affine) turn(mirror bool) uint8 {
	x, y := m[0], m[3]
	if mirror {
		x, y = -x, -y
	}
	best, at := math.Inf(-1), 0
	for i, d := range directions {
		if v := times(x, float64(d[0])) + times(y, float64(d[1])); v > best {
			best, at = v, i
		}
	}
	return uint8(at)
}

// distinct counts inliers at different places: several levels often find the
// same corner.
func (s *Scene) distinct(f *Features, in []found) int {
	count := func(place func(found) (x, y uint16)) int {
		keys := make([]uint32, len(in))
		for i, p := range in {
			x, y := place(p)
			keys[i] = uint32(y/24)<<16 | uint32(x/24) // 3x3 pixels
		}
		slices.Sort(keys)
		return len(slices.Compact(keys))
	}
	return min(count(func(p found) (x, y uint16) { return s.points[p.q].x, s.points[p.q].y }),
		count(func(p found) (x, y uint16) { return f.points[p.r].x, f.points[p.r].y }))
}
