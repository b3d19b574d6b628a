package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// TestThoroughAfterChanges: what a thorough search finds does not depend on how a
// reference came to be as it is, nor on whether the store was opened again.
func TestThoroughAfterChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("judges many pictures, which takes long under the race detector")
	}
	dir := t.TempDir()
	x := mustOpen(t, dir, nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	ss := shots(t, 8)
	r := rand.New(rand.NewPCG(5, 6))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	complete := func(bank, id string, s *shot) {
		t.Helper()
		if done, err := x.Complete(t.Context(), bank, id, bytes.NewReader(s.file)); err != nil || !done {
			t.Fatalf("complete: %t, %v", done, err)
		}
	}
	// Photo 0 is registered; 1 is added; 2 is withdrawn; 3 was withdrawn; 4 is
	// removed; 5 is completed; 6 replaces 0 under another id; 7 is a bare code.
	register(t, x, Reference{Bank: "fakes", ID: "registered"}, ss[0].file, RegisterOptions{})
	mustAdd(t, x, Reference{Bank: "real", ID: "added", Fingerprint: ss[1].fingerprint, Features: ss[1].features})
	for i, id := range map[int]string{2: "withdrawn", 3: "restored", 4: "removed"} {
		mustAdd(t, x, Reference{Bank: "fakes", ID: id, Fingerprint: ss[i].fingerprint, Features: ss[i].features})
	}
	must(x.SetOpinion(t.Context(), "fakes", "withdrawn", Withdrawn))
	must(x.SetOpinion(t.Context(), "fakes", "restored", Withdrawn))
	must(x.SetOpinion(t.Context(), "fakes", "restored", Confirmed))
	must(x.Remove(t.Context(), "fakes", "removed"))
	mustAdd(t, x, Reference{Bank: "real", ID: "completed", Fingerprint: ss[5].fingerprint})
	mustAdd(t, x, Reference{Bank: "real", ID: "withdrawn and completed", Fingerprint: ss[5].fingerprint, Opinion: Withdrawn})
	complete("real", "completed", ss[5])
	complete("real", "withdrawn and completed", ss[5])
	register(t, x, Reference{Bank: "fakes", ID: "replaced"}, ss[0].file, RegisterOptions{})
	register(t, x, Reference{Bank: "fakes", ID: "replaced"}, ss[6].file, RegisterOptions{Replace: true})
	mustAdd(t, x, Reference{Bank: "fakes", ID: "bare", Fingerprint: hash.FromPDQ(anyCode(r), 90)})
	want := [][]string{{"fakes/registered"}, {"real/added"}, nil, {"fakes/restored"}, nil, {"real/completed"}, {"fakes/replaced"}, nil}
	check := func(when string) {
		t.Helper()
		for i, s := range ss {
			var w []string
			for _, id := range want[i] {
				w = append(w, id+" by geometry")
			}
			if got := found(t, x, s.pasted); !slices.Equal(got, w) {
				t.Errorf("%s: photo %d finds %v, want %v", when, i, got, w)
			}
		}
		mustCheck(t, x)
	}
	check("at first")
	must(x.Close())
	x = mustOpen(t, dir, nil)
	check("opened again")
	must(x.SetOpinion(t.Context(), "fakes", "withdrawn", Seed))
	must(x.SetOpinion(t.Context(), "real", "withdrawn and completed", Seed))
	must(x.SetOpinion(t.Context(), "real", "added", Withdrawn))
	want[1], want[2], want[5] = nil, []string{"fakes/withdrawn"}, []string{"real/completed", "real/withdrawn and completed"}
	check("opinions changed")
	must(x.Close())
	o := testOptions()
	o.ReadOnly = true
	x = mustOpen(t, dir, o)
	check("opened to read only")
}

// TestBothKindsAppear: many references of one kind do not crowd out the other
// kind, and a photo that both kinds have is a conflict.
func TestBothKindsAppear(t *testing.T) {
	x := shop(t)
	r := rand.New(rand.NewPCG(7, 8))
	s := shots(t, 1)[0]
	var refs []Reference
	for i := range 3 * votedLeads {
		refs = append(refs, Reference{Bank: "fakes", ID: fmt.Sprintf("%02d", i), Fingerprint: hash.FromPDQ(anyCode(r), 90), Features: s.features})
	}
	refs = append(refs, Reference{Bank: "real", ID: "the photo", Fingerprint: hash.FromPDQ(anyCode(r), 90), Features: s.features})
	mustAdd(t, x, refs...)
	v := judge(t, x, s.pasted, JudgeOptions{Limit: 100})
	var list []string
	for _, m := range v.Matches {
		list = append(list, m.Bank+"/"+m.ID)
	}
	if v.Outcome != Conflict || !slices.Contains(list, "real/the photo") {
		t.Errorf("%s: %v", v.Outcome, list)
	}
	fakes := slices.DeleteFunc(list, func(id string) bool { return !strings.HasPrefix(id, "fakes/") })
	if len(fakes) != votedLeads || fakes[0] != "fakes/00" || fakes[len(fakes)-1] != fmt.Sprintf("fakes/%02d", votedLeads-1) {
		t.Errorf("of equal ones the first %d should be verified: %v", votedLeads, fakes)
	}
	// Without the genuine one, or among one bank, there is no conflict.
	if v := judge(t, x, s.pasted, JudgeOptions{Banks: []string{"real"}}); v.Outcome != KnownGenuine || len(v.Matches) != 1 {
		t.Errorf("among the genuine: %s, %d matches", v.Outcome, len(v.Matches))
	}
}

