package attack

import (
	"image"
	"math"
)

// Filters work in floating point and round once at the end. The Gaussian blur is
// taken along the rows and then along the columns, line by line with one weight
// at a time: the inner loop runs over a whole line, which is several times
// faster than gathering a pixel's neighbours. Blurs that are so wide that this
// would still be dear are made on a smaller picture, where they are needed.

// planes is a picture in floating point, three channels a pixel.
type planes struct {
	w, h int
	v    []float32
}

// blurred is a Gaussian blur over both axes, three standard deviations each
// way, with the border mirrored about the edge pixel.
func blurred(img *image.NRGBA, sigma float64) planes {
	p := planes{img.Rect.Dx(), img.Rect.Dy(), make([]float32, 3*img.Rect.Dx()*img.Rect.Dy())}
	for i := range len(p.v) / 3 {
		s, d := img.Pix[4*i:][:4:4], p.v[3*i:][:3:3]
		d[0], d[1], d[2] = float32(s[0]), float32(s[1]), float32(s[2])
	}
	blurPlanes(p.v, p.w, p.h, 3, kernel(sigma))
	return p
}

// kernel holds the weights of the centre and of one side.
func kernel(sigma float64) []float32 {
	k := make([]float64, int(3*sigma+0.5)+1)
	sum := 0.0
	for i := range k {
		k[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
		sum += 2 * k[i]
	}
	sum -= k[0]
	half := make([]float32, len(k))
	for i := range k {
		half[i] = float32(k[i] / sum)
	}
	return half
}

// mirrored keeps an index in [0, n) by reflection about the first and the last.
func mirrored(i, n int) int {
	if n == 1 {
		return 0
	}
	i = ((i % (2*n - 2)) + 2*n - 2) % (2*n - 2)
	return min(i, 2*n-2-i)
}

// blurPlanes blurs w x h pixels of some channels each, in place.
func blurPlanes(v []float32, w, h, channels int, half []float32) {
	r, n := len(half)-1, w*channels
	padded := make([]float32, (w+2*r)*channels)
	for y := range h {
		row := v[y*n:][:n]
		for x := -r; x < w+r; x++ {
			copy(padded[(x+r)*channels:][:channels], row[mirrored(x, w)*channels:])
		}
		weigh(row, padded[r*channels:][:n], half[0])
		for k, weight := range half[1:] {
			d := (k + 1) * channels
			addPair(row, padded[r*channels-d:][:n], padded[r*channels+d:][:n], weight)
		}
	}
	in := make([]float32, len(v))
	copy(in, v)
	line := func(y int) []float32 { return in[mirrored(y, h)*n:][:n] }
	for y := range h {
		row := v[y*n:][:n]
		weigh(row, line(y), half[0])
		for k, weight := range half[1:] {
			addPair(row, line(y-k-1), line(y+k+1), weight)
		}
	}
}

func weigh(sum, a []float32, weight float32) {
	a = a[:len(sum)]
	for i := range sum {
		sum[i] = weight * a[i]
	}
}

func addPair(sum, a, b []float32, weight float32) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] += weight * (a[i] + b[i])
	}
}

// picture rounds to bytes.
func (p planes) picture() *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, p.w, p.h))
	putRow(out.Pix, p.v)
	return out
}

func blur(sigma float64) step {
	return func(j *job) { j.img = blurred(j.img, sigma).picture() }
}

// sharpen adds k times the difference from the blurred picture.
func sharpen(k float32, sigma float64) step {
	return func(j *job) {
		p := blurred(j.img, sigma)
		for i := range len(p.v) / 3 {
			s, d := j.img.Pix[4*i:][:4:4], p.v[3*i:][:3:3]
			for c := range d {
				x := float32(s[c])
				d[c] = x + k*(x-d[c])
			}
		}
		j.img = p.picture()
	}
}

// noise adds to every channel of every pixel a normal number with the standard
// deviation given.
func noise(deviation float64) step {
	return func(j *job) {
		out := image.NewNRGBA(j.img.Rect)
		for i, v := range j.img.Pix {
			out.Pix[i] = 255
			if i%4 != 3 {
				out.Pix[i] = clip(float64(v) + deviation*j.rng.NormFloat64())
			}
		}
		j.img = out
	}
}

// screenPhoto holds the constants of a photo of a screen.
type screenPhoto struct {
	amplitude float64    // of the moire pattern, in levels
	waves     [2]float64 // of its two gratings, in radians a pixel
	lo, hi    float64    // limits of its angle, in radians
	sigma     float64    // of the blur
	vignette  float64    // loss of light by the squared distance from the middle
	gain      [3]float32 // of the channels
	deviation float64    // of the sensor's noise
}

// moire photographs a screen.
func moire(s screenPhoto) step {
	return func(j *job) {
		t := j.between(s.lo, s.hi)
		sin, cos := math.Sincos(t)
		p := blurred(j.img, s.sigma)
		a := make([]float64, p.w)
		b := make([]float64, p.w)
		for y := range p.h {
			fy := float64(y)
			sineRow(a, s.waves[0]*fy*sin, s.waves[0]*cos)
			sineRow(b, -s.waves[1]*fy*cos, s.waves[1]*sin)
			dy := (fy - float64(p.h)/2) / float64(p.h)
			for x := range p.w {
				dx := (float64(x) - float64(p.w)/2) / float64(p.w)
				light := float32(1 - s.vignette*(dx*dx+dy*dy))
				wave := float32(s.amplitude * a[x] * b[x])
				v := p.v[3*(y*p.w+x):][:3:3]
				for c := range v {
					v[c] = (v[c]*light+wave)*s.gain[c] + float32(s.deviation*j.rng.NormFloat64())
				}
			}
		}
		j.img = p.picture()
	}
}

// sineRow fills a row with sin(start + x*by), by turning a pointer: a sine for
// every pixel would cost more than the rest of the attack.
func sineRow(row []float64, start, by float64) {
	s, c := math.Sincos(start)
	ds, dc := math.Sincos(by)
	for x := range row {
		row[x] = s
		s, c = s*dc+c*ds, c*dc-s*ds
	}
}

// halftone adds the pattern of a printer's screen, and the scanner's noise.
func halftone(level, period int, deviation float64) step {
	return func(j *job) {
		out := image.NewNRGBA(j.img.Rect)
		w, h := j.size()
		for y := range h {
			for x := range w {
				d := float64(level)
				if (x+y)%period >= period/2 {
					d = -d
				}
				i := 4 * (y*w + x)
				for c := range 3 {
					out.Pix[i+c] = clip(float64(j.img.Pix[i+c]) + d + deviation*j.rng.NormFloat64())
				}
				out.Pix[i+3] = 255
			}
		}
		j.img = out
	}
}
