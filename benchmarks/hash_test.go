package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/corona10/goimagehash"
	webpenc "github.com/gen2brain/webp"
	"golang.org/x/image/webp"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/hash"
)

func BenchmarkHash(b *testing.B) {
	formats := []struct {
		name   string
		encode func(image.Image) []byte
	}{
		{"jpeg", func(img image.Image) []byte { return edit.JPEG(img, 85) }},
		{"png", edit.PNG},
		{"gif", edit.GIF},
	}
	for _, f := range formats {
		for _, side := range []int{500, 1000, 2000} {
			file := f.encode(photo(b, side))
			name := fmt.Sprintf("format=%s/side=%d/path=", f.name, side)
			b.Run(name+"read", func(b *testing.B) { benchmarkRead(b, file, hash.Read) })
			b.Run(name+"query", func(b *testing.B) { benchmarkQuery(b, file) })
			if f.name == "jpeg" {
				b.Run(name+"rival", func(b *testing.B) { benchmarkRival(b, file) })
			}
		}
	}
}

type readFunc = func(context.Context, io.Reader, hash.Limits) (hash.Fingerprint, hash.Info, error)

func benchmarkRead(b *testing.B, file []byte, read readFunc) {
	b.ReportAllocs()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, _, err := read(b.Context(), bytes.NewReader(file), hash.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkQuery keeps its Hasher, as those who ask often do.
func benchmarkQuery(b *testing.B, file []byte) {
	var h hash.Hasher
	b.ReportAllocs()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, _, err := h.Query(b.Context(), file, hash.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkRival(b *testing.B, file []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		img, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := goimagehash.PerceptionHash(img); err != nil {
			b.Fatal(err)
		}
	}
}

// layout is a format and the way in which its decoder hands over pixels.
type layout struct {
	name   string
	encode func(*image.NRGBA) []byte
	decode func(io.Reader) (image.Image, error)
}

var layouts = []layout{
	{"png-rgb", func(m *image.NRGBA) []byte { return edit.PNG(m) }, png.Decode},
	{"png-rgba", func(m *image.NRGBA) []byte { return edit.PNG(translucent(m)) }, png.Decode},
	{"png-grey", func(m *image.NRGBA) []byte { return edit.PNG(drawn(m, image.NewGray(m.Rect))) }, png.Decode},
	{"png-palette", func(m *image.NRGBA) []byte { return edit.PNG(paletted(m)) }, png.Decode},
	{"png-rgb16", func(m *image.NRGBA) []byte { return edit.PNG(drawn(m, image.NewRGBA64(m.Rect))) }, png.Decode},
	{"png-rgba16", func(m *image.NRGBA) []byte { return edit.PNG(drawn(translucent(m), image.NewNRGBA64(m.Rect))) }, png.Decode},
	{"png-grey16", func(m *image.NRGBA) []byte { return edit.PNG(drawn(m, image.NewGray16(m.Rect))) }, png.Decode},
	{"webp-lossy", func(m *image.NRGBA) []byte { return webpFile(m, webpenc.Options{Quality: 80}) }, webp.Decode},
	{"webp-lossy-alpha", func(m *image.NRGBA) []byte { return webpFile(translucent(m), webpenc.Options{Quality: 80}) }, webp.Decode},
	{"webp-lossless", func(m *image.NRGBA) []byte { return webpFile(m, webpenc.Options{Lossless: true}) }, webp.Decode},
	{"gif", func(m *image.NRGBA) []byte { return edit.GIF(m) }, gif.Decode},
	{"jpeg-420", func(m *image.NRGBA) []byte { return edit.JPEG(m, 85) }, jpeg.Decode},
	{"jpeg-grey", func(m *image.NRGBA) []byte { return edit.JPEG(drawn(m, image.NewGray(m.Rect)), 85) }, jpeg.Decode},
}

// BenchmarkFormats sets the exact way beside the standard decoder alone, in turn,
// and reports the ratio of the medians: what hashing adds to decoding.
func BenchmarkFormats(b *testing.B) {
	for _, side := range []int{500, 1000, 2000} {
		picture := photo(b, side)
		for _, f := range layouts {
			b.Run(fmt.Sprintf("format=%s/side=%d", f.name, side), func(b *testing.B) {
				benchmarkBeside(b, f.encode(picture), f.decode)
			})
		}
	}
}

func benchmarkBeside(b *testing.B, file []byte, decode func(io.Reader) (image.Image, error)) {
	var alone, read []time.Duration
	clock := func(times *[]time.Duration, work func() error) {
		start := time.Now()
		if err := work(); err != nil {
			b.Fatal(err)
		}
		*times = append(*times, time.Since(start))
	}
	for b.Loop() {
		clock(&alone, func() error {
			_, err := decode(bytes.NewReader(file))
			return err
		})
		clock(&read, func() error {
			_, _, err := hash.Read(b.Context(), bytes.NewBuffer(file), hash.Limits{})
			return err
		})
	}
	decoder, hashed := median(alone), median(read)
	b.ReportMetric(0, "ns/op") // of both together: of no use
	b.ReportMetric(decoder.Seconds()*1e3, "decoder-ms")
	b.ReportMetric(hashed.Seconds()*1e3, "read-ms")
	b.ReportMetric(hashed.Seconds()/decoder.Seconds(), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func drawn[M draw.Image](m image.Image, dst M) M {
	draw.Draw(dst, dst.Bounds(), m, m.Bounds().Min, draw.Src)
	return dst
}

// translucent fades a picture out to the right.
func translucent(m *image.NRGBA) *image.NRGBA {
	t := image.NewNRGBA(m.Rect)
	copy(t.Pix, m.Pix)
	for i := 3; i < len(t.Pix); i += 4 {
		t.Pix[i] = uint8(min(255, 64+1000*(i%t.Stride)/t.Stride))
	}
	return t
}

// paletted is what a GIF of the picture shows.
func paletted(m image.Image) image.Image {
	p, err := gif.Decode(bytes.NewReader(edit.GIF(m)))
	if err != nil {
		panic(err) // of bytes just written
	}
	return p
}

func webpFile(m image.Image, o webpenc.Options) []byte {
	var w bytes.Buffer
	if err := webpenc.Encode(&w, m, o); err != nil {
		panic(err) // of a picture that fits and a buffer that takes everything
	}
	return w.Bytes()
}
