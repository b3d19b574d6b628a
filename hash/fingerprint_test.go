package hash

import (
	"errors"
	"strings"
	"testing"

	"github.com/corona10/goimagehash"
	"pgregory.net/rapid"
)

// anyFingerprint draws a fingerprint of any make.
func anyFingerprint(t *rapid.T) Fingerprint {
	code := func() (c Code) {
		for i := range c {
			c[i] = rapid.Uint64().Draw(t, "word")
		}
		return c
	}
	q := rapid.IntRange(0, 100).Draw(t, "quality")
	switch rapid.IntRange(0, 3).Draw(t, "make") {
	case 0:
		return FromPDQ(code(), q)
	case 1:
		return FromCodes(code(), code(), q).With(Smooth, code())
	case 2:
		return FromWord(Perception+Kind(rapid.IntRange(0, 2).Draw(t, "kind")), rapid.Uint64().Draw(t, "w"))
	}
	f := FromPDQ(code(), q)
	f.has |= fromPixels | parts(rapid.Uint8().Draw(t, "has"))&(hasTrimmed|hasSmooth|fromQuery)
	for fr, bit := range frameParts {
		for i := range f.frames[fr] {
			if f.has&bit != 0 {
				f.frames[fr][i] = code()
			}
		}
	}
	copy(f.colour[:], rapid.SliceOfN(rapid.Uint8(), ColourCells, ColourCells).Draw(t, "colour"))
	for k := Perception; k <= Average; k++ {
		if rapid.Bool().Draw(t, k.String()) {
			f.setWord(k, rapid.Uint64().Draw(t, "w"))
		}
	}
	return f
}

func TestFormsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFingerprint(t)
		g, err := Parse(f.String())
		if err != nil || g != f {
			t.Fatalf("text: %v, %v", g, err)
		}
		b, _ := f.MarshalBinary()
		var h Fingerprint
		if err := h.UnmarshalBinary(b); err != nil || h != f || len(b) != f.binaryLen() {
			t.Fatalf("binary: %v, %v", h, err)
		}
		// Cut anywhere, it is no fingerprint.
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if err := h.UnmarshalBinary(b[:cut]); err == nil {
			t.Fatalf("%d of %d bytes were read", cut, len(b))
		}
	})
}

func TestZeroFingerprint(t *testing.T) {
	var f Fingerprint
	if !f.IsZero() || f.String() != "" || len(f.Variants()) != 0 {
		t.Errorf("%q", f)
	}
	if err := f.UnmarshalText(nil); err != nil || !f.IsZero() {
		t.Error(err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := FromPDQ(Code{1, 2, 3, 4}, 90).String()
	for _, c := range []struct {
		text string
		want error
	}{
		{"", ErrSyntax},
		{"t2:", ErrSyntax},
		{"t2", ErrSyntax},
		{"t02" + good[2:], ErrSyntax},
		{"T" + good[1:], ErrSyntax},
		{"t2q" + good[2:], ErrSyntax},
		{good[:len(good)-1], ErrSyntax},
		{good + "A", ErrSyntax},
		{good + "\n", ErrSyntax},
		{good + "=", ErrSyntax},
		{"t0" + good[2:], ErrRecipe},
		{"t3" + good[2:], ErrRecipe},
		{"t3q:AAAA", ErrRecipe},
		{"t255:", ErrRecipe},
		{"t300:", ErrSyntax},
		{strings.Repeat("f", 64), ErrSyntax},
		{"t2:" + strings.Repeat("A", 1<<20), ErrSyntax},
	} {
		if _, err := Parse(c.text); !errors.Is(err, c.want) {
			t.Errorf("%.40q: %v, want %v", c.text, err, c.want)
		} else if len(err.Error()) > 300 {
			t.Errorf("%.40q: an error of %d bytes", c.text, len(err.Error()))
		}
	}
}

func TestRecipeIsReadFirst(t *testing.T) {
	b, _ := FromPDQ(Code{}, 90).MarshalBinary()
	b[0] = Recipe + 1
	var f Fingerprint
	if err := f.UnmarshalBinary(b); !errors.Is(err, ErrRecipe) {
		t.Error(err)
	}
}

func TestCompareRefusesForeignRecipes(t *testing.T) {
	f := FromPDQ(Code{1}, 90)
	g := f
	g.recipe = Recipe + 1
	for _, pair := range [][2]Fingerprint{{f, g}, {g, f}, {f, {}}, {{}, f}, {{}, {}}} {
		if _, err := Compare(pair[0], pair[1]); !errors.Is(err, ErrRecipe) {
			t.Errorf("recipes %d and %d: %v", pair[0].Recipe(), pair[1].Recipe(), err)
		}
	}
}

// TestRecipesThatMeanTheSame: what recipe 1 wrote is read, compared and written
// again.
func TestRecipesThatMeanTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, query := anyFingerprint(t), anyFingerprint(t)
		old := f.AsRecipe(1)
		if old.Recipe() != 1 || old == f || old.AsRecipe(Recipe) != f {
			t.Fatalf("recipe %d, and back %v", old.Recipe(), old.AsRecipe(Recipe))
		}
		if g, err := Parse(old.String()); err != nil || g != old || g.String()[2:] != f.String()[2:] {
			t.Fatalf("%v, %v", g, err)
		}
		want, err1 := Compare(query, f)
		got, err2 := Compare(query, old)
		if got != want || err1 != nil || err2 != nil {
			t.Fatalf("%v (%v), want %v (%v)", got, err2, want, err1)
		}
	})
	for _, recipe := range []int{0, -1, Recipe + 1, 257} {
		if f := FromPDQ(Code{1}, 90); f.AsRecipe(recipe) != f {
			t.Errorf("a fingerprint of recipe %d", recipe)
		}
	}
	if f := (Fingerprint{}).AsRecipe(1); !f.IsZero() {
		t.Error("something was made of nothing")
	}
}

func TestCompareNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyFingerprint(t), anyFingerprint(t)
		d, err := Compare(a, b)
		if err != nil {
			t.Fatal(err)
		}
		for k := PDQ; k <= Average; k++ {
			if n := d.Of(k); (n >= 0) != (a.Has(k) && b.Has(k)) || n > k.Bits() {
				t.Fatalf("%s: distance %d", k, n)
			}
		}
		self, err := Compare(a, a)
		if err != nil || a.Has(PDQ) && (self.PDQ != 0 || self.Transform != Upright || self.QueryFrame != Full) {
			t.Fatalf("to itself: %+v, %v", self, err)
		}
	})
}

// A code without the codes of the mirrored picture is completed by assuming
// that the median is zero; turning it twice must still give it back.
func TestVariantsOfABareCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Code
		for i := range c {
			c[i] = rapid.Uint64().Draw(t, "word")
		}
		for _, v := range FromPDQ(c, 90).Variants() {
			for _, back := range FromPDQ(v.Code, 90).Variants() {
				if back.Transform == v.Transform.inverse() && back.Code != c {
					t.Fatalf("%s and back: %s, want %s", v.Transform, back.Code, c)
				}
			}
		}
	})
}

func TestCodeText(t *testing.T) {
	const hex = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
	c, err := ParseCode(hex)
	if err != nil || c.String() != hex || c[0] != 0x33e6339c4e9c9b22 {
		t.Errorf("%v %v", c, err)
	}
	for _, bad := range []string{"", hex[1:], hex + "0", strings.Replace(hex, "d", "g", 1)} {
		if _, err := ParseCode(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for k := PDQ; k <= Average; k++ {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%s: %v", k, err)
		}
	}
	for fr := range Frame(Frames) {
		if got, err := ParseFrame(fr.String()); err != nil || got != fr {
			t.Errorf("%s: %v", fr, err)
		}
	}
	for tr := range Transform(Transforms) {
		if got, err := ParseTransform(tr.String()); err != nil || got != tr {
			t.Errorf("%s: %v", tr, err)
		}
	}
	for _, bad := range []string{"", "PDQ", "rot45"} {
		if _, err := ParseKind(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("kind %q: %v", bad, err)
		}
		if _, err := ParseTransform(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("transform %q: %v", bad, err)
		}
	}
	if _, err := ParseFrame("half"); !errors.Is(err, ErrSyntax) {
		t.Error(err)
	}
	_ = Frame(99).String()
	_ = Kind(99).String()
	_ = Transform(99).String()
}

func TestWordText(t *testing.T) {
	const word = 0x0123456789abcdef
	for k, kind := range map[Kind]goimagehash.Kind{Perception: goimagehash.PHash, Difference: goimagehash.DHash, Average: goimagehash.AHash} {
		s := goimagehash.NewImageHash(word, kind).ToString()
		if got, w, err := ParseWord(s); err != nil || got != k || w != word {
			t.Errorf("%s: %v %x %v", s, got, w, err)
		}
	}
	for _, bad := range []string{"", "p:", "x:0123456789abcdef", ":0123456789abcdef", "pd:0123456789abcdef", "p:0123456789abcde", "p:0123456789abcdef0"} {
		if _, _, err := ParseWord(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(FromPDQ(Code{1, 2, 3, 4}, 90).String())
	f.Add(FromWord(Difference, 7).String())
	f.Add("t2:AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		g, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrRecipe) {
				t.Fatal(err)
			}
			return
		}
		if g.String() != s {
			t.Fatalf("%q became %q", s, g)
		}
		if _, err := Compare(g, g); err != nil {
			t.Fatal(err)
		}
	})
}
