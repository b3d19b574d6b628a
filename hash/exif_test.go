package hash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
)

func encodeJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodePNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every format that carries EXIF, each of the eight orientations, both byte
// orders.
func TestOrientationOfEveryFormat(t *testing.T) {
	m := hostile.Texture(48, 32)
	odd := hostile.Texture(47, 33) // its pixels take an odd number of bytes
	jpg, pg := encodeJPEG(t, m), encodePNG(t, m)
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for o := byte(1); o <= 8; o++ {
			exif := hostile.ExifOrientation(o, order)
			prefixed := append([]byte("Exif\x00\x00"), exif...)
			for name, b := range map[string][]byte{
				"jpeg":                              hostile.WithExif(jpg, exif),
				"png, before the data":              hostile.WithPNGChunk(pg, "eXIf", exif, false),
				"png, after the data":               hostile.WithPNGChunk(pg, "eXIf", exif, true),
				"webp":                              hostile.WebPWithExif(m, exif),
				"webp, with a byte of padding":      hostile.WebPWithExif(odd, exif),
				"webp, with the identifier of JPEG": hostile.WebPWithExif(m, prefixed),
			} {
				h, err := inspect(b, DefaultLimits())
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if h.orientation != int(o) || h.width < 47 || h.height < 32 || h.width > 48 || h.height > 33 {
					t.Errorf("%s, %v: orientation %d of %d x %d, want %d of 48 x 32 or 47 x 33", name, order, h.orientation, h.width, h.height, o)
				}
			}
		}
	}
}

func TestOrientationIsUprightWhenTheNoteMakesNoSense(t *testing.T) {
	for _, f := range hostileFiles() {
		if f.Class != hostile.Exif {
			continue
		}
		h, err := inspect(f.Data, DefaultLimits())
		if err != nil || h.orientation != 1 {
			want := 1
			if f.Name == "exif-count-lies.jpg" { // the entry itself is there
				want = 6
			}
			if err != nil || h.orientation != want {
				t.Errorf("%s: orientation %d, %v", f.Name, h.orientation, err)
			}
		}
	}
}

func TestOrientationTakesTheFirstBlockBeforeTheFirstScan(t *testing.T) {
	jpg := encodeJPEG(t, hostile.Texture(32, 32))
	six := hostile.ExifOrientation(6, binary.BigEndian)
	eight := hostile.ExifOrientation(8, binary.BigEndian)
	late := append(bytes.Clone(jpg[:len(jpg)-2]), hostile.WithExif(jpg, six)[2:48]...)
	for _, c := range []struct {
		name string
		data []byte
		want int
	}{
		{"two blocks", hostile.WithExif(hostile.WithExif(jpg, eight), six), 6},
		{"none", jpg, 1},
		{"after the scan", late, 1},
		{"flag of the WebP not set", bytes.Replace(hostile.WebPWithExif(hostile.Texture(32, 32), six), []byte("VP8X\x0a\x00\x00\x00\x08"), []byte("VP8X\x0a\x00\x00\x00\x00"), 1), 1},
	} {
		h, err := inspect(c.data, DefaultLimits())
		if err != nil || h.orientation != c.want {
			t.Errorf("%s: orientation %d, want %d (%v)", c.name, h.orientation, c.want, err)
		}
	}
}

func TestOrientationReadsLongValues(t *testing.T) {
	for _, c := range []struct {
		kind  uint16
		count uint32
		value uint32
		want  int
	}{{4, 1, 3, 3}, {4, 1, 70000, 1}, {3, 0, 3, 1}, {1, 1, 3, 3}, {3, 2, 3, 3}, {2, 1, 3, 1}, {3, 3, 3, 1}, {4, 2, 3, 1}} {
		le := binary.LittleEndian
		b := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01")
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(b, c.kind), c.count), c.value)
		if got := orientation(b); got != c.want {
			t.Errorf("type %d, count %d, value %d: %d, want %d", c.kind, c.count, c.value, got, c.want)
		}
	}
}

func ExampleLimits() {
	l := DefaultLimits()
	fmt.Println(l.MaxBytes>>20, l.MaxPixels, l.MinSide, l.MaxSide, l.MaxScans, l.MaxMemory>>20, l.Timeout)
	// Output: 20 50000000 16 16384 64 256 2s
}
