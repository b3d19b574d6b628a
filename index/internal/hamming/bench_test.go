package hamming

import (
	"fmt"
	"math/bits"
	"testing"
)

// The benchmarks report the time per code (half, word or id); those of eight
// queries for all eight together. Bare is what they are compared with, the
// simplest loop over whole codes for one query.
//
// Data: random codes with limits of 31 bits (10 for words), so that nothing is
// near; and copies of the first query, where everything is. n=16384 codes lie in
// the second level cache, n=1000000 in the third or in memory.

const limit = 31

// results keeps the buffers of a benchmark from one round to the next.
type results struct {
	found []uint32
	pairs []Pair
}

func benchmark(b *testing.B, run func(l Level, c *codes256, r *results)) {
	for _, l := range levels() {
		for _, n := range []int{BlockSize, 1000000} {
			for _, k := range []kind{random, copies} {
				if k.name == copies.name && n > BlockSize {
					continue
				}
				c := benchCodes(k, n)
				b.Run(fmt.Sprintf("level=%v/n=%d/data=%s", l, n, k.name), func(b *testing.B) {
					var r results
					for b.Loop() {
						run(l, c, &r)
					}
					perCode(b, n)
				})
			}
		}
	}
}

func benchCodes(k kind, n int) *codes256 {
	c := makeCodes(k, n, 5)
	for j := range c.limits {
		c.limits[j] = limit
	}
	return c
}

func perCode(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/code")
	b.ReportMetric(0, "ns/op")
}

func firsts(q *[Lanes]Row) (h [Lanes]Half) {
	for j := range h {
		h[j] = Half(q[j][:2])
	}
	return h
}

func BenchmarkBare(b *testing.B) {
	for _, n := range []int{BlockSize, 1000000} {
		c := benchCodes(random, n)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			var found []uint32
			q := c.q[0]
			for b.Loop() {
				found = found[:0]
				for i := range c.rows {
					r := &c.rows[i]
					d := bits.OnesCount64(r[0]^q[0]) + bits.OnesCount64(r[1]^q[1]) +
						bits.OnesCount64(r[2]^q[2]) + bits.OnesCount64(r[3]^q[3])
					if d <= limit {
						found = append(found, uint32(i))
					}
				}
			}
			perCode(b, n)
		})
	}
}

func BenchmarkHalves(b *testing.B) {
	benchmark(b, func(l Level, c *codes256, r *results) { r.found = l.Halves(r.found[:0], c.a, Half(c.q[0][:2]), limit) })
}

func BenchmarkHalvesOf8(b *testing.B) {
	benchmark(b, func(l Level, c *codes256, r *results) {
		q := firsts(&c.q)
		r.pairs = l.HalvesOf8(r.pairs[:0], c.a, &q, &c.limits)
	})
}

func BenchmarkCodes(b *testing.B) {
	benchmark(b, func(l Level, c *codes256, r *results) { r.found = l.Codes(r.found[:0], c.a, c.b, c.q[0], limit) })
}

func BenchmarkCodesOf8(b *testing.B) {
	benchmark(b, func(l Level, c *codes256, r *results) { r.pairs = l.CodesOf8(r.pairs[:0], c.a, c.b, &c.q, &c.limits) })
}

func BenchmarkRowsOf8(b *testing.B) {
	benchmark(b, func(l Level, c *codes256, r *results) { r.pairs = l.RowsOf8(r.pairs[:0], c.rows, &c.q, &c.limits) })
}

func BenchmarkWords(b *testing.B) {
	benchmark(b, func(l Level, c *codes256, r *results) { r.found = l.Words(r.found[:0], c.words, c.q[0][0], 10) })
}

// BenchmarkAt asks for every code once, at random.
func BenchmarkAt(b *testing.B) {
	benchmark(b, func(l Level, c *codes256, r *results) {
		r.found = l.At(r.found[:0], c.blocks, c.ids, Half(c.q[0][:2]), limit)
	})
}
