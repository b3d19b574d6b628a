package hamming

import (
	"math/bits"

	"github.com/touchstone-go/touchstone/hash"
)

// Hit is a code within the radius of at least one query: its position, and the
// least distance in bits.
type Hit struct {
	Pos  int
	Dist int
}

// Within appends to hits the codes that are within radius of one of the
// queries, in order of position.
func Within(hits []Hit, codes, queries []hash.Code, radius int) []Hit {
	if len(queries) == 1 {
		return withinOne(hits, codes, queries[0], radius)
	}
	for i := range codes {
		c := &codes[i]
		best := radius + 1
		for j := range queries {
			q := &queries[j]
			d := bits.OnesCount64(c[0]^q[0]) + bits.OnesCount64(c[1]^q[1])
			if d >= best {
				continue
			}
			d += bits.OnesCount64(c[2]^q[2]) + bits.OnesCount64(c[3]^q[3])
			best = min(best, d)
		}
		if best <= radius {
			hits = append(hits, Hit{i, best})
		}
	}
	return hits
}

func withinOne(hits []Hit, codes []hash.Code, q hash.Code, radius int) []Hit {
	for i := range codes {
		c := &codes[i]
		d := bits.OnesCount64(c[0]^q[0]) + bits.OnesCount64(c[1]^q[1])
		if d > radius {
			continue
		}
		d += bits.OnesCount64(c[2]^q[2]) + bits.OnesCount64(c[3]^q[3])
		if d <= radius {
			hits = append(hits, Hit{i, d})
		}
	}
	return hits
}

// WithinWord is Within for one 64-bit query.
func WithinWord(hits []Hit, words []uint64, q uint64, radius int) []Hit {
	for i, w := range words {
		if d := bits.OnesCount64(w ^ q); d <= radius {
			hits = append(hits, Hit{i, d})
		}
	}
	return hits
}
