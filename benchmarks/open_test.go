package benchmarks

import (
	"fmt"
	"testing"

	"github.com/touchstone-go/touchstone/index"
)

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			dir := store(b, n)
			b.ReportAllocs()
			for b.Loop() {
				x, err := index.Open(b.Context(), dir, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := x.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
