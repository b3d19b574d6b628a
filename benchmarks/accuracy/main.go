// Accuracy measures how many copies of registered photos are recognised, and
// how many photos of other products are wrongly taken for registered ones.
//
//	go run ./benchmarks/accuracy [-every N] FOLDER
//
// The folder holds photos and a manifest.csv with the columns file and
// product_id. Products are split by a checksum of their id: six tenths are
// registered in one bank with the default policy, the rest are strangers.
// Copies of registered photos must be found (recall, per family of edits);
// strangers, as they are and edited, must not match (false alarms). A match
// with another photo of the same product is neither right nor wrong. Products
// named in template-siblings.txt share printed artwork or a studio shot with
// another product and cannot be told from it by pixels; false alarms are given
// with and without them, and the bars hold with them.
//
// The exit code is 1 if a bar is missed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("accuracy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	n := flags.Int("every", 1, "judge copies of every `N`-th photo only")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 || *n < 1 {
		fmt.Fprintln(stderr, "usage: accuracy [-every N] FOLDER")
		return 2
	}
	start := time.Now()
	m, err := measure(ctx, flags.Arg(0), *n)
	if err != nil {
		fmt.Fprintln(stderr, "accuracy:", err)
		return 1
	}
	missed := m.report(stdout)
	fmt.Fprintf(stdout, "%d pictures judged in %.0f s\n", len(m.answers), time.Since(start).Seconds())
	if missed > 0 {
		fmt.Fprintf(stdout, "%d bars missed\n", missed)
		return 1
	}
	fmt.Fprintln(stdout, "all bars held")
	return 0
}
