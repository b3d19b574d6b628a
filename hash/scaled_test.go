package hash

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash/internal/scaledjpeg"
)

// The slow twin of planeSampler, in floating point. The head of scaled.go describes a
// curve: between two edges of cells it is the parabola that has the mean of the cell, and
// at each edge the mean of the two cells beside it. It is integrated here piece by piece,
// along the rows as they are stored and then along the columns.

// curve is what a line of cells is taken for.
type curve []float64

// cell is cell i, or the nearest there is.
func (c curve) cell(i int) float64 { return c[min(max(i, 0), len(c)-1)] }

// at is the value at x in cell i.
func (c curve) at(i int, x float64) float64 {
	t := x - float64(i)
	left, right := (c.cell(i-1)+c.cell(i))/2, (c.cell(i)+c.cell(i+1))/2
	bend := 6*c.cell(i) - 3*(left+right) // so that the mean is that of the cell
	return left*(1-t) + right*t + bend*t*(1-t)
}

// mean integrates from x to y. Simpson's rule is exact for parabolas.
func (c curve) mean(x, y float64) float64 {
	x, y = min(x, y), max(x, y)
	sum := 0.0
	for i := max(0, int(x)); i < len(c) && float64(i) < y; i++ {
		lo, hi := max(x, float64(i)), min(y, float64(i+1))
		sum += (hi - lo) / 6 * (c.at(i, lo) + 4*c.at(i, (lo+hi)/2) + c.at(i, hi))
	}
	return sum / (y - x)
}

// window is a part of a line, in cells of the plane, and its share of an output.
type window struct{ from, to, share float64 }

// windowsOf are the windows of the 64 outputs over pixels from and n more of a side of the
// reduced picture.
func windowsOf(a axis, kind filter, from, n int) (all [pdqSide][]window) {
	place := func(v float64) float64 {
		v *= float64(a.pixels) / float64(a.reduced)
		if a.flip {
			v = float64(a.pixels) - v
		}
		return v * 3 / float64(a.span)
	}
	for k := range all {
		if kind == byCells {
			side := float64(n) / pdqSide
			x := float64(from) + float64(k)*side
			all[k] = []window{{place(x), place(x + side), 1}}
			continue
		}
		// PDQ's two box filters (pdq_test.go).
		lo, hi := box((2*k+1)*n/(2*pdqSide), n)
		for o := lo; o < hi; o++ {
			l, h := box(o, n)
			all[k] = append(all[k], window{place(float64(from + l)), place(float64(from + h)), 1 / float64(hi-lo)})
		}
	}
	return all
}

func (c curve) through(ws []window) (v float64) {
	for _, w := range ws {
		v += w.share * c.mean(w.from, w.to)
	}
	return v
}

// slowPlaneSample turns what is given and wanted in upright coordinates to stored ones by
// the words of the transform: a transposition, then flips.
func slowPlaneSample(pic *scaledjpeg.Picture, t Transform, kind filter, r image.Rectangle) (s [pdqSide][pdqSide]float64) {
	p := &pic.Luma
	lw, lh := fit(pic.Width, pic.Height, lumaSide)
	swapped := t == Rot90 || t == Rot270 || t == MirrorRot90 || t == MirrorRot270
	backX := t == Rot90 || t == Rot180 || t == Mirror || t == MirrorRot90 // the upright picture's x runs backwards
	backY := t == Rot180 || t == Rot270 || t == MirrorRot90 || t == MirrorRot180
	x, y := axis{pixels: pic.Width, reduced: lw, span: p.SpanX, flip: backX}, axis{pixels: pic.Height, reduced: lh, span: p.SpanY, flip: backY}
	xs, ys := r, r
	if swapped {
		x.flip, y.flip = backY, backX
		xs, ys = image.Rect(r.Min.Y, 0, r.Max.Y, 1), image.Rect(0, r.Min.X, 1, r.Max.X)
	}
	across, down := windowsOf(x, kind, xs.Min.X, xs.Dx()), windowsOf(y, kind, ys.Min.Y, ys.Dy())
	var columns [pdqSide]curve
	for j := range p.H {
		row := make(curve, p.W)
		for i, v := range p.Pix[j*p.Stride:][:p.W] {
			row[i] = float64(v) / (1 << scaledjpeg.Fraction)
		}
		for k := range columns {
			columns[k] = append(columns[k], row.through(across[k]))
		}
	}
	for j := range s {
		for k := range s[j] {
			if swapped {
				s[j][k] = columns[j].through(down[k])
			} else {
				s[j][k] = columns[k].through(down[j])
			}
		}
	}
	return s
}

