package hash

import (
	"fmt"
	"image"
	"image/color"

	"github.com/disintegration/imaging"
)

// A decoder hands over a picture in one of a dozen memory layouts, with bounds
// that may start anywhere, with alpha, turned by a camera. Everything behind
// this file sees one thing only: the canonical picture.
//
// Letting each hash read image.Image by itself would be simplest. It is not
// done because the layouts then leak into the hashes: bounds that do not start
// at (0,0) change goimagehash's result by up to 38 of 64 bits, transparent
// pixels count as black or as nothing depending on the layout, and resizing
// libraries start goroutines in which a panic cannot be recovered.
//
// So the picture is read once, row by row, on the caller's goroutine, with
// every index checked, flattened on white with straight alpha, and reduced
// while it is read:
//
//   - luma: BT.601, 8 bits and 8 more of fraction, long side at most 1,024;
//   - colour: RGB, long side at most 192. The border is found on it, and the
//     colour signature and the thumbnail come from it.
//
// Luma is taken from the RGB that a viewer would show, also for JPEG, whose Y
// plane is nearly the same thing: where colours are clipped the two differ,
// and on flat pictures that alone moved PDQ by 10 bits from the reference
// implementation. The fraction is kept for the same reason: with luma rounded
// to 8 bits the same picture was 8 bits away, now it is 4.
//
// Reduction rounds once, exactly, so that every CPU gives the same pixels. Only
// then is the (small) picture turned upright. Reducing and turning commute:
// the weights are symmetric.

const (
	lumaSide   = 1024 // longest side of the luma plane
	colourSide = 192  // longest side of the colour picture
)

// canonical is a picture of which nothing is left to the imagination: upright,
// opaque, origin at zero.
type canonical struct {
	luma   plane
	colour *image.NRGBA
}

// plane is grey with 8 fractional bits, row by row.
type plane struct {
	w, h int
	pix  []uint16
}

// canonicalise reduces img and turns it upright by an EXIF orientation of 1 to
// 8. It fails with an *UnusableError if img is empty or its pixels cannot be
// read, and with what check returns, which is asked every few rows.
func canonicalise(img image.Image, orientation int, check func() error) (c *canonical, err error) {
	if img.Bounds().Empty() {
		return nil, unusable(Corrupt, "no pixels")
	}
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, unusable(Corrupt, "read pixels: %v", p)
		}
	}()
	if c, err = reduce(img, check); err != nil {
		return nil, err
	}
	c.turn(orientation)
	return c, nil
}

// checkRows is how many rows are read between two checks; of the widest
// picture allowed they take two milliseconds.
const checkRows = 16

// reduce makes the canonical picture, still turned as it was stored.
func reduce(img image.Image, check func() error) (*canonical, error) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	lw, lh := fit(w, h, lumaSide)
	cw, ch := fit(w, h, colourSide)
	fine := newReducer[uint16](w, h, lw, lh, 1)
	small := newReducer[uint8](w, h, cw, ch, 3)
	read := rowsOf(img)
	row, grey := make([]byte, 3*w), make([]uint16, w)
	for y := range h {
		if y%checkRows == 0 {
			if err := check(); err != nil {
				return nil, err
			}
		}
		read(y, row)
		for x := range grey {
			grey[x] = luma(row[3*x], row[3*x+1], row[3*x+2])
		}
		fine.add(grey)
		small.add(row)
	}
	colour := image.NewNRGBA(image.Rect(0, 0, cw, ch))
	for i := range cw * ch {
		copy(colour.Pix[4*i:], small.out[3*i:3*i+3])
		colour.Pix[4*i+3] = 255
	}
	return &canonical{plane{lw, lh, fine.out}, colour}, nil
}

// luma is BT.601, 0.299 R + 0.587 G + 0.114 B, with 8 fractional bits.
func luma(r, g, b byte) uint16 {
	return uint16((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<7) >> 8)
}

// rgb is the conversion of JFIF (ITU-T T.871), each channel rounded to nearest
// and clipped. color.YCbCrToRGB rounds bright pixels up and dark ones down,
// which tilts the grey scale by up to half a level.
func rgb(y, cb, cr byte) (r, g, b byte) {
	l, u, v := int32(y)<<16+1<<15, int32(cb)-128, int32(cr)-128
	return clip8(l + 91881*v), clip8(l - 22554*u - 46802*v), clip8(l + 116130*u)
}

// clip8 takes 16 fractional bits off.
func clip8(v int32) byte { return byte(min(max(v>>16, 0), 255)) }

