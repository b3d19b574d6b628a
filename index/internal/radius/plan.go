package radius

import (
	"cmp"
	"slices"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// A multi-index is fast because few codes share a part with a query. Nothing
// makes sure of that: a wide radius asks for large balls, and whoever uploads one
// photo a million times fills the buckets of all its neighbours. So each query
// is planned, for each part:
//
//  1. The number of probes follows from the radius alone. If they cost more than
//     half a scan, the part is scanned at once.
//  2. The directory says what the buckets hold, before any code is read. As soon
//     as reading them would cost more than scanning, probing ends.
//  3. The queries of a picture share the passes of a scan. Those that the index
//     answers cheaply are taken out of it, cheapest first, as long as that makes
//     the sum less.
//
// So the worst case on any data is a scan and half of one, and usually a scan
// and some per cent.

// costs are in nanoseconds, measured on one machine with data that do not fit
// its caches. Only their proportions matter.
type costs struct {
	probe, candidate float64
	one              float64 // a code, when one query is scanned
	pass             float64 // a code, when eight share a pass
}

func costsOf(l hamming.Level) costs {
	switch l {
	case hamming.AVX512:
		return costs{probe: 6, candidate: 12, one: 0.3, pass: 0.8}
	case hamming.AVX2:
		return costs{probe: 6, candidate: 12, one: 0.5, pass: 3}
	}
	return costs{probe: 6, candidate: 14, one: 1.2, pass: 8}
}

// scan is what it costs to compare n codes with so many queries.
func (c costs) scan(n, queries int) float64 {
	switch queries {
	case 0:
		return 0
	case 1:
		return c.one * float64(n)
	}
	return c.pass * float64(n) * float64((queries+hamming.Lanes-1)/hamming.Lanes)
}

// index is what a query costs that was probed.
func (c costs) index(q *probing) float64 {
	return c.probe*float64(q.probes) + c.candidate*float64(q.candidates)
}

// Plan is what a search did, for those who want to know why it took its time.
type Plan struct {
	Parts      int // searched parts, those without an index included
	Indexed    int // queries that an index answered, by part
	Scanned    int // queries for which a part was scanned
	Probes     int // buckets that were looked at
	Candidates int // codes in them that were compared
	Codes      int // codes that were scanned; once, however many queries shared the pass
}

// divide chooses for each query whether p answers it. Those it does are
// s.probings[:n]; the others are returned.
func (s *Searcher) divide(p *part, blocks int, q *Query) (n int, scanned []int) {
	c := s.costs
	codes := blocks * blockSize
	all := c.scan(codes, len(s.codes))
	share := max(all/float64(len(s.codes)), c.pass*float64(codes)/hamming.Lanes)
	forced := q.Method == Index
	scanned = s.scanned[:0]
	for i, code := range s.codes {
		pr := s.probing(n)
		pr.query, pr.code, pr.radius = i, code, p.reach(code, q.Radius)
		if pr.radius < 0 {
			continue // codes of the other parity are all that there are
		}
		probes := p.probes(pr.radius)
		most := (share - c.probe*float64(probes)) / c.candidate
		if forced {
			most = float64(p.codes) * float64(len(p.tables))
		}
		switch {
		case probes < 0 || !forced && c.probe*float64(probes) > share/2:
			scanned = append(scanned, i)
			continue
		case !p.probe(pr, s.level, int(most)):
			s.plan.Probes += pr.probes
			scanned = append(scanned, i)
			continue
		}
		s.plan.Probes += pr.probes
		if !p.words {
			p.gather(pr)
		}
		n++
	}
	if !forced && n > 0 && len(scanned) > 0 {
		n, scanned = s.cheapest(n, scanned, codes)
	}
	s.scanned = scanned
	return n, scanned
}

// cheapest takes those probed queries back into the scan that add less to it
// than they cost by themselves.
func (s *Searcher) cheapest(n int, scanned []int, codes int) (int, []int) {
	c := s.costs
	slices.SortFunc(s.probings[:n], func(a, b probing) int {
		return cmp.Or(cmp.Compare(a.candidates, b.candidates), cmp.Compare(a.query, b.query))
	})
	best, least, sum := 0, c.scan(codes, len(scanned)+n), 0.0
	for k := range n {
		sum += c.index(&s.probings[k])
		if cost := sum + c.scan(codes, len(scanned)+n-k-1); cost < least {
			best, least = k+1, cost
		}
	}
	for _, pr := range s.probings[best:n] {
		scanned = append(scanned, pr.query)
	}
	slices.Sort(scanned)
	return best, scanned
}

// probing returns the buffers for the i-th query.
func (s *Searcher) probing(i int) *probing {
	if i == len(s.probings) {
		s.probings = append(s.probings, probing{})
	}
	return &s.probings[i]
}
