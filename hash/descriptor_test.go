package hash

import (
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"testing"
)

// slowAngle is the direction that has most of the first moments of the disc.
func slowAngle(g grey, x, y int) uint8 {
	mx, my := 0, 0
	for dy := -patchRadius; dy <= patchRadius; dy++ {
		for dx := -patchRadius; dx <= patchRadius; dx++ {
			if dx*dx+dy*dy <= patchRadius*(patchRadius+1) {
				mx += dx * g.at(x+dx, y+dy)
				my += dy * g.at(x+dx, y+dy)
			}
		}
	}
	best := 0
	along := func(i int) int { return mx*int(directions[i][0]) + my*int(directions[i][1]) }
	for i := range directions {
		if along(i) > along(best) {
			best = i
		}
	}
	return uint8(best)
}

// slowDescribe turns each pair and compares it.
func slowDescribe(g grey, x, y int, a uint8, mirror bool) (c Code) {
	cos, sin := int(directions[a][0]), int(directions[a][1])
	at := func(px, py int8) int {
		u, v := int(px), int(py)
		if mirror {
			v = -v
		}
		return g.at(x+(u*cos-v*sin+1<<13)>>14, y+(u*sin+v*cos+1<<13)>>14)
	}
	for i, p := range pairs {
		if at(p.ax, p.ay) < at(p.bx, p.by) {
			c[i/64] |= 1 << (i % 64)
		}
	}
	return c
}

func slowDetect(g grey, n, fall int) (ps []point, mirrored []Code) {
	levels := slowPyramid(g)
	spare := 0
	for l, quota := range quotas(n, len(levels), fall) {
		lev := levels[l]
		smooth := slowBlurred(lev)
		quota = min(quota+spare, n-len(ps))
		cs := slowStrongest(lev, slowCorners(lev), quota)
		spare = quota - len(cs)
		for _, c := range cs {
			x, y := int(c.x), int(c.y)
			a := slowAngle(lev, x, y)
			place := func(v, whole, part int) uint16 { return uint16((2*v + 1) * 4 * whole / part) }
			ps = append(ps, point{x: place(x, g.w, lev.w), y: place(y, g.h, lev.h), level: uint8(l), angle: a, code: slowDescribe(smooth, x, y, a, false)})
			mirrored = append(mirrored, slowDescribe(smooth, x, y, a, true))
		}
	}
	return ps, mirrored
}

type failing interface{ Fatalf(string, ...any) }

func compareDetect(t failing, name string, g grey, n, fall int) {
	want, wantMirrored := slowDetect(g, n, fall)
	got, mirrored := detect(g, n, fall, true)
	if !slices.Equal(got, want) || !slices.Equal(mirrored, wantMirrored) {
		t.Fatalf("%s, %d x %d: %d points, want %d, or others", name, g.w, g.h, len(got), len(want))
	}
	if got, mirrored := detect(g, n, fall, false); !slices.Equal(got, want) || mirrored != nil {
		t.Fatalf("%s, %d x %d: other points, or any mirrored ones, where these are not asked for", name, g.w, g.h)
	}
}

// Points, order, directions and descriptors are part of recipe 2.
func TestPointsAgreeWithTheSlowTwin(t *testing.T) {
	for name, g := range greys(t) {
		compareDetect(t, name, g, MaxPoints, referenceFall)
	}
}

// The slow twin shares the constants and tables of the fast version. The points
// themselves must stay for ever as well: stored references hold them. A change
// here is a new recipe, or a mistake.
func TestPointsStay(t *testing.T) {
	for _, c := range []struct {
		name       string
		side, fall int
		want       uint32
	}{{"00024.jpg", referenceSide, referenceFall, 0xf047d4e0}, {"00964.jpg", sceneSide, sceneFall, 0x7ce9df68}} {
		sum := crc32.NewIEEE()
		ps, mirrored := detect(photoGrey(t, c.name, c.side), 300, c.fall, true)
		for i, p := range ps {
			p.word = words().nearest(&p.code)
			fmt.Fprintln(sum, p, mirrored[i])
		}
		if got := sum.Sum32(); got != c.want {
			t.Errorf("%s at %d pixels: %d points, checksum %#x, want %#x", c.name, c.side, len(ps), got, c.want)
		}
	}
}

