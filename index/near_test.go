package index

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
)

// TestNearCrowd: the thousands of copies of one photo that a fake bank may hold
// neither swell the answer nor hide the genuine one.
func TestNearCrowd(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	c := hash.Code{1, 2, 3, 4}
	var refs []Reference
	for i := range 5000 {
		refs = append(refs, Reference{Bank: "fakes", ID: fmt.Sprintf("%04d", 4999-i), Fingerprint: hash.FromPDQ(flip(c, 2*(i%20)), 90)})
	}
	refs = append(refs, Reference{Bank: "real", ID: "a", Fingerprint: hash.FromPDQ(flip(c, 30), 90)})
	mustAdd(t, x, refs...)
	s := x.acquire()
	defer s.release()
	ms, more, err := s.near(t.Context(), hash.FromPDQ(c, 90), NearOptions{})
	if err != nil || len(ms) != 1001 || more != 4000 {
		t.Fatalf("%d matches and %d more, %v; want 1001 and 4000", len(ms), more, err)
	}
	if last := ms[len(ms)-1]; last.Bank != "real" {
		t.Errorf("last is %v, want the genuine one", ids(ms[1000:]))
	}
	if worst := ms[999].Distance.PDQ; worst != 6 {
		t.Errorf("kept distances up to %d, want the 250 each of 0, 2, 4 and 6", worst)
	}
	all, more, err := s.near(t.Context(), hash.FromPDQ(c, 90), NearOptions{Limit: -1})
	if err != nil || len(all) != 5001 || more != 0 {
		t.Errorf("unlimited: %d matches and %d more, %v", len(all), more, err)
	}
	v, err := x.JudgeFingerprint(t.Context(), hash.FromPDQ(c, 90), JudgeOptions{})
	if err != nil || v.Outcome != KnownFake || len(v.Matches)+v.More != 5001 {
		t.Errorf("verdict %s with %d and %d more, %v", v.Outcome, len(v.Matches), v.More, err)
	}
}

// TestNearUpright compares with the minimum over the pairs of frames.
func TestNearUpright(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	r := rand.New(rand.NewPCG(5, 6))
	c, d := anyCode(r), anyCode(r)
	mustAdd(t, x, Reference{Bank: "fakes", ID: "a", Fingerprint: hash.FromCodes(c, d, 90)})
	q := hash.FromCodes(anyCode(r), flip(d, 5), 90)
	turned := q.Variants()[7].Code // an orientation of one of its frames
	mustAdd(t, x, Reference{Bank: "fakes", ID: "b", Fingerprint: hash.FromPDQ(turned, 90)})
	if got := fmt.Sprint(near(t, x, q, NearOptions{})); got != "[fakes/b strong 0 fakes/a strong 5]" {
		t.Errorf("all orientations: %s", got)
	}
	ms, err := x.Near(t.Context(), q, NearOptions{Upright: true})
	if err != nil || fmt.Sprint(ids(ms)) != "[fakes/a strong 5]" {
		t.Fatalf("upright: %v, %v", ids(ms), err)
	}
	if d := ms[0].Distance; d.Transform != hash.Upright || d.QueryFrame != hash.Trimmed || d.ReferenceFrame != hash.Trimmed {
		t.Errorf("found by %v", d)
	}
	// With every radius the distances are upright ones, though others are less.
	wide := 256
	ms, err = x.Near(t.Context(), q, NearOptions{Upright: true, Radius: &wide})
	if err != nil || len(ms) != 2 || ms[1].Distance.Transform != hash.Upright || ms[1].Distance.PDQ < 47 {
		t.Errorf("wide: %v, %v", ids(ms), err)
	}
}

