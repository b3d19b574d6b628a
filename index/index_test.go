package index

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/touchstone-go/touchstone/hash"
)

// start is the time of all tests' clocks.
var start = time.Unix(1_700_000_000, 0).UTC()

func testOptions() *Options {
	return &Options{Now: func() time.Time { return start }, MinFree: -1}
}

func mustOpen(t testing.TB, dir string, o *Options) *Index {
	t.Helper()
	if o == nil {
		o = testOptions()
	}
	x, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return x
}

func mustCreate(t testing.TB, x *Index, name string, k Kind) {
	t.Helper()
	if _, err := x.CreateBank(t.Context(), Bank{Name: name, Kind: k}); err != nil {
		t.Fatal(err)
	}
}

func mustAdd(t testing.TB, x *Index, refs ...Reference) {
	t.Helper()
	if n, err := x.Add(t.Context(), refs...); err != nil || n != len(refs) {
		t.Fatalf("Add: %d of %d, %v", n, len(refs), err)
	}
}

func mustCheck(t testing.TB, x *Index) {
	t.Helper()
	if err := x.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func anyCode(r *rand.Rand) hash.Code {
	return hash.Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
}

// flip returns c with n bits changed.
func flip(c hash.Code, n int) hash.Code {
	for i := range n {
		c[i/64] ^= 1 << (i % 64)
	}
	return c
}

func ids(ms []Match) (s []string) {
	for _, m := range ms {
		s = append(s, fmt.Sprintf("%s/%s %s %d", m.Bank, m.ID, m.Grade, m.Distance.Of(m.Main)))
	}
	return s
}

func near(t testing.TB, x *Index, f hash.Fingerprint, o NearOptions) []string {
	t.Helper()
	ms, err := x.Near(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	return ids(ms)
}

func TestLifeOfAReference(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	r := rand.New(rand.NewPCG(1, 2))
	x := mustOpen(t, dir, nil)
	mustCreate(t, x, "real", Genuine)
	mustCreate(t, x, "fakes", Fake)
	c := anyCode(r)
	mustAdd(t, x,
		Reference{Bank: "real", ID: "a", Fingerprint: hash.FromCodes(c, anyCode(r), 80)},
		Reference{Bank: "fakes", ID: "b/c.jpg", Fingerprint: hash.FromPDQ(flip(c, 40), 80), SKU: "s", Meta: map[string]string{"k": "v"}},
	)
	want := "[real/a strong 2 fakes/b/c.jpg weak 42]"
	q := hash.FromPDQ(hash.Code{c[0], c[1], c[2], c[3] ^ 3}, 90)
	if got := fmt.Sprint(near(t, x, q, NearOptions{})); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Near(context.Background(), q, NearOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Near after Close: %v", err)
	}
	x = mustOpen(t, dir, nil)
	if got := fmt.Sprint(near(t, x, q, NearOptions{})); got != want {
		t.Errorf("reopened: got %s, want %s", got, want)
	}
	if err := x.Remove(t.Context(), "real", "a"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(near(t, x, q, NearOptions{})); got != "[fakes/b/c.jpg weak 42]" {
		t.Errorf("after Remove: %s", got)
	}
	var ops []string
	for c, err := range x.Changes(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, fmt.Sprintf("%d %s %s %q %v", c.Seq, c.Op, c.Bank, c.ID, c.Slots))
	}
	if got, want := fmt.Sprint(ops), `[2 bank_created fakes "" [] 3 added real "" [{1 1}] 4 added fakes "" [{2 1}] 5 removed real "a" []]`; got != want {
		t.Errorf("changes %s, want %s", got, want)
	}
	mustCheck(t, x)
}

// TestChangesAgain: a sequence may be used twice, and begin anywhere.
func TestChangesAgain(t *testing.T) {
	x := shop(t)
	count := func(after uint64) (n int) {
		changes := x.Changes(t.Context(), after)
		for range 2 {
			n = 0
			for _, err := range changes {
				if err != nil {
					t.Fatalf("after %d: %v", after, err)
				}
				n++
			}
		}
		return n
	}
	for after, want := range map[uint64]int{0: 2, 1: 1, 2: 0, 3: 0, math.MaxUint64: 0} {
		if got := count(after); got != want {
			t.Errorf("%d changes after %d, want %d", got, after, want)
		}
	}
}

// TestMain looks for goroutines that are left. Badger leaves some of its own
// when it fails to open a damaged store; an Index that was not closed would
// still be found by its writer.
func TestMain(m *testing.M) {
	const badger, ristretto = "github.com/dgraph-io/badger/v4", "github.com/dgraph-io/ristretto/v2"
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction(badger+".(*DB).monitorCache"),
		goleak.IgnoreTopFunction(badger+".(*DB).updateSize"),
		goleak.IgnoreTopFunction(badger+"/y.(*WaterMark).process"),
		goleak.IgnoreTopFunction(ristretto+"/z.(*AllocatorPool).freeupAllocators"),
		goleak.IgnoreTopFunction(ristretto+".(*Cache[...]).processItems"),
		goleak.IgnoreTopFunction(ristretto+".(*defaultPolicy[...]).processItems"),
	)
}

// tempDir is for rapid, whose T has none.
func tempDir() (string, error) { return os.MkdirTemp("", "touchstone") }

func removeAll(dir string) { _ = os.RemoveAll(dir) }

// TestPolicies: what thresholds a bank may have.
func TestPolicies(t *testing.T) {
	x := shop(t)
	if _, err := x.CreateBank(t.Context(), Bank{Name: "words", Kind: Fake, Main: hash.Difference}); err != nil {
		t.Fatal(err)
	}
	d := DefaultPolicy(Fake, hash.PDQ)
	with := func(f func(*Policy)) Policy { p := d; f(&p); return p }
	for _, c := range []struct {
		what, bank string
		p          Policy
		want       error
	}{
		{"the default", "fakes", d, nil},
		{"all zero but the hash", "fakes", Policy{Strong: 31, Weak: 46, Advise: Review}, nil},
		{"the least", "fakes", Policy{RegionStrong: 1, RegionWeak: 1, GeometryStrong: minGeometry, GeometryWeak: minGeometry, Advise: Review}, nil},
		{"the most", "fakes", Policy{96, 96, 64, 64, maxGeometry, maxGeometry, Block}, nil},
		{"weak below strong", "fakes", with(func(p *Policy) { p.Weak = p.Strong - 1 }), ErrInvalid},
		{"a weak threshold of nearly everything", "fakes", with(func(p *Policy) { p.Weak = 97 }), ErrInvalid},
		{"a region's weak below strong", "fakes", with(func(p *Policy) { p.RegionWeak = p.RegionStrong - 1 }), ErrInvalid},
		{"a region's weak threshold of nearly everything", "fakes", with(func(p *Policy) { p.RegionWeak = 65 }), ErrInvalid},
		{"a negative one", "fakes", with(func(p *Policy) { p.RegionStrong = -1 }), ErrInvalid},
		{"geometry's strong below weak", "fakes", with(func(p *Policy) { p.GeometryStrong = p.GeometryWeak - 1 }), ErrInvalid},
		{"too little evidence", "fakes", with(func(p *Policy) { p.GeometryWeak = minGeometry - 1 }), ErrInvalid},
		{"more than never", "fakes", with(func(p *Policy) { p.GeometryStrong = maxGeometry + 1 }), ErrInvalid},
		{"no advice", "fakes", with(func(p *Policy) { p.Advise = "" }), ErrInvalid},
		{"words", "words", Policy{Strong: 3, Weak: 20, Advise: Block}, nil},
		{"words, too far", "words", Policy{Strong: 3, Weak: 21, Advise: Block}, ErrInvalid},
		{"words with regions", "words", Policy{Strong: 3, Weak: 9, RegionStrong: 1, RegionWeak: 2, Advise: Block}, ErrInvalid},
		{"words with geometry", "words", Policy{Strong: 3, Weak: 9, GeometryWeak: 60, Advise: Block}, ErrInvalid},
	} {
		if err := x.SetPolicy(t.Context(), c.bank, c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
			continue
		}
		b, err := x.Bank(t.Context(), c.bank)
		if want := c.p.withDefaults(b.Main); err != nil || c.want == nil && b.Policy != want {
			t.Errorf("%s: the bank has %+v, want %+v (%v)", c.what, b.Policy, want, err)
		}
	}
	mustCheck(t, x)
}