// scaledOf makes a scaled picture of w x h pixels at scale k, whose luma has spans that are
// so many times as large, of means that f gives for parts of the picture.
func scaledOf(w, h, k, timesX, timesY int, f func(x0, y0, x1, y1 float64) float64) *scaledjpeg.Picture {
	p := scaledjpeg.Plane{SpanX: 24 / k * timesX, SpanY: 24 / k * timesY}
	p.W, p.H = (3*w+p.SpanX-1)/p.SpanX, (3*h+p.SpanY-1)/p.SpanY
	p.Stride = p.W + 3
	p.Pix = make([]int16, p.Stride*p.H)
	for i := range p.Pix {
		p.Pix[i] = -32768 // nobody is to read what lies between the rows
	}
	sx, sy := float64(p.SpanX)/3, float64(p.SpanY)/3
	for j := range p.H {
		for i := range p.W {
			x, y := float64(i)*sx, float64(j)*sy
			p.Pix[j*p.Stride+i] = int16(math.Round(f(x, y, x+sx, y+sy) * (1 << scaledjpeg.Fraction)))
		}
	}
	return &scaledjpeg.Picture{Width: w, Height: h, Luma: p}
}

func levelsOff(s *samples, want *[pdqSide][pdqSide]float64) (worst float64) {
	for j := range s {
		for k, v := range s[j] {
			worst = max(worst, math.Abs(float64(v)/(1<<fractionBits)-want[j][k]))
		}
	}
	return worst
}

// anyPart is a part of the reduced picture as trimming leaves it.
func anyPart(r *rand.Rand, w, h int) image.Rectangle {
	x, y := r.IntN(w/2), r.IntN(h/2)
	return image.Rect(x, y, x+w/4+r.IntN(w/4), y+h/4+r.IntN(h/4))
}

// Noise from -20 to 280 is off by 0.17 grey levels at most, since weights are rounded.
func TestPlaneSampleAgainstSlowTwin(t *testing.T) {
	var q planeSampler // its buffers and weights are kept from case to case
	r := rand.New(rand.NewPCG(1, 4))
	worst, transforms := 0.0, 0
	for _, c := range []struct{ w, h, scale, timesX, timesY int }{
		{250, 251, 4, 1, 1}, {333, 277, 4, 1, 1}, {335, 500, 3, 1, 1}, {499, 641, 2, 1, 1}, {500, 1023, 2, 1, 1},
		{1025, 1001, 1, 1, 1}, {1999, 1024, 1, 1, 1}, {4999, 251, 4, 1, 1}, {257, 4999, 4, 1, 1}, {3001, 1007, 1, 1, 1},
		{1600, 901, 4, 1, 1}, {701, 703, 2, 1, 2}, {1013, 1202, 3, 2, 1}, {5000, 4001, 1, 1, 1},
	} {
		pic := scaledOf(c.w, c.h, c.scale, c.timesX, c.timesY, func(_, _, _, _ float64) float64 { return 300*r.Float64() - 20 })
		lw, lh := fit(c.w, c.h, lumaSide)
		for range 3 {
			tr := Transform(transforms % Transforms)
			transforms++
			if turns[tr].transpose {
				lw, lh = lh, lw
			}
			for _, kind := range []filter{byTent, byCells} {
				for _, part := range []image.Rectangle{image.Rect(0, 0, lw, lh), anyPart(r, lw, lh)} {
					var s samples
					q.sample(&s, pic, tr, kind, part)
					want := slowPlaneSample(pic, tr, kind, part)
					off := levelsOff(&s, &want)
					if worst = max(worst, off); off > 0.25 {
						t.Errorf("%+v %v, filter %d, part %v: %.3f grey levels from the slow twin", c, tr, kind, part, off)
					}
				}
			}
			if turns[tr].transpose {
				lw, lh = lh, lw
			}
		}
	}
	t.Logf("noise, at most %.4f grey levels", worst)
}

