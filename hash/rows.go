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
// took as long as decoding a GIF. Here each layout that a decoder hands over
// takes a short way of its own: opaque pixels are taken as they lie in memory,
// those of a palette are looked up, grey ones go four to a word, and YCbCr has a
// file of its own. All agree to the bit with the long way, which stays in the
// tests.
type rows func(y int, grey []uint16, strip []uint64)

// rowsOf returns the way to read img, and whether it is grey: then a word of
// the strip is four pixels.
func rowsOf(img image.Image, ws *workspace) (read rows, grey bool) {
	w := img.Bounds().Dx()
	switch m := img.(type) {
	case *image.Gray:
		return func(y int, grey []uint16, strip []uint64) { greyRow(grey, strip, m.Pix[y*m.Stride:][:w]) }, true
	case *image.Gray16:
		return func(y int, grey []uint16, strip []uint64) { deepGreyRow(grey, strip, m.Pix[y*m.Stride:][:2*w]) }, true
	case *image.YCbCr:
		return ycbcrRows(m, ws), false
	case *image.Paletted:
		return palettedRows(m), false
	}
	read4 := rows4(img, ws)
	ws.row = sized(ws.row, 4*w)
	row := ws.row
	return func(y int, grey []uint16, strip []uint64) { rgbRow(grey, strip, read4(y, row)) }, false
}

// rows4 returns a function that returns row y of img as pixels of 4 bytes, red,
// green, blue over white and one more: where they lie, or in room.
func rows4(img image.Image, ws *workspace) func(y int, room []byte) []byte {
	b := img.Bounds()
	w := b.Dx()
	switch m := img.(type) {
	case *image.NRGBA:
		return func(y int, room []byte) []byte { return flatten(room, m.Pix[y*m.Stride:][:4*w]) }
	case *image.RGBA:
		return func(y int, room []byte) []byte { return flattenPremultiplied(room, m.Pix[y*m.Stride:][:4*w]) }
	case *image.RGBA64:
		return func(y int, room []byte) []byte { return deepRow(room, m.Pix[y*m.Stride:][:8*w], false) }
	case *image.NRGBA64:
		return func(y int, room []byte) []byte { return deepRow(room, m.Pix[y*m.Stride:][:8*w], true) }
	case *image.NYCbCrA:
		return translucentRows(m, ws)
	case image.RGBA64Image: // the rest of the standard layouts, without boxing
		return func(y int, room []byte) []byte {
			for x := range w {
				putColour(room[4*x:], m.RGBA64At(b.Min.X+x, b.Min.Y+y))
			}
			return room
		}
	}
	return func(y int, room []byte) []byte {
		for x := range w {
			putColour(room[4*x:], color.RGBA64Model.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.RGBA64))
		}
		return room
	}
}

// A pixel word holds a pixel in four lanes of 16 bits: red, blue, green and,
// highest, what is of no interest and may overflow.
const (
	laneBytes = 0x00ff00ff00ff00ff // the lower half of each lane
	eachLane  = 0x0001000100010001 // one in each
)

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

// rgbRow reads opaque pixels of 4 bytes. Luma takes two at a time, in lanes of
// 32 bits.
func rgbRow(grey []uint16, strip []uint64, pix []byte) {
	const two = 1<<32 + 1
	x := 0
	for ; x+2 <= len(grey); x += 2 {
		p, g, s := pix[4*x:4*x+8:4*x+8], grey[x:x+2:x+2], strip[x:x+2:x+2]
		v := binary.LittleEndian.Uint64(p)
		l := (v&(255*two))*redWeight + (v>>8&(255*two))*greenWeight + (v>>16&(255*two))*blueWeight + two<<7
		g[0], g[1] = uint16(l>>8), uint16(l>>40)
		s[0] += pixelWord(uint32(v))
		s[1] += pixelWord(uint32(v >> 32))
	}
	if x < len(grey) {
		p := pix[4*x : 4*x+4]
		grey[x] = luma(p[0], p[1], p[2])
		strip[x] += pixelWord(binary.LittleEndian.Uint32(p))
	}
}

// greyRow reads grey pixels.
func greyRow(grey []uint16, strip []uint64, pix []byte) {
	x := 0
	for ; x+4 <= len(grey); x += 4 {
		v := uint64(binary.LittleEndian.Uint32(pix[x : x+4 : x+4]))
		v = (v | v<<16) & wideLanes
		v = (v | v<<8) & laneBytes
		strip[x/4] += v
		putFour(grey[x:x+4:x+4], v<<lumaBits)
	}
	for ; x < len(grey); x++ {
		grey[x] = uint16(pix[x]) << lumaBits
		strip[x/4] += uint64(pix[x]) << (16 * (x % 4))
	}
}

