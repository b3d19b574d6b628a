package hostile

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
)

// gifScreen is the header of a GIF with a palette of two colours.
func gifScreen(w, h int) []byte {
	b := binary.LittleEndian.AppendUint16([]byte("GIF89a"), uint16(w))
	b = binary.LittleEndian.AppendUint16(b, uint16(h))
	return append(b, 0x80, 0, 0, 0, 0, 0, 255, 255, 255)
}

// gifFrame is a frame at (x, y) with packed pixels.
func gifFrame(x, y, w, h int, flags byte, pixels []byte) []byte {
	b := []byte{0x2c}
	for _, v := range []int{x, y, w, h} {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	b = append(b, flags, 2)
	for p := pixels; len(p) > 0; {
		n := min(len(p), 255)
		b = append(append(b, byte(n)), p[:n]...)
		p = p[n:]
	}
	return append(b, 0)
}

// gifPixels packs pixels with codes of two bits.
func gifPixels(p []byte) []byte {
	return encoded(func(b *bytes.Buffer) error {
		w := lzw.NewWriter(b, lzw.LSB, 2)
		if _, err := w.Write(p); err != nil {
			return err
		}
		return w.Close()
	})
}

func gifFiles() []File {
	var fs []File
	add := func(name string, c Class, parts ...[]byte) { fs = append(fs, File{name, c, join(parts...)}) }
	end := []byte{0x3b}
	dot := gifFrame(0, 0, 1, 1, 0, gifPixels([]byte{0}))
	square := gifPixels(bytes.Repeat([]byte{0, 1, 1, 0}, 64*16))
	large := gifPixels(make([]byte, 4000*4000))
	add("claims-65535.gif", BombHeader, gifScreen(65535, 65535), end)
	add("claims-20000-frame.gif", BombHeader, gifScreen(20000, 20000), gifFrame(0, 0, 20000, 20000, 0, nil), end)
	add("4000.gif", Bomb, gifScreen(4000, 4000), gifFrame(0, 0, 4000, 4000, 0, large), end)
	add("4000-interlaced.gif", Bomb, gifScreen(4000, 4000), gifFrame(0, 0, 4000, 4000, 0x40, large), end)
	add("7000-screen-dot.gif", Bomb, gifScreen(7000, 7000), dot, end)
	add("6400-screen-dot.gif", Bomb, gifScreen(6400, 6400), dot, end)
	add("5000-frames.gif", BombFrames, gifScreen(64, 64), gifFrame(0, 0, 64, 64, 0, square), repeat(dot, 5000), end)
	add("30-large-frames.gif", BombFrames, gifScreen(4000, 4000), repeat(gifFrame(0, 0, 4000, 4000, 0, large), 30), end)
	add("frame-outside.gif", Malformed, gifScreen(64, 64), gifFrame(32, 32, 64, 64, 0, square), end)
	add("frame-far-outside.gif", Malformed, gifScreen(64, 64), gifFrame(65000, 65000, 64, 64, 0, square), end)
	add("frame-empty.gif", Odd, gifScreen(64, 64), gifFrame(10, 10, 0, 0, 0, gifPixels(nil)), end)
	add("frame-inside.gif", Odd, gifScreen(128, 128), gifFrame(32, 32, 64, 64, 0, square), end)
	add("screen-zero.gif", Malformed, gifScreen(0, 0), gifFrame(0, 0, 64, 64, 0, square), end)
	add("no-frame.gif", Malformed, gifScreen(64, 64), end)
	add("no-palette.gif", Malformed, []byte("GIF89a\x40\x00\x40\x00\x00\x00\x00"), gifFrame(0, 0, 64, 64, 0, square), end)
	add("index-outside.gif", Palette, gifScreen(64, 64), gifFrame(0, 0, 64, 64, 0, gifPixels(bytes.Repeat([]byte{0, 3, 2, 1}, 64*16))), end)
	add("too-few-pixels.gif", Malformed, gifScreen(64, 64), gifFrame(0, 0, 64, 64, 0, gifPixels(make([]byte, 10))), end)
	add("code-outside.gif", Malformed, gifScreen(64, 64), gifFrame(0, 0, 64, 64, 0, noise(300)), end)
	add("endless-comment.gif", Malformed, gifScreen(64, 64), []byte{0x21, 0xfe}, repeat(append([]byte{255}, make([]byte, 255)...), 200))
	return fs
}