// allAxes are sides as they occur.
func allAxes(f func(a axis, from, n int)) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 300 {
		a := axis{pixels: 250 + r.IntN(4750), span: 24 / (1 + r.IntN(scaledjpeg.MaxScale)) * (1 + r.IntN(2)), flip: r.IntN(2) == 0}
		a.reduced = min(a.pixels, lumaSide-r.IntN(300))
		a.samples = (3*a.pixels + a.span - 1) / a.span
		from := r.IntN(a.reduced / 2)
		n := 1 + r.IntN(a.reduced-from)
		f(a, from, n)
		f(a, from/2, n) // as many pixels elsewhere
		f(a, 0, a.reduced)
	}
}

// Weights of each output add up to one, so that an even picture stays as it is, and they
// lie on the plane.
func TestBlendsAddUpToOne(t *testing.T) {
	var b blends
	allAxes(func(a axis, from, n int) {
		for _, kind := range []filter{byTent, byCells} {
			b.prepare(a, kind, from, n)
			weights := b.weights
			for k := range pdqSide {
				count := int(b.count[k])
				var sum int32
				for _, w := range weights[:count] {
					sum += w
				}
				if weights = weights[count:]; sum != 1<<blendBits || b.first[k] < 0 || int(b.first[k])+count > a.samples {
					t.Errorf("%+v from %d, %d pixels: output %d has %d weights from %d, sum %d", a, from, n, k, count, b.first[k], sum)
				}
			}
			if len(weights) != 0 {
				t.Errorf("%+v: %d weights of no output", a, len(weights))
			}
		}
	})
}

// Weights that are kept are those that would be made anew.
func TestBlendsAreMadeForEachSide(t *testing.T) {
	var kept blends
	var before blends
	allAxes(func(a axis, from, n int) {
		for _, kind := range []filter{byTent, byCells, byTent} {
			var fresh blends
			kept.prepare(a, kind, from, n)
			fresh.prepare(a, kind, from, n)
			if !slices.Equal(kept.weights, fresh.weights) || kept.first != fresh.first || kept.count != fresh.count {
				t.Fatalf("%+v from %d, %d pixels: other weights after %+v", a, from, n, before.made)
			}
		}
		before.made = a
	})
}

// What is even stays even to the last bit, and a slope is a slope: both are the same
// however they are averaged.
func TestPlaneSampleOfEvenAndSlopingPictures(t *testing.T) {
	const w, h = 1403, 1007
	whole := image.Rect(0, 0, 1024, 735)
	if lw, lh := fit(w, h, lumaSide); whole.Dx() != lw || whole.Dy() != lh {
		t.Fatal("the reduced picture has other sides", lw, lh)
	}
	var q planeSampler
	var s samples
	for scale := 1; scale <= scaledjpeg.MaxScale; scale++ {
		for _, level := range []float64{0, 17.25, 255, -100} {
			q.sample(&s, scaledOf(w, h, scale, 1, 1, func(_, _, _, _ float64) float64 { return level }), Rot90, byTent, image.Rect(0, 0, 735, 1024))
			for j := range s {
				for k, v := range s[j] {
					if v != int64(level*(1<<fractionBits)) {
						t.Fatalf("scale %d: sample (%d, %d) of %g is %g", scale, k, j, level, float64(v)/(1<<fractionBits))
					}
				}
			}
		}
		slope := func(x, y float64) float64 { return 20 + x/10 + y/16 }
		pic := scaledOf(w, h, scale, 1, 1, func(x0, y0, x1, y1 float64) float64 { return slope((x0+x1)/2, (y0+y1)/2) })
		for _, kind := range []filter{byTent, byCells} {
			q.sample(&s, pic, Upright, kind, whole)
			xs, ys := windowsOf(axis{pixels: w, reduced: 1024, span: 3}, kind, 0, 1024), windowsOf(axis{pixels: h, reduced: 735, span: 3}, kind, 0, 735)
			for j := 1; j < pdqSide-1; j++ { // at the edges the slope is not known
				for k := 1; k < pdqSide-1; k++ {
					want, got := slope(middleOf(xs[k]), middleOf(ys[j])), float64(s[j][k])/(1<<fractionBits)
					if math.Abs(got-want) > 0.1 {
						t.Fatalf("scale %d, filter %d: sample (%d, %d) is %.3f, want %.3f", scale, kind, k, j, got, want)
					}
				}
			}
		}
	}
}