// rowsOf returns a function that writes row y of img, counted from its top, as
// RGB over white. It panics if a pixel has no colour.
func rowsOf(img image.Image) func(y int, row []byte) {
	b := img.Bounds()
	w := b.Dx()
	switch m := img.(type) {
	case *image.YCbCr:
		return ycbcrRows(m)
	case *image.Gray:
		return func(y int, row []byte) {
			for x, v := range m.Pix[y*m.Stride:][:w] {
				row[3*x], row[3*x+1], row[3*x+2] = v, v, v
			}
		}
	case *image.NRGBA:
		return func(y int, row []byte) { flatten(row, m.Pix[y*m.Stride:][:4*w]) }
	case *image.RGBA:
		return func(y int, row []byte) { flattenPremultiplied(row, m.Pix[y*m.Stride:][:4*w]) }
	case *image.Paletted:
		return palettedRows(m)
	case image.RGBA64Image: // the rest of the standard layouts, without boxing
		return func(y int, row []byte) {
			for x := range w {
				putColour(row[3*x:], m.RGBA64At(b.Min.X+x, b.Min.Y+y))
			}
		}
	}
	return func(y int, row []byte) {
		for x := range w {
			putColour(row[3*x:], color.RGBA64Model.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.RGBA64))
		}
	}
}

// ycbcrRows finds the chroma sample of each column once.
func ycbcrRows(m *image.YCbCr) func(int, []byte) {
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
			q[0], q[1], q[2] = rgb(l[x], cb[j], cr[j])
		}
	}
}

// flatten lays straight RGBA over white.
func flatten(row, pix []byte) {
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

// flattenPremultiplied lays premultiplied RGBA over white. A hostile pixel may
// have more colour than alpha, so the sum is capped.
func flattenPremultiplied(row, pix []byte) {
	for x := 0; 4*x < len(pix); x++ {
		p, q := pix[4*x:4*x+4], row[3*x:3*x+3]
		for c := range q {
			q[c] = byte(min(255, int(p[c])+255-int(p[3])))
		}
	}
}

// putColour writes a premultiplied colour as 8-bit RGB over white. Alpha is
// straightened first, as color.NRGBAModel does, and cut to 8 bits.
func putColour(q []byte, c color.RGBA64) {
	a := uint32(c.A)
	if a == 0 {
		q[0], q[1], q[2] = 255, 255, 255
		return
	}
	straight := func(v uint16) byte { return byte(min(uint32(v)*0xffff/a, 0xffff) >> 8) }
	flatten(q[:3], []byte{straight(c.R), straight(c.G), straight(c.B), byte(a >> 8)})
}

func palettedRows(m *image.Paletted) func(int, []byte) {
	table := make([][3]byte, len(m.Palette))
	for i, c := range m.Palette {
		putColour(table[i][:], color.RGBA64Model.Convert(c).(color.RGBA64))
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

// orientations are the turns that undo EXIF orientations 1 to 8 (CIPA DC-008,
// tag 0x0112), and imaging's names for them; its turns are anticlockwise.
var orientations = [...]struct {
	t      Transform
	colour func(image.Image) *image.NRGBA
}{
	2: {Mirror, imaging.FlipH},
	3: {Rot180, imaging.Rotate180},
	4: {MirrorRot180, imaging.FlipV},
	5: {MirrorRot270, imaging.Transpose},
	6: {Rot90, imaging.Rotate270},
	7: {MirrorRot90, imaging.Transverse},
	8: {Rot270, imaging.Rotate90},
}

// turn undoes an EXIF orientation. imaging turns the colour picture; it knows
// no picture of 16 bits, so the luma plane is turned here.
func (c *canonical) turn(orientation int) {
	if orientation < 2 || orientation >= len(orientations) {
		return
	}
	o := orientations[orientation]
	c.colour = o.colour(c.colour)
	c.luma = c.luma.turned(o.t)
}

func (p plane) turned(t Transform) plane {
	u := turns[t]
	q := plane{p.w, p.h, make([]uint16, len(p.pix))}
	if u.transpose {
		q.w, q.h = p.h, p.w
	}
	for y := range p.h {
		for x := range p.w {
			tx, ty := u.place(x, y, q.w, q.h)
			q.pix[ty*q.w+tx] = p.pix[y*p.w+x]
		}
	}
	return q
}

// word returns the picture that goimagehash sees: 64x64, averaged by area.
func (c *canonical) word() *image.Gray {
	g := image.NewGray(image.Rect(0, 0, pdqSide, pdqSide))
	for j, row := range average(c.luma) {
		for i, v := range row {
			g.Pix[j*pdqSide+i] = uint8(min(255, (v+1<<(fractionBits-1))>>fractionBits))
		}
	}
	return g
}
