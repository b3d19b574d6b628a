package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"testing"

	"github.com/corona10/goimagehash"

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
			b.Run(name+"query", func(b *testing.B) { benchmarkRead(b, file, hash.ReadQuery) })
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
