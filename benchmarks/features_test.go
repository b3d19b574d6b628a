package benchmarks

import (
	"bytes"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/hash"
)

// What recipe 2 adds to a fingerprint, decoding left out: a query's Scene and a
// reference's Features. Photo is textured throughout, as noise makes it, which
// is the dear case; the demo's photos are what is usual.

func BenchmarkScene(b *testing.B) {
	benchmarkInfo(b, hash.Read, func(i hash.Info) bool { return i.Scene() != nil })
}

func BenchmarkFeatures(b *testing.B) {
	benchmarkInfo(b, hash.Read, func(i hash.Info) bool { return i.Features() != nil })
}

func benchmarkInfo(b *testing.B, read readFunc, try func(hash.Info) bool) {
	for _, c := range []struct {
		name  string
		files [][]byte
	}{
		{"data=demo", files(b, "references/*/*.jpg")},
		{"data=noisy/side=512", [][]byte{edit.JPEG(photo(b, 512), 90)}},
		{"data=noisy/side=2000", [][]byte{edit.JPEG(photo(b, 2000), 90)}},
	} {
		var infos []hash.Info
		for _, f := range c.files {
			_, info, err := read(b.Context(), bytes.NewReader(f), hash.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			infos = append(infos, info)
		}
		b.Run(c.name, func(b *testing.B) {
			try(infos[0]) // reads the vocabulary
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !try(infos[i%len(infos)]) {
					b.Fatal("nothing was made")
				}
			}
		})
	}
}
