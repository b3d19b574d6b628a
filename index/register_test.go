package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/touchstone-go/touchstone/hash"
)

// picture paints a smooth random picture; another seed is another photo.
func picture(seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 77))
	type wave struct{ x, y, phase, height float64 }
	var waves []wave
	for range 40 {
		waves = append(waves, wave{r.Float64() * 0.15, r.Float64() * 0.15, r.Float64() * 6, 8 + r.Float64()*14})
	}
	img := image.NewRGBA(image.Rect(0, 0, 200, 160))
	for y := range 160 {
		for x := range 200 {
			v := 128.0
			for _, w := range waves {
				v += w.height * math.Sin(w.x*float64(x)+w.y*float64(y)+w.phase)
			}
			g := uint8(min(max(v, 0), 255))
			img.Set(x, y, color.RGBA{g, g / 2, 255 - g, 255})
		}
	}
	return img
}

func jpegOf(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mirrored(img *image.RGBA) image.Image {
	b := img.Bounds()
	m := image.NewRGBA(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			m.Set(x, y, img.At(b.Dx()-1-x, y))
		}
	}
	return m
}

func shop(t *testing.T) *Index {
	t.Helper()
	o := testOptions()
	o.InMemory, o.MadeBy = true, "test"
	x := mustOpen(t, "", o)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	return x
}

