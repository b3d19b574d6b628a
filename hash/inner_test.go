package hash

import (
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// scenery is a plane with soft blobs and some grain, like a photo: no straight
// edges of its own.
func scenery(seed uint64, w, h int) plane {
	r := rand.New(rand.NewPCG(seed, 2))
	p := plane{w, h, make([]uint16, w*h)}
	ground := 40 + r.IntN(90)
	for i := range p.pix {
		p.pix[i] = uint16(ground<<lumaBits + r.IntN(6<<lumaBits))
	}
	for range 30 {
		x, y, rad, level := r.IntN(w), r.IntN(h), 8+r.IntN(max(w, h)/5), r.IntN(120)
		for v := max(0, y-rad); v < min(h, y+rad); v++ {
			for u := max(0, x-rad); u < min(w, x+rad); u++ {
				if d := (u-x)*(u-x) + (v-y)*(v-y); d < rad*rad {
					p.pix[v*w+u] += uint16(level << lumaBits * (rad*rad - d) / (rad * rad) / 8)
				}
			}
		}
	}
	return p
}

// evenPlane has one grey level.
func evenPlane(w, h int, level uint16) plane {
	p := plane{w, h, make([]uint16, w*h)}
	for i := range p.pix {
		p.pix[i] = level << lumaBits
	}
	return p
}

// whiteDisc is a shaded disc in the middle of white.
func whiteDisc(w, h, radius int) plane {
	p := evenPlane(w, h, 255)
	for i := range p.pix {
		x, y := i%w-w/2, i/w-h/2
		if x*x+y*y < radius*radius {
			p.pix[i] = uint16(110+x) << lumaBits
		}
	}
	return p
}

// inserted puts q into a copy of p.
func inserted(p, q plane, x, y int) plane {
	out := plane{p.w, p.h, append([]uint16(nil), p.pix...)}
	for v := range q.h {
		copy(out.pix[(y+v)*p.w+x:], q.pix[v*q.w:][:q.w])
	}
	return out
}

func TestInnerPictures(t *testing.T) {
	photo := scenery(1, 200, 150)
	blank := evenPlane(300, 420, 250)
	lines := inserted(blank, photo, 50, 100)
	for x := range lines.w { // a page: bars above and below, of full width
		for _, y := range []int{20, 21, 22, 300, 301, 380, 381} {
			lines.pix[y*lines.w+x] = 40 << lumaBits
		}
	}
	tiles := evenPlane(400, 300, 0)
	for i, at := range []image.Point{{0, 0}, {200, 0}, {0, 150}, {200, 150}} {
		tiles = inserted(tiles, scenery(uint64(10+i), 200, 150), at.X, at.Y)
	}
	for _, c := range []struct {
		name string
		p    plane
		want image.Rectangle
	}{
		{"on a page", lines, image.Rect(50, 100, 250, 250)},
		{"in a scene", inserted(scenery(2, 500, 400), photo, 123, 77), image.Rect(123, 77, 323, 227)},
		{"in the corner of a scene", inserted(scenery(3, 500, 400), photo, 300, 250), image.Rect(300, 250, 500, 400)},
		{"tile of a collage", tiles, image.Rect(200, 150, 400, 300)},
		{"left half", inserted(scenery(4, 400, 150), photo, 0, 0), image.Rect(0, 0, 200, 150)},
		{"content alone", inserted(evenPlane(500, 500, 255), whiteDisc(200, 150, 49), 60, 200), image.Rect(112, 227, 209, 324)},
		{"in a large plane", inserted(scenery(5, 1024, 700), scenery(6, 401, 303), 301, 201), image.Rect(301, 201, 702, 504)},
	} {
		rs := innerPictures(c.p)
		if !slices.Contains(rs, c.want) {
			t.Errorf("%s: %v is not in %v", c.name, c.want, rs)
		}
	}
}

// TestTilesWithoutSeam cuts a sheet of four white tiles, of which only the
// products can be seen, in its middle.
func TestTilesWithoutSeam(t *testing.T) {
	p := evenPlane(400, 400, 255)
	for i, at := range []image.Point{{50, 60}, {260, 40}, {40, 270}, {250, 250}} {
		p = inserted(p, whiteDisc(110, 110, 40+3*i), at.X, at.Y)
	}
	parts := cutUp(newRuler(columnRuns(p), p.w), newRuler(rowRuns(p), p.h))
	for _, want := range []image.Rectangle{image.Rect(0, 0, 200, 200), image.Rect(200, 0, 400, 200), image.Rect(0, 200, 200, 400), image.Rect(200, 200, 400, 400)} {
		near := func(s scored) bool { return overlap(s.r, want) > 85 }
		if !slices.ContainsFunc(parts, near) {
			t.Errorf("%v is not in %v", want, parts)
		}
	}
}

func TestContentIsWhatTrimLeaves(t *testing.T) {
	for i, c := range []struct {
		l, t, r, b int
		level      uint16
	}{{20, 10, 30, 40, 255}, {0, 50, 0, 50, 0}, {15, 0, 0, 0, 90}, {0, 0, 0, 0, 0}} {
		inner := noisy(uint64(i), 120, 100)
		p := evenPlane(120+c.l+c.r, 100+c.t+c.b, c.level)
		for y := range 100 {
			for x := range 120 {
				p.pix[(y+c.t)*p.w+x+c.l] = uint16(inner.Pix[inner.PixOffset(x, y)]) << lumaBits
			}
		}
		want := image.Rect(c.l, c.t, c.l+120, c.t+100)
		if got := content(p, image.Rect(0, 0, p.w, p.h)); got != want {
			t.Errorf("%+v: %v, want %v", c, got, want)
		}
	}
}

// hostilePlanes have as many edges as possible, or none.
func hostilePlanes(w, h int) map[string]plane {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	fill := func(f func(x, y int) uint16) plane {
		p := plane{w, h, make([]uint16, w*h)}
		for i := range p.pix {
			p.pix[i] = f(i%w, i/w)
		}
		return p
	}
	return map[string]plane{
		"even":        evenPlane(w, h, 77),
		"noise":       fill(func(int, int) uint16 { return uint16(r.Uint32()) }),
		"checks":      fill(func(x, y int) uint16 { return uint16((x^y)&1) * 0xff00 }),
		"checks of 8": fill(func(x, y int) uint16 { return uint16((x/8^y/8)&1) * 0xff00 }),
		"grid":        fill(func(x, y int) uint16 { return uint16(min(x%12, y%12, 1)) * 0xff00 }),
		"diagonals":   fill(func(x, y int) uint16 { return uint16((x+y)%40/36) * 0xff00 }),
		"frames":      fill(func(x, y int) uint16 { return uint16(min(x, y, w-1-x, h-1-y)/3&1) * 0xff00 }),
		"steps":       fill(func(x, y int) uint16 { return uint16((x/9*37+y/7*91)%256) << lumaBits }),
	}
}

// TestInnerPicturesOfHostilePlanes bounds number, place and time. A picture of
// full size takes some milliseconds; the limit leaves room for slow machines.
func TestInnerPicturesOfHostilePlanes(t *testing.T) {
	for _, s := range []image.Point{{1, 1}, {3, 900}, {48, 48}, {49, 1024}, {640, 640}, {641, 333}, {1024, 1024}} {
		for name, p := range hostilePlanes(s.X, s.Y) {
			start := time.Now()
			rs := innerPictures(p)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%s of %v took %v", name, s, took)
			}
			checkInner(t, fmt.Sprintf("%s of %v", name, s), p, rs)
		}
	}
}

