package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// run is a run of all parts on a store of n references in dir.
type run struct {
	dir   string
	n     int
	bars  bars
	table *table
}

// measure runs the parts and adds what they found to the table.
func measure(ctx context.Context, dir string, n int, b bars, t *table) (err error) {
	dir, err = os.MkdirTemp(dir, "touchstone-scale-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := run{dir: filepath.Join(dir, "full"), n: n, bars: b, table: t}
	t.line("references, two codes each", fmt.Sprint(n), "", "", "")
	bare, err := emptyStore(ctx, filepath.Join(dir, "empty"))
	if err != nil {
		return err
	}
	t.counted("anonymous, empty store", bare/mb, "MB", bar{})
	parts := []func(context.Context) error{
		r.add,
		func(ctx context.Context) error { return r.open(ctx, bare) },
	}
	if !b.startOnly {
		parts = append(parts, r.near)
	}
	for _, part := range append(parts, r.insert) {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// emptyStore returns the anonymous memory of a process with an empty store.
func emptyStore(ctx context.Context, dir string) (bytes float64, err error) {
	if _, err := child(ctx, "add", dir, 0); err != nil {
		return 0, err
	}
	r, err := child(ctx, "open", dir, 0)
	return r.Anonymous, err
}

func (r *run) add(ctx context.Context) error {
	f, err := child(ctx, "add", r.dir, r.n)
	if err != nil {
		return err
	}
	var rate, peak bar
	if !r.bars.startOnly {
		rate, peak = least(minAddRate), most(maxAddPeak/mb)
	}
	t := r.table
	t.add("add", f.Rate, "references/s", rate)
	t.counted("add, processor time with indexes", f.AddCPU, "s", bar{})
	t.add("add, indexes behind by", f.Wait, "s", bar{})
	t.counted("add, peak resident", f.Peak/mb, "MB", peak)
	t.counted("add, peak anonymous", f.PeakAnonymous/mb, "MB", bar{})
	t.add("close", f.Close, "s", bar{})
	return nil
}

// turns is how often the store is opened in each way.
const turns = 2

// open opens the store without and with the search file, in turns: closing the one
// makes the file for the other. bare is the memory of an empty store.
func (r *run) open(ctx context.Context, bare float64) error {
	file := filepath.Join(r.dir, "SEARCH")
	var rows, with []result
	size := int64(0)
	for range turns {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f, err := child(ctx, "open", r.dir, r.n)
		if err != nil {
			return err
		}
		rows = append(rows, f)
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // too few codes for one
		}
		if err != nil {
			return err
		}
		size = info.Size()
		if f, err = child(ctx, "open", r.dir, r.n); err != nil {
			return err
		}
		with = append(with, f)
	}
	r.opened("from rows", best(rows), bare, most(r.bars.rows), bar{})
	if len(with) == 0 {
		r.table.line("open, with the file", "n/a", "", "", "")
		return nil
	}
	f := best(with)
	r.opened("with the file", f, bare, bar{}, most(r.bars.file))
	r.table.add("open, with the file: waiting for indexes", f.Wait, "s", most(maxSettledWait))
	r.table.add("close, with writing the file", best(rows).Close, "s", bar{})
	r.table.add("size of the file", float64(size)/mb, "MB", bar{})
	r.table.add("size of the file, per reference", float64(size)/float64(r.n), "bytes", bar{})
	return nil
}

// opened adds what opening in one way found.
func (r *run) opened(way string, f result, bare float64, ready, indexed bar) {
	name := "open, " + way + ": "
	t := r.table
	t.add(name+"ready", f.Ready, "s", ready)
	t.counted(name+"processor time for it", f.ReadyCPU, "s", bar{})
	t.add(name+"first search", f.First*1e3, "ms", bar{})
	t.add(name+"indexed", f.Indexed, "s", indexed)
	t.counted(name+"anonymous", (f.Anonymous-bare)/float64(r.n), "bytes/ref", most(maxPerReference))
	t.counted(name+"resident", f.Resident/mb, "MB", bar{})
	t.counted(name+"peak resident", f.Peak/mb, "MB", bar{})
	t.counted(name+"peak anonymous", f.PeakAnonymous/mb, "MB", bar{})
}

// best takes the shortest times and the largest memory of some openings.
func best(of []result) result {
	b := of[0]
	for _, r := range of[1:] {
		b.Ready, b.ReadyCPU, b.First = min(b.Ready, r.Ready), min(b.ReadyCPU, r.ReadyCPU), min(b.First, r.First)
		b.Indexed, b.Wait, b.Close = min(b.Indexed, r.Indexed), min(b.Wait, r.Wait), min(b.Close, r.Close)
		b.Anonymous, b.Resident = max(b.Anonymous, r.Anonymous), max(b.Resident, r.Resident)
		b.Peak, b.PeakAnonymous = max(b.Peak, r.Peak), max(b.PeakAnonymous, r.PeakAnonymous)
	}
	return b
}

func (r *run) near(ctx context.Context) error {
	f, err := child(ctx, "near", r.dir, r.n)
	if err != nil {
		return err
	}
	t := r.table
	for _, s := range f.Searches {
		name := fmt.Sprintf("near, %d codes within %d bits", s.Codes, s.Radius)
		t.add(name, s.Near*1e3, "ms", bar{})
		t.add("  exhaustive", s.Exhaustive*1e3, "ms", bar{})
		t.add("  near / exhaustive", s.Near/s.Exhaustive, "", bar{})
		if s.Bare > 0 {
			t.add("  bare loop", s.Bare*1e3, "ms", bar{})
			t.add("  near / bare loop", s.Near/s.Bare, "", most(maxNearRatio))
		}
	}
	return nil
}

func (r *run) insert(ctx context.Context) error {
	f, err := child(ctx, "insert", r.dir, r.n)
	if err != nil {
		return err
	}
	t, i := r.table, f.Insert
	t.add("insert, one reference durable", i.Add*1e3, "ms", bar{})
	t.add("  until a search has found it", i.New*1e3, "ms", bar{})
	t.add("  a search for an old one", i.Old*1e3, "ms", bar{})
	t.add("  the difference", i.Later*1e3, "ms", most(maxUnseen*1e3))
	t.add("  until found, the worst", i.Worst*1e3, "ms", bar{})
	return nil
}
