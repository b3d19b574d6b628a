package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

func TestSpread(t *testing.T) {
	upTo := func(n int) (all []float64) {
		for i := n; i > 0; i-- {
			all = append(all, float64(i))
		}
		return all
	}
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{7}, spread{7, 7, 7, 7, 7}},
		{[]float64{2, 1}, spread{1.5, 1, 2, 2, 2}},
		{[]float64{3, 1, 2}, spread{2, 2, 3, 3, 3}},
		{upTo(10), spread{5.5, 5, 9, 10, 10}},
		{upTo(100), spread{50.5, 50, 90, 99, 100}},
		{upTo(101), spread{51, 51, 91, 100, 101}},
		{upTo(1000), spread{500.5, 500, 900, 990, 1000}},
	} {
		n := len(c.values)
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%d values: %+v, want %+v", n, got, c.want)
		}
	}
}

// One place lies in each stretch, the same for the same seed.
func TestPlaces(t *testing.T) {
	for _, c := range []struct{ total, n int64 }{{1, 1}, {10, 3}, {10, 10}, {1000, 7}, {1<<63 - 1, 200}} {
		got := places(c.total, c.n, 1)
		if int64(len(got)) != c.n || !slices.Equal(got, places(c.total, c.n, 1)) {
			t.Errorf("%d of %d: %v", c.n, c.total, got)
		}
		for i, p := range got {
			// Ends of stretches are i/n of the total, rounded down.
			if from := c.total / c.n * int64(i); p < from || p-from > c.total/c.n+c.n {
				t.Errorf("%d of %d: place %d is %d", c.n, c.total, i, p)
			}
			if i > 0 && p <= got[i-1] || p >= c.total {
				t.Errorf("%d of %d: place %d is %d, after %v", c.n, c.total, i, p, got[:i])
			}
		}
	}
	if got := places(3, 200, 5); !slices.Equal(got, []int64{0, 1, 2}) {
		t.Errorf("200 of 3: %v", got)
	}
	if slices.Equal(places(1000, 7, 1), places(1000, 7, 2)) {
		t.Error("another seed chooses the same")
	}
}

