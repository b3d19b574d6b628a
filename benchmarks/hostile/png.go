package hostile

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
)

// PNG's pixels are one zlib stream, and deflate packs equal bytes 1,032 to 1.
// The bombs repeat one deflated megabyte of zeros: it refers to nothing before
// itself and ends on a byte, so that gigabytes can be written down in no time.

// pngHeader is the signature and the header chunk.
func pngHeader(w, h uint32, depth, colour, interlace byte) []byte {
	d := binary.BigEndian.AppendUint32(nil, w)
	d = binary.BigEndian.AppendUint32(d, h)
	return append([]byte("\x89PNG\r\n\x1a\n"), PNGChunk("IHDR", append(d, depth, colour, 0, 0, interlace))...)
}

// PNGChunk is length, name, data and checksum.
func PNGChunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// WithPNGChunk puts a chunk into a PNG, after the header or before the end.
func WithPNGChunk(p []byte, name string, data []byte, atEnd bool) []byte {
	at := 8 + 25
	if atEnd {
		at = len(p) - 12
	}
	return join(p[:at], PNGChunk(name, data), p[at:])
}

// zeros is a zlib stream of n zero bytes.
func zeros(n int) []byte {
	out := []byte{0x78, 0x01}
	const mega = 1 << 20
	if n >= mega {
		out = append(out, repeat(deflated(make([]byte, mega), false), n/mega)...)
	}
	out = append(out, deflated(make([]byte, n%mega), true)...)
	// Adler-32 of n zeros: the first sum stays 1, the second counts.
	return binary.BigEndian.AppendUint32(out, uint32(n%65521)<<16|1)
}

