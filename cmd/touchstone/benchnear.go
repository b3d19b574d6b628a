package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// How long a search takes depends on the data: on how many codes share the
// buckets that it looks at, on families of photos that are near one another, on
// how much has an index yet. Figures of made codes say little about a catalogue
// of one shop's templates. So the same is measured on the owner's store.
//
// The queries are its own references, each searched as a picture would be and
// left out of what it finds. The simplest choice, the first ones, would be the
// photos of one folder; all of them would take hours. The references are taken
// as one row, ordered by bank and id, which is cut into as many equal stretches
// as there are queries, and a random one is taken of each. That reads the records up
// to the last of them, since ids are no numbers that could be drawn.
//
// What is timed is index.Trace: a search up to where it would read the records
// of what it found. Whether it finds all is asked afterwards (--check), so that the
// long scans of the oracle do not empty the caches in between; then records are
// read too, and distances compared.
//
// Deliberately not measured: regions and local features, decoding, and several
// searches at a time.

// nearBench is a run of bench near.
type nearBench struct {
	*app
	names   []string
	queries int
	seed    uint64
	radius  int
	given   bool // radius counts, not the thresholds of the banks
	upright bool
	ready   bool
	check   bool
}

const nearHelp = `Searches the store for N of its own references, spread evenly over the banks in
the order of their ids, and shows how long that takes and what is compared. It
waits first until all indexes are built; with --ready it measures at once, as a
program finds the store that has just been opened.

A reference is searched as a picture is: all its codes in eight orientations,
within the weak threshold of each bank. With --upright only the codes as they are;
--radius replaces the thresholds.

A line for each bank shows the codes in memory (one to three for each reference),
the dead ones among them, the sizes of the indexes (parts), and the codes that
have none yet (tail). Then mean, median, 90th and 99th percentile and maximum of:

  time in us         wall clock of one goroutine, from the codes to the references
                     within the radius; their records are not read
  codes of a query   how many codes were searched for at once
  probes             buckets of indexes that were looked at
  candidates         codes in them, of which most are left out before they are
                     compared
  codes scanned      codes compared one by one; once, however many codes of the
                     query share it
  candidates of n    candidates as a fraction of all codes, for one code of a
                     query. The README has it of made codes ("box"), to be
                     compared at --radius 31 and about as many codes
  found besides      references within the radius, the query itself left out

and by what the queries were answered: by indexes alone, by scans alone, or both.
The tail is always scanned and does not count, unless there is no index at all.

--check then compares what each search finds with what a plain loop over all codes
finds, and prints the recall. If one differs the exit code is 1. It reads the
records of all matches, and the loop takes about 5 ms for each code of the query
and each million codes.

The store is opened for reading: another process may not have it open, and if it
was not closed cleanly "touchstone check" has to be run first. Times mean something
on an idle machine only. With --json the result is one object.`

func (a *app) benchNearCommand() *cobra.Command {
	b := &nearBench{app: a}
	c := &cobra.Command{
		Use:   "near [--bank NAME]... [--queries N] [--seed N] [--upright] [--radius N] [--ready] [--check]",
		Short: "Measure the search by the hashes of whole pictures",
		Long:  nearHelp,
		Example: `  touchstone bench near
  touchstone bench near --bank acme-fakes --radius 31 --check --json`,
		Args: cobra.NoArgs,
	}
	c.Flags().StringArrayVar(&b.names, "bank", nil, "search this bank only, and for its references (repeatable; default all)")
	c.Flags().IntVar(&b.queries, "queries", 200, "references to search for; fewer if there are not as many")
	c.Flags().Uint64Var(&b.seed, "seed", 1, "chooses the references")
	c.Flags().BoolVar(&b.upright, "upright", false, "search the upright codes only")
	c.Flags().IntVar(&b.radius, "radius", 0, "largest distance in bits instead of the weak thresholds of the banks")
	c.Flags().BoolVar(&b.ready, "ready", false, "do not wait for indexes")
	c.Flags().BoolVar(&b.check, "check", false, "compare with an exhaustive search")
	c.RunE = a.verb(func(ctx context.Context, _ []string) error {
		b.given = c.Flags().Changed("radius")
		switch {
		case b.queries < 1:
			return usagef("--queries %d: want at least 1", b.queries)
		case b.radius < 0 || b.radius > hash.PDQ.Bits():
			return usagef("--radius %d: want 0 to %d", b.radius, hash.PDQ.Bits())
		}
		x, err := a.openRead(ctx)
		if err != nil {
			return err
		}
		return a.withOpened(x, func(x *index.Index) error { return b.run(ctx, x) })
	})
	return c
}

