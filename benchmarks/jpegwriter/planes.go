package jpegwriter

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
)

// plane is one component's samples, w a row.
type plane struct {
	w, h int
	pix  []uint8
}

func newPlane(w, h int) plane { return plane{w, h, make([]uint8, w*h)} }

// FromImage returns the quantised coefficients of img. Transparency counts as
// lying on black. A component with fewer samples than pixels has their area
// averages; the planes of an *image.YCbCr are used as they are where they fit.
func FromImage(img image.Image, o Options) (*Coefficients, error) {
	_, grey := img.(*image.Gray)
	n := 3
	if grey || o.Grey {
		n = 1
	}
	if n == 1 && o.Sampling == 0 {
		o.Sampling = S444 // 1 x 1, as everybody writes grey
	}
	b := img.Bounds()
	c, err := NewCoefficients(b.Dx(), b.Dy(), n, o.Sampling)
	if err != nil {
		return nil, err
	}
	tables, err := o.tables()
	if err != nil {
		return nil, err
	}
	copy(c.Tables, tables[:])
	hmax, vmax := c.maxFactors()
	planes := planesOf(img, o.RGB && n == 3)
	for i := range c.Components {
		p := &c.Components[i]
		if o.IDs != [3]byte{} {
			p.ID = o.IDs[i]
		}
		p.transform(planes[i].reduce(p.H, p.V, hmax, vmax), &c.Tables[p.Table], o.Padding)
	}
	return c, nil
}

// tables returns the divisors that o asks for.
func (o Options) tables() ([2][64]uint16, error) {
	if o.Tables != nil {
		return *o.Tables, nil
	}
	q := o.Quality
	if q == 0 {
		q = 85
	}
	if q < 1 || q > 100 {
		return [2][64]uint16{}, fmt.Errorf("jpegwriter: quality %d", q)
	}
	largest := 255
	if o.WideTables {
		largest = 32767
	}
	return quantTables(q, largest), nil
}

// planesOf returns red, green and blue of img, or else luma and chroma.
func planesOf(img image.Image, rgb bool) [3]plane {
	switch m := img.(type) {
	case *image.Gray:
		if !rgb {
			return [3]plane{greyPlane(m)}
		}
	case *image.YCbCr:
		if !rgb {
			return ycbcrPlanes(m)
		}
	}
	b := img.Bounds()
	m, ok := img.(*image.RGBA)
	if !ok {
		m = image.NewRGBA(b)
		draw.Draw(m, b, img, b.Min, draw.Src)
	}
	return rgbaPlanes(m, rgb)
}

func greyPlane(m *image.Gray) plane {
	p := newPlane(m.Rect.Dx(), m.Rect.Dy())
	for y := range p.h {
		copy(p.pix[y*p.w:(y+1)*p.w], m.Pix[y*m.Stride:])
	}
	return p
}

// ycbcrPlanes returns three planes of m's full size.
func ycbcrPlanes(m *image.YCbCr) (planes [3]plane) {
	b := m.Rect
	for i := range planes {
		planes[i] = newPlane(b.Dx(), b.Dy())
	}
	for y := range b.Dy() {
		row := y * b.Dx()
		for x := range b.Dx() {
			co := m.COffset(b.Min.X+x, b.Min.Y+y)
			planes[0].pix[row+x] = m.Y[m.YOffset(b.Min.X+x, b.Min.Y+y)]
			planes[1].pix[row+x] = m.Cb[co]
			planes[2].pix[row+x] = m.Cr[co]
		}
	}
	return planes
}

func rgbaPlanes(m *image.RGBA, rgb bool) (planes [3]plane) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for i := range planes {
		planes[i] = newPlane(w, h)
	}
	for y := range h {
		for x := range w {
			p := m.Pix[y*m.Stride+4*x:][:3]
			r, g, b := p[0], p[1], p[2]
			if !rgb {
				r, g, b = color.RGBToYCbCr(r, g, b)
			}
			planes[0].pix[y*w+x], planes[1].pix[y*w+x], planes[2].pix[y*w+x] = r, g, b
		}
	}
	return planes
}

// reduce returns the plane at h/hmax x v/vmax of its size, rounded up. A sample
// is the mean of the area that it covers, as far as that lies in the plane.
func (p plane) reduce(h, v, hmax, vmax int) plane {
	if h == hmax && v == vmax {
		return p
	}
	out := newPlane(ceil(p.w*h, hmax), ceil(p.h*v, vmax))
	columns := make([]int, p.w) // weighted sums over the rows of a sample
	for y := range out.h {
		clear(columns)
		rows := 0
		for q := y * vmax / v; q < p.h && q*v < (y+1)*vmax; q++ {
			weight := overlap(y, vmax, q, v)
			rows += weight
			for x, s := range p.pix[q*p.w : (q+1)*p.w] {
				columns[x] += weight * int(s)
			}
		}
		for x := range out.w {
			sum, area := 0, 0
			for q := x * hmax / h; q < p.w && q*h < (x+1)*hmax; q++ {
				weight := overlap(x, hmax, q, h)
				sum += weight * columns[q]
				area += weight * rows
			}
			out.pix[y*out.w+x] = uint8((sum + area/2) / area)
		}
	}
	return out
}

// overlap returns how much the i-th interval of length a and the j-th of
// length b share, both counted from 0.
func overlap(i, a, j, b int) int { return min((i+1)*a, (j+1)*b) - max(i*a, j*b) }

// transform fills the blocks of c with the quantised DCT of p.
func (c *Component) transform(p plane, table *[64]uint16, pad Padding) {
	var reciprocals, s [64]float64
	for i, q := range table {
		reciprocals[i] = 1 / float64(max(q, 1))
	}
	for by := range c.Rows {
		for bx := range c.Stride {
			p.load(bx*8, by*8, &s, pad)
			forwardDCT(&s)
			quantise(&s, &reciprocals, c.At(bx, by))
		}
	}
}

// load reads the block whose first sample is at x0, y0, less the level shift.
func (p plane) load(x0, y0 int, s *[64]float64, pad Padding) {
	inside := x0+8 <= p.w && y0+8 <= p.h
	for y := range 8 {
		if inside {
			row := p.pix[(y0+y)*p.w+x0:][:8]
			for x, v := range row {
				s[y*8+x] = float64(int(v) - 128)
			}
			continue
		}
		for x := range 8 {
			s[y*8+x] = float64(p.sample(x0+x, y0+y, pad) - 128)
		}
	}
}

// sample returns the sample at x, y, which may lie beyond the plane.
func (p plane) sample(x, y int, pad Padding) int {
	if x >= p.w || y >= p.h {
		switch pad {
		case PadBlack:
			return 0
		case PadNoise:
			return int((uint32(x)*0x9e3779b1^uint32(y)*0x85ebca77)>>15&1) * 255
		}
	}
	return int(p.pix[min(y, p.h-1)*p.w+min(x, p.w-1)])
}
