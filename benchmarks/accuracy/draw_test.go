package main

import (
	"bytes"
	"encoding/csv"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// The examples are still found and missed as ACCURACY.md shows them, and where
// all photos in them come from is told beside the pictures.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("judges nine copies in a bank that has to be made first")
	}
	dir := t.TempDir()
	var said bytes.Buffer
	if err := drawExamples(t.Context(), protocol{dir: smallSet}, dir, &said, newProgress(io.Discard)); err != nil {
		t.Fatalf("%v; choose other examples, or draw them again: go run ./benchmarks/accuracy -draw benchmarks/results/pictures testdata/accuracy\n%s", err, &said)
	}
	shown := filepath.Join("..", "results", "pictures")
	if got, want := readFile(t, filepath.Join(dir, "attribution.csv")), readFile(t, filepath.Join(shown, "attribution.csv")); !bytes.Equal(got, want) {
		t.Errorf("attribution.csv is\n%s\nwant\n%s", want, got)
	}
	page := readFile(t, filepath.Join("..", "..", "ACCURACY.md"))
	for _, e := range examples {
		b := readFile(t, filepath.Join(shown, e.name+".jpg"))
		c, err := jpeg.DecodeConfig(bytes.NewReader(b))
		if err != nil || c.Width != sheetWidth || len(b) > 60<<10 {
			t.Errorf("%s: %d bytes, %d pixels wide, %v", e.name, len(b), c.Width, err)
		}
		if !bytes.Contains(page, []byte("benchmarks/results/pictures/"+e.name+".jpg")) {
			t.Errorf("ACCURACY.md does not show %s", e.name)
		}
	}
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An example that is not what it claims to be is not drawn.
func TestExamplesMustBeTrue(t *testing.T) {
	c := attack.Copy{Place: &[4][2]float64{{1, 1}, {9, 1}, {9, 9}, {1, 9}}}
	own := index.Verdict{Matches: []index.Match{{ID: "a.jpg", Relation: index.SamePhoto, Region: &index.RegionHit{Quad: [4][2]float64{{2, 2}, {8, 2}, {8, 8}, {2, 8}}}}}}
	template := index.Verdict{Matches: []index.Match{{ID: "a.jpg", Relation: index.SameTemplate}}}
	for _, v := range []struct {
		found   bool
		verdict index.Verdict
		ink     color.NRGBA
		x       float64
		ok      bool
	}{
		{true, own, foundInk, 2, true},
		{false, own, color.NRGBA{}, 0, false},
		{true, template, color.NRGBA{}, 0, false},
		{false, template, missedInk, 1, true},
		{true, index.Verdict{}, color.NRGBA{}, 0, false},
		{false, index.Verdict{}, missedInk, 1, true},
	} {
		ink, quad, err := example{file: "a.jpg", found: v.found}.place(v.verdict, c)
		if (err == nil) != v.ok || ink != v.ink || quad[0][0] != v.x {
			t.Errorf("found %v, verdict %+v: %v, %v, %v", v.found, v.verdict, ink, quad, err)
		}
	}
}

func TestPair(t *testing.T) {
	grey := func(w, h int) *image.NRGBA { return imaging.New(w, h, color.Gray{128}) }
	whole := [4][2]float64{{20, 10}, {80, 10}, {80, 90}, {20, 90}}
	sheet := pair(grey(100, 100), whole, foundInk, grey(100, 100))
	height := sheet.Bounds().Dy()
	if sheet.Bounds().Dx() != sheetWidth || height != (sheetWidth-sheetGap)/2 {
		t.Fatalf("the sheet is %v", sheet.Bounds())
	}
	at := func(x, y float64) color.Color { return sheet.At(int(x*float64(height)), int(y*float64(height))) }
	if at(0.2, 0.5) != color.Color(foundInk) || at(0.5, 0.9) != color.Color(foundInk) || at(0.5, 0.5) == color.Color(foundInk) {
		t.Errorf("the outline is not where it belongs: %v, %v, %v", at(0.2, 0.5), at(0.5, 0.9), at(0.5, 0.5))
	}
	wide, quad := withEdge(grey(100, 100), [4][2]float64{{-50, 0}, {100, 0}, {100, 100}, {-50, 100}})
	if wide.Rect.Dx() < 150 || math.Abs(quad[1][0]-quad[0][0]-150) > 1e-9 || quad[0][0] < 0 || wide.NRGBAAt(int(quad[0][0])+60, 50).R != 128 {
		t.Errorf("an edge makes %v of it, and %v", wide.Rect, quad)
	}
	if far, _ := withEdge(grey(100, 100), [4][2]float64{{-5000, 0}, {100, 0}, {100, 100}, {0, 100}}); far.Rect.Dx() > 200 {
		t.Errorf("an edge of any width: %v", far.Rect)
	}
}

// Photos that nobody says where they come from are not drawn.
func TestSourcesOf(t *testing.T) {
	all, err := sourcesOf(smallSet)
	if err != nil {
		t.Fatal(err)
	}
	ps, err := photos(smallSet)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		if len(all[p.file]) != len(sourceColumns)-1 {
			t.Errorf("%s: %q", p.file, all[p.file])
		}
	}
	g := &gallery{sources: all}
	if _, err := g.credits(example{file: "of-nobody.jpg"}, nil, attack.Copy{}); err == nil {
		t.Error("a photo of nobody is drawn")
	}
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := writeSources(file, [][]string{{"a.jpg", "b", "c", "d, e"}}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(readFile(t, file))).ReadAll()
	if err != nil || len(rows) != 2 || !slices.Equal(rows[0], sourceColumns) || rows[1][3] != "d, e" {
		t.Errorf("%v, %v", rows, err)
	}
}

// The surest match of the check counts, the same template does not.
func TestSurest(t *testing.T) {
	geometry := sweep{check: index.CheckGeometry}
	match := func(c index.Check, n int) index.Match {
		m := index.Match{Check: c, Relation: index.SamePhoto}
		switch c {
		case index.CheckGeometry:
			m.Geometry = &hash.Alignment{Evidence: n}
		case index.CheckRegion:
			m.Region = &index.RegionHit{Distance: n}
		}
		return m
	}
	template := match(index.CheckGeometry, 99)
	template.Relation = index.SameTemplate
	v := index.Verdict{Matches: []index.Match{template, match(index.CheckGeometry, 80), match(index.CheckGeometry, 90), match(index.CheckRegion, 20), match(index.CheckRegion, 30)}}
	if got := geometry.surest(v); got != -90 {
		t.Errorf("geometry %d, want -90", got)
	}
	if got := (sweep{check: index.CheckRegion}).surest(v); got != 20 {
		t.Errorf("region %d, want 20", got)
	}
	if got := geometry.surest(index.Verdict{}); got <= 0 {
		t.Errorf("nothing is %d", got)
	}
	if geometry.ordered(94) >= geometry.ordered(84) {
		t.Error("more evidence is not surer")
	}
}
