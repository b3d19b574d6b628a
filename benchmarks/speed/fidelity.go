package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/touchstone-go/touchstone/hash"
)

// Fidelity: how far the fingerprint of the query path lies from that of the
// exact path, for the same file. A reference is read exactly and a query is
// not, so every bit between the two is missing from what an edited copy may
// differ by. Looked at beside the codes of both frames: whether a border is
// found or not found by both, whether both call the picture usable, and their
// qualities.
//
// A picture that the query path leaves to the exact one agrees with it, which
// is worth nothing. So the mean is taken over those that were decoded at a
// fraction of their size, and how many were not stands beside it.

// pair is one file seen in both ways, or one file as a query and another as the
// reference that it must find.
type pair struct {
	class, name   string
	width, height int  // of the upright query
	scaled        bool // the query was decoded at a fraction of its size
	full          int  // bits between the full frames, or of a search if the sizes differ; -1: not both are usable
	trimmed       int  // bits between the trimmed frames; -1: not both have one
	sameTrim      bool // a border was found in both or in neither
	sameUsable    bool // both are usable, or both are not for the same reason
	quality       int  // difference of the qualities
	// exact is what full would be if the query were read exactly.
	exact int
}

// subjects makes files and has them looked at; each is run by one goroutine.
type subjects func(ctx context.Context, w *witness) error

// witness looks at files. Each goroutine has one.
type witness struct {
	h            hash.Hasher
	pairs, mixed []pair
}

// reading is what one path says of a file.
type reading struct {
	f      hash.Fingerprint
	info   hash.Info
	reason hash.Reason
}

func readingOf(f hash.Fingerprint, info hash.Info, err error) (reading, error) {
	reason, unusable := hash.IsUnusable(err)
	if err != nil && !unusable {
		return reading{}, err
	}
	return reading{f, info, reason}, nil
}

func exactly(ctx context.Context, file []byte) (reading, error) {
	return readingOf(hash.Read(ctx, bytes.NewBuffer(file), limits))
}

// readExactly says whether the exact path made a fingerprint of a query: only it
// leaves what goimagehash's hashes are made of.
func readExactly(f hash.Fingerprint, info hash.Info) bool {
	return info.Complete(f).Has(hash.Perception)
}

// look compares both ways of one file.
func (w *witness) look(ctx context.Context, class, name string, file []byte) error {
	exact, err := exactly(ctx, file)
	if err != nil {
		return fmt.Errorf("%s, exactly: %w", name, err)
	}
	query, err := w.query(ctx, name, file)
	if err != nil {
		return err
	}
	w.pairs = append(w.pairs, compare(class, name, query, exact))
	return nil
}

// find compares a file as a query with a reference that shows the same, as a
// search does: the nearest of all frames counts.
func (w *witness) find(ctx context.Context, class, name string, file []byte, reference reading) error {
	query, err := w.query(ctx, name, file)
	if err != nil {
		return err
	}
	exact, err := exactly(ctx, file)
	if err != nil {
		return fmt.Errorf("%s, exactly: %w", name, err)
	}
	p := compare(class, name, query, reference)
	p.full, p.exact = nearest(query.f, reference.f), nearest(exact.f, reference.f)
	p.trimmed = -1 // the nearest of all frames is full
	w.mixed = append(w.mixed, p)
	return nil
}

func (w *witness) query(ctx context.Context, name string, file []byte) (reading, error) {
	q, err := readingOf(w.h.Query(ctx, file, limits))
	if err == nil && q.reason == "" && !q.f.Fast() {
		err = errors.New("the fingerprint does not say that it is a query's")
	}
	if err != nil {
		return reading{}, fmt.Errorf("%s, as a query: %w", name, err)
	}
	return q, nil
}

func compare(class, name string, query, reference reading) pair {
	_, a := query.f.Code(hash.Trimmed)
	_, b := reference.f.Code(hash.Trimmed)
	return pair{
		class: class, name: name, width: query.info.Width, height: query.info.Height,
		scaled:     query.reason == "" && !readExactly(query.f, query.info),
		full:       between(query.f, reference.f, hash.Full),
		trimmed:    between(query.f, reference.f, hash.Trimmed),
		sameTrim:   a == b,
		sameUsable: query.reason == reference.reason,
		quality:    query.f.Quality() - reference.f.Quality(),
	}
}

