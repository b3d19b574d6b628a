package hash

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The slow twins of alignment: every loop here tries everything, and the search
// for a map draws three pairs at a time, as RANSAC does.

// staged is a reference and a query that are made of points alone, and the map
// between them.
type staged struct {
	s      *Scene
	f      *Features
	truth  affine
	mirror bool
	kept   int // points that are where truth puts them
}

// staging says how a query is made from n random points of a reference: the
// share of them that go elsewhere, and by how many pixels the others miss.
type staging struct {
	n               int
	outliers, noise float64
	mirror          bool
}

// flipped changes n random bits.
func flipped(r *rand.Rand, c Code, n int) Code {
	for range n {
		b := r.IntN(256)
		c[b/64] ^= 1 << (b % 64)
	}
	return c
}

// stage makes a reference of 400 x 300 and a query of 600 x 500.
func stage(r *rand.Rand, to staging) staged {
	st := staged{s: &Scene{w: 600, h: 500}, f: &Features{w: 400, h: 300, box: [4]uint16{2: math.MaxUint16, 3: math.MaxUint16}}, mirror: to.mirror}
	st.truth = anyMap(r, to.mirror).through(spot{200, 150}, spot{300 + 40*r.Float64() - 20, 250 + 40*r.Float64() - 20})
	scale := math.Sqrt(math.Abs(st.truth.det()))
	v := words()
	for len(st.f.points) < to.n {
		p := point{x: uint16(r.IntN(8 * 400)), y: uint16(r.IntN(8 * 300)), level: uint8(r.IntN(pyramidLevels)), angle: uint8(r.IntN(angles))}
		q, ok := seenThrough(st.truth, p, scale, to.noise, r)
		if !ok {
			continue
		}
		p.code = flipped(r, v.word[r.IntN(v.len())], 24)
		p.word = v.nearest(&p.code)
		st.f.points = append(st.f.points, p)
		if r.Float64() < to.outliers {
			q.x, q.y = uint16(r.IntN(8*600)), uint16(r.IntN(8*500))
			q.level, q.angle = uint8(r.IntN(pyramidLevels)), uint8(r.IntN(angles))
		} else {
			st.kept++
		}
		code, other := flipped(r, p.code, 12), Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
		if to.mirror {
			code, other = other, code
		}
		q.code = code
		st.s.points, st.s.mirrored = append(st.s.points, q), append(st.s.mirrored, other)
	}
	slices.SortStableFunc(st.f.points, func(a, b point) int { return cmp.Compare(a.word, b.word) })
	st.s.grid = newGrid(st.s.points, st.s.w, st.s.h)
	st.s.look()
	return st
}

// anyMap turns by anything, scales by 0.5 to 1.2 and squeezes a little.
func anyMap(r *rand.Rand, mirror bool) affine {
	sin, cos := math.Sincos(2 * math.Pi * r.Float64())
	scale, squeeze, shear := .5+.7*r.Float64(), 1+.16*(r.Float64()-.5), .1*(r.Float64()-.5)
	a := affine{scale * cos * squeeze, -scale*sin + shear*scale*cos, 0, scale * sin * squeeze, scale*cos + shear*scale*sin, 0}
	if mirror {
		a[0], a[3] = -a[0], -a[3]
	}
	return a
}

// seenThrough is a feature of the reference as the query has it: at its place,
// in its direction, of its size. It is false if it is outside, or of a size that
// no level has.
func seenThrough(m affine, p point, scale, noise float64, r *rand.Rand) (q point, ok bool) {
	at := m.at(p.place())
	at.x += noise * (2*r.Float64() - 1)
	at.y += noise * (2*r.Float64() - 1)
	if at.x < 0 || at.y < 0 || at.x > 600 || at.y > 500 {
		return q, false
	}
	sin, cos := math.Sincos(2 * math.Pi * float64(p.angle) / angles)
	turn := math.Atan2(m[3]*cos+m[4]*sin, m[0]*cos+m[1]*sin) * angles / (2 * math.Pi)
	level := float64(p.level) + math.Log(scale)/math.Log(1.2)
	if level < -.5 || level > pyramidLevels-.5 {
		return q, false
	}
	return point{
		x: uint16(8*at.x + .5), y: uint16(8*at.y + .5), level: uint8(math.Abs(math.Round(level))),
		angle: uint8(int(math.Round(turn))+angles+r.IntN(3)-1) % angles,
	}, true
}

