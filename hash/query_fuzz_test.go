package hash

import (
	"bytes"
	"errors"
	"image/color"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// FuzzQuery: whatever the bytes are, a query is answered, and Read agrees: with the same
// fingerprint where the query was left to the exact path, with any but a refusal of
// damage where it was read small. Of a progressive file a query does not see all
// damage. Samples of the small picture are those of damaged blocks too, so how far the
// codes are from each other is not asked here.
func FuzzQuery(f *testing.F) {
	m := imaging.Resize(demoNamed(f, noBorder).img, 256, 251, imaging.Linear)
	for _, o := range []jpegwriter.Options{
		{Quality: 30}, {Quality: 30, Grey: true}, {Quality: 20, Progressive: true}, {Quality: 20, Sampling: jpegwriter.S444, Orientation: 6},
		{Quality: 30, RestartInterval: 9, Sampling: jpegwriter.S411},
	} {
		f.Add(written(f, m, o))
	}
	f.Add(edit.JPEG(edit.Border(edit.Scale(m, .8, .9), color.Black, .12), 40))
	f.Add([]byte("\xff\xd8\xff"))
	l := fuzzLimits()
	l.MaxPixels, l.Timeout = 1<<17, 10*time.Second
	var h Hasher
	f.Fuzz(func(t *testing.T, b []byte) {
		q, e := h.seeAs(b, l), readAs(b, l)
		var u *UnusableError
		if q.err != nil && !errors.As(q.err, &u) {
			t.Fatalf("query: %v", q.err)
		}
		switch {
		case q.small() && e.reason == TooPlain: // clipping may hide all that a damaged file holds
		case q.small() && surveyJPEG(b).progressive && e.err != nil:
		case q.reason != e.reason:
			t.Fatalf("%v as a query, %v exactly", q.err, e.err)
		case q.small():
			wantSoundQuery(t, q, e)
		case q.err == nil:
			if e.f.has |= fromQuery; q.info.Complete(q.f) != e.f {
				t.Fatal("left to the exact path, but with another fingerprint")
			}
		}
		if again := new(Hasher).seeAs(bytes.Clone(b), l); !again.same(q) {
			t.Fatal("another answer of a fresh Hasher")
		}
	})
}

func wantSoundQuery(t *testing.T, q, e seenBy) {
	t.Helper()
	text, err := Parse(q.f.String())
	if err != nil || text != q.f || !q.f.Fast() || q.f.Quality() < MinQuality {
		t.Fatalf("fingerprint %v, %v", q.f, err)
	}
	if q.info.Width != e.info.Width || q.info.Height != e.info.Height || q.info.Orientation != e.info.Orientation {
		t.Fatalf("%+v as a query, %+v exactly", q.info, e.info)
	}
	if box := q.info.Box(Trimmed); box.Empty() || !box.In(q.info.Box(Full)) {
		t.Fatalf("trimmed frame %v of %v", box, q.info.Box(Full))
	}
	for _, v := range append(q.f.Variants(), q.info.RegionVariants()...) {
		if v.Code == (Code{}) {
			t.Fatal("an empty code")
		}
	}
}