// deflated packs b; the stream can be continued unless it is the last part.
func deflated(b []byte, last bool) []byte {
	return encoded(func(out *bytes.Buffer) error {
		w, err := flate.NewWriter(out, flate.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		if last {
			return w.Close()
		}
		return w.Flush()
	})
}

// pngZero is a PNG whose every byte before compression is 0.
func pngZero(w, h, bits int, depth, colour byte, interlaced bool, before ...[]byte) []byte {
	n, i := h*(1+(w*bits+7)/8), byte(0)
	if interlaced {
		n, i = adam7(w, h, bits), 1
	}
	return join(pngHeader(uint32(w), uint32(h), depth, colour, i), join(before...), PNGChunk("IDAT", zeros(n)), PNGChunk("IEND", nil))
}

// adam7 is the length of interlaced pixels (PNG, third edition, section 8.2).
func adam7(w, h, bits int) (n int) {
	for _, p := range [][4]int{{8, 8, 0, 0}, {8, 8, 4, 0}, {4, 8, 0, 4}, {4, 4, 2, 0}, {2, 4, 0, 2}, {2, 2, 1, 0}, {1, 2, 0, 1}} {
		pw, ph := (w-p[2]+p[0]-1)/p[0], (h-p[3]+p[1]-1)/p[1]
		if pw > 0 && ph > 0 {
			n += ph * (1 + (pw*bits+7)/8)
		}
	}
	return n
}

func pngFiles() []File {
	small := encodePNG(Texture(64, 64))
	var fs []File
	add := func(name string, c Class, data []byte) { fs = append(fs, File{name, c, data}) }
	end := PNGChunk("IEND", nil)
	add("claims-60000-rgba16.png", BombHeader, join(pngHeader(60000, 60000, 16, 6, 0), end))
	add("claims-60000-grey.png", BombHeader, join(pngHeader(60000, 60000, 8, 0, 0), end))
	add("claims-2147483647.png", BombHeader, join(pngHeader(1<<31-1, 1<<31-1, 8, 6, 0), end))
	add("negative.png", Malformed, join(pngHeader(1<<31, 1<<31, 8, 6, 0), end))
	add("width-zero.png", Malformed, join(pngHeader(0, 64, 8, 0, 0), end))
	add("depth-3.png", Malformed, join(pngHeader(64, 64, 3, 0, 0), end))
	add("no-pixels.png", Malformed, join(pngHeader(64, 64, 8, 0, 0), end))
	add("chunk-length-lies.png", Malformed, join(pngHeader(64, 64, 8, 0, 0), []byte("\xff\xff\xff\xffIDAT")))
	add("ancillary-length-lies.png", Malformed, join(pngHeader(64, 64, 8, 0, 0), []byte("\x7f\xff\xff\xfftEXt")))
	broken := bytes.Clone(small)
	broken[len(broken)/2] ^= 1
	add("wrong-checksum.png", Malformed, broken)
	add("too-few-pixels.png", Malformed, join(pngHeader(64, 64, 8, 0, 0), PNGChunk("IDAT", zeros(100)), end))
	add("too-many-pixels.png", Malformed, join(pngHeader(64, 64, 8, 0, 0), PNGChunk("IDAT", zeros(50<<20)), end))
	add("10000-text-chunks.png", Odd, join(small[:33], repeat(PNGChunk("tEXt", []byte("a\x00b")), 10000), small[33:]))
	add("one-byte-data-chunks.png", Odd, splitIDAT(small))
	plte := PNGChunk("PLTE", []byte{255, 0, 0, 0, 255, 0})
	out := bytes.Repeat([]byte{0, 7, 0, 255, 9, 7, 0, 1, 2, 7, 0, 255, 9, 7, 0, 1, 2}, 16)
	add("index-outside.png", Palette, join(pngHeader(16, 16, 8, 3, 0), plte, PNGChunk("IDAT", stored(out)), end))
	add("palette-missing.png", Malformed, join(pngHeader(16, 16, 8, 3, 0), PNGChunk("IDAT", stored(out)), end))
	add("1x1.png", Odd, encodePNG(Texture(1, 1)))
	add("1x60000.png", Odd, pngZero(1, 60000, 8, 8, 0, false))
	add("60000x1.png", Odd, pngZero(60000, 1, 8, 8, 0, false))
	add("16x16384.png", Odd, pngZero(16, 16384, 8, 8, 0, false))
	loop := join([]byte("II*\x00"), le32(8), []byte{0xff, 0xff})
	add("exif-count-lies.png", Exif, WithPNGChunk(small, "eXIf", loop, false))
	return fs
}

func pngBombs() []File {
	var fs []File
	add := func(name string, c Class, data []byte) { fs = append(fs, File{name, c, data}) }
	add("grey1-40000.png", Bomb, pngZero(40000, 40000, 1, 1, 0, false))
	add("grey1-7000.png", Bomb, pngZero(7000, 7000, 1, 1, 0, false))
	add("grey1-7000-interlaced.png", Bomb, pngZero(7000, 7000, 1, 1, 0, true))
	add("grey1-7000-transparent.png", Bomb, pngZero(7000, 7000, 1, 1, 0, false, PNGChunk("tRNS", []byte{0, 1})))
	add("grey8-7000.png", Bomb, pngZero(7000, 7000, 8, 8, 0, false))
	add("rgb8-7000.png", Bomb, pngZero(7000, 7000, 24, 8, 2, false))
	add("rgba8-7000.png", Bomb, pngZero(7000, 7000, 32, 8, 6, false))
	add("rgba8-5000-interlaced.png", Bomb, pngZero(5000, 5000, 32, 8, 6, true))
	add("rgb16-5000-transparent.png", Bomb, pngZero(5000, 5000, 48, 16, 2, false, PNGChunk("tRNS", make([]byte, 6))))
	add("rgba16-5000.png", Bomb, pngZero(5000, 5000, 64, 16, 6, false))
	add("rgba16-5600.png", Bomb, pngZero(5600, 5600, 64, 16, 6, false))
	add("palette1-7000.png", Bomb, pngZero(7000, 7000, 1, 1, 3, false, PNGChunk("PLTE", make([]byte, 6))))
	small := encodePNG(Texture(64, 64))
	unpacks := zeros(50 << 20)
	add("text-50mb.png", BombMeta, WithPNGChunk(small, "zTXt", append([]byte("a\x00\x00"), unpacks...), false))
	add("profile-50mb.png", BombMeta, WithPNGChunk(small, "iCCP", append([]byte("a\x00\x00"), unpacks...), false))
	return fs
}

// stored is a zlib stream of b without compression.
func stored(b []byte) []byte {
	out := []byte{0x78, 0x01, 0x01}
	out = binary.LittleEndian.AppendUint16(out, uint16(len(b)))
	out = binary.LittleEndian.AppendUint16(out, ^uint16(len(b)))
	return binary.BigEndian.AppendUint32(append(out, b...), adler32.Checksum(b))
}

// splitIDAT cuts the pixel data of a PNG of ours into chunks of one byte.
func splitIDAT(p []byte) []byte {
	out := bytes.Clone(p[:33])
	for i := 33; i+12 <= len(p); {
		n := int(binary.BigEndian.Uint32(p[i:]))
		if string(p[i+4:i+8]) == "IDAT" {
			for _, c := range p[i+8 : i+8+n] {
				out = append(out, PNGChunk("IDAT", []byte{c})...)
			}
		} else {
			out = append(out, p[i:i+12+n]...)
		}
		i += 12 + n
	}
	return out
}