func projected(a affine) *projection { return &projection{affine: a} }

// slowPairsOfFeatures compares all words of all points with all others.
func slowPairsOfFeatures(s *Scene, f *Features) (ps [2][]found) {
	v := words()
	for q := range s.points {
		for m, code := range []Code{s.points[q].code, s.mirrored[q]} {
			var near [wordsEach]ranked
			v.near(&code, near[:])
			for r, p := range f.points {
				for _, n := range near {
					if d := code.Distance(p.code); n.at == int(p.word) && d <= pairBits {
						ps[m] = append(ps[m], found{q, r, d})
					}
				}
			}
		}
	}
	for m := range ps {
		slices.SortFunc(ps[m], func(a, b found) int {
			return cmp.Or(cmp.Compare(a.dist, b.dist), cmp.Compare(a.r, b.r), cmp.Compare(a.q, b.q))
		})
		ps[m] = ps[m][:min(maxPairs, len(ps[m]))]
	}
	return ps
}

func TestPairsOfFeaturesAgainstSlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(name string, s *Scene, f *Features) {
		t.Helper()
		got, want := s.pairs(f), slowPairsOfFeatures(s, f)
		for m := range got {
			if !slices.Equal(got[m], want[m]) {
				t.Errorf("%s, mirrored %d: %d pairs, want %d", name, m, len(got[m]), len(want[m]))
			}
		}
		if len(got[0])+len(got[1]) == 0 {
			t.Errorf("%s: no pairs at all", name)
		}
	}
	for i := range 6 {
		st := stage(r, staging{n: 40 * (i + 1), outliers: .3, noise: 1, mirror: i%2 == 1})
		check(fmt.Sprintf("points %d", i), st.s, st.f)
	}
	if testing.Short() {
		return
	}
	photos := demoPhotos(t)
	check("a photo with itself", photos[0].scene(), photos[0].features())
	check("two photos", photos[1].scene(), photos[2].features())
}

// slowLookUp looks at all features of the query for each of the reference's. It
// returns the least difference of each, and who has it.
func (m *match) slowLookUp(a affine) (dist map[int]int, who map[int][]int) {
	dist, who = map[int]int{}, map[int][]int{}
	scale := math.Sqrt(math.Abs(a.det()))
	turn := int(a.turn(m.mirror))
	for r := range m.f.points {
		p := &m.f.points[r]
		at := a.at(p.place())
		for i := range m.points {
			q := &m.points[i]
			want := turn + int(p.angle)
			if m.mirror {
				want = turn - int(p.angle) + angles/2
			}
			off := ((int(q.angle)-want)%angles + angles) % angles
			size := float64(scales[q.level]) / (scale * float64(scales[p.level]))
			if min(off, angles-off) > guidedTurn || size > guidedSize || size < 1/guidedSize || math.Hypot(at.x-q.place().x, at.y-q.place().y) > guidedReach {
				continue
			}
			d := m.code(i, m.mirror).Distance(p.code)
			if d > guidedBits {
				continue
			}
			if old, ok := dist[r]; !ok || d < old {
				dist[r], who[r] = d, nil
			}
			if d == dist[r] {
				who[r] = append(who[r], i)
			}
		}
	}
	return dist, who
}

func TestLookUpAgainstSlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	check := func(name string, m match, a affine) int {
		t.Helper()
		dist, who := m.slowLookUp(a)
		got := m.lookUp(projected(a))
		if len(got) != len(dist) {
			t.Errorf("%s: %d inliers, want %d", name, len(got), len(dist))
		}
		for _, p := range got {
			if d, ok := dist[p.r]; !ok || d != p.dist || !slices.Contains(who[p.r], p.q) {
				t.Errorf("%s: feature %d is %d at %d bits, want %v at %d", name, p.r, p.q, p.dist, who[p.r], d)
			}
		}
		return len(got)
	}
	for i := range 10 {
		st := stage(r, staging{n: 150, outliers: .4, noise: 2, mirror: i%2 == 1})
		m := match{Scene: st.s, f: st.f, mirror: st.mirror}
		if n := check(fmt.Sprintf("points %d", i), m, st.truth); n < 60 {
			t.Errorf("points %d: %d inliers of 150, want the 90 or so that were not moved", i, n)
		}
		off := st.truth
		off[2] += 300 // much of it is outside
		check(fmt.Sprintf("points %d, moved", i), m, off)
	}
	photos := demoPhotos(t)
	s, f := photos[0].scene(), photos[0].features()
	k := float64(s.w) / float64(f.w)
	if n := check("a photo", match{Scene: s, f: f}, affine{k, 0, 0, 0, k, 0}); n < 100 {
		t.Errorf("%d of %d features of a photo are in the photo itself", n, f.Points())
	}
}

