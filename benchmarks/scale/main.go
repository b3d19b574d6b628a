// Scale shows how the index bears a large bank:
//
//	go run ./benchmarks/scale [-check] [-json FILE] [-n 1000000] [-dir DIR]
//	go run ./benchmarks/scale -start -n 5000000 [-check] [-json FILE] [-dir DIR]
//
// It adds n seeded references with two codes each, opens the store again, and
// searches it; with -start it leaves out searches (near). The store is made in a
// directory of its own in DIR, and removed. Each part is a process of its own, so
// that the memory and the processor time which the kernel counts (Linux only;
// elsewhere it prints n/a) are those of the part. It is all by exported names: what
// is printed is what a user would see.
//
//   - add: references a second, 1,000 a call; how long after the last call the
//     indexes are behind what was added; and the peak of memory until then, all
//     that is resident, and (looked at every 20 ms) what of it is anonymous
//   - close: how long, with the file of what is in memory that the next start
//     takes (SEARCH in the directory of the store), and its size
//   - open, from rows (without that file) and with it: until Open returns, which is
//     when exact answers are given; a first search; and until the indexes are
//     there, counted from the start of Open. The pages of the files are in the
//     cache. Then, after one garbage collection, the anonymous memory less that of
//     an empty store, per reference; in it may be some ten megabytes of a
//     compaction that Badger does after a long filling. The resident size is
//     printed beside it: it also counts pages of files, which the kernel may take
//     back.
//   - near: an upright code, and the 16 or 24 that a picture of two or three
//     frames is searched by, within 31 bits and within the 46 of a bank's policy;
//     beside each the same search without indexes (NearOptions.Exhaustive), which
//     must give the same answers; and for one code a bare loop over as many codes.
//     Medians, taken in turns, so that whatever else the machine does hits all.
//   - insert: one reference by Add, and at once a search that must find it, next
//     to one for a reference that has been there for long: the difference is how
//     late the new one was seen.
//
// What is opened is opened twice; the shorter time and the larger memory are
// printed, because other programs only ever make times longer.
//
// Bars are at the head of bars.go. That for memory was 120 bytes a reference when
// codes were scanned. Now they are indexed, and it is 290: 135 for each of the two
// codes, and 20 for what is kept of the reference itself.
//
// With -check the exit code is 1 if a bar is missed.
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
	"strconv"
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
	dir := flag.String("dir", "", "`directory` to make the stores in; that for temporary files by default")
	start := flag.Bool("start", false, "leave out searches; the bars are for 5 million references")
	check := flag.Bool("check", false, "fail if a bar is missed")
	file := flag.String("json", "", "`file` for the figures")
	flag.Parse()
	t := table{w: os.Stdout}
	err := measure(ctx, *dir, *n, barsFor(*start), &t)
	if err == nil && *file != "" {
		err = t.save(*file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
	if t.missed == 0 {
		fmt.Println("all bars held")
		return
	}
	fmt.Printf("%d bars missed\n", t.missed)
	if *check {
		os.Exit(1)
	}
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
	do, ok := map[string]func(context.Context, string, int) (result, error){
		"add": add, "open": open, "near": near, "insert": insert,
	}[part]
	if !ok {
		return fmt.Errorf("no part %q", part)
	}
	r, err := do(ctx, args[0], n)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(r)
}
