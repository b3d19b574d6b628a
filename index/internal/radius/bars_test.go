//go:build linux

package radius_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/codes"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// The bars of the search: what it must reach, measured. It is a test because
// nothing outside of package index may import this one; make bench-near runs it.
//
// A benchmark of absolute times says little on another machine, and little on
// the same one an hour later. So what counts is a ratio to a plain loop over the
// same codes, measured turn by turn with it (contest), in processor time of one
// thread. The same loop is the oracle: a line is only worth something if its
// search has found all that the loop finds, so recall stands beside it.
//
// The codes are drawn by benchmarks/codes, which says what is known about real
// ones and how the drawn ones differ; with real photos at hand the last lines
// compare the two.
//
// With a bar on it, and not a ratio: memory, as the system counts it, in a
// process that does nothing else (bars_memory_test.go); single look-ups while
// there are writes (bars_writes_test.go); memory after many changes
// (bars_churn_test.go). Nothing here touches a disk.

var (
	runBars  = flag.Bool("bars", false, "measure the search against its bars")
	barCodes = flag.Int("bars.n", 1_000_000, "number of codes")
	checking = flag.Bool("bars.check", false, "a bar or a recall that is missed is a failure")
	barFloor = flag.Float64("bars.floor", 1, "the part of each bar that is asked for")
	jsonFile = flag.String("bars.json", "", "file for the results")
	only     = flag.String("bars.only", "", "regular expression of the sections to run")
	churning = flag.Duration("bars.churn", 0, "do nothing but add and remove for so long, with a line every 30 s")
	photoDir = flag.String("bars.photos", "", "folder of photos with a manifest.csv; products in TOUCHSTONE_DATASETS if empty")
	child    = flag.Int("bars.child", -1, "internal: measure the memory of a set with so many tables, and print it")
)

// seeds of the stored codes and of the queries, and the number of queries, the
// five centres of hot clusters among them.
const (
	storedSeed = 1
	querySeed  = 2
	queryCount = 1000 + codes.Clusters
)

// bench is one run.
type bench struct {
	t     *testing.T
	n     int
	start time.Time
	table *table
}

func TestBars(t *testing.T) {
	if !*runBars {
		t.Skip("run by make bench-near")
	}
	if *child >= 0 {
		measureMemory(*barCodes, *child)
		return
	}
	b := &bench{t: t, n: *barCodes, start: time.Now()}
	b.table = newTable(os.Stdout, b.n, b.start)
	b.table.head()
	if *churning > 0 {
		b.churnFor(*churning)
	} else {
		b.sections()
	}
	b.end()
}

func (b *bench) sections() {
	wanted := regexp.MustCompile(*only)
	for _, s := range []struct {
		name string
		run  func()
	}{
		{"uniform", b.uniform},
		{"box", b.box},
		{"white", b.white},
		{"stress", b.stress},
		{"hostile", b.hostile},
		{"copies", b.copies},
		{"memory", b.memory},
		{"photos", b.photos},
	} {
		if wanted.MatchString(s.name) {
			s.run()
			runtime.GC()
		}
	}
}

func (b *bench) end() {
	b.table.run.Seconds = rounded(time.Since(b.start).Seconds())
	missed := b.table.missed()
	fmt.Printf("\n%d of %d lines missed; %.0f s\n", missed, len(b.table.lines), b.table.run.Seconds)
	if *jsonFile != "" {
		if err := b.table.save(*jsonFile); err != nil {
			b.t.Error(err)
		}
	}
	if *checking && missed > 0 {
		b.t.Errorf("%d bars or recalls are missed", missed)
	}
}

// say tells on standard error what goes on.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, args...))
}

// photoFolder is where the real photos are; "" if nobody has said so.
func photoFolder() string {
	if *photoDir != "" {
		return *photoDir
	}
	if root := os.Getenv("TOUCHSTONE_DATASETS"); root != "" {
		return filepath.Join(root, "products")
	}
	return ""
}

// draw draws the codes of a kind and queries for them, and builds the set.
func (b *bench) draw(kind codes.Kind) (*radius.View, corpus, [][]hash.Code) {
	b.say("%s: drawing and building", kind)
	c := corpus{codes: codes.Make(kind, b.n, storedSeed)}
	var queries []hash.Code
	for _, q := range codes.Queries(kind, c.codes, queryCount, querySeed) {
		queries = append(queries, q.Code)
	}
	v, _, _ := build(c, radius.Options{})
	b.say("%s: measuring", kind)
	return v, c, singles(queries)
}

// build makes a set of all codes and all indexes that are due, and says how long
// both took.
func build(c corpus, o radius.Options) (v *radius.View, adding, indexing time.Duration) {
	start := time.Now()
	e := radius.New(o).Edit()
	for i, code := range c.codes {
		e.Add(c.tag(i), code)
	}
	v = e.View()
	adding = time.Since(start)
	for j := v.Due(); j != nil; j = v.Due() {
		if err := j.Run(context.Background()); err != nil {
			panic(err) // nothing ends the context
		}
		e := v.Edit()
		if !e.Install(j) {
			panic("a job does not fit, and nothing was changed")
		}
		v = e.View()
	}
	return v, adding, time.Since(start) - adding
}
