package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

var (
	smallSet = filepath.Join("..", "..", "testdata", "accuracy")
	recorded = filepath.Join("..", "results", "accuracy-small.json")
)

// The program as a person runs it, on a part of what was recorded: no family
// may find fewer copies than it did then, and nothing may be accused that was
// not.
func TestNoWorseThanRecorded(t *testing.T) {
	was, err := load(recorded)
	if err != nil {
		t.Fatal(err)
	}
	file, positives := filepath.Join(t.TempDir(), "results.json"), "2"
	if testing.Short() {
		positives = "1"
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"-set", "published", "-positives", positives, "-negatives", "2", "-every", "4", "-fill", "2",
		"-check", "-v", "-json", file, smallSet}, &out, &errs)
	if missed := strings.Contains(out.String(), "bars missed\n"); errs.Len() > 0 || missed != (code == 1) {
		t.Fatalf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
	now, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range worse(now, was) {
		t.Error(s)
	}
	for _, want := range []string{"published attacks", "phash<=10", "own reference first", "micro-AP", "bytes on disk", "not found: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	// A mirrored copy is found by none of the rivals that compare whole codes.
	for m, want := range map[method]bool{thorough: true, fast: true, phash: false, pdq: false} {
		for _, f := range now.Sets[0].find(m).Families {
			if f.Name == "identity" && f.Recall.Any.Count != f.Recall.Any.Of || f.Name == "mirror" && (f.Recall.Any.Count > 0) != want {
				t.Errorf("%v: family %s: %+v", m, f.Name, f.Recall)
			}
		}
	}
	if c := now.QueryCost["fast"]; c.References != 68 || c.Queries == 0 || c.Mean <= 0 || now.Bank.DiskBytes <= 0 || now.Bank.RegisterCPU <= 0 {
		t.Errorf("costs %+v, %+v", c, now.Bank)
	}
	if t.Failed() || testing.Verbose() {
		t.Log(out.String())
	}
}

// worse compares the published attacks of a run with the record of a larger
// one.
func worse(now, was *results) (lines []string) {
	for _, p := range now.Protocol.Originals {
		if !slices.Contains(was.Protocol.Originals, p) {
			lines = append(lines, "the recorded run did not copy "+p+"; record it again: make accuracy JSON=benchmarks/results/accuracy-small.json")
		}
	}
	familyOf := make(map[string]string)
	for _, a := range attack.All(attack.Published) {
		familyOf[a.Name] = a.Family
	}
	for _, by := range modes {
		n, w := now.Sets[0].find(by), was.Sets[0].find(by)
		missed := make(map[string]int)
		for _, name := range w.Missed {
			file, attack, _ := strings.Cut(name, "|")
			if slices.Contains(now.Protocol.Originals, file) {
				missed[familyOf[attack]]++
			}
		}
		for _, f := range n.Families {
			if m := f.Recall.Any.Of - f.Recall.Any.Count; m > missed[f.Name] {
				lines = append(lines, fmt.Sprintf("%v misses %d copies of family %s, recorded are %d", by, m, f.Name, missed[f.Name]))
			}
		}
		for _, name := range n.Accused {
			if !slices.Contains(w.Accused, name) {
				lines = append(lines, fmt.Sprintf("%v: new false alarm %s", by, name))
			}
		}
	}
	return lines
}

// The comparison sees a copy that is lost and a picture that is accused.
func TestWorse(t *testing.T) {
	m := invented(t)
	was := m.results()
	if lines := worse(m.results(), was); len(lines) > 0 {
		t.Fatalf("the same run is worse than itself: %v", lines)
	}
	m.answers[0].by[fast].own = unmatched
	m.answers[len(m.answers)-1].by[fast].foreign = weak
	lines := worse(m.results(), was)
	if len(lines) != 2 || !strings.Contains(lines[0], "family identity") || !strings.Contains(lines[1], "new false alarm out-1.jpg") {
		t.Errorf("got %q", lines)
	}
	m.asked = []photo{{file: "else.jpg"}}
	if lines := worse(m.results(), was); len(lines) != 3 {
		t.Errorf("another original: %q", lines)
	}
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "usage"},
		{[]string{"-every", "0", empty}, 2, "usage"},
		{[]string{"-fill", "0", empty}, 2, "usage"},
		{[]string{"-set", "third", empty}, 2, "third"},
		{[]string{empty}, 1, "manifest.csv"},
		{[]string{"-json", filepath.Join(empty, "none", "x.json"), empty}, 1, "x.json"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), c.args, &out, &errs); code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%v: exit code %d, %q", c.args, code, errs.String())
		}
	}
}

