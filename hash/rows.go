package hash

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
)

// rows reads a picture row by row, counted from its top: it writes the luma of
// row y to grey, and adds its colours, over white, to a strip (colours.go). It
// panics if a pixel has no colour.
//
// Converting every layout to rows of RGB, and those to luma, is simplest and
// was several times as slow as decoding a GIF. Here each layout that a decoder
// hands over takes its own short way: the pixels of opaque ones are words as
// they lie in memory, those of a palette are looked up, grey ones are four to
// a word, and of YCbCr see below. All agree to the bit with the long way, which
// stays in the tests.
type rows func(y int, grey []uint16, strip []uint64)

// rowsOf returns the way to read img, and whether it is grey: then a word of
// the strip is four pixels.
func rowsOf(img image.Image, ws *workspace) (read rows, grey bool) {
	b := img.Bounds()
	w := b.Dx()
	switch m := img.(type) {
	case *image.Gray:
		return func(y int, grey []uint16, strip []uint64) { greyRow(grey, strip, m.Pix[y*m.Stride:][:w]) }, true
	case *image.YCbCr:
		return ycbcrRows(m, ws), false
	case *image.Paletted:
		return palettedRows(m), false
	}
	ws.row = sized(ws.row, 4*w)
	row := ws.row
	switch m := img.(type) {
	case *image.NRGBA:
		return func(y int, grey []uint16, strip []uint64) {
			pix := m.Pix[y*m.Stride:][:4*w]
			if !opaque4(pix) {
				flatten(row, pix)
				pix = row
			}
			rgbRow(grey, strip, pix)
		}, false
	case *image.RGBA:
		return func(y int, grey []uint16, strip []uint64) {
			pix := m.Pix[y*m.Stride:][:4*w]
			if !opaque4(pix) {
				flattenPremultiplied(row, pix)
				pix = row
			}
			rgbRow(grey, strip, pix)
		}, false
	case image.RGBA64Image: // the rest of the standard layouts, without boxing
		return func(y int, grey []uint16, strip []uint64) {
			for x := range w {
				putColour(row[4*x:], m.RGBA64At(b.Min.X+x, b.Min.Y+y))
			}
			rgbRow(grey, strip, row)
		}, false
	}
	return func(y int, grey []uint16, strip []uint64) {
		for x := range w {
			putColour(row[4*x:], color.RGBA64Model.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.RGBA64))
		}
		rgbRow(grey, strip, row)
	}, false
}

// laneBytes are the bytes of a pixel word.
const laneBytes = 0x00ff00ff00ff00ff

// pixelWord spreads a pixel of 4 bytes over the lanes of a word.
func pixelWord(p uint32) uint64 { return (uint64(p) | uint64(p)<<24) & laneBytes }

// bytesOf is the way back.
func bytesOf(v uint64) uint32 { return uint32(v | v>>24) }

// The weights of BT.601 in 1/65536; they add up to one.
const (
	redWeight   = 19595
	greenWeight = 38470
	blueWeight  = 7471
)

// luma is BT.601, 0.299 R + 0.587 G + 0.114 B, with 8 fractional bits.
func luma(r, g, b byte) uint16 {
	return uint16((redWeight*uint32(r) + greenWeight*uint32(g) + blueWeight*uint32(b) + 1<<7) >> 8)
}

// rgbRow reads opaque pixels of 4 bytes, two at a time.
func rgbRow(grey []uint16, strip []uint64, pix []byte) {
	const each = 1<<32 + 1
	for len(pix) >= 8 && len(grey) >= 2 && len(strip) >= 2 {
		v := binary.LittleEndian.Uint64(pix)
		l := (v&(255*each))*redWeight + (v>>8&(255*each))*greenWeight + (v>>16&(255*each))*blueWeight + each<<7
		grey[0], grey[1] = uint16(l>>8), uint16(l>>40)
		strip[0] += pixelWord(uint32(v))
		strip[1] += pixelWord(uint32(v >> 32))
		pix, grey, strip = pix[8:], grey[2:], strip[2:]
	}
	if len(pix) >= 4 {
		grey[0] = luma(pix[0], pix[1], pix[2])
		strip[0] += pixelWord(binary.LittleEndian.Uint32(pix))
	}
}

