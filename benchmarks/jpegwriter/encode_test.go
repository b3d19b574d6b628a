package jpegwriter

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// form is a way to write coefficients.
type form struct {
	name string
	o    Options
}

// forms returns ways to write n components that hold all bits of them.
func forms(n int) []form {
	perComponent := func(bands ...Scan) (s []Scan) {
		for _, b := range bands {
			s = append(s, Each(n, b)...)
		}
		return s
	}
	spectral := append([]Scan{{Components: all(n)}}, perComponent(Scan{Ss: 1, Se: 2}, Scan{Ss: 3, Se: 63})...)
	bitByBit := []Scan{{all(n), 0, 0, 0, 3}, {all(n), 0, 0, 3, 2}, {all(n), 0, 0, 2, 1}}
	bitByBit = append(bitByBit, perComponent(Scan{Ss: 1, Se: 63, Al: 3}, Scan{Ss: 1, Se: 63, Ah: 3, Al: 2})...)
	bitByBit = append(bitByBit, perComponent(Scan{Ss: 1, Se: 20, Ah: 2, Al: 1}, Scan{Ss: 21, Se: 63, Ah: 2, Al: 1})...)
	bitByBit = append(bitByBit, perComponent(Scan{Ss: 1, Se: 63, Ah: 1}, Scan{Ah: 1})...)
	single := make([]Scan, 0, 64*n)
	for k := range 64 {
		single = append(single, perComponent(Scan{Ss: k, Se: k})...)
	}
	return []form{
		{"baseline", Options{}},
		{"optimised", Options{OptimiseTables: true}},
		{"extended", Options{Extended: true, SlotEach: true}},
		{"extended-optimised", Options{Extended: true, SlotEach: true, OptimiseTables: true, RestartInterval: 4}},
		{"restart-1", Options{RestartInterval: 1}},
		{"restart-3", Options{RestartInterval: 3, Fill: 3}},
		{"restart-long", Options{RestartInterval: 65535}},
		{"odd-bytes", Options{Fill: 2, JoinTables: true, WideTables: true, Comment: "a comment", Orientation: 1, Trailing: []byte{0, 0xff, 0xc4, 1}}},
		{"separate", Options{Script: Each(n, Scan{})}},
		{"separate-restart", Options{Script: Each(n, Scan{}), RestartInterval: 5, OptimiseTables: true}},
		{"progressive", Options{Progressive: true}},
		{"progressive-restart", Options{Progressive: true, RestartInterval: 2, Fill: 1}},
		{"progressive-slots", Options{Progressive: true, SlotEach: true, JoinTables: true}},
		{"spectral", Options{Progressive: true, Script: spectral}},
		{"bit-by-bit", Options{Progressive: true, Script: bitByBit}},
		{"single", Options{Progressive: true, Script: single}},
	}
}

func samplings() []Sampling { return []Sampling{S444, S422, S440, S420, S411, S410} }

// Every form of every sampling and of sizes that fill their blocks in all ways
// is read by image/jpeg as the coefficients that went in.
func TestDecodes(t *testing.T) {
	checked := 0
	for w := 1; w <= 40; w++ {
		h := (w*17)%40 + 1
		checked += checkForms(t, fmt.Sprintf("grey %d x %d", w, h), mustTransform(t, w, h, Options{Grey: true}))
		for _, s := range samplings() {
			checked += checkForms(t, fmt.Sprintf("%v %d x %d", s, w, h), mustTransform(t, w, h, Options{Sampling: s}))
		}
	}
	if checked < 3500 {
		t.Errorf("image/jpeg could read only %d files", checked)
	}
}