// ransac draws three pairs at a time, and returns the most that agree with their
// map.
func ransac(r *rand.Rand, m *match, draws int, t tolerance) (best int) {
	n := len(m.pairs)
	for range draws {
		i, j, k := r.IntN(n), r.IntN(n), r.IntN(n)
		a, ok := fitAffine([]spot{m.rs[i], m.rs[j], m.rs[k]}, []spot{m.qs[i], m.qs[j], m.qs[k]})
		if ok && a.det() < 0 == m.mirror {
			best = max(best, m.count(a, i, t))
		}
	}
	return best
}

// close counts the pairs that are within some pixels of where a map puts them.
func (m *match) close(a *projection, pixels float64) (n int) {
	for i := range m.pairs {
		if distance2(a.at(m.rs[i]), m.qs[i]) <= pixels*pixels {
			n++
		}
	}
	return n
}

// TestAlignAgainstRANSAC: the map is the true one, and as many pairs agree with it
// as with the best of thousands of samples.
func TestAlignAgainstRANSAC(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 40 {
		to := staging{n: 120, outliers: float64(i%8) / 10, noise: 1, mirror: i%2 == 1}
		if i >= 32 {
			to.n = 60
		}
		name := fmt.Sprintf("%d: %+v", i, to)
		st := stage(r, to)
		orientation := 0
		if to.mirror {
			orientation = 1
		}
		ps := st.s.pairs(st.f)[orientation]
		a := st.s.align(st.f, ps, to.mirror)
		for _, c := range []spot{{0, 0}, {400, 0}, {400, 300}, {0, 300}} {
			if got, want := a.m.at(c), st.truth.at(c); math.Sqrt(distance2(got, want)) > 2 {
				t.Errorf("%s: corner %v is at %v, want %v", name, c, got, want)
			}
		}
		m := match{Scene: st.s, f: st.f, mirror: to.mirror, pairs: ps}
		for _, p := range ps {
			m.rs, m.qs = append(m.rs, st.f.points[p.r].place()), append(m.qs, st.s.points[p.q].place())
		}
		if got, best := m.close(&a.m, 3), ransac(r, &m, 3000, tolerance{3, 0}); got < best-best/20-1 {
			t.Errorf("%s: %d of %d pairs agree with the map, %d with one of three pairs", name, got, len(ps), best)
		}
		if len(a.inliers) < st.kept*8/10 {
			t.Errorf("%s: %d inliers, %d points are where they should be", name, len(a.inliers), st.kept)
		}
		// The other orientation has nothing in common but chance.
		if b := st.s.align(st.f, st.s.pairs(st.f)[1-orientation], !to.mirror); b.cells > 10 {
			t.Errorf("%s: %d inliers of the other orientation", name, b.cells)
		}
	}
}

// TestProposeIsExactForOnePair: place, direction and size of a feature make the
// whole of a similarity.
func TestProposeIsExactForOnePair(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, mirror := range []bool{false, true} {
		for range 200 {
			p := point{x: uint16(r.IntN(3200)), y: uint16(r.IntN(2400)), level: uint8(r.IntN(8)), angle: uint8(r.IntN(angles))}
			q := point{x: uint16(r.IntN(4800)), y: uint16(r.IntN(4000)), level: uint8(r.IntN(8)), angle: uint8(r.IntN(angles))}
			m := propose(&q, &p, mirror)
			if d := distance2(m.at(p.place()), q.place()); d > 1e-9 {
				t.Fatalf("%v to %v: off by %v", p, q, d)
			}
			scale := float64(scales[q.level]) / float64(scales[p.level])
			if d := m.det(); math.Abs(math.Abs(d)-scale*scale) > 1e-3*scale*scale || d < 0 != mirror {
				t.Fatalf("%v to %v, mirrored %v: determinant %v, want %v²", p, q, mirror, d, scale)
			}
			sin, cos := math.Sincos(2 * math.Pi * float64(p.angle) / angles)
			x, y := m[0]*cos+m[1]*sin, m[3]*cos+m[4]*sin
			sin, cos = math.Sincos(2 * math.Pi * float64(q.angle) / angles)
			if math.Abs(x*sin-y*cos) > 1e-3*scale || x*cos+y*sin < 0 {
				t.Fatalf("%v to %v, mirrored %v: direction %v, %v", p, q, mirror, x, y)
			}
			back := (int(m.turn(mirror)) + int(p.angle)) % angles
			if mirror {
				back = (int(m.turn(mirror)) - int(p.angle) + angles/2 + angles) % angles
			}
			if back != int(q.angle) {
				t.Fatalf("%v to %v, mirrored %v: turned to %d", p, q, mirror, back)
			}
		}
	}
}

