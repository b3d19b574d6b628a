package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// fidelityResults is what a run found.
type fidelityResults struct {
	run
	Photos int           `json:"photos"` // how many there are to choose from
	Rows   []fidelityRow `json:"rows"`
	Mixed  []fidelityRow `json:"mixed_sizes"`
	Bars   []bar         `json:"bars"`
}

// measureFidelity prints how far queries are from what the exact path says.
func measureFidelity(ctx context.Context, o options, w io.Writer) (r *fidelityResults, missed int, err error) {
	began := time.Now()
	dirs, paths, photos, err := material(o.folders)
	if err != nil {
		return nil, 0, err
	}
	e := sampleExtent
	if o.all {
		e = wholeExtent
	}
	pairs, mixed, err := witnessed(ctx, allSubjects(photos, paths, e))
	if err != nil {
		return nil, 0, err
	}
	r = &fidelityResults{Photos: len(paths), Rows: byClass(pairs), Mixed: byClass(mixed), Bars: compareFidelity(pairs, mixed)}
	r.run = newRun(dirs, began)
	return r, r.print(w), nil
}

// print writes the tables and returns how many bars were missed.
func (r *fidelityResults) print(w io.Writer) (missed int) {
	fmt.Fprintf(w, "%d photos in %s\n", r.Photos, r.from())
	fmt.Fprintln(w, "bits of 256 between the query path and the exact path; mean to max: full frame, of the files that were decoded at a fraction of their size")
	printRows(w, r.Rows)
	fmt.Fprintf(w, "\nbits between a smaller query and a reference of %d pixels, the nearest of all frames; if exact: the mean if the query were read exactly\n", mixedSide)
	printMixed(w, r.Mixed)
	fmt.Fprintln(w)
	return printBars(w, r.Bars)
}

func printRows(w io.Writer, rows []fidelityRow) {
	t := table(w)
	fmt.Fprintf(t, "class\tfiles\tscaled\tmean\tp95\tp99\tmax\ttrimmed\t>%d\tother trim\tother use\tquality\t  farthest\n", maxTrimmed)
	for _, r := range rows {
		r.printBits(t)
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%s\n", r.Trimmed, r.Far, r.OtherTrim, r.OtherUse, r.Quality, r.farthest())
	}
	t.Flush()
}

func printMixed(w io.Writer, rows []fidelityRow) {
	t := table(w)
	fmt.Fprintln(t, "class\tfiles\tscaled\tmean\tp95\tp99\tmax\tif exact\tother use\t  farthest")
	for _, r := range rows {
		r.printBits(t)
		fmt.Fprintf(t, "%.2f\t%d\t%s\n", r.Exact, r.OtherUse, r.farthest())
	}
	t.Flush()
}

func (r fidelityRow) printBits(w io.Writer) {
	fmt.Fprintf(w, "%s\t%d\t%.0f%%\t%.2f\t%d\t%d\t%d\t", r.Class, r.Files, 100*float64(r.Scaled)/float64(r.Files), r.Mean, r.P95, r.P99, r.Max)
}

func (r fidelityRow) farthest() string {
	if len(r.Worst) == 0 {
		return ""
	}
	return fmt.Sprintf("  %s: %d", r.Worst[0].Name, r.Worst[0].Bits)
}
