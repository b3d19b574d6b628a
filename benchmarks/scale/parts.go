package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/seeded"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// result is what a part found; each fills in its own. Sizes are in bytes, times in
// seconds.
type result struct {
	Rate                float64 // references a second
	AddCPU              float64 // processor time for adding and indexing
	Ready               float64 // that Open took
	ReadyCPU            float64 // processor time until then
	First               float64 // a search right after it
	Wait                float64 // that Settled took
	Indexed             float64 // from the start of Open until then
	Close               float64
	Peak, PeakAnonymous float64
	Anonymous, Resident float64 // at the end
	Searches            []searches
	Insert              inserts
}

// countsKnown is whether the kernel tells memory and processor time.
const countsKnown = runtime.GOOS == "linux"

// add fills a store, and waits for its indexes.
func add(ctx context.Context, dir string, n int) (r result, err error) {
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return r, err
	}
	defer func() {
		start := time.Now()
		err = errors.Join(err, x.Close())
		r.Close = time.Since(start).Seconds()
	}()
	peak := watch()
	defer peak()
	start := time.Now()
	if err := seeded.Fill(ctx, x, n); err != nil {
		return r, err
	}
	r.Rate = float64(n) / time.Since(start).Seconds()
	start = time.Now()
	if err := x.Settled(ctx); err != nil {
		return r, err
	}
	r.Wait = time.Since(start).Seconds()
	if r.AddCPU, err = processorTime(); err != nil {
		return r, err
	}
	m, err := memory()
	r.Peak, r.PeakAnonymous = m["VmHWM"], peak()
	return r, err
}

// open opens a store and looks at what it holds.
func open(ctx context.Context, dir string, n int) (r result, err error) {
	peak := watch()
	defer peak()
	start := time.Now()
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return r, err
	}
	r.Ready = time.Since(start).Seconds()
	if r.ReadyCPU, err = processorTime(); err != nil {
		return r, errors.Join(err, x.Close())
	}
	defer func() {
		start := time.Now()
		err = errors.Join(err, x.Close())
		r.Close = time.Since(start).Seconds()
	}()
	if n > 0 {
		first := time.Now()
		if err := answers(ctx, x, n/2); err != nil {
			return r, err
		}
		r.First = time.Since(first).Seconds()
	}
	wait := time.Now()
	if err := x.Settled(ctx); err != nil {
		return r, err
	}
	r.Wait, r.Indexed = time.Since(wait).Seconds(), time.Since(start).Seconds()
	m, err := memory()
	if err != nil {
		return r, err
	}
	r.Peak, r.PeakAnonymous = m["VmHWM"], peak()
	debug.FreeOSMemory() // one collection; what it frees goes back to the system
	m, err = memory()
	r.Anonymous, r.Resident = m["RssAnon"], m["VmRSS"]
	return r, err
}

// answers checks that reference i is found.
func answers(ctx context.Context, x *index.Index, i int) error {
	ms, err := x.Near(ctx, hash.FromPDQ(seeded.Query(i, 10), 100), index.NearOptions{Upright: true})
	if err != nil {
		return err
	}
	if len(ms) != 1 || ms[0].ID != seeded.Reference(i).ID {
		return fmt.Errorf("search for reference %d: %d matches", i, len(ms))
	}
	return nil
}

// memory reads this process' sizes, in bytes, as the kernel counts them.
func memory() (map[string]float64, error) {
	if !countsKnown {
		return nil, nil
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]float64)
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ":")
		if kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64); err == nil {
			sizes[name] = kb * 1024
		}
	}
	return sizes, nil
}

// watch looks at the anonymous memory of this process again and again, since the
// kernel keeps no peak of it. What it returns ends that and tells the peak.
func watch() (peak func() float64) {
	stop, highest := make(chan struct{}), make(chan float64, 1)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for most := 0.0; ; {
			if m, err := memory(); err == nil {
				most = max(most, m["RssAnon"])
			}
			select {
			case <-tick.C:
			case <-stop:
				highest <- most
				return
			}
		}
	}()
	return sync.OnceValue(func() float64 { close(stop); return <-highest })
}

// processorTime is what this process has used since its start, in seconds, as the
// kernel counts it: in hundredths.
func processorTime() (float64, error) {
	if !countsKnown {
		return 0, nil
	}
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, err
	}
	// After the name, which ends with the last parenthesis, come the fields from
	// the third on; the 14th and 15th are user and system time (proc(5)).
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/self/stat is %q", b)
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, errors.Join(err1, err2)
}
