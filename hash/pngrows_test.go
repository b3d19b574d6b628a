package hash

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math/rand/v2"
	"testing"
)

func TestPaeth(t *testing.T) {
	abs := func(v int) int { return max(v, -v) }
	for a := range 256 {
		for b := range 256 {
			for c := range 256 {
				pa, pb, pc := abs(b-c), abs(a-c), abs(a+b-2*c)
				want := c
				if pa <= pb && pa <= pc {
					want = a
				} else if pb <= pc {
					want = b
				}
				if got := paeth(a, b, c); got != want {
					t.Fatalf("%d %d %d: %d, want %d", a, b, c, got, want)
				}
			}
		}
	}
}

// pngPart writes a chunk.
func pngPart(w *bytes.Buffer, name string, data []byte) {
	at := w.Len() + 4
	w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
	w.WriteString(name)
	w.Write(data)
	w.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(w.Bytes()[at:])))
}

// randomPNG is a PNG of noise, or of nearly one level, whose rows have filters of
// all types and whose data are cut into chunks of any length. Filters are undone
// by the reader; what picture comes of it does not matter.
func randomPNG(random *rand.Rand, w, h int, depth, colour byte) []byte {
	samples := map[byte]int{pngGrey: 1, pngRGB: 3, pngPalette: 1, pngGreyAlpha: 2, pngRGBA: 4}[colour]
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	row := make([]byte, 1+w*samples*int(depth)/8)
	levels := []int{1, 3, 256}[random.IntN(3)]
	for range h {
		fill(row, random)
		for i := range row {
			row[i] = byte(int(row[i]) % levels)
		}
		row[0] = byte(random.IntN(5))
		if colour == pngPalette {
			row[0] = 0 // so that there is a colour for every index
		}
		_, _ = zw.Write(row)
	}
	_ = zw.Close()
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	pngPart(&b, "IHDR", append(head, depth, colour, 0, 0, 0))
	if random.IntN(2) == 0 {
		pngPart(&b, "tEXt", []byte("of no interest"))
	}
	if colour == pngPalette {
		palette := make([]byte, 3*(levels+random.IntN(257-levels)))
		fill(palette, random)
		pngPart(&b, "PLTE", palette)
		if random.IntN(2) == 0 {
			alpha := make([]byte, 1+random.IntN(len(palette)/3))
			fill(alpha, random)
			pngPart(&b, "tRNS", alpha)
		}
	}
	for data := z.Bytes(); len(data) > 0; {
		n := 1 + random.IntN(len(data))
		pngPart(&b, "IDAT", data[:n])
		data = data[n:]
	}
	pngPart(&b, "IEND", nil)
	return b.Bytes()
}

func noCheck() error { return nil }

// PNGs of all common layouts, row by row and by image/png.
func TestPNGRows(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	ws := new(workspace)
	for _, l := range [][2]byte{{8, pngGrey}, {16, pngGrey}, {8, pngRGB}, {16, pngRGB}, {8, pngPalette}, {8, pngGreyAlpha}, {8, pngRGBA}, {16, pngRGBA}} {
		for range 12 {
			w, h := 16+random.IntN(300), 16+random.IntN(300)
			what := fmt.Sprintf("%d bits, colour type %d, %d x %d", l[0], l[1], w, h)
			b := randomPNG(random, w, h, l[0], l[1])
			m, err := png.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			got, err := ws.readPNG(b, noCheck)
			if got == nil || err != nil {
				t.Fatalf("%s: not read, %v", what, err)
			}
			twins(t, what, got, m)
		}
	}
}

// What is read of a damaged file, image/png reads as well, and alike.
func TestPNGRowsOfDamagedFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 5))
	ws := new(workspace)
	read, refused := 0, 0
	for i := range 3000 {
		l := [][2]byte{{8, pngGrey}, {8, pngRGB}, {8, pngPalette}, {16, pngRGBA}}[i%4]
		b := randomPNG(random, 16+random.IntN(20), 16+random.IntN(20), l[0], l[1])
		for range 1 + random.IntN(2) {
			b[24+random.IntN(len(b)-24)] ^= 1 << random.IntN(8) // sides are as they are
		}
		if random.IntN(8) == 0 {
			b = b[:random.IntN(len(b))]
		}
		mendChecksums(b)
		m, err := png.Decode(bytes.NewReader(b))
		got, failed := ws.readPNG(b, noCheck)
		switch {
		case failed != nil:
			t.Fatalf("file %d: %v", i, failed)
		case got == nil:
			refused++
		case err != nil:
			t.Fatalf("file %d is read, image/png says %v", i, err)
		default:
			read++
			twins(t, fmt.Sprintf("file %d", i), got, m)
		}
	}
	if read < 100 || refused < 100 {
		t.Errorf("%d read, %d refused: not much of a test", read, refused)
	}
}

// mendChecksums makes the checksums of chunks right, as far as lengths lead.
func mendChecksums(b []byte) {
	for i := 8; i+12 <= len(b); {
		n := int(binary.BigEndian.Uint32(b[i:]))
		if n < 0 || i+12+n > len(b) {
			return
		}
		binary.BigEndian.PutUint32(b[i+8+n:], crc32.ChecksumIEEE(b[i+4:i+8+n]))
		i += 12 + n
	}
}

// Uncommon files are left to image/png.
func TestPNGRowsLeave(t *testing.T) {
	var deep bytes.Buffer
	if err := png.Encode(&deep, image.NewNRGBA64(image.Rect(0, 0, 20, 20))); err != nil {
		t.Fatal(err)
	}
	sound := randomPNG(rand.New(rand.NewPCG(4, 6)), 20, 20, 8, pngRGB)
	data := bytes.Index(sound, []byte("IDAT")) - 4
	with := func(name, content string) []byte {
		var w bytes.Buffer
		w.Write(sound[:data])
		pngPart(&w, name, []byte(content))
		w.Write(sound[data:])
		return w.Bytes()
	}
	interlaced := bytes.Clone(sound)
	interlaced[28] = 1
	mendChecksums(interlaced)
	for name, b := range map[string][]byte{
		"nothing":               nil,
		"torn":                  sound[:len(sound)-13],
		"interlaced":            interlaced,
		"a transparent colour":  with("tRNS", "\x00\x01\x00\x02\x00\x03"),
		"a palette of no use":   with("PLTE", "abc"),
		"two heads":             with("IHDR", string(sound[16:29])),
		"a stray empty IDAT":    with("IDAT", ""),
		"data behind the end":   with("IDAT", "x"),
		"a second end of chunk": with("IEND", "x"),
	} {
		c, err := new(workspace).readPNG(b, noCheck)
		if name == "a stray empty IDAT" { // which is nothing
			if c == nil {
				t.Errorf("%s: not read, %v", name, err)
			}
			continue
		}
		if c != nil || err != nil {
			t.Errorf("%s: read, %v", name, err)
		}
	}
}

// The time limit ends it.
func TestPNGRowsAreEnded(t *testing.T) {
	late := errors.New("late")
	b := randomPNG(rand.New(rand.NewPCG(4, 7)), 300, 300, 8, pngRGB)
	for n := range 5 {
		left := n
		c, err := new(workspace).readPNG(b, func() error {
			if left--; left < 0 {
				return late
			}
			return nil
		})
		if c != nil || !errors.Is(err, late) {
			t.Errorf("after %d questions: %v", n, err)
		}
	}
}
