package index

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"image"
	"image/jpeg"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	edits "github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
	"github.com/touchstone-go/touchstone/hash"
)

// jacket is a photo that queries read at a fraction of its size, in several files.
type jacket struct {
	img                                     *image.NRGBA
	file, copy, mirrored, progressive, torn []byte
	of                                      hash.Fingerprint
	features                                *hash.Features
}

func readJacket(t testing.TB) (j jacket) {
	t.Helper()
	var err error
	if j.img, err = edits.Load("../testdata/demo/references/acme-genuine/winter-jacket-grey.jpg"); err != nil {
		t.Fatal(err)
	}
	j.file, j.copy, j.mirrored = edits.JPEG(j.img, 92), edits.JPEG(j.img, 70), edits.JPEG(edits.Mirror(j.img), 85)
	if j.progressive, err = jpegwriter.Encode(j.img, jpegwriter.Options{Progressive: true}); err != nil {
		t.Fatal(err)
	}
	// The last scan is the finest part of luma, which a small picture does not need.
	j.torn = bytes.Clone(j.progressive)
	for i := bytes.LastIndex(j.torn, []byte{0xff, 0xda}) + 10; i < len(j.torn)-2; i++ {
		j.torn[i] = 0x11
	}
	var info hash.Info
	if j.of, info, err = hash.Read(t.Context(), bytes.NewReader(j.file), hash.Limits{Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	j.features = info.Features()
	return j
}

// shopOf is a shop that has the jacket among its fakes, and limits.
func shopOf(t *testing.T, j jacket, l hash.Limits) *Index {
	t.Helper()
	o := testOptions()
	o.InMemory, o.Limits = true, l
	x := mustOpen(t, "", o)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	mustAdd(t, x, Reference{Bank: "fakes", ID: "jacket", Fingerprint: j.of, Features: j.features})
	return x
}

// A picture that matches nothing is not completed in mode Fast, and is in no mode
// taken for an exact one.
func TestQueryIsCompletedForAMatchAlone(t *testing.T) {
	j := readJacket(t)
	x := shopOf(t, j, hash.Limits{})
	stranger := edits.JPEG(imaging.Rotate90(shots(t, 2)[1].scenePhoto(t)), 85)
	for _, mode := range []Mode{Fast, Thorough} {
		v := judge(t, x, stranger, JudgeOptions{Mode: mode})
		if v.Outcome != None || len(v.Matches) != 0 || v.Mode != mode || !v.Fingerprint.Fast() || v.Fingerprint.Has(hash.Perception) {
			t.Errorf("%s, a stranger: %s, %d matches, mode %s, %v", mode, v.Outcome, len(v.Matches), v.Mode, v.Fingerprint)
		}
		for name, b := range map[string][]byte{"copy": j.copy, "mirrored": j.mirrored, "progressive": j.progressive, "small": edits.JPEG(edits.Scale(j.img, .4, .4), 85)} {
			v := judge(t, x, b, JudgeOptions{Mode: mode})
			if v.Outcome != KnownFake || len(v.Matches) != 1 || v.Mode != mode || !v.Fingerprint.Fast() || !v.Fingerprint.Has(hash.Perception) || !v.Fingerprint.Has(hash.Difference) {
				t.Errorf("%s, %s: %s, %d matches, mode %s, %v", mode, name, v.Outcome, len(v.Matches), v.Mode, v.Fingerprint)
				continue
			}
			m := v.Matches[0]
			if m.Distance.PDQ > 31 || m.Distance.Perception < 0 || m.Distance.Colour < 0 || (m.Geometry != nil) != (mode == Thorough) {
				t.Errorf("%s, %s: %+v, geometry %v", mode, name, m.Distance, m.Geometry)
			}
		}
	}
}

// scenePhoto decodes the file of a shot.
func (s *shot) scenePhoto(t testing.TB) *image.NRGBA {
	t.Helper()
	img, err := edits.Decode(s.file)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// What only the query path can read is no evidence: if it seems to match, it is unusable
// for the reason that Read gives. In mode Fast it is unknown if it does not; in mode
// Thorough it is unusable at once.
func TestWhatCannotBeReadExactly(t *testing.T) {
	j := readJacket(t)
	little := hash.Limits{MaxMemory: 4 << 20}
	for name, c := range map[string]struct {
		file   []byte
		limits hash.Limits
		exact  hash.Reason
	}{
		"damaged in its details": {j.torn, hash.Limits{}, hash.Corrupt},
		"too costly":             {j.progressive, little, hash.TooCostly},
		"too costly, baseline":   {j.copy, little, hash.TooCostly},
	} {
		_, _, err := hash.Read(t.Context(), bytes.NewReader(c.file), c.limits)
		if reason, _ := hash.IsUnusable(err); reason != c.exact {
			t.Fatalf("%s: read exactly: %v, want %s", name, err, c.exact)
		}
		x := shopOf(t, j, c.limits)
		for _, mode := range []Mode{"", Fast, Thorough} {
			v := judge(t, x, c.file, JudgeOptions{Mode: mode})
			if v.Outcome != Unusable || v.Reason != c.exact || v.Mode != cmp.Or(mode, Thorough) || len(v.Matches) != 0 {
				t.Errorf("%s, %q: %s %q, mode %s, %d matches", name, mode, v.Outcome, v.Reason, v.Mode, len(v.Matches))
			}
		}
		v := judge(t, x, c.file, JudgeOptions{Banks: []string{"real"}, Mode: Fast})
		if v.Outcome != None || v.Mode != Fast || len(v.Matches) != 0 {
			t.Errorf("%s, a stranger: %s, mode %s", name, v.Outcome, v.Mode)
		}
		v = judge(t, x, c.file, JudgeOptions{Banks: []string{"real"}})
		if v.Outcome != Unusable || v.Reason != c.exact || v.Mode != Thorough || len(v.Matches) != 0 {
			t.Errorf("%s, a stranger: %s, mode %s", name, v.Outcome, v.Mode)
		}
		// It cannot become a reference.
		_, err = x.Register(t.Context(), Reference{Bank: "fakes", ID: "2"}, bytes.NewReader(c.file), RegisterOptions{})
		if reason, _ := hash.IsUnusable(err); reason != c.exact {
			t.Errorf("%s: registered: %v, want %s", name, err, c.exact)
		}
	}
}

// What is refused by both paths is unusable in the mode that was asked for.
func TestUnusableQueries(t *testing.T) {
	x := shopOf(t, readJacket(t), hash.Limits{})
	j := readJacket(t)
	for name, c := range map[string]struct {
		file []byte
		want hash.Reason
	}{
		"cut off": {j.file[:len(j.file)/2], hash.Corrupt},
		"white":   {edits.JPEG(imaging.New(600, 500, image.White), 80), hash.TooPlain},
		"text":    {[]byte("no picture"), hash.NotImage},
	} {
		for _, mode := range []Mode{Fast, Thorough} {
			if v := judge(t, x, c.file, JudgeOptions{Mode: mode}); v.Outcome != Unusable || v.Reason != c.want || v.Mode != mode {
				t.Errorf("%s: %s %s, mode %s", name, v.Outcome, v.Reason, v.Mode)
			}
		}
	}
}

// A bank that is searched by another hash needs the exact picture; what cannot be read so
// is unusable.
func TestQueryOfABankOfOtherHashes(t *testing.T) {
	j := readJacket(t)
	x := shopOf(t, j, hash.Limits{})
	if _, err := x.CreateBank(t.Context(), Bank{Name: "list", Kind: Fake, Main: hash.Perception}); err != nil {
		t.Fatal(err)
	}
	word, _ := j.of.Word(hash.Perception)
	mustAdd(t, x, Reference{Bank: "list", ID: "jacket", Fingerprint: hash.FromWord(hash.Perception, word)})
	for _, mode := range []Mode{Fast, Thorough} {
		v := judge(t, x, j.copy, JudgeOptions{Mode: mode})
		if v.Outcome != KnownFake || len(v.Matches) != 2 || !v.Fingerprint.Has(hash.Perception) {
			t.Errorf("%s: %s, %d matches", mode, v.Outcome, len(v.Matches))
		}
		if v := judge(t, x, j.copy, JudgeOptions{Mode: mode, Banks: []string{"list"}}); len(v.Matches) != 1 {
			t.Errorf("%s, the list alone: %s, %d matches", mode, v.Outcome, len(v.Matches))
		}
		v = judge(t, x, j.torn, JudgeOptions{Mode: mode})
		if v.Outcome != Unusable || v.Reason != hash.Corrupt || v.Mode != mode {
			t.Errorf("%s, damaged: %s, %d matches, mode %s", mode, v.Outcome, len(v.Matches), v.Mode)
		}
	}
}

// fuse is a context that ends when it was asked some times.
type fuse struct {
	context.Context
	mu   sync.Mutex
	left int
}

func (r *fuse) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left--; r.left < 0 {
		return context.Canceled
	}
	return nil
}

// A judgement whose context ends is an error, wherever it ends: it is not taken for a
// picture that cannot be read exactly.
func TestJudgeEndsWithItsContext(t *testing.T) {
	j := readJacket(t)
	x := shopOf(t, j, hash.Limits{})
	whole := judge(t, x, j.copy, JudgeOptions{})
	ended := 0
	for n := 0; ; n += 1 + n/8 {
		v, err := x.Judge(&fuse{Context: t.Context(), left: n}, bytes.NewReader(j.copy), JudgeOptions{})
		if err == nil {
			if v.Outcome != whole.Outcome || v.Mode != whole.Mode || len(v.Matches) != len(whole.Matches) {
				t.Errorf("%d questions: %s, mode %s", n, v.Outcome, v.Mode)
			}
			break
		}
		if ended++; !errors.Is(err, context.Canceled) {
			t.Fatalf("%d questions: %v", n, err)
		}
	}
	if ended < 5 {
		t.Errorf("the context is asked %d times", ended)
	}
}

// Judgements at a time share Hashers, and do not disturb one another.
func TestJudgementsShareHashers(t *testing.T) {
	j := readJacket(t)
	x := shopOf(t, j, hash.Limits{})
	files := [][]byte{
		j.copy, j.mirrored, j.progressive, j.torn, edits.JPEG(imaging.Resize(j.img, 900, 900, imaging.Linear), 80),
		edits.JPEG(edits.Border(j.img, image.White.At(0, 0), .1), 80), j.file[:3000], []byte("text"),
	}
	if testing.Short() {
		files = files[2:]
	}
	want := make([]Verdict, len(files))
	for i, b := range files {
		want[i] = judge(t, x, b, JudgeOptions{})
	}
	if outcomes := slices.IndexFunc(want, func(v Verdict) bool { return v.Outcome == KnownFake }); outcomes < 0 {
		t.Fatal("none of the files is known")
	}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range files {
				i = (i + 2*n) % len(files)
				got, err := x.Judge(t.Context(), bytes.NewReader(files[i]), JudgeOptions{})
				if err != nil || !reflect.DeepEqual(got, want[i]) {
					t.Errorf("file %d: %s, %v, alone %s", i, got.Outcome, err, want[i].Outcome)
				}
			}
		})
	}
	wg.Wait()
}

