package hash

import (
	"encoding/binary"
	"image"
)

// The conversion of JFIF (ITU-T T.871) adds to the brightness Y what the chroma
// samples say: 1.402 Cr for red, -0.344 Cb - 0.714 Cr for green, 1.772 Cb for
// blue. Each channel is rounded to nearest and clipped. color.YCbCrToRGB
// rounds bright pixels up and dark ones down, which tilts the grey scale by up
// to half a level.
//
// Y is whole, so what is added can be rounded before: R = Y + r, with r the same
// for all pixels that share a chroma sample, four of most photos. The luma of R,
// G and B is then Y and a sum of r, g and b that they share as well. Both hold
// as long as no channel leaves 0 to 255, which one comparison shows; only then
// is a pixel clipped and weighed by itself.

// shade is what a chroma sample adds to the pixels that share it: to their pixel
// words, and to their luma.
type shade struct {
	word int64
	luma int32
}

// chromaPart is the share of one of the two chroma components in a shade; green is not
// yet rounded, in 1/65536.
type chromaPart struct {
	word        int64
	green, luma int32
}

// shadeOf adds up the parts.
func shadeOf(u, v chromaPart) shade {
	g := (u.green + v.green) >> 16
	return shade{u.word + v.word + int64(g)<<32, (u.luma + v.luma + greenWeight*g) >> 8}
}

// cbParts and crParts are the parts of all values of the components.
var cbParts, crParts = func() (cb, cr [256]chromaPart) {
	for i := range cb {
		c := int32(i) - 128
		blue, red := (116130*c+1<<15)>>16, (91881*c+1<<15)>>16
		cb[i] = chromaPart{int64(blue) << 16, -22554 * c, blueWeight * blue}
		cr[i] = chromaPart{int64(red), -46802*c + 1<<15, redWeight*red + 1<<7}
	}
	return cb, cr
}()

// lanes3 is one in each lane that is a colour.
const lanes3 = 0x0000000100010001

// ycbcrRows finds the chroma sample of each column once, and the shades of a row
// of chroma samples once for all rows of pixels that share it.
func ycbcrRows(m *image.YCbCr, ws *workspace) rows {
	b := m.Rect
	columns := columnsOf(m, ws)
	paired := true
	for x, j := range columns {
		paired = paired && j == x/2
	}
	ws.shades = sized(ws.shades, columns[len(columns)-1]+1)
	shades, at := ws.shades, -1
	return func(y int, grey []uint16, strip []uint64) {
		l := m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:len(columns)]
		if c := m.COffset(b.Min.X, b.Min.Y+y); c != at {
			shadeRow(shades, m.Cb[c:], m.Cr[c:])
			at = c
		}
		if paired {
			pairedRow(grey, strip, l, shades)
			return
		}
		grey, strip = grey[:len(l)], strip[:len(l)]
		for x, j := range columns {
			s := shades[j]
			v := uint64(int64(l[x])*lanes3 + s.word)
			grey[x] = uint16(int32(l[x])<<8 + s.luma)
			if v&^laneBytes != 0 {
				v, grey[x] = clipped(v)
			}
			strip[x] += v
		}
	}
}

// columnsOf finds the chroma sample of each column, counted from that of the first.
func columnsOf(m *image.YCbCr, ws *workspace) []int {
	b := m.Rect
	ws.columns = sized(ws.columns, b.Dx())
	for x := range ws.columns {
		ws.columns[x] = m.COffset(b.Min.X+x, b.Min.Y) - m.COffset(b.Min.X, b.Min.Y)
	}
	return ws.columns
}

func shadeRow(shades []shade, cb, cr []byte) {
	cb, cr = cb[:len(shades)], cr[:len(shades)]
	for i := range shades {
		shades[i] = shadeOf(cbParts[cb[i]], crParts[cr[i]])
	}
}

// pairedRow reads pixels of which each two neighbours share a chroma sample.
func pairedRow(grey []uint16, strip []uint64, l []byte, shades []shade) {
	x := 0
	for ; x+2 <= len(grey); x += 2 {
		h := &shades[x/2]
		p, g, s := l[x:x+2:x+2], grey[x:x+2:x+2], strip[x:x+2:x+2]
		a, b := int64(p[0]), int64(p[1])
		v, w := uint64(a*lanes3+h.word), uint64(b*lanes3+h.word)
		g[0], g[1] = uint16(int32(a)<<lumaBits+h.luma), uint16(int32(b)<<lumaBits+h.luma)
		if (v|w)&^laneBytes != 0 {
			v, g[0] = clipped(v)
			w, g[1] = clipped(w)
		}
		s[0] += v
		s[1] += w
	}
	if x < len(grey) {
		v, g := clipped(uint64(int64(l[x])*lanes3 + shades[x/2].word))
		strip[x] += v
		grey[x] = g
	}
}

// clipped clips the lanes of a pixel word, which are sums between -256 and 767,
// to 0 to 255, and returns its luma too.
func clipped(v uint64) (uint64, uint16) {
	v += 256 * lanes3 // nothing is borrowed any more
	over, inside := v>>9&lanes3, (v>>8|v>>9)&lanes3
	v = (v | over*255) & (inside * 255)
	return v, luma(byte(v), byte(v>>32), byte(v>>16))
}

// translucentRows returns a function that returns row y over white, as pixels of 4
// bytes (see rows4). This layout's colours are those of color.NYCbCrA, not
// rounded but cut, and multiplied with alpha and divided again on the way.
func translucentRows(m *image.NYCbCrA, ws *workspace) func(y int, room []byte) []byte {
	b := m.Rect
	columns := columnsOf(&m.YCbCr, ws)
	return func(y int, room []byte) []byte {
		l := m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:len(columns)]
		alpha := m.A[m.AOffset(b.Min.X, b.Min.Y+y):][:len(columns)]
		c := m.COffset(b.Min.X, b.Min.Y+y)
		cb, cr := m.Cb[c:], m.Cr[c:]
		for x, j := range columns {
			p := translucent(l[x], cb[j], cr[j], alpha[x])
			binary.LittleEndian.PutUint32(room[4*x:4*x+4:4*x+4], p)
		}
		return room
	}
}

func translucent(l, cb, cr, alpha byte) uint32 {
	if alpha == 0 {
		return 0xffffffff
	}
	y, u, v := int32(l)*0x10101, int32(cb)-128, int32(cr)-128
	red, green, blue := clip24(y+91881*v), clip24(y-22554*u-46802*v), clip24(y+116130*u)
	if alpha == 255 {
		return red>>16 | green>>8&0xff00 | blue&0xff0000
	}
	red, green, blue = divided(red, alpha), divided(green, alpha), divided(blue, alpha)
	return overWhite(red>>16 | green>>8&0xff00 | blue&0xff0000 | uint32(alpha)<<24)
}

// clip24 clips to 24 bits; few values need it.
func clip24(v int32) uint32 {
	if uint32(v)>>24 != 0 {
		v = ^(v >> 31) & (1<<24 - 1)
	}
	return uint32(v)
}

// divided multiplies the upper 16 of 24 bits with alpha and divides by it again,
// both times as if full were 255.
func divided(v uint32, alpha byte) uint32 {
	a := uint32(alpha)
	return min(v>>8*a/255*255/a, 0xffff) << 8
}
