package hash

import (
	"image"
	"math"
)

// An alignment by a few local features may be chance, and two cartons of other
// flavours share most of them. So the grey levels are compared as well: the
// reference's 32x32 cells with the means of the places in the query where the
// map puts them. They are compared window by window, each by its normalised
// correlation, because copies are brightened, tinted and partly covered: a tag
// spoils the windows that it covers and no others, while another product in the
// same pose agrees a little everywhere and nowhere well.

const (
	gridSide    = 32 // cells per side
	windowSide  = 6  // cells
	windowStep  = 3
	windowLeast = 24 // cells of a window that must be inside the query
)

// cells is the mean grey level of 32x32 cells, over the frame whatever its
// shape.
type cells [gridSide * gridSide]uint8

func cellsOf(g grey) (c cells) {
	r := newReducer[uint8](g.w, g.h, gridSide, gridSide, 1)
	for y := range g.h {
		r.add(g.pix[y*g.w:][:g.w])
	}
	copy(c[:], r.out)
	return c
}

// integral holds, for each corner of a pixel, the sum of what is left of and
// above it.
type integral struct {
	w, h int
	sum  []uint32
}

// newIntegral sums one channel of rows of pixels that are step bytes long.
func newIntegral(w, h int, at func(x, y int) uint8) integral {
	s := integral{w, h, make([]uint32, (w+1)*(h+1))}
	for y := range h {
		var row uint32
		up, here := s.sum[y*(w+1):][:w+1], s.sum[(y+1)*(w+1):][:w+1]
		for x := range w {
			row += uint32(at(x, y))
			here[x+1] = up[x+1] + row
		}
	}
	return s
}

// mean of a box given by its middle and half sides, in sixteenths of a level;
// -1 if the middle is outside. What is outside does not count.
func (s *integral) mean(p spot, rx, ry float64) int {
	if p.x < 0 || p.y < 0 || p.x > float64(s.w) || p.y > float64(s.h) {
		return -1
	}
	x0, x1 := interval(p.x, rx, s.w)
	y0, y1 := interval(p.y, ry, s.h)
	w := s.w + 1
	sum := s.sum[y1*w+x1] - s.sum[y0*w+x1] - s.sum[y1*w+x0] + s.sum[y0*w+x0]
	return int(sum) * 16 / ((x1 - x0) * (y1 - y0))
}

// interval of whole pixels, at least one.
func interval(v, r float64, n int) (lo, hi int) {
	lo = min(max(int(math.Floor(v-r+0.5)), 0), n-1)
	hi = max(min(int(math.Floor(v+r+0.5)), n), lo+1)
	return lo, hi
}

// residual is what comparing the cells gave.
type residual struct {
	structured int // windows of the reference that show something and are inside the query
	agree      int // of these, correlation of at least 0.75
	perfect    int // 0.92
	strange    int // below 0.4
	flat       int // windows of the reference that show nothing
	odd        int // of these, those where the query shows something
	corr       float64
	bins       [8]int
	tint       float64 // share of colour cells that one change of colours explains
	tintCells  int
	tintRaw    float64
}

// compare looks at the query through a map of a reference's working picture.
func (s *Scene) compare(f *Features, m affine) (r residual) {
	got := s.through(f, m)
	for j := 0; j+windowSide <= gridSide; j += windowStep {
		for i := 0; i+windowSide <= gridSide; i += windowStep {
			r.window(&f.grey, &got, i, j)
		}
	}
	s.compareTints(f, m, &r)
	return r
}

// through reads the query's grey levels at the reference's cells.
func (s *Scene) through(f *Features, m affine) (got [gridSide * gridSide]int) {
	dx, dy := float64(f.w)/gridSide, float64(f.h)/gridSide
	rx := max(times(math.Abs(m[0]), dx), times(math.Abs(m[1]), dy)) / 2
	ry := max(times(math.Abs(m[3]), dx), times(math.Abs(m[4]), dy)) / 2
	for i := range got {
		x, y := float64(i%gridSide)+.5, float64(i/gridSide)+.5
		got[i] = s.sums.mean(m.at(spot{times(x, dx), times(y, dy)}), rx, ry)
	}
	return got
}