// mapped are random places and where a map puts them.
func mapped(r *rand.Rand, m affine, n int) (rs, qs []spot) {
	for range n {
		p := spot{400 * r.Float64(), 300 * r.Float64()}
		rs, qs = append(rs, p), append(qs, m.at(p))
	}
	return rs, qs
}

func sameMap(a, b affine) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-6*(1+math.Abs(b[i])) {
			return false
		}
	}
	return true
}

func TestFitsOfExactPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range 200 {
		mirror := i%2 == 1
		want := anyMap(r, mirror)
		want[2], want[5] = 500*r.Float64(), 500*r.Float64()
		rs, qs := mapped(r, want, 3+r.IntN(20))
		if got, ok := fitAffine(rs, qs); ok && !sameMap(got, want) {
			t.Errorf("affine map %v, want %v", got, want)
		} else if !ok && len(rs) > 4 {
			t.Errorf("no affine map of %d places", len(rs))
		}
		sin, cos := math.Sincos(2 * math.Pi * r.Float64())
		want = affine{.7 * cos, -.7 * sin, 40, .7 * sin, .7 * cos, -9}
		if mirror {
			want[0], want[3] = -want[0], -want[3]
		}
		rs, qs = mapped(r, want, 2+r.IntN(20))
		if got, ok := fitSimilarity(rs, qs, mirror); !ok || !sameMap(got, want) {
			t.Errorf("similarity %v (%t), want %v", got, ok, want)
		}
		if got, _ := fitSimilarity(rs, qs, !mirror); len(rs) > 2 && sameMap(got, want) {
			t.Errorf("a mirrored map was found without mirroring: %v", got)
		}
	}
}

// anyProjection is a map of a picture of 400 x 300 that no affine map is.
func anyProjection(r *rand.Rand) projection {
	p := projection{affine: anyMap(r, false), g: .001 * (r.Float64() - .5), h: .001 * (r.Float64() - .5)}
	p.affine[2], p.affine[5] = 300, 200
	return p
}

func TestProjectionsOfExactPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 100 {
		want := anyProjection(r)
		rs := []spot{{0, 0}, {400, 0}, {400, 300}, {0, 300}}
		for range r.IntN(20) {
			rs = append(rs, spot{400 * r.Float64(), 300 * r.Float64()})
		}
		var qs []spot
		for _, p := range rs {
			qs = append(qs, want.at(p))
		}
		got, ok := fitProjection(rs, qs)
		if !ok {
			t.Fatalf("no projection of %d places", len(rs))
		}
		for range 20 {
			p := spot{400 * r.Float64(), 300 * r.Float64()}
			if d := distance2(got.at(p), want.at(p)); d > 1e-6 {
				t.Fatalf("%v goes to %v, want %v", p, got.at(p), want.at(p))
			}
		}
		if !want.sane(400, 300) || want.sane(4000, 3000) && math.Abs(want.g)+math.Abs(want.h) > .0005 {
			t.Errorf("%v is sane to 400 x 300: %t, to 4000 x 3000: %t", want, want.sane(400, 300), want.sane(4000, 3000))
		}
	}
	line := []spot{{0, 0}, {10, 20}, {20, 40}, {30, 60}, {100, 200}}
	for name, ps := range map[string][]spot{"a line": line, "three": {{0, 0}, {9, 0}, {0, 9}}, "one": line[:1]} {
		if m, ok := fitProjection(ps, ps); ok {
			t.Errorf("projection of %s: %v", name, m)
		}
	}
}

