package radius

import (
	"math/bits"

	"github.com/touchstone-go/touchstone/hash"
)

// 64-bit codes are so short that the kernels scan a million of them in 0.1 ms.
// Above that they have tables like the others, three of 21 and 22 bits, with the
// code beside each number: a candidate then costs no cache miss of its own
// (measured: two to four times as fast as numbers alone).

// copyWords puts the codes beside their numbers, and reports whether all numbers
// are those of codes. What stands in place of a number for a run has none.
func (t *table) copyWords(blocks []*block) bool {
	t.words, t.overflowWords = make([]uint64, len(t.ids)), make([]uint64, len(t.overflow))
	for key := range uint32(1) << t.width {
		start, n := t.bucket(key)
		if t.offsets == nil && n == full {
			n--
		}
		if int(start)+int(n) > len(t.ids) || !wordsOf(t.words[start:start+n], t.ids[start:start+n], blocks) {
			return false
		}
	}
	return wordsOf(t.overflowWords, t.overflow, blocks)
}

func wordsOf(words []uint64, ids []uint32, blocks []*block) bool {
	for i, id := range ids {
		b, pos := id>>blockBits, id&(blockSize-1)
		if int(b) >= len(blocks) || int(pos) >= len(blocks[b].words) {
			return false
		}
		words[i] = blocks[b].words[pos]
	}
	return true
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
			words = words[s.start&^hidden:][:s.n()]
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