func TestPlans(t *testing.T) {
	for _, c := range []struct {
		name  string
		banks []index.BankTrace
		want  plans
	}{
		{"no bank", nil, plans{Scan: 1}},
		{"no index", []index.BankTrace{{Tail: 5, Queries: 16, Scanned: 16}}, plans{Scan: 1}},
		{"index alone", []index.BankTrace{{Parts: []int{9}, Queries: 16, Indexed: 16}}, plans{Index: 1}},
		{"index and tail", []index.BankTrace{{Parts: []int{9}, Tail: 5, Queries: 16, Indexed: 16, Scanned: 16}}, plans{Index: 1}},
		{"nothing to look at", []index.BankTrace{{Parts: []int{9}, Tail: 5, Queries: 16, Scanned: 16}}, plans{Index: 1}},
		{"scanned in spite of it", []index.BankTrace{{Parts: []int{9}, Tail: 5, Queries: 16, Scanned: 32}}, plans{Scan: 1}},
		{"some codes scanned", []index.BankTrace{{Parts: []int{9}, Queries: 16, Indexed: 10, Scanned: 6}}, plans{Both: 1}},
		{"one part scanned", []index.BankTrace{{Parts: []int{9, 4}, Tail: 1, Queries: 16, Indexed: 16, Scanned: 32}}, plans{Both: 1}},
		{"another bank without", []index.BankTrace{
			{Parts: []int{9}, Queries: 16, Indexed: 16}, {Tail: 3, Queries: 1, Scanned: 1},
		}, plans{Index: 1}},
	} {
		var got plans
		if got.add(index.Trace{Banks: c.banks}); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// The table and what it is made of, of two searches that did something.
func TestNearTable(t *testing.T) {
	m := newNearFigures([]index.Bank{{Name: "a", Searchable: 300}, {Name: "w", Main: hash.Perception, Searchable: 10}})
	found := m.add(index.Trace{Seq: 9, Banks: []index.BankTrace{
		{Bank: "a", Codes: 600, Dead: 7, Tail: 107, Parts: []int{400, 100}, Queries: 16, Radius: 31,
			Indexed: 32, Scanned: 16, Probes: 50, Candidates: 960, Compared: 107, Found: 3},
		{Bank: "w", Codes: 10, Tail: 10, Queries: 1, Radius: 8, Scanned: 1, Compared: 10, Found: 1},
	}}, 1500*time.Nanosecond)
	if found != 4 {
		t.Errorf("found %d, want 4", found)
	}
	m.add(index.Trace{Seq: 9, Banks: []index.BankTrace{{Bank: "a", Codes: 600, Dead: 7, Tail: 107, Parts: []int{400, 100},
		Queries: 8, Radius: 31, Indexed: 8, Scanned: 16, Probes: 20, Candidates: 0, Compared: 207, Found: 1}}}, 2500*time.Nanosecond)
	r := m.result()
	r.Queries = 2
	recall := 0.75
	r.Recall = &recall
	const want = `a                        pdq    references 300      radius 31  codes 600      dead 7        tail 107      parts 400+100
w                        phash  references 10       radius 8   codes 10       dead 0        tail 10       parts -
2 queries at change 9

                       mean        p50        p90        p99        max
time in us              2.0        1.5        2.5        2.5        2.5
codes of a query       12.0          8         16         16         16
probes                 35.0         20         50         50         50
candidates            480.0          0        960        960        960
codes scanned         162.0        117        207        207        207
candidates of n    0.049948   0.000000   0.099896   0.099896   0.099896
found besides           1.5          0          3          3          3

answered by indexes 50.0 %, by scans 0.0 %, by both 50.0 %
recall 0.7500`
	if got := r.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// faulty is an index whose searches are not exhaustive.
type faulty struct {
	*index.Index
	trace func(index.Trace)
	near  func([]index.Match) []index.Match
}

func (f faulty) Trace(ctx context.Context, p hash.Fingerprint, o index.NearOptions) (index.Trace, error) {
	t, err := f.Index.Trace(ctx, p, o)
	if f.trace != nil {
		f.trace(t)
	}
	return t, err
}

func (f faulty) Near(ctx context.Context, p hash.Fingerprint, o index.NearOptions) ([]index.Match, error) {
	ms, err := f.Index.Near(ctx, p, o)
	if f.near != nil && !o.Exhaustive {
		ms = f.near(ms)
	}
	return ms, err
}

// What an index does wrong is seen: with --check all of it, without it that a
// reference does not find itself.
func TestBenchNearSeesFaults(t *testing.T) {
	x, err := index.Open(t.Context(), "", &index.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if _, err := x.CreateBank(t.Context(), index.Bank{Name: "fakes", Kind: index.Fake}); err != nil {
		t.Fatal(err)
	}
	for i := range 4 { // one family, one bit from one to the next
		f := hash.FromPDQ(hash.Code{1<<i - 1, 0x123456789abcdef, 0xfedcba987, 0x5555}, 100)
		if _, err := x.Add(t.Context(), index.Reference{Bank: "fakes", ID: fmt.Sprintf("%d.jpg", i), Fingerprint: f}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		x      faulty
		check  bool
		recall string
		want   string // "" for no error
	}{
		{"sound", faulty{}, true, `"recall":1}`, ""},
		{"misses", faulty{near: func(ms []index.Match) []index.Match { return ms[:2] }}, true, `"recall":0.5}`,
			"the search for fakes/0.jpg misses fakes/2.jpg at distance 2"},
		{"misses all", faulty{near: func([]index.Match) []index.Match { return nil }}, true, `"recall":0}`,
			"the search for fakes/0.jpg misses fakes/0.jpg at distance 0"},
		{"invents", faulty{near: func(ms []index.Match) []index.Match {
			return append(ms, index.Match{Bank: "fakes", ID: "9.jpg", Main: hash.PDQ})
		}}, true, `"recall":1}`, "the search for fakes/0.jpg should not find fakes/9.jpg at distance 0"},
		{"errs in distance", faulty{near: func(ms []index.Match) []index.Match { ms[3].Distance.PDQ++; return ms }}, true, `"recall":0.75}`,
			"the search for fakes/0.jpg misses fakes/3.jpg at distance 3"},
		{"not asked", faulty{near: func([]index.Match) []index.Match { return nil }}, false, `}}`, ""},
		{"does not find itself", faulty{trace: func(t index.Trace) { t.Banks[0].Found = 0 }}, false, ``,
			"fakes/0.jpg is not found by its own codes: " + index.ErrCorrupt.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			b := nearBench{app: &app{stdout: &out, stderr: &out, json: true}, queries: 4, seed: 1, check: c.check}
			banks, err := x.Banks(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			queries, err := b.choose(t.Context(), x, banks)
			if err != nil || len(queries) != 4 {
				t.Fatal(queries, err)
			}
			c.x.Index = x
			err = b.report(t.Context(), c.x, banks, queries)
			if got := fmt.Sprint(errors.Join(err)); err != nil && got != c.want || err == nil && c.want != "" {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if !strings.HasSuffix(strings.TrimSpace(out.String()), c.recall) {
				t.Errorf("printed %s, want it to end with %s", &out, c.recall)
			}
		})
	}
}

// The indexes of a store that was just opened are waited for. The query is one of
// the first references, so that choosing it takes less time than building them.
func TestBenchNearWaitsForIndexes(t *testing.T) {
	const n = 40_000
	const seed = 668
	if p := places(n, 1, seed)[0]; p > n/100 {
		t.Fatalf("the query is reference %d", p)
	}
	dir := filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	withIndex(t, dir, func(x *index.Index) {
		rnd := rand.New(rand.NewPCG(1, 2))
		code := func() hash.Code { return hash.Code{rnd.Uint64(), rnd.Uint64(), rnd.Uint64(), rnd.Uint64()} }
		refs := make([]index.Reference, n)
		for i := range refs {
			refs[i] = index.Reference{Bank: "fakes", ID: fmt.Sprintf("%06d.jpg", i), Fingerprint: hash.FromCodes(code(), code(), 100)}
		}
		if _, err := x.Add(t.Context(), refs...); err != nil {
			t.Fatal(err)
		}
	})
	code, out, errs := runHere(t, "bench", "near", "--data", dir, "--queries", "1", "--seed", fmt.Sprint(seed), "--radius", "31", "--upright", "--check", "--json")
	var got nearResult
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	b := got.Banks[0]
	if len(b.Parts) == 0 || b.Parts[0]+b.Tail != 2*n || got.Plans.Index != 1 || got.Recall == nil || *got.Recall != 1 {
		t.Errorf("got %s", out)
	}
	if p, c := got.Probes.Max, got.Candidates.Max; p == 0 || c < 1 || c > 2*n || got.Share.Max != c/(2*2*n) || got.Scanned.Max != float64(b.Tail) {
		t.Errorf("got %s", out)
	}
}

// A store that was not closed is not repaired: the verb says what does it.
func TestBenchNearLeavesUncleanStores(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Badger cannot open for reading there")
	}
	open, dir := filepath.Join(t.TempDir(), "open"), filepath.Join(t.TempDir(), "store")
	withIndex(t, open, func(x *index.Index) {
		if _, err := x.CreateBank(t.Context(), index.Bank{Name: "fakes", Kind: index.Fake}); err != nil {
			t.Fatal(err)
		}
		f := hash.FromPDQ(hash.Code{1, 2, 3, 4}, 100)
		if _, err := x.Add(t.Context(), index.Reference{Bank: "fakes", ID: "1.jpg", Fingerprint: f}); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := runHere(t, "bench", "near", "--data", open); code != exitFailure || !strings.Contains(errs, "touchstone serve") {
			t.Errorf("store in use: exit code %d, %s", code, errs)
		}
		if err := os.CopyFS(dir, os.DirFS(open)); err != nil {
			t.Fatal(err)
		}
	})
	code, out, errs := runHere(t, "bench", "near", "--data", dir)
	if code != exitFailure || out != "" || !strings.HasSuffix(errs, "this puts it right: touchstone check --data "+dir+"\n") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	if code, _, errs := runHere(t, "check", "--data", dir); code != exitOK {
		t.Fatalf("check: exit code %d, %s", code, errs)
	}
	if code, out, errs := runHere(t, "bench", "near", "--data", dir); code != exitOK || !strings.Contains(out, "\n1 queries at change 2\n") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
}

// Ctrl-C ends it wherever it is.
func TestBenchNearInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	withIndex(t, dir, func(x *index.Index) {
		f := hash.FromPDQ(hash.Code{1, 2, 3, 4}, 100)
		if _, err := x.Add(t.Context(), index.Reference{Bank: "fakes", ID: "1.jpg", Fingerprint: f}); err != nil {
			t.Fatal(err)
		}
	})
	x, err := index.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	banks, err := x.Banks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"start", "choose", "measure", "check"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := func() { cancel(stopped{syscall.SIGINT}) }
		var out, errs bytes.Buffer
		a := &app{stdout: &out, stderr: &errs, started: true}
		b := nearBench{app: a, queries: 1, check: true}
		queries, err := b.choose(t.Context(), x, banks)
		if err != nil {
			t.Fatal(err)
		}
		switch stage {
		case "start":
			stop()
			err = b.run(ctx, x)
		case "choose":
			stop()
			_, err = b.choose(ctx, x, banks)
		case "measure":
			err = b.report(ctx, faulty{Index: x, trace: func(index.Trace) { stop() }}, banks, queries)
		case "check":
			err = b.report(ctx, faulty{Index: x, near: func(ms []index.Match) []index.Match { stop(); return ms }}, banks, queries)
		}
		if code := a.exitCode(ctx, err); code != 130 || out.Len() > 0 {
			t.Errorf("%s: exit code %d after %v, printed %s", stage, code, err, &out)
		}
		cancel(nil)
	}
}
