package index

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
)

// A store of each format lies in testdata/banks, as the version that first
// wrote it left it. It is opened for ever.

// unpack copies a stored store into a directory of its own.
func unpack(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "banks", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// demo reads a file of testdata/demo.
func demo(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "demo", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// content lists what is in a store: banks, references, journal.
func content(t testing.TB, x *Index) (lines []string) {
	t.Helper()
	banks, err := x.Banks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range banks {
		lines = append(lines, fmt.Sprintf("%s %s %s %v %+v %d %d %d", b.Name, b.Kind, b.Owner, b.Main, b.Policy, b.References, b.Searchable, b.Featured))
		for ref, err := range x.References(t.Context(), b.Name, "") {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%s/%s %s t%d %v", ref.Bank, ref.ID, ref.Opinion, ref.Fingerprint.Recipe(), ref.SHA256 != Digest{}))
		}
	}
	return lines
}

func wantContent(t testing.TB, x *Index, want ...string) {
	t.Helper()
	if got := content(t, x); !slices.Equal(got, want) {
		t.Errorf("the store holds\n%q\nwant\n%q", got, want)
	}
}

func journalOps(t testing.TB, x *Index, after uint64) (ops []string) {
	t.Helper()
	for c, err := range x.Changes(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		for _, s := range c.Slots {
			n += s.Count
		}
		ops = append(ops, fmt.Sprintf("%s %s %d", c.Op, c.Bank, n))
	}
	return ops
}

// defaults are the thresholds that format 1 does not hold.
var defaults = func() string {
	p := DefaultPolicy(Fake, hash.PDQ)
	return fmt.Sprintf("RegionStrong:%d RegionWeak:%d GeometryStrong:%d GeometryWeak:%d", p.RegionStrong, p.RegionWeak, p.GeometryStrong, p.GeometryWeak)
}()

// format1 is what testdata/banks/1.tar.gz holds.
var format1 = []string{
	"acme-fakes fake ACME pdq {Strong:31 Weak:46 " + defaults + " Advise:block} 5 4 0",
	"acme-fakes/boots/boots-blue.jpg confirmed t1 true",
	"acme-fakes/boots/boots-brown.jpg confirmed t1 true",
	"acme-fakes/drill-red.jpg confirmed t1 false",
	"acme-fakes/gps.jpg withdrawn t1 true",
	"acme-fakes/watering-can.jpg confirmed t1 true",
	"acme-genuine genuine ACME pdq {Strong:31 Weak:40 " + defaults + " Advise:review} 3 3 0",
	"acme-genuine/compass.jpg confirmed t1 true",
	"acme-genuine/rope.jpg confirmed t1 true",
	"acme-genuine/watch.jpg confirmed t1 true",
	"shared fake  pdq {Strong:31 Weak:46 " + defaults + " Advise:block} 1 1 0",
	"shared/e6c8a7b5d4f3021987654321abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00f confirmed t1 false",
	"words genuine  dhash {Strong:4 Weak:8 RegionStrong:0 RegionWeak:0 GeometryStrong:0 GeometryWeak:0 Advise:review} 1 1 0",
	"words/word confirmed t1 false",
}

// TestFormat1 opens a store of format 1, searches it and writes to it, and none
// of that makes it one of format 2.
func TestFormat1(t *testing.T) {
	dir := unpack(t, "1.tar.gz")
	o := testOptions()
	o.ReadOnly = true
	x := mustOpen(t, dir, o)
	if x.Recipe() != 1 {
		t.Errorf("recipe %d, want 1", x.Recipe())
	}
	wantContent(t, x, format1...)
	mustCheck(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}

	x = mustOpen(t, dir, nil)
	upload := demo(t, "uploads/recompressed-boots-40.jpg")
	v := judge(t, x, upload, JudgeOptions{Mode: Thorough})
	if v.Outcome != KnownFake || v.Recipe != 1 || v.Mode != Fast || v.Fingerprint.Recipe() != 1 || v.Matches[0].ID != "boots/boots-brown.jpg" {
		t.Errorf("%+v", v)
	}
	if err := Replay(v); err != nil {
		t.Error(err)
	}
	if v := judge(t, x, demo(t, "uploads/cropped-rope.jpg"), JudgeOptions{}); v.Outcome != None {
		t.Errorf("a crop without features: %+v", v)
	}
	if v := judge(t, x, []byte("no picture"), JudgeOptions{}); v.Outcome != Unusable || v.Mode != Fast {
		t.Errorf("no picture: %+v", v)
	}
	seq := x.Seq()
	ref := register(t, x, Reference{Bank: "acme-fakes", ID: "new.jpg"}, demo(t, "references/acme-fakes/dress-birds.jpg"), RegisterOptions{})
	if ref.Fingerprint.Recipe() != 1 {
		t.Errorf("registered as recipe %d", ref.Fingerprint.Recipe())
	}
	if _, err := x.Features(t.Context(), "acme-fakes", "new.jpg"); !errors.Is(err, ErrNotFound) {
		t.Errorf("features: %v, want ErrNotFound", err)
	}
	p := DefaultPolicy(Fake, hash.PDQ)
	p.Strong = 30
	if err := x.SetPolicy(t.Context(), "shared", p); err != nil {
		t.Error(err)
	}
	p.RegionStrong--
	if err := x.SetPolicy(t.Context(), "shared", p); !errors.Is(err, ErrInvalid) {
		t.Errorf("thresholds that format 1 cannot hold: %v", err)
	}
	if err := x.SetOpinion(t.Context(), "acme-fakes", "gps.jpg", Confirmed); err != nil {
		t.Error(err)
	}
	if got, want := fmt.Sprint(journalOps(t, x, seq)), "[added acme-fakes 1 policy_set shared 0 opinion_changed acme-fakes 0]"; got != want {
		t.Errorf("journal %s, want %s", got, want)
	}
	mustCheck(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = mustOpen(t, dir, nil)
	if x.Recipe() != 1 {
		t.Errorf("opened again: recipe %d", x.Recipe())
	}
	mustCheck(t, x)
}

// photosOf1 are the photos of testdata/demo that the references of format1 were
// made of.
var photosOf1 = map[string]string{
	"boots/boots-blue.jpg": "boots-blue.jpg", "boots/boots-brown.jpg": "boots-brown.jpg", "drill-red.jpg": "drill-red.jpg",
	"gps.jpg": "gps.jpg", "watering-can.jpg": "watering-can.jpg",
	"compass.jpg": "compass.jpg", "rope.jpg": "rope.jpg", "watch.jpg": "watch.jpg",
}

// completeAll gives features to all references of a bank whose photo is there.
func completeAll(t testing.TB, x *Index, bank string) (done, left int) {
	t.Helper()
	for ref, err := range x.Incomplete(t.Context(), bank, "") {
		if err != nil {
			t.Fatal(err)
		}
		name, ok := photosOf1[ref.ID]
		if !ok {
			left++
			continue
		}
		changed, err := x.Complete(t.Context(), bank, ref.ID, bytes.NewReader(demo(t, "references/"+bank+"/"+name)))
		if err != nil || !changed {
			t.Errorf("%s: changed %t, %v", ref.ID, changed, err)
		}
		done++
	}
	return done, left
}

// TestRaise completes a store of format 1 from the photos: it is one of format
// 2 then, and what was missed before is found.
func TestRaise(t *testing.T) {
	dir := unpack(t, "1.tar.gz")
	x := mustOpen(t, dir, nil)
	seq := x.Seq()
	for bank, want := range map[string][2]int{"acme-fakes": {5, 0}, "acme-genuine": {3, 0}, "shared": {0, 1}, "words": {0, 0}} {
		if done, left := completeAll(t, x, bank); [2]int{done, left} != want {
			t.Errorf("%s: %d completed, %d left, want %v", bank, done, left, want)
		}
	}
	if x.Recipe() != 2 {
		t.Errorf("recipe %d, want 2", x.Recipe())
	}
	ops := journalOps(t, x, seq)
	if len(ops) != 9 || ops[0] != "recipe_raised  0" {
		t.Errorf("journal %q", ops)
	}
	seq = x.Seq()
	changed, err := x.Complete(t.Context(), "acme-genuine", "rope.jpg", bytes.NewReader(demo(t, "references/acme-genuine/rope.jpg")))
	if changed || err != nil || x.Seq() != seq {
		t.Errorf("completed twice: %t, %v, change %d after %d", changed, err, x.Seq(), seq)
	}
	checkRaised := func(x *Index) {
		t.Helper()
		if v := judge(t, x, demo(t, "uploads/cropped-rope.jpg"), JudgeOptions{}); len(v.Matches) != 1 || v.Matches[0].ID != "rope.jpg" || v.Matches[0].Check == CheckHash {
			t.Errorf("a crop: %+v", v)
		}
		mustCheck(t, x)
		b, err := x.Bank(t.Context(), "acme-fakes")
		if err != nil || b.Featured != 5 || b.Searchable != 4 {
			t.Errorf("%+v, %v", b, err)
		}
		if ref, err := x.Get(t.Context(), "acme-fakes", "drill-red.jpg"); err != nil || ref.Fingerprint.Recipe() != 2 || ref.SKU != "D-1" {
			t.Errorf("%+v, %v", ref, err)
		}
		for _, id := range []string{"gps.jpg", "drill-red.jpg"} {
			if f, err := x.Features(t.Context(), "acme-fakes", id); err != nil || len(f.Regions()) == 0 {
				t.Errorf("features of %s: %v", id, err)
			}
		}
		v := judge(t, x, demo(t, "uploads/recompressed-boots-40.jpg"), JudgeOptions{})
		if v.Outcome != KnownFake || v.Recipe != 2 || v.Mode != Thorough || v.Fingerprint.Recipe() != 2 {
			t.Errorf("%+v", v)
		}
	}
	checkRaised(x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	checkRaised(mustOpen(t, dir, nil))
}

// TestCompleteRefuses: only the photo that a reference was made of will do.
func TestCompleteRefuses(t *testing.T) {
	x := mustOpen(t, unpack(t, "1.tar.gz"), nil)
	seq := x.Seq()
	rope := demo(t, "references/acme-genuine/rope.jpg")
	ctx := t.Context()
	ended, end := context.WithCancel(ctx)
	end()
	for _, c := range []struct {
		what     string
		ctx      context.Context
		bank, id string
		picture  []byte
		want     error
	}{
		{"another file", ctx, "acme-genuine", "watch.jpg", rope, ErrDiffers},
		{"another photo, digest unknown", ctx, "acme-fakes", "drill-red.jpg", rope, ErrDiffers},
		{"another code", ctx, "shared", "e6c8a7b5d4f3021987654321abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00f", rope, ErrDiffers},
		{"no such reference", ctx, "acme-fakes", "none.jpg", rope, ErrNotFound},
		{"no such bank", ctx, "none", "rope.jpg", rope, ErrNotFound},
		{"a context that has ended", ended, "acme-genuine", "rope.jpg", rope, context.Canceled},
	} {
		if changed, err := x.Complete(c.ctx, c.bank, c.id, bytes.NewReader(c.picture)); changed || !errors.Is(err, c.want) {
			t.Errorf("%s: changed %t, %v, want %v", c.what, changed, err, c.want)
		}
	}
	if changed, err := x.Complete(ctx, "words", "word", bytes.NewReader(rope)); changed || err != nil {
		t.Errorf("a bank of 64-bit hashes: changed %t, %v", changed, err)
	}
	if x.Recipe() != 1 || x.Seq() != seq {
		t.Errorf("recipe %d, change %d after %d", x.Recipe(), x.Seq(), seq)
	}
}

// TestRaiseMidway: what waits in the same transaction is written in the form of
// its time, and a store that was raised and not completed is whole.
func TestRaiseMidway(t *testing.T) {
	dir := unpack(t, "1.tar.gz")
	x := mustOpen(t, dir, nil)
	seq := x.Seq()
	_, err := x.submit(t.Context(), func(w *batch, _ *request) error {
		put := func(id string) error {
			return w.put(t.Context(), &put{ref: x.complete(Reference{Bank: "shared", ID: id, Fingerprint: hash.FromPDQ(hash.Code{7}, 90)})})
		}
		return errors.Join(put("before"), w.raise(), put("after"), w.raise())
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(journalOps(t, x, seq)), "[added shared 1 recipe_raised  0 added shared 1]"; got != want {
		t.Errorf("journal %s, want %s", got, want)
	}
	mustCheck(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = mustOpen(t, dir, nil)
	mustCheck(t, x)
	if x.Recipe() != 2 {
		t.Errorf("recipe %d, want 2", x.Recipe())
	}
	if got := near(t, x, hash.FromPDQ(hash.Code{7}, 90), NearOptions{}); len(got) != 2 {
		t.Errorf("found %v", got)
	}
}

// format2 is what testdata/banks/2.tar.gz holds; -update makes it anew.
var format2 = []string{
	"acme-fakes fake ACME pdq {Strong:31 Weak:46 RegionStrong:20 RegionWeak:30 GeometryStrong:90 GeometryWeak:80 Advise:block} 3 2 2",
	"acme-fakes/boots/boots-brown.jpg confirmed t2 true",
	"acme-fakes/drill-red.jpg confirmed t2 false",
	"acme-fakes/gps.jpg withdrawn t2 true",
	"acme-genuine genuine ACME pdq {Strong:31 Weak:40 RegionStrong:20 RegionWeak:30 GeometryStrong:90 GeometryWeak:80 Advise:review} 2 2 1",
	"acme-genuine/code confirmed t2 false",
	"acme-genuine/rope.jpg confirmed t2 true",
	"words genuine  dhash {Strong:4 Weak:8 RegionStrong:0 RegionWeak:0 GeometryStrong:0 GeometryWeak:0 Advise:review} 1 1 0",
	"words/word confirmed t2 false",
}

// makeFormat2 fills a store with format2.
func makeFormat2(t *testing.T, dir string) {
	t.Helper()
	o := testOptions()
	o.NoThumbnails, o.MadeBy = true, "touchstone"
	x := mustOpen(t, dir, o)
	p := Policy{Strong: 31, Weak: 46, RegionStrong: 20, RegionWeak: 30, GeometryStrong: 90, GeometryWeak: 80, Advise: Block}
	q := p
	q.Weak, q.Advise = 40, Review
	for _, b := range []Bank{
		{Name: "acme-fakes", Kind: Fake, Owner: "ACME", Policy: p}, {Name: "acme-genuine", Kind: Genuine, Owner: "ACME", Policy: q},
		{Name: "words", Kind: Genuine, Main: hash.Difference},
	} {
		if _, err := x.CreateBank(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	register(t, x, Reference{Bank: "acme-fakes", ID: "boots/boots-brown.jpg", SKU: "B-1"}, demo(t, "references/acme-fakes/boots-brown.jpg"), RegisterOptions{})
	register(t, x, Reference{Bank: "acme-fakes", ID: "gps.jpg", Opinion: Withdrawn}, demo(t, "references/acme-fakes/gps.jpg"), RegisterOptions{})
	register(t, x, Reference{Bank: "acme-genuine", ID: "rope.jpg"}, demo(t, "references/acme-genuine/rope.jpg"), RegisterOptions{})
	drill, _, err := hash.Read(t.Context(), bytes.NewReader(demo(t, "references/acme-fakes/drill-red.jpg")), hash.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, x,
		Reference{Bank: "acme-fakes", ID: "drill-red.jpg", Fingerprint: drill, SKU: "D-1"},
		Reference{Bank: "acme-genuine", ID: "code", Fingerprint: hash.FromPDQ(hash.Code{1, 2, 3, 4}, 90)},
		Reference{Bank: "words", ID: "word", Fingerprint: hash.FromWord(hash.Difference, 5)},
	)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

// pack writes the files of a store into testdata/banks.
func pack(t *testing.T, dir, name string) {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err == nil {
			err = w.WriteHeader(&tar.Header{Name: f.Name(), Mode: 0o644, Size: int64(len(content))})
		}
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(filepath.Join("..", "testdata", "banks", name), b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestFormat2 opens a store of format 2.
func TestFormat2(t *testing.T) {
	if *updateVerdicts {
		dir := filepath.Join(t.TempDir(), "store")
		makeFormat2(t, dir)
		pack(t, dir, "2.tar.gz")
	}
	x := mustOpen(t, unpack(t, "2.tar.gz"), nil)
	if x.Recipe() != 2 {
		t.Errorf("recipe %d, want 2", x.Recipe())
	}
	wantContent(t, x, format2...)
	mustCheck(t, x)
	f, err := x.Features(t.Context(), "acme-fakes", "boots/boots-brown.jpg")
	if err != nil {
		t.Fatal(err)
	}
	part := hash.FromPDQ(flip(f.Regions()[3], 10), 90)
	v, err := x.JudgeFingerprint(t.Context(), part, JudgeOptions{})
	if err != nil || len(v.Matches) != 1 || v.Matches[0].Check != CheckRegion || v.Matches[0].Region.Distance != 10 {
		t.Errorf("by a region: %+v, %v", v, err)
	}
	if v := judge(t, x, demo(t, "uploads/recompressed-boots-40.jpg"), JudgeOptions{Mode: Fast}); v.Outcome != KnownFake || v.Recipe != 2 {
		t.Errorf("%+v", v)
	}
}