func (b *nearBench) run(ctx context.Context, x *index.Index) error {
	banks, err := chooseBanks(ctx, x, b.names)
	if err != nil {
		return err
	}
	if !b.ready {
		if err := x.Settled(ctx); err != nil {
			return err
		}
	}
	queries, err := b.choose(ctx, x, banks)
	if err != nil {
		return err
	}
	return b.report(ctx, x, banks, queries)
}

// report measures and prints. A difference that --check found is printed last.
func (b *nearBench) report(ctx context.Context, x nearSearcher, banks []index.Bank, queries []index.Reference) error {
	result, err := b.measure(ctx, x, banks, queries)
	if err != nil {
		return err
	}
	var difference error
	if b.check {
		if result.Recall, difference, err = b.recall(ctx, x, banks, queries); err != nil {
			return err
		}
	}
	if err := b.printNear(result); err != nil {
		return err
	}
	return difference
}

// choose takes a random reference of each of b.queries stretches of equal length.
// Withdrawn ones are not searched for: they are not found either.
func (b *nearBench) choose(ctx context.Context, x *index.Index, banks []index.Bank) ([]index.Reference, error) {
	total := int64(0)
	for _, k := range banks {
		total += k.Searchable
	}
	if total == 0 {
		return nil, withHint(errors.New("there are no references to search for"), "touchstone register and touchstone import add some")
	}
	wanted := places(total, int64(b.queries), b.seed)
	bar := b.newProgress("choose", "references", total)
	defer bar.finish()
	var queries []index.Reference
	place := int64(0)
	for _, k := range banks {
		for ref, err := range x.References(ctx, k.Name, "") {
			switch {
			case err != nil:
				return nil, err
			case ref.Opinion == index.Withdrawn:
				continue
			case place == wanted[len(queries)]:
				queries = append(queries, ref)
			}
			if len(queries) == len(wanted) {
				return queries, nil
			}
			place++
			bar.step("choose", false)
		}
	}
	return nil, fmt.Errorf("%d references of %d are listed: %w", place, total, index.ErrCorrupt)
}

// places returns n places below total, or all, in ascending order: a random one of
// each of n stretches of equal length.
func places(total, n int64, seed uint64) []int64 {
	n = min(n, total)
	rnd := rand.New(rand.NewPCG(seed, 0))
	all := make([]int64, n)
	for i := range n {
		from, to := stretch(total, i, n), stretch(total, i+1, n)
		all[i] = from + rnd.Int64N(to-from)
	}
	return all
}

// stretch is where the i-th of n stretches begins, without i*total, which may not fit.
func stretch(total, i, n int64) int64 { return total/n*i + total%n*i/n }

// nearSearcher is what is measured: an index, or one that a test made worse.
type nearSearcher interface {
	Trace(context.Context, hash.Fingerprint, index.NearOptions) (index.Trace, error)
	Near(context.Context, hash.Fingerprint, index.NearOptions) ([]index.Match, error)
}