// invented is a measurement in which all copies of two photos are found
// strongly by all methods, and a stranger by none.
func invented(t *testing.T) *measurement {
	t.Helper()
	m := &measurement{protocol: protocol{sets: []attack.Set{attack.Published}}, bank: &bank{}}
	for i, plain := range []bool{true, false} {
		p := photo{file: fmt.Sprintf("in-%d.jpg", i), product: product(t, true), plain: plain}
		m.asked = append(m.asked, p)
		for _, at := range fitting(attack.All(attack.Published), p) {
			a := answer{photo: p, attack: at, placed: slices.Contains(placedFamilies, at.Family)}
			for m := range methods {
				a.by[m].add(true, strong, 1, p.file)
			}
			m.answers = append(m.answers, a)
		}
	}
	for i := range 2 {
		m.answers = append(m.answers, answer{photo: photo{file: fmt.Sprintf("out-%d.jpg", i), product: product(t, false), sibling: i == 0}})
	}
	return m
}

// product finds one on a side of the split.
func product(t *testing.T, in bool) string {
	t.Helper()
	for i := range 100 {
		if p := (photo{product: fmt.Sprint(i)}); p.in() == in {
			return p.product
		}
	}
	t.Fatal("the split puts all on one side")
	return ""
}

// Bars that are missed are counted and printed, and those of a set that does
// not bind are not counted.
func TestBars(t *testing.T) {
	m := invented(t)
	if r := m.results(); r.missed() != 0 {
		t.Fatalf("missed where all is found: %+v", r.Bars)
	}
	for i, a := range m.answers {
		if a.attack.Family == "crop" {
			m.answers[i].by[thorough] = reading{template: true}
		}
	}
	last := len(m.answers) - 1
	m.answers[last].by[fast].add(false, strong, 1, "in-0.jpg")
	r := m.results()
	var missed []string
	for _, b := range r.Bars {
		if b.Missed {
			missed = append(missed, b.Figure)
		}
	}
	want := []string{"crop",
		"false alarms, fast, all, strong", "false alarms, fast, all, any grade",
		"false alarms, fast, natural, any grade",
		"false alarms, fast, all without siblings, strong", "false alarms, fast, all without siblings, any grade", "same template only"}
	if !slices.Equal(missed, want) || r.missed() != len(want) {
		t.Errorf("missed %q, want %q", missed, want)
	}
	var out strings.Builder
	r.print(&out, false)
	if n := strings.Count(out.String(), "\nMISSED"); n != len(want) {
		t.Errorf("%d lines say MISSED\n%s", n, out.String())
	}
	r.Bank = bankCost{References: minWeighed, DiskBytes: maxDisk + 1, MemoryBytes: maxMemory}
	if bars := r.compare(); !bars[len(bars)-3].Missed || bars[len(bars)-2].Missed {
		t.Errorf("bytes a reference: %+v", bars[len(bars)-3:])
	}
	for i := range r.Bars {
		r.Bars[i].Set = attack.Second.String()
	}
	if r.missed() != 0 {
		t.Error("bars of the second set bind")
	}
}

