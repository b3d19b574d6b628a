package index

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/touchstone-go/touchstone/hash"
)

var updateVerdicts = flag.Bool("update", false, "rewrite the golden files")

// seen makes a match by PDQ at distance d; mods change it.
func seen(k Kind, id string, d int, mods ...func(*Match)) Match {
	m := Match{
		Bank: string(k) + "s", Kind: k, ID: id, Grade: Strong, Relation: SamePhoto, Opinion: Confirmed,
		Score: scoreOf(CheckHash, hash.PDQ, d), Check: CheckHash, Main: hash.PDQ, Threshold: 31, Advise: Review,
		Distance: hash.Distance{PDQ: d, Perception: -1, Difference: -1, Average: -1, Colour: -1},
	}
	if k == Fake {
		m.Advise = Block
	}
	if d > 31 {
		m.Grade, m.Threshold = Weak, 46
	}
	for _, mod := range mods {
		mod(&m)
	}
	return m
}

func fake(id string, d int, mods ...func(*Match)) Match    { return seen(Fake, id, d, mods...) }
func genuine(id string, d int, mods ...func(*Match)) Match { return seen(Genuine, id, d, mods...) }

// testPolicy does not change with the default one.
var testPolicy = Policy{Strong: 31, Weak: 46, RegionStrong: 28, RegionWeak: 36, GeometryStrong: 85, GeometryWeak: 75, Advise: Block}

// byRegion makes a match by a region at distance d.
func byRegion(id string, d int, mods ...func(*Match)) Match {
	m := seen(Fake, id, 110)
	m.Check, m.Score = CheckRegion, scoreOf(CheckRegion, hash.PDQ, d)
	m.Grade, m.Threshold = testPolicy.gradeOf(CheckRegion, d)
	m.Region = &RegionHit{
		Distance: d, Window: 4, Frame: hash.Trimmed, Transform: hash.Mirror,
		Query: [4]int{10, 20, 210, 180}, Quad: [4][2]float64{{232, 3.5}, {-12, 3.5}, {-12, 199.25}, {232, 199.25}},
	}
	for _, mod := range mods {
		mod(&m)
	}
	return m
}

func unplaced(m *Match) { m.Region.Query, m.Region.Quad = [4]int{}, [4][2]float64{} }

// byGeometry makes a match of that evidence.
func byGeometry(id string, evidence int, mods ...func(*Match)) Match {
	m := seen(Fake, id, 120)
	m.Check, m.Grade, m.Threshold, m.Score = CheckGeometry, Strong, 94, scoreOf(CheckGeometry, hash.PDQ, evidence)
	if evidence < 94 {
		m.Grade, m.Threshold = Weak, 84
	}
	m.Geometry = &hash.Alignment{
		Evidence: evidence, Inliers: 71, Spread: 0.82, Agreement: 0.9,
		Affine: [6]float64{512, 0, 14, 0, 384, 102}, Quad: [4][2]float64{{14, 102}, {526, 102}, {526, 486}, {14, 486}},
	}
	for _, mod := range mods {
		mod(&m)
	}
	return m
}

func likeTemplate(m *Match) {
	m.Geometry.Template, m.Relation, m.Grade, m.Threshold = true, SameTemplate, Weak, 84
}

