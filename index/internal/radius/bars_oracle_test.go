//go:build linux

package radius_test

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// corpus are codes under their tags, as a plain program would keep them. Its
// loops are both the rival that all ratios are to, and the oracle of all recalls.
type corpus struct {
	codes []hash.Code
	tags  []uint64 // nil: tagOf
}

// tagOf is the tag of the i-th code; some tags lie unused between.
func tagOf(i int) uint64 { return 3 * uint64(i) }

func (c corpus) tag(i int) uint64 {
	if c.tags != nil {
		return c.tags[i]
	}
	return tagOf(i)
}

// scan is the scalar scan: all codes, four words, one loop. It appends what is
// within the radius, in the order of the codes.
func (c corpus) scan(hits []radius.Hit, q hash.Code, query int32, limit int) []radius.Hit {
	q0, q1, q2, q3 := q[0], q[1], q[2], q[3]
	for i := range c.codes {
		k := &c.codes[i]
		d := bits.OnesCount64(k[0]^q0) + bits.OnesCount64(k[1]^q1) + bits.OnesCount64(k[2]^q2) + bits.OnesCount64(k[3]^q3)
		if d <= limit {
			hits = append(hits, radius.Hit{Tag: c.tag(i), Query: query, Dist: int32(d)})
		}
	}
	return hits
}

// within returns all pairs within a radius, by tag and query.
func (c corpus) within(queries []hash.Code, limit int) (hits []radius.Hit) {
	for n, q := range queries {
		hits = c.scan(hits, q, int32(n), limit)
	}
	slices.SortFunc(hits, func(a, b radius.Hit) int {
		return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Query, b.Query))
	})
	return hits
}

// nearest returns the k codes that are nearest to one of the queries, each with
// the first query that is as near, by distance and tag.
func (c corpus) nearest(queries []hash.Code, limit, k int) (best []radius.Hit) {
	for i, code := range c.codes {
		h := radius.Hit{Tag: c.tag(i), Dist: int32(limit + 1)}
		for n, q := range queries {
			if d := int32(code.Distance(q)); d < h.Dist {
				h.Query, h.Dist = int32(n), d
			}
		}
		if int(h.Dist) > limit || len(best) == k && compareNear(best[k-1], h) < 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, h, compareNear)
		best = slices.Insert(best, at, h)
		best = best[:min(len(best), k)]
	}
	return best
}

func compareNear(a, b radius.Hit) int {
	return cmp.Or(cmp.Compare(a.Dist, b.Dist), cmp.Compare(a.Tag, b.Tag))
}

// tally counts what was found and what should have been.
type tally struct{ right, all int }

// count adds one answer. What was found and is not true counts as much as what
// is true and was not found.
func (t *tally) count(found, truth []radius.Hit) {
	want := make(map[radius.Hit]bool, len(truth))
	for _, h := range truth {
		want[h] = true
	}
	for _, h := range found {
		if want[h] {
			t.right++
			delete(want, h) // a second time it is wrong
		}
	}
	t.all += max(len(found), len(truth))
}

func (t *tally) recall() float64 {
	if t.all == 0 {
		return 1
	}
	return float64(t.right) / float64(t.all)
}
