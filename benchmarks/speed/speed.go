package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// size is a column of the table of bars.
type size struct {
	name string
	w, h int
	slow int // in how many turns the slow ways take part
}

// sizes are ascending.
var sizes = []size{
	{"500x500", 500, 500, 10},
	{"1000x1000", 1000, 1000, 5},
	{"2000x2000", 2000, 2000, 3},
	{"12 MP", 4032, 3024, 3},
}

// speedBars is how many times faster than each chain our own way must be, by
// size, for baseline and progressive files.
var speedBars = [chains]struct{ baseline, progressive [4]float64 }{
	rival:    {[4]float64{14, 16, 20, 14}, [4]float64{30, 45, 45, 45}},
	rivalExt: {[4]float64{40, 25, 28, 16}, [4]float64{60, 80, 80, 80}},
	exact:    {[4]float64{10, 14, 18, 14}, [4]float64{30, 40, 40, 40}},
}

const progressiveKind = "progressive"

// barOf is what a line must reach against a chain; 0 if its pictures are smaller
// than all that there are bars for.
func barOf(chain, size int, kind string) float64 {
	switch {
	case size < 0:
		return 0
	case kind == progressiveKind:
		return speedBars[chain].progressive[size]
	}
	return speedBars[chain].baseline[size]
}

// sizeClass is the largest size of the table that has no more pixels; -1 if
// there is none.
func sizeClass(w, h int) int {
	class := -1
	for i, s := range sizes {
		if w*h >= s.w*s.h {
			class = i
		}
	}
	return class
}

// versus is a line against one chain. Times are medians over the files of
// medians over the turns, in milliseconds.
type versus struct {
	Milliseconds float64 `json:"ms"`
	Ratio        float64 `json:"ratio"` // median of the files' ratios
	Whole        float64 `json:"whole"` // ratio of the sums over all files
	Bar          float64 `json:"bar,omitempty"`
}

func (v versus) held() bool { return v.Ratio >= v.Bar }

// MarshalJSON rounds, which held must not.
func (v versus) MarshalJSON() ([]byte, error) {
	type plain versus
	p := plain(v)
	p.Milliseconds, p.Ratio, p.Whole = rounded(v.Milliseconds), rounded(v.Ratio), rounded(v.Whole)
	return json.Marshal(p)
}

// line is what was found about a group.
type line struct {
	Size      string     `json:"size"`
	Kind      string     `json:"kind"`
	Rate      string     `json:"rate,omitempty"`
	Files     int        `json:"files"`
	Of        int        `json:"of"`           // files to choose from
	Exact     int        `json:"read_exactly"` // of the files
	Bits      [2]float64 `json:"bits_per_pixel"`
	Quality   [2]int     `json:"quality"`
	SlowTurns int        `json:"slow_turns"`
	Ours      float64    `json:"ours_ms"`
	A         versus     `json:"a"`
	Ext       versus     `json:"ext"`
	Read      versus     `json:"read"`
}

func (l line) all() []versus { return []versus{l.A, l.Ext, l.Read} }

func (l line) missed() (n int) {
	for _, v := range l.all() {
		if !v.held() {
			n++
		}
	}
	return n
}

// lineOf measures a group.
func (s *stopwatch) lineOf(ctx context.Context, g group, slow int) (line, error) {
	medians, exactly, err := s.measure(ctx, g.files, slow)
	if err != nil {
		return line{}, err
	}
	l := line{Size: className(g.size), Kind: g.kind, Rate: g.rate, Files: len(g.files), Of: g.of, SlowTurns: slow}
	for i, f := range g.files {
		b, q := rounded(f.bitsPerPixel()), f.quality
		if i == 0 {
			l.Bits, l.Quality = [2]float64{b, b}, [2]int{q, q}
		}
		l.Bits = [2]float64{min(l.Bits[0], b), max(l.Bits[1], b)}
		l.Quality = [2]int{min(l.Quality[0], q), max(l.Quality[1], q)}
		if exactly[i] {
			l.Exact++
		}
	}
	l.Ours = rounded(against(medians, ours).Milliseconds)
	l.A, l.Ext, l.Read = against(medians, rival), against(medians, rivalExt), against(medians, exact)
	l.A.Bar, l.Ext.Bar, l.Read.Bar = barOf(rival, g.size, g.kind), barOf(rivalExt, g.size, g.kind), barOf(exact, g.size, g.kind)
	return l, nil
}

func className(size int) string {
	if size < 0 {
		return "smaller"
	}
	return sizes[size].name
}

// against puts the files of a line together.
func against(files []times, chain int) versus {
	var ms, ratios []float64
	var sum, sumOurs time.Duration
	for _, t := range files {
		ms = append(ms, t[chain].Seconds()*1e3)
		ratios = append(ratios, t.ratio(chain))
		sum, sumOurs = sum+t[chain], sumOurs+t[ours]
	}
	return versus{Milliseconds: median(ms), Ratio: median(ratios), Whole: sum.Seconds() / sumOurs.Seconds()}
}