// nearest is the distance by which a search knows a query; -1 if one of the two
// is unusable.
func nearest(query, reference hash.Fingerprint) int {
	d, err := hash.Compare(query, reference)
	if err != nil {
		return -1
	}
	return d.PDQ
}

// between is the distance between the same frame of two fingerprints, -1 if one
// of them lacks it.
func between(a, b hash.Fingerprint, fr hash.Frame) int {
	x, inA := a.Code(fr)
	y, inB := b.Code(fr)
	if !inA || !inB {
		return -1
	}
	return x.Distance(y)
}

// witnessed runs all subjects, as many at a time as there are processors, and
// returns what was seen in the order of the subjects.
func witnessed(ctx context.Context, all []subjects) (pairs, mixed []pair, err error) {
	seen := make([]witness, len(all))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, look := range all {
		g.Go(func() error {
			defer func() { seen[i].h = hash.Hasher{} }() // its buffers are large
			return look(ctx, &seen[i])
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for _, s := range seen {
		pairs, mixed = append(pairs, s.pairs...), append(mixed, s.mixed...)
	}
	return pairs, mixed, nil
}

// fidelityRow is about the pictures of one class.
type fidelityRow struct {
	Class  string  `json:"class"`
	Files  int     `json:"files"`
	Scaled int     `json:"scaled"` // decoded at a fraction of their size
	Mean   float64 `json:"mean"`   // bits between the full frames, of those scaled
	P95    int     `json:"p95"`
	P99    int     `json:"p99"`
	Max    int     `json:"max"`
	// Trimmed is how many have a trimmed frame in both ways, Far how many of
	// these are more than maxTrimmed bits apart.
	Trimmed int `json:"trimmed"`
	Far     int `json:"trimmed_far"`
	// OtherTrim and OtherUse are how many the two ways do not agree about.
	OtherTrim int `json:"other_trim"`
	OtherUse  int `json:"other_usable"`
	// Quality is the largest difference of qualities.
	Quality int `json:"quality"`
	// Exact is the mean if queries were read exactly (mixed sizes).
	Exact float64 `json:"mean_if_exact,omitempty"`
	Worst []worst `json:"worst,omitempty"`
}

type worst struct {
	Name string `json:"name"`
	Bits int    `json:"bits"`
}

// maxWorst is how many names are kept for each class.
const maxWorst = 5

// summarise makes a row of pairs.
func summarise(class string, pairs []pair) fidelityRow {
	r := fidelityRow{Class: class, Files: len(pairs)}
	var bits []int
	sum, exact := 0, 0
	for _, p := range pairs {
		if p.scaled {
			r.Scaled++
			if p.full >= 0 {
				bits = append(bits, p.full)
				sum += p.full
				exact += p.exact
			}
		}
		if p.trimmed >= 0 {
			r.Trimmed++
			if p.trimmed > maxTrimmed {
				r.Far++
			}
		}
		if !p.sameTrim {
			r.OtherTrim++
		}
		if !p.sameUsable {
			r.OtherUse++
		}
		r.Quality = max(r.Quality, p.quality, -p.quality)
	}
	if n := len(bits); n > 0 {
		slices.Sort(bits)
		r.Mean, r.Exact = float64(sum)/float64(n), float64(exact)/float64(n)
		r.P95, r.P99, r.Max = bits[(n-1)*95/100], bits[(n-1)*99/100], bits[n-1]
	}
	r.Worst = worstOf(pairs)
	return r
}

// worstOf names the pairs that are farthest apart, the first of equals.
func worstOf(pairs []pair) (names []worst) {
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(a, b pair) int { return max(b.full, b.trimmed) - max(a.full, a.trimmed) })
	for _, p := range pairs[:min(maxWorst, len(pairs))] {
		if bits := max(p.full, p.trimmed); bits > 0 {
			names = append(names, worst{p.name, bits})
		}
	}
	return names
}

// byClass parts pairs, in the order in which classes first come.
func byClass(pairs []pair) (rows []fidelityRow) {
	var order []string
	parts := make(map[string][]pair)
	for _, p := range pairs {
		if parts[p.class] == nil {
			order = append(order, p.class)
		}
		parts[p.class] = append(parts[p.class], p)
	}
	for _, c := range order {
		rows = append(rows, summarise(c, parts[c]))
	}
	return rows
}