// TestFitsAreOfLeastSquares: no small change of the map makes the squares less.
func TestFitsAreOfLeastSquares(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 20 {
		rs, qs := mapped(r, anyMap(r, false).through(spot{}, spot{50, 60}), 12)
		for i := range qs {
			qs[i].x += r.NormFloat64()
			qs[i].y += r.NormFloat64()
		}
		squares := func(m affine) (sum float64) {
			for i := range rs {
				sum += distance2(m.at(rs[i]), qs[i])
			}
			return sum
		}
		m, ok := fitAffine(rs, qs)
		if !ok {
			t.Fatal("no map")
		}
		for i := range m {
			for _, by := range []float64{-1e-4, 1e-4} {
				n := m
				n[i] += by
				if squares(n) < squares(m) {
					t.Errorf("parameter %d less %v is better: %v < %v", i, by, squares(n), squares(m))
				}
			}
		}
	}
}

func TestFitsRefuse(t *testing.T) {
	line := []spot{{0, 0}, {10, 20}, {20, 40}, {30, 60}, {100, 200}}
	nearly := []spot{{0, 0}, {10, 20.1}, {20, 39.9}, {30, 60}, {100, 200}}
	point := []spot{{5, 5}, {5, 5}, {5, 5}}
	square := []spot{{0, 0}, {100, 0}, {100, 100}, {0, 100}}
	for name, ps := range map[string][]spot{"a line": line, "nearly a line": nearly, "one place": point, "two": square[:2], "none": nil} {
		if m, ok := fitAffine(ps, ps); ok {
			t.Errorf("affine map of %s: %v", name, m)
		}
	}
	for name, ps := range map[string][]spot{"one place": point, "one": square[:1], "none": nil} {
		if m, ok := fitSimilarity(ps, ps, false); ok {
			t.Errorf("similarity of %s: %v", name, m)
		}
	}
	if m, ok := fitAffine(square, []spot{{0, 0}, {300, 0}, {300, 100}, {0, 100}}); ok {
		t.Errorf("squeezed to a third: %v", m)
	}
	if m, ok := fitSimilarity(square, []spot{{9, 9}, {9, 9}, {9, 9}, {9, 9}}, false); ok {
		t.Errorf("shrunk to nothing: %v", m)
	}
}

func TestSaneLimits(t *testing.T) {
	for _, c := range []struct {
		sx, sy float64
		want   bool
	}{
		{1, 1, true}, {5.9, 5.9, true}, {6.1, 6.1, false}, {1 / 5.9, 1 / 5.9, true}, {1 / 6.1, 1 / 6.1, false},
		{2.15, 1, true}, {2.25, 1, false}, {1, 2.15, true}, {1, 2.25, false}, {.5, 1.05, true}, {.4, 1, false},
		{0, 1, false}, {0, 0, false}, {1e6, 1e-6, false},
	} {
		for _, mirror := range []float64{1, -1} {
			for turn := range 12 {
				sin, cos := math.Sincos(float64(turn) * math.Pi / 6)
				m := affine{c.sx * cos * mirror, -c.sy * sin, 7, c.sx * sin * mirror, c.sy * cos, 8}
				if m.sane() != c.want {
					t.Errorf("scaled by %v and %v, turned by %d/12, mirrored %v: %t, want %t", c.sx, c.sy, turn, mirror, m.sane(), c.want)
				}
			}
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		if m := (affine{bad, 0, 0, 0, 1, 0}); m.sane() {
			t.Errorf("%v is sane", m)
		}
	}
}

// TestDistinctCountsPlaces: two features at a place are one, on either side.
func TestDistinctCountsPlaces(t *testing.T) {
	at := func(x, y float64) point { return point{x: uint16(8 * x), y: uint16(8 * y)} }
	m := match{
		Scene: &Scene{points: []point{at(10, 10), at(10.5, 10.5), at(50, 50), at(90, 10)}},
		f:     &Features{points: []point{at(1, 1), at(30, 1), at(30, 1.5), at(60, 60)}},
	}
	for _, c := range []struct {
		in   []found
		want int
	}{
		{nil, 0},
		{[]found{{0, 0, 0}}, 1},
		{[]found{{0, 0, 0}, {1, 1, 0}}, 1},            // one place of the query
		{[]found{{2, 1, 0}, {3, 2, 0}}, 1},            // one place of the reference
		{[]found{{0, 0, 0}, {2, 1, 0}, {3, 3, 0}}, 3}, // three of both
	} {
		if n := m.distinct(c.in); n != c.want {
			t.Errorf("%v: %d places, want %d", c.in, n, c.want)
		}
	}
}
