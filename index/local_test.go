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

var readShots = sync.OnceValues(func() (ss []*shot, err error) {
	read := func(name string) ([]byte, *image.NRGBA, error) {
		img, err := edits.Load("../testdata/demo/references/" + name + ".jpg")
		if err != nil {
			return nil, nil, err
		}
		return edits.JPEG(img, 92), img, nil
	}
	_, ground, err := read("acme-genuine/microwave")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{
		"acme-fakes/boots-blue", "acme-fakes/dress-floral", "acme-fakes/drill-red", "acme-fakes/shoes-camouflage",
		"acme-genuine/compass", "acme-genuine/goggles", "acme-genuine/espresso-machine", "acme-genuine/backpack-olive",
	} {
		b, img, err := read(name)
		if err != nil {
			return nil, err
		}
		s := &shot{name: name, file: b, pasted: edits.JPEG(imaging.Paste(ground, edits.Scale(img, .4, .4), image.Pt(270, 180)), 90)}
		var info hash.Info
		if s.fingerprint, info, err = hash.Read(context.Background(), bytes.NewReader(b), hash.Limits{}); err != nil {
			return nil, err
		}
		s.features, s.scene = info.Features(), info.Scene()
		ss = append(ss, s)
	}
	return ss, nil
})

// shots are some photos, the same each time.
func shots(t testing.TB) []*shot {
	t.Helper()
	ss, err := readShots()
	if err != nil {
		t.Fatal(err)
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
		for pos, n := range q.Scores(c.files, len(c.slots), s.locals()/hash.MaxPoints) {
			if !c.isDead(pos) {
				got[c.slots[pos]] = n
			}
		}
	}
	return got
}

// TestVotesFollowReferences: whatever happens to references, a photo votes for
// those that have its local features, and for no others.
func TestVotesFollowReferences(t *testing.T) {
	x := shop(t)
	ss := shots(t)[:4]
	r := rand.New(rand.NewPCG(1, 2))
	has := map[string]int{} // of each reference, the photo whose features it has; -1 none
	gone := map[string]bool{}
	next, compactions := 0, 0
	some := func() string {
		list := make([]string, 0, len(has))
		for id := range has {
			list = append(list, id)
		}
		slices.Sort(list)
		return list[r.IntN(len(list))]
	}
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
		steps = 40
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
		case n < 7:
			id := some()
			if err := x.Remove(t.Context(), "fakes", id); err != nil {
				t.Fatal(err)
			}
			delete(has, id)
			delete(gone, id)
			what = "remove " + id
		default:
			id, o := some(), Confirmed
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
	if compactions == 0 {
		t.Error("no chunk was written anew")
	}
	mustCheck(t, x)
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
	ss := shots(t)[:5]
	least, most := hash.MaxPoints, 0
	for _, s := range ss {
		least, most = min(least, s.features.Points()), max(most, s.features.Points())
	}
	for _, c := range []struct {
		limit, want int // references that are found
	}{{0, 5}, {-1, 0}, {1, 0}, {least - 1, 0}, {2 * most, 2}, {2*most + least - 1, 2}, {5 * most, 5}} {
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
				got := found(t, x, shot.pasted)
				if i > 0 && i < 4 && c.want > 0 && c.want < 5 && i != c.want {
					continue // the edges will do
				}
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
