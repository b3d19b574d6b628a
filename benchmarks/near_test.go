package benchmarks

import (
	"fmt"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/seeded"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

func BenchmarkNear(b *testing.B) {
	const radius = 31
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			x := open(b, store(b, n))
			column := codes(n)
			for _, k := range []int{1, 16} {
				name := fmt.Sprintf("radius=%d/codes=%d/loop=", radius, k)
				b.Run(name+"near", func(b *testing.B) { benchmarkNear(b, x, column, radius, k) })
				b.Run(name+"bare", func(b *testing.B) { benchmarkBare(b, column, radius, k) })
			}
		})
	}
}

// query returns the fingerprint and the options that are searched under k
// codes; it lies 10 bits from reference i.
func query(i, k int) (hash.Fingerprint, index.NearOptions) {
	if k == 1 {
		return hash.FromPDQ(seeded.Query(i, 10), 100), index.NearOptions{Upright: true}
	}
	return hash.FromCodes(seeded.Query(i, 10), seeded.Code(-1-i, hash.Trimmed), 100), index.NearOptions{}
}

func benchmarkNear(b *testing.B, x *index.Index, column []hash.Code, radius, k int) {
	f, o := query(len(column)/3, k)
	o.Radius = &radius
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		ms, err := x.Near(b.Context(), f, o)
		if err != nil {
			b.Fatal(err)
		}
		found = len(ms)
	}
	if want := bare(column, variants(f, k), radius); want > 0 {
		b.ReportMetric(float64(found)/float64(want), "recall")
	} else {
		b.Fatal("the bare loop finds nothing")
	}
}

func benchmarkBare(b *testing.B, column []hash.Code, radius, k int) {
	f, _ := query(len(column)/3, k)
	vs := variants(f, k)
	b.ReportAllocs()
	for b.Loop() {
		if bare(column, vs, radius) == 0 {
			b.Fatal("nothing found")
		}
	}
}

// codes are the codes of n references, two each.
func codes(n int) []hash.Code {
	c := make([]hash.Code, 0, 2*n)
	for i := range n {
		c = append(c, seeded.Code(i, hash.Full), seeded.Code(i, hash.Trimmed))
	}
	return c
}

func variants(f hash.Fingerprint, k int) []hash.Code {
	var cs []hash.Code
	for _, v := range f.Variants()[:k] {
		cs = append(cs, v.Code)
	}
	return cs
}

// bare counts the references with a code within the radius of one of the
// query's.
func bare(column, query []hash.Code, radius int) (found int) {
	for i := 0; i < len(column); i += 2 {
		near := false
		for _, q := range query {
			near = near || q.Distance(column[i]) <= radius || q.Distance(column[i+1]) <= radius
		}
		if near {
			found++
		}
	}
	return found
}
