package radius

import (
	"math/bits"

	"github.com/touchstone-go/touchstone/hash"
)

// 64-bit codes are so short that the kernels scan a million of them in 0.1 ms.
// Above that they have tables like the others, three of 21 and 22 bits, with the
// code beside each number: a candidate then costs no cache miss of its own
// (measured: two to four times as fast as numbers alone).

// copyWords puts the codes beside their numbers. What stands in place of a
// number for a run has none.
func (t *table) copyWords(blocks []*block) {
	t.words, t.overflowWords = advised[uint64](len(t.ids)), make([]uint64, len(t.overflow))
	for key := range uint32(1) << t.width {
		start, n := t.bucket(key)
		if t.offsets == nil && n == full {
			n--
		}
		for at := start; at < start+n; at++ {
			t.words[at] = wordOf(blocks, t.ids[at])
		}
	}
	for i, id := range t.overflow {
		t.overflowWords[i] = wordOf(blocks, id)
	}
}

func wordOf(blocks []*block, id uint32) uint64 {
	return blocks[id>>blockBits].words[id&(blockSize-1)]
}

// collectWords compares what the buckets hold.
func (p *part) collectWords(q *probing, out []found) []found {
	from := 0
	for i := range p.tables {
		t := &p.tables[i]
		for _, s := range q.spans[from:q.ends[i]] {
			words := t.words
			if s.start&hidden != 0 {
				words = t.overflowWords
			}
			words = words[s.start&^hidden:][:s.n]
			for k, id := range t.numbers(s) {
				if d := bits.OnesCount64(words[k] ^ q.code[0]); d <= q.radius && !p.earlier(q, hash.Code{words[k]}, i) {
					out = append(out, found{id, uint32(q.query), int32(d)})
				}
			}
		}
		from = q.ends[i]
	}
	return out
}