func middleOf(ws []window) (m float64) {
	for _, w := range ws {
		m += w.share * (w.from + w.to) / 2
	}
	return m
}

// A picture that bends is reproduced but for what the ends of a window miss: that is at
// most 0.016 of the change of the slope from one cell to the next, divided by the
// length of the window in cells.
func TestPlaneSampleOfBentPictures(t *testing.T) {
	const w, h = 2000, 1500
	var q planeSampler
	var s samples
	for scale := 1; scale <= scaledjpeg.MaxScale; scale++ {
		bend := func(x float64) float64 { return x * x * x / (3 * 60 * 60) } // of which x²/60² is the slope
		pic := scaledOf(w, h, scale, 1, 1, func(x0, _, x1, _ float64) float64 { return (bend(x1)-bend(x0))/(x1-x0)/8 - 60 })
		for _, kind := range []filter{byTent, byCells} {
			q.sample(&s, pic, Upright, kind, image.Rect(0, 0, 1024, 768))
			cell := 8 / float64(scale)
			for k, ws := range windowsOf(axis{pixels: w, reduced: 1024, span: 3}, kind, 0, 1024) {
				want, allowed := -60.0, 0.1
				for _, v := range ws {
					want += v.share * (bend(v.to) - bend(v.from)) / (v.to - v.from) / 8
					allowed = max(allowed, 0.1+0.032*(2*cell*cell/(60*60)/8)*cell/(v.to-v.from))
				}
				if got := float64(s[7][k]) / (1 << fractionBits); k > 0 && k < pdqSide-1 && math.Abs(got-want) > allowed {
					t.Errorf("scale %d, filter %d: sample %d is %.3f, want %.3f", scale, kind, k, got, want)
				}
			}
		}
	}
}

// The sampler sees a picture as the exact path does if the plane is that of single
// pixels: then nothing has to be guessed, but for the curve inside a pixel.
func TestPlaneSampleOfPixelsIsSample(t *testing.T) {
	p := waves(3, 600, 401, 0)
	pic := scaledOf(600, 401, 4, 1, 1, func(x0, y0, x1, y1 float64) float64 { return 0 })
	pic.Luma = scaledjpeg.Plane{W: 600, H: 401, Stride: 600, SpanX: 3, SpanY: 3}
	for _, v := range p.pix {
		pic.Luma.Pix = append(pic.Luma.Pix, int16((v+8)>>4))
	}
	var q planeSampler
	for _, part := range []image.Rectangle{p.frame(), image.Rect(33, 18, 515, 350)} {
		var s samples
		q.sample(&s, pic, Upright, byTent, part)
		want := sample(p, part)
		var f [pdqSide][pdqSide]float64
		for j := range f {
			for k := range f[j] {
				f[j][k] = float64(want[j][k]) / (1 << fractionBits)
			}
		}
		if off := levelsOff(&s, &f); off > 0.1 {
			t.Errorf("part %v: %.3f grey levels from the exact path", part, off)
		}
	}
}

func TestScaleFor(t *testing.T) {
	for _, c := range []struct{ w, h, want int }{
		{249, 5000, 0}, {250, 5000, 4}, {5000, 250, 4}, {333, 400, 4}, {334, 334, 3}, {499, 500, 3}, {500, 500, 2}, {999, 2000, 2}, {1000, 1000, 1}, {16384, 16384, 1}, {1, 1, 0},
	} {
		if got := scaleFor(c.w, c.h); got != c.want {
			t.Errorf("%d x %d pixels: scale %d, want %d", c.w, c.h, got, c.want)
		}
		if c.want > 0 && min(c.w, c.h)*c.want/8 < leastSide {
			t.Errorf("%d x %d pixels: fewer samples than promised", c.w, c.h)
		}
	}
}
