package index

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// TestReferenceAcrossBlocks: a reference whose codes lie in two blocks of the set
// is one match, with the distance of the nearer.
func TestReferenceAcrossBlocks(t *testing.T) {
	x := shop(t)
	r := rand.New(rand.NewPCG(31, 32))
	refs := []Reference{{Bank: "fakes", ID: "first", Fingerprint: hash.FromPDQ(anyCode(r), 90)}}
	for i := range chunkSize/2 + 2 {
		refs = append(refs, Reference{Bank: "fakes", ID: fmt.Sprint(i), Fingerprint: hash.FromCodes(anyCode(r), anyCode(r), 90)})
	}
	mustAdd(t, x, refs...)
	for _, ref := range refs[chunkSize/2-2:] {
		full, _ := ref.Fingerprint.Code(hash.Full)
		trimmed, _ := ref.Fingerprint.Code(hash.Trimmed)
		for _, q := range []struct{ full, trimmed, want int }{{3, 9, 3}, {8, 2, 2}, {4, 4, 4}} {
			f := hash.FromCodes(flip(full, q.full), flip(trimmed, q.trimmed), 90)
			want := fmt.Sprintf("[fakes/%s strong %d]", ref.ID, q.want)
			if got := fmt.Sprint(near(t, x, f, NearOptions{Upright: true})); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}

// TestWriterSeesItsBatch: conflicts with what the same batch added are found, and
// what it added can be taken away again.
func TestWriterSeesItsBatch(t *testing.T) {
	x := shop(t)
	c := anyCode(rand.New(rand.NewPCG(33, 34)))
	a := Reference{Bank: "fakes", ID: "a", Fingerprint: hash.FromCodes(c, flip(c, 90), 90)}
	b := Reference{Bank: "real", ID: "b", Fingerprint: hash.FromPDQ(flip(c, 7), 90), Opinion: Confirmed}
	_, err := x.submit(t.Context(), func(w *batch, _ *request) error {
		add := func(ref Reference) error {
			return w.put(t.Context(), &put{ref: ref, options: RegisterOptions{Check: true}})
		}
		a.Opinion = Confirmed
		if err := add(a); err != nil {
			return err
		}
		if err := add(b); err == nil {
			return fmt.Errorf("no conflict with what the batch added")
		}
		if err := w.removeAll("fakes", []string{"a"}); err != nil {
			return err
		}
		if err := add(b); err != nil {
			return err
		}
		if err := w.removeAll("real", []string{"b"}); err != nil {
			return err
		}
		return add(a)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := near(t, x, b.Fingerprint, NearOptions{}); len(got) != 1 {
		t.Errorf("found %v, want a alone", got)
	}
	mustCheck(t, x)
}

// TestCheckOfCodes: Check sees a set that holds a code too many, or not the one on
// disk.
func TestCheckOfCodes(t *testing.T) {
	for _, c := range []struct {
		change func(*radius.Edit)
		want   string
	}{
		{func(e *radius.Edit) { e.Add(tagOf(1000, hash.Full), hash.Code{1}) }, "5 codes in memory, counted 4"},
		{func(e *radius.Edit) { e.Remove(tagOf(2, hash.Trimmed)) }, "slot 2 of bank fakes is another one in memory"},
	} {
		x := shop(t)
		r := rand.New(rand.NewPCG(37, 38))
		for i := range 2 {
			mustAdd(t, x, Reference{Bank: "fakes", ID: fmt.Sprint(i), Fingerprint: hash.FromCodes(anyCode(r), anyCode(r), 90)})
		}
		mustCheck(t, x)
		_, err := x.submit(t.Context(), func(w *batch, _ *request) error {
			b, _ := w.bank("fakes")
			c.change(w.editOf(w.own(b)))
			w.showCodes()
			x.republish(&w.state)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Check(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestLeadsByHash compares the leads of a thorough search with those that plain
// loops over all pairs give.
func TestLeadsByHash(t *testing.T) {
	x := shop(t)
	some := someFeatures(t)
	r := rand.New(rand.NewPCG(35, 36))
	c := anyCode(r)
	from := func(n int) hash.Code { return flip(c, 8*r.IntN(n)) } // so that many are equally far
	var refs []Reference
	for i := range 300 {
		ref := Reference{Bank: []string{"fakes", "real"}[i%2], ID: fmt.Sprint(i), Fingerprint: hash.FromCodes(from(12), from(12), 90)}
		if i%3 != 0 {
			ref.Features = some[i%3]
		}
		refs = append(refs, ref)
	}
	mustAdd(t, x, refs...)
	if err := x.Remove(t.Context(), "fakes", "2", "4", "10"); err != nil {
		t.Fatal(err)
	}
	s := x.acquire()
	defer s.release()
	with := s.searcher()
	defer s.giveBack(with)
	for round := range 20 {
		var parts []inside
		var codes []hash.Code
		for range 10 {
			codes = append(codes, from(12))
			parts = append(parts, inside{variant: hash.Variant{Code: codes[len(codes)-1]}})
		}
		near, within := newLeads(nearLeads), newLeads(innerLeads)
		wantNear, wantWithin := map[Kind][]string{}, map[Kind][]string{}
		for _, b := range s.banks {
			if err := near.addNear(t.Context(), with, b, codes); err != nil {
				t.Fatal(err)
			}
			if err := within.addInner(t.Context(), with, b, parts); err != nil {
				t.Fatal(err)
			}
			wantNear[b.Kind] = leadsByLoops(b, codes, nearRadius, nearLeads, false)
			wantWithin[b.Kind] = leadsByLoops(b, codes, innerRadius, innerLeads, true)
		}
		for _, k := range []Kind{Fake, Genuine} {
			if got := leadsAsText(near.kinds[k], parts); !slices.Equal(got, wantNear[k]) || len(got) != nearLeads {
				t.Errorf("round %d, near, %s: %v, want %v", round, k, got, wantNear[k])
			}
			if got := leadsAsText(within.kinds[k], parts); !slices.Equal(got, wantWithin[k]) || len(got) != innerLeads {
				t.Errorf("round %d, inner, %s: %v, want %v", round, k, got, wantWithin[k])
			}
		}
	}
}

func leadsAsText(list []lead, parts []inside) (s []string) {
	for _, l := range list {
		text := fmt.Sprintf("%d %d", l.slot, l.score)
		for i := range parts {
			if l.inner == &parts[i] {
				text += fmt.Sprintf(" %d %d", i, l.frame)
			}
		}
		s = append(s, text)
	}
	return s
}

func leadsByLoops(b *bankView, codes []hash.Code, r, limit int, inner bool) (s []string) {
	type pairing struct {
		slot  uint64
		dist  int
		query int
		frame hash.Frame
	}
	var all []pairing
	for _, c := range b.chunks {
		for pos, slot := range c.slots {
			col, alive := b.column(slot)
			if !alive || !c.hasFeatures(pos) {
				continue
			}
			best := pairing{dist: r + 1}
			for i, code := range codes {
				if d := code.Distance(col.codes[hash.Full]); d < best.dist {
					best = pairing{slot, d, i, hash.Full}
				}
				for fr, more := range col.more {
					if d := code.Distance(more); d < best.dist {
						best = pairing{slot, d, i, fr}
					}
				}
			}
			if best.dist <= r {
				all = append(all, best)
			}
		}
	}
	slices.SortFunc(all, func(a, b pairing) int { return cmp.Or(cmp.Compare(a.dist, b.dist), cmp.Compare(a.slot, b.slot)) })
	for _, p := range all[:min(limit, len(all))] {
		text := fmt.Sprintf("%d %d", p.slot, -p.dist)
		if inner {
			text += fmt.Sprintf(" %d %d", p.query, p.frame)
		}
		s = append(s, text)
	}
	return s
}
