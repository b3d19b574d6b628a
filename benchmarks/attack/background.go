package attack

import (
	"image"
	"image/color"
)

// The background of a photo on white or plain ground: what is near the edge's
// colour and connected with the edge.

// tolerance is how far a channel of the background may be from the edge's
// colour, exclusive.
const tolerance = 18

// background returns for each pixel how much of it is background, 0 to 1, with
// edges softened by a blur of 1 px.
func background(img *image.NRGBA) []float32 {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	near := make([]bool, w*h)
	e := edgeColour(img)
	for i := range near {
		p := img.Pix[4*i:]
		near[i] = apart(p[0], e.R) < tolerance && apart(p[1], e.G) < tolerance && apart(p[2], e.B) < tolerance
	}
	mask := make([]float32, w*h)
	var todo []int
	visit := func(x, y int) {
		if i := y*w + x; x >= 0 && y >= 0 && x < w && y < h && near[i] {
			near[i] = false
			mask[i] = 1
			todo = append(todo, i)
		}
	}
	for x := range w {
		visit(x, 0)
		visit(x, h-1)
	}
	for y := range h {
		visit(0, y)
		visit(w-1, y)
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		x, y := i%w, i/w
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				visit(x+dx, y+dy)
			}
		}
	}
	blurPlanes(mask, w, h, 1, kernel(1))
	return mask
}

func apart(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

// mixed takes each pixel from a where the mask is 0 and from b where it is 1.
func mixed(a, b *image.NRGBA, mask []float32) *image.NRGBA {
	out := image.NewNRGBA(a.Rect)
	for i, m := range mask {
		p, q, o := a.Pix[4*i:][:4:4], b.Pix[4*i:][:4:4], out.Pix[4*i:][:4:4]
		for c := range 3 {
			o[c] = clip32(float32(p[c])*(1-m) + float32(q[c])*m)
		}
		o[3] = 255
	}
	return out
}

// replaceBackground puts another ground behind the product.
func replaceBackground(ground func(j *job) *image.NRGBA) step {
	return func(j *job) {
		if b := ground(j); j.err == nil {
			j.img = mixed(j.img, b, background(j.img))
		}
	}
}

// plainGround is one colour.
func plainGround(c paint) func(*job) *image.NRGBA {
	return func(j *job) *image.NRGBA {
		w, h := j.size()
		return sheet(w, h, c(j))
	}
}

// gradient runs from one colour to another, downwards or to the right.
func gradient(from, to color.NRGBA, right bool) func(*job) *image.NRGBA {
	return func(j *job) *image.NRGBA {
		w, h := j.size()
		out := sheet(w, h, from)
		for y := range h {
			for x := range w {
				t := float64(y) / float64(max(h-1, 1))
				if right {
					t = float64(x) / float64(max(w-1, 1))
				}
				copy(out.Pix[4*(y*w+x):], blend(from, to, t))
			}
		}
		return out
	}
}

// blend mixes two colours.
func blend(a, b color.NRGBA, t float64) []uint8 {
	m := func(a, b uint8) uint8 { return clip(float64(a)*(1-t) + float64(b)*t) }
	return []uint8{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}

// scene is a photo of the pool, stretched.
func scene(j *job) *image.NRGBA {
	photo := j.others(1)[0]
	if j.err != nil {
		return nil
	}
	w, h := j.size()
	return resampled(photo, w, h)
}

// recolour turns the hue of all that is not background.
func recolour(degrees float32) step {
	return func(j *job) {
		j.img = mixed(turnHue(j.img, degrees), j.img, background(j.img))
	}
}

// soft is a ground out of focus.
func soft(ground func(*job) *image.NRGBA, sigma float64) func(*job) *image.NRGBA {
	return func(j *job) *image.NRGBA {
		b := ground(j)
		if j.err != nil {
			return nil
		}
		return blurred(b, sigma).picture()
	}
}
