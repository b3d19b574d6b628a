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

// patch is the blurred surroundings of a corner, from patchMargin pixels above
// and left of it on. A copy of them has the same stride at every level, so that
// the places of all turned pairs are known beforehand; and its size lets every
// number of patchBits bits be an index.
type patch [1 << patchBits]uint8

const (
	patchBits   = 11
	patchSide   = 2*patchMargin + 1
	patchStride = patchSide + 3 // a multiple of eight
)

// turnedPair is a comparison of two places in a patch.
type turnedPair struct{ a, b uint16 }

// turnedPairs are the pairs in all directions, as they are and mirrored (y
// changes its sign).
var turnedPairs = func() (t [2][angles][256]turnedPair) {
	for m := range t {
		for a, d := range directions {
			turn := func(x, y int8) uint16 {
				u, v := int32(x), int32(y)*int32(1-2*m)
				right, down := (u*d[0]-v*d[1]+1<<13)>>14, (u*d[1]+v*d[0]+1<<13)>>14
				return uint16((down+patchMargin)*patchStride + right + patchMargin)
			}
			for i, p := range pairs {
				t[m][a][i] = turnedPair{turn(p.ax, p.ay), turn(p.bx, p.by)}
			}
		}
	}
	return t
}()

// cut copies the surroundings of a pixel of a blurred level, which has slack.
func (p *patch) cut(g grey, x, y int) {
	at := (y-patchMargin)*g.w + x - patchMargin
	for j := range patchSide {
		*(*[patchStride]uint8)(p[patchStride*j:]) = [patchStride]uint8(g.pix[at:][:patchStride])
		at += g.w
	}
}

// describe compares the pairs. A difference below zero has its highest bit set,
// which needs no branch; half of the branches would be guessed wrong.
func (p *patch) describe(pairs *[256]turnedPair) (c Code) {
	for w := range c {
		var bits uint64
		for _, q := range pairs[64*w:][:64] {
			less := uint64(p[q.a&(1<<patchBits-1)]) - uint64(p[q.b&(1<<patchBits-1)])
			bits = bits>>1 | less&(1<<63)
		}
		c[w] = bits
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
	var (
		find  finder
		soft  smoother
		patch patch
	)
	area := g.w*g.h + slack
	buffers := [3][]uint8{make([]uint8, area), make([]uint8, area), make([]uint8, area)}
	lev := grey{g.w, g.h, buffers[0]}
	copy(lev.pix, g.pix)
	ps = make([]point, 0, n)
	if mirror {
		mirrored = make([]Code, 0, n)
	}
	sizes := levelSizes(g.w, g.h)
	spare := 0
	for l, quota := range quotas(n, len(sizes), fall) {
		if l > 0 {
			lev = soft.shrunk(buffers[l%2], lev, sizes[l])
		}
		quota = min(quota+spare, n-len(ps))
		cs := lev.strongest(find.corners(lev), quota)
		spare = quota - len(cs)
		if len(cs) == 0 {
			continue
		}
		smooth := soft.blurred(buffers[2], lev)
		for _, c := range cs {
			x, y := int(c.x), int(c.y)
			a := lev.angle(x, y)
			patch.cut(smooth, x, y)
			ps = append(ps, point{
				x: uint16((2*x + 1) * 4 * g.w / lev.w), y: uint16((2*y + 1) * 4 * g.h / lev.h),
				level: uint8(l), angle: a, code: patch.describe(&turnedPairs[0][a]),
			})
			if mirror {
				mirrored = append(mirrored, patch.describe(&turnedPairs[1][a]))
			}
		}
	}
	return ps, mirrored
}
