// Speed measures how long it takes from the bytes of a JPEG to its fingerprint,
// and what the speed costs in fidelity:
//
//	go run ./benchmarks/speed [flags] [FOLDER of photos]
//	go run ./benchmarks/speed -files FOLDER
//	go run ./benchmarks/speed -fidelity [-all] [FOLDER of photos]
//
// It runs in the root of the repository. Pictures are made of the photos in
// testdata/accuracy, in the folder given and in products below
// TOUCHSTONE_DATASETS, if that is set (photos.go, mosaic.go).
//
// # Speed
//
// A line is about the mosaics of one size, written in one way at one rate of
// bits per pixel. On it stand the bits and the quality that led to them; of how
// many files the exact path had to be asked; and the time of
//
//	ours  hash.Hasher.Query, which keeps its buffers
//	A     image/jpeg, then goimagehash.PerceptionHash: 64 bits
//	Ext   image/jpeg, then goimagehash.ExtPerceptionHash(16, 16): 256 bits
//	Read  hash.Read, our own exact path
//
// in one run, in turns, on one core, from files in memory; time is that of the
// processor, where the system counts it finely. A file's time is the
// median of 10 turns for ours and of 10, 5, 3 and 3 of these for the slow
// ways at the four sizes; a line's is the median of its files. A ratio is the
// median of the files' own ratios. Beside each stands the bar that it must reach.
//
// Further figures, each with its bar (further.go, large.go): what a query
// allocates, two workers against one, PNG and WebP against their decoders, and
// the peak of memory for 100 megapixels.
//
// With -files the same table is printed for any folder of JPEGs, by size class
// (that of the table with no more pixels) and kind.
//
// # Fidelity
//
// Bits of 256 between the query path and the exact path for the same file, and
// between a query and a reference of another size: see fidelity.go.
//
// With -check the exit code is 1 if a bar is missed. With -floor it is 1 only if a figure of
// the speed table or those below is farther from its bar than that: 0.5 lets a ratio be
// half of its bar, and a bound be exceeded twice. It notices a loss on any machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := start(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// start is the program, or the child that it starts.
func start(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if path := os.Getenv(peakVariable); path != "" {
		if err := lookAtLarge(ctx, path); err != nil {
			fmt.Fprintln(stderr, "speed:", err)
			return 1
		}
		return 0
	}
	o, ok := parse(args, stderr)
	if !ok {
		return 2
	}
	missed, far, err := o.measure(ctx, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "speed:", err)
		return 1
	}
	if missed > 0 {
		fmt.Fprintf(stdout, "%d bars missed\n", missed)
	}
	if far > 0 {
		fmt.Fprintf(stdout, "%d figures below the floor\n", far)
	}
	return o.exitCode(missed, far)
}

func (o options) exitCode(missed, far int) int {
	if o.check && missed > 0 || far > 0 {
		return 1
	}
	return 0
}

// options are the flags.
type options struct {
	fidelity, all, check bool
	floor                float64
	files, json          string
	folders              []string
}

func parse(args []string, stderr io.Writer) (o options, ok bool) {
	flags := flag.NewFlagSet("speed", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: speed [flags] [FOLDER of photos]")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.files, "files", "", "measure the JPEGs below `FOLDER` as they are, not mosaics")
	flags.BoolVar(&o.fidelity, "fidelity", false, "measure how far queries are from what the exact path says, not speed")
	flags.BoolVar(&o.all, "all", false, "with -fidelity: all photos and more mosaics, ten minutes in place of one")
	flags.BoolVar(&o.check, "check", false, "exit with 1 if a bar is missed")
	flags.Float64Var(&o.floor, "floor", 0, "exit with 1 if a figure of speed is worse than this `SHARE` of its bar")
	flags.StringVar(&o.json, "json", "", "write the results to `FILE` as well")
	if err := flags.Parse(args); err != nil {
		return o, false
	}
	o.folders = flags.Args()
	if !o.consistent() {
		flags.Usage()
		return o, false
	}
	return o, true
}

// consistent reports whether each flag has a meaning beside the others.
func (o options) consistent() bool {
	switch {
	case o.files != "" && (o.fidelity || len(o.folders) > 0), o.all && !o.fidelity, o.floor < 0:
		return false
	case o.floor > 0: // is about the mosaics
		return o.files == "" && !o.fidelity && !o.check
	}
	return true
}

// measure does what is asked for and returns how many bars were missed, and how many of
// them by more than the floor allows.
func (o options) measure(ctx context.Context, w io.Writer) (missed, far int, err error) {
	var results any
	switch {
	case o.files != "":
		results, missed, err = measureFolder(ctx, o.files, w)
	case o.fidelity:
		results, missed, err = measureFidelity(ctx, o, w)
	default:
		var r *speedResults
		r, missed, err = measureSpeed(ctx, o, w)
		if results = r; err == nil && o.floor > 0 {
			far = r.below(o.floor)
		}
	}
	if err != nil || o.json == "" {
		return missed, far, err
	}
	return missed, far, save(o.json, results)
}
