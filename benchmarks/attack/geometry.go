package attack

import (
	"image"
	"image/color"

	"github.com/disintegration/imaging"
)

// Mirror, quarter turns, crops and borders: no pixel changes its value. Each step
// moves the place of the original with the picture.

// mirror swaps left and right.
func mirror(j *job) {
	w, _ := j.size()
	j.img = imaging.FlipH(j.img)
	j.scaleAndShift(-1, 1, float64(w), 0)
}

// quarter turns counter-clockwise by quarters of a full turn, 1 to 3.
func quarter(n int) step {
	return func(j *job) {
		for range n {
			w, _ := j.size()
			j.img = imaging.Rotate90(j.img)
			j.move(func(x, y float64) (float64, float64) { return y, float64(w) - x })
		}
	}
}

// keep cuts out a window.
func (j *job) keep(r image.Rectangle) {
	j.img = cut(j.img, r)
	j.scaleAndShift(1, 1, -float64(r.Min.X), -float64(r.Min.Y))
}

// share is a part of a side in whole pixels, at least one.
func share(side int, f float64) int { return max(1, int(f*float64(side))) }

// keepMiddle keeps the centred window of these shares of the sides.
func (j *job) keepMiddle(fx, fy float64) {
	w, h := j.size()
	cw, ch := share(w, fx), share(h, fy)
	j.keep(image.Rect(0, 0, cw, ch).Add(image.Pt((w-cw)/2, (h-ch)/2)))
}

// crop cuts off a share of both sides, at a random place.
func crop(f float64) step {
	return func(j *job) {
		w, h := j.size()
		cw, ch := share(w, 1-f), share(h, 1-f)
		j.keep(image.Rect(0, 0, cw, ch).Add(image.Pt(j.pixels(w-cw), j.pixels(h-ch))))
	}
}

// cropMiddle keeps a centred window.
func cropMiddle(fx, fy float64) step {
	return func(j *job) { j.keepMiddle(fx, fy) }
}

// cropSide cuts a share off one of the four sides.
func cropSide(f float64) step {
	return func(j *job) {
		w, h := j.size()
		r := j.img.Rect
		switch j.rng.IntN(4) {
		case 0:
			r.Min.X = w - share(w, 1-f)
		case 1:
			r.Min.Y = h - share(h, 1-f)
		case 2:
			r.Max.X = share(w, 1-f)
		default:
			r.Max.Y = share(h, 1-f)
		}
		j.keep(r)
	}
}

// paint chooses a colour when the copy is made.
type paint func(*job) color.NRGBA

// always is one colour.
func always(c color.NRGBA) paint { return func(*job) color.NRGBA { return c } }

// anyColour draws each channel in [lo, hi].
func anyColour(lo, hi int) paint {
	return func(j *job) color.NRGBA {
		c := func() uint8 { return uint8(lo + j.rng.IntN(hi-lo+1)) }
		return rgb(c(), c(), c())
	}
}

// ofTheEdge is the colour of the picture's edge.
func ofTheEdge(j *job) color.NRGBA { return edgeColour(j.img) }

// edgeColour is the median of each channel over the four outermost lines.
func edgeColour(img *image.NRGBA) color.NRGBA {
	var counts [3][256]int
	n := 0
	count := func(x, y int) {
		p := img.Pix[img.PixOffset(x, y):]
		for c := range counts {
			counts[c][p[c]]++
		}
		n++
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	for x := range w {
		count(x, 0)
		count(x, h-1)
	}
	for y := range h {
		count(0, y)
		count(w-1, y)
	}
	var median [3]uint8
	for c := range counts {
		for v, sum := 0, 0; v < 256; v++ {
			if sum += counts[c][v]; 2*sum >= n {
				median[c] = uint8(v)
				break
			}
		}
	}
	return rgb(median[0], median[1], median[2])
}

// onto puts the picture of the job on another one.
func (j *job) onto(canvas *image.NRGBA, at image.Point) {
	put(canvas, j.img, at)
	j.img = canvas
	j.scaleAndShift(1, 1, float64(at.X), float64(at.Y))
}

// margins are shares of the longer side.
type margins struct{ left, top, right, bottom float64 }

// even is the same margin on all sides.
func even(f float64) margins { return margins{f, f, f, f} }

// pixels tells where the picture begins and how large the canvas is.
func (m margins) pixels(w, h int) (at, canvas image.Point) {
	px := func(f float64) int { return int(f * float64(max(w, h))) }
	return image.Pt(px(m.left), px(m.top)), image.Pt(w+px(m.left)+px(m.right), h+px(m.top)+px(m.bottom))
}

// pad puts a margin of one colour around the picture.
func pad(m margins, c paint) step {
	return func(j *job) {
		at, size := m.pixels(j.size())
		j.onto(sheet(size.X, size.Y, c(j)), at)
	}
}

// padBlurred surrounds the picture with itself, stretched over the canvas,
// blurred and multiplied by a brightness.
func padBlurred(m margins, sigma, brightness float64) step {
	return func(j *job) {
		at, size := m.pixels(j.size())
		j.onto(smeared(j.img, size, sigma, brightness), at)
	}
}

// smeared stretches and blurs. What a wide blur leaves can be told from a
// picture of a quarter of the size: a full-size kernel of 73 taps would cost
// more than all other attacks.
func smeared(img *image.NRGBA, size image.Point, sigma, brightness float64) *image.NRGBA {
	const quarter = 4
	small := blurred(scaled(img, size.X/quarter, size.Y/quarter), sigma/quarter)
	for i := range small.v {
		small.v[i] *= float32(brightness)
	}
	return resampled(small.picture(), size.X, size.Y)
}

// letterbox centres the picture on a canvas that the shape asks for; where the
// canvas would not be larger than the picture, on one that is a share higher.
func letterbox(canvas func(w, h int) (int, int), c, otherwise color.NRGBA, higher float64) step {
	return func(j *job) {
		w, h := j.size()
		cw, ch := canvas(w, h)
		if cw <= w && ch <= h {
			cw, ch, c := w, int(higher*float64(h)), otherwise
			j.onto(sheet(cw, ch, c), image.Pt(0, (ch-h)/2))
			return
		}
		j.onto(sheet(cw, ch, c), image.Pt((cw-w)/2, (ch-h)/2))
	}
}

// portrait is a canvas of the picture's width and a ratio of height to width.
func portrait(ratio float64) func(w, h int) (int, int) {
	return func(w, h int) (int, int) { return w, int(ratio * float64(w)) }
}

// landscape is a canvas of the picture's height and a ratio of width to height.
func landscape(ratio float64) func(w, h int) (int, int) {
	return func(w, h int) (int, int) { return int(ratio * float64(h)), h }
}

// square is the smallest square that holds the picture.
func square(w, h int) (int, int) { return max(w, h), max(w, h) }
