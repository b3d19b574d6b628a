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
	// Affine = {a, b, c, d, e, f}.
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
	r := s.compare(f, found.m)
	t := r.tally()
	a := Alignment{
		Evidence: t.evidence(max(found.cells, proposed)),
		Inliers:  found.cells, Spread: hundredths(s.spread(f, found.inliers)),
		Agreement: hundredths(float64(t.same) / float64(max(1, t.structured))),
	}
	a.Template = a.Evidence < templateBelow && t.template(found.cells)
	a.place(s, f, found.m)
	return a
}

// leastInliers say nothing by themselves, but grey levels can be compared.
const leastInliers = 3

// place fills in Affine and Quad.
func (a *Alignment) place(s *Scene, f *Features, m affine) {
	kx, ky := float64(s.fullW)/float64(s.w), float64(s.fullH)/float64(s.h)
	w, h := float64(f.w), float64(f.h)
	for i, v := range [6]float64{
		times(m[0], times(kx, w)), times(m[1], times(kx, h)), times(m[2], kx),
		times(m[3], times(ky, w)), times(m[4], times(ky, h)), times(m[5], ky),
	} {
		a.Affine[i] = hundredths(v)
	}
	for i, c := range [4][2]float64{{0, 0}, {1, 0}, {1, 1}, {0, 1}} {
		for j := range 2 {
			row := a.Affine[3*j:]
			a.Quad[i][j] = hundredths(times(row[0], c[0]) + times(row[1], c[1]) + row[2])
		}
	}
}

// hundredths rounds, so that JSON shows what was computed.
func hundredths(v float64) float64 { return math.Round(v*100) / 100 }

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
