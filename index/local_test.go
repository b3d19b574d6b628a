package index

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	edits "github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/votes"
)

// shot is a photo of the demo with what is kept of it.
type shot struct {
	name        string
	file        []byte
	fingerprint hash.Fingerprint
	features    *hash.Features
	scene       *hash.Scene
	pasted      []byte // the photo, small, in a photo that is in no bank
}

// readShots read one photo each, once.
var readShots = func() (reads []func() (*shot, error)) {
	for _, name := range []string{
		"acme-fakes/boots-blue", "acme-fakes/dress-floral", "acme-fakes/drill-red", "acme-fakes/shoes-camouflage",
		"acme-genuine/compass", "acme-genuine/goggles", "acme-genuine/espresso-machine", "acme-genuine/backpack-olive",
	} {
		reads = append(reads, sync.OnceValues(func() (*shot, error) { return readShot(name) }))
	}
	return reads
}()

func readShot(name string) (*shot, error) {
	img, err := edits.Load("../testdata/demo/references/" + name + ".jpg")
	if err != nil {
		return nil, err
	}
	ground, err := edits.Load("../testdata/demo/references/acme-genuine/microwave.jpg")
	if err != nil {
		return nil, err
	}
	s := &shot{name: name, file: edits.JPEG(img, 92)}
	s.pasted = edits.JPEG(imaging.Paste(ground, edits.Scale(img, .4, .4), image.Pt(270, 180)), 90)
	var info hash.Info
	if s.fingerprint, info, err = hash.Read(context.Background(), bytes.NewReader(s.file), hash.Limits{Timeout: time.Minute}); err != nil {
		return nil, err
	}
	s.features, s.scene = info.Features(), info.Scene()
	return s, nil
}

// shots are the first n of eight photos, the same each time.
func shots(t testing.TB, n int) (ss []*shot) {
	t.Helper()
	for _, read := range readShots[:n] {
		s, err := read()
		if err != nil {
			t.Fatal(err)
		}
		ss = append(ss, s)
	}
	return ss
}

// votedFor returns the positions that a scene votes for in all chunks of a bank
// and how strongly, by slot.
func votedFor(s *snapshot, bank string, scene *hash.Scene) map[uint64]uint32 {
	q := votes.NewQuery(scene)
	b, _ := s.bank(bank)
	got := map[uint64]uint32{}
	for _, c := range b.chunks {
		q.Count(c.files)
	}
	for _, c := range b.chunks {
		for pos, n := range q.Scores(c.files, len(c.slots)) {
			if !c.isDead(pos) {
				got[c.slots[pos]] = n
			}
		}
	}
	return got
}

