package hostile

import (
	"encoding/binary"
	"image"
	"math/bits"
)

// Lossless WebP has prefix codes of a single symbol, which take no bits at
// all: a picture of one colour is 30 bytes whatever its size, and each of four
// transforms passes over all pixels for a few bits. Lossy WebP is no better:
// where its data ends, the decoder goes on with zeros to the last block.

// bitWriter packs bits from the least significant on.
type bitWriter struct {
	out []byte
	n   int
}

// put writes the low n bits of v.
func (w *bitWriter) put(v uint32, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// single is a prefix code of one symbol.
func (w *bitWriter) single(symbol uint32) {
	w.put(0b101, 3) // simple; one symbol; of 8 bits
	w.put(symbol, 8)
}

// flat is a prefix code that gives 256 symbols 8 bits each.
func (w *bitWriter) flat() {
	w.put(0, 1)
	w.put(12-4, 4) // twelve code lengths; in their order the last is that of 8
	for range 11 {
		w.put(0, 3)
	}
	w.put(1, 3)
	w.put(1, 1) // only the first symbols have a length:
	w.put(3, 3) // in 8 bits,
	w.put(254, 8)
}

// losslessHeader begins a lossless frame.
func losslessHeader(width, height int) *bitWriter {
	w := &bitWriter{}
	w.put(0x2f, 8)
	w.put(uint32(width-1), 14)
	w.put(uint32(height-1), 14)
	w.put(0, 4) // no alpha, version 0
	return w
}

// oneColour is a picture whose every pixel is given by codes of one symbol.
func (w *bitWriter) oneColour(top bool, green uint32) {
	w.put(0, 1) // no colour cache
	if top {
		w.put(0, 1) // one group of codes
	}
	for _, symbol := range []uint32{green, 0, 0, 255, 0} {
		w.single(symbol)
	}
}

// WebP encodes a picture as lossless WebP, three bytes a pixel, opaque.
func WebP(m *image.NRGBA) []byte { return riff(webpChunk("VP8L", lossless(m))) }

func lossless(m *image.NRGBA) []byte {
	s := m.Rect.Size()
	w := losslessHeader(s.X, s.Y)
	w.put(0, 3) // no transform, no colour cache, one group
	for range 3 {
		w.flat()
	}
	w.single(255)
	w.single(0)
	for i := 0; i < len(m.Pix); i += 4 {
		for _, c := range []uint8{m.Pix[i+1], m.Pix[i], m.Pix[i+2]} {
			w.put(uint32(bits.Reverse8(c)), 8)
		}
	}
	return w.out
}

// WebPWithExif is WebP in the extended form, with EXIF data.
func WebPWithExif(m *image.NRGBA, exif []byte) []byte {
	s := m.Rect.Size()
	return riff(vp8x(1<<3, s.X, s.Y), webpChunk("VP8L", lossless(m)), webpChunk("EXIF", exif))
}

func riff(chunks ...[]byte) []byte {
	body := join(append([][]byte{[]byte("WEBP")}, chunks...)...)
	return join([]byte("RIFF"), le32(uint32(len(body))), body)
}

func webpChunk(name string, data []byte) []byte {
	b := join([]byte(name), le32(uint32(len(data))), data)
	return append(b, make([]byte, len(data)%2)...)
}

func vp8x(flags byte, w, h int) []byte {
	d := []byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), byte((w - 1) >> 16), byte(h - 1), byte((h - 1) >> 8), byte((h - 1) >> 16)}
	return webpChunk("VP8X", d)
}

// lossy is a key frame that claims its size and has n bytes of data.
func lossy(w, h int, data []byte) []byte {
	first := min(len(data)/2, 1<<19-1)
	tag := uint32(first)<<5 | 1<<4
	b := []byte{byte(tag), byte(tag >> 8), byte(tag >> 16), 0x9d, 0x01, 0x2a, byte(w), byte(w >> 8), byte(h), byte(h >> 8)}
	return append(b, data...)
}

// transforms is a frame of one colour behind all four transforms, with the
// dearest predictor and the smallest tiles.
func transforms(w, h int) []byte {
	b := losslessHeader(w, h)
	for _, kind := range []uint32{0, 1} {
		b.put(1, 1)
		b.put(kind, 2)
		b.put(0, 3)
		b.oneColour(false, 11)
	}
	b.put(1, 1)
	b.put(2, 2)
	b.put(0, 1)
	b.oneColour(true, 3)
	return b.out
}