// Known bytes that the query path alone can read now are judged by what is stored, once
// a decoding fails, and by the picture otherwise.
func TestKnownBytesThatCannotBeReadExactly(t *testing.T) {
	j := readJacket(t)
	x := shopOf(t, j, hash.Limits{MaxMemory: 2 << 20})
	mustAdd(t, x, Reference{Bank: "fakes", ID: "same bytes", Fingerprint: j.of, Features: j.features, SHA256: sha256.Sum256(j.file)})
	v := judge(t, x, j.file, JudgeOptions{})
	if v.Outcome != KnownFake || v.Mode != Fast || len(v.Matches) != 2 {
		t.Errorf("%s, mode %s, %d matches", v.Outcome, v.Mode, len(v.Matches))
	}
}

// A picture is not the caller's mistake: if it cannot be read exactly, and a bank that
// was named is searched by another hash, it is unusable for the reason that Read gives.
func TestQueryOfANamedBankOfOtherHashes(t *testing.T) {
	j := readJacket(t)
	x := shopOf(t, j, hash.Limits{})
	if _, err := x.CreateBank(t.Context(), Bank{Name: "list", Kind: Fake, Main: hash.Perception}); err != nil {
		t.Fatal(err)
	}
	v := judge(t, x, j.torn, JudgeOptions{Banks: []string{"list"}})
	if v.Outcome != Unusable || v.Reason != hash.Corrupt {
		t.Errorf("%s %s", v.Outcome, v.Reason)
	}
}

