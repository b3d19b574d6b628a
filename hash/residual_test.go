package hash

import (
	"math"
	"math/rand/v2"
	"testing"
)

// slowMean is the mean of the pixels whose middles lie in the box, one by one.
func slowMean(pix []uint8, w, h int, p spot, rx, ry float64) (mean float64, ok bool) {
	n, sum := 0, 0
	for y := range h {
		for x := range w {
			u, v := float64(x)+.5, float64(y)+.5
			if u > p.x-rx && u <= p.x+rx && v > p.y-ry && v <= p.y+ry {
				n++
				sum += int(pix[y*w+x])
			}
		}
	}
	return 16 * float64(sum) / float64(n), n > 0
}

func TestMeanAgainstSlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		w, h := 1+r.IntN(40), 1+r.IntN(40)
		pix := make([]uint8, w*h)
		for i := range pix {
			pix[i] = uint8(r.Uint32())
		}
		s := newIntegral(w, h, func(x, y int) uint8 { return pix[y*w+x] })
		for range 100 {
			p := spot{float64(w) * (1.2*r.Float64() - .1), float64(h) * (1.2*r.Float64() - .1)}
			rx, ry := 15*r.Float64(), 15*r.Float64()
			got := s.mean(p, rx, ry)
			if p.x < 0 || p.y < 0 || p.x > float64(w) || p.y > float64(h) {
				if got != -1 {
					t.Fatalf("%d x %d, box about %v: %d, want -1", w, h, p, got)
				}
				continue
			}
			if want, ok := slowMean(pix, w, h, p, rx, ry); ok && got != int(want) {
				t.Fatalf("%d x %d, box about %v, %v by %v: %d, want %v", w, h, p, rx, ry, got, want)
			} else if !ok && (got < 0 || got > 16*255) {
				t.Fatalf("%d x %d, a box without pixels: %d", w, h, got)
			}
		}
	}
	one := newIntegral(1, 1, func(int, int) uint8 { return 9 })
	for _, p := range []spot{{0, 0}, {1, 1}, {.5, .5}} {
		for _, reach := range []float64{0, .1, .5, 1e9, math.Inf(1)} {
			if got := one.mean(p, reach, reach); got != 9*16 {
				t.Errorf("of one pixel, about %v, %v wide: %d", p, reach, got)
			}
		}
	}
}

// slowWindow compares a window by Pearson's correlation in floating point. The
// second result says that it is so near a limit that rounding may decide.
func slowWindow(ref *cells, got *seen, i, j, least int) (v view, close bool) {
	var as, bs []float64
	for y := range windowSide {
		for x := range windowSide {
			at := (j+y)*gridSide + i + x
			if got[at] >= 0 {
				as, bs = append(as, float64(ref[at])), append(bs, float64(got[at])/16)
			}
		}
	}
	if len(as) < least {
		return unseen, false
	}
	mean := func(v []float64) (m float64) {
		for _, x := range v {
			m += x / float64(len(v))
		}
		return m
	}
	ma, mb := mean(as), mean(bs)
	var va, vb, c float64
	for k := range as {
		n := float64(len(as))
		va += (as[k] - ma) * (as[k] - ma) / n
		vb += (bs[k] - mb) * (bs[k] - mb) / n
		c += (as[k] - ma) * (bs[k] - mb) / n
	}
	da, db, rho := math.Sqrt(va), math.Sqrt(vb), c/math.Sqrt(va*vb)
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	close = near(da, 5) || near(db, 5*math.Sqrt2) || near(db, 1) || near(rho, sameFrom) || near(rho, similarFrom) || near(rho, 0)
	switch {
	case da < 5 && db > 5*math.Sqrt2:
		return strange, close
	case da < 5:
		return plain, close
	case db <= 1: // less than a fifth of what would be plain
		return covered, close
	case rho >= sameFrom:
		return same, close
	case rho >= similarFrom:
		return similar, close
	}
	return covered, close
}

func TestWindowsAgainstSlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	came := map[view]int{}
	for k := range 400 {
		least := []int{windowLeast, objectLeast}[k%2]
		var ref cells
		var got seen
		depth, gain, shift, noise := r.IntN(60), 2*r.Float64()-.3, 100*r.Float64(), r.IntN(60)
		outside := r.IntN(3) * r.IntN(20)
		for i := range ref {
			ref[i] = uint8(100 + r.IntN(depth+1))
			got[i] = int(16 * min(255, max(0, gain*float64(ref[i])+shift+float64(r.IntN(noise+1)))))
			if r.IntN(36) < outside {
				got[i] = -1
			}
		}
		for j := 0; j+windowSide <= gridSide; j += windowStep {
			for i := 0; i+windowSide <= gridSide; i += windowStep {
				want, close := slowWindow(&ref, &got, i, j, least)
				if v := got.window(&ref, i, j, least); v != want && !close {
					t.Fatalf("window %d, %d is %d, want %d", i, j, v, want)
				}
				came[want]++
			}
		}
	}
	for v := unseen; v <= same; v++ {
		if came[v] < 50 {
			t.Errorf("view %d came %d times", v, came[v])
		}
	}
}

// TestWindowsOfExtremes: what light and contrast do to a copy does not matter, and
// no number overflows.
func TestWindowsOfExtremes(t *testing.T) {
	var ref cells
	var bright, dark, inverse, black, flat, outside seen
	for i := range ref {
		ref[i] = uint8(i * 37 % 2 * 255)
		bright[i], dark[i], inverse[i], flat[i], outside[i] = 16*int(ref[i]), int(ref[i]), 16*(255-int(ref[i])), 16*128, -1
	}
	for name, c := range map[string]struct {
		got  seen
		want view
	}{"the same": {bright, same}, "dark": {dark, same}, "inverse": {inverse, covered}, "black": {black, covered}, "flat": {flat, covered}, "outside": {outside, unseen}} {
		if v := c.got.window(&ref, 0, 0, windowLeast); v != c.want {
			t.Errorf("%s: %d, want %d", name, v, c.want)
		}
	}
	if v := black.window(&cells{}, 0, 0, windowLeast); v != plain {
		t.Errorf("black on black: %d", v)
	}
	if v := bright.window(&cells{}, 0, 0, windowLeast); v != strange {
		t.Errorf("something where nothing should be: %d", v)
	}
	if last := (windowsAcross-1)*windowStep + windowSide; last > gridSide || gridSide-last >= windowStep {
		t.Errorf("the last window ends at %d of %d", last, gridSide)
	}
}

// TestThroughReadsWhereTheMapSays: cells of a picture seen through a map are those
// of the part that the map shows.
func TestThroughReadsWhereTheMapSays(t *testing.T) {
	g := grey{64, 64, make([]uint8, 64*64)}
	r := rand.New(rand.NewPCG(5, 6))
	for i := range g.pix {
		g.pix[i] = uint8(r.Uint32())
	}
	s := &Scene{w: 64, h: 64, sums: newIntegral(64, 64, func(x, y int) uint8 { return g.pix[64*y+x] })}
	f := &Features{w: 64, h: 64, grey: cellsOf(g)}
	for name, c := range map[string]struct {
		m  affine
		at func(x, y int) (int, int) // cell of the picture seen at a cell of the reference
	}{
		"itself":       {affine{1, 0, 0, 0, 1, 0}, func(x, y int) (int, int) { return x, y }},
		"mirrored":     {affine{-1, 0, 64, 0, 1, 0}, func(x, y int) (int, int) { return 31 - x, y }},
		"turned":       {affine{0, -1, 64, 1, 0, 0}, func(x, y int) (int, int) { return 31 - y, x }},
		"to the right": {affine{1, 0, 20, 0, 1, 6}, func(x, y int) (int, int) { return x + 10, y + 3 }},
	} {
		got := s.through(f, projected(c.m))
		for i, v := range got {
			x, y := c.at(i%gridSide, i/gridSide)
			if x < 0 || y < 0 || x >= gridSide || y >= gridSide {
				if v != -1 {
					t.Errorf("%s: cell %d is outside and has %d", name, i, v)
				}
				continue
			}
			if want := 16 * int(f.grey[y*gridSide+x]); v < want-16 || v > want+16 {
				t.Errorf("%s: cell %d is %d, want %d", name, i, v, want)
			}
		}
	}
	whole := s.through(f, projected(affine{1, 0, 0, 0, 1, 0}))
	if n := whole.compare(&f.grey, windowLeast).tally(); n.same != windowsAcross*windowsAcross || n.similar != 0 || n.structured != n.same || n.evidence(50) != 100 {
		t.Errorf("a picture with itself: %+v", n)
	}
}