// speedResults is what a run found.
type speedResults struct {
	run
	Lines   []line `json:"lines"`
	Further []bar  `json:"further"`
}

// measureSpeed prints the table and the further figures.
func measureSpeed(ctx context.Context, o options, w io.Writer) (r *speedResults, missed int, err error) {
	began := time.Now()
	dirs, paths, photos, err := material(o.folders)
	if err != nil {
		return nil, 0, err
	}
	r = &speedResults{}
	fmt.Fprintf(w, "mosaics of %d of %d photos in %s\n", len(photos), len(paths), newRun(dirs, began).from())
	printHead(w)
	for i := range sizes {
		groups, err := inputsOf(photos, i)
		if err != nil {
			return nil, 0, err
		}
		if err := r.size(ctx, groups, w); err != nil {
			return nil, 0, err
		}
	}
	more, err := peaks(ctx, photos)
	if err != nil {
		return nil, 0, err
	}
	plain := mosaic(photos, furtherSide, furtherSide, 0)
	daylight.add(plain, 0)
	beside, err := formats(ctx, plain)
	if err != nil {
		return nil, 0, err
	}
	r.Further = append(append(r.Further, more...), beside...)
	for _, l := range r.Lines {
		missed += l.missed()
	}
	fmt.Fprintln(w)
	missed += printBars(w, r.Further)
	r.run = newRun(dirs, began)
	return r, missed, nil
}

// below counts the figures that are worse than a share of their bars.
func (r *speedResults) below(share float64) (n int) {
	for _, l := range r.Lines {
		for _, v := range l.all() {
			if v.Ratio < share*v.Bar {
				n++
			}
		}
	}
	for _, b := range r.Further {
		if b.Of > 0 && (b.Least && b.Value < share*b.Bar || !b.Least && b.Value*share > b.Bar) {
			n++
		}
	}
	return n
}

// furtherSide is the size of what the further figures are about.
const furtherSide = 1000

// size measures the lines of a size.
func (r *speedResults) size(ctx context.Context, groups []group, w io.Writer) error {
	var s stopwatch
	var all []input
	for _, g := range groups {
		l, err := s.lineOf(ctx, g, slowTurns(g.size))
		if err != nil {
			return err
		}
		l.print(w)
		r.Lines = append(r.Lines, l)
		all = append(all, g.files...)
	}
	if sizes[groups[0].size].w != furtherSide {
		return nil
	}
	memory, err := allocations(ctx, all)
	if err != nil {
		return err
	}
	gain, err := workers(ctx, all)
	r.Further = append(append(r.Further, memory...), gain...)
	return err
}

const columns = "%-9s  %-11s  %-9s  %-9s  %7s %5s  %8s  %8s %-18s  %8s %-18s  %8s %-18s"

// printHead writes the head of the table, print a line of it.
func printHead(w io.Writer) {
	var slow []string
	for _, s := range sizes {
		slow = append(slow, fmt.Sprintf("%d at %s", s.slow, s.name))
	}
	last := len(slow) - 1
	fmt.Fprintf(w, "one core; median of %d turns for ours, of %s and %s for the others; A, Ext and Read: see go doc ./benchmarks/speed\n",
		turns, strings.Join(slow[:last], ", "), slow[last])
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf(columns, "size", "kind", "bits/px", "quality", "files", "exact", "ours ms", "A ms", " ratio", "Ext ms", " ratio", "Read ms", " ratio"), " "))
}

func (l line) print(w io.Writer) {
	bits := fmt.Sprintf("%.2f", l.Bits[0])
	if l.Bits[0] != l.Bits[1] {
		bits = fmt.Sprintf("%.2f-%.2f", l.Bits[0], l.Bits[1])
	}
	quality := "-"
	if l.Quality[1] > 0 {
		quality = fmt.Sprintf("%d-%d", l.Quality[0], l.Quality[1])
	}
	files := fmt.Sprint(l.Files)
	if l.Files < l.Of {
		files += fmt.Sprintf("/%d", l.Of)
	}
	cells := []any{l.Size, l.Kind, bits, quality, files, fmt.Sprint(l.Exact), milliseconds(l.Ours)}
	for _, v := range l.all() {
		cells = append(cells, milliseconds(v.Milliseconds), v.verdict())
	}
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf(columns, cells...), " "))
}

func milliseconds(v float64) string { return fmt.Sprintf("%.3g", v) }

// verdict is the ratio beside its bar.
func (v versus) verdict() string {
	switch {
	case v.Bar == 0:
		return fmt.Sprintf("%5.1f", v.Ratio)
	case v.held():
		return fmt.Sprintf("%5.1f >= %2.0f ok", v.Ratio, v.Bar)
	}
	return fmt.Sprintf("%5.1f >= %2.0f MISSED", v.Ratio, v.Bar)
}