func with(o Opinion) func(*Match) { return func(m *Match) { m.Opinion = o } }
func exact(m *Match)              { m.Grade, m.Score, m.Check = Exact, 1, CheckSHA256 }
func template(m *Match) {
	m.Relation, m.Geometry = SameTemplate, byGeometry(m.ID, 90, likeTemplate).Geometry
}
func advising(a Advice) func(*Match) {
	return func(m *Match) { m.Advise = a }
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		rule       string
		matches    []Match
		authorised bool
		outcome    Outcome
		advice     Advice
	}{
		{"no match", nil, false, None, NoAdvice},
		{"only withdrawn", []Match{fake("a", 0, with(Withdrawn))}, false, None, NoAdvice},
		{"withdrawn beside weak", []Match{fake("a", 0, with(Withdrawn)), genuine("b", 40)}, false, NearMiss, Review},
		{"only weak, one kind", []Match{fake("a", 40)}, false, NearMiss, Review},
		{"only weak, both kinds", []Match{fake("a", 40), genuine("b", 40)}, true, NearMiss, Review},
		{"strong fake", []Match{fake("a", 6)}, false, KnownFake, Block},
		{"strong fake, authorised seller", []Match{fake("a", 6)}, true, KnownFake, Block},
		{"strong fake, bank advises review", []Match{fake("a", 6, advising(Review))}, false, KnownFake, Review},
		{"exact fake", []Match{fake("a", 0, exact)}, false, KnownFake, Block},
		{"strong genuine", []Match{genuine("a", 6)}, false, KnownGenuine, Review},
		{"strong genuine, authorised seller", []Match{genuine("a", 6)}, true, KnownGenuine, AllowListed},
		{"exact genuine with a fake set in, authorised seller", []Match{genuine("a", 0, exact), byGeometry("f", 95)}, true, KnownGenuine, Review},
		{"genuine whose bank says block", []Match{genuine("a", 6, advising(Block))}, false, KnownGenuine, Review},
		{"both at the same distance", []Match{fake("a", 6), genuine("b", 6)}, true, Conflict, Review},
		{"both 8 bits apart, fake nearer", []Match{fake("a", 6), genuine("b", 14)}, false, Conflict, Review},
		{"both 8 bits apart, genuine nearer", []Match{fake("a", 14), genuine("b", 6)}, false, Conflict, Review},
		{"both 10 bits apart, fake nearer", []Match{fake("a", 6), genuine("b", 16)}, false, KnownFake, Block},
		{"both 10 bits apart, genuine nearer", []Match{fake("a", 16), genuine("b", 6)}, false, KnownGenuine, Review},
		{"exact fake, genuine 8 bits away", []Match{fake("a", 0, exact), genuine("b", 8)}, false, Conflict, Review},
		{"exact genuine, fake 10 bits away", []Match{genuine("a", 0, exact), fake("b", 10)}, true, KnownGenuine, AllowListed},
		{"the best of each kind counts", []Match{fake("a", 30), genuine("b", 8), fake("c", 2)}, false, Conflict, Review},
		{"weak of the other kind does not count", []Match{fake("a", 30), genuine("b", 32)}, false, KnownFake, Block},
		{"seed neither supports", []Match{fake("a", 2, with(Seed))}, false, KnownFake, Review},
		{"seed nor objects", []Match{fake("a", 2, with(Seed)), fake("b", 20)}, false, KnownFake, Block},
		{"disputed alone", []Match{fake("a", 2, with(Disputed))}, false, KnownFake, Review},
		{"disputed before confirmed", []Match{fake("a", 2, with(Disputed)), fake("b", 4)}, false, KnownFake, Review},
		{"confirmed before disputed", []Match{fake("a", 4, with(Disputed)), fake("b", 2)}, false, KnownFake, Block},
		{"disputed and confirmed at one distance", []Match{fake("a", 2), fake("b", 2, with(Disputed))}, false, KnownFake, Review},
		{"exact confirmed and strong disputed at one score", []Match{fake("a", 0, exact), fake("b", 0, with(Disputed))}, false, KnownFake, Review},
		{"the first confirmed bank's policy", []Match{fake("a", 2, advising(Review)), fake("b", 4)}, false, KnownFake, Review},
		{"weak confirmed does not support", []Match{fake("a", 2, with(Seed)), fake("b", 40)}, false, KnownFake, Review},
		{"same template is weak", []Match{fake("a", 2, template)}, false, NearMiss, Review},
		{"same template does not make a conflict", []Match{fake("a", 2, template), genuine("b", 2)}, false, KnownGenuine, Review},
	} {
		t.Run(c.rule, func(t *testing.T) {
			v := Decide(hash.Fingerprint{}, c.matches, DecideOptions{Authorised: c.authorised})
			if v.Outcome != c.outcome || v.Advice != c.advice {
				t.Errorf("got %s, %s; want %s, %s", v.Outcome, v.Advice, c.outcome, c.advice)
			}
			if err := Replay(v); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDecideOrder(t *testing.T) {
	v := Decide(hash.Fingerprint{}, []Match{
		genuine("w", 40), fake("far", 20), fake("near", 10), fake("b", 12), genuine("z", 12), fake("a", 12), genuine("same", 0, exact),
	}, DecideOptions{})
	var got []string
	for _, m := range v.Matches {
		got = append(got, m.ID)
	}
	want := "same near a b z far w"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("order is %s, want %s", s, want)
	}
}

func TestDecideLimit(t *testing.T) {
	ms := []Match{genuine("g", 9)}
	for i := range 30 {
		ms = append(ms, fake(fmt.Sprintf("seed%02d", i), 2, with(Seed)))
	}
	ms = append(ms, fake("deciding", 6))
	if v := Decide(hash.Fingerprint{}, ms, DecideOptions{}); len(v.Matches) != 21 || v.More != 11 || v.Outcome != Conflict {
		t.Errorf("conflict: %d matches, %d more, %s; want 21 (the genuine one beyond the limit), 11, conflict", len(v.Matches), v.More, v.Outcome)
	}
	ms[0] = genuine("g", 30)
	v := Decide(hash.Fingerprint{}, ms, DecideOptions{Limit: 1})
	var got []string
	for _, m := range v.Matches {
		got = append(got, m.ID)
	}
	if want := []string{"seed00", "deciding", "g"}; !slices.Equal(got, want) || v.More != 29 || v.Advice != Block {
		t.Errorf("listed %v, %d more, advice %s; want %v, 29, block", got, v.More, v.Advice, want)
	}
}

// anyMatches draws matches as Near could return them.
func anyMatches(t *rapid.T) []Match {
	n := rapid.IntRange(0, 12).Draw(t, "n")
	ms := make([]Match, n)
	for i := range ms {
		k := rapid.SampledFrom([]Kind{Fake, Genuine}).Draw(t, "kind")
		m := seen(k, fmt.Sprintf("%d<&>", i), rapid.IntRange(0, 46).Draw(t, "distance"),
			with(rapid.SampledFrom([]Opinion{Confirmed, Seed, Disputed, Withdrawn}).Draw(t, "opinion")),
			advising(rapid.SampledFrom([]Advice{Block, Review}).Draw(t, "advise")))
		if rapid.IntRange(0, 2).Draw(t, "template") == 2 {
			template(&m)
		}
		m.Distance.Transform = hash.Transform(rapid.IntRange(0, 7).Draw(t, "transform"))
		m.Distance.QueryFrame = hash.Frame(rapid.IntRange(0, 1).Draw(t, "frame"))
		m.Distance.Perception = rapid.IntRange(-1, 64).Draw(t, "phash")
		switch {
		case m.Distance.PDQ == 0 && rapid.Bool().Draw(t, "exact"):
			exact(&m)
		case rapid.IntRange(0, 3).Draw(t, "64 bits") == 0:
			m.Main, m.Threshold, m.Distance.Difference = hash.Difference, 8, m.Distance.PDQ%9
			m.Grade, m.Score, m.Distance.PDQ = Weak, scoreOf(CheckHash, hash.Difference, m.Distance.Difference), -1
			if m.Distance.Difference <= 4 {
				m.Grade, m.Threshold = Strong, 4
			}
		}
		ms[i] = m
	}
	return ms
}

func anyOptions(t *rapid.T) DecideOptions {
	return DecideOptions{Authorised: rapid.Bool().Draw(t, "authorised"), Limit: rapid.IntRange(0, 5).Draw(t, "limit")}
}

var someFingerprint = hash.FromPDQ(hash.Code{1, 2, 3, 4}, 87)

func TestGenuineNeverHidesFake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := anyMatches(t)
		v := Decide(someFingerprint, ms, anyOptions(t))
		best := map[Kind]float64{}
		for _, m := range ms {
			if m.sure() && m.Opinion != Withdrawn && m.Relation != SameTemplate {
				best[m.Kind] = max(best[m.Kind], m.Score)
			}
		}
		if best[Fake] > 0 && best[Fake] >= best[Genuine] && v.Outcome != KnownFake && v.Outcome != Conflict {
			t.Fatalf("fake at %v, genuine at %v: %s", best[Fake], best[Genuine], v.Outcome)
		}
		if v.Advice == Block && v.Outcome != KnownFake || v.Advice == AllowListed && v.Outcome != KnownGenuine {
			t.Fatalf("%s advises %s", v.Outcome, v.Advice)
		}
	})
}

func TestLimitDecidesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms, o := anyMatches(t), anyOptions(t)
		v := Decide(someFingerprint, ms, o)
		all := Decide(someFingerprint, ms, DecideOptions{Authorised: o.Authorised, Limit: 1000})
		if v.Outcome != all.Outcome || v.Advice != all.Advice || len(v.Matches)+v.More != len(all.Matches) {
			t.Fatalf("limit %d: %s, %s, %d+%d; all: %s, %s, %d", o.Limit, v.Outcome, v.Advice, len(v.Matches), v.More, all.Outcome, all.Advice, len(all.Matches))
		}
	})
}

func TestVerdictRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms, o := anyMatches(t), anyOptions(t)
		v := Decide(someFingerprint, ms, o)
		v.Seq = rapid.Uint64().Draw(t, "seq")
		b := marshal(t, v)
		back := unmarshal(t, b)
		if again := marshal(t, back); !bytes.Equal(b, again) {
			t.Fatalf("wrote %s, then %s", b, again)
		}
		if err := Replay(v); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if err := Replay(back); err != nil {
			t.Fatalf("from JSON: %v: %s", err, b)
		}
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
		w := Decide(someFingerprint, ms, o)
		w.Seq = v.Seq
		if c := marshal(t, w); !bytes.Equal(b, c) {
			t.Fatalf("in another order: %s, not %s", c, b)
		}
	})
}