func TestNearExact(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	r := rand.New(rand.NewPCG(5, 6))
	c, sha := anyCode(r), Digest{1}
	mustAdd(t, x,
		Reference{Bank: "fakes", ID: "same", SHA256: sha, Fingerprint: hash.FromPDQ(c, 90)},
		Reference{Bank: "fakes", ID: "gone", SHA256: sha, Fingerprint: hash.FromPDQ(c, 90), Opinion: Withdrawn},
		Reference{Bank: "real", ID: "near", Fingerprint: hash.FromPDQ(c, 90)},
		Reference{Bank: "real", ID: "same", SHA256: sha, Fingerprint: hash.FromPDQ(c, 90)},
	)
	ms, err := x.Near(t.Context(), hash.FromPDQ(c, 90), NearOptions{SHA256: sha})
	if err != nil || fmt.Sprint(ids(ms)) != "[fakes/same exact 0 real/same exact 0 real/near strong 0]" {
		t.Fatalf("%v, %v", ids(ms), err)
	}
	if m := ms[0]; m.Score != 1 || m.Check != "sha256" || m.Threshold != 31 || m.Advise != Block || m.Relation != SamePhoto {
		t.Errorf("%+v", m)
	}
	if got := fmt.Sprint(near(t, x, hash.FromPDQ(c, 90), NearOptions{SHA256: sha, Banks: []string{"real"}})); got != "[real/same exact 0 real/near strong 0]" {
		t.Errorf("one bank: %s", got)
	}
}

// TestLimits: every limit is one, the largest number too.
func TestLimits(t *testing.T) {
	x := shop(t)
	c := hash.Code{1, 2, 3, 4}
	var refs []Reference
	for i := range 1100 {
		refs = append(refs, Reference{Bank: "fakes", ID: fmt.Sprintf("%04d", i), Fingerprint: hash.FromPDQ(c, 90)})
	}
	mustAdd(t, x, refs...)
	for limit, want := range map[int]int{0: 1000, 1: 1, -1: 1100, math.MinInt: 1100, math.MaxInt: 1100} {
		if got := near(t, x, hash.FromPDQ(c, 90), NearOptions{Limit: limit}); len(got) != want {
			t.Errorf("limit %d: %d matches, want %d", limit, len(got), want)
		}
	}
	for limit, want := range map[int]int{0: 20, 1: 1, math.MaxInt: 1000} {
		v, err := x.JudgeFingerprint(t.Context(), hash.FromPDQ(c, 90), JudgeOptions{Limit: limit})
		if err != nil || len(v.Matches) != want || len(v.Matches)+v.More != 1100 {
			t.Errorf("limit %d: %d matches and %d more, %v; want %d", limit, len(v.Matches), v.More, err, want)
		}
	}
}

// TestManyOfOneFile: the very same file may be stored under any number of ids.
// Records are read for those that are shown; here the others have none left.
func TestManyOfOneFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	x := mustOpen(t, dir, nil)
	mustCreate(t, x, "fakes", Fake)
	f, sha := hash.FromPDQ(hash.Code{1, 2, 3, 4}, 90), Digest{7}
	var refs []Reference
	for i := range 1100 {
		refs = append(refs, Reference{Bank: "fakes", ID: fmt.Sprintf("%04d", i), Fingerprint: f, SHA256: sha})
	}
	mustAdd(t, x, refs...)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, dir, deleting(recordKey(1050)))
	x = mustOpen(t, dir, nil)
	if got := near(t, x, f, NearOptions{SHA256: sha}); len(got) != 1000 || got[999] != "fakes/0999 exact 0" {
		t.Errorf("%d matches", len(got))
	}
	if _, err := x.Near(t.Context(), f, NearOptions{SHA256: sha, Limit: -1}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a record that is lost: %v, want ErrCorrupt", err)
	}
}