func mustTransform(t *testing.T, w, h int, o Options) *Coefficients {
	t.Helper()
	c, err := FromImage(texture(w, h), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkForms compares the planes of each form with the oracle's, within one
// level for image/jpeg's integer transform, and with each other exactly. It
// returns how many forms image/jpeg can read.
func checkForms(t *testing.T, name string, c *Coefficients) (checked int) {
	t.Helper()
	var first []plane
	for _, f := range forms(len(c.Components)) {
		if misread(c, f.o) != "" {
			continue
		}
		got := decode(t, mustEncode(t, c, f.o))
		for i, p := range got {
			if d := apart(p, c.samples(i), 1); d != "" {
				t.Errorf("%s %s: component %d differs from the oracle: %s", name, f.name, i, d)
			}
			if first != nil && !bytes.Equal(p.pix, first[i].pix) {
				t.Errorf("%s %s: component %d is not what the first form shows", name, f.name, i)
			}
		}
		if first == nil {
			first = got
		}
		checked++
	}
	return checked
}

func mustEncode(t *testing.T, c *Coefficients, o Options) []byte {
	t.Helper()
	b, err := c.Encode(o)
	if err != nil {
		t.Fatalf("%+v: %v", o, err)
	}
	return b
}

// A script that leaves bits or coefficients out shows what the others make.
// A component without any scan is left at 0 by image/jpeg.
func TestIncompleteScripts(t *testing.T) {
	scripts := map[string][]Scan{
		"dc":              {{Components: all(3)}},
		"dc-without-bits": {{Components: all(3), Al: 2}},
		"dc-luma":         {{Components: []int{0}}},
		"no-refinement":   ProgressiveScript(3)[:5],
		"one-refinement":  ProgressiveScript(3)[:6],
		"no-chroma-ac":    {{all(3), 0, 0, 0, 1}, {[]int{0}, 1, 63, 0, 1}, {[]int{0}, 1, 63, 1, 0}},
		"low-band":        append([]Scan{{Components: all(3)}}, Each(3, Scan{Ss: 1, Se: 9, Al: 1})...),
	}
	c := mustTransform(t, 45, 37, Options{Quality: 95})
	for name, script := range scripts {
		o := Options{Progressive: true, Script: script}
		want := c.seen(script)
		for i, p := range decode(t, mustEncode(t, c, o)) {
			expected := want.samples(i)
			if name == "dc-luma" && i > 0 {
				clear(expected.pix)
			}
			if d := apart(p, expected, 1); d != "" {
				t.Errorf("%s: component %d: %s", name, i, d)
			}
		}
	}
}

// Coefficients of all sizes, in dense and in sparse blocks, are the same in all
// forms. Their pixels make no sense: transforms differ, files may not.
func TestRandomCoefficients(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, share := range []float64{0, 0.003, 0.05, 0.5, 1} {
		for _, s := range []Sampling{S444, S420, S411} {
			c := randomCoefficients(t, r, 75, 50, s, share)
			var first []plane
			for _, f := range forms(3) {
				if misread(c, f.o) != "" {
					continue
				}
				got := decode(t, mustEncode(t, c, f.o))
				for i := range got {
					if first != nil && !bytes.Equal(got[i].pix, first[i].pix) {
						t.Errorf("%v, %v of all: %s: component %d is not what the first form shows", s, share, f.name, i)
					}
				}
				if first == nil {
					first = got
				}
			}
		}
	}
}

// randomCoefficients fills a share of the coefficients with values of which
// each size in bits is equally likely.
func randomCoefficients(t *testing.T, r *rand.Rand, w, h int, s Sampling, share float64) *Coefficients {
	t.Helper()
	c, err := NewCoefficients(w, h, 3, s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Components {
		for j := range c.Components[i].Blocks {
			b := &c.Components[i].Blocks[j]
			for k := range b {
				if r.Float64() < share {
					b[k] = int16(r.IntN(1<<(1+r.IntN(10)))) * int16(1-2*r.IntN(2))
				}
			}
		}
	}
	return c
}

// A run of blocks that end together is told in pieces of at most 32,767.
func TestLongRuns(t *testing.T) {
	c, err := NewCoefficients(1600, 1680, 1, S444) // 42,000 blocks
	if err != nil {
		t.Fatal(err)
	}
	blocks := c.Components[0].Blocks
	for i := range blocks {
		blocks[i][1] = 8 // a correction bit each in the refinement
	}
	blocks[len(blocks)-1][63] = -9
	want := c.samples(0)
	b := mustEncode(t, c, Options{Progressive: true, Script: []Scan{
		{Components: all(1)}, {all(1), 2, 63, 0, 1}, {all(1), 1, 1, 0, 1}, {all(1), 1, 63, 1, 0},
	}})
	if d := apart(decode(t, b)[0], want, 1); d != "" {
		t.Error(d)
	}
}

// Divisors above 255 are kept where they have 16 bits.
func TestWideTables(t *testing.T) {
	o := Options{Quality: 2, WideTables: true, Sampling: S444}
	c := mustTransform(t, 40, 40, o)
	if largest := c.Tables[0][63]; largest < 256 {
		t.Fatalf("the last divisor is %d", largest)
	}
	for i := range c.Components[0].Blocks {
		c.Components[0].Blocks[i][63-i] = 1 // else no large divisor is in use
	}
	for i, p := range decode(t, mustEncode(t, c, o)) {
		if d := apart(p, c.samples(i), 1); d != "" {
			t.Errorf("component %d: %s", i, d)
		}
	}
}

// Four components are coded as three are. They are read as ink, 255 for none.
func TestFourComponents(t *testing.T) {
	for _, s := range []Sampling{S444, S420} {
		c, err := NewCoefficients(37, 26, 4, s)
		if err != nil {
			t.Fatal(err)
		}
		black := &c.Components[3]
		for i := range black.Blocks {
			black.Blocks[i][0] = int16(i * 40)
			black.Blocks[i][10] = 100
		}
		want := c.samples(3)
		for _, f := range forms(4) {
			if f.o.RestartInterval > 0 && (f.o.Progressive || f.o.Script != nil) && s != S444 {
				continue // as misread has it
			}
			f.o.Adobe, f.o.NoJFIF = true, true
			img, err := jpeg.Decode(bytes.NewReader(mustEncode(t, c, f.o)))
			if err != nil {
				t.Errorf("%v %s: %v", s, f.name, err)
				continue
			}
			m := img.(*image.CMYK)
			got := newPlane(37, 26)
			for i := range got.pix {
				got.pix[i] = 255 - m.Pix[i/37*m.Stride+i%37*4+3]
			}
			if d := apart(got, want, 1); d != "" {
				t.Errorf("%v %s: %s", s, f.name, d)
			}
		}
	}
}

// What cannot be coded is an error and never a file.
func TestEncodeRefuses(t *testing.T) {
	three := func() *Coefficients { return mustTransform(t, 20, 20, Options{}) }
	with := func(change func(*Coefficients)) *Coefficients { c := three(); change(c); return c }
	progressive := func(s ...Scan) Options { return Options{Progressive: true, Script: s} }
	cases := map[string]struct {
		c *Coefficients
		o Options
	}{
		"two kinds":        {three(), Options{Extended: true, Progressive: true}},
		"interval":         {three(), Options{RestartInterval: 65536}},
		"three slots":      {three(), Options{SlotEach: true}},
		"orientation":      {three(), Options{Orientation: -1}},
		"comment":          {three(), Options{Comment: string(make([]byte, 65534))}},
		"fill":             {three(), Options{Fill: -1}},
		"no components":    {three(), Options{Script: []Scan{{}}}},
		"component 3":      {three(), Options{Script: []Scan{{Components: []int{3}}}}},
		"twice":            {three(), Options{Script: []Scan{{Components: []int{1, 1}}}}},
		"dc and ac":        {three(), progressive(Scan{Components: []int{0}, Se: 5})},
		"backwards":        {three(), progressive(Scan{Components: []int{0}, Ss: 5, Se: 4})},
		"64":               {three(), progressive(Scan{Components: []int{0}, Ss: 5, Se: 64})},
		"ac of two":        {three(), progressive(Scan{Components: []int{0, 1}, Ss: 1, Se: 5})},
		"two bits":         {three(), progressive(Scan{Components: []int{0}, Ah: 2})},
		"bit 14":           {three(), progressive(Scan{Components: []int{0}, Al: 14})},
		"12 blocks":        {mustTransform(t, 20, 20, Options{Sampling: 0x222222}), Options{}},
		"width":            {with(func(c *Coefficients) { c.Width = 65536 }), Options{}},
		"wider than known": {with(func(c *Coefficients) { c.Width = 100 }), Options{}},
		"more rows":        {with(func(c *Coefficients) { c.Components[1].Down = 9 }), Options{}},
		"more columns":     {with(func(c *Coefficients) { c.Components[1].Across = 9 }), Options{}},
		"fewer blocks":     {with(func(c *Coefficients) { c.Components[1].Blocks = nil }), Options{}},
		"no divisors":      {with(func(c *Coefficients) { c.Tables = nil }), Options{}},
		"divisor 0":        {with(func(c *Coefficients) { c.Tables[1][9] = 0 }), Options{}},
		"divisor 256":      {with(func(c *Coefficients) { c.Tables[1][9] = 256 }), Options{}},
		"annex K, AC":      {with(func(c *Coefficients) { c.Components[1].Blocks[0][9] = 1024 }), Options{}},
		"annex K, DC":      {with(func(c *Coefficients) { c.Components[0].Blocks[0][0] = -2048 }), Options{}},
		"16 bits, AC":      {with(func(c *Coefficients) { c.Components[2].Blocks[0][9] = -32768 }), Options{OptimiseTables: true}},
		"16 bits, DC":      {with(func(c *Coefficients) { c.Components[0].Blocks[0][0] = -32768 }), Options{Progressive: true, Script: []Scan{{Components: all(3)}}}},
	}
	for name, tt := range cases {
		if b, err := tt.c.Encode(tt.o); err == nil || b != nil {
			t.Errorf("%s: %d bytes, error %v", name, len(b), err)
		}
	}
	for _, o := range []Options{{Quality: 101}, {Quality: -1}, {Sampling: 0x511111}, {Sampling: 0x110111}} {
		if _, err := Encode(texture(8, 8), o); err == nil {
			t.Errorf("%+v was not refused", o)
		}
	}
	if _, err := Encode(texture(0, 3), Options{}); err == nil {
		t.Error("an empty picture was not refused")
	}
}

// Values that the tables of annex K do not know fit made ones.
func TestLargeCoefficients(t *testing.T) {
	c := mustTransform(t, 16, 16, Options{Sampling: S444})
	c.Components[0].Blocks[0][9] = 32767
	c.Components[0].Blocks[1][0] = 16000
	if _, err := jpeg.Decode(bytes.NewReader(mustEncode(t, c, Options{OptimiseTables: true}))); err != nil {
		t.Error(err)
	}
}

// BenchmarkEncode writes a picture of 12 megapixels.
func BenchmarkEncode(b *testing.B) {
	img := texture(4032, 3024)
	for _, f := range []form{{"kind=baseline", Options{}}, {"kind=optimised", Options{OptimiseTables: true}}, {"kind=progressive", Options{Progressive: true}}} {
		b.Run(f.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Encode(img, f.o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
