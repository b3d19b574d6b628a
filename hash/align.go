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
// An affine map keeps the middle of a photo that was taken from the side and
// loses its corners; see projection.go for what is done about that.

// found is a reference feature and the query's feature at its place.
type found struct{ q, r, dist int }

const (
	pairBits   = 70  // bits in which two features of a pair may differ
	guidedBits = 88  // the same where the place is known
	maxPairs   = 200 // of each orientation, those that differ least
	maxVoted   = 80  // pairs that propose a map
	maxFitted  = 3   // proposals that are fitted
	leastVotes = 3   // of a proposal, itself included
	sureCells  = 25  // inliers that end the search

	projectFrom  = 16 // inliers from which a projection is tried
	settleRounds = 10 // fits of a projection, at most
)

// aligned is a map with what speaks for it.
type aligned struct {
	m       projection // reference working picture -> query working picture
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

// match is the pairs of one orientation with their places.
type match struct {
	*Scene
	f      *Features
	mirror bool
	pairs  []found
	rs, qs []spot // places of the pairs
}

// align finds the best map for one orientation.
func (s *Scene) align(f *Features, ps []found, mirror bool) (best aligned) {
	m := match{Scene: s, f: f, mirror: mirror, pairs: ps, rs: make([]spot, len(ps)), qs: make([]spot, len(ps))}
	for i, p := range ps {
		m.rs[i], m.qs[i] = f.points[p.r].place(), s.points[p.q].place()
	}
	for _, at := range m.vote() {
		fitted, ok := m.refine(at)
		if !ok {
			continue
		}
		if a := m.guided(fitted); a.cells > best.cells {
			best = a
		}
		if best.cells >= sureCells {
			break
		}
	}
	return best
}

// vote returns the pairs whose proposals most others agree with.
func (m *match) vote() []int {
	var votes [maxVoted]int
	top := make([]int, 0, maxVoted)
	for i := range m.pairs[:min(len(m.pairs), maxVoted)] {
		votes[i] = m.count(m.propose(i), i, tolerance{10, .15})
		if votes[i] >= leastVotes {
			top = append(top, i)
		}
	}
	slices.SortStableFunc(top, func(a, b int) int { return votes[b] - votes[a] })
	return top[:min(len(top), maxFitted)]
}

func (m *match) propose(i int) affine {
	return propose(&m.points[m.pairs[i].q], &m.f.points[m.pairs[i].r], m.mirror)
}

// tolerance is a distance in pixels of the query, and its growth with the
// distance from the proposing pair.
type tolerance struct{ base, growth float64 }

// agrees says whether pair i agrees with a map that pair from proposed; scale2
// is the map's change of areas.
func (m *match) agrees(a affine, i, from int, scale2 float64, t tolerance) bool {
	limit := t.base
	if t.growth > 0 {
		limit += times(t.growth, math.Sqrt(times(scale2, distance2(m.rs[i], m.rs[from]))))
	}
	return distance2(a.at(m.rs[i]), m.qs[i]) <= times(limit, limit)
}

func (m *match) count(a affine, from int, t tolerance) (n int) {
	scale2 := math.Abs(a.det())
	for i := range m.pairs {
		if m.agrees(a, i, from, scale2, t) {
			n++
		}
	}
	return n
}

// refine fits the proposal of a pair to the pairs that agree with it, ever
// closer ones.
func (m *match) refine(from int) (affine, bool) {
	a := m.propose(from)
	rs, qs := make([]spot, 0, len(m.pairs)), make([]spot, 0, len(m.pairs))
	for k, t := range []tolerance{{10, .15}, {10, .04}, {8, 0}, {6, 0}} {
		rs, qs = rs[:0], qs[:0]
		scale2 := math.Abs(a.det())
		for i := range m.pairs {
			if m.agrees(a, i, from, scale2, t) {
				rs, qs = append(rs, m.rs[i]), append(qs, m.qs[i])
			}
		}
		if len(rs) < leastVotes {
			return a, false
		}
		ok := false
		if k >= 2 && len(rs) >= 8 {
			a, ok = fitAffine(rs, qs)
		}
		if !ok {
			a, ok = fitSimilarity(rs, qs, m.mirror)
		}
		if !ok {
			return a, false
		}
	}
	return a, true
}

// guided looks up the reference's features where the map puts them and fits the
// map to what it finds, twice; then as a projection.
func (m *match) guided(to affine) aligned {
	a := aligned{m: projection{affine: to}, mirror: m.mirror}
	var rs, qs []spot
	for k := range 3 {
		a.inliers = m.lookUp(&a.m)
		if len(a.inliers) < leastVotes {
			return aligned{}
		}
		rs, qs = m.places(a.inliers, rs[:0], qs[:0])
		next, ok := fitAffine(rs, qs)
		if !ok || len(rs) < 6 {
			next, ok = fitSimilarity(rs, qs, m.mirror)
		}
		if !ok || k == 2 {
			break
		}
		a.m.affine = next
	}
	a.cells = m.distinct(a.inliers)
	if a.cells >= projectFrom {
		a = m.project(a)
	}
	return a
}

// project replaces a map by a projection if that finds clearly more. Inliers at
// the corners come in one by one, so it is fitted until there are no others.
func (m *match) project(a aligned) aligned {
	b := a
	var rs, qs []spot
	for range settleRounds {
		rs, qs = m.places(b.inliers, rs[:0], qs[:0])
		next, ok := fitProjection(rs, qs)
		if !ok || !next.sane(float64(m.f.w), float64(m.f.h)) || !next.affine.sane() {
			return a
		}
		b.m = next
		more := m.lookUp(&b.m)
		done := slices.Equal(more, b.inliers)
		b.inliers = more
		if done {
			break
		}
	}
	if b.cells = m.distinct(b.inliers); 10*b.cells >= 11*a.cells {
		return b
	}
	return a
}

// places appends the places of pairs.
func (m *match) places(in []found, rs, qs []spot) ([]spot, []spot) {
	for _, p := range in {
		rs, qs = append(rs, m.f.points[p.r].place()), append(qs, m.points[p.q].place())
	}
	return rs, qs
}

const (
	guidedReach = 5.0  // pixels of the query's working picture
	guidedTurn  = 7    // 64ths of a turn
	guidedSize  = 1.75 // ratio of sizes
)

// lookUp finds the query's feature at the place of each of the reference's.
func (m *match) lookUp(a *projection) []found {
	in := make([]found, 0, len(m.f.points))
	scale, turn := math.Sqrt(math.Abs(a.det())), a.turn(m.mirror)
	for r := range m.f.points {
		p := &m.f.points[r]
		at, size, angle := a.at(p.place()), times(scale, float64(scales[p.level])), turn+p.angle
		if m.mirror {
			angle = turn - p.angle + angles/2
		}
		best := found{-1, r, guidedBits + 1}
		for i := range m.grid.around(at, guidedReach) {
			q := &m.points[i]
			z, off := float64(scales[q.level]), (q.angle-angle)%angles
			if min(off, angles-off) > guidedTurn || z > times(guidedSize, size) || size > times(guidedSize, z) ||
				distance2(at, q.place()) > guidedReach*guidedReach {
				continue
			}
			if d := m.code(i, m.mirror).Distance(p.code); d < best.dist {
				best.q, best.dist = i, d
			}
		}
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
func (m *match) distinct(in []found) int {
	keys := make([]uint32, len(in))
	count := func(point func(found) *point) int {
		for i, p := range in {
			q := point(p)
			keys[i] = uint32(q.y/24)<<16 | uint32(q.x/24) // 3x3 pixels
		}
		slices.Sort(keys)
		return len(slices.Compact(slices.Clone(keys)))
	}
	return min(count(func(p found) *point { return &m.points[p.q] }), count(func(p found) *point { return &m.f.points[p.r] }))
}
