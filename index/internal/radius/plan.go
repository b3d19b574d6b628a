package radius

import (
	"cmp"
	"context"
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
//  2. The directory says what the buckets hold, before any of it is read. As soon
//     as reading it would cost more than scanning, probing ends.
//  3. When the signs have been compared, what is left is known too. Again the part
//     is scanned if that is cheaper.
//  4. The queries of a picture share the passes of a scan. Those that the index
//     answers cheaply are taken out of it, cheapest first, as long as that makes
//     the sum less.
//
// So the worst case on any data is about two scans, and usually one and some per
// cent.

// costs are in nanoseconds, measured on one machine (Zen 5, two shared cores).
// Only their proportions matter.
type costs struct {
	look      float64 // to probe a bucket, or to read a number in one
	verify    float64 // to compare a code whose sign agrees: 5, but 40 if it is a hit
	one, pass float64 // to scan a code for one query, or for eight at once
	full      float64 // times as much if both halves are read
}

// readPart is the part of a scan's cost that reading the numbers of buckets may
// take for a single code, since after them there may be a scan all the same. The
// queries of a picture are as a rule not all refused.
const readPart = 0.4

// largePart is the number of codes from which the tables of a part are far from
// any cache.
const largePart = 4 << 20

func costsOf(l hamming.Level, codes int) costs {
	c := costs{look: 12, verify: 15, one: 1.1, pass: 9, full: 1.2}
	switch l {
	case hamming.AVX512:
		c = costs{look: 2.5, verify: 15, one: 0.22, pass: 0.45, full: 2}
	case hamming.AVX2:
		c = costs{look: 8, verify: 15, one: 0.4, pass: 2.3, full: 1.8}
	}
	// Memory makes all levels nearly alike.
	if codes > largePart {
		c.look = max(8, 1.7*c.look)
		if l != hamming.Generic {
			c.one *= 1.8
		}
	}
	return c
}

// scan is what it costs to compare n codes with so many queries.
func (c costs) scan(n, queries, radius int) float64 {
	cost, far := c.one*float64(n), farHalf
	switch {
	case queries == 0:
		return 0
	case queries > 1:
		far = farPass
		cost = c.pass * float64(n) * float64((queries+hamming.Lanes-1)/hamming.Lanes)
	}
	if radius >= far {
		cost *= c.full
	}
	return cost
}

// Plan is what a search did, for those who want to know why it took its time.
type Plan struct {
	Parts      int // searched parts, those without an index included
	Indexed    int // queries that an index answered, by part
	Scanned    int // queries for which a part was scanned
	Probes     int // buckets that were looked at
	Candidates int // numbers of codes in them that were read
	Codes      int // codes that were scanned; once, however many queries shared the pass
}

// divide chooses for each query whether p answers it. Those it does are
// s.probings[:n], the others s.scanned.
func (s *Searcher) divide(ctx context.Context, p *part, blocks int, q *Query) (n int, err error) {
	codes := blocks * blockSize
	c := costsOf(s.level, codes)
	// What a scan costs a query, alone or as one of a pass.
	share := c.scan(codes, len(s.codes), q.Radius) / float64(len(s.codes))
	read := readPart * share
	if len(s.codes) > 1 {
		share = max(share, c.scan(codes, hamming.Lanes, q.Radius)/hamming.Lanes)
		read = share
	}
	s.scanned = s.scanned[:0]
	asked := 0 // those behind n are still to be asked
	for i, code := range s.codes {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		pr := s.probing(asked)
		pr.query, pr.code, pr.radius = i, code, p.reach(code, q.Radius)
		switch {
		case pr.radius < 0:
			// Codes of the other parity are all that there are.
		case p.worthwhile(pr, c, share, read, q.Method == Index):
			asked++
		default:
			s.scanned = append(s.scanned, i)
		}
		if (i+1)%atATime == 0 || i == len(s.codes)-1 {
			n = s.ask(p, n, asked, c.verify, share, q.Method == Index)
			asked = n
		}
	}
	slices.Sort(s.scanned)
	if q.Method != Index && n > 0 && len(s.scanned) > 0 {
		n = s.cheapest(c, n, codes, q.Radius)
	}
	return n, nil
}

// atATime is the number of queries that are put to a part before it is decided
// which of them go on: the orientations of a picture.
const atATime = 8

// worthwhile reports whether it can be that p answers q at less than share, the cost
// of a scan, and makes q ready for it. Read is what the numbers of buckets may cost.
func (p *part) worthwhile(q *probing, c costs, share, read float64, forced bool) bool {
	probes := p.probes(q.radius)
	if probes < 0 || !forced && c.look*float64(probes) > share/2 {
		return false
	}
	q.most = int(read/c.look) - probes
	if forced {
		q.most = p.codes * len(p.tables)
	}
	p.prepare(q)
	return true
}

// ask puts s.probings[from:to] to p as far as they can be without comparing codes.
// Those that should go on are moved to from, up to where it returns; the others are
// added to s.scanned.
func (s *Searcher) ask(p *part, from, to int, verify, share float64, forced bool) int {
	f := &s.family
	p.families(s.probings[from:to], f, func() {
		if len(f.members) == 1 {
			p.lookup(f.members[0], s.level)
			return
		}
		p.probeFamily(f, s.level)
		p.gatherFamily(f)
	})
	kept := from
	for i := from; i < to; i++ {
		q := &s.probings[i]
		s.plan.Probes += q.probes
		if !q.over {
			s.plan.Candidates += q.candidates
		}
		if q.over || !forced && verify*float64(len(q.ids)) > share {
			s.scanned = append(s.scanned, q.query)
			continue
		}
		s.probings[kept], s.probings[i] = s.probings[i], s.probings[kept]
		kept++
	}
	return kept
}

// lookup puts q to p by itself.
func (p *part) lookup(q *probing, level hamming.Level) {
	q.ids = q.ids[:0]
	if p.probe(q, level); !q.over && !p.words {
		p.gather(q)
	}
}

// cheapest takes those of n queries back into the scan that add less to it than
// they still cost by themselves, and returns how many are left.
func (s *Searcher) cheapest(c costs, n, codes, radius int) int {
	slices.SortFunc(s.probings[:n], func(a, b probing) int {
		return cmp.Or(cmp.Compare(len(a.ids), len(b.ids)), cmp.Compare(a.query, b.query))
	})
	all := len(s.scanned) + n
	best, least, sum := 0, c.scan(codes, all, radius), 0.0
	for k := range n {
		sum += c.verify * float64(len(s.probings[k].ids))
		if cost := sum + c.scan(codes, all-k-1, radius); cost < least {
			best, least = k+1, cost
		}
	}
	for _, pr := range s.probings[best:n] {
		s.scanned = append(s.scanned, pr.query)
	}
	slices.Sort(s.scanned)
	return best
}

// probing returns the buffers for the i-th query.
func (s *Searcher) probing(i int) *probing {
	if i == len(s.probings) {
		s.probings = append(s.probings, probing{})
	}
	return &s.probings[i]
}
