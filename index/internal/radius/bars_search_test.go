//go:build linux

package radius_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// search is one way to ask, with what is asked for in one call each.
type search struct {
	sets    [][]hash.Code
	radius  int
	method  radius.Method
	nearest int // how many of the nearest; 0: all within the radius
}

// first returns the search with its first n calls.
func (s search) first(n int) search {
	s.sets = s.sets[:min(n, len(s.sets))]
	return s
}

// call makes one call and appends what it finds.
func (s search) call(by *radius.Searcher, v *radius.View, set []hash.Code, hits []radius.Hit) []radius.Hit {
	q := radius.Query{Codes: set, Radius: s.radius, Method: s.method}
	var err error
	if s.nearest > 0 {
		var near []radius.Hit
		near, err = by.Nearest(context.Background(), v, q, s.nearest, nil)
		hits = append(hits, near...)
	} else {
		err = by.Within(context.Background(), v, q, func(some []radius.Hit) error {
			hits = append(hits, some...)
			return nil
		})
	}
	if err != nil {
		panic(err) // nothing ends the context, and visit does not fail
	}
	return hits
}

func (s search) runner(v *radius.View) runner {
	by := radius.NewSearcher(hamming.Best())
	var hits []radius.Hit
	return runner{len(s.sets), func() {
		for _, set := range s.sets {
			hits = s.call(by, v, set, hits[:0])
		}
	}}
}

// work returns what a call looks at in the mean.
func (s search) work(v *radius.View) (probes, candidates *float64) {
	by := radius.NewSearcher(hamming.Best())
	var p, c float64
	for _, set := range s.sets {
		s.call(by, v, set, nil)
		plan := by.Plan()
		p += float64(plan.Probes) / float64(len(s.sets))
		c += float64(plan.Candidates) / float64(len(s.sets))
	}
	return &p, &c
}

// recall compares the first calls, of so many codes together, with the oracle.
func (s search) recall(v *radius.View, c corpus, codes int) *float64 {
	sets := s.first((codes + len(s.sets[0]) - 1) / len(s.sets[0])).sets
	var next atomic.Int64
	var mu sync.Mutex // guards all
	var all tally
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			by := radius.NewSearcher(hamming.Best())
			for i := next.Add(1) - 1; int(i) < len(sets); i = next.Add(1) - 1 {
				var truth []radius.Hit
				if s.nearest > 0 {
					truth = c.nearest(sets[i], s.radius, s.nearest)
				} else {
					truth = c.within(sets[i], s.radius)
				}
				found := s.call(by, v, sets[i], nil)
				mu.Lock()
				all.count(found, truth)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	r := all.recall()
	return &r
}

// scalar is the rival: so many of the queries, one scan each.
func scalar(c corpus, sets [][]hash.Code, limit int) runner {
	var hits []radius.Hit
	return runner{len(sets), func() {
		for _, set := range sets {
			hits = c.scan(hits[:0], set[0], 0, limit)
		}
	}}
}

// singles returns the queries as calls of one code each, in random order, so
// that the first of them are like all.
func singles(queries []hash.Code) [][]hash.Code {
	sets := make([][]hash.Code, len(queries))
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(len(queries)) {
		sets[i] = queries[at : at+1]
	}
	return sets
}

// variants returns for the first n calls of one code a call each of the eight
// orientations of the picture.
func variants(sets [][]hash.Code, n int) [][]hash.Code {
	var all [][]hash.Code
	for _, set := range sets[:min(n, len(sets))] {
		var eight []hash.Code
		for _, v := range hash.FromPDQ(set[0], 100).Variants() {
			eight = append(eight, v.Code)
		}
		all = append(all, eight)
	}
	return all
}

// shuffled returns calls in random order.
func shuffled(sets [][]hash.Code) [][]hash.Code {
	r := rand.New(rand.NewPCG(3, 4))
	r.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
	return sets
}

// apart returns calls of one code each for every code of some calls.
func apart(sets [][]hash.Code) (all [][]hash.Code) {
	for _, set := range sets {
		for i := range set {
			all = append(all, set[i:i+1])
		}
	}
	return all
}
