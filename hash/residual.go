package hash

import (
	"math"
	"slices"
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
	objectLeast = 12 // the same where only cells inside the object count
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

// newIntegral sums the values of w x h pixels.
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

// windows per side of the grid.
const windowsAcross = (gridSide-windowSide)/windowStep + 1

// view is what one window shows.
type view uint8

const (
	unseen  view = iota // mostly outside the query
	plain               // nothing in the reference, nothing in the query
	strange             // nothing in the reference, something in the query
	covered             // something in the reference, something else in the query
	similar             // the two resemble each other
	same                // the two are the same but for light and contrast
)

// residual is what comparing all windows gave.
type residual [windowsAcross][windowsAcross]view

// seen is the query's grey levels at the reference's cells, in sixteenths; -1
// where they do not count.
type seen [gridSide * gridSide]int

// compare compares all windows of which at least so many cells count.
func (got *seen) compare(ref *cells, least int) (r residual) {
	for j := range r {
		for i := range r[j] {
			r[j][i] = got.window(ref, i*windowStep, j*windowStep, least)
		}
	}
	return r
}

// An object that was cut out and laid on another ground agrees inside and
// nowhere else, and each window at its outline is spoiled. So a reference on an
// even ground is compared a second time, by the cells inside the object alone:
// those that are not ground and do not touch it.

const (
	groundLevels = 8  // levels from the median of the outermost cells that are ground
	groundShare  = 85 // percent of the outermost cells that must be
)

// object returns what was seen inside the object of the reference, and whether
// its ground is even.
func (got *seen) object(ref *cells) (*seen, bool) {
	var edge []uint8
	for i := range gridSide {
		edge = append(edge, ref[i], ref[gridSide*(gridSide-1)+i], ref[gridSide*i], ref[gridSide*i+gridSide-1])
	}
	slices.Sort(edge)
	median, n := edge[len(edge)/2], 0
	for _, v := range edge {
		if absDiff(v, median) <= groundLevels {
			n++
		}
	}
	if 100*n < groundShare*len(edge) {
		return nil, false
	}
	inside := *got
	for i, v := range ref {
		if absDiff(v, median) > groundLevels {
			continue
		}
		x, y := i%gridSide, i/gridSide
		for b := max(y-1, 0); b <= min(y+1, gridSide-1); b++ {
			for a := max(x-1, 0); a <= min(x+1, gridSide-1); a++ {
				inside[b*gridSide+a] = -1
			}
		}
	}
	return &inside, true
}

// through reads the query's grey levels at the reference's cells.
func (s *Scene) through(f *Features, m *projection) (got seen) {
	dx, dy := float64(f.w)/gridSide, float64(f.h)/gridSide
	rx := max(times(math.Abs(m.affine[0]), dx), times(math.Abs(m.affine[1]), dy)) / 2
	ry := max(times(math.Abs(m.affine[3]), dx), times(math.Abs(m.affine[4]), dy)) / 2
	for i := range got {
		x, y := float64(i%gridSide)+.5, float64(i/gridSide)+.5
		got[i] = s.sums.mean(m.at(spot{times(x, dx), times(y, dy)}), rx, ry)
	}
	return got
}

// Correlations from which two windows are the same, and similar.
const (
	sameFrom    = 0.92
	similarFrom = 0.4
)

// plainBelow is the deviation of grey levels, in sixteenths, below which a
// window shows nothing.
const plainBelow = 5 * 16

// window compares the window at column i and row j.
func (got *seen) window(ref *cells, i, j, least int) view {
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
	if n < least {
		return unseen
	}
	va, vb, c := n*saa-sa*sa, n*sbb-sb*sb, n*sab-sa*sb
	limit := plainBelow * plainBelow * n * n
	if va < limit {
		if vb > 2*limit {
			return strange
		}
		return plain
	}
	if c <= 0 || vb <= limit/25 {
		return covered
	}
	rho := float64(c) / math.Sqrt(times(float64(va), float64(vb)))
	switch {
	case rho >= sameFrom:
		return same
	case rho >= similarFrom:
		return similar
	}
	return covered
}

// tally counts views.
type tally struct {
	same, similar int
	inner         int // similar ones that do not touch a covered one
	structured    int // those where the reference shows something
}

func (r residual) tally() (t tally) {
	for j := range r {
		for i, v := range r[j] {
			if v >= covered {
				t.structured++
			}
			switch v {
			case same:
				t.same++
			case similar:
				t.similar++
				if !r.nearCovered(i, j) {
					t.inner++
				}
			}
		}
	}
	return t
}

func (r *residual) nearCovered(i, j int) bool {
	for y := max(j-1, 0); y <= min(j+1, windowsAcross-1); y++ {
		for x := max(i-1, 0); x <= min(i+1, windowsAcross-1); x++ {
			if v := r[y][x]; v == covered || v == strange {
				return true
			}
		}
	}
	return false
}

// Evidence is the purity of what agrees, in percent: the share of windows that
// are the same among those that are the same or similar. A true copy is the same
// wherever it is not covered, and 99 of 100 strangers stay below 70.
//
// A window that is covered in part is similar and no more. If much was covered,
// and much is seen all the same, only similar windows away from covered ones
// count, at a discount. So many small covers that each window has one are made
// up for by many inliers. Where little is seen, chance is subtracted.

const (
	seenInliers = 10 // from which nothing is subtracted
	seenWindows = 10
	coverBonus  = 20 // the most that leaving out windows at covers may add
	manyInliers = 80 // from which two more are a point more,
	manyBonus   = 10 // up to so many,
	bonusTo     = 90 // and up to this evidence

	// Evidence of pictures that may be of one template, from and below.
	templateFrom  = 70
	templateBelow = 84
)

// evidence weighs the views, 0 to 100.
func (t tally) evidence(inliers int) int {
	if t.same < 4 || inliers < 4 {
		return 0
	}
	e := 100 * t.same / (t.same + t.similar)
	if inliers >= 25 && t.same >= 6 && 10*t.same >= 3*t.structured {
		away := 100 * t.same / (t.same + t.inner)
		e = max(e, min(away-5, e+coverBonus))
	}
	e = max(e, min(e+min(max(0, inliers-manyInliers)/2, manyBonus), bonusTo))
	return max(0, e-max(0, seenInliers-inliers)-max(0, seenWindows-t.same))
}

// template reports the way in which pictures from the same template agree: many
// features and most of the frame, and too little of it exactly.
func (t tally) template(inliers int) bool {
	return inliers >= 40 && t.same >= 12 && 10*(t.same+t.similar) >= 6*t.structured
}