// options are those of the search for a fingerprint. Banks of which it lacks the
// hash are left out: by name that would be an error.
func (b *nearBench) options(banks []index.Bank, f hash.Fingerprint) index.NearOptions {
	o := index.NearOptions{Upright: b.upright}
	for _, k := range banks {
		if f.Has(k.Main) {
			o.Banks = append(o.Banks, k.Name)
		}
	}
	if b.given {
		o.Radius = &b.radius
	}
	return o
}

// measure searches for each query. The first search is done twice: before it no
// buffers are there.
func (b *nearBench) measure(ctx context.Context, x nearSearcher, banks []index.Bank, queries []index.Reference) (nearResult, error) {
	bar := b.newProgress("measure", "queries", int64(len(queries)))
	defer bar.finish()
	if _, err := x.Trace(ctx, queries[0].Fingerprint, b.options(banks, queries[0].Fingerprint)); err != nil {
		return nearResult{}, err
	}
	m := newNearFigures(banks)
	for _, q := range queries {
		o := b.options(banks, q.Fingerprint)
		start := time.Now()
		t, err := x.Trace(ctx, q.Fingerprint, o)
		took := time.Since(start)
		if err != nil {
			return nearResult{}, fmt.Errorf("search for %s: %w", printable(q.Bank+"/"+q.ID), err)
		}
		if m.add(t, took) == 0 {
			return nearResult{}, fmt.Errorf("%s is not found by its own codes: %w", printable(q.Bank+"/"+q.ID), index.ErrCorrupt)
		}
		bar.step("measure", false)
	}
	r := m.result()
	r.Queries, r.Seed, r.Upright, r.Settled = len(queries), b.seed, b.upright, !b.ready
	return r, nil
}

// nearKey is what two searches must agree about.
type nearKey struct {
	bank, id string
	distance int
}

// recall repeats the searches exhaustively and returns the share of these matches
// that was found, and the first difference.
func (b *nearBench) recall(ctx context.Context, x nearSearcher, banks []index.Bank, queries []index.Reference) (_ *float64, difference, err error) {
	bar := b.newProgress("check", "queries", int64(len(queries)))
	defer bar.finish()
	found, all := 0, 0
	for _, q := range queries {
		o := b.options(banks, q.Fingerprint)
		o.Limit = -1
		got, err := matchesOf(ctx, x, q, o)
		if err != nil {
			return nil, nil, err
		}
		o.Exhaustive = true
		want, err := matchesOf(ctx, x, q, o)
		if err != nil {
			return nil, nil, err
		}
		missed, wrong := without(want, got), without(got, want)
		all, found = all+len(want), found+len(want)-len(missed)
		if d := differs(missed, wrong); d != "" && difference == nil {
			difference = fmt.Errorf("the search for %s %s", printable(q.Bank+"/"+q.ID), d)
		}
		bar.step("check", difference != nil)
	}
	r := float64(found) / float64(max(all, 1))
	return &r, difference, nil
}

func matchesOf(ctx context.Context, x nearSearcher, q index.Reference, o index.NearOptions) (keys []nearKey, err error) {
	ms, err := x.Near(ctx, q.Fingerprint, o)
	if err != nil {
		return nil, fmt.Errorf("search for %s: %w", printable(q.Bank+"/"+q.ID), err)
	}
	for _, m := range ms {
		keys = append(keys, nearKey{m.Bank, m.ID, m.Distance.Of(m.Main)})
	}
	return keys, nil
}

// without returns those of a that b lacks.
func without(a, b []nearKey) []nearKey {
	has := make(map[nearKey]bool, len(b))
	for _, k := range b {
		has[k] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(k nearKey) bool { return has[k] })
}

// differs says what is wrong with a search, "" if nothing is.
func differs(missed, wrong []nearKey) string {
	say := func(what string, k nearKey) string {
		return fmt.Sprintf("%s %s at distance %d", what, printable(k.bank+"/"+k.id), k.distance)
	}
	switch {
	case len(missed) > 0:
		return say("misses", missed[0])
	case len(wrong) > 0:
		return say("should not find", wrong[0])
	}
	return ""
}
