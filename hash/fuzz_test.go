package hash

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
)

// fuzzLimits are small enough for many pictures a second.
func fuzzLimits() Limits {
	return Limits{
		MaxBytes: 64 << 10, MaxPixels: 1 << 16, MaxMemory: 16 << 20, Timeout: time.Second,
		Formats: Formats{BMP: true, TIFF: true},
	}.WithDefaults()
}

// FuzzDecode: whatever the bytes are, a picture within the limits or an
// UnusableError.
func FuzzDecode(f *testing.F) {
	m := hostile.Texture(16, 17)
	exif := hostile.ExifOrientation(6, binary.BigEndian)
	f.Add(hostile.WithExif(encodeJPEG(f, m), exif))
	f.Add(hostile.WithPNGChunk(encodePNG(f, m), "eXIf", exif, false))
	f.Add(encodeGIF(f, m))
	f.Add(hostile.WebPWithExif(m, exif))
	for _, h := range hostileFiles() {
		if len(h.Data) <= 300 {
			f.Add(h.Data)
		}
	}
	l := fuzzLimits()
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := inspect(b, l)
		if h.orientation < 1 || h.orientation > 8 {
			t.Fatalf("orientation %d", h.orientation)
		}
		if err != nil {
			if _, ok := IsUnusable(err); !ok {
				t.Fatalf("inspect: %v", err)
			}
			return
		}
		img, err := decode(context.Background(), b, h, time.Now().Add(l.Timeout))
		if err != nil {
			if _, ok := IsUnusable(err); !ok {
				t.Fatalf("decode: %v", err)
			}
			return
		}
		if s := img.Bounds().Size(); s.X != h.width || s.Y != h.height || int64(s.X)*int64(s.Y) > l.MaxPixels {
			t.Fatalf("header %d x %d, picture %v", h.width, h.height, s)
		}
	})
}

// FuzzOrientation: any EXIF data gives 1 to 8, and gives the same inside each
// of the formats.
func FuzzOrientation(f *testing.F) {
	for o := byte(0); o <= 9; o++ {
		f.Add(hostile.ExifOrientation(o, binary.LittleEndian))
		f.Add(hostile.ExifOrientation(o, binary.BigEndian))
	}
	m := hostile.Texture(16, 16)
	jpg, pg := encodeJPEG(f, m), encodePNG(f, m)
	f.Fuzz(func(t *testing.T, exif []byte) {
		o := orientation(exif)
		if o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		if len(exif) > 60000 || len(exif) == 0 || has(exif, 0, "Exif\x00\x00") {
			return
		}
		for _, b := range [][]byte{hostile.WithExif(jpg, exif), hostile.WithPNGChunk(pg, "eXIf", exif, true), hostile.WebPWithExif(m, exif)} {
			if h, err := inspect(b, DefaultLimits()); err != nil || h.orientation != o {
				t.Fatalf("%s: orientation %d, %v, want %d", h.format, h.orientation, err, o)
			}
		}
	})
}
