package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// TestMain lets this binary be the child that looks at a large file.
func TestMain(m *testing.M) {
	if path := os.Getenv(peakVariable); path != "" {
		if err := lookAtLarge(context.Background(), path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		chain, size int
		kind        string
		want        float64
	}{
		{rival, 0, "4:2:0", 14},
		{rival, 3, "4:4:4", 14},
		{rivalExt, 2, "grey", 28},
		{exact, 1, "4:2:2", 14},
		{rival, 0, progressiveKind, 30},
		{rivalExt, 3, progressiveKind, 80},
		{exact, 2, progressiveKind, 40},
		{rival, -1, "4:2:0", 0},
	} {
		if got := barOf(c.chain, c.size, c.kind); got != c.want {
			t.Errorf("bar of chain %d, size %d, %s: %v, want %v", c.chain, c.size, c.kind, got, c.want)
		}
	}
}

// A picture has the bar of the next smaller size of the table.
func TestSizeClass(t *testing.T) {
	for _, c := range []struct{ w, h, want int }{
		{499, 500, -1}, {500, 500, 0}, {384, 512, -1}, {1280, 720, 0}, {1000, 1000, 1}, {1999, 2000, 1},
		{2000, 2000, 2}, {3024, 4032, 3}, {4031, 3024, 2}, {10000, 10000, 3},
	} {
		if got := sizeClass(c.w, c.h); got != c.want {
			t.Errorf("%d x %d: class %d, want %d", c.w, c.h, got, c.want)
		}
	}
}

func TestLineCountsMissedBars(t *testing.T) {
	l := line{
		Size: "500x500", Kind: "4:2:0", Files: 4, Of: 17, Ours: 0.5, Bits: [2]float64{1.2, 1.3}, Quality: [2]int{70, 79},
		A: versus{Ratio: 14, Bar: 14}, Ext: versus{Ratio: 39.9, Bar: 40}, Read: versus{Ratio: 1},
	}
	if l.missed() != 1 {
		t.Errorf("%d bars missed, want 1", l.missed())
	}
	var out strings.Builder
	l.print(&out)
	for _, want := range []string{"1.20-1.30", "70-79", " 4/17 ", "14.0 >= 14 ok", "39.9 >= 40 MISSED"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
}

// What is just below a bar is missed, even if it is printed and kept as the bar.
func TestRatiosAreComparedUnrounded(t *testing.T) {
	v := versus{Ratio: 13.9999, Bar: 14}
	b := bar{Value: 13.9999, Bar: 14, Least: true, Of: 1}
	if v.held() || b.held() {
		t.Error("13.9999 is taken for 14")
	}
	for _, r := range []any{v, b} {
		if j, err := json.Marshal(r); err != nil || strings.Contains(string(j), "13.9") || strings.Count(string(j), ":14") != 2 {
			t.Errorf("%s, error %v", j, err)
		}
	}
}

func TestHead(t *testing.T) {
	var out strings.Builder
	printHead(&out)
	if want := "10 turns for ours, of 10 at 500x500, 5 at 1000x1000, 3 at 2000x2000 and 3 at 12 MP for the others;"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in %q", want, out.String())
	}
}

// The ratio is the median of the files' ratios, not that of sums: one file that
// had to be read exactly does not hide what the others show, nor is it hidden.
func TestAgainst(t *testing.T) {
	files := []times{
		{ours: 1 * time.Millisecond, rival: 20 * time.Millisecond},
		{ours: 2 * time.Millisecond, rival: 30 * time.Millisecond},
		{ours: 9 * time.Millisecond, rival: 10 * time.Millisecond},
	}
	got := against(files, rival)
	if want := (versus{Milliseconds: 20, Ratio: 15, Whole: 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestMedian(t *testing.T) {
	if got := median([]float64{9, 1, 2}); got != 2 {
		t.Errorf("of three: %v", got)
	}
	if got := median([]float64{4, 1, 9, 2}); got != 3 {
		t.Errorf("of four: %v", got)
	}
}

func TestSlowTurns(t *testing.T) {
	for n := 1; n <= turns; n++ {
		took := 0
		for turn := range turns {
			if takesPart(turn, n) {
				took++
			}
		}
		if took != n {
			t.Errorf("the slow ways take part in %d turns, want %d", took, n)
		}
	}
}

// All chains are timed on each file, and a file that is not a JPEG is known to be
// read by the exact path.
func TestMeasure(t *testing.T) {
	img := mosaic(drawings(), 320, 320, 1)
	small, err := encode(img, kinds[0], 80)
	if err != nil {
		t.Fatal(err)
	}
	var s stopwatch
	medians, exactly, err := s.measure(t.Context(), []input{{"small", small, 320, 320, 80}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for chain, d := range medians[0] {
		if d <= 0 {
			t.Errorf("chain %d was not timed", chain)
		}
	}
	if exactly[0] {
		t.Error("a JPEG of 320 pixels was read exactly")
	}
	if _, read, err := s.time(t.Context(), input{name: "png", data: edit.PNG(img)}); err != nil || !read {
		t.Errorf("a PNG: read exactly %v, error %v", read, err)
	}
}

func TestAllocations(t *testing.T) {
	img := mosaic(drawings(), 320, 320, 1)
	bars, err := allocations(t.Context(), []input{{name: "png", data: edit.PNG(img)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bars {
		if b.held() {
			t.Errorf("reading a PNG: %s %v, and the bar is held", b.Figure, b.Value)
		}
	}
}

func TestWorkerBars(t *testing.T) {
	for _, c := range []struct {
		query, spin float64
		held        bool
	}{
		{1.85, 1.99, true}, {1.75, 1.99, false}, {1.75, 1.9, true}, {1.5, 1.6, true}, {1.4, 1.6, false}, {0.9, 1.2, true},
	} {
		bars := workerBars(c.query, c.spin)
		if got := bars[0].held() && bars[1].held(); got != c.held {
			t.Errorf("two workers gain %v where two loops gain %v: held %v", c.query, c.spin, got)
		}
	}
}

// The child tells its own peak, and a large picture is really put together from
// windows.
func TestPeakOfChild(t *testing.T) {
	img := mosaic(drawings(), 320, 320, 1)
	path := filepath.Join(t.TempDir(), "a.jpg")
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(edit.JPEG(img, 80))
	peak, err := peakOf(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if memoryKnown && (peak < 1<<20 || peak > 1<<30) {
		t.Errorf("a peak of %v bytes", peak)
	}
	write(edit.PNG(img))
	if _, err := peakOf(t.Context(), path); err == nil {
		t.Error("no error of a file that is read exactly")
	}
}

func TestWindow(t *testing.T) {
	img := mosaic(drawings(), 64, 64, 0)
	indoors.add(img, 0)
	from, err := jpegwriter.FromImage(img, jpegwriter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	to, err := jpegwriter.NewCoefficients(64, 64, 3, jpegwriter.S420)
	if err != nil {
		t.Fatal(err)
	}
	window(to, from, 1, 2, 2, 1, 0, 3)
	for i := range to.Components {
		tc, fc := &to.Components[i], &from.Components[i]
		for by := range tc.Rows {
			for bx := range tc.Stride {
				want := jpegwriter.Block{}
				if x, y := bx/tc.H, by/tc.V; x >= 1 && x < 3 && y == 2 {
					want = *fc.At(bx-tc.H, by+tc.V)
				}
				if *tc.At(bx, by) != want {
					t.Fatalf("component %d: block (%d, %d) is not what it was copied from", i, bx, by)
				}
			}
		}
	}
}

// drawings stand for photos: patches of colour with some shading.
func drawings() (photos []*image.NRGBA) {
	for i := range 3 {
		img := image.NewNRGBA(image.Rect(0, 0, 300, 290+i))
		for y := range 290 + i {
			for x := range 300 {
				patch := x/(61+9*i)*(7+i) + y/(53+7*i)*(3+i)
				shade := (x + 2*y*i) / 9
				img.SetNRGBA(x, y, color.NRGBA{
					uint8(patch*37%150 + shade), uint8(patch*59%140 + shade), uint8(patch*83%130 + shade/2), 255,
				})
			}
		}
		photos = append(photos, img)
	}
	return photos
}
