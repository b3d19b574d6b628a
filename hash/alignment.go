package hash

import "math"

// Alignment says how a reference lies in a query, and what speaks for it.
type Alignment struct {
	// Evidence is 0 to 100: how purely what is seen of the reference agrees (see
	// residual.go). It is what the thresholds of a policy are about.
	Evidence int
	// Inliers is the number of distinct places where local features agree.
	Inliers int
	// Spread is the share of the reference, 0 to 1, that the box around its
	// inliers covers.
	Spread float64
	// Agreement is the share, 0 to 1, of the windows inside the query in which
	// the reference shows something and the query shows the same.
	Agreement float64
	// Affine maps (x, y), in fractions of the reference's sides, to pixels of
	// the upright query picture: x' = a x + b y + c, y' = d x + e y + f for
	// Affine = {a, b, c, d, e, f}. Of a photo that was taken from the side it is
	// the nearest such map.
	Affine [6]float64
	// Quad is where the reference's corners lie in the query: top left, top
	// right, bottom right and bottom left of the upright reference.
	Quad [4][2]float64
	// Template says that the two agree as pictures from one template do: the
	// carton in another flavour, the pose in another garment. It means something
	// where Evidence is not enough for the same photo.
	Template bool
}

// Align looks for the reference in the scene. It reports false if too few local
// features agree for saying anything.
func (s *Scene) Align(f *Features) (Alignment, bool) {
	if f == nil {
		return Alignment{}, false
	}
	var best aligned
	for m, ps := range s.pairs(f) {
		if a := s.align(f, ps, m == 1); a.cells > best.cells {
			best = a
		}
	}
	if best.cells < leastInliers {
		return Alignment{}, false
	}
	return s.judge(f, best, byFeatures), true
}

// What proposed a map, and how many inliers that is worth.
const (
	byFeatures = 0
	byHash     = seenInliers
)

// judge weighs a map by the grey levels.
func (s *Scene) judge(f *Features, found aligned, proposed int) Alignment {
	got := s.through(f, &found.m)
	t := got.compare(&f.grey, windowLeast).tally()
	a := Alignment{
		Evidence: t.evidence(max(found.cells, proposed)),
		Inliers:  found.cells, Spread: hundredths(s.spread(f, found.inliers)),
		Agreement: hundredths(float64(t.same) / float64(max(1, t.structured))),
	}
	if inside, even := got.object(&f.grey); even && found.cells >= objectInliers {
		if o := inside.compare(&f.grey, objectLeast).tally(); o.same >= seenWindows && 10*o.same >= 3*o.structured {
			a.Evidence = max(a.Evidence, o.evidence(found.cells))
		}
	}
	if a.Spread < leastSpread {
		a.Evidence = min(a.Evidence, narrowMost(proposed))
	}
	a.Template = a.Evidence >= templateFrom && a.Evidence < templateBelow && t.template(found.cells)
	a.place(s, f, &found.m)
	return a
}

// Inliers that lie close together fix the map there and nowhere else, and the
// straight edge of one stick is like that of any other. What they propose is no
// match; what a hash proposed is a weak one at most.
const leastSpread = 0.05

func narrowMost(proposed int) int {
	if proposed == byHash {
		return 90
	}
	return templateFrom - 1
}

// objectInliers are those from which the inside of an object may decide.
const objectInliers = 25

// leastInliers say nothing by themselves, but grey levels can be compared.
const leastInliers = 3

// place fills in Affine and Quad.
func (a *Alignment) place(s *Scene, f *Features, m *projection) {
	kx, ky := float64(s.fullW)/float64(s.w), float64(s.fullH)/float64(s.h)
	w, h := float64(f.w), float64(f.h)
	corners := [4]spot{{0, 0}, {w, 0}, {w, h}, {0, h}}
	var q [4]spot
	for i, c := range corners {
		p := m.at(c)
		q[i] = spot{times(p.x, kx), times(p.y, ky)}
		a.Quad[i] = [2]float64{hundredths(q[i].x), hundredths(q[i].y)}
	}
	// The affine map that is nearest at the corners.
	half := func(v float64) float64 { return hundredths(v / 2) }
	a.Affine = [6]float64{
		half(q[1].x + q[2].x - q[0].x - q[3].x), half(q[2].x + q[3].x - q[0].x - q[1].x), hundredths((times(3, q[0].x) + q[1].x - q[2].x + q[3].x) / 4),
		half(q[1].y + q[2].y - q[0].y - q[3].y), half(q[2].y + q[3].y - q[0].y - q[1].y), hundredths((times(3, q[0].y) + q[1].y - q[2].y + q[3].y) / 4),
	}
}

// hundredths rounds, so that JSON shows what was computed.
func hundredths(v float64) float64 { return math.Round(v*100)/100 + 0 } // no minus zero

// spread is the share of the reference inside the box around its inliers.
func (s *Scene) spread(f *Features, in []found) float64 {
	x0, y0, x1, y1 := uint16(math.MaxUint16), uint16(math.MaxUint16), uint16(0), uint16(0)
	for _, p := range in {
		q := &f.points[p.r]
		x0, y0, x1, y1 = min(x0, q.x), min(y0, q.y), max(x1, q.x), max(y1, q.y)
	}
	if x1 <= x0 || y1 <= y0 {
		return 0
	}
	return min(1, times(float64(x1-x0)/float64(8*f.w), float64(y1-y0)/float64(8*f.h)))
}
