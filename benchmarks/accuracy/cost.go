package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// What a query costs is measured apart from the rest: copies drawn from the run
// are kept and judged once more at its end, one at a time, with nothing else
// going on in the process. CPU time is that of the whole process, so that
// helpers of a call and the collection of its garbage count, whichever thread
// they ran on. It is the cost of a picture's bytes until the verdict; making
// the copy is not in it.

// sampleSize is about how many copies are kept; of a small run, one in
// leastOneIn.
const (
	sampleSize = 200
	leastOneIn = 20
)

// sample keeps some of the copies.
type sample struct {
	one int // in so many is kept

	mu     sync.Mutex // guards copies
	copies []kept
}

type kept struct {
	name    string
	photo   photo
	picture []byte
}

func newSample(total int) *sample { return &sample{one: max(leastOneIn, total/sampleSize)} }

// offer keeps a copy if its name is drawn.
func (s *sample) offer(a answer, picture []byte) {
	name := fmt.Sprintf("%v|%s", a.set, a.name())
	if sum("cost|"+name)%uint32(s.one) != 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copies = append(s.copies, kept{name, a.photo, picture})
}

// queryCost is CPU time in milliseconds, in a bank of so many references.
type queryCost struct {
	References int     `json:"references"`
	Queries    int     `json:"queries"`
	Mean       float64 `json:"mean_ms"`
	Median     float64 `json:"median_ms"`
	P95        float64 `json:"p95_ms"`
}

// cost judges what was kept, by one method after the other.
func (s *sample) cost(ctx context.Context, b *bank, step func()) (costs [methods]queryCost, err error) {
	slices.SortFunc(s.copies, func(a, b kept) int { return strings.Compare(a.name, b.name) })
	for m := range method(methods) {
		runtime.GC()
		var took []float64
		for _, c := range s.copies {
			start := cpuTime()
			if err := b.ask(ctx, m, c); err != nil {
				return costs, fmt.Errorf("%s: %w", c.name, err)
			}
			took = append(took, millis(cpuTime()-start))
			step()
		}
		costs[m] = summary(took)
		costs[m].References = len(b.registered)
		if slices.Contains(modes, m) {
			costs[m].References += b.fillers
		}
	}
	return costs, ctx.Err()
}

// ask judges a kept copy by one method, from its bytes on.
func (b *bank) ask(ctx context.Context, m method, c kept) error {
	if slices.Contains(modes, m) {
		_, err := b.judge(ctx, m, c.picture, c.photo, nil)
		return err
	}
	_, err := b.rivals.ask(c.picture, c.photo, m)
	return err
}

// summary gives the mean, the median and the 95th percentile (the smallest
// value that 95 % do not exceed).
func summary(ms []float64) queryCost {
	if len(ms) == 0 {
		return queryCost{}
	}
	slices.Sort(ms)
	total := 0.0
	for _, v := range ms {
		total += v
	}
	rank := func(share float64) float64 { return rounded(ms[max(0, int(math.Ceil(share*float64(len(ms))))-1)]) }
	return queryCost{Queries: len(ms), Mean: rounded(total / float64(len(ms))), Median: rank(0.5), P95: rank(0.95)}
}
