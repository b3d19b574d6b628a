package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"runtime"
	"sync"
	"time"

	webpenc "github.com/gen2brain/webp"
	"golang.org/x/image/webp"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/hash"
)

// Bars beside those of the table.
const (
	maxAllocations = 5    // a query
	maxAllocated   = 4096 // bytes a query
	minTwoWorkers  = 1.8  // times one worker, on an idle machine with two cores
	maxFormat      = 1.1  // times the standard decoder: PNG and WebP
)

// allocations counts what a query allocates once its buffers are there, on files
// of one size.
func allocations(ctx context.Context, files []input) ([]bar, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var h hash.Hasher
	all := func() error {
		for _, f := range files {
			if _, _, err := h.Query(ctx, f.data, limits); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		return nil
	}
	if err := all(); err != nil {
		return nil, err
	}
	const rounds = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		if err := all(); err != nil {
			return nil, err
		}
	}
	runtime.ReadMemStats(&after)
	n := len(files) * rounds
	each := func(figure string, from, to uint64, most float64) bar {
		return bar{Figure: figure, Value: float64(to-from) / float64(n), Bar: most, Of: n}
	}
	return []bar{
		each("allocations a query", before.Mallocs, after.Mallocs, maxAllocations),
		each("bytes allocated a query", before.TotalAlloc, after.TotalAlloc, maxAllocated),
	}, nil
}

// Two workers against one, and beside it two loops that only count: what they
// gain over one is all that the machine has to give at the time. Where that is
// two cores, the bar is that of an idle machine; where it is less, because the
// machine is busy or its cores share one, it is nine tenths of what there is. A
// machine that has not even half a core more shows nothing.
const (
	idleGain  = 1.95
	busyShare = 0.9
	leastGain = 1.5
	// slice is how long each of the four runs at a time.
	slice       = 60 * time.Millisecond
	sliceRounds = 11
)

// workers returns the gain by a second worker, and that by a second loop.
func workers(ctx context.Context, files []input) ([]bar, error) {
	hashers := make([]hash.Hasher, 2)
	query := func(worker, i int) error {
		_, _, err := hashers[worker].Query(ctx, files[(i+worker)%len(files)].data, limits)
		return err
	}
	sums := make([]uint64, 2)
	spin := func(worker, i int) error {
		x := uint64(i) | 1
		for range 50_000 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		sums[worker] += x
		return nil
	}
	var queries, spins []float64
	for range sliceRounds {
		for _, kind := range []struct {
			gains *[]float64
			work  func(worker, i int) error
		}{{&queries, query}, {&spins, spin}} {
			one, err := during(slice, 1, kind.work)
			if err != nil {
				return nil, err
			}
			two, err := during(slice, 2, kind.work)
			if err != nil {
				return nil, err
			}
			*kind.gains = append(*kind.gains, two/one)
		}
	}
	return workerBars(median(queries), median(spins)), nil
}

func workerBars(query, spin float64) []bar {
	must := minTwoWorkers
	if spin < idleGain {
		must = min(must, busyShare*spin)
	}
	gain := bar{Figure: "two workers against one", Value: query, Bar: must, Least: true}
	if spin >= leastGain {
		gain.Of = sliceRounds
	}
	return []bar{{Figure: "two loops that only count, against one", Value: spin}, gain}
}

// during does work with some workers for a time and returns how often a second
// it was done.
func during(d time.Duration, workers int, work func(worker, i int) error) (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
	done := make([]float64, workers)
	errs := make([]error, workers)
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			start := time.Now()
			for i := 0; time.Since(start) < d && errs[worker] == nil; i++ {
				errs[worker] = work(worker, i)
				done[worker]++
			}
			done[worker] /= time.Since(start).Seconds()
		})
	}
	running.Wait()
	sum := 0.0
	for worker := range workers {
		if errs[worker] != nil {
			return 0, errs[worker]
		}
		sum += done[worker]
	}
	return sum, nil
}

// formats compares both paths on a PNG and a WebP with their decoders alone. The
// benchmark Formats looks at more layouts and sizes.
func formats(ctx context.Context, img image.Image) (bars []bar, err error) {
	var lossy bytes.Buffer
	if err := webpenc.Encode(&lossy, img, webpenc.Options{Quality: 80}); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name   string
		file   []byte
		decode func(io.Reader) (image.Image, error)
	}{{"PNG", edit.PNG(img), png.Decode}, {"WebP", lossy.Bytes(), webp.Decode}} {
		read, query, err := besideDecoder(ctx, f.file, f.decode)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		bars = append(bars,
			bar{Figure: f.name + ", exact path against the decoder", Value: read, Bar: maxFormat, Of: turns},
			bar{Figure: f.name + ", query path against the decoder", Value: query, Bar: maxFormat, Of: turns})
	}
	return bars, nil
}

// besideDecoder times both paths and a decoder in turns.
func besideDecoder(ctx context.Context, file []byte, decode func(io.Reader) (image.Image, error)) (read, query float64, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var h hash.Hasher
	works := []func() error{
		func() error { _, err := decode(bytes.NewReader(file)); return err },
		func() error { _, _, err := hash.Read(ctx, bytes.NewBuffer(file), limits); return err },
		func() error { _, _, err := h.Query(ctx, file, limits); return err },
	}
	took := make([][]time.Duration, len(works))
	for range turns {
		for i, work := range works {
			runtime.GC()
			start := clock()
			if err := work(); err != nil {
				return 0, 0, err
			}
			took[i] = append(took[i], clock()-start)
		}
	}
	decoder := median(took[0]).Seconds()
	return median(took[1]).Seconds() / decoder, median(took[2]).Seconds() / decoder, nil
}
