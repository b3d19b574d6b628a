package attack

import (
	"image"
	"math"
)

// Scaling: area averaging along a side that shrinks, bicubic (Keys 1981,
// a = -0.5) along one that grows. A filter of a library that weighs whole
// pixels would do for halves and quarters only: at 0.6 it takes one pixel or
// two in turn. Here a pixel counts by the part of it that is covered. One side
// after the other, which gives the same as both at once and costs the sum and
// not the product of the two.

// taps says of what source pixels a target pixel is made.
type taps struct {
	first  int
	weight []float32
}

// tapsOf computes the taps for one side.
func tapsOf(from, to int) []taps {
	all := make([]taps, to)
	ratio := float64(from) / float64(to)
	for i := range all {
		lo, hi := float64(i)*ratio, float64(i+1)*ratio
		if to > from {
			all[i] = cubicTaps((lo+hi)/2-0.5, from)
			continue
		}
		first, last := int(lo), min(int(math.Ceil(hi-1e-9)), from)
		w := make([]float32, last-first)
		for k := range w {
			p := float64(first + k)
			w[k] = float32((min(hi, p+1) - max(lo, p)) / (hi - lo))
		}
		all[i] = taps{first, w}
	}
	return all
}

// cubicTaps weighs the four pixels about a place; pixels beyond the end count
// as the last one.
func cubicTaps(at float64, n int) taps {
	base := int(math.Floor(at))
	first, last := min(max(base-1, 0), n-1), min(max(base+2, 0), n-1)
	w := make([]float32, last-first+1)
	for k, v := range cubic(at - float64(base)) {
		w[min(max(base-1+k, 0), n-1)-first] += float32(v)
	}
	return taps{first, w}
}

// cubic gives the weights of the pixels at -1, 0, 1 and 2 for a place t in
// [0, 1).
func cubic(t float64) [4]float64 {
	const a = -0.5
	near := func(d float64) float64 { return ((a+2)*d-(a+3))*d*d + 1 }
	far := func(d float64) float64 { return ((a*d-5*a)*d+8*a)*d - 4*a }
	return [4]float64{far(1 + t), near(t), near(1 - t), far(2 - t)}
}

// scaled resizes to a target of at least 8 px a side.
func scaled(img *image.NRGBA, w, h int) *image.NRGBA {
	return resampled(img, max(w, 8), max(h, 8))
}

// resampled resizes to any size from 1 px.
func resampled(img *image.NRGBA, w, h int) *image.NRGBA {
	if img.Rect.Dx() == w && img.Rect.Dy() == h {
		return img
	}
	rows := scaledRows(img, w)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	sum := make([]float32, 3*w)
	for y, t := range tapsOf(img.Rect.Dy(), h) {
		clear(sum)
		for k, weight := range t.weight {
			row := rows[(t.first+k)*3*w:][:len(sum)]
			for i, v := range row {
				sum[i] += weight * v
			}
		}
		putRow(out.Pix[y*out.Stride:][:4*w], sum)
	}
	return out
}

// scaledRows scales every row to w pixels and returns three channels a pixel.
func scaledRows(img *image.NRGBA, w int) []float32 {
	columns := tapsOf(img.Rect.Dx(), w)
	rows := make([]float32, 0, 3*w*img.Rect.Dy())
	for y := range img.Rect.Dy() {
		in := img.Pix[y*img.Stride:][:4*img.Rect.Dx()]
		for _, t := range columns {
			var r, g, b float32
			for k, weight := range t.weight {
				p := in[4*(t.first+k):][:4:4]
				r += weight * float32(p[0])
				g += weight * float32(p[1])
				b += weight * float32(p[2])
			}
			rows = append(rows, r, g, b)
		}
	}
	return rows
}

// putRow writes a row of three channels a pixel, rounded.
func putRow(pix []uint8, row []float32) {
	for x := 0; 4*x < len(pix); x++ {
		p, v := pix[4*x:][:4:4], row[3*x:][:3:3]
		p[0], p[1], p[2], p[3] = clip32(v[0]+0.5), clip32(v[1]+0.5), clip32(v[2]+0.5), 255
	}
}

// resize multiplies the sides.
func resize(fx, fy float64) step {
	return func(j *job) {
		w, h := j.size()
		j.resizeTo(int(float64(w)*fx), int(float64(h)*fy))
	}
}

// resizeTo scales the picture of the job and its place with it.
func (j *job) resizeTo(w, h int) {
	was, washigh := j.size()
	j.img = scaled(j.img, w, h)
	w, h = j.size()
	j.scaleAndShift(float64(w)/float64(was), float64(h)/float64(washigh), 0, 0)
}

// cover scales a picture so that it covers w x h (and one pixel more) and cuts
// out the middle. It also returns the scales and the place of the picture's
// corner in the result.
func cover(img *image.NRGBA, w, h int) (out *image.NRGBA, sx, sy float64, at image.Point) {
	iw, ih := img.Rect.Dx(), img.Rect.Dy()
	s := max(float64(w+1)/float64(iw), float64(h+1)/float64(ih))
	big := scaled(img, max(w, int(float64(iw)*s)), max(h, int(float64(ih)*s)))
	at = image.Pt((big.Rect.Dx()-w)/2, (big.Rect.Dy()-h)/2)
	out = cut(big, image.Rectangle{at, at.Add(image.Pt(w, h))})
	return out, float64(big.Rect.Dx()) / float64(iw), float64(big.Rect.Dy()) / float64(ih), image.Pt(-at.X, -at.Y)
}

// cut copies a window.
func cut(img *image.NRGBA, r image.Rectangle) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	for y := range r.Dy() {
		copy(out.Pix[y*out.Stride:][:out.Stride], img.Pix[img.PixOffset(r.Min.X, r.Min.Y+y):])
	}
	return out
}

// put copies a picture onto another one, at a place where it may stick out.
func put(dst, src *image.NRGBA, at image.Point) {
	r := src.Rect.Add(at).Intersect(dst.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(dst.Pix[dst.PixOffset(r.Min.X, y):][:4*r.Dx()], src.Pix[src.PixOffset(r.Min.X-at.X, y-at.Y):])
	}
}