func register(t *testing.T, x *Index, ref Reference, b []byte, o RegisterOptions) Reference {
	t.Helper()
	got, err := x.Register(t.Context(), ref, bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func judge(t *testing.T, x *Index, b []byte, o JudgeOptions) Verdict {
	t.Helper()
	v, err := x.Judge(t.Context(), bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRegister(t *testing.T) {
	var later atomic.Int64 // the writer looks at the clock whenever it likes
	o := testOptions()
	o.InMemory, o.MadeBy = true, "test"
	o.Now = func() time.Time { return start.Add(time.Duration(later.Load())) }
	x := mustOpen(t, "", o)
	mustCreate(t, x, "fakes", Fake)
	a, b := jpegOf(t, picture(1), 90), jpegOf(t, picture(2), 90)
	ref := Reference{Bank: "fakes", ID: "a.jpg", SKU: "sku"}
	got := register(t, x, ref, a, RegisterOptions{})
	if got.SHA256 != sha256.Sum256(a) || got.Opinion != Confirmed || got.MadeBy != "test" || !got.AddedAt.Equal(start) || got.Fingerprint.Fast() {
		t.Errorf("%+v", got)
	}
	if again, err := x.Get(t.Context(), "fakes", "a.jpg"); err != nil || fmt.Sprint(again) != fmt.Sprint(got) {
		t.Errorf("Get: %+v, %v", again, err)
	}
	if thumb, err := x.Thumbnail(t.Context(), "fakes", "a.jpg"); err != nil || len(thumb) == 0 || len(thumb) > maxThumbnail {
		t.Errorf("thumbnail of %d bytes, %v", len(thumb), err)
	}
	if _, ok, err := x.Seen(t.Context(), "fakes", "a.jpg", sha256.Sum256(a)); !ok || err != nil {
		t.Errorf("Seen: %t, %v", ok, err)
	}
	if _, ok, err := x.Seen(t.Context(), "fakes", "a.jpg", sha256.Sum256(b)); ok || err != nil {
		t.Errorf("Seen with other bytes: %t, %v", ok, err)
	}

	seq := x.Seq()
	other := ref
	other.SKU, other.Opinion = "changed", Disputed
	if same := register(t, x, other, a, RegisterOptions{Replace: true}); fmt.Sprint(same) != fmt.Sprint(got) || x.Seq() != seq {
		t.Errorf("the same again: %+v, change %d after %d", same, x.Seq(), seq)
	}
	if _, err := x.Register(t.Context(), ref, bytes.NewReader(b), RegisterOptions{}); !errors.Is(err, ErrExists) {
		t.Errorf("other bytes: %v", err)
	}
	later.Store(int64(time.Hour))
	replaced := register(t, x, other, b, RegisterOptions{Replace: true})
	if replaced.SHA256 != sha256.Sum256(b) || replaced.SKU != "changed" || !replaced.AddedAt.Equal(start) {
		t.Errorf("replaced: %+v", replaced)
	}
	if v := judge(t, x, a, JudgeOptions{}); v.Outcome != None {
		t.Errorf("the replaced photo still gives %s", v.Outcome)
	}
	mustCheck(t, x)
}

func TestRegisterRefuses(t *testing.T) {
	x := shop(t)
	a := jpegOf(t, picture(1), 90)
	ok := Reference{Bank: "fakes", ID: "a"}
	broken := errors.New("broken")
	for _, c := range []struct {
		what string
		f    func(*Reference)
		want error
	}{
		{"bank", func(r *Reference) { r.Bank = "none" }, ErrNotFound},
		{"bank's name", func(r *Reference) { r.Bank = "No" }, ErrInvalid},
		{"no id", func(r *Reference) { r.ID = "" }, ErrInvalid},
		{"long id", func(r *Reference) { r.ID = strings.Repeat("a", 513) }, ErrInvalid},
		{"dots", func(r *Reference) { r.ID = "a/../b" }, ErrInvalid},
		{"double slash", func(r *Reference) { r.ID = "a//b" }, ErrInvalid},
		{"leading slash", func(r *Reference) { r.ID = "/a" }, ErrInvalid},
		{"control", func(r *Reference) { r.ID = "a\x00" }, ErrInvalid},
		{"no UTF-8", func(r *Reference) { r.ID = "\xff" }, ErrInvalid},
		{"opinion", func(r *Reference) { r.Opinion = "sure" }, ErrInvalid},
		{"note", func(r *Reference) { r.Note = strings.Repeat("a", 1025) }, ErrInvalid},
		{"metadata", func(r *Reference) { r.Meta = map[string]string{"a": strings.Repeat("a", 4096)} }, ErrInvalid},
	} {
		ref := ok
		c.f(&ref)
		if _, err := x.Register(t.Context(), ref, bytes.NewReader(a), RegisterOptions{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	if _, err := x.Register(t.Context(), ok, iotest.ErrReader(broken), RegisterOptions{}); !errors.Is(err, broken) {
		t.Errorf("reader: %v", err)
	}
	_, err := x.Register(t.Context(), ok, strings.NewReader("no picture"), RegisterOptions{})
	if r, is := hash.IsUnusable(err); !is || r != hash.NotImage {
		t.Errorf("text: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Register(ctx, ok, bytes.NewReader(a), RegisterOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if n, err := x.Add(t.Context(), Reference{Bank: "fakes", ID: "q", Fingerprint: hash.FromPDQ(hash.Code{1}, 49)}); n != 0 || !errors.Is(err, ErrInvalid) {
		t.Errorf("plain: %v", err)
	}
	q, _, err := hash.ReadQuery(t.Context(), bytes.NewReader(a), hash.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := x.Add(t.Context(), Reference{Bank: "fakes", ID: "q", Fingerprint: q}); n != 0 || !errors.Is(err, ErrInvalid) {
		t.Errorf("of the query path: %v", err)
	}
	if b, _ := x.Bank(t.Context(), "fakes"); b.References != 0 {
		t.Errorf("%d references, want none", b.References)
	}
}

// TestSameBytes: known bytes are not decoded. Under a limit of one pixel
// decoding fails.
func TestSameBytes(t *testing.T) {
	x := shop(t)
	a := jpegOf(t, picture(1), 90)
	first := register(t, x, Reference{Bank: "fakes", ID: "a", Opinion: Withdrawn}, a, RegisterOptions{})
	x.options.Limits.MaxPixels = 1
	second := register(t, x, Reference{Bank: "fakes", ID: "b"}, a, RegisterOptions{})
	if first.Fingerprint != second.Fingerprint {
		t.Error("another fingerprint")
	}
	if thumb, err := x.Thumbnail(t.Context(), "fakes", "b"); err != nil || len(thumb) == 0 {
		t.Errorf("thumbnail of %d bytes, %v", len(thumb), err)
	}
	if err := x.SetOpinion(t.Context(), "fakes", "b", Withdrawn); err != nil {
		t.Fatal(err)
	}
	a1, err1 := x.Features(t.Context(), "fakes", "a")
	b1, err2 := x.Features(t.Context(), "fakes", "b")
	if err1 != nil || err2 != nil || !reflect.DeepEqual(a1, b1) {
		t.Errorf("features: %v, %v", err1, err2)
	}
	// Both are withdrawn: nothing matches, and still there is no decoding.
	if v := judge(t, x, a, JudgeOptions{Banks: []string{"real"}}); v.Outcome != None || v.Fingerprint != first.Fingerprint {
		t.Errorf("%+v", v)
	}
	if v := judge(t, x, jpegOf(t, picture(1), 80), JudgeOptions{}); v.Outcome != Unusable || v.Reason != hash.TooLarge {
		t.Errorf("other bytes: %+v", v)
	}
	mustCheck(t, x)
}

// TestNoFeatures: references that have none are found by their hashes.
func TestNoFeatures(t *testing.T) {
	x := shop(t)
	a := jpegOf(t, picture(1), 90)
	register(t, x, Reference{Bank: "fakes", ID: "with"}, a, RegisterOptions{})
	f, err := x.Features(t.Context(), "fakes", "with")
	if err != nil {
		t.Fatal(err)
	}
	x.options.NoFeatures = true
	register(t, x, Reference{Bank: "fakes", ID: "same bytes"}, a, RegisterOptions{})
	register(t, x, Reference{Bank: "real", ID: "other"}, jpegOf(t, picture(2), 90), RegisterOptions{})
	mustAdd(t, x, Reference{Bank: "real", ID: "added", Fingerprint: hash.FromPDQ(hash.Code{1}, 90), Features: f})
	for bank, want := range map[string]int64{"fakes": 1, "real": 0} {
		if b, err := x.Bank(t.Context(), bank); err != nil || b.References != 2 || b.Featured != want {
			t.Errorf("%+v, %v", b, err)
		}
	}
	mustCheck(t, x)
	// Registered again with features, it changes nothing; under another id, it is decoded.
	x.options.NoFeatures = false
	seq := x.Seq()
	register(t, x, Reference{Bank: "real", ID: "other"}, jpegOf(t, picture(2), 90), RegisterOptions{})
	if x.Seq() != seq {
		t.Error("a reference that is there was changed")
	}
	register(t, x, Reference{Bank: "real", ID: "third"}, jpegOf(t, picture(2), 90), RegisterOptions{})
	mustAdd(t, x, Reference{Bank: "fakes", ID: "added", Fingerprint: hash.FromPDQ(hash.Code{1}, 90), Features: f})
	for bank, id := range map[string]string{"real": "third", "fakes": "added"} {
		if _, err := x.Features(t.Context(), bank, id); err != nil {
			t.Error(err)
		}
	}
	mustCheck(t, x)
}

// TestModes: what each mode says of itself.
func TestModes(t *testing.T) {
	x := shop(t)
	a := jpegOf(t, picture(1), 90)
	f := register(t, x, Reference{Bank: "fakes", ID: "a"}, a, RegisterOptions{}).Fingerprint
	for _, mode := range []Mode{"", Fast, Thorough} {
		want := mode
		if mode == "" {
			want = Thorough
		}
		for _, b := range [][]byte{a, jpegOf(t, picture(1), 70), jpegOf(t, picture(9), 90), []byte("no picture")} {
			if v := judge(t, x, b, JudgeOptions{Mode: mode}); v.Mode != want || v.Recipe != hash.Recipe {
				t.Errorf("mode %q: %s says %q, recipe %d", mode, v.Outcome, v.Mode, v.Recipe)
			}
		}
		if v, err := x.JudgeFingerprint(t.Context(), f.AsRecipe(1), JudgeOptions{Mode: mode}); err != nil || v.Mode != Fast || v.Fingerprint != f || v.Outcome != KnownFake {
			t.Errorf("by fingerprint: %+v, %v", v, err)
		}
		plain := hash.FromPDQ(hash.Code{1, 2, 3, 4}, hash.MinQuality-1)
		if v, err := x.JudgeFingerprint(t.Context(), plain, JudgeOptions{Mode: mode}); err != nil || v.Mode != Fast || v.Outcome != Unusable {
			t.Errorf("by a plain fingerprint: %+v, %v", v, err)
		}
	}
	if _, err := x.Judge(t.Context(), bytes.NewReader(a), JudgeOptions{Mode: "quick"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("an unknown mode: %v", err)
	}
}

// TestNoThumbnails: none is kept, not even one that is known.
func TestNoThumbnails(t *testing.T) {
	x := shop(t)
	a := jpegOf(t, picture(1), 90)
	register(t, x, Reference{Bank: "fakes", ID: "a"}, a, RegisterOptions{})
	x.options.NoThumbnails = true
	register(t, x, Reference{Bank: "fakes", ID: "b"}, a, RegisterOptions{})
	if _, err := x.Thumbnail(t.Context(), "fakes", "b"); !errors.Is(err, ErrNotFound) {
		t.Errorf("thumbnail of b: %v, want ErrNotFound", err)
	}
}

// TestMaxBytes: limits at the ends of their range are the default, or none.
func TestMaxBytes(t *testing.T) {
	a := jpegOf(t, picture(1), 90)
	for _, n := range []int64{0, -1, math.MinInt64, math.MaxInt64} {
		o := testOptions()
		o.InMemory, o.Limits.MaxBytes = true, n
		x := mustOpen(t, "", o)
		if v := judge(t, x, a, JudgeOptions{}); v.Outcome != None {
			t.Errorf("MaxBytes %d: %s (%s)", n, v.Outcome, v.Reason)
		}
		_ = x.Close()
	}
}

func TestConflict(t *testing.T) {
	x := shop(t)
	a, copied := jpegOf(t, picture(1), 95), jpegOf(t, picture(1), 92)
	register(t, x, Reference{Bank: "real", ID: "a"}, a, RegisterOptions{})
	for what, b := range map[string][]byte{"same bytes": a, "copy": copied} {
		_, err := x.Register(t.Context(), Reference{Bank: "fakes", ID: "b"}, bytes.NewReader(b), RegisterOptions{})
		var c *ConflictError
		if !errors.Is(err, ErrConflict) || !errors.As(err, &c) || c.Match.Bank != "real" || c.Match.ID != "a" {
			t.Errorf("%s: %v", what, err)
		}
	}
	f, _, err := hash.Read(t.Context(), bytes.NewReader(copied), hash.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ref := Reference{Bank: "fakes", ID: "c", Fingerprint: f}
	if n, err := x.AddWith(t.Context(), RegisterOptions{Check: true}, ref); n != 0 || !errors.Is(err, ErrConflict) {
		t.Errorf("AddWith: %d, %v", n, err)
	}
	mustAdd(t, x, ref)
	register(t, x, Reference{Bank: "fakes", ID: "b"}, copied, RegisterOptions{Force: true})
	if v := judge(t, x, copied, JudgeOptions{}); v.Outcome != Conflict || v.Advice != Review || v.Matches[0].Grade != Exact {
		t.Errorf("%s, %s, %v", v.Outcome, v.Advice, ids(v.Matches))
	}
	mustCheck(t, x)
}

// TestAddAgain: what is stored already changes nothing, whatever stands against
// it by now.
func TestAddAgain(t *testing.T) {
	x := shop(t)
	check := RegisterOptions{Check: true}
	ref := Reference{Bank: "real", ID: "a", Fingerprint: hash.FromPDQ(hash.Code{1, 2, 3, 4}, 90)}
	mustAdd(t, x, ref, Reference{Bank: "fakes", ID: "a", Fingerprint: ref.Fingerprint})
	seq := x.Seq()
	if n, err := x.AddWith(t.Context(), check, ref); n != 1 || err != nil || x.Seq() != seq {
		t.Errorf("%d, %v; want that nothing changes", n, err)
	}
	other := ref
	other.Fingerprint = hash.FromPDQ(hash.Code{1, 2, 3, 5}, 90)
	if n, err := x.AddWith(t.Context(), check, other); n != 0 || !errors.Is(err, ErrExists) {
		t.Errorf("%d, %v; want ErrExists", n, err)
	}
	// What was stored when the check was made and is not any more is checked.
	s := x.acquire()
	defer s.release()
	if err := x.Remove(t.Context(), "real", "a"); err != nil {
		t.Fatal(err)
	}
	p := &put{ref: x.complete(ref), options: check}
	if n, err := x.put(t.Context(), s, []*put{p}); n != 0 || !errors.Is(err, ErrConflict) {
		t.Errorf("removed meanwhile: %d, %v; want ErrConflict", n, err)
	}
}

// TestConflictInBatch: references of one call stand against one another, by
// their bytes and by their codes.
func TestConflictInBatch(t *testing.T) {
	x := shop(t)
	check := RegisterOptions{Check: true}
	refs := many(3)
	for i := range refs {
		refs[i].Bank = "real"
	}
	mustAdd(t, x, refs[0])
	for what, against := range map[string]Reference{
		"codes": {Fingerprint: refs[2].Fingerprint},
		"bytes": {Fingerprint: hash.FromPDQ(hash.Code{9}, 90), SHA256: refs[2].SHA256},
	} {
		against.Bank, against.ID = "fakes", what
		n, err := x.AddWith(t.Context(), check, refs[1], refs[2], against)
		if n != 2 || !errors.Is(err, ErrConflict) {
			t.Errorf("%s: %d, %v; want 2 and ErrConflict", what, n, err)
		}
		if err := x.Remove(t.Context(), "real", refs[1].ID, refs[2].ID); err != nil {
			t.Fatal(err)
		}
	}
	mustCheck(t, x)
}

// TestCheckedBulk: looking for conflicts does not grow with what the call
// itself has staged; it once took seconds here, in which nobody else could write.
func TestCheckedBulk(t *testing.T) {
	if testing.Short() {
		t.Skip("a measurement")
	}
	x := shop(t)
	refs := many(maxAdd)
	for i := range refs {
		refs[i].Bank = "real"
	}
	began := time.Now()
	if n, err := x.AddWith(t.Context(), RegisterOptions{Check: true}, refs...); n != len(refs) || err != nil {
		t.Fatal(n, err)
	}
	t.Logf("%d references in %v", len(refs), time.Since(began))
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

// TestConflictRace: of two that contradict one another and come at the same
// time one is refused.
func TestConflictRace(t *testing.T) {
	x := shop(t)
	for i := range uint64(10) {
		a, b := jpegOf(t, picture(i), 90), jpegOf(t, picture(i), 70)
		var errs [2]error
		var both sync.WaitGroup
		both.Go(func() {
			_, errs[0] = x.Register(t.Context(), Reference{Bank: "real", ID: fmt.Sprint(i)}, bytes.NewReader(a), RegisterOptions{})
		})
		both.Go(func() {
			_, errs[1] = x.Register(t.Context(), Reference{Bank: "fakes", ID: fmt.Sprint(i)}, bytes.NewReader(b), RegisterOptions{})
		})
		both.Wait()
		if errors.Is(errs[0], ErrConflict) == errors.Is(errs[1], ErrConflict) {
			t.Errorf("photo %d: %v and %v, want one conflict", i, errs[0], errs[1])
		}
	}
}

// TestLateConflict: what is stored while a registration is under way counts.
func TestLateConflict(t *testing.T) {
	x := shop(t)
	c := hash.Code{1, 2, 3, 4}
	s := x.acquire()
	defer func() { s.release() }()
	mustAdd(t, x, Reference{Bank: "real", ID: "a", Fingerprint: hash.FromPDQ(c, 90)})
	late := func() error {
		p := &put{ref: x.complete(Reference{Bank: "fakes", ID: "b", Fingerprint: hash.FromPDQ(flip(c, 10), 90)}), options: RegisterOptions{Check: true}}
		_, err := x.put(t.Context(), s, []*put{p}) // s is older than real/a
		return err
	}
	if err := late(); !errors.Is(err, ErrConflict) {
		t.Errorf("added meanwhile: %v", err)
	}
	if err := x.SetPolicy(t.Context(), "real", Policy{Strong: 9, Weak: 46, Advise: Review}); err != nil {
		t.Fatal(err)
	}
	s.release()
	s = x.acquire()
	if err := x.SetPolicy(t.Context(), "real", Policy{Strong: 10, Weak: 46, Advise: Review}); err != nil {
		t.Fatal(err)
	}
	if err := late(); !errors.Is(err, ErrConflict) {
		t.Errorf("threshold raised meanwhile: %v", err)
	}
}

func TestJudge(t *testing.T) {
	x := shop(t)
	a, b := picture(1), picture(2)
	register(t, x, Reference{Bank: "fakes", ID: "a"}, jpegOf(t, a, 90), RegisterOptions{})
	register(t, x, Reference{Bank: "real", ID: "b"}, jpegOf(t, b, 90), RegisterOptions{})
	none := []string{"real"}
	for _, c := range []struct {
		what    string
		b       []byte
		o       JudgeOptions
		outcome Outcome
		advice  Advice
		matches string
		turned  hash.Transform
	}{
		{"same file", jpegOf(t, a, 90), JudgeOptions{}, KnownFake, Block, "exact", hash.Upright},
		{"copy", jpegOf(t, a, 50), JudgeOptions{}, KnownFake, Block, "strong", hash.Upright},
		{"mirrored", jpegOf(t, mirrored(a), 80), JudgeOptions{}, KnownFake, Block, "strong", hash.Mirror},
		{"genuine", jpegOf(t, b, 50), JudgeOptions{}, KnownGenuine, Review, "strong", hash.Upright},
		{"genuine, authorised", jpegOf(t, b, 50), JudgeOptions{Authorised: true}, KnownGenuine, AllowListed, "strong", hash.Upright},
		{"unknown", jpegOf(t, picture(3), 90), JudgeOptions{}, None, NoAdvice, "", 0},
		{"known in another bank", jpegOf(t, a, 90), JudgeOptions{Banks: none}, None, NoAdvice, "", 0},
		{"text", []byte("no picture"), JudgeOptions{}, Unusable, NoAdvice, "", 0},
		{"empty", nil, JudgeOptions{}, Unusable, NoAdvice, "", 0},
		{"blank", jpegOf(t, image.NewRGBA(image.Rect(0, 0, 100, 100)), 90), JudgeOptions{}, Unusable, NoAdvice, "", 0},
	} {
		v := judge(t, x, c.b, c.o)
		var grades []string
		for _, m := range v.Matches {
			grades = append(grades, string(m.Grade))
		}
		if v.Outcome != c.outcome || v.Advice != c.advice || strings.Join(grades, " ") != c.matches {
			t.Errorf("%s: %s %s %v", c.what, v.Outcome, v.Advice, ids(v.Matches))
		}
		if v.Seq != x.Seq() || v.Recipe != hash.Recipe || v.Mode != Thorough || v.Authorised != c.o.Authorised {
			t.Errorf("%s: %+v", c.what, v)
		}
		if len(v.Matches) == 1 {
			if d := v.Matches[0].Distance; d.Transform != c.turned || d.Perception < 0 || d.Difference < 0 || !v.Fingerprint.Has(hash.Perception) {
				t.Errorf("%s: %+v", c.what, d)
			}
		}
		if v.Outcome == None && c.what == "unknown" && v.Fingerprint.Has(hash.Perception) {
			t.Errorf("%s: hashes were made that nobody sees", c.what)
		}
	}
	if _, err := x.Judge(t.Context(), bytes.NewReader(nil), JudgeOptions{Banks: []string{"x"}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown bank: %v", err)
	}
}

// TestJudgeByList finds a picture by a list of 64-bit hashes.
func TestJudgeByList(t *testing.T) {
	x := shop(t)
	for _, k := range []hash.Kind{hash.Perception, hash.Average} {
		if _, err := x.CreateBank(t.Context(), Bank{Name: "list-" + k.String(), Kind: Fake, Main: k}); err != nil {
			t.Fatal(err)
		}
	}
	a := jpegOf(t, picture(1), 90)
	f, info, err := hash.Read(t.Context(), bytes.NewReader(a), hash.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f = info.Complete(f, hash.Average)
	for _, k := range []hash.Kind{hash.Perception, hash.Average} {
		w, _ := f.Word(k)
		mustAdd(t, x, Reference{Bank: "list-" + k.String(), ID: fmt.Sprintf("%016x", w^1), Fingerprint: hash.FromWord(k, w^1)})
	}
	v := judge(t, x, a, JudgeOptions{})
	if v.Outcome != KnownFake || len(v.Matches) != 2 || v.Matches[0].Distance.Of(v.Matches[0].Main) != 1 || v.Matches[0].Score != 0.969 {
		t.Errorf("%s: %v", v.Outcome, v.Matches)
	}
	register(t, x, Reference{Bank: "list-ahash", ID: "photo"}, a, RegisterOptions{})
	// The record of the photo has what all banks are searched by.
	x.options.Limits.MaxPixels = 1
	if v := judge(t, x, a, JudgeOptions{}); v.Outcome != KnownFake || len(v.Matches) != 3 {
		t.Errorf("%s: %v", v.Outcome, ids(v.Matches))
	}
}