// Rows of false alarms: a weak one against a sibling on plain background, a
// strong one against another photo.
func TestAlarms(t *testing.T) {
	negatives := []answer{{photo: photo{plain: true, sibling: true}}, {photo: photo{plain: true}}, {}, {}}
	negatives[0].by[fast].foreign, negatives[2].by[fast].foreign = weak, strong
	want := map[string][4]int{ // strong, of, any, of
		"all": {1, 4, 2, 4}, "white": {0, 2, 1, 2}, "natural": {1, 2, 1, 2},
		"all without siblings": {1, 3, 1, 3}, "white without siblings": {0, 1, 0, 1}, "natural without siblings": {1, 2, 1, 2},
	}
	rows := alarmsOf(negatives, func(a answer) grade { return a.by[fast].foreign })
	for _, r := range rows {
		got := [4]int{r.Strong.Count, r.Strong.Of, r.Any.Count, r.Any.Of}
		if got != want[r.name()] {
			t.Errorf("%s: %v, want %v", r.name(), got, want[r.name()])
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows", len(rows))
	}
}

// A copy that also matches as the photo itself is not a template only, and of
// rivals it is not listed what they missed.
func TestResultsOf(t *testing.T) {
	m := invented(t)
	m.answers[0].by[fast].template = true
	m.answers[1].by[fast] = reading{template: true}
	m.answers[1].by[pdq] = reading{unusable: true}
	if r := m.resultsOf(attack.Published, fast); r.Template.Count != 1 || len(r.Missed) != 1 || r.Missed[0] != m.answers[1].name() {
		t.Errorf("%+v, missed %q", r.Template, r.Missed)
	}
	if r := m.resultsOf(attack.Published, pdq); r.Unusable != 1 || len(r.Missed) != 0 {
		t.Errorf("%d unusable, missed %q", r.Unusable, r.Missed)
	}
}

// A bar holds as long as the interval reaches it, and the word says on which
// side the value is.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		bar  barResult
		want string
	}{
		{atLeast("", rateOf(95, 100), 0.9, 0.95), "aim"},
		{atLeast("", rateOf(92, 100), 0.9, 0.95), "held"},
		{atLeast("", rateOf(88, 100), 0.9, 0.95), "held, under"},
		{atLeast("", rateOf(80, 100), 0.9, 0.95), "MISSED"},
		{atLeast("", rateOf(0, 0), 0.9, 0.95), "held"},
		{atMost("", rateOf(1, 100), 0.01), "held"},
		{atMost("", rateOf(2, 100), 0.01), "held, over"},
		{atMost("", rateOf(9, 100), 0.01), "MISSED"},
		{within("", 60, 60), "held"},
		{within("", 61, 60), "MISSED"},
	} {
		if got := c.bar.word(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.bar, got, c.want)
		}
	}
}

// Every family of the attacks has a bar, and every bar a family.
func TestBarsCoverFamilies(t *testing.T) {
	for _, set := range []attack.Set{attack.Published, attack.Second} {
		want := families(attack.All(set))
		var got []string
		for _, b := range recallBars {
			got = append(got, b.families...)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%v: bars for %v, attacks of %v", set, got, want)
		}
	}
}

// Values from the formula by hand: for 0 of 10 the upper end is z²/(10+z²).
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{0, 10, 0, 0.2775},
		{5, 10, 0.2366, 0.7634},
		{10, 10, 0.7225, 1},
		{3, 1000, 0.0010, 0.0088},
		{0, 0, 0, 1},
	} {
		r := rateOf(c.k, c.n)
		if math.Abs(r.Low-c.low) > 5e-5 || math.Abs(r.High-c.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.k, c.n, r.Low, r.High, c.low, c.high)
		}
	}
}

// Three positives. By descending score: right, wrong, {right, wrong at the same
// score}, and one not found: 1/1 * 1/3 + 2/4 * 1/3.
func TestMicroAP(t *testing.T) {
	hit := func(right bool, score float64) (a answer) {
		a.by[fast].add(right, weak, score, "")
		return a
	}
	answers := []answer{hit(true, 0.5), hit(false, 0.8), {}, hit(true, 0.9), hit(false, 0.5)}
	want := 1.0/3 + 0.5/3
	if got := microAP(answers, fast, 3); math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
	if microAP(nil, fast, 0) != 0 {
		t.Error("no queries")
	}
}

// The first match that is right or wrong ranks; the surest foreign one accuses.
func TestReading(t *testing.T) {
	var r reading
	r.add(false, weak, 0.7, "a")
	r.add(true, weak, 0.6, "own")
	r.add(false, strong, 0.5, "b")
	if r.first || r.score != 0.7 || r.own != weak || r.foreign != strong || r.nearest != "b" {
		t.Errorf("%+v", r)
	}
}

