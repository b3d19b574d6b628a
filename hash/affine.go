package hash

import "math"

// Geometry is computed in floating point. The compiler may fuse a product with
// the sum that follows on some CPUs, which rounds differently; an explicit
// conversion forbids it (Go specification, "Floating-point operators"), so all
// products here go through times.

func times(a, b float64) float64 { return float64(a * b) }

// spot is a place in a working picture, pixels.
type spot struct{ x, y float64 }

// affine maps (x, y) to (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
type affine [6]float64

func (m affine) at(p spot) spot {
	return spot{times(m[0], p.x) + times(m[1], p.y) + m[2], times(m[3], p.x) + times(m[4], p.y) + m[5]}
}

func (m affine) det() float64 { return times(m[0], m[4]) - times(m[1], m[3]) }

// sane refuses maps that enlarge or reduce more than six times, or squeeze one
// direction more than 2.2 times as much as the other: with singular values s and
// t, st = |det| and s²+t² is the sum of the squares.
func (m affine) sane() bool {
	squares := times(m[0], m[0]) + times(m[1], m[1]) + times(m[3], m[3]) + times(m[4], m[4])
	d := math.Abs(m.det())
	return d > 1.0/36 && d < 36 && squares < times(2.2+1/2.2, d)
}

func distance2(p, q spot) float64 {
	dx, dy := p.x-q.x, p.y-q.y
	return times(dx, dx) + times(dy, dy)
}

// middle of places.
func middle(ps []spot) (m spot) {
	for _, p := range ps {
		m.x += p.x
		m.y += p.y
	}
	n := float64(len(ps))
	return spot{m.x / n, m.y / n}
}

// fitAffine is the affine map of least squares from places in the reference to
// places in the query. It fails if the places lie on a line.
func fitAffine(rs, qs []spot) (m affine, ok bool) {
	if len(rs) < 3 {
		return m, false
	}
	mr, mq := middle(rs), middle(qs)
	var xx, xy, yy, ux, uy, vx, vy float64
	for i := range rs {
		x, y, u, v := rs[i].x-mr.x, rs[i].y-mr.y, qs[i].x-mq.x, qs[i].y-mq.y
		xx += times(x, x)
		xy += times(x, y)
		yy += times(y, y)
		ux += times(u, x)
		uy += times(u, y)
		vx += times(v, x)
		vy += times(v, y)
	}
	det := times(xx, yy) - times(xy, xy)
	if det <= times(1e-3, times(xx+yy, xx+yy)) {
		return m, false
	}
	m[0] = (times(ux, yy) - times(uy, xy)) / det
	m[1] = (times(uy, xx) - times(ux, xy)) / det
	m[3] = (times(vx, yy) - times(vy, xy)) / det
	m[4] = (times(vy, xx) - times(vx, xy)) / det
	return m.through(mr, mq), m.sane()
}

// through shifts a map so that it takes p to q.
func (m affine) through(p, q spot) affine {
	m[2], m[5] = 0, 0
	s := m.at(p)
	m[2], m[5] = q.x-s.x, q.y-s.y
	return m
}

// fitSimilarity is the same for maps that only turn, scale, shift and, if asked
// to, mirror left and right first.
func fitSimilarity(rs, qs []spot, mirror bool) (m affine, ok bool) {
	if len(rs) < 2 {
		return m, false
	}
	mr, mq := middle(rs), middle(qs)
	sign := 1.0
	if mirror {
		sign = -1
	}
	var squares, c, s float64
	for i := range rs {
		x, y, u, v := times(sign, rs[i].x-mr.x), rs[i].y-mr.y, qs[i].x-mq.x, qs[i].y-mq.y
		squares += times(x, x) + times(y, y)
		c += times(x, u) + times(y, v)
		s += times(x, v) - times(y, u)
	}
	if squares < 1 {
		return m, false
	}
	c, s = c/squares, s/squares
	m = affine{times(sign, c), -s, 0, times(sign, s), c, 0}
	return m.through(mr, mq), m.sane()
}