// deepGreyRow reads grey pixels of 16 bits, big-endian, of which the lower 8 do
// not count.
func deepGreyRow(grey []uint16, strip []uint64, pix []byte) {
	x := 0
	for ; x+4 <= len(grey); x += 4 {
		v := binary.LittleEndian.Uint64(pix[2*x:2*x+8:2*x+8]) & laneBytes
		strip[x/4] += v
		putFour(grey[x:x+4:x+4], v<<lumaBits)
	}
	for ; x < len(grey); x++ {
		grey[x] = uint16(pix[2*x]) << lumaBits
		strip[x/4] += uint64(pix[2*x]) << (16 * (x % 4))
	}
}

// putFour writes four lanes; the compiler makes one store of it.
func putFour(g []uint16, v uint64) {
	g[0], g[1], g[2], g[3] = uint16(v), uint16(v>>16), uint16(v>>32), uint16(v>>48)
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

// flatten lays straight RGBA over white.
func flatten(room, pix []byte) []byte {
	if opaque4(pix) {
		return pix
	}
	for x := 0; x+4 <= len(pix); x += 4 {
		p := binary.LittleEndian.Uint32(pix[x : x+4 : x+4])
		binary.LittleEndian.PutUint32(room[x:x+4:x+4], overWhite(p))
	}
	return room
}

// overWhite lays a straight RGBA pixel over white: (c a + 255 (255-a)) / 255,
// rounded. v/255 is (v + 1 + v/256) / 256 for all v below 65535.
func overWhite(p uint32) uint32 {
	a := uint64(p >> 24)
	v := pixelWord(p)*a + (255*(255-a)+127)*eachLane
	return bytesOf((v + eachLane + v>>8&laneBytes) >> 8 & laneBytes)
}

// flattenPremultiplied lays premultiplied RGBA over white. A hostile pixel may
// have more colour than alpha, so the sum is capped.
func flattenPremultiplied(room, pix []byte) []byte {
	if opaque4(pix) {
		return pix
	}
	for x := 0; x+4 <= len(pix); x += 4 {
		p := binary.LittleEndian.Uint32(pix[x : x+4 : x+4])
		v := pixelWord(p) + uint64(255-p>>24)*eachLane
		v |= (v >> 8 & eachLane) * 255
		binary.LittleEndian.PutUint32(room[x:x+4:x+4], bytesOf(v&laneBytes))
	}
	return room
}

// deepRow lays RGBA of 16 bits a sample, big-endian, over white. Of opaque
// pixels the lower 8 bits do not count.
func deepRow(room, pix []byte, straight bool) []byte {
	for x := 0; 8*x < len(pix); x++ {
		v := binary.LittleEndian.Uint64(pix[8*x : 8*x+8 : 8*x+8])
		q := room[4*x : 4*x+4 : 4*x+4]
		if v>>48 == 0xffff {
			v &= laneBytes
			v = (v | v>>8) & wideLanes
			binary.LittleEndian.PutUint32(q, uint32(v|v>>16))
			continue
		}
		p := pix[8*x : 8*x+8 : 8*x+8]
		c := color.NRGBA64{binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:]), binary.BigEndian.Uint16(p[4:]), binary.BigEndian.Uint16(p[6:])}
		if straight {
			r, g, b, _ := c.RGBA()
			c.R, c.G, c.B = uint16(r), uint16(g), uint16(b)
		}
		putColour(q, color.RGBA64(c))
	}
	return room
}

// putColour writes a premultiplied colour as 8-bit RGB over white and a byte
// more. Alpha is straightened first, as color.NRGBAModel does, and cut to 8
// bits.
func putColour(q []byte, c color.RGBA64) {
	a := uint32(c.A)
	if a == 0 {
		binary.LittleEndian.PutUint32(q, 0xffffffff)
		return
	}
	straight := func(v uint16) uint32 { return min(uint32(v)*0xffff/a, 0xffff) >> 8 }
	binary.LittleEndian.PutUint32(q, overWhite(straight(c.R)|straight(c.G)<<8|straight(c.B)<<16|a>>8<<24))
}

func palettedRows(m *image.Paletted) rows {
	read := lookUp(m.Palette)
	return func(y int, grey []uint16, strip []uint64) { read(grey, strip, m.Pix[y*m.Stride:][:m.Rect.Dx()]) }
}

// lookUp returns a function that looks luma and colours up.
func lookUp(p color.Palette) func(grey []uint16, strip []uint64, pix []byte) {
	const none = 1 << 63 // in the lane of no interest
	var words [256]uint64
	var lumas [256]uint16
	for i := range words {
		words[i] = none
	}
	for i, c := range p[:min(len(p), 256)] {
		var q [4]byte
		putColour(q[:], color.RGBA64Model.Convert(c).(color.RGBA64))
		q[3] = 0
		words[i], lumas[i] = pixelWord(binary.LittleEndian.Uint32(q[:])), luma(q[0], q[1], q[2])
	}
	return func(grey []uint16, strip []uint64, pix []byte) {
		grey, strip = grey[:len(pix)], strip[:len(pix)]
		var all uint64
		for x, i := range pix {
			v := words[i]
			all |= v
			strip[x] += v
			grey[x] = lumas[i]
		}
		if all&none != 0 {
			panic(fmt.Sprintf("a colour beyond a palette of %d", len(p)))
		}
	}
}
