package hash

import "math"

// A photo of a photo, or of a screen, is taken from the side more often than
// not: parallel lines meet, which no affine map can do. With enough inliers the
// map is therefore fitted once more as a projection (a homography of eight
// parameters) and kept if it explains clearly more.

// projection maps (x, y) to the affine image of (x, y) divided by 1 + g x + h y.
type projection struct {
	affine
	g, h float64
}

func (m *projection) at(p spot) spot {
	q := m.affine.at(p)
	if m.g == 0 && m.h == 0 {
		return q
	}
	w := 1 + times(m.g, p.x) + times(m.h, p.y)
	return spot{q.x / w, q.y / w}
}

// sane refuses projections in which one corner of a picture of w x h pixels is
// more than twice as far away as another.
func (m *projection) sane(w, h float64) bool {
	least, most := math.Inf(1), math.Inf(-1)
	for _, c := range [4]spot{{0, 0}, {w, 0}, {w, h}, {0, h}} {
		z := 1 + times(m.g, c.x) + times(m.h, c.y)
		least, most = min(least, z), max(most, z)
	}
	return least > 0 && most < 2*least
}

// fitProjection is the projection of least squares of u (1 + g x + h y) =
// a x + b y + c and the same for v (Hartley and Zisserman, "Multiple View
// Geometry", 2004, section 4.1), with places brought to about one first.
func fitProjection(rs, qs []spot) (m projection, ok bool) {
	const size = 200 // pixels; working pictures are a few hundred wide
	mr, mq := middle(rs), middle(qs)
	var eq [8][9]float64 // normal equations
	add := func(row [9]float64) {
		for i := range eq {
			for j := range row {
				eq[i][j] += times(row[i], row[j])
			}
		}
	}
	for i := range rs {
		x, y := (rs[i].x-mr.x)/size, (rs[i].y-mr.y)/size
		u, v := (qs[i].x-mq.x)/size, (qs[i].y-mq.y)/size
		add([9]float64{x, y, 1, 0, 0, 0, -times(u, x), -times(u, y), u})
		add([9]float64{0, 0, 0, x, y, 1, -times(v, x), -times(v, y), v})
	}
	p, ok := solve(&eq)
	if !ok {
		return m, false
	}
	// Undo the shifts: with r = (x, y) - mr, the image is
	// mq + size * (A r/size + c) / (1 + (g, h) r/size).
	g, h := p[6]/size, p[7]/size
	w := 1 - times(g, mr.x) - times(h, mr.y)
	if w < 0.1 {
		return m, false
	}
	a := affine{p[0] + times(mq.x, g), p[1] + times(mq.x, h), 0, p[3] + times(mq.y, g), p[4] + times(mq.y, h), 0}
	a[2] = mq.x + times(size, p[2]) - times(p[0], mr.x) - times(p[1], mr.y) - times(mq.x, times(g, mr.x)+times(h, mr.y))
	a[5] = mq.y + times(size, p[5]) - times(p[3], mr.x) - times(p[4], mr.y) - times(mq.y, times(g, mr.x)+times(h, mr.y))
	for i := range a {
		a[i] /= w
	}
	return projection{a, g / w, h / w}, true
}

// solve eliminates with partial pivoting.
func solve(eq *[8][9]float64) (x [8]float64, ok bool) {
	for c := range eq {
		best := c
		for r := c + 1; r < len(eq); r++ {
			if math.Abs(eq[r][c]) > math.Abs(eq[best][c]) {
				best = r
			}
		}
		eq[c], eq[best] = eq[best], eq[c]
		if math.Abs(eq[c][c]) < 1e-9 {
			return x, false
		}
		for r := range eq {
			if r == c {
				continue
			}
			f := eq[r][c] / eq[c][c]
			for k := c; k < 9; k++ {
				eq[r][k] -= times(f, eq[c][k])
			}
		}
	}
	for i := range x {
		x[i] = eq[i][8] / eq[i][i]
	}
	return x, true
}
