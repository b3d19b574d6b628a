package hostile

import (
	"encoding/binary"
	"fmt"
)

// JPEGs are written here with two Huffman tables of one code of one bit each,
// so that entropy coded data is zero bytes: a block costs one bit of DC and,
// in a baseline picture, one bit of "end of block"; in a progressive AC scan 15
// bits end 16,384 blocks. That is the densest attack the format allows.

// jpegFile is a JPEG under construction.
type jpegFile struct {
	w, h, components int
	sampling         byte // of the first component; the others have 1 x 1
	progressive      bool
	scans            int // AC scans after the first
	adobe            int // transform of an Adobe segment; none if negative
}

func progressive(w, h, components, scans int) jpegFile {
	return jpegFile{w: w, h: h, components: components, sampling: 0x11, progressive: true, scans: scans, adobe: -1}
}

func baseline(w, h, components int) jpegFile {
	return jpegFile{w: w, h: h, components: components, sampling: 0x11, adobe: -1}
}

// header is everything before the first scan.
func (f jpegFile) header() []byte {
	b := []byte{0xff, 0xd8}
	if f.adobe < 0 {
		b = append(b, segment(0xe0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"))...)
	} else {
		b = append(b, segment(0xee, append([]byte("Adobe\x00\x64\x00\x00\x00\x00"), byte(f.adobe)))...)
	}
	quant := make([]byte, 65)
	for i := range quant[1:] {
		quant[1+i] = 16
	}
	b = append(b, segment(0xdb, quant)...)
	frame := []byte{8, byte(f.h >> 8), byte(f.h), byte(f.w >> 8), byte(f.w), byte(f.components)}
	for c := range f.components {
		s := byte(0x11)
		if c == 0 || c == 3 {
			s = f.sampling
		}
		frame = append(frame, byte(c+1), s, 0)
	}
	marker := byte(0xc0)
	if f.progressive {
		marker = 0xc2
	}
	b = append(b, segment(marker, frame)...)
	b = append(b, segment(0xc4, oneCode(0x00, 0))...)
	ac := byte(0) // end of block
	if f.progressive {
		ac = 0xe0 // end of 16,384 blocks and up to 16,383 more
	}
	return append(b, segment(0xc4, oneCode(0x10, ac))...)
}

func (f jpegFile) bytes() []byte {
	b := f.header()
	all, se := []byte{byte(f.components)}, byte(63)
	for c := range f.components {
		all = append(all, byte(c+1), 0)
	}
	if f.progressive {
		se = 0
	}
	bits := f.blocks()
	if !f.progressive {
		bits *= 2
	}
	b = append(b, segment(0xda, append(all, 0, se, 0))...)
	b = append(b, make([]byte, bits/8+1)...)
	first := f.perComponent(0)
	for range f.scans {
		b = append(b, segment(0xda, []byte{1, 1, 0, 1, 63, 0})...)
		b = append(b, make([]byte, (first/16384+1)*15/8+1)...)
	}
	return append(b, 0xff, 0xd9)
}

func (f jpegFile) blocks() (n int) {
	for c := range f.components {
		n += f.perComponent(c)
	}
	return n
}

func (f jpegFile) perComponent(c int) int {
	h, v := int(f.sampling>>4), int(f.sampling&15)
	if f.components == 1 {
		h, v = 1, 1
	}
	n := ((f.w + 8*h - 1) / (8 * h)) * ((f.h + 8*v - 1) / (8 * v))
	if c == 0 || c == 3 {
		n *= h * v
	}
	return n
}

// segment is a marker with a length and data.
func segment(marker byte, data []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(data)+2))
	return append(b, data...)
}

// oneCode is a Huffman table with a single code, the bit 0.
func oneCode(class, value byte) []byte {
	t := make([]byte, 18)
	t[0], t[1], t[17] = class, 1, value
	return t
}

