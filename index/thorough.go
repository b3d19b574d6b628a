package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
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

// The most leads of each kind of bank, and the distances that they may have.
const (
	votedLeads  = 12
	nearLeads   = 4
	nearRadius  = 72 // bits of PDQ; strangers are as near once in a thousand pairs
	innerLeads  = 6
	innerRadius = 46
)

// lead is a candidate of the thorough search.
type lead struct {
	bank  *bankView
	slot  uint64
	score int        // what it was chosen by, more is better
	inner *inside    // nil if not by an inner picture
	frame hash.Frame // of the reference, for an inner picture
}

// leads keeps the best of each kind of bank.
type leads struct {
	limit int
	kinds map[Kind][]lead
}

func newLeads(limit int) *leads { return &leads{limit, map[Kind][]lead{}} }

// offer takes up a reference, if it is alive, has features and is among the best;
// once, by the best score.
func (l *leads) offer(n lead) {
	list := l.kinds[n.bank.Kind]
	if len(list) == l.limit && compareLeads(n, list[l.limit-1]) >= 0 || !n.bank.hasFeatures(n.slot) {
		return
	}
	if old := slices.IndexFunc(list, func(o lead) bool { return o.slot == n.slot }); old >= 0 {
		if compareLeads(list[old], n) <= 0 {
			return
		}
		list = slices.Delete(list, old, old+1)
	}
	i, _ := slices.BinarySearchFunc(list, n, compareLeads)
	list = slices.Insert(list, i, n)
	l.kinds[n.bank.Kind] = list[:min(len(list), l.limit)]
}

func compareLeads(a, b lead) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.bank.Name, b.bank.Name), cmp.Compare(a.slot, b.slot))
}

// all returns what is kept, fakes first.
func (l *leads) all() []lead { return append(slices.Clone(l.kinds[Fake]), l.kinds[Genuine]...) }

// thorough returns the matches that the checks of mode Thorough find in the
// banks; a reference that mode Fast found may come again, with further evidence.
// complete is that of nearWith.
func (s *snapshot) thorough(ctx context.Context, banks []*bankView, f hash.Fingerprint, info hash.Info, complete func() hash.Fingerprint) ([]Match, error) {
	if !slices.ContainsFunc(banks, (*bankView).hasRegions) {
		return nil, nil
	}
	scene := info.Scene()
	if scene == nil {
		return nil, nil
	}
	leads, err := s.leads(ctx, banks, f, scene, info.Inner())
	if err != nil {
		return nil, err
	}
	var found []candidate
	for _, l := range leads {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		of, err := s.readFeatures(s.txn, l.slot)
		if err != nil {
			return nil, fmt.Errorf("features in bank %s: %w", l.bank.Name, err)
		}
		if of == nil {
			return nil, fmt.Errorf("slot %d of bank %s has regions, but no features: %w", l.slot, l.bank.Name, ErrCorrupt)
		}
		a, ok := l.align(scene, of)
		a.Template = a.Template && a.Evidence < l.bank.Policy.GeometryWeak && l.bank.Policy.GeometryWeak < maxGeometry
		if ok && (a.Evidence >= l.bank.Policy.GeometryWeak || a.Template) {
			n := newCandidate(l.bank, l.slot, CheckGeometry, a.Evidence)
			n.alignment = &a
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	q, err := newQuery(complete(), NearOptions{})
	if err != nil {
		return nil, err
	}
	ms := make([]Match, len(found))
	for i, c := range found {
		if ms[i], err = q.verify(s.txn, c); err != nil {
			return nil, err
		}
	}
	return mergeMatches(ms), nil
}

// inside is an inner picture under one of its variants.
type inside struct {
	hash.Inner
	variant hash.Variant
}

func (l *lead) align(scene *hash.Scene, f *hash.Features) (hash.Alignment, bool) {
	if l.inner != nil {
		return scene.AlignInner(f, l.inner.Inner, l.frame, l.inner.variant.Transform)
	}
	return scene.Align(f)
}

// leads returns the candidates of all kinds. A reference may come twice, once
// by an inner picture.
func (s *snapshot) leads(ctx context.Context, banks []*bankView, f hash.Fingerprint, scene *hash.Scene, inner []hash.Inner) ([]lead, error) {
	voted, near, within := newLeads(votedLeads), newLeads(nearLeads), newLeads(innerLeads)
	parts := insides(inner)
	ballot := votes.NewQuery(scene)
	for _, b := range banks {
		for _, c := range b.chunks {
			ballot.Count(c.files)
		}
	}
	with := s.searcher()
	defer s.giveBack(with)
	for _, b := range banks {
		if b.Main != hash.PDQ || !b.hasRegions() {
			continue
		}
		for _, c := range b.chunks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			voted.addVoted(b, c, ballot.Scores(c.files, len(c.slots)))
		}
		if err := near.addNear(ctx, with, b, codesIn(f.Variants())); err != nil {
			return nil, err
		}
		if err := within.addInner(ctx, with, b, parts); err != nil {
			return nil, err
		}
	}
	all := append(voted.all(), near.all()...)
	slices.SortFunc(all, func(a, b lead) int { return cmp.Compare(a.slot, b.slot) })
	all = slices.CompactFunc(all, func(a, b lead) bool { return a.slot == b.slot })
	return append(all, within.all()...), nil
}

func insides(inner []hash.Inner) (in []inside) {
	for _, n := range inner {
		for _, v := range n.Variants() {
			in = append(in, inside{Inner: n, variant: v})
		}
	}
	return in
}

func codesIn(vs []hash.Variant) (codes []hash.Code) {
	for _, v := range vs {
		codes = append(codes, v.Code)
	}
	return codes
}

func (l *leads) addVoted(b *bankView, c *chunk, scores []uint32) {
	for pos, n := range scores {
		if n > 0 {
			l.offer(lead{bank: b, slot: c.slots[pos], score: int(n)})
		}
	}
}

// addNear offers the references of a bank whose codes are nearest. Each has at most
// as many codes as there are frames, so among so many times the limit are enough
// references.
func (l *leads) addNear(ctx context.Context, with *searcher, b *bankView, codes []hash.Code) error {
	q := radius.Query{Codes: codes, Radius: nearRadius}
	accept := func(tag uint64) bool { return b.hasFeatures(slotOf(tag)) }
	hits, err := with.codes.Nearest(ctx, b.codes, q, l.limit*hash.Frames, accept)
	for _, h := range hits {
		l.offer(lead{bank: b, slot: slotOf(h.Tag), score: -int(h.Dist)})
	}
	return err
}

// addInner searches all inner pictures, under all their variants, at once.
func (l *leads) addInner(ctx context.Context, with *searcher, b *bankView, parts []inside) error {
	codes := make([]hash.Code, len(parts))
	for i, p := range parts {
		codes[i] = p.variant.Code
	}
	return with.each(ctx, b, codes, innerRadius, 0, radius.Auto, func(p pair) error {
		l.offer(lead{bank: b, slot: p.slot, score: -p.dist, inner: &parts[p.query], frame: p.frame})
		return nil
	})
}
