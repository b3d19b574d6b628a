package index

import (
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
			n := d.Of(b.Main)
			if ref.Opinion == Withdrawn || n < 0 || n > radius {
				continue
			}
			g := Weak
			if n <= b.Policy.Strong {
				g = Strong
			}
			ms = append(ms, Match{Bank: b.Name, ID: ref.ID, Grade: g, Main: b.Main, Distance: d, Score: scoreOf(b.Main, n)})
		}
	}
	slices.SortFunc(ms, compareMatches)
	return ids(ms)
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
		m := &model{banks: map[string]Bank{}, refs: map[string]map[string]Reference{}}
		for _, b := range []Bank{
			{Name: "real", Kind: Genuine, Owner: "o"}, {Name: "fakes", Kind: Fake}, {Name: "lists", Kind: Fake, Main: hash.Perception},
		} {
			if b, err = x.CreateBank(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			m.banks[b.Name], m.refs[b.Name] = b, map[string]Reference{}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add":     func(t *rapid.T) { m.add(t, x) },
			"remove":  func(t *rapid.T) { m.remove(t, x) },
			"opinion": func(t *rapid.T) { m.opinion(t, x) },
			"policy":  func(t *rapid.T) { m.policy(t, x) },
			"near":    func(t *rapid.T) { m.near(t, x) },
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
			m.refs[ref.Bank][ref.ID] = ref
		}
		want++
	}
	n, err := x.AddWith(t.Context(), o, refs...)
	if n != want || !errors.Is(err, wantErr) {
		t.Fatalf("added %d (%v), want %d (%v)", n, err, want, wantErr)
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
	var o NearOptions
	if rapid.Bool().Draw(t, "with radius") {
		r := rapid.IntRange(0, 256).Draw(t, "radius")
		o.Radius = &r
	}
	ms, err := x.Near(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ids(ms), m.scan(t, f, o); !slices.Equal(got, want) {
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
			got = append(got, ref.ID)
		}
		if !slices.Equal(got, list) {
			t.Fatalf("ids %v, want %v", got, list)
		}
		d, err := x.Bank(t.Context(), name)
		b.References, b.Searchable = int64(len(list)), int64(searchable)
		if err != nil || d != b {
			t.Fatalf("bank %v (%v), want %v", d, err, b)
		}
	}
}
