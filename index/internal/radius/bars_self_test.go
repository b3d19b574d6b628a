//go:build linux

package radius_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/codes"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// The tests of this file are about the measuring and not about what is measured.

func TestBarsPercentile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		p      float64
		want   float64
	}{
		{nil, 50, 0},
		{[]float64{7}, 99, 7},
		{[]float64{3, 1, 2}, 50, 2},
		{[]float64{4, 1, 3, 2}, 50, 2},
		{[]float64{4, 1, 3, 2}, 51, 3},
		{[]float64{5, 4, 3, 2, 1}, 0, 1},
		{[]float64{5, 4, 3, 2, 1}, 100, 5},
		{[]float64{5, 4, 3, 2, 1}, 80, 4},
		{[]float64{5, 4, 3, 2, 1}, 81, 5},
	} {
		if got := percentile(slices.Clone(c.values), c.p); got != c.want {
			t.Errorf("percentile %v of %v: %v, want %v", c.p, c.values, got, c.want)
		}
	}
}

func TestBarsLine(t *testing.T) {
	part, all := 0.99999, 1.0
	for _, c := range []struct {
		line   line
		missed bool
	}{
		{line{Value: 5}, false},
		{line{Value: 5, Bar: most(5)}, false},
		{line{Value: 5.01, Bar: most(5)}, true},
		{line{Value: 5, Bar: least(5)}, false},
		{line{Value: 4.99, Bar: least(5)}, true},
		{line{Value: 9, To: "x", Ratio: 5, Bar: most(5)}, false},
		{line{Value: 1, To: "x", Ratio: 6, Bar: most(5)}, true},
		{line{Value: 1, To: "x", Ratio: 6, Bar: least(5)}, false},
		{line{Value: 9, To: "x", Ratio: 4, Bar: least(5)}, true},
		{line{Value: 1, Recall: &all}, false},
		{line{Value: 1, Bar: most(5), Recall: &part}, true},
	} {
		if got := c.line.missed(); got != c.missed {
			t.Errorf("%+v, bar %v: missed %v", c.line, c.line.Bar, got)
		}
	}
	if at(999_999, most(1), most(2)) != nil || at(1_000_000, most(1), most(2)).Limit != 1 || at(10_000_000, most(1), most(2)).Limit != 2 {
		t.Error("bars by the number of codes")
	}
}

func TestBarsTable(t *testing.T) {
	var out bytes.Buffer
	b := newTable(&out, 1000, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	part, probes := 0.99999, 12.4
	b.head()
	b.add(line{Name: "good", Value: 123.4, Unit: "us", Ratio: 30.2612, To: "scalar scan", Bar: least(30), Probes: &probes})
	b.add(line{Name: "incomplete", Value: 0.5, Unit: "us", Recall: &part, Note: "why"})
	got := strings.Join(strings.Fields(out.String()[strings.Index(out.String(), "good"):]), " ")
	if want := "good 123 us 30.3 scalar scan >= 30 12 ok incomplete 0.500 us 0.9999 MISSED why"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if b.missed() != 1 {
		t.Errorf("%d missed", b.missed())
	}
	path := filepath.Join(t.TempDir(), "x.json")
	if err := b.save(path); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Run   run
		Lines []line
	}
	if err := json.Unmarshal(saved, &read); err != nil {
		t.Fatalf("%v\n%s", err, saved)
	}
	if read.Run != b.run || read.Run.Date != "2026-01-02" || read.Run.Codes != 1000 {
		t.Errorf("run %+v", read.Run)
	}
	if l := read.Lines; len(l) != 2 || l[0].Ratio != 30.26 || *l[0].Bar != *least(30) || *l[1].Recall != part || !l[1].Missed {
		t.Errorf("%s", saved)
	}
}

func TestBarsTally(t *testing.T) {
	a, b, c := radius.Hit{Tag: 1}, radius.Hit{Tag: 2, Dist: 3}, radius.Hit{Tag: 2, Dist: 4}
	for _, x := range []struct {
		found, truth []radius.Hit
		want         float64
	}{
		{nil, nil, 1},
		{[]radius.Hit{a, b}, []radius.Hit{b, a}, 1},
		{[]radius.Hit{a}, []radius.Hit{a, b}, 0.5},
		{[]radius.Hit{a, b}, []radius.Hit{a}, 0.5},
		{[]radius.Hit{a, a}, []radius.Hit{a}, 0.5},
		{[]radius.Hit{b}, []radius.Hit{c}, 0},
		{[]radius.Hit{b}, nil, 0},
	} {
		var all tally
		all.count(x.found, x.truth)
		if got := all.recall(); got != x.want {
			t.Errorf("found %v, true %v: %v, want %v", x.found, x.truth, got, x.want)
		}
	}
}

