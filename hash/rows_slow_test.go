package hash

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/bits"
)

// The slow twin of making a picture canonical: every layout becomes rows of RGB,
// these become luma, and two reducers take them, each in width first and then in
// height. The product gives the same to the bit by shorter ways (rows.go,
// ycbcr.go, colours.go, reduce.go).

// slowCanonical makes the canonical picture as it was stored.
func slowCanonical(img image.Image) *canonical {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	lw, lh := fit(w, h, lumaSide)
	cw, ch := fit(w, h, colourSide)
	fine := newSlowReducer[uint16](w, h, lw, lh, 1)
	small := newSlowReducer[uint8](w, h, cw, ch, 3)
	read := slowRowsOf(img)
	row, grey := make([]byte, 3*w), make([]uint16, w)
	for y := range h {
		read(y, row)
		for x := range grey {
			grey[x] = slowLuma(row[3*x], row[3*x+1], row[3*x+2])
		}
		fine.add(grey)
		small.add(row)
	}
	colour := image.NewNRGBA(image.Rect(0, 0, cw, ch))
	for i := range cw * ch {
		copy(colour.Pix[4*i:], small.out[3*i:3*i+3])
		colour.Pix[4*i+3] = 255
	}
	return &canonical{luma: plane{lw, lh, fine.out}, colour: colour}
}

// slowLuma is BT.601, 0.299 R + 0.587 G + 0.114 B, with 8 fractional bits.
func slowLuma(r, g, b byte) uint16 {
	return uint16((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<7) >> 8)
}

// slowRGB is the conversion of JFIF (ITU-T T.871), each channel rounded to nearest
// and clipped. color.YCbCrToRGB rounds bright pixels up and dark ones down,
// which tilts the grey scale by up to half a level.
func slowRGB(y, cb, cr byte) (r, g, b byte) {
	l, u, v := int32(y)<<16+1<<15, int32(cb)-128, int32(cr)-128
	return slowClip8(l + 91881*v), slowClip8(l - 22554*u - 46802*v), slowClip8(l + 116130*u)
}

// slowClip8 takes 16 fractional bits off.
func slowClip8(v int32) byte { return byte(min(max(v>>16, 0), 255)) }

// slowRowsOf returns a function that writes row y of img, counted from its top, as
// RGB over white. It panics if a pixel has no colour.
func slowRowsOf(img image.Image) func(y int, row []byte) {
	b := img.Bounds()
	w := b.Dx()
	switch m := img.(type) {
	case *image.YCbCr:
		return slowYCbCrRows(m)
	case *image.Gray:
		return func(y int, row []byte) {
			for x, v := range m.Pix[y*m.Stride:][:w] {
				row[3*x], row[3*x+1], row[3*x+2] = v, v, v
			}
		}
	case *image.NRGBA:
		return func(y int, row []byte) { slowFlatten(row, m.Pix[y*m.Stride:][:4*w]) }
	case *image.RGBA:
		return func(y int, row []byte) { slowFlattenPremultiplied(row, m.Pix[y*m.Stride:][:4*w]) }
	case *image.Paletted:
		return slowPalettedRows(m)
	case image.RGBA64Image: // the rest of the standard layouts, without boxing
		return func(y int, row []byte) {
			for x := range w {
				slowPutColour(row[3*x:], m.RGBA64At(b.Min.X+x, b.Min.Y+y))
			}
		}
	}
	return func(y int, row []byte) {
		for x := range w {
			slowPutColour(row[3*x:], color.RGBA64Model.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.RGBA64))
		}
	}
}

// slowYCbCrRows finds the chroma sample of each column once.
func slowYCbCrRows(m *image.YCbCr) func(int, []byte) {
	b := m.Rect
	column := make([]int, b.Dx())
	for x := range column {
		column[x] = m.COffset(b.Min.X+x, b.Min.Y) - m.COffset(b.Min.X, b.Min.Y)
	}
	return func(y int, row []byte) {
		l := m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:len(column)]
		c := m.COffset(b.Min.X, b.Min.Y+y)
		cb, cr := m.Cb[c:], m.Cr[c:]
		for x, j := range column {
			q := row[3*x : 3*x+3 : 3*x+3]
			q[0], q[1], q[2] = slowRGB(l[x], cb[j], cr[j])
		}
	}
}

// slowFlatten lays straight RGBA over white.
func slowFlatten(row, pix []byte) {
	for x := 0; 4*x < len(pix); x++ {
		p, q := pix[4*x:4*x+4], row[3*x:3*x+3]
		a := uint32(p[3])
		if a == 255 {
			q[0], q[1], q[2] = p[0], p[1], p[2]
			continue
		}
		for c := range q {
			q[c] = byte((uint32(p[c])*a + 255*(255-a) + 127) / 255)
		}
	}
}