func TestNearRefuses(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	negative := -1
	ok := hash.FromPDQ(hash.Code{1}, 90)
	for _, c := range []struct {
		what string
		f    hash.Fingerprint
		o    NearOptions
		want error
	}{
		{"zero", hash.Fingerprint{}, NearOptions{}, ErrInvalid},
		{"unknown bank", ok, NearOptions{Banks: []string{"fakes", "x"}}, ErrNotFound},
		{"negative radius", ok, NearOptions{Radius: &negative}, ErrInvalid},
		{"a hash that the bank has not", hash.FromWord(hash.Perception, 1), NearOptions{Banks: []string{"fakes"}}, ErrInvalid},
		{"the same, not named", hash.FromWord(hash.Perception, 1), NearOptions{}, nil},
	} {
		if _, err := x.Near(t.Context(), c.f, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	if _, err := x.Near(t.Context(), hash.FromPDQ(hash.Code{1}, 49), NearOptions{}); err == nil {
		t.Error("a plain picture was searched")
	} else if r, ok := hash.IsUnusable(err); !ok || r != hash.TooPlain {
		t.Errorf("plain: %v", err)
	}
	v, err := x.JudgeFingerprint(t.Context(), hash.FromPDQ(hash.Code{1}, 49), JudgeOptions{})
	if err != nil || v.Outcome != Unusable || v.Reason != hash.TooPlain || v.Advice != NoAdvice {
		t.Errorf("verdict %+v, %v", v, err)
	}
}

// TestChunks removes and adds across the borders of chunks, with old snapshots
// still in use.
func TestChunks(t *testing.T) {
	if testing.Short() {
		t.Skip("fills more than a chunk, which takes long under the race detector")
	}
	o := testOptions()
	o.InMemory = true
	x := mustOpen(t, "", o)
	mustCreate(t, x, "fakes", Fake)
	r := rand.New(rand.NewPCG(7, 8))
	var refs []Reference
	for i := range chunkSize + 10 {
		f := hash.FromPDQ(anyCode(r), 90)
		if i%3 == 0 {
			f = hash.FromCodes(anyCode(r), anyCode(r), 90)
		}
		refs = append(refs, Reference{Bank: "fakes", ID: fmt.Sprint(i), Fingerprint: f})
	}
	mustAdd(t, x, refs...)
	old := x.acquire()
	defer old.release()
	var list []string
	for i := range refs {
		if i < chunkSize*3/4 || i == chunkSize+3 {
			list = append(list, refs[i].ID)
		}
	}
	if err := x.Remove(t.Context(), "fakes", list...); err != nil {
		t.Fatal(err)
	}
	more := Reference{Bank: "fakes", ID: "more", Fingerprint: hash.FromPDQ(anyCode(r), 90)}
	mustAdd(t, x, more)
	mustCheck(t, x)
	if n := len(x.current.Load().banks[0].chunks[0].slots); n >= chunkSize/2 {
		t.Errorf("the first chunk has %d places for %d references", n, chunkSize/4)
	}
	for _, i := range []int{0, 3, chunkSize * 3 / 4, chunkSize - 1, chunkSize + 3, chunkSize + 4} {
		gone := slices.Contains(list, refs[i].ID)
		if got := near(t, x, refs[i].Fingerprint, NearOptions{Upright: true}); (len(got) == 0) != gone {
			t.Errorf("reference %d, gone %t: %v", i, gone, got)
		}
		if ms, _, err := old.near(t.Context(), refs[i].Fingerprint, NearOptions{Upright: true}); err != nil || len(ms) != 1 {
			t.Errorf("reference %d in the old snapshot: %v, %v", i, ids(ms), err)
		}
	}
	if ms, _, err := old.near(t.Context(), more.Fingerprint, NearOptions{}); err != nil || len(ms) != 0 {
		t.Errorf("the old snapshot sees what was added later: %v, %v", ids(ms), err)
	}
}

// TestOldSnapshot: the bitmap of what is dead is not shared with older
// snapshots.
func TestOldSnapshot(t *testing.T) {
	x := shop(t)
	refs := many(20)
	mustAdd(t, x, refs...)
	if err := x.Remove(t.Context(), "real", refs[0].ID); err != nil {
		t.Fatal(err)
	}
	old := x.acquire()
	defer old.release()
	if err := x.Remove(t.Context(), "real", refs[2].ID); err != nil {
		t.Fatal(err)
	}
	if ms, _, err := old.near(t.Context(), refs[2].Fingerprint, NearOptions{}); err != nil || len(ms) != 1 {
		t.Errorf("the old snapshot: %v, %v", ids(ms), err)
	}
	if got := near(t, x, refs[2].Fingerprint, NearOptions{}); len(got) != 0 {
		t.Errorf("the new one: %v", got)
	}
}

// TestRegionPlace: of a crop, the verdict says where the whole photo would be.
func TestRegionPlace(t *testing.T) {
	x := shop(t)
	img := picture(5)
	register(t, x, Reference{Bank: "fakes", ID: "a"}, jpegOf(t, img, 95), RegisterOptions{})
	// A fifth of the left side is cut off.
	crop := image.NewRGBA(image.Rect(0, 0, 160, 160))
	draw.Draw(crop, crop.Rect, img, image.Pt(40, 0), draw.Src)
	for _, c := range []struct {
		what string
		img  image.Image
		t    hash.Transform
		want [4][2]float64
	}{
		{"upright", crop, hash.Upright, [4][2]float64{{-40, 0}, {160, 0}, {160, 160}, {-40, 160}}},
		{"mirrored", mirrored(crop), hash.Mirror, [4][2]float64{{200, 0}, {0, 0}, {0, 160}, {200, 160}}},
	} {
		v := judge(t, x, jpegOf(t, c.img, 90), JudgeOptions{Mode: Fast})
		if len(v.Matches) != 1 || v.Matches[0].Check != CheckRegion || v.Matches[0].Region.Transform != c.t {
			t.Fatalf("%s: %+v", c.what, v.Matches)
		}
		r := v.Matches[0].Region
		if r.Query != [4]int{0, 0, c.img.Bounds().Dx(), 160} {
			t.Errorf("%s: part %v", c.what, r.Query)
		}
		for i, p := range r.Quad {
			if math.Abs(p[0]-c.want[i][0]) > 8 || math.Abs(p[1]-c.want[i][1]) > 8 {
				t.Errorf("%s: corner %d at %v, want %v", c.what, i, p, c.want[i])
			}
		}
		if err := Replay(v); err != nil {
			t.Error(err)
		}
		f, err := x.JudgeFingerprint(t.Context(), v.Fingerprint, JudgeOptions{})
		if err != nil || len(f.Matches) != 1 || f.Matches[0].Region.Query != [4]int{} {
			t.Errorf("%s: by fingerprint: %+v, %v", c.what, f.Matches, err)
		}
	}
}

// TestKnownBytesChangeNothing: that the bytes of a picture are stored, in a bank
// that is not searched, changes nothing in what is found.
func TestKnownBytesChangeNothing(t *testing.T) {
	x := shop(t)
	mustCreate(t, x, "others", Fake)
	img := picture(5)
	register(t, x, Reference{Bank: "fakes", ID: "a"}, jpegOf(t, img, 95), RegisterOptions{})
	crop := image.NewRGBA(image.Rect(0, 0, 160, 160))
	draw.Draw(crop, crop.Rect, img, image.Pt(40, 0), draw.Src)
	file := jpegOf(t, crop, 90)
	for _, mode := range []Mode{Fast, Thorough} {
		o := JudgeOptions{Banks: []string{"fakes"}, Mode: mode}
		before := judge(t, x, file, o)
		register(t, x, Reference{Bank: "others", ID: string(mode)}, file, RegisterOptions{})
		after := judge(t, x, file, o)
		after.Seq = before.Seq
		if len(before.Matches) != 1 || !bytes.Equal(marshal(t, before), marshal(t, after)) {
			t.Errorf("mode %s: at first %s\nthen %s", mode, marshal(t, before), marshal(t, after))
		}
		if err := x.Remove(t.Context(), "others", string(mode)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPlainRegions: the code of zeros, which plain regions have, is searched by
// nobody.
func TestPlainRegions(t *testing.T) {
	q, err := newQuery(hash.FromPDQ(hash.Code{}, 90), NearOptions{Regions: true})
	if err != nil {
		t.Fatal(err)
	}
	q.setParts(nil)
	if len(q.partCodes) == 0 || len(q.parts) != len(q.partCodes) || slices.Contains(q.partCodes, hash.Code{}) {
		t.Errorf("searched by %v", q.partCodes)
	}
}

// TestTurned: the corners of a picture go where turning it takes them.
func TestTurned(t *testing.T) {
	f := hash.FromPDQ(hash.Code{}, 90)
	for _, v := range f.Variants() {
		x, y := turned(0.25, 0.1, v.Transform)
		back := map[hash.Transform]hash.Transform{hash.Rot90: hash.Rot270, hash.Rot270: hash.Rot90}
		u, ok := back[v.Transform]
		if !ok {
			u = v.Transform
		}
		if x, y = turned(x, y, u); math.Abs(x-0.25) > 1e-9 || math.Abs(y-0.1) > 1e-9 {
			t.Errorf("%v and back: %v, %v", v.Transform, x, y)
		}
	}
	if x, y := turned(0, 0, hash.Rot90); x != 1 || y != 0 {
		t.Errorf("the top left corner turned clockwise is at %v, %v", x, y)
	}
	if x, y := turned(0, 0, hash.MirrorRot90); x != 1 || y != 1 {
		t.Errorf("the top left corner mirrored and turned is at %v, %v", x, y)
	}
}

// TestSnapshotsKeepRegions: what a snapshot shows does not change when references
// get, lose or move their features.
func TestSnapshotsKeepRegions(t *testing.T) {
	x := shop(t)
	some := someFeatures(t)
	part := hash.FromPDQ(some[0].Regions()[2], 90)
	r := rand.New(rand.NewPCG(7, 8))
	var refs []Reference
	for i := range 20 {
		ref := Reference{Bank: "fakes", ID: fmt.Sprintf("%02d", i), Fingerprint: hash.FromPDQ(anyCode(r), 90)}
		if i%4 == 0 {
			ref.Features = some[i%3]
		}
		refs = append(refs, ref)
	}
	mustAdd(t, x, refs...)
	f, err := packed(some[0])
	if err != nil {
		t.Fatal(err)
	}
	o := NearOptions{Regions: true}
	find := func(s *snapshot) string {
		ms, _, err := s.near(t.Context(), part, o)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := s.bank("fakes")
		featured := 0
		for _, c := range b.chunks {
			for pos := range c.slots {
				if _, ok := c.regionsOf(pos); ok && !c.isDead(pos) {
					featured++
				}
			}
		}
		if uint64(featured) != b.counts.regions {
			t.Errorf("%d references with features, want %d", featured, b.counts.regions)
		}
		return fmt.Sprint(checked(ms), featured)
	}
	complete := func(id string) {
		_, err := x.submit(t.Context(), func(w *batch, _ *request) error {
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
	type shown struct {
		s    *snapshot
		want string
	}
	var all []shown
	for i, change := range []func(){
		func() { complete("01") },
		func() { complete("19") },
		func() {
			mustAdd(t, x, Reference{Bank: "fakes", ID: "20", Fingerprint: hash.FromPDQ(anyCode(r), 90), Features: some[0]})
		},
		func() {
			if err := x.SetOpinion(t.Context(), "fakes", "01", Withdrawn); err != nil {
				t.Fatal(err)
			}
		},
		func() {
			if err := x.SetOpinion(t.Context(), "fakes", "01", Confirmed); err != nil {
				t.Fatal(err)
			}
		},
		func() { complete("02") },
		func() { // more than half: the chunk is written anew
			for i := range 12 {
				if err := x.Remove(t.Context(), "fakes", fmt.Sprintf("%02d", i+4)); err != nil {
					t.Fatal(err)
				}
			}
		},
		func() { complete("03") },
	} {
		s := x.acquire()
		defer s.release()
		all = append(all, shown{s, find(s)})
		change()
		now := x.acquire()
		if got := find(now); got == all[i].want {
			t.Errorf("change %d is not seen: %s", i, got)
		}
		now.release()
		for j, old := range all {
			if got := find(old.s); got != old.want {
				t.Errorf("change %d: snapshot %d shows %s, showed %s", i, j, got, old.want)
			}
		}
	}
	mustCheck(t, x)
}