// Other views of the product and templates are neither right nor wrong, and a
// place is read off the own reference, surest evidence first.
func TestReadVerdict(t *testing.T) {
	b := &bank{products: map[string]string{"own": "p", "view": "p", "other": "q"}}
	p := photo{file: "own", product: "p"}
	match := func(id string, g index.Grade, r index.Relation, score float64) index.Match {
		return index.Match{ID: id, Grade: g, Relation: r, Score: score}
	}
	got := b.read(index.Verdict{Matches: []index.Match{
		match("view", index.Exact, index.SamePhoto, 1),
		match("other", index.Weak, index.SameTemplate, 0.9),
		match("own", index.Strong, index.SamePhoto, 0.8),
		match("other", index.Weak, index.SamePhoto, 0.7),
	}}, p, nil)
	if got.own != strong || !got.first || got.score != 0.8 || got.foreign != weak || got.nearest != "other" || got.template || !math.IsNaN(got.offset) {
		t.Errorf("%+v", got)
	}
	own := match("own", index.Weak, index.SameTemplate, 0.8)
	if got = b.read(index.Verdict{Matches: []index.Match{own}}, p, nil); !got.template || got.ranked || got.own != unmatched {
		t.Errorf("as a template: %+v", got)
	}
	square := [4][2]float64{{0, 0}, {3, 0}, {3, 4}, {0, 4}}
	own.Relation, own.Region = index.SamePhoto, &index.RegionHit{}
	for want, prepare := range []func(){
		func() { own.Region.Quad = square },
		func() { own.Geometry = &hash.Alignment{Quad: [4][2]float64{{5, 0}, {8, 0}, {8, 4}, {5, 4}}} },
	} {
		if got = b.read(index.Verdict{Matches: []index.Match{own}}, p, &square); want == 0 && !math.IsNaN(got.offset) {
			t.Errorf("no place: %v", got.offset)
		}
		prepare()
		if got = b.read(index.Verdict{Matches: []index.Match{own}}, p, &square); got.offset != float64(want) {
			t.Errorf("offset %v, want %d", got.offset, want)
		}
	}
	if got = b.read(index.Verdict{Outcome: index.Unusable}, p, nil); !got.unusable {
		t.Error("unusable is not noticed")
	}
}

// Of equal distances the other product's goes first; other views of the same
// product are left out; nothing beyond the threshold counts.
func TestRivals(t *testing.T) {
	p := photo{file: "own", product: "p"}
	r := &rivals{photos: []photo{p, {file: "view", product: "p"}, {file: "other", product: "q"}, {file: "far", product: "q"}}}
	for _, w := range []uint64{0b111, 0, 0b1011, 0xffff} {
		var c codes
		c.of[phash][0], c.has[phash] = w, true
		r.codes = append(r.codes, c)
	}
	got := r.nearest([4]uint64{}, phash, p)
	if got.own != weak || got.foreign != weak || got.nearest != "other" || got.first || got.score != -3 {
		t.Errorf("%+v", got)
	}
	if got = r.nearest([4]uint64{1<<40 - 1}, phash, p); got.own != unmatched || got.foreign != unmatched {
		t.Errorf("beyond the threshold: %+v", got)
	}
}

// The share is of the diagonal, corners go by their names, and a match without
// a place is no place.
func TestOffset(t *testing.T) {
	place := [4][2]float64{{10, 10}, {310, 10}, {310, 410}, {10, 410}}
	moved := place
	moved[2] = [2]float64{310, 400}
	if got := offset(moved, place); math.Abs(got-10.0/500) > 1e-12 {
		t.Errorf("one corner moved by 10 of 500: %v", got)
	}
	mirrored := [4][2]float64{place[1], place[0], place[3], place[2]}
	if got := offset(mirrored, place); math.Abs(got-300.0/500) > 1e-12 {
		t.Errorf("mirrored: %v", got)
	}
	m := invented(t)
	for i := range m.answers {
		m.answers[i].by[thorough].offset = math.NaN()
	}
	positives, _ := m.answersOf(attack.Published)
	first := slices.IndexFunc(positives, func(a answer) bool { return a.attack.Family == "collage" })
	positives[first].by[thorough].offset = 0.03
	positives[first+1].by[thorough].offset = 0.031
	for _, p := range placesOf(positives) {
		right := 0
		if p.Family == "collage" {
			right = 1
		}
		if p.Placed != 2*right || p.Right.Count != right || p.Found == 0 || p.Right.Of != p.Found {
			t.Errorf("%+v", p)
		}
	}
}

// Half of a choice are on plain background, and the first of a larger choice
// are a smaller one.
func TestChosen(t *testing.T) {
	var ps []photo
	for i := range 40 {
		ps = append(ps, photo{file: fmt.Sprint(i), plain: i < 10})
	}
	all := chosen(ps, 100, "seed")
	if len(all) != len(ps) {
		t.Fatalf("%d of %d chosen", len(all), len(ps))
	}
	for n := range len(ps) {
		some := chosen(ps, n, "seed")
		plain := len(filter(some, func(p photo) bool { return p.plain }))
		if !slices.Equal(some, all[:n]) || plain != min(10, (n+1)/2) {
			t.Errorf("%d: %d plain, %v", n, plain, some)
		}
	}
	if slices.Equal(all, chosen(ps, 100, "other")) {
		t.Error("the seed does not matter")
	}
}