// fatal is what rapid's T and testing's T share.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

func marshal(t fatal, v Verdict) []byte {
	t.Helper()
	b, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unmarshal(t fatal, b []byte) (v Verdict) {
	t.Helper()
	if err := v.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	return v
}

func goldenVerdicts() map[string]Verdict {
	example := fake("bags/123.jpg", 6)
	example.Bank, example.Distance.Transform = "acme-fakes", hash.Mirror
	example.Distance.QueryFrame, example.Distance.Perception = hash.Trimmed, 2 // not shown: mirrored
	upright := genuine("a <b> & \u00fc", 4)
	upright.Distance.Perception, upright.Distance.Difference, upright.Distance.Average, upright.Distance.Colour = 2, 3, 0, 9
	word := fake("p:0123", 0)
	word.Main, word.Threshold, word.Score = hash.Perception, 4, scoreOf(CheckHash, hash.Perception, 3)
	word.Distance.PDQ, word.Distance.Perception = -1, 3
	seq := func(v Verdict) Verdict { v.Seq = 4711; return v }
	return map[string]Verdict{
		"known_fake":    seq(Decide(someFingerprint, []Match{example}, DecideOptions{})),
		"known_genuine": seq(Decide(someFingerprint, []Match{upright}, DecideOptions{Authorised: true})),
		"conflict":      seq(Decide(someFingerprint, []Match{upright, fake("b", 0, exact)}, DecideOptions{})),
		"near":          seq(Decide(someFingerprint, []Match{fake("b", 40), fake("c", 44), fake("d", 46)}, DecideOptions{Limit: 2})),
		"words":         seq(Decide(hash.FromWord(hash.Perception, 7), []Match{word}, DecideOptions{})),
		"none":          seq(Decide(someFingerprint, nil, DecideOptions{})),
		"region":        seq(Decide(someFingerprint, []Match{byRegion("crop", 20), byRegion("of a fingerprint", 30, unplaced)}, DecideOptions{Mode: Fast})),
		"geometry":      seq(Decide(someFingerprint, mergeMatches([]Match{byGeometry("scene", 92), byRegion("scene", 30), byGeometry("carton", 80, likeTemplate)}), DecideOptions{})),
		"unusable":      {Outcome: Unusable, Reason: hash.TooPlain, Advice: NoAdvice, Mode: Fast, Seq: 4711, Recipe: 2},
	}
}

func TestVerdictGolden(t *testing.T) {
	dir := filepath.Join("testdata", "verdict")
	for name, v := range goldenVerdicts() {
		file := filepath.Join(dir, name+".json")
		got := append(marshal(t, v), '\n')
		if *updateVerdicts {
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, got, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", file, got, want)
		}
		if err := Replay(unmarshal(t, want)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestVerdictReadsBack(t *testing.T) {
	v := Decide(someFingerprint, []Match{fake("a", 6), fake("b", 40)}, DecideOptions{Authorised: true})
	if back := unmarshal(t, marshal(t, v)); !reflect.DeepEqual(v, back) {
		t.Errorf("wrote %+v, read %+v", v, back)
	}
	line := strings.Replace(string(marshal(t, v)), `"more":0`, `"more":0,"file":"x.jpg","took_ms":3`, 1)
	if back := unmarshal(t, []byte(line)); !reflect.DeepEqual(v, back) {
		t.Errorf("with foreign keys: %+v, want %+v", back, v)
	}
}

func TestVerdictRefusesUnknownWords(t *testing.T) {
	line := string(marshal(t, goldenVerdicts()["known_fake"]))
	for _, c := range [][2]string{
		{`"known_fake"`, `"authentic"`}, {`"advice":"block"`, `"advice":"burn"`}, {`"reason":""`, `"reason":"ugly"`},
		{`"kind":"fake"`, `"kind":""`}, {`"grade":"strong"`, `"grade":"sure"`}, {`"same_photo"`, `"same"`},
		{`"confirmed"`, `"certain"`}, {`"check":"hash"`, `"check":"eyes"`}, {`"advise":"block"`, `"advise":"none"`},
		{`"mirror"`, `"twisted"`}, {`"query":"trimmed"`, `"query":"half"`}, {`"pdq":6`, `"pdq":257`}, {`"pdq":6`, `"pdq":-1`},
		{`"score":0.953`, `"score":1.1`}, {`"more":0`, `"more":-1`}, {`"threshold":31`, `"threshold":300`}, {`"quality":87`, `"quality":101`},
	} {
		bad := strings.Replace(line, c[0], c[1], 1)
		if bad == line {
			t.Fatalf("%s is not in %s", c[0], line)
		}
		var v Verdict
		if err := v.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s for %s was read", c[1], c[0])
		}
	}
}

func TestReplayFindsContradictions(t *testing.T) {
	base := func() Verdict {
		return Decide(someFingerprint, []Match{fake("a", 6), fake("b", 40)}, DecideOptions{})
	}
	for _, c := range []struct {
		what string
		v    func(*Verdict)
	}{
		{"outcome", func(v *Verdict) { v.Outcome = None }},
		{"advice", func(v *Verdict) { v.Advice = Review }},
		{"reason", func(v *Verdict) { v.Reason = hash.Corrupt }},
		{"unknown reason", func(v *Verdict) { *v = Verdict{Outcome: Unusable, Advice: NoAdvice, Reason: "ugly"} }},
		{"unusable with advice", func(v *Verdict) { *v = Verdict{Outcome: Unusable, Advice: Block, Reason: hash.Corrupt} }},
		{"beyond the threshold", func(v *Verdict) { v.Matches[0].Threshold = 5 }},
		{"no distance", func(v *Verdict) { v.Matches[0].Distance.PDQ = -1 }},
		{"score", func(v *Verdict) { v.Matches[0].Score = 0.99 }},
		{"score of the same file", func(v *Verdict) { exact(&v.Matches[0]); v.Matches[0].Score = 0.9 }},
		{"exact by hash", func(v *Verdict) { v.Matches[0].Grade = Exact }},
		{"no region", func(v *Verdict) { v.Matches[0].Check = CheckRegion }},
		{"no geometry", func(v *Verdict) { v.Matches[0].Check = CheckGeometry }},
		{"a region beyond its threshold", func(v *Verdict) { *v = decided(byRegion("a", 20)); v.Matches[0].Region.Distance = 29 }},
		{"a region's score", func(v *Verdict) { *v = decided(byRegion("a", 20)); v.Matches[0].Score = 0.9 }},
		{"less evidence than is needed", func(v *Verdict) { *v = decided(byGeometry("a", 95)); v.Matches[0].Geometry.Evidence = 93 }},
		{"a strong template", func(v *Verdict) { *v = decided(byGeometry("a", 95)); v.Matches[0].Geometry.Template = true }},
		{"exact by geometry", func(v *Verdict) { *v = decided(byGeometry("a", 95)); v.Matches[0].Grade = Exact }},
		{"unknown check", func(v *Verdict) { v.Matches[0].Check = "eyes" }},
		{"order", func(v *Verdict) { slices.Reverse(v.Matches) }},
		{"twice the same", func(v *Verdict) { v.Matches[1] = v.Matches[0] }},
		{"withdrawn", func(v *Verdict) { v.Matches[1].Opinion = Withdrawn }},
		{"template", func(v *Verdict) { v.Matches[0].Relation = SameTemplate }},
		{"a weak template without geometry", func(v *Verdict) { v.Matches[1].Relation = SameTemplate }},
		{"a template that geometry did not find", func(v *Verdict) { *v = decided(byGeometry("a", 90)); v.Matches[0].Relation = SameTemplate }},
		{"opinion", func(v *Verdict) { v.Matches[0].Opinion = Disputed }},
		{"policy", func(v *Verdict) { v.Matches[0].Advise = Review }},
		{"quality", func(v *Verdict) { v.Quality = 3 }},
		{"more than nothing", func(v *Verdict) { *v = Decide(someFingerprint, nil, DecideOptions{}); v.More = 1 }},
	} {
		v := base()
		c.v(&v)
		if err := Replay(v); !errors.Is(err, ErrReplay) {
			t.Errorf("%s: got %v", c.what, err)
		}
	}
	if err := Replay(base()); err != nil {
		t.Error(err)
	}
}

func decided(ms ...Match) Verdict { return Decide(someFingerprint, ms, DecideOptions{}) }

// TestMergeMatches: one match of several for a reference.
func TestMergeMatches(t *testing.T) {
	for _, c := range []struct {
		what string
		ms   []Match
		want string
	}{
		{"none", nil, ""},
		{"others stay", []Match{fake("b", 40), fake("a", 6)}, "a hash strong, b hash weak"},
		{"the better grade", []Match{fake("a", 40), byGeometry("a", 95)}, "a geometry strong G"},
		{"the better score", []Match{byRegion("a", 28), byGeometry("a", 100)}, "a geometry strong RG"},
		{"in any order", []Match{byGeometry("a", 100), byRegion("a", 28)}, "a geometry strong RG"},
		{"weak evidence stays beside strong", []Match{byGeometry("a", 80), fake("a", 6)}, "a hash strong G"},
		{"the same file", []Match{byGeometry("a", 100), fake("a", 0, exact)}, "a sha256 exact G"},
		{"a template", []Match{byGeometry("a", 90, likeTemplate)}, "a geometry weak G same_template"},
		{"a template of less evidence", []Match{byGeometry("a", 30, likeTemplate)}, "a geometry weak G same_template"},
		{"a template beside a region", []Match{byRegion("a", 10), byGeometry("a", 90, likeTemplate)}, "a region weak RG same_template"},
		{"a template beside a weak hash", []Match{fake("a", 40), byGeometry("a", 30, likeTemplate)}, "a hash weak G"},
		{"a template beside a strong hash", []Match{fake("a", 6), byGeometry("a", 90, likeTemplate)}, "a hash strong G"},
	} {
		var got []string
		for _, m := range mergeMatches(c.ms) {
			s := fmt.Sprintf("%s %s %s", m.ID, m.Check, m.Grade)
			if m.Region != nil || m.Geometry != nil {
				s += " "
			}
			if m.Region != nil {
				s += "R"
			}
			if m.Geometry != nil {
				s += "G"
			}
			if m.Relation == SameTemplate {
				s += " same_template"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: got %s, want %s", c.what, s, c.want)
		}
		if err := Replay(Decide(someFingerprint, mergeMatches(c.ms), DecideOptions{})); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestEvidence(t *testing.T) {
	mirrored := fake("a", 6)
	mirrored.Distance.Transform = hash.Mirror
	for _, c := range []struct {
		m    Match
		want string
	}{
		{mirrored, "pdq 6 of 31 (strong, mirror)"},
		{fake("a", 40), "pdq 40 of 46 (weak)"},
		{fake("a", 0, exact), "sha256 (the same file)"},
		{byRegion("a", 20), "region 20 of 28 (strong, mirror)"},
		{byGeometry("a", 90), "geometry 90 of 84 (weak)"},
	} {
		if got := c.m.evidence(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	err := error(&ConflictError{Match: mirrored})
	if want := "fakes/a (fake) at pdq 6 of 31 (strong, mirror)"; !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want it to say %q", err, want)
	}
}

// TestTransform: geometry's is the nearest of eight.
func TestTransform(t *testing.T) {
	m := byGeometry("a", 100)
	for _, c := range []struct {
		a, b, d, e float64
		want       hash.Transform
	}{
		{500, 20, -30, 400, hash.Upright}, {-500, 20, 30, 400, hash.Mirror}, {500, 20, 30, -400, hash.MirrorRot180},
		{-500, 0, 0, -400, hash.Rot180}, {20, -500, 400, 0, hash.Rot90}, {20, 500, -400, 0, hash.Rot270},
		{0, 500, 400, 0, hash.MirrorRot270}, {0, -500, -400, 0, hash.MirrorRot90},
	} {
		m.Geometry.Affine = [6]float64{c.a, c.b, 10, c.d, c.e, 20}
		if got := m.Transform(); got != c.want {
			t.Errorf("%v: %v, want %v", m.Geometry.Affine, got, c.want)
		}
		// The same as where turned takes the corners.
		x0, y0 := turned(0, 0, c.want)
		x1, y1 := turned(1, 0, c.want)
		if (x1-x0)*c.a+(y1-y0)*c.d <= 0 {
			t.Errorf("%v: the upper side points elsewhere", c.want)
		}
	}
	if got := byRegion("a", 10).Transform(); got != hash.Mirror {
		t.Errorf("of a region: %v", got)
	}
}

func FuzzVerdictJSON(f *testing.F) {
	for _, v := range goldenVerdicts() {
		f.Add(marshal(f, v))
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v Verdict
		if v.UnmarshalJSON(b) != nil {
			return
		}
		first := marshal(t, v)
		if !json.Valid(first) {
			t.Fatalf("wrote %q", first)
		}
		if again := marshal(t, unmarshal(t, first)); !bytes.Equal(first, again) {
			t.Fatalf("wrote %s, then %s", first, again)
		}
		_ = Replay(v) // must not panic
	})
}

// TestOldVerdicts: what recipe 1 wrote is read and replayed for ever.
func TestOldVerdicts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "verdict", "recipe-1", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := unmarshal(t, b)
		if err := Replay(v); err != nil || v.Recipe != 1 || v.Mode != Fast {
			t.Errorf("%s: recipe %d, mode %s, %v", file, v.Recipe, v.Mode, err)
		}
		if got := append(marshal(t, v), '\n'); !bytes.Equal(got, b) {
			t.Errorf("%s: wrote %s", file, got)
		}
	}
}
