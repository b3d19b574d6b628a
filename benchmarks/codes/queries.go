package codes

import (
	"math/rand/v2"

	"github.com/touchstone-go/touchstone/hash"
)

// Query is a code to search for.
type Query struct {
	Code hash.Code
	// Of is the position of the stored code that this is a copy of; -1 for a
	// fresh draw.
	Of int
	// Distance is how many bits the copy differs in, 0 to 31.
	Distance int
}

// Queries draws n queries for a set that Make has drawn: first the centres of
// the hot clusters, then fresh draws, which match nothing as a rule, and copies
// of stored codes in turn. A copy has k ones and k zeros flipped, k = 0 to 15;
// of kind Stress 0 to 31 bits of any value. The seed must not be that of the
// set.
func Queries(kind Kind, stored []hash.Code, n int, seed uint64) []Query {
	r := stream(seed, queryStream)
	d := newModel(kind).drawer(r)
	queries := make([]Query, 0, n)
	for _, at := range Hot(len(stored)) {
		if len(queries) < n {
			queries = append(queries, Query{Code: stored[at], Of: at})
		}
	}
	for len(queries) < n {
		if len(queries)%2 == 0 || len(stored) == 0 {
			queries = append(queries, Query{Code: d.fresh(), Of: -1})
		} else {
			queries = append(queries, copied(kind, stored, r))
		}
	}
	return queries
}

func copied(kind Kind, stored []hash.Code, r *rand.Rand) Query {
	at := r.IntN(len(stored))
	if kind == Stress {
		n := r.IntN(32)
		return Query{Code: flipped(stored[at], n, r), Of: at, Distance: n}
	}
	k := r.IntN(16)
	return Query{Code: swapped(stored[at], k, r), Of: at, Distance: 2 * k}
}

// Moved returns a code at a distance from c, with as many ones flipped as zeros:
// distance is even, and c has half as many ones and zeros at least.
func Moved(c hash.Code, distance int, seed uint64) hash.Code {
	return swapped(c, distance/2, stream(seed, queryStream))
}
