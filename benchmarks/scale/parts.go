package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/seeded"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// result is what a part found; each fills in its own. Sizes in bytes.
type result struct {
	Rate                float64 // references a second
	Seconds             float64
	Peak                float64
	Anonymous, Resident float64
	Near, Bare          float64 // seconds, medians
}

const memoryKnown = runtime.GOOS == "linux"

// add fills a store.
func add(ctx context.Context, dir string, n int) (result, error) {
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	if err := seeded.Fill(ctx, x, n); err != nil {
		x.Close()
		return result{}, err
	}
	took := time.Since(start)
	m, err := memory()
	if err != nil {
		x.Close()
		return result{}, err
	}
	return result{Rate: float64(n) / took.Seconds(), Peak: m["VmHWM"]}, x.Close()
}

// open opens a store and looks at what it holds.
func open(ctx context.Context, dir string, n int) (result, error) {
	start := time.Now()
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return result{}, err
	}
	defer x.Close()
	took := time.Since(start)
	if n > 0 {
		if err := answers(ctx, x, n/2); err != nil {
			return result{}, err
		}
	}
	debug.FreeOSMemory() // one collection; what it frees goes back to the system
	m, err := memory()
	return result{Seconds: took.Seconds(), Anonymous: m["RssAnon"], Resident: m["VmRSS"]}, err
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

// rounds is how often near and the bare loop are timed.
const rounds = 21

// near times searches and bare loops in turns, so that whatever else the
// machine does hits both.
func near(ctx context.Context, dir string, n int) (result, error) {
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return result{}, err
	}
	defer x.Close()
	codes := make([]hash.Code, 0, 2*n)
	for i := range n {
		codes = append(codes, seeded.Code(i, hash.Full), seeded.Code(i, hash.Trimmed))
	}
	runtime.GC()
	var nears, bares []float64
	for r := range rounds {
		i := r * n / rounds
		start := time.Now()
		if err := answers(ctx, x, i); err != nil {
			return result{}, err
		}
		nears = append(nears, time.Since(start).Seconds())
		start = time.Now()
		if found := bare(codes, seeded.Query(i, 10), 46); found != 1 {
			return result{}, fmt.Errorf("bare loop for reference %d: %d matches", i, found)
		}
		bares = append(bares, time.Since(start).Seconds())
	}
	slices.Sort(nears)
	slices.Sort(bares)
	return result{Near: nears[rounds/2], Bare: bares[rounds/2]}, nil
}

// bare counts the codes within a radius of q.
func bare(codes []hash.Code, q hash.Code, radius int) (found int) {
	for _, c := range codes {
		if q.Distance(c) <= radius {
			found++
		}
	}
	return found
}

// memory reads this process' sizes, in bytes, as the kernel counts them.
func memory() (map[string]float64, error) {
	if !memoryKnown {
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