// addLate gives features to a reference that has none, as Complete does.
func addLate(t *testing.T, x *Index, id string, of *hash.Features) {
	t.Helper()
	f, err := packed(of)
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.submit(t.Context(), func(w *batch, _ *request) error {
		b, _ := w.bank("fakes")
		slot, _, err := w.lookUp(b, id)
		if err == nil {
			_, err = w.addFeatures("fakes", id, slot, f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestVotesFollowReferences: whatever happens to references, a photo votes for
// those that have its local features, and for no others; also after the store was
// opened again.
func TestVotesFollowReferences(t *testing.T) {
	dir := t.TempDir()
	x := mustOpen(t, dir, nil)
	mustCreate(t, x, "fakes", Fake)
	ss := shots(t, 3)
	r := rand.New(rand.NewPCG(1, 2))
	has := map[string]int{} // of each reference, the photo whose features it has; -1 none
	gone := map[string]bool{}
	next, compactions, late := 0, 0, 0
	some := func(ok func(string) bool) string {
		var list []string
		for id := range has {
			if ok(id) {
				list = append(list, id)
			}
		}
		if len(list) == 0 {
			return ""
		}
		slices.Sort(list)
		return list[r.IntN(len(list))]
	}
	any := func(string) bool { return true }
	check := func(what string) {
		t.Helper()
		s := x.acquire()
		defer s.release()
		b, _ := s.bank("fakes")
		for k, shot := range ss {
			got := votedFor(s, "fakes", shot.scene)
			own, other := ^uint32(0), uint32(0)
			for id, of := range has {
				slot, _, err := s.lookUp(s.txn, b, id)
				if err != nil {
					t.Fatal(err)
				}
				n, alive := got[slot]
				if alive == gone[id] {
					t.Fatalf("%s: reference %s withdrawn: %t, in memory: %t", what, id, gone[id], alive)
				}
				switch {
				case gone[id]:
				case of == k:
					own = min(own, n)
				case of >= 0:
					other = max(other, n)
				case n != 0:
					t.Fatalf("%s: reference %s without features has %d votes", what, id, n)
				}
			}
			if own < 3*other || own == 0 {
				t.Fatalf("%s: photo %d gives its references %d votes, others up to %d", what, k, own, other)
			}
		}
	}
	steps := 120
	if testing.Short() {
		steps = 60
	}
	for i := range steps {
		s := x.acquire()
		b, _ := s.bank("fakes")
		before := 0
		for _, c := range b.chunks {
			before += len(c.slots)
		}
		s.release()
		what := ""
		bare := some(func(id string) bool { return has[id] < 0 })
		switch n := r.IntN(10); {
		case n < 4 || len(has) < 4:
			id, of := fmt.Sprint(next), r.IntN(len(ss)+1)-1
			next++
			ref := Reference{Bank: "fakes", ID: id, Fingerprint: hash.FromPDQ(anyCode(r), 90)}
			if of >= 0 {
				ref.Features = ss[of].features
			}
			mustAdd(t, x, ref)
			has[id] = of
			what = "add " + id
		case n == 4 && bare != "": // it gets features late
			late++
			of := r.IntN(len(ss))
			addLate(t, x, bare, ss[of].features)
			has[bare] = of
			what = "complete " + bare
		case n < 7:
			id := some(any)
			if err := x.Remove(t.Context(), "fakes", id); err != nil {
				t.Fatal(err)
			}
			delete(has, id)
			delete(gone, id)
			what = "remove " + id
		default:
			id, o := some(any), Confirmed
			if !gone[id] {
				o = Withdrawn
			}
			if err := x.SetOpinion(t.Context(), "fakes", id, o); err != nil {
				t.Fatal(err)
			}
			gone[id] = !gone[id]
			what = fmt.Sprintf("%s is %s", id, o)
		}
		s = x.acquire()
		b, _ = s.bank("fakes")
		after := 0
		for _, c := range b.chunks {
			after += len(c.slots)
		}
		s.release()
		if after < before-1 {
			compactions++
		}
		check(fmt.Sprintf("step %d, %s", i, what))
	}
	if compactions == 0 || late == 0 {
		t.Errorf("%d chunks were written anew, %d references got features late", compactions, late)
	}
	mustCheck(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = mustOpen(t, dir, nil)
	check("opened again")
}

// found lists the references that a picture leads to in mode Thorough.
func found(t testing.TB, x *Index, picture []byte) (list []string) {
	t.Helper()
	v, err := x.Judge(t.Context(), bytes.NewReader(picture), JudgeOptions{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range v.Matches {
		list = append(list, m.Bank+"/"+m.ID+" by "+string(m.Check))
	}
	slices.Sort(list)
	return list
}

// TestLocalFeaturesLimit: those that came first are found by their local
// features, before and after the store was opened again; the others are not.
func TestLocalFeaturesLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("judges many pictures, which takes long under the race detector")
	}
	ss := shots(t, 5)
	least, most := hash.MaxPoints, 0
	for _, s := range ss {
		least, most = min(least, s.features.Points()), max(most, s.features.Points())
	}
	for _, c := range []struct {
		limit, want int // references that are found
	}{{0, 5}, {-1, 0}, {least - 1, 0}, {2*most + least - 1, 2}} {
		dir := t.TempDir()
		o := testOptions()
		o.LocalFeatures = c.limit
		x := mustOpen(t, dir, o)
		mustCreate(t, x, "fakes", Fake)
		r := rand.New(rand.NewPCG(3, 4))
		for _, s := range ss {
			mustAdd(t, x, Reference{Bank: "fakes", ID: s.name, Fingerprint: hash.FromPDQ(anyCode(r), 90), Features: s.features})
		}
		for _, again := range []bool{false, true} {
			if again {
				if err := x.Close(); err != nil {
					t.Fatal(err)
				}
				x = mustOpen(t, dir, o)
			}
			s := x.acquire()
			if n := s.locals(); c.limit > 0 && n > c.limit || c.limit < 0 && n != 0 {
				t.Errorf("limit %d, opened again %t: %d local features in memory", c.limit, again, n)
			}
			for i, shot := range ss {
				n := 0
				for _, v := range votedFor(s, "fakes", shot.scene) {
					if v > 0 {
						n++
					}
				}
				if n > c.want {
					t.Errorf("limit %d, opened again %t: votes for %d references, want at most %d", c.limit, again, n, c.want)
				}
				if i > 0 && i < 4 && i != c.want-1 && i != c.want {
					continue // the edges will do
				}
				got := found(t, x, shot.pasted)
				if (len(got) == 1) != (i < c.want) || len(got) > 1 {
					t.Errorf("limit %d, opened again %t: photo %d finds %v", c.limit, again, i, got)
				}
			}
			s.release()
		}
		mustCheck(t, x)
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