func jpegFiles() []File {
	var fs []File
	add := func(name string, c Class, data []byte) { fs = append(fs, File{name, c, data}) }
	for _, side := range []int{20000, 65535} {
		add(fmt.Sprintf("claims-%d-baseline.jpg", side), BombHeader, baseline(side, side, 3).header())
		add(fmt.Sprintf("claims-%d-progressive.jpg", side), BombHeader, progressive(side, side, 3, 0).header())
	}
	sos := segment(0xda, []byte{1, 1, 0, 0, 0, 0})
	add("claims-65535-first-scan.jpg", BombHeader, join(progressive(65535, 65535, 1, 0).header(), sos, make([]byte, 64)))
	add("grey-7000-zero.jpg", Bomb, baseline(7000, 7000, 1).bytes())
	add("colour-7000-zero.jpg", Bomb, baseline(7000, 7000, 3).bytes())
	cmyk := baseline(4000, 4000, 4)
	cmyk.adobe = 0
	add("cmyk-4000-zero.jpg", Bomb, cmyk.bytes())
	ycck := baseline(5000, 5000, 4)
	ycck.adobe = 2
	add("ycck-5000-zero.jpg", Bomb, ycck.bytes())
	rgb := baseline(5000, 5000, 3)
	rgb.adobe = 0
	add("rgb-5000-zero.jpg", Bomb, rgb.bytes())
	add("cmyk-unmarked.jpg", Odd, baseline(64, 64, 4).bytes())

	small := Control()
	add("height-zero.jpg", Malformed, baseline(64, 0, 1).bytes())
	add("width-zero.jpg", Malformed, baseline(0, 64, 1).bytes())
	add("8000-tables.jpg", Malformed, join([]byte{0xff, 0xd8}, repeat(segment(0xc4, oneCode(0, 0)), 8000), small[2:]))
	add("fill-bytes.jpg", Odd, join([]byte{0xff, 0xd8}, repeat([]byte{0xff}, 100_000), small[2:]))
	add("stray-bytes.jpg", Odd, join([]byte{0xff, 0xd8}, segment(0xfe, nil), make([]byte, 100_000), small[2:]))
	add("two-frames.jpg", Malformed, join(baseline(64, 64, 1).header(), segment(0xc0, []byte{8, 255, 255, 255, 255, 1, 1, 0x11, 0}), sos))
	add("short-segment.jpg", Malformed, []byte{0xff, 0xd8, 0xff, 0xe0, 0, 1, 0, 0})
	add("only-start.jpg", Malformed, []byte{0xff, 0xd8, 0xff, 0xd9})
	add("scan-before-frame.jpg", Malformed, join([]byte{0xff, 0xd8}, sos, make([]byte, 64)))
	for _, m := range []struct {
		name   string
		marker byte
	}{{"lossless", 0xc3}, {"arithmetic", 0xc9}, {"jpeg-ls", 0xf7}} {
		b := baseline(64, 64, 1).bytes()
		add(m.name+".jpg", Unsupported, replaceMarker(b, 0xc0, m.marker))
	}
	twelve := baseline(64, 64, 1).bytes()
	twelve[indexMarker(twelve, 0xc0)+4] = 12
	add("12-bit.jpg", Unsupported, twelve)
	ratio := baseline(64, 64, 3)
	ratio.sampling = 0x31
	add("sampling-3.jpg", Unsupported, ratio.bytes())
	return fs
}

func jpegScanBombs() []File {
	var fs []File
	for _, v := range []struct{ side, components, scans int }{
		{7000, 1, 500}, {7000, 1, 5000}, {7000, 3, 0}, {7000, 3, 40}, {4000, 3, 62}, {4000, 1, 63}, {2000, 3, 63}, {1000, 3, 63}, {1000, 3, 64}, {256, 3, 5000},
	} {
		f := progressive(v.side, v.side, v.components, v.scans)
		fs = append(fs, File{fmt.Sprintf("progressive-%d-x%d-%d-scans.jpg", v.side, v.components, v.scans+1), BombScans, f.bytes()})
	}
	grey := progressive(6900, 7000, 1, 0)
	fs = append(fs, File{"progressive-grey-48mp.jpg", BombScans, grey.bytes()})
	half := progressive(5000, 6000, 3, 10)
	half.sampling = 0x22
	return append(fs, File{"progressive-half-colour-30mp.jpg", BombScans, half.bytes()})
}

func indexMarker(b []byte, marker byte) int {
	for i := 2; i+4 < len(b); i += 2 + int(binary.BigEndian.Uint16(b[i+2:])) {
		if b[i+1] == marker {
			return i
		}
	}
	panic("hostile: no such marker")
}

func replaceMarker(b []byte, from, to byte) []byte {
	b[indexMarker(b, from)+1] = to
	return b
}

func repeat(b []byte, n int) []byte {
	out := make([]byte, 0, n*len(b))
	for range n {
		out = append(out, b...)
	}
	return out
}
