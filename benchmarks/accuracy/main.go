// Accuracy measures how many copies of registered photos are recognised, how
// many photos of other products are wrongly taken for registered ones, and what
// a judgement costs:
//
//	go run ./benchmarks/accuracy [flags] FOLDER
//
// The folder holds photos and a manifest.csv with the columns file, product_id
// and background (white, plain or natural), and perhaps template-siblings.txt,
// one product_id a line. The protocol, step by step, is told in protocol.go;
// which copies are made, in package attack.
//
// Printed for each set of attacks is a table with a row for each family of
// edits: recall (the share of copies that match their own original) of both
// modes of judging, and of three rivals at their usual thresholds on the same
// pictures (goimagehash's perception and difference hashes at 10 of 64 bits,
// PDQ at 31 of 256), and beside it how many photos of other products, edited in
// that way, are wrongly accused. Further tables give false alarms by
// background, ranking, places and costs. Intervals are 95 % Wilson intervals.
//
// Bars stand beside the figures (bars.go). A bar is missed if the whole
// interval is on the wrong side of it; a value on the wrong side whose interval
// reaches the bar is marked as under it (or over it). The bars bind the
// published set of attacks. With -check the exit code is 1 if a bar that must
// hold is missed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	protocol
	check   bool
	verbose bool
	json    string
	draw    string
	sweep   bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, ok := parse(args, stderr)
	if !ok {
		return 2
	}
	if err := o.writable(); err != nil {
		fmt.Fprintln(stderr, "accuracy:", err)
		return 1
	}
	if o.draw != "" || o.sweep {
		if err := o.apart(ctx, stdout, newProgress(stderr)); err != nil {
			fmt.Fprintln(stderr, "accuracy:", err)
			return 1
		}
		return 0
	}
	start := time.Now()
	m, err := measure(ctx, o.protocol, newProgress(stderr))
	if err != nil {
		fmt.Fprintln(stderr, "accuracy:", err)
		return 1
	}
	r := m.results()
	r.Seconds = rounded(time.Since(start).Seconds())
	missed := r.print(stdout, o.verbose)
	if o.json != "" {
		if err := r.save(o.json); err != nil {
			fmt.Fprintln(stderr, "accuracy:", err)
			return 1
		}
	}
	if o.check && missed > 0 {
		return 1
	}
	return 0
}

// apart does what is asked for instead of measuring.
func (o options) apart(ctx context.Context, w io.Writer, bar *progress) error {
	if o.draw != "" {
		return drawExamples(ctx, o.protocol, o.draw, w, bar)
	}
	return printThresholds(ctx, o.protocol, w, bar)
}

// writable finds out before the work whether its results can be written.
func (o options) writable() error {
	if o.json == "" {
		return nil
	}
	f, err := os.OpenFile(o.json, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

func parse(args []string, stderr io.Writer) (o options, ok bool) {
	flags := flag.NewFlagSet("accuracy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: accuracy [flags] FOLDER")
		flags.PrintDefaults()
	}
	set := flags.String("set", "both", "`set` of attacks: published, second or both")
	flags.IntVar(&o.positives, "positives", 0, "registered photos that are copied; 0 means an eighth of them, at most 40")
	flags.IntVar(&o.negatives, "negatives", 11, "edited copies of each photo that is not registered, beside the photo itself")
	flags.IntVar(&o.every, "every", 1, "ask with every `N`-th photo that is not registered only")
	flags.IntVar(&o.fill, "fill", 3, "before queries are timed, fill the bank up with crops and mosaics of its photos to `N` times as many references")
	flags.BoolVar(&o.check, "check", false, "exit with 1 if a bar that must hold is missed")
	flags.BoolVar(&o.verbose, "v", false, "print a row for each attack, and what was missed")
	flags.StringVar(&o.json, "json", "", "write the results to `FILE` as well")
	flags.StringVar(&o.draw, "draw", "", "instead of all that, draw the examples of ACCURACY.md, which are of the small set, into `FOLDER`")
	flags.BoolVar(&o.sweep, "thresholds", false, "instead of all that, print the rate of false alarms of strangers that each threshold implies")
	if err := flags.Parse(args); err != nil {
		return o, false
	}
	if flags.NArg() != 1 || o.every < 1 || o.fill < 1 || o.positives < 0 || o.negatives < 0 {
		flags.Usage()
		return o, false
	}
	o.dir = flags.Arg(0)
	o.sets = []attack.Set{attack.Published, attack.Second}
	if *set != "both" {
		s, err := attack.ParseSet(*set)
		if err != nil {
			fmt.Fprintln(stderr, "accuracy:", err)
			return o, false
		}
		o.sets = []attack.Set{s}
	}
	return o, true
}