// greyRow reads grey pixels, four at a time.
func greyRow(grey []uint16, strip []uint64, pix []byte) {
	for len(pix) >= 4 && len(grey) >= 4 && len(strip) >= 1 {
		p := uint64(binary.LittleEndian.Uint32(pix))
		p = (p | p<<16) & 0x0000ffff0000ffff
		v := (p | p<<8) & laneBytes
		strip[0] += v
		v <<= lumaBits
		grey[0], grey[1], grey[2], grey[3] = uint16(v), uint16(v>>16), uint16(v>>32), uint16(v>>48)
		pix, grey, strip = pix[4:], grey[4:], strip[1:]
	}
	for i, v := range pix {
		grey[i] = uint16(v) << lumaBits
		strip[0] += uint64(v) << (16 * i)
	}
}

// opaque4 reports whether all pixels of 4 bytes have an alpha of 255.
func opaque4(pix []byte) bool {
	all := uint64(1<<64 - 1)
	for len(pix) >= 16 {
		all &= binary.LittleEndian.Uint64(pix) & binary.LittleEndian.Uint64(pix[8:])
		pix = pix[16:]
	}
	for len(pix) >= 4 {
		all &= uint64(binary.LittleEndian.Uint32(pix))<<32 | 255<<24
		pix = pix[4:]
	}
	return all>>56 == 255 && all>>24&255 == 255
}

// flatten lays straight RGBA over white: (c a + 255 (255-a)) / 255, rounded.
// v/255 is (v + 1 + v/256) / 256 for all v below 65535.
func flatten(row, pix []byte) {
	const each = 0x0001000100010001
	for len(pix) >= 4 && len(row) >= 4 {
		p := binary.LittleEndian.Uint32(pix)
		a := uint64(p >> 24)
		v := pixelWord(p)*a + (255*(255-a)+127)*each
		v = (v + each + v>>8&laneBytes) >> 8 & laneBytes
		binary.LittleEndian.PutUint32(row, bytesOf(v))
		pix, row = pix[4:], row[4:]
	}
}

// flattenPremultiplied lays premultiplied RGBA over white. A hostile pixel may
// have more colour than alpha, so the sum is capped.
func flattenPremultiplied(row, pix []byte) {
	const each = 0x0001000100010001
	for len(pix) >= 4 && len(row) >= 4 {
		p := binary.LittleEndian.Uint32(pix)
		v := pixelWord(p) + uint64(255-p>>24)*each
		v |= (v >> 8 & each) * 255
		binary.LittleEndian.PutUint32(row, bytesOf(v&laneBytes))
		pix, row = pix[4:], row[4:]
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
	flatten(q[:4], []byte{straight(c.R), straight(c.G), straight(c.B), byte(a >> 8)})
}

// palettedRows looks luma and colours up.
func palettedRows(m *image.Paletted) rows {
	const none = 1 << 63 // in a lane of no interest
	var words [256]uint64
	var lumas [256]uint16
	for i := range words {
		words[i] = none
	}
	for i, c := range m.Palette[:min(len(m.Palette), 256)] {
		var q [4]byte
		putColour(q[:], color.RGBA64Model.Convert(c).(color.RGBA64))
		q[3] = 0
		words[i] = pixelWord(binary.LittleEndian.Uint32(q[:]))
		lumas[i] = luma(q[0], q[1], q[2])
	}
	return func(y int, grey []uint16, strip []uint64) {
		pix := m.Pix[y*m.Stride:][:m.Rect.Dx()]
		grey, strip = grey[:len(pix)], strip[:len(pix)]
		var all uint64
		for x, i := range pix {
			v := words[i]
			all |= v
			strip[x] += v
			grey[x] = lumas[i]
		}
		if all&none != 0 {
			panic(fmt.Sprintf("a colour beyond a palette of %d", len(m.Palette)))
		}
	}
}