// TestBanksWeighAlike: a photo gets as many votes in a bank of its own as among
// others, or small banks would be crowded out by large ones.
func TestBanksWeighAlike(t *testing.T) {
	x := shop(t)
	r := rand.New(rand.NewPCG(11, 12))
	all := shots(t, 6)
	add := func(bank string, i int) Reference {
		return Reference{Bank: bank, ID: fmt.Sprint(i), Fingerprint: hash.FromPDQ(anyCode(r), 90), Features: all[i].features}
	}
	refs := []Reference{add("real", 0)}
	for i := range all {
		refs = append(refs, add("fakes", i))
	}
	mustAdd(t, x, refs...)
	s := x.acquire()
	defer s.release()
	leads, err := s.leads(t.Context(), s.banks, hash.FromPDQ(anyCode(r), 90), all[0].scene, nil)
	if err != nil {
		t.Fatal(err)
	}
	best := map[Kind]int{}
	for _, l := range leads {
		best[l.bank.Kind] = max(best[l.bank.Kind], l.score)
	}
	if best[Genuine] == 0 || best[Genuine] != best[Fake] {
		t.Errorf("%d votes alone, %d among others", best[Genuine], best[Fake])
	}
}

// TestLeadsKeepTheBest: of each kind the best, in an order that does not depend on
// the order in which they are offered; each reference once.
func TestLeadsKeepTheBest(t *testing.T) {
	fakes, real := &bankView{Bank: Bank{Name: "fakes", Kind: Fake}}, &bankView{Bank: Bank{Name: "real", Kind: Genuine}}
	offers := []struct {
		b          *bankView
		pos, score int
	}{{fakes, 0, 7}, {fakes, 1, 9}, {fakes, 2, 5}, {fakes, 3, 7}, {fakes, 4, 100}, {fakes, 1, 3}, {fakes, 2, 8}, {fakes, 5, 200}, {real, 0, 1}, {real, 3, 2}}
	for _, b := range []*bankView{fakes, real} {
		c := newChunk(6)
		for pos := range 6 {
			c.push(uint64(pos + 1))
			if pos != 5 {
				c.pushRegions([]hamming.Row{{1}})
			}
		}
		b.chunks = []*chunk{c.without(4)} // dead
	}
	want := "fakes/2 9 fakes/3 8 fakes/1 7 real/4 2 real/1 1"
	r := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		r.Shuffle(len(offers), func(i, j int) { offers[i], offers[j] = offers[j], offers[i] })
		l := newLeads(3)
		for _, o := range offers {
			l.offer(lead{bank: o.b, slot: uint64(o.pos + 1), score: o.score})
		}
		var got []string
		for _, n := range l.all() {
			got = append(got, fmt.Sprintf("%s/%d %d", n.bank.Name, n.slot, n.score))
		}
		if strings.Join(got, " ") != want {
			t.Fatalf("%v, want %s, offered %+v", got, want, offers)
		}
	}
}

// TestThoroughWhileWriting: searches beside writers find what does not change.
func TestThoroughWhileWriting(t *testing.T) {
	x := shop(t)
	ss := shots(t, 4)
	mustAdd(t, x, Reference{Bank: "real", ID: "stays", Fingerprint: ss[3].fingerprint, Features: ss[3].features})
	steps := 24
	if testing.Short() {
		steps = 8
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		r := rand.New(rand.NewPCG(11, 12))
		for i := range steps {
			s := ss[i%4%3]
			ref := Reference{Bank: "fakes", ID: fmt.Sprint(i), Fingerprint: hash.FromPDQ(anyCode(r), 90), Features: s.features}
			if _, err := x.Add(t.Context(), ref); err != nil {
				t.Error(err)
			}
			switch {
			case i%4 == 1:
				if err := x.SetOpinion(t.Context(), "fakes", ref.ID, Withdrawn); err != nil {
					t.Error(err)
				}
			case i%4 == 3:
				if err := x.Remove(t.Context(), "fakes", fmt.Sprint(i-1), ref.ID); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for {
				v, err := x.Judge(t.Context(), bytes.NewReader(ss[3].pasted), JudgeOptions{})
				if err != nil || len(v.Matches) != 1 || v.Matches[0].ID != "stays" || v.Matches[0].Check != CheckGeometry {
					t.Errorf("%+v, %v", v.Matches, err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
	// Those of photo 0 were added and stayed; of 2 all were removed.
	if got := found(t, x, ss[0].pasted); len(got) != min(votedLeads, (steps+3)/4) {
		t.Errorf("%d references with photo 0: %v", (steps+3)/4, got)
	}
	if got := found(t, x, ss[2].pasted); len(got) != 0 {
		t.Errorf("photo 2 was removed: %v", got)
	}
	mustCheck(t, x)
}

// TestThoroughAgain: the same picture has the same matches every time.
func TestThoroughAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("judges many pictures, which takes long under the race detector")
	}
	x := shop(t)
	for i, s := range shots(t, 3) {
		mustAdd(t, x, Reference{Bank: []string{"fakes", "real"}[i%2], ID: fmt.Sprint(i), Fingerprint: s.fingerprint, Features: s.features})
	}
	for _, s := range shots(t, 2) {
		a := judge(t, x, s.pasted, JudgeOptions{})
		b := judge(t, x, s.pasted, JudgeOptions{})
		if first, second := marshal(t, a), marshal(t, b); !bytes.Equal(first, second) {
			t.Errorf("first  %s\nsecond %s", first, second)
		}
		if len(a.Matches) != 1 || a.Matches[0].Check != CheckGeometry {
			t.Errorf("%s", marshal(t, a))
		}
	}
}
