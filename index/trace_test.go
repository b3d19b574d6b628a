package index

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
)

func TestTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("tens of thousands of references take long under the race detector")
	}
	x := shop(t)
	if _, err := x.CreateBank(t.Context(), Bank{Name: "words", Kind: Fake, Main: hash.Perception}); err != nil {
		t.Fatal(err)
	}
	built, gate := gated(x)
	refs := crowd(enough)
	for i, f := range someFeatures(t) {
		refs[i].Features = f
	}
	mustAdd(t, x, refs...)
	<-built
	codes := 0
	for i := range refs {
		codes++
		if i%10 != 3 {
			codes++
		}
	}
	f := refs[10].Fingerprint
	o := NearOptions{Upright: true}
	trace := func(o NearOptions) BankTrace {
		t.Helper()
		got, err := x.Trace(t.Context(), f, o)
		if err != nil {
			t.Fatal(err)
		}
		if got.Seq != x.Seq() || len(got.Banks) != 2 || got.Banks[0].Bank != "fakes" || got.Banks[1].Bank != "real" {
			t.Fatalf("%+v, want banks fakes and real", got)
		}
		if b := got.Banks[0]; b.Found != len(near(t, x, f, o)) {
			t.Errorf("found %d, want as many as Near, %d", b.Found, len(near(t, x, f, o)))
		}
		return got.Banks[0]
	}
	b := trace(o)
	if b.Codes != codes || b.Dead != 0 || len(b.Parts) != 0 || b.Tail != codes || b.Queries != 2 || b.Radius != 46 {
		t.Errorf("without an index: %+v", b)
	}
	if b.Indexed != 0 || b.Scanned != 2 || b.Compared != codes || b.Regions != 0 || b.Found < 10 {
		t.Errorf("without an index: %+v", b)
	}
	close(gate)
	settled(t, x)
	if err := x.Remove(t.Context(), "fakes", refs[3].ID, refs[4].ID); err != nil {
		t.Fatal(err)
	}
	b = trace(o)
	if b.Codes != codes-3 || b.Dead != 3 || len(b.Parts) != 1 || b.Parts[0]+b.Tail != codes {
		t.Errorf("with an index: %+v", b)
	}
	exact := 0
	o.Radius = &exact
	if b = trace(o); b.Indexed != 2 || b.Scanned != 2 || b.Probes == 0 || b.Candidates == 0 || b.Compared != b.Tail || b.Radius != 0 {
		t.Errorf("at radius 0: %+v", b)
	}
	o.Regions = true
	if b = trace(o); b.Regions == 0 {
		t.Errorf("with regions: %+v", b)
	}
	all, err := x.Memory()
	if err != nil || len(all) != 3 || all[0].Bank != "fakes" || all[0].Kind != Fake {
		t.Fatalf("%+v, %v", all, err)
	}
	if m := all[0]; m.Codes != codes-3 || m.Dead != 3 || m.Unindexed != b.Tail || m.Bytes < int64(90*codes) || m.Bytes > int64(250*codes) {
		t.Errorf("memory %+v, want as %+v", m, b)
	}
	text, err := json.Marshal(Trace{Banks: []BankTrace{{Parts: []int{}}}})
	if err != nil || !strings.Contains(string(text), `"banks":[{"bank":"","codes":0,"dead":0,"parts":[],"tail":0,`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTraceFails(t *testing.T) {
	x := shop(t)
	if _, err := x.CreateBank(t.Context(), Bank{Name: "words", Kind: Fake, Main: hash.Perception}); err != nil {
		t.Fatal(err)
	}
	f := hash.FromPDQ(hash.Code{1}, 90)
	for _, c := range []struct {
		f    hash.Fingerprint
		o    NearOptions
		want error
	}{
		{hash.Fingerprint{}, NearOptions{}, ErrInvalid},
		{f, NearOptions{Banks: []string{"none"}}, ErrNotFound},
		{f, NearOptions{Banks: []string{"words"}}, ErrInvalid},
	} {
		_, err := x.Trace(t.Context(), c.f, c.o)
		if _, want := x.Near(t.Context(), c.f, c.o); !errors.Is(err, c.want) || err.Error() != want.Error() {
			t.Errorf("%+v: %v, want %v", c.o, err, want)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Trace(t.Context(), f, NearOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := x.Memory(); !errors.Is(err, ErrClosed) {
		t.Errorf("memory after Close: %v", err)
	}
}
