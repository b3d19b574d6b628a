package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

// Pictures that were read exactly do not better the mean.
func TestSummarise(t *testing.T) {
	pairs := []pair{
		{name: "a", scaled: true, full: 4, trimmed: -1, sameTrim: true, sameUsable: true, quality: -3},
		{name: "b", scaled: true, full: 10, trimmed: 18, sameTrim: true, sameUsable: true, exact: 6},
		{name: "c", full: 0, trimmed: 0, sameTrim: true, sameUsable: true},
		{name: "d", scaled: true, full: -1, trimmed: -1, sameUsable: false, quality: 1},
	}
	got := summarise("some", pairs)
	if got.Files != 4 || got.Scaled != 3 || got.Mean != 7 || got.Max != 10 || got.P95 != 4 || got.Trimmed != 2 || got.Far != 1 ||
		got.OtherTrim != 1 || got.OtherUse != 1 || got.Quality != 3 || got.Exact != 3 {
		t.Errorf("%+v", got)
	}
	if len(got.Worst) != 2 || got.Worst[0] != (worst{"b", 18}) || got.Worst[1] != (worst{"a", 4}) {
		t.Errorf("worst: %v", got.Worst)
	}
	if rows := byClass([]pair{{class: "x"}, {class: "y"}, {class: "x"}}); len(rows) != 2 || rows[0].Class != "x" || rows[0].Files != 2 {
		t.Errorf("by class: %+v", rows)
	}
}

func TestFidelityBars(t *testing.T) {
	good := func(side int) pair {
		return pair{width: side, height: side, scaled: true, full: 4, trimmed: 2, sameTrim: true, sameUsable: true}
	}
	base := []pair{good(500), good(1000), good(2000)}
	with := func(change func(*pair)) []pair {
		p := good(2000)
		change(&p)
		return append([]pair{p}, base...)
	}
	for _, c := range []struct {
		name         string
		pairs, mixed []pair
		missed       string // words of the figures
	}{
		{"all good", base, base, ""},
		{"mean", with(func(p *pair) { p.full = 6 }), nil, "full frame, above: mean bits"},
		{"most", with(func(p *pair) { p.full = 18 }), nil, "full frame, above: mean bits|full frame, above: most bits"},
		{"most of a small one", with(func(p *pair) { *p = good(690); p.full = 22 }), nil, "full frame, 500x500: mean bits|full frame, 500x500: most bits"},
		{"trimmed", with(func(p *pair) { p.trimmed = 18 }), nil, "trimmed frame"},
		{"trim", with(func(p *pair) { p.sameTrim = false }), nil, "same trim decision"},
		{"mixed", base, with(func(p *pair) { p.full = 26 }), "mixed sizes"},
		{"mixed and unusable", base, with(func(p *pair) { p.full = -1 }), "mixed sizes"},
		{"nothing", nil, nil, ""},
	} {
		var missed []string
		for _, b := range compareFidelity(c.pairs, c.mixed) {
			if !b.held() {
				missed = append(missed, b.Figure)
			}
		}
		var want []string
		if c.missed != "" {
			want = strings.Split(c.missed, "|")
		}
		if len(missed) != len(want) {
			t.Errorf("%s: missed %q, want %q", c.name, missed, want)
			continue
		}
		for i := range want {
			if !strings.Contains(missed[i], want[i]) {
				t.Errorf("%s: missed %q, want %q", c.name, missed, want)
			}
		}
	}
}

func TestPrintBars(t *testing.T) {
	var out strings.Builder
	missed := printBars(&out, []bar{
		{Figure: "a", Value: 1, Bar: 2, Of: 1}, {Figure: "b", Value: 1, Bar: 2, Least: true, Of: 1}, {Figure: "c", Value: 2, Bar: 2, Least: true, Of: 1},
		{Figure: "d", Value: 9, Bar: 2},
	})
	if missed != 1 || strings.Count(out.String(), "MISSED") != 1 || strings.Count(out.String(), "ok") != 2 {
		t.Errorf("%d missed, printed\n%s", missed, out.String())
	}
}

// One picture through everything: scaled as a JPEG, exactly as a PNG.
func TestWitness(t *testing.T) {
	img := mosaic(drawings(), 520, 500, 3)
	pairs, mixed, err := witnessed(t.Context(), []subjects{func(ctx context.Context, w *witness) error {
		if err := w.written(ctx, "jpeg", "a", img, kinds[1], 80); err != nil {
			return err
		}
		if err := w.look(ctx, "png", "b", edit.PNG(img)); err != nil {
			return err
		}
		if err := w.look(ctx, "text", "c", []byte("nothing")); err != nil {
			return err
		}
		reference, err := exactly(ctx, edit.PNG(img))
		if err != nil {
			return err
		}
		return w.find(ctx, "again", "d", edit.JPEG(img, 70), reference)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) != 3 || len(mixed) != 1 {
		t.Fatalf("%d pairs and %d of mixed sizes", len(pairs), len(mixed))
	}
	if p := pairs[0]; !p.scaled || p.full < 0 || p.full > 30 || p.width != 520 || p.height != 500 || !p.sameTrim || !p.sameUsable {
		t.Errorf("jpeg: %+v", p)
	}
	if p := pairs[1]; p.scaled || p.full != 0 {
		t.Errorf("png: %+v", p)
	}
	if p := pairs[2]; p.scaled || p.full != -1 || !p.sameUsable {
		t.Errorf("text: %+v", p)
	}
	if p := mixed[0]; p.full < 0 || p.full > 60 || p.exact < 0 || p.exact > 60 {
		t.Errorf("again: %+v", p)
	}
	failure := errors.New("failure")
	if _, _, err := witnessed(t.Context(), []subjects{func(context.Context, *witness) error { return failure }}); !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
}

// What is asked of a photo is made of it: frames and bars leave it whole.
func TestFramedAndBarred(t *testing.T) {
	img := drawings()[0]
	f := framed(img, 3)
	if f.Rect.Dx() <= 300 || f.NRGBAAt(0, 0) != grounds[1] {
		t.Errorf("framed: %v, corner %v", f.Rect, f.NRGBAAt(0, 0))
	}
	b := barred(edit.Crop(img, 0, 0, 1, 0.5), 0)
	if b.Rect.Dx() != b.Rect.Dy() || b.NRGBAAt(5, 0) != grounds[0] {
		t.Errorf("barred: %v, corner %v", b.Rect, b.NRGBAAt(5, 0))
	}
	if sq := barred(img, 0); sq.Rect.Dx() != 400 || sq.Rect.Dy() != 300 {
		t.Errorf("a square, barred: %v", sq.Rect)
	}
	if large := allSubjects(nil, []string{"a", "b"}, extent{mosaics: [4]int{1, 2, 0, 0}, enlarged: 5, mixed: 3, photos: 1}); len(large) != 3+3+2+1 {
		t.Errorf("%d subjects", len(large))
	}
}
