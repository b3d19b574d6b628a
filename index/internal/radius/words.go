package radius

import (
	"math/bits"

	"github.com/touchstone-go/touchstone/hash"
)

// 64-bit codes are so short that the kernels scan a million of them in 0.1 ms.
// Above that they have tables like the others, three of 21 and 22 bits, with the
// code beside each number: a candidate then costs no cache miss of its own
// (measured: two to four times as fast as numbers alone).

// copyWords puts the codes beside their numbers.
func (t *table) copyWords(blocks []*block) {
	t.words = advised[uint64](len(t.ids))
	t.overflowWords = make([]uint64, len(t.overflow))
	word := func(id uint32) uint64 { return blocks[id>>blockBits].words[id&(blockSize-1)] }
	for key := range uint32(1) << t.width {
		s := t.bucket(key)
		inPlace := s.n
		if s.n == full {
			inPlace--
		}
		for at := s.start; at < s.start+inPlace; at++ {
			t.words[at] = word(t.ids[at])
		}
	}
	for i, id := range t.overflow {
		t.overflowWords[i] = word(id)
	}
}

// collectWords compares the candidates of the i-th table.
func (p *part) collectWords(t *table, q *probing, i int, spans []span, out []found) []found {
	compare := func(ids []uint32, words []uint64) {
		for k, w := range words {
			if d := bits.OnesCount64(w ^ q.code[0]); d <= q.radius && !p.earlier(q, hash.Code{w}, i) {
				out = append(out, found{ids[k], uint32(q.query), int32(d)})
			}
		}
	}
	for _, s := range spans {
		end := s.start + s.n
		if s.n == full {
			end--
			r := t.runs[t.ids[end]]
			compare(t.overflow[r.start:r.end], t.overflowWords[r.start:r.end])
		}
		compare(t.ids[s.start:end], t.words[s.start:end])
	}
	return out
}