// slowFlattenPremultiplied lays premultiplied RGBA over white. A hostile pixel may
// have more colour than alpha, so the sum is capped.
func slowFlattenPremultiplied(row, pix []byte) {
	for x := 0; 4*x < len(pix); x++ {
		p, q := pix[4*x:4*x+4], row[3*x:3*x+3]
		for c := range q {
			q[c] = byte(min(255, int(p[c])+255-int(p[3])))
		}
	}
}

// slowPutColour writes a premultiplied colour as 8-bit RGB over white. Alpha is
// straightened first, as color.NRGBAModel does, and cut to 8 bits.
func slowPutColour(q []byte, c color.RGBA64) {
	a := uint32(c.A)
	if a == 0 {
		q[0], q[1], q[2] = 255, 255, 255
		return
	}
	straight := func(v uint16) byte { return byte(min(uint32(v)*0xffff/a, 0xffff) >> 8) }
	slowFlatten(q[:3], []byte{straight(c.R), straight(c.G), straight(c.B), byte(a >> 8)})
}

func slowPalettedRows(m *image.Paletted) func(int, []byte) {
	table := make([][3]byte, len(m.Palette))
	for i, c := range m.Palette {
		slowPutColour(table[i][:], color.RGBA64Model.Convert(c).(color.RGBA64))
	}
	return func(y int, row []byte) {
		for x, v := range m.Pix[y*m.Stride:][:m.Rect.Dx()] {
			if int(v) >= len(table) {
				panic(fmt.Sprintf("colour %d of a palette of %d", v, len(table)))
			}
			copy(row[3*x:3*x+3], table[v][:])
		}
	}
}

// slowSpan is the run of input pixels that one output pixel covers in width.
type slowSpan struct {
	x, whole    int
	first, last uint64
}

// slowReducer averages rows of interleaved channels as they come, top to bottom.
type slowReducer[T level] struct {
	inW, inH, outW, outH, ch int
	y, outY                  int // next input and output row
	spans                    []slowSpan
	row                      []uint64 // one input row, reduced in width
	acc                      []uint64 // the output row being filled
	out                      []T      // outH rows of outW*ch values
}

func newSlowReducer[T level](inW, inH, outW, outH, ch int) *slowReducer[T] {
	r := &slowReducer[T]{
		inW: inW, inH: inH, outW: outW, outH: outH, ch: ch, spans: make([]slowSpan, outW),
		row: make([]uint64, outW*ch), acc: make([]uint64, outW*ch), out: make([]T, outW*outH*ch),
	}
	for i := range r.spans {
		x := i * inW / outW
		first := min((x+1)*outW-i*inW, inW)
		r.spans[i] = slowSpan{x, (inW - first) / outW, uint64(first), uint64((inW - first) % outW)}
	}
	return r
}

// add takes the next input row.
func (r *slowReducer[T]) add(row []T) {
	if r.inW == r.outW && r.inH == r.outH {
		copy(r.out[r.y*len(r.row):], row[:len(r.row)])
		r.y++
		return
	}
	for c := range r.ch {
		r.addWidth(row[c:], c)
	}
	lo, hi := r.y*r.outH, (r.y+1)*r.outH
	r.y++
	for lo < hi {
		full := (r.outY + 1) * r.inH
		end := min(hi, full)
		part := uint64(end - lo)
		for i, v := range r.row {
			r.acc[i] += v * part
		}
		if end == full {
			r.flush()
		}
		lo = end
	}
}

// flush divides by the area. The quotient is estimated by a multiplication and
// is then one too small at the most.
func (r *slowReducer[T]) flush() {
	area := uint64(r.inW) * uint64(r.inH)
	inverse := math.MaxUint64 / area
	out := r.out[r.outY*len(r.acc):][:len(r.acc)]
	for i, v := range r.acc {
		v += area / 2
		q, _ := bits.Mul64(v, inverse)
		if v-q*area >= area {
			q++
		}
		out[i] = T(q)
	}
	clear(r.acc)
	r.outY++
}

// addWidth reduces one channel of a row in width into r.row.
func (r *slowReducer[T]) addWidth(row []T, c int) {
	scale := uint64(r.outW)
	for i, s := range r.spans {
		x := s.x * r.ch
		sum := uint64(row[x]) * s.first
		var whole uint64
		for range s.whole {
			x += r.ch
			whole += uint64(row[x])
		}
		sum += whole * scale
		if s.last > 0 {
			sum += uint64(row[x+r.ch]) * s.last
		}
		r.row[i*r.ch+c] = sum
	}
}
