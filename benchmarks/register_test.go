package benchmarks

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/seeded"
	"github.com/touchstone-go/touchstone/index"
)

func BenchmarkRegister(b *testing.B) {
	pictures := files(b, "references/*/*.jpg")
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			x := open(b, b.TempDir())
			if _, err := x.CreateBank(b.Context(), index.Bank{Name: "photos", Kind: index.Fake}); err != nil {
				b.Fatal(err)
			}
			var next atomic.Uint64
			var waiting sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range writers {
				waiting.Go(func() {
					for i := next.Add(1); i <= uint64(b.N); i = next.Add(1) {
						ref := index.Reference{Bank: "photos", ID: fmt.Sprintf("%09d.jpg", i)}
						// A tail behind the picture makes it another file.
						file := binary.BigEndian.AppendUint64(bytes.Clone(pictures[i%uint64(len(pictures))]), i)
						if _, err := x.Register(b.Context(), ref, bytes.NewReader(file), index.RegisterOptions{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			waiting.Wait()
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	const size = 1000
	b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
		x := open(b, b.TempDir())
		if _, err := x.CreateBank(b.Context(), index.Bank{Name: seeded.Bank, Kind: index.Fake}); err != nil {
			b.Fatal(err)
		}
		refs := make([]index.Reference, size)
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			for i := range refs {
				refs[i] = seeded.Reference(n)
				n++
			}
			b.StartTimer()
			if _, err := x.Add(b.Context(), refs...); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "refs/s")
	})
}