// TestObjects: on an even ground the cells that are ground, or touch it, do not
// count; on any other all do.
func TestObjects(t *testing.T) {
	var got seen
	for i := range got {
		got[i] = i
	}
	isObject := func(i int) bool { // a slanted piece, the size of a third
		x, y := i%gridSide, i/gridSide
		return x > 6+y/4 && x < 22+y/4 && y > 5 && y < 28
	}
	var ref cells
	for i := range ref {
		if ref[i] = uint8(240 - i%2*groundLevels); isObject(i) {
			ref[i] = uint8(i % 200)
		}
	}
	inside, even := got.object(&ref)
	if !even {
		t.Fatal("the ground is not even")
	}
	for i, v := range inside {
		want := i
		for k := range ref { // every other cell
			dx, dy := i%gridSide-k%gridSide, i/gridSide-k/gridSide
			if !isObject(k) && max(dx, -dx, dy, -dy) <= 1 {
				want = -1
			}
		}
		if v != want {
			t.Errorf("cell %d: %d, want %d", i, v, want)
		}
	}
	if got[0] != 0 {
		t.Error("what was seen has changed")
	}
	// The object may touch an edge, but not much of it.
	for _, c := range []struct {
		cells int
		want  bool
	}{{0, true}, {10, true}, {18, true}, {20, false}, {60, false}, {100, false}} {
		var ref cells
		for i := range c.cells {
			switch {
			case i < gridSide:
				ref[i] = 200
			case i < 2*gridSide:
				ref[(i-gridSide)*gridSide+gridSide-1] = 100
			default:
				ref[gridSide*gridSide-1-(i-2*gridSide)] = 150
			}
		}
		if _, even := got.object(&ref); even != c.want {
			t.Errorf("%d cells of the edge are not ground: even %t", c.cells, even)
		}
	}
}

func TestNearCovered(t *testing.T) {
	for _, bad := range []view{covered, strange} {
		for j := range windowsAcross {
			for i := range windowsAcross {
				var r residual
				r[j][i] = bad
				for y := range windowsAcross {
					for x := range windowsAcross {
						want := max(x-i, i-x, y-j, j-y) <= 1
						if r.nearCovered(x, y) != want {
							t.Fatalf("window %d, %d with a cover at %d, %d: %t", x, y, i, j, !want)
						}
					}
				}
			}
		}
	}
	var r residual
	for j := range r {
		for i := range r[j] {
			r[j][i] = []view{unseen, plain, similar, same}[(i+j)%4]
		}
	}
	for j := range r {
		for i := range r[j] {
			if r.nearCovered(i, j) {
				t.Errorf("window %d, %d is near a cover where there is none", i, j)
			}
		}
	}
}

// residualOf makes a residual of rows of letters: . unseen, p plain, x strange,
// c covered, i similar, s same. What is left out is unseen.
func residualOf(rows ...string) (r residual) {
	letters := map[rune]view{'.': unseen, 'p': plain, 'x': strange, 'c': covered, 'i': similar, 's': same}
	for j, row := range rows {
		for i, l := range row {
			r[j][i] = letters[l]
		}
	}
	return r
}