// What is made of a photo fits it, and the pool is of strangers that are no
// siblings.
func TestChoices(t *testing.T) {
	natural := photo{file: "x.jpg"}
	as := attack.All(attack.Published)
	if n := len(fitting(as, natural)); n != 84 || len(fitting(as, photo{plain: true})) != 89 {
		t.Errorf("%d attacks fit a natural photo", n)
	}
	for _, a := range some(as, 200, natural) {
		if a.PlainOnly {
			t.Errorf("%s on a natural photo", a.Name)
		}
	}
	if !slices.Equal(some(as, 5, natural), some(as, 11, natural)[:5]) {
		t.Error("a smaller choice is not part of a larger one")
	}
	o := protocol{dir: smallSet}
	_, out := split(mustPhotos(t))
	for i := range out {
		out[i].sibling = i > 0
	}
	if pool, err := o.pool(out); err != nil || len(pool) != 1 {
		t.Errorf("%d photos in the pool: %v", len(pool), err)
	}
}

func mustPhotos(t *testing.T) []photo {
	t.Helper()
	ps, err := photos(smallSet)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// A stranger's own file is asked for once, and the answer stands in both sets.
func TestJobs(t *testing.T) {
	out := photo{file: "out.jpg", product: product(t, false)}
	m := &measurement{
		protocol: protocol{sets: []attack.Set{attack.Published, attack.Second}, negatives: 3},
		asked:    []photo{{file: "in.jpg", product: product(t, true), plain: true}},
		out:      []photo{out},
	}
	jobs, total := m.jobs()
	if len(jobs) != 4 || total != 2*(89+3)+1 {
		t.Errorf("%d jobs, %d copies", len(jobs), total)
	}
	for _, j := range jobs {
		if j.plain {
			m.answers = append(m.answers, answer{set: j.set, photo: j.photo})
		}
		for _, a := range j.attacks {
			m.answers = append(m.answers, answer{set: j.set, photo: j.photo, attack: a})
		}
	}
	for _, set := range m.sets {
		if positives, negatives := m.answersOf(set); len(positives) != 89 || len(negatives) != 4 {
			t.Errorf("%v: %d positives, %d negatives", set, len(positives), len(negatives))
		}
	}
}

// The small set has both backgrounds on both sides.
func TestSmallSetIsOfUse(t *testing.T) {
	in, out := split(mustPhotos(t))
	for _, side := range [][]photo{in, out} {
		plain := len(filter(side, func(p photo) bool { return p.plain }))
		if plain < 8 || len(side)-plain < 8 {
			t.Errorf("%d photos, %d on plain background", len(side), plain)
		}
	}
}

func TestManifest(t *testing.T) {
	for name, text := range map[string]string{
		"no rows":    "file,product_id,background\n",
		"no column":  "file,product_id\na,b\n",
		"background": "file,product_id,background\na,b,striped\n",
		"ragged row": "file,product_id,background\na,b\n",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "manifest.csv"), []byte(text))
		if _, err := photos(dir); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "manifest.csv"), []byte("file,product_id,background\na,b,plain\nc,d,natural\n"))
	write(t, filepath.Join(dir, "template-siblings.txt"), []byte("d\n"))
	ps, err := photos(dir)
	want := []photo{{file: "a", product: "b", plain: true}, {file: "c", product: "d", sibling: true}}
	if err != nil || !slices.Equal(ps, want) {
		t.Errorf("%+v, %v", ps, err)
	}
}

func TestSummary(t *testing.T) {
	var ms []float64
	for i := range 100 {
		ms = append(ms, float64(100-i))
	}
	if got := summary(ms); got.Mean != 50.5 || got.Median != 50 || got.P95 != 95 || got.Queries != 100 {
		t.Errorf("%+v", got)
	}
}

// Each flat object is on a line of its own, and the meaning is the same.
func TestOnLines(t *testing.T) {
	m := invented(t)
	b, err := json.MarshalIndent(m.results(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	lines := onLines(b)
	var x, y any
	if json.Unmarshal(b, &x) != nil || json.Unmarshal(lines, &y) != nil || fmt.Sprint(x) != fmt.Sprint(y) {
		t.Error("not the same")
	}
	if !bytes.Contains(lines, []byte(`"strong": {"count":`)) {
		t.Errorf("no rate on a line:\n%s", lines[:500])
	}
}
