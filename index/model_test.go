package index

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/touchstone-go/touchstone/hash"
)

// The model is a map. Whatever sequence of writes, reopenings and searches
// rapid comes up with, the index must give what a loop over the map gives.

type model struct {
	banks map[string]Bank
	refs  map[string]map[string]Reference
	// features are those of references, by bank and id; some are what they can
	// be drawn from.
	features map[string]map[string]*hash.Features
	some     []*hash.Features
}

// someFeatures are those of a few pictures.
func someFeatures(t testing.TB) (fs []*hash.Features) {
	t.Helper()
	for seed := range uint64(3) {
		_, info, err := hash.Read(t.Context(), bytes.NewReader(jpegOf(t, picture(seed), 90)), hash.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		f := info.Features()
		if f == nil || len(f.Regions()) == 0 {
			t.Fatal("a picture without regions")
		}
		fs = append(fs, f)
	}
	return fs
}

// nearestRegion is the distance of the nearest region, by a loop over all pairs;
// -1 if there is none. Codes that tell nothing are not searched among regions.
func nearestRegion(f hash.Fingerprint, of *hash.Features) int {
	best := -1
	if of == nil {
		return best
	}
	for _, v := range f.Variants() {
		if v.Frame == hash.Smooth || !v.Code.Telling() {
			continue
		}
		for _, code := range of.Regions() {
			if d := v.Code.Distance(code); best < 0 || d < best {
				best = d
			}
		}
	}
	return best
}

// scan is Near as a loop over all references.
func (m *model) scan(t *rapid.T, f hash.Fingerprint, o NearOptions) []string {
	var ms []Match
	for _, b := range m.banks {
		for _, ref := range m.refs[b.Name] {
			d, err := hash.Compare(f, ref.Fingerprint)
			if err != nil {
				t.Fatal(err)
			}
			radius := b.Policy.Weak
			if o.Radius != nil {
				radius = *o.Radius
			}
			if ref.Opinion == Withdrawn {
				continue
			}
			var found []Match
			if n := d.Of(b.Main); n >= 0 && n <= radius {
				g := Weak
				if n <= b.Policy.Strong {
					g = Strong
				}
				found = append(found, Match{Bank: b.Name, ID: ref.ID, Grade: g, Check: CheckHash, Main: b.Main, Distance: d, Score: scoreOf(CheckHash, b.Main, n)})
			}
			if n := nearestRegion(f, m.features[b.Name][ref.ID]); o.Regions && n >= 0 && n <= b.Policy.RegionWeak {
				g := Weak
				if n <= b.Policy.RegionStrong {
					g = Strong
				}
				found = append(found, Match{
					Bank: b.Name, ID: ref.ID, Grade: g, Check: CheckRegion, Main: b.Main, Distance: d, Region: &RegionHit{Distance: n},
					Score: scoreOf(CheckRegion, b.Main, n),
				})
			}
			slices.SortStableFunc(found, compareMatches)
			ms = append(ms, found[:min(1, len(found))]...)
		}
	}
	slices.SortFunc(ms, compareMatches)
	return checked(ms)
}

// checked says what was found and how.
func checked(ms []Match) (s []string) {
	for _, m := range ms {
		n, _ := m.Found()
		s = append(s, fmt.Sprintf("%s/%s %s by %s %d", m.Bank, m.ID, m.Grade, m.Check, n))
	}
	return s
}

// someFingerprints are few and near one another, so that searches find things.
func someFingerprints(main hash.Kind) *rapid.Generator[hash.Fingerprint] {
	return rapid.Custom(func(t *rapid.T) hash.Fingerprint {
		near := func(label string) hash.Code {
			c := hash.Code{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d}
			if rapid.Bool().Draw(t, label+" other") {
				c = hash.Code{c[3], c[0], ^c[1], c[2]}
			}
			return flip(c, rapid.IntRange(0, 60).Draw(t, label))
		}
		if main != hash.PDQ {
			return hash.FromWord(main, near("word")[0])
		}
		f := hash.FromPDQ(near("full"), 80)
		if rapid.Bool().Draw(t, "trimmed") {
			f = f.With(hash.Trimmed, near("trim"))
		}
		if rapid.Bool().Draw(t, "smooth") {
			f = f.With(hash.Smooth, near("even"))
		}
		return f
	})
}

var (
	someIDs      = rapid.SampledFrom([]string{"a", "b", "b/c", "c.jpg", "d", "ü/1", "z"})
	someBanks    = rapid.SampledFrom([]string{"fakes", "lists", "real"})
	someOpinions = rapid.SampledFrom([]Opinion{Confirmed, Seed, Disputed, Withdrawn})
)

func TestModel(t *testing.T) {
	some := someFeatures(t)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := tempDir()
		if err != nil {
			t.Fatal(err)
		}
		defer removeAll(dir)
		o := testOptions()
		// Files cost time; most of what can go wrong does so without them.
		o.InMemory = rapid.IntRange(0, 4).Draw(t, "on disk") != 0
		x, err := Open(t.Context(), dir, o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = x.Close() }()
		m := &model{banks: map[string]Bank{}, refs: map[string]map[string]Reference{}, features: map[string]map[string]*hash.Features{}, some: some}
		for _, b := range []Bank{
			{Name: "real", Kind: Genuine, Owner: "o"}, {Name: "fakes", Kind: Fake}, {Name: "lists", Kind: Fake, Main: hash.Perception},
		} {
			if b, err = x.CreateBank(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			m.banks[b.Name], m.refs[b.Name], m.features[b.Name] = b, map[string]Reference{}, map[string]*hash.Features{}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add":     func(t *rapid.T) { m.add(t, x) },
			"remove":  func(t *rapid.T) { m.remove(t, x) },
			"opinion": func(t *rapid.T) { m.opinion(t, x) },
			"policy":  func(t *rapid.T) { m.policy(t, x) },
			"near":    func(t *rapid.T) { m.near(t, x) },
			"feature": func(t *rapid.T) { m.complete(t, x) },
			"reopen": func(t *rapid.T) {
				if o.InMemory {
					t.Skip("nothing to reopen")
				}
				seq := x.Seq()
				if err := x.Close(); err != nil {
					t.Fatal(err)
				}
				if x, err = Open(t.Context(), dir, o); err != nil {
					t.Fatal(err)
				}
				if x.Seq() != seq {
					t.Fatalf("sequence %d after reopening, want %d", x.Seq(), seq)
				}
			},
			"": func(t *rapid.T) { m.agrees(t, x) },
		})
		if err := x.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func (m *model) add(t *rapid.T, x *Index) {
	o := RegisterOptions{Replace: rapid.Bool().Draw(t, "replace")}
	var refs []Reference
	for range rapid.IntRange(1, 5).Draw(t, "n") {
		b := someBanks.Draw(t, "bank")
		ref := Reference{Bank: b, ID: someIDs.Draw(t, "id"), Opinion: someOpinions.Draw(t, "opinion"), SKU: "s", AddedAt: start}
		ref.Fingerprint = someFingerprints(m.banks[b].Main).Draw(t, "fingerprint")
		if rapid.Bool().Draw(t, "digest") {
			ref.SHA256 = Digest{1, rapid.Byte().Draw(t, "byte") % 3}
		}
		if rapid.Bool().Draw(t, "features") {
			ref.Features = rapid.SampledFrom(m.some).Draw(t, "of")
		}
		refs = append(refs, ref)
	}
	want := 0
	var wantErr error
	for _, ref := range refs {
		old, ok := m.refs[ref.Bank][ref.ID]
		if ok && !old.sameBytes(ref) && !o.Replace {
			wantErr = ErrExists
			break
		}
		if !ok || !old.sameBytes(ref) {
			m.keep(ref, ref.Features)
		}
		want++
	}
	n, err := x.AddWith(t.Context(), o, refs...)
	if n != want || !errors.Is(err, wantErr) {
		t.Fatalf("added %d (%v), want %d (%v)", n, err, want, wantErr)
	}
}

// keep stores a reference with features, or without (nil).
func (m *model) keep(ref Reference, f *hash.Features) {
	ref.Features = nil
	m.refs[ref.Bank][ref.ID] = ref
	delete(m.features[ref.Bank], ref.ID)
	if f != nil && m.banks[ref.Bank].Main == hash.PDQ {
		m.features[ref.Bank][ref.ID] = f
	}
}

// complete gives features to a reference late, as Complete does.
func (m *model) complete(t *rapid.T, x *Index) {
	b, id := rapid.SampledFrom([]string{"fakes", "real"}).Draw(t, "bank"), someIDs.Draw(t, "id")
	of := rapid.SampledFrom(m.some).Draw(t, "of")
	ref, ok := m.refs[b][id]
	wantChange := ok && m.features[b][id] == nil
	var want error
	if !ok {
		want = ErrNotFound
	}
	f, err := packed(of)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	_, err = x.submit(t.Context(), func(w *batch, _ *request) (err error) {
		v, _ := w.bank(b)
		slot, _, err := w.lookUp(v, id)
		if err == nil {
			changed, err = w.addFeatures(b, id, slot, f)
		}
		return err
	})
	if changed != wantChange || !errors.Is(err, want) {
		t.Fatalf("changed %t (%v), want %t (%v)", changed, err, wantChange, want)
	}
	if wantChange {
		m.keep(ref, of)
	}
}

func (m *model) remove(t *rapid.T, x *Index) {
	b, list := someBanks.Draw(t, "bank"), rapid.SliceOfN(someIDs, 1, 3).Draw(t, "ids")
	var want error
	for _, id := range list {
		if _, ok := m.refs[b][id]; !ok {
			want = ErrNotFound
		}
	}
	if want == nil {
		for _, id := range list {
			delete(m.refs[b], id)
			delete(m.features[b], id)
		}
	}
	if err := x.Remove(t.Context(), b, list...); !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
}

func (m *model) opinion(t *rapid.T, x *Index) {
	b, id, o := someBanks.Draw(t, "bank"), someIDs.Draw(t, "id"), someOpinions.Draw(t, "opinion")
	var want error
	if ref, ok := m.refs[b][id]; !ok {
		want = ErrNotFound
	} else {
		ref.Opinion = o
		m.refs[b][id] = ref
	}
	if err := x.SetOpinion(t.Context(), b, id, o); !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
}

func (m *model) policy(t *rapid.T, x *Index) {
	b := m.banks[someBanks.Draw(t, "bank")]
	b.Policy.Strong = rapid.IntRange(0, 20).Draw(t, "strong")
	b.Policy.Weak = rapid.IntRange(b.Policy.Strong, 20).Draw(t, "weak")
	m.banks[b.Name] = b
	if err := x.SetPolicy(t.Context(), b.Name, b.Policy); err != nil {
		t.Fatal(err)
	}
}

func (m *model) near(t *rapid.T, x *Index) {
	f := someFingerprints(rapid.SampledFrom([]hash.Kind{hash.PDQ, hash.Perception}).Draw(t, "kind")).Draw(t, "query")
	if rapid.Bool().Draw(t, "a part") {
		code := rapid.SampledFrom(rapid.SampledFrom(m.some).Draw(t, "of").Regions()).Draw(t, "region")
		f = hash.FromPDQ(flip(code, rapid.IntRange(0, 40).Draw(t, "bits")), 90)
	}
	o := NearOptions{Regions: rapid.Bool().Draw(t, "regions")}
	if rapid.Bool().Draw(t, "with radius") {
		r := rapid.IntRange(0, 256).Draw(t, "radius")
		o.Radius = &r
	}
	ms, err := x.Near(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := checked(ms), m.scan(t, f, o); !slices.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

// agrees reads everything back.
func (m *model) agrees(t *rapid.T, x *Index) {
	for name, b := range m.banks {
		searchable := 0
		list := slices.Sorted(maps.Keys(m.refs[name]))
		var got []string
		for ref, err := range x.References(t.Context(), name, "") {
			if err != nil {
				t.Fatal(err)
			}
			if want := m.refs[name][ref.ID]; fmt.Sprint(ref) != fmt.Sprint(want) {
				t.Fatalf("got  %v\nwant %v", ref, want)
			}
			if ref.Opinion != Withdrawn {
				searchable++
			}
			f, err := x.Features(t.Context(), name, ref.ID)
			if want := m.features[name][ref.ID]; (err == nil) != (want != nil) || want != nil && !slices.Equal(f.Regions(), want.Regions()) {
				t.Fatalf("features of %s/%s: %v", name, ref.ID, err)
			}
			got = append(got, ref.ID)
		}
		if !slices.Equal(got, list) {
			t.Fatalf("ids %v, want %v", got, list)
		}
		d, err := x.Bank(t.Context(), name)
		b.References, b.Searchable, b.Featured = int64(len(list)), int64(searchable), int64(len(m.features[name]))
		if err != nil || d != b {
			t.Fatalf("bank %v (%v), want %v", d, err, b)
		}
	}
}