func TestTally(t *testing.T) {
	for _, c := range []struct {
		rows []string
		want tally
	}{
		{nil, tally{}},
		{[]string{"ppp", "pxp"}, tally{}},
		{[]string{"ssi"}, tally{same: 2, similar: 1, inner: 1, structured: 3}},
		{[]string{"sic"}, tally{same: 1, similar: 1, structured: 3}},
		{[]string{"six"}, tally{same: 1, similar: 1, structured: 2}},
		{[]string{"i.c", "i.c", "ssi"}, tally{same: 2, similar: 3, inner: 2, structured: 7}},
		{[]string{"i..", ".c.", "..i"}, tally{similar: 2, structured: 3}},
	} {
		r := residualOf(c.rows...)
		if got := r.tally(); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.rows, got, c.want)
		}
	}
}

// TestEvidenceOfTallies: purity, what covers take, and little that is seen.
func TestEvidenceOfTallies(t *testing.T) {
	for _, c := range []struct {
		name    string
		tally   tally
		inliers int
		want    int
	}{
		{"all of it", tally{81, 0, 0, 81}, 100, 100},
		{"three in four", tally{30, 10, 10, 40}, 10, 75},
		{"nothing the same", tally{0, 40, 40, 40}, 100, 0},
		{"three windows say nothing", tally{3, 0, 0, 3}, 100, 0},
		{"four say a little", tally{4, 0, 0, 4}, 100, 94},
		{"nine windows", tally{9, 0, 0, 9}, 10, 99},
		{"three inliers say nothing", tally{81, 0, 0, 81}, 3, 0},
		{"four say a little", tally{81, 0, 0, 81}, 4, 94},
		{"little of both", tally{4, 0, 0, 4}, 4, 88},
		{"less than nothing", tally{4, 60, 60, 64}, 4, 0},
		{"covers without many inliers", tally{30, 20, 0, 70}, 24, 60},
		{"covers: at most so much more", tally{30, 20, 0, 70}, 25, 80},
		{"covers: at a discount", tally{30, 5, 0, 70}, 25, 95},
		{"covers of which too little is left", tally{20, 10, 0, 70}, 40, 66},
		{"covers: similar ones elsewhere still count", tally{30, 20, 15, 70}, 25, 61},
		{"covers never make it less", tally{30, 1, 1, 70}, 25, 96},
	} {
		if got := c.tally.evidence(c.inliers); got != c.want {
			t.Errorf("%s: %+v with %d inliers is %d, want %d", c.name, c.tally, c.inliers, got, c.want)
		}
	}
	// More inliers and more windows that are the same are never less evidence.
	r := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		n := tally{same: r.IntN(40), similar: r.IntN(40)}
		n.inner = r.IntN(n.similar + 1)
		n.structured = n.same + n.similar + r.IntN(40)
		inliers := r.IntN(60)
		e := n.evidence(inliers)
		if e < 0 || e > 100 || n.evidence(inliers+1) < e {
			t.Fatalf("%+v with %d inliers is %d, with one more %d", n, inliers, e, n.evidence(inliers+1))
		}
		more := n
		more.same++
		more.structured++
		if more.evidence(inliers) < e {
			t.Fatalf("%+v with %d inliers is %d, with one more window that is the same %d", n, inliers, e, more.evidence(inliers))
		}
	}
}

func TestTemplateOfTallies(t *testing.T) {
	for _, c := range []struct {
		tally   tally
		inliers int
		want    bool
	}{
		{tally{20, 20, 0, 50}, 40, true},
		{tally{20, 20, 0, 50}, 39, false}, // few features
		{tally{11, 29, 0, 50}, 40, false}, // hardly anything exactly
		{tally{12, 18, 0, 50}, 40, true},
		{tally{12, 17, 0, 50}, 40, false}, // less than most of the frame
	} {
		if got := c.tally.template(c.inliers); got != c.want {
			t.Errorf("%+v with %d inliers: %t", c.tally, c.inliers, got)
		}
	}
}
