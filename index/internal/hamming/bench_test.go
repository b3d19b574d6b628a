package hamming

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// The benchmarks report the time per code (half, word or id); those of eight
// queries for all eight together. Bare is what they are compared with, the
// simplest loop over whole codes for one query.
//
// Data: random codes, limits of 31 bits, so hits do not count. n=16384 codes
// lie in the second level cache, n=1000000 in the third or in memory.

const limit = 31

func benchmark(b *testing.B, run func(l Level, c *codes256)) {
	for _, l := range levels(b) {
		for _, n := range []int{BlockSize, 1000000} {
			c := benchCodes(n)
			b.Run(fmt.Sprintf("level=%v/n=%d", l, n), func(b *testing.B) {
				for b.Loop() {
					run(l, c)
				}
				perCode(b, n)
			})
		}
	}
}

func benchCodes(n int) *codes256 {
	c := makeCodes(kinds[2], n, 5)
	for j := range c.limits {
		c.q[j] = random(rand.New(rand.NewPCG(6, uint64(j))))
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
		c := benchCodes(n)
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
	benchmark(b, func(l Level, c *codes256) { l.Halves(nil, c.a, Half(c.q[0][:2]), limit) })
}

func BenchmarkHalvesOf8(b *testing.B) {
	benchmark(b, func(l Level, c *codes256) {
		q := firsts(&c.q)
		l.HalvesOf8(nil, c.a, &q, &c.limits)
	})
}

func BenchmarkCodes(b *testing.B) {
	benchmark(b, func(l Level, c *codes256) { l.Codes(nil, c.a, c.b, c.q[0], limit) })
}

func BenchmarkCodesOf8(b *testing.B) {
	benchmark(b, func(l Level, c *codes256) { l.CodesOf8(nil, c.a, c.b, &c.q, &c.limits) })
}

func BenchmarkRowsOf8(b *testing.B) {
	benchmark(b, func(l Level, c *codes256) { l.RowsOf8(nil, c.rows, &c.q, &c.limits) })
}

func BenchmarkWords(b *testing.B) {
	benchmark(b, func(l Level, c *codes256) { l.Words(nil, c.words, c.q[0][0], 10) })
}

// BenchmarkAt asks for every code once, at random.
func BenchmarkAt(b *testing.B) {
	benchmark(b, func(l Level, c *codes256) { l.At(nil, c.blocks, c.ids, Half(c.q[0][:2]), limit) })
}
