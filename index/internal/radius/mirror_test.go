package radius

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// The model that sets are compared with (model_test.go), and the codes that both
// are filled with. The model takes no function of the package, nor one of hash for
// distances.

// mirror is what a set should hold.
type mirror struct {
	words bool
	tags  []uint64 // ascending
	codes []hash.Code
}

// reduced is what counts of a code.
func (m *mirror) reduced(c hash.Code) hash.Code {
	if m.words {
		return hash.Code{c[0]}
	}
	return c
}

func (m *mirror) add(tag uint64, c hash.Code) {
	m.tags, m.codes = append(m.tags, tag), append(m.codes, m.reduced(c))
}

func (m *mirror) remove(tag uint64) bool {
	i, ok := slices.BinarySearch(m.tags, tag)
	if ok {
		m.tags, m.codes = slices.Delete(m.tags, i, i+1), slices.Delete(m.codes, i, i+1)
	}
	return ok
}

func (m *mirror) clone() mirror {
	return mirror{m.words, slices.Clone(m.tags), slices.Clone(m.codes)}
}

// apart is the distance of two codes.
func apart(a, b hash.Code) (n int) {
	for i := range a {
		n += bits.OnesCount64(a[i] &^ b[i])
		n += bits.OnesCount64(b[i] &^ a[i])
	}
	return n
}

func (m *mirror) within(q Query) (hits []Hit) {
	for i, tag := range m.tags {
		if tag < q.From {
			continue
		}
		for k, c := range q.Codes {
			if d := apart(m.codes[i], m.reduced(c)); d <= q.Radius {
				hits = append(hits, Hit{tag, int32(k), int32(d)})
			}
		}
	}
	return hits
}

func (m *mirror) nearest(q Query, k int, accept func(uint64) bool) (hits []Hit) {
	for _, h := range m.within(q) {
		last := len(hits) - 1
		switch {
		case accept != nil && !accept(h.Tag):
		case last < 0 || hits[last].Tag != h.Tag:
			hits = append(hits, h)
		case h.Dist < hits[last].Dist:
			hits[last] = h
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(a.Dist, b.Dist) })
	return hits[:min(k, len(hits))]
}

// difference is the first place where two lists differ.
func difference(got, want []Hit) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("hit %d is missing: %v", i, want[i])
		case i >= len(want):
			return fmt.Sprintf("hit %d is one too many: %v", i, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("hit %d is %v, want %v", i, got[i], want[i])
		}
	}
	return "no difference"
}

// kind returns a source of codes.
func (t *trial) kind(r *rand.Rand, how byte) func() hash.Code {
	centre := t.some(r)
	switch how & 0x7f % 9 {
	case 0:
		return func() hash.Code { return anyCode(r) }
	case 1:
		return func() hash.Code { return half(r) }
	case 2:
		return func() hash.Code { return t.flipped(r, centre, r.IntN(24)) }
	case 3:
		return func() hash.Code { return centre }
	case 4:
		return func() hash.Code { return hash.Code{} }
	case 5:
		return func() hash.Code { return hash.Code{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)} }
	case 6: // few ones
		return func() hash.Code { return t.flipped(r, hash.Code{}, r.IntN(6)) }
	case 7: // one word is the same: buckets of several tables are full
		w := r.IntN(4)
		a, b := permuted(centre), anyCode(r)
		return func() hash.Code {
			c := anyCode(r)
			c[w] = a[w]
			if t.model.words {
				return hash.Code{centre[0]&0xffffffff | b[0]&^0xffffffff ^ c[1]<<48}
			}
			return unpermuted(hamming.Half{c[0], c[1]}, hamming.Half{c[2], c[3]})
		}
	}
	// Popular pictures among others.
	return func() hash.Code {
		if r.IntN(3) == 0 {
			return centre
		}
		return t.flipped(r, centre, r.IntN(256))
	}
}

func anyCode(r *rand.Rand) hash.Code {
	return hash.Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
}

// half returns a code of 128 ones.
func half(r *rand.Rand) (c hash.Code) {
	for _, i := range r.Perm(256)[:128] {
		c[i/64] |= 1 << (i % 64)
	}
	return c
}

// some returns a code of the set, or another.
func (t *trial) some(r *rand.Rand) hash.Code {
	if n := len(t.model.codes); n > 0 && r.IntN(4) != 0 {
		return t.model.codes[r.IntN(n)]
	}
	return anyCode(r)
}

// flipped changes n bits of a code, or as many as it has.
func (t *trial) flipped(r *rand.Rand, c hash.Code, n int) hash.Code {
	all := 256
	if t.model.words {
		all = 64
	}
	var done hash.Code
	for n = min(n, all); n > 0; {
		i := r.IntN(all)
		if bit := uint64(1) << (i % 64); done[i/64]&bit == 0 {
			done[i/64] |= bit
			c[i/64] ^= bit
			n--
		}
	}
	return c
}
