package codes

import (
	"math/bits"

	"github.com/touchstone-go/touchstone/hash"
)

// What a set costs a multi-index can be told without one: the codes are cut into
// chunks, and for each pair of codes the chunks are compared. That takes the
// square of the number of codes, so it is for some thousands.

// Candidates returns how many codes of a million a multi-index of m chunks, 4 to
// 256 of them, looks at for a query, leave-one-out: each code of the set asks
// for the others within r bits. Those with a chunk within r/m bits of the
// query's are looked at in the first r mod m + 1 chunks, and in the others those
// within one less (M. Norouzi, A. Punjani, D. Fleet, "Fast exact search in
// Hamming space with multi-index hashing", 2014). A code that is met in several
// chunks counts for each. Chunks are taken from the codes' bits as they lie.
func Candidates(set []hash.Code, m, r int) float64 {
	found := 0
	for i := range set {
		for j := range i {
			found += meetings(set[i], set[j], m, r)
		}
	}
	pairs := float64(len(set)) * float64(len(set)-1) / 2
	return 1e6 * float64(found) / max(pairs, 1)
}

// meetings returns in how many chunks two codes meet.
func meetings(a, b hash.Code, m, r int) (n int) {
	var x hash.Code
	for w := range x {
		x[w] = a[w] ^ b[w]
	}
	at := 0
	for chunk := range m {
		width, limit := 256/m, r/m-1
		if chunk < 256%m {
			width++
		}
		if chunk <= r%m {
			limit++
		}
		if bits.OnesCount64(window(x, at, width)) <= limit {
			n++
		}
		at += width
	}
	return n
}

// window returns the bits of c from bit at on, up to 64.
func window(c hash.Code, at, width int) uint64 {
	v := c[at/64] >> (at % 64)
	if at%64+width > 64 {
		v |= c[at/64+1] << (64 - at%64)
	}
	return v & (1<<width - 1)
}

// Permuted returns the codes with their bits in a random order, always the same
// one.
func Permuted(set []hash.Code) []hash.Code {
	order := stream(0, orderStream).Perm(256)
	out := make([]hash.Code, len(set))
	for i, c := range set {
		for to, from := range order {
			out[i][to/64] |= c[from/64] >> (from % 64) & 1 << (to % 64)
		}
	}
	return out
}