func plain(w, h int) []byte {
	b := losslessHeader(w, h)
	b.put(0, 1)
	b.oneColour(true, 7)
	return b.out
}

// groups is a frame with n groups of codes, each as large as they come.
func groups(side, n int) []byte {
	b := losslessHeader(side, side)
	b.put(0, 1)
	b.put(1, 1) // a colour cache
	b.put(11, 4)
	b.put(1, 1) // many groups, in tiles of 4 x 4 pixels, numbered by
	b.put(0, 3)
	b.put(0, 1) // a picture of its own: red and green make the number
	b.flat()
	b.flat()
	b.single(0)
	b.single(255)
	b.single(0)
	for i := range (side / 4) * (side / 4) {
		k := min(i, n-1)
		b.put(uint32(bits.Reverse8(byte(k))), 8)
		b.put(uint32(bits.Reverse8(byte(k>>8))), 8)
	}
	for range n {
		b.wide()
		b.flat()
		b.flat()
		b.flat()
		b.single(0)
	}
	return append(b.out, noise(side*side)...)
}

// wide is a prefix code that gives 2,048 symbols 11 bits each.
func (w *bitWriter) wide() {
	w.put(0, 1)
	w.put(15-4, 4)
	for range 14 {
		w.put(0, 3)
	}
	w.put(1, 3)
	w.put(1, 1)
	w.put(5, 3) // in 12 bits
	w.put(2046, 12)
}

func webpFiles() []File {
	var fs []File
	add := func(name string, c Class, data []byte) { fs = append(fs, File{name, c, data}) }
	small := lossless(Texture(64, 64))
	add("lossless-16384.webp", BombHeader, riff(webpChunk("VP8L", plain(16384, 16384))))
	add("lossless-7000.webp", Bomb, riff(webpChunk("VP8L", plain(7000, 7000))))
	add("lossless-4000.webp", Bomb, riff(webpChunk("VP8L", plain(4000, 4000))))
	add("lossless-transforms-4000.webp", Bomb, riff(webpChunk("VP8L", transforms(4000, 4000))))
	add("lossless-transforms-2900.webp", Bomb, riff(webpChunk("VP8L", transforms(2900, 2900))))
	add("lossless-2600-groups.webp", Bomb, riff(webpChunk("VP8L", groups(208, 2600))))
	add("lossy-16383.webp", BombHeader, riff(webpChunk("VP8 ", lossy(16383, 16383, make([]byte, 200)))))
	add("lossy-7000.webp", Bomb, riff(webpChunk("VP8 ", lossy(7000, 7000, make([]byte, 200)))))
	add("lossy-4000-noise.webp", Bomb, riff(webpChunk("VP8 ", lossy(4000, 4000, noise(100_000)))))
	alpha := webpChunk("ALPH", append([]byte{1}, plain(4000, 4000)[5:]...))
	add("packed-alpha-4000.webp", Bomb, riff(vp8x(1<<4, 4000, 4000), alpha, webpChunk("VP8 ", lossy(4000, 4000, make([]byte, 200)))))
	add("canvas-16m.webp", BombHeader, riff(vp8x(0, 1<<24, 1<<24), webpChunk("VP8L", small)))
	add("canvas-lies.webp", Malformed, riff(vp8x(0, 32, 32), webpChunk("VP8L", plain(16384, 16384))))
	add("two-canvases.webp", Malformed, riff(vp8x(0, 64, 64), vp8x(0, 16000, 16000), webpChunk("VP8L", small)))
	add("riff-length-lies.webp", Malformed, join([]byte("RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\x7f"), small))
	add("chunk-length-lies.webp", Malformed, join([]byte("RIFF\x40\x00\x00\x00WEBPEXIF\xff\xff\xff\xff"), small))
	add("no-frame.webp", Malformed, riff(vp8x(0, 64, 64)))
	add("not-a-key-frame.webp", Malformed, riff(webpChunk("VP8 ", []byte{1, 0, 0, 0, 0, 0})))
	add("animated.webp", Unsupported, riff(vp8x(1<<1, 64, 64), webpChunk("ANIM", make([]byte, 6)), webpChunk("ANMF", join(make([]byte, 16), webpChunk("VP8L", small)))))
	add("exif-lies.webp", Exif, WebPWithExif(Texture(64, 64), tiffHeader(binary.LittleEndian, 0xffffffff)))
	return fs
}