func checkInner(t *testing.T, name string, p plane, rs []image.Rectangle) {
	t.Helper()
	whole := image.Rect(0, 0, p.w, p.h)
	if len(rs) > maxInner {
		t.Errorf("%s: %d rectangles", name, len(rs))
	}
	for i, r := range rs {
		if !r.In(whole) || r == whole || min(r.Dx(), r.Dy()) < innerLeast/2 {
			t.Errorf("%s: rectangle %d is %v", name, i, r)
		}
	}
}

// TestInnerPicturesOfRandomPlanes tries sizes and pastes at random.
func TestInnerPicturesOfRandomPlanes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 60 {
		p := scenery(r.Uint64(), 1+r.IntN(700), 1+r.IntN(500))
		for range r.IntN(4) {
			q := scenery(r.Uint64(), 1+r.IntN(p.w), 1+r.IntN(p.h))
			p = inserted(p, q, r.IntN(p.w-q.w+1), r.IntN(p.h-q.h+1))
		}
		checkInner(t, fmt.Sprintf("plane %d of %dx%d", i, p.w, p.h), p, innerPictures(p))
	}
}

func BenchmarkInnerPictures(b *testing.B) {
	for _, s := range []image.Point{{512, 384}, {640, 640}, {473, 1024}, {1024, 1024}} {
		planes := hostilePlanes(s.X, s.Y)
		planes["scene"] = inserted(scenery(1, s.X, s.Y), scenery(2, s.X/2, s.Y/2), s.X/5, s.Y/3)
		for _, name := range []string{"scene", "noise", "checks of 8", "steps"} {
			b.Run(fmt.Sprintf("size=%dx%d/data=%s", s.X, s.Y, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					innerPictures(planes[name])
				}
			})
		}
	}
}
