package radius

import (
	"cmp"
	"context"
	"slices"
)

// Who wants the nearest codes at whatever distance could sort all of them. Most
// often there is a copy within a small radius, which the index finds. So the
// radius grows in steps, of which the first ask for equal chunks alone and cost
// next to nothing. Only when these hold too few is everything scanned, under a
// bound that is the distance of the last code of the list: it falls quickly to what
// the nearest strangers have. A stranger's half is within that bound nearly
// always; then the scan reads both halves of all codes at once.

// grown are the radii that are tried first.
var grown = [...]int{6, 12, 30}

// Nearest returns the k codes of v that are nearest to any of q.Codes within
// q.Radius, each once, with its nearest query code (of equal ones the first), in
// order of distance and then tag. accept, if not nil, says which tags count.
// q.Method is not looked at, but for Plain.
func (s *Searcher) Nearest(ctx context.Context, v *View, q Query, k int, accept func(tag uint64) bool) ([]Hit, error) {
	s.plan, s.crowded = Plan{}, 0
	if k <= 0 || len(q.Codes) == 0 || q.Radius < 0 {
		return nil, nil
	}
	var sum Plan
	if len(v.parts) > 0 && q.Method != Plain {
		for _, r := range grown {
			if r >= q.Radius {
				break
			}
			l := list{k: k, bound: r, accept: accept}
			step := q
			step.Radius, step.Method = r, Auto
			if err := s.Within(ctx, v, step, func(hits []Hit) error { l.take(hits); return nil }); err != nil {
				return nil, err
			}
			sum.add(s.plan)
			if len(l.hits) == k {
				s.plan = sum
				return l.hits, nil
			}
		}
	}
	s.plan, s.crowded = Plan{}, 0
	s.permute(v, q.Codes)
	l := list{k: k, bound: q.Radius, accept: accept}
	err := s.nearestScan(ctx, v, &q, &l)
	s.plan.add(sum)
	return l.hits, err
}

func (p *Plan) add(o Plan) {
	p.Parts += o.Parts
	p.Indexed += o.Indexed
	p.Scanned += o.Scanned
	p.Probes += o.Probes
	p.Candidates += o.Candidates
	p.Codes += o.Codes
}

// firstStep is how many codes are compared before the bound is looked at for the
// first time; then twice as many each time.
const firstStep = 64

func (s *Searcher) nearestScan(ctx context.Context, v *View, q *Query, l *list) error {
	s.plan.Parts, s.plan.Scanned = 1, len(s.codes)
	step := firstStep
	for _, b := range v.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.plan.Codes += len(b.tags)
		for from := 0; from < len(b.tags); {
			to := min(from+step, len(b.tags))
			step = min(2*step, blockSize)
			s.found = s.scanWithin(b.slice(from, to), l.bound, q.Method, s.found[:0])
			for _, f := range s.found {
				pos := from + int(f.id)
				if !b.isDead(pos) && b.tag(pos) >= q.From {
					l.add(Hit{Tag: b.tag(pos), Query: int32(f.query), Dist: f.dist})
				}
			}
			from = to
		}
	}
	return nil
}

// slice returns the codes from one position to another, without their tags.
func (b *block) slice(from, to int) *block {
	if b.words != nil {
		return &block{tags: b.tags[from:to], words: b.words[from:to]}
	}
	return &block{tags: b.tags[from:to], a: b.a[from:to], b: b.b[from:to]}
}

// scanWithin is scan for all queries, from position 0 on.
func (s *Searcher) scanWithin(b *block, radius int, m Method, out []found) []found {
	s.scanned = s.scanned[:0]
	for i := range s.codes {
		s.scanned = append(s.scanned, i)
	}
	return s.scan(b, 0, s.scanned, &Query{Radius: radius, Method: m}, out)
}

// list is the k nearest so far.
type list struct {
	k      int
	bound  int // what is farther does not count
	accept func(uint64) bool
	hits   []Hit
}

func (l *list) take(hits []Hit) {
	for _, h := range hits {
		l.add(h)
	}
}

// add takes up a hit if it is among the nearest.
func (l *list) add(h Hit) {
	if int(h.Dist) > l.bound || len(l.hits) == l.k && compareNearest(h, l.hits[l.k-1]) >= 0 {
		return
	}
	same := slices.IndexFunc(l.hits, func(o Hit) bool { return o.Tag == h.Tag })
	if same >= 0 {
		if old := l.hits[same]; cmp.Or(cmp.Compare(old.Dist, h.Dist), cmp.Compare(old.Query, h.Query)) <= 0 {
			return
		}
		l.hits = slices.Delete(l.hits, same, same+1)
	} else if l.accept != nil && !l.accept(h.Tag) {
		return
	}
	at, _ := slices.BinarySearchFunc(l.hits, h, compareNearest)
	l.hits = slices.Insert(l.hits, at, h)
	if len(l.hits) > l.k {
		l.hits = l.hits[:l.k]
	}
	if len(l.hits) == l.k {
		l.bound = int(l.hits[l.k-1].Dist)
	}
}

func compareNearest(a, b Hit) int {
	return cmp.Or(cmp.Compare(a.Dist, b.Dist), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Query, b.Query))
}