// A file can show one picture to viewers and another one to the query path, which does not
// clip each pixel: here the jacket is in a little luma, another photo in the chroma of
// colours that do not exist, of which green is left. It is no fake in any mode.
func TestQueryOfTwoFaces(t *testing.T) {
	j := readJacket(t)
	x := shopOf(t, j, hash.Limits{})
	jacket := imaging.Grayscale(imaging.Resize(j.img, 512, 512, imaging.Linear))
	other := imaging.Grayscale(imaging.Resize(shots(t, 2)[1].scenePhoto(t), 512, 512, imaging.Linear))
	m := image.NewYCbCr(jacket.Rect, image.YCbCrSubsampleRatio444)
	for i := range m.Y {
		m.Y[i] = uint8(int(jacket.Pix[4*i]) * 50 / 255)
		m.Cb[i] = 128 - other.Pix[4*i]/2
		m.Cr[i] = m.Cb[i]
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	small, _, err := hash.ReadQuery(t.Context(), bytes.NewReader(b.Bytes()), hash.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := hash.Compare(small, j.of); err != nil || d.PDQ > 31 {
		t.Fatalf("the small picture is %d bits from the jacket, %v: this file deceives nobody", d.PDQ, err)
	}
	for _, mode := range []Mode{Fast, Thorough} {
		if v := judge(t, x, b.Bytes(), JudgeOptions{Mode: mode}); v.Outcome == KnownFake || v.Advice == Block {
			t.Errorf("%s: %s, %s, %+v", mode, v.Outcome, v.Advice, v.Matches)
		}
	}
}