// window compares the window at column i and row j.
func (r *residual) window(ref *cells, got *[gridSide * gridSide]int, i, j int) {
	var n, sa, sb, saa, sbb, sab int
	for y := j; y < j+windowSide; y++ {
		for x := i; x < i+windowSide; x++ {
			a, b := 16*int(ref[y*gridSide+x]), got[y*gridSide+x]
			if b < 0 {
				continue
			}
			n++
			sa += a
			sb += b
			saa += a * a
			sbb += b * b
			sab += a * b
		}
	}
	if n < windowLeast {
		return
	}
	va, vb, c := n*saa-sa*sa, n*sbb-sb*sb, n*sab-sa*sb
	limit := 5 * 5 * 256 * n * n // a deviation of 5 levels
	if va < limit {
		r.flat++
		if vb > 2*limit {
			r.odd++
		}
		return
	}
	r.structured++
	rho := 0.0
	if vb > limit/25 {
		rho = float64(c) / math.Sqrt(times(float64(va), float64(vb)))
	}
	r.corr += max(0, rho)
	for k, lim := range [8]float64{.4, .6, .75, .85, .92, .96, .98, 2} {
		if rho < lim {
			r.bins[k]++
			break
		}
	}
	switch {
	case rho >= .92:
		r.perfect++
		r.agree++
	case rho >= .75:
		r.agree++
	case rho < .4:
		r.strange++
	}
}

type integralTints struct{ cb, cr integral }

func tintSums(m *image.NRGBA) integralTints {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	row := make([]byte, 2*w*h)
	chromaRow(row, m.Pix)
	return integralTints{
		newIntegral(w, h, func(x, y int) uint8 { return row[2*(y*w+x)] }),
		newIntegral(w, h, func(x, y int) uint8 { return row[2*(y*w+x)+1] }),
	}
}

func (s *Scene) compareTints(f *Features, m affine, r *residual) {
	kx, ky := float64(s.tints.cb.w)/float64(s.w), float64(s.tints.cb.h)/float64(s.h)
	dx, dy := float64(f.w)/tintSide, float64(f.h)/tintSide
	rx := times(kx, max(times(math.Abs(m[0]), dx), times(math.Abs(m[1]), dy))/2)
	ry := times(ky, max(times(math.Abs(m[3]), dx), times(math.Abs(m[4]), dy))/2)
	bad, n := 0, 0
	var sum float64
	for i := range tintSide * tintSide {
		x, y := float64(i%tintSide)+.5, float64(i/tintSide)+.5
		p := m.at(spot{times(x, dx), times(y, dy)})
		p = spot{times(p.x, kx), times(p.y, ky)}
		cb, cr := s.tints.cb.mean(p, rx, ry), s.tints.cr.mean(p, rx, ry)
		if cb < 0 {
			continue
		}
		n++
		a, b := float64(cb)/16-float64(f.tint[2*i]), float64(cr)/16-float64(f.tint[2*i+1])
		d := math.Sqrt(times(a, a) + times(b, b))
		sum += d
		if d > 12 {
			bad++
		}
	}
	r.tintCells = n
	if n > 0 {
		r.tintRaw = sum / float64(n)
		r.tint = 1 - float64(bad)/float64(n)
	}
}

// evidence weighs what was found.
func (r *residual) evidence(inliers int) (int, bool) {
	good := r.bins[5] + r.bins[6] + r.bins[7]
	mid := r.bins[1] + r.bins[2] + r.bins[3] + r.bins[4]
	if good < 5 || inliers < 4 {
		return 0, false
	}
	purity := 100 * good / (good + mid)
	return min(255, purity+min(inliers, 50)+min(good, 50)), purity < 70
}
