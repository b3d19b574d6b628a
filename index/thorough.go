package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/votes"
)

// The thorough search looks for references of which the query shows a part, or
// which are a part of the query. Comparing the query with all references that
// way would take a second for ten thousand of them. So there are candidates
// first, the most promising of each kind of bank:
//
//   - by the votes of local features;
//   - by the hash of the whole, farther than a match may be;
//   - by the hashes of pictures inside the picture.
//
// Then the features of each candidate are read and aligned with the query, and
// the evidence of that makes it a match or not. A candidate is never shown.

// The most candidates of each kind of bank.
const (
	votedCandidates = 12
	nearCandidates  = 4
	nearRadius      = 72 // bits of PDQ; strangers are as near once in a thousand pairs
)

// lead is a candidate of the thorough search.
type lead struct {
	bank  *bankView
	slot  uint64
	score int // what it was chosen by, more is better
}

// leads keeps the best of each kind of bank.
type leads struct {
	limit int
	kinds map[Kind][]lead
}

func (l *leads) offer(n lead) {
	list := l.kinds[n.bank.Kind]
	if len(list) == l.limit && compareLeads(n, list[l.limit-1]) >= 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(list, n, compareLeads)
	list = slices.Insert(list, i, n)
	l.kinds[n.bank.Kind] = list[:min(len(list), l.limit)]
}

func compareLeads(a, b lead) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.bank.Name, b.bank.Name), cmp.Compare(a.slot, b.slot))
}

// thorough returns the matches that the checks of mode Thorough find in the
// banks; a reference that mode Fast found may come again, with further evidence.
// complete is that of nearWith.
func (s *snapshot) thorough(ctx context.Context, banks []*bankView, f hash.Fingerprint, info hash.Info, complete func() hash.Fingerprint) ([]Match, error) {
	scene := info.Scene()
	if scene == nil {
		return nil, nil
	}
	candidates, err := s.candidates(ctx, banks, scene, f)
	if err != nil {
		return nil, err
	}
	var q *query
	var ms []Match
	for i, c := range candidates {
		if i%8 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f, err := s.readFeatures(s.txn, c.slot)
		if err != nil {
			return nil, fmt.Errorf("features in bank %s: %w", c.bank.Name, err)
		}
		a, ok := scene.Align(f)
		if !ok || a.Evidence < c.bank.Policy.GeometryWeak && !a.Template {
			continue
		}
		if q == nil {
			if q, err = newQuery(complete(), NearOptions{}); err != nil {
				return nil, err
			}
		}
		n := newCandidate(c.bank, c.slot, CheckGeometry, a.Evidence)
		n.alignment = &a
		m, err := q.verify(s.txn, n)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// candidates returns the leads of all kinds, each reference once.
func (s *snapshot) candidates(ctx context.Context, banks []*bankView, scene *hash.Scene, f hash.Fingerprint) ([]lead, error) {
	voted := leads{votedCandidates, map[Kind][]lead{}}
	near := leads{nearCandidates, map[Kind][]lead{}}
	q := query{f: f}
	for _, v := range f.Variants() {
		q.codes = append(q.codes, v.Code)
	}
	ballot := votes.NewQuery(scene)
	total := s.locals() / hash.MaxPoints
	for _, b := range banks {
		if b.Main != hash.PDQ {
			continue
		}
		for _, c := range b.chunks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			voted.addVoted(b, c, ballot.Scores(c.files, len(c.slots), total))
			near.addNear(b, c, q.hits(c, 0, b.Main, nearRadius))
		}
	}
	var all []lead
	for _, l := range []leads{voted, near} {
		for _, k := range []Kind{Fake, Genuine} {
			all = append(all, l.kinds[k]...)
		}
	}
	slices.SortFunc(all, func(a, b lead) int { return cmp.Compare(a.slot, b.slot) })
	return slices.CompactFunc(all, func(a, b lead) bool { return a.slot == b.slot }), nil
}

func (l *leads) addVoted(b *bankView, c *chunk, scores []uint32) {
	for pos, n := range scores {
		if n > 0 && !c.isDead(pos) {
			l.offer(lead{b, c.slots[pos], int(n)})
		}
	}
}

func (l *leads) addNear(b *bankView, c *chunk, hits []hamming.Hit) {
	for _, h := range hits {
		if _, has := c.regionsOf(h.Pos); has && !c.isDead(h.Pos) {
			l.offer(lead{b, c.slots[h.Pos], -h.Dist})
		}
	}
}
