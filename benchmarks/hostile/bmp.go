package hostile

import (
	"bytes"
	"encoding/binary"
)

// BMP and TIFF are off by default; their files are here for those who switch
// them on, and to see that switched off means refused.

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// bmpHeader is the file header and the 40-byte information header.
func bmpHeader(w, h int32, depth uint16, colours uint32) []byte {
	b := join([]byte("BM"), le32(0), le32(0), le32(54+4*colours), le32(40), le32(uint32(w)), le32(uint32(h)))
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint16(b, depth)
	return join(b, make([]byte, 16), le32(colours), le32(0))
}

func bmpFiles() []File {
	return []File{
		{"claims-60000.bmp", BombHeader, bmpHeader(60000, 60000, 32, 0)},
		{"claims-maximum.bmp", BombHeader, bmpHeader(1<<31-1, 1<<31-1, 32, 0)},
		{"height-minimum.bmp", BombHeader, bmpHeader(10, -1<<31, 24, 0)},
		{"claims-7000.bmp", BombHeader, bmpHeader(7000, 7000, 32, 0)},
		{"zero.bmp", Malformed, bmpHeader(0, 0, 24, 0)},
		{"index-outside.bmp", Palette, join(bmpHeader(16, 16, 8, 2), make([]byte, 8), bytes.Repeat([]byte{0, 200}, 128))},
		{"valid.bmp", Odd, join(bmpHeader(64, 64, 24, 0), bmpPixels())},
	}
}

func bmpPixels() (b []byte) {
	m := Texture(64, 64)
	for i := 0; i < len(m.Pix); i += 4 {
		b = append(b, m.Pix[i+2], m.Pix[i+1], m.Pix[i])
	}
	return b
}