// TestBarsOracle compares the oracle with the set's own, and what a search
// reports with both.
func TestBarsOracle(t *testing.T) {
	c := corpus{codes: codes.Make(codes.BoxWhite, 3000, 1)}
	v, _, _ := build(c, radius.Options{})
	eights := variants([][]hash.Code{c.codes[:1], c.codes[7:8]}, 2)
	for _, s := range []search{
		{sets: eights, radius: 90, method: radius.Plain},
		{sets: eights, radius: 100, method: radius.Plain, nearest: 7},
		{sets: apart(eights), radius: 256, method: radius.Plain, nearest: 7},
		{sets: [][]hash.Code{{c.codes[0], c.codes[0]}}, radius: 256, method: radius.Plain, nearest: 7},
		{sets: [][]hash.Code{c.codes[:2]}, radius: 0},
	} {
		if r := s.recall(v, c, 8); *r != 1 {
			t.Errorf("radius %d, %d nearest: recall %v", s.radius, s.nearest, *r)
		}
	}
	if n := len(c.within(eights[0], 31)); n == 0 {
		t.Error("a code of the set is not near itself")
	}
	c.codes = slices.Clone(c.codes)
	c.codes[0], c.codes[3] = c.codes[3], c.codes[0]
	if r := (search{sets: eights, radius: 31}).recall(v, c, 8); *r == 1 {
		t.Error("two codes under the wrong tags are not noticed")
	}
}

func TestBarsStatus(t *testing.T) {
	o, err := parseStatus("Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t200 kB\nRssAnon:\t    100 kB\nRssFile:\t1 kB\n")
	if want := (occupied{100 << 10, 200 << 10, 300 << 10}); err != nil || o != want {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := parseStatus("VmRSS:\t200 kB\n"); err == nil {
		t.Error("no error for what is missing")
	}
	if o, err := resident(); err != nil || o.anonymous <= 0 || o.peak < o.all || o.all < o.anonymous {
		t.Errorf("of this process: %+v, %v", o, err)
	}
}

// TestBarsKeeper replaces codes while jobs run, and compares with the oracle.
func TestBarsKeeper(t *testing.T) {
	c := corpus{codes: codes.Make(codes.Uniform, 70_000, 1)}
	v, _, _ := build(corpus{codes: c.codes[:10]}, radius.Options{})
	p := newPopulation(v, corpus{codes: slices.Clone(c.codes[:10])})
	p.change(func(e *radius.Edit) {
		for _, code := range c.codes[10:] {
			e.Add(p.next, code)
			p.codes, p.tags = append(p.codes, code), append(p.tags, p.next)
			p.next++
		}
	})
	p.turnOver(3000)
	p.settle()
	if p.load().Len() != len(p.codes) || p.load().Due() != nil || p.jobs == 0 {
		t.Errorf("%d codes, want %d; %d jobs", p.load().Len(), len(p.codes), p.jobs)
	}
	b := &bench{n: len(p.codes)}
	if l := p.line(b, "x", 1<<20); *l.Recall != 1 || l.Ratio != l.Value {
		t.Errorf("%+v, recall %v", l, *l.Recall)
	}
	p.tags[0]++ // the centre of a hot cluster, which is asked for
	if l := p.line(b, "x", 1); *l.Recall == 1 {
		t.Error("a wrong tag is not noticed")
	}
}

func TestBarsManifest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.csv")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("source,file\nx,a.jpg\ny,b.jpg\n")
	if names, err := manifest(path); err != nil || !slices.Equal(names, []string{"a.jpg", "b.jpg"}) {
		t.Errorf("%v, %v", names, err)
	}
	write("source,name\nx,a.jpg\n")
	if _, err := manifest(path); err == nil {
		t.Error("no error without a column of files")
	}
}

func TestBarsFamilies(t *testing.T) {
	c := codes.Make(codes.Uniform, 1, 1)[0]
	set := []hash.Code{c, codes.Moved(c, 64, 1), codes.Moved(c, 66, 2), c}
	if kept := onePerFamily(set); !slices.Equal(kept, []hash.Code{set[0], set[2]}) {
		t.Errorf("kept %d", len(kept))
	}
}

func TestBarsSets(t *testing.T) {
	queries := codes.Make(codes.Uniform, 20, 1)
	sets := singles(queries)
	seen := make(map[hash.Code]bool)
	for _, s := range sets {
		seen[s[0]] = len(s) == 1
	}
	eights := variants(sets, 3)
	if len(sets) != 20 || len(seen) != 20 || len(eights) != 3 || len(eights[1]) != 8 || eights[1][0] != sets[1][0] || len(apart(eights)) != 24 {
		t.Errorf("%d sets, %d codes, %d times eight", len(sets), len(seen), len(eights))
	}
}

func TestBarsContest(t *testing.T) {
	x := uint64(1)
	spin := func(n int) runner {
		return runner{2, func() {
			for range n {
				x ^= x<<13 ^ x>>7
			}
		}}
	}
	times := contest(3, spin(20_000), spin(200_000))
	if ratio := times[1] / times[0]; ratio < 5 || ratio > 20 {
		t.Errorf("ten times the work takes %v times as long: %v us (%d)", ratio, times, x)
	}
}
