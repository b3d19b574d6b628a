// Scale shows how the index bears a large bank:
//
//	go run ./benchmarks/scale [-n 1000000] [-dir DIR]
//
// It adds n seeded references with two codes each, opens the store again, and
// searches it. Memory is that of a process of its own for each part, as the
// kernel counts it (Linux only: /proc/self/status); elsewhere it prints n/a.
//
//   - add: references a second, 1,000 a call, and the peak of resident memory
//   - open: until the store answers, with the pages of its files in the cache;
//     then, after one garbage collection, the anonymous memory less that of an
//     empty store, per reference. The resident size is printed beside it: it
//     also counts pages of files, which the kernel may take back.
//   - near: one upright query code against all, and a bare loop over as many
//     codes, in turns; the medians and their ratio
//
// The exit code is 1 if one of the bars below is missed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Bars, for a million references on two cores.
const (
	minAddRate      = 20_000   // references a second
	maxAddPeak      = 1.5 * gb // bytes
	maxOpenSeconds  = 1.5
	maxPerReference = 120 // bytes
	maxNearRatio    = 1.3

	gb = 1 << 30
	mb = 1 << 20
)

func main() {
	ctx := context.Background()
	if part := os.Getenv(partVariable); part != "" {
		if err := runPart(ctx, part, os.Args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "scale:", err)
			os.Exit(1)
		}
		return
	}
	n := flag.Int("n", 1_000_000, "`references` to add")
	dir := flag.String("dir", "", "empty `directory` for the stores; a temporary one by default")
	flag.Parse()
	missed, err := measure(ctx, *dir, *n, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
	if missed > 0 {
		fmt.Printf("%d bars missed\n", missed)
		os.Exit(1)
	}
	fmt.Println("all bars held")
}

// measure runs all parts and prints a line for each figure.
func measure(ctx context.Context, dir string, n int, w io.Writer) (missed int, err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "touchstone-scale-"); err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
	}
	full, empty := filepath.Join(dir, "full"), filepath.Join(dir, "empty")
	t := table{w: w}
	add, err := child(ctx, "add", full, n)
	if err != nil {
		return 0, err
	}
	t.figure("add", add.Rate, "references/s", add.Rate >= minAddRate, ">= 20000")
	t.memory("add, peak resident", add.Peak, mb, "MB", add.Peak <= maxAddPeak, "<= 1536")

	if _, err := child(ctx, "add", empty, 0); err != nil {
		return 0, err
	}
	bare, err := child(ctx, "open", empty, 0)
	if err != nil {
		return 0, err
	}
	loaded, err := child(ctx, "open", full, n)
	if err != nil {
		return 0, err
	}
	t.figure("open", loaded.Seconds, "s", loaded.Seconds <= maxOpenSeconds, "<= 1.5")
	per := (loaded.Anonymous - bare.Anonymous) / float64(n)
	t.memory("anonymous, per reference", per, 1, "bytes", per <= maxPerReference, "<= 120")
	t.memory("anonymous, empty store", bare.Anonymous, mb, "MB", true, "")
	t.memory("resident, full store", loaded.Resident, mb, "MB", true, "")

	near, err := child(ctx, "near", full, n)
	if err != nil {
		return 0, err
	}
	t.figure("near, one code", near.Near*1e3, "ms", true, "")
	t.figure("bare loop", near.Bare*1e3, "ms", true, "")
	ratio := near.Near / near.Bare
	t.figure("near / bare loop", ratio, "", ratio <= maxNearRatio, "<= 1.3")
	return t.missed, nil
}

// table prints figures and counts missed bars.
type table struct {
	w      io.Writer
	missed int
}

func (t *table) figure(name string, v float64, unit string, held bool, bar string) {
	digits := 2
	if v >= 1000 {
		digits = 0
	}
	t.line(name, strconv.FormatFloat(v, 'f', digits, 64), unit, held, bar)
}

// memory is a figure that only some systems can tell.
func (t *table) memory(name string, v, scale float64, unit string, held bool, bar string) {
	if !memoryKnown {
		t.line(name, "n/a", unit, true, bar)
		return
	}
	t.figure(name, v/scale, unit, held, bar)
}

func (t *table) line(name, v, unit string, held bool, bar string) {
	verdict := ""
	if bar != "" {
		verdict = "held"
		if !held {
			verdict = "MISSED"
			t.missed++
		}
	}
	fmt.Fprintf(t.w, "%-26s %10s %-13s %-9s %s\n", name, v, unit, bar, verdict)
}

const partVariable = "TOUCHSTONE_SCALE_PART"

// child runs a part in a process of its own and reads what it found.
func child(ctx context.Context, part, dir string, n int) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, self, dir, strconv.Itoa(n))
	cmd.Env = append(os.Environ(), partVariable+"="+part)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", part, err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return result{}, fmt.Errorf("%s: %w", part, err)
	}
	return r, nil
}

// runPart is what a child does.
func runPart(ctx context.Context, part string, args []string, w io.Writer) error {
	if len(args) != 2 {
		return errors.New("want a directory and a number")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	do, ok := map[string]func(context.Context, string, int) (result, error){"add": add, "open": open, "near": near}[part]
	if !ok {
		return fmt.Errorf("no part %q", part)
	}
	r, err := do(ctx, args[0], n)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(r)
}