// The picture is not touched: the caller sums it up afterwards.
func TestDetectLeavesThePicture(t *testing.T) {
	g := noiseGrey(1, 100, 100)
	before := slices.Clone(g.pix)
	detect(g, 100, sceneFall, true)
	if !slices.Equal(g.pix, before) {
		t.Error("the picture is another one afterwards")
	}
}

// What turns and mirrors the plane in steps of a quarter turns directions to
// directions, so that pictures turned by a quarter have the same points.
func TestDirectionsAreSymmetric(t *testing.T) {
	for i, d := range directions {
		if q := directions[(i+angles/4)%angles]; q != [2]int32{-d[1], d[0]} {
			t.Errorf("direction %d is %v, a quarter further %v", i, d, q)
		}
		if m := directions[(angles-i)%angles]; m != [2]int32{d[0], -d[1]} {
			t.Errorf("direction %d is %v, its mirror image %v", i, d, m)
		}
		if l := math.Hypot(float64(d[0]), float64(d[1])); math.Abs(l-1<<14) > 1 {
			t.Errorf("direction %d is %g long", i, l)
		}
	}
}

// A turned picture has turned directions.
func TestAngleTurns(t *testing.T) {
	const side = 2*patchRadius + 1
	g := noiseGrey(3, side, side)
	for k := range 3 {
		turned := greyOf(side, side, func(x, y int) int { return g.at(y, side-1-x) }) // clockwise
		if a, b := g.angle(patchRadius, patchRadius), turned.angle(patchRadius, patchRadius); (a+angles/4)%angles != b {
			t.Errorf("turn %d: direction %d, before %d", k, b, a)
		}
		g = turned
	}
}

// No turned pair may leave the patch that is cut out.
func TestPairsStayInThePatch(t *testing.T) {
	reach := 0.0
	for _, p := range pairs {
		reach = max(reach, math.Hypot(float64(p.ax), float64(p.ay)), math.Hypot(float64(p.bx), float64(p.by)))
	}
	if reach+1 > patchMargin {
		t.Errorf("pairs reach %g pixels, a patch %d", reach, patchMargin)
	}
	for _, turned := range turnedPairs {
		for _, pairs := range turned {
			for _, p := range pairs {
				if max(p.a, p.b) >= patchSide*patchStride || max(p.a%patchStride, p.b%patchStride) >= patchSide {
					t.Fatalf("%v is outside", p)
				}
			}
		}
	}
}

// The second descriptors must be those of the mirrored photo, else it is not
// found. Only places that lie halfway between pixels are rounded otherwise, and
// levels are interpolated with a rounding of their own: the tolerances.
func TestMirroredDescriptors(t *testing.T) {
	const same = 24 // bits, of 256
	for _, name := range []string{"00024.jpg", "00122.jpg", "00964.jpg"} {
		g := photoGrey(t, name, sceneSide)
		flipped := greyOf(g.w, g.h, func(x, y int) int { return g.at(g.w-1-x, y) })
		points, mirrored := detect(g, scenePoints, sceneFall, true)
		others, _ := detect(flipped, scenePoints, sceneFall, false)
		partners, alike := 0, 0
		for i, p := range points {
			for _, q := range others {
				if p.level != q.level || math.Abs(float64(8*g.w)-float64(p.x)-float64(q.x)) > 1 || math.Abs(float64(p.y)-float64(q.y)) > 1 {
					continue
				}
				partners++
				if mirrored[i].Distance(q.code) <= same && (p.angle+q.angle)%angles == angles/2 {
					alike++
				}
				break
			}
		}
		t.Logf("%s: %d points, %d partners, %d alike", name, len(points), partners, alike)
		if 10*partners < 8*len(points) || 100*alike < 95*partners {
			t.Errorf("%s: of %d points %d are found in the mirrored picture, %d with their descriptor", name, len(points), partners, alike)
		}
	}
}

// Levels share n points: about n in all, and a coarser level no more than a
// finer one.
func TestQuotas(t *testing.T) {
	for n := range 700 {
		for levels := 1; levels <= pyramidLevels; levels++ {
			for _, fall := range []int{referenceFall, sceneFall} {
				sum, last := 0, n
				for _, q := range quotas(n, levels, fall) {
					if q > last {
						t.Fatalf("%d points, %d levels, fall %d: %d after %d", n, levels, fall, q, last)
					}
					sum, last = sum+q, q
				}
				if sum < n-levels || sum > n+levels {
					t.Fatalf("%d points, %d levels, fall %d: %d in all", n, levels, fall, sum)
				}
			}
		}
	}
}
