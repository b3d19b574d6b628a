package hash

import (
	"math"
	"math/rand/v2"
)

// A corner is described by ORB's steered BRIEF (Rublee, Rabaud, Konolige and
// Bradski, "ORB: an efficient alternative to SIFT or SURF", 2011): the direction
// from the corner to the centroid of the grey levels around it (Rosin 1999)
// says how the surroundings are turned, and 256 comparisons of the grey levels
// of two points each, turned with it, are the descriptor.
//
// The points are drawn from a Gaussian, as in BRIEF (Calonder et al. 2010), by a
// generator of fixed seed. Directions are 64ths of a turn and all arithmetic is
// in integers, so that every CPU makes the same descriptors.
//
// A mirrored photo has mirrored surroundings. Instead of mirroring the picture
// and finding everything again, the query describes each corner a second time
// with the points mirrored at its direction.

// point is a local feature.
type point struct {
	x, y  uint16 // 1/8 pixel of the working picture
	level uint8  // of the pyramid
	angle uint8  // 64ths of a turn, from x to y
	word  uint16 // of the vocabulary; references only
	code  Code
}

const (
	angles      = 64
	patchRadius = 15                // pixels of the level that say the direction
	pairReach   = 12                // pixels of a level, per axis, before turning
	patchMargin = pairReach * 3 / 2 // no pair reaches further when turned
)

// directions are cosine and sine of the angles, 14 fractional bits.
var directions = func() (d [angles][2]int32) {
	for i := range d {
		s, c := math.Sincos(2 * math.Pi * float64(i) / angles)
		d[i] = [2]int32{int32(math.Round(c * (1 << 14))), int32(math.Round(s * (1 << 14)))}
	}
	return d
}()

// disc holds the half widths of the rows 0 to patchRadius of a disc.
var disc = func() (d [patchRadius + 1]int) {
	for y := range d {
		for (d[y]+1)*(d[y]+1)+y*y <= patchRadius*(patchRadius+1) {
			d[y]++
		}
	}
	return d
}()

// angle is the direction to the centroid of the disc.
func (g grey) angle(x, y int) uint8 {
	var mx, my int32
	for dy := -patchRadius; dy <= patchRadius; dy++ {
		r := disc[max(dy, -dy)]
		var sum, first int32
		for i, v := range g.pix[(y+dy)*g.w+x-r:][:2*r+1] {
			sum += int32(v)
			first += int32(v) * int32(i-r)
		}
		mx += first
		my += sum * int32(dy)
	}
	best, at := int64(math.MinInt64), 0
	for i, d := range directions {
		if v := int64(mx)*int64(d[0]) + int64(my)*int64(d[1]); v > best {
			best, at = v, i
		}
	}
	return uint8(at)
}

// comparison is a pair of points, relative to the corner.
type comparison struct{ ax, ay, bx, by int8 }

// pairs are the 256 comparisons, drawn with a deviation of a fifth of the
// patch's 31 pixels.
var pairs = func() (p [256]comparison) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() int8 {
		for {
			if v := math.Round(r.NormFloat64() * 31 / 5); math.Abs(v) <= pairReach {
				return int8(v)
			}
		}
	}
	for i := range p {
		for p[i].ax == p[i].bx && p[i].ay == p[i].by {
			p[i] = comparison{draw(), draw(), draw(), draw()}
		}
	}
	return p
}()

// turnedPairs are the pairs in all directions, as they are and mirrored (y
// changes its sign).
var turnedPairs = func() (t [2][angles][256]comparison) {
	for m := range t {
		for a, d := range directions {
			turn := func(x, y int8) (int8, int8) {
				u, v := int32(x), int32(y)*int32(1-2*m)
				return int8((u*d[0] - v*d[1] + 1<<13) >> 14), int8((u*d[1] + v*d[0] + 1<<13) >> 14)
			}
			for i, p := range pairs {
				q := &t[m][a][i]
				q.ax, q.ay = turn(p.ax, p.ay)
				q.bx, q.by = turn(p.bx, p.by)
			}
		}
	}
	return t
}()

// describe compares the pairs around a pixel of a blurred level.
func (g grey) describe(x, y int, pairs *[256]comparison) (c Code) {
	at := y*g.w + x
	for w := range c {
		for i := range 64 {
			p := &pairs[64*w+i]
			if g.pix[at+int(p.ay)*g.w+int(p.ax)] < g.pix[at+int(p.by)*g.w+int(p.bx)] {
				c[w] |= 1 << i
			}
		}
	}
	return c
}

// Sides of the working pictures, and numbers of points.
const (
	referenceSide = 400
	sceneSide     = 600
	scenePoints   = 600
)

// fall is the ratio of the numbers of points of a level and of the finer one,
// in 256ths. A corner's level has 1/1.44 of the pixels of the finer one, so that
// even shares would fall by 178; coarse levels get more, because by them a copy
// is found that was made smaller.
const (
	referenceFall = 205
	sceneFall     = 192
)

// quotas divides n points among levels.
func quotas(n, levels, fall int) []int {
	q := make([]int, levels)
	sum, share := 0, 1<<20
	for i := range q {
		q[i] = share
		sum += share
		share = share * fall >> 8
	}
	for i, s := range q {
		q[i] = (n*s + sum/2) / sum
	}
	return q
}

// detect finds and describes up to n points. What a level lacks goes to the
// next one. The second result, if asked for, holds the descriptors that the
// points have in the mirrored picture.
func detect(g grey, n, fall int, mirror bool) (ps []point, mirrored []Code) {
	levels := pyramid(g)
	spare := 0
	for l, quota := range quotas(n, len(levels), fall) {
		lev := levels[l]
		quota = min(quota+spare, n-len(ps))
		cs := lev.strongest(lev.corners(patchMargin), quota)
		spare = quota - len(cs)
		smooth := lev.blurred()
		for _, c := range cs {
			x, y := int(c.x), int(c.y)
			a := lev.angle(x, y)
			ps = append(ps, point{
				x: uint16((2*x + 1) * 4 * g.w / lev.w), y: uint16((2*y + 1) * 4 * g.h / lev.h),
				level: uint8(l), angle: a, code: smooth.describe(x, y, &turnedPairs[0][a]),
			})
			if mirror {
				mirrored = append(mirrored, smooth.describe(x, y, &turnedPairs[1][a]))
			}
		}
	}
	return ps, mirrored
}
