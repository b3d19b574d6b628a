//go:build linux

package radius_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the processor time of the calling thread. Its steps may be as
// coarse as some microseconds, so what is short is measured many times over.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // it fails only for wrong arguments
	}
	return time.Duration(t.Nano())
}

// shortest is the least that is measured at once.
const shortest = 2 * time.Millisecond

// runner is something to be measured: run makes so many calls.
type runner struct {
	calls int
	run   func()
}

// contest measures runners one after the other, round by round, so that what
// else the machine does is the same for all of them. It returns the median over
// the rounds of each one's processor time per call, in microseconds. The
// collector of garbage is at rest meanwhile.
func contest(rounds int, runners ...runner) []float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	repeats := make([]int, len(runners))
	for i, r := range runners { // warm-up
		repeats[i] = 1 + int(shortest/max(timed(1, r), time.Microsecond))
	}
	times := make([][]float64, len(runners))
	for range rounds {
		for i, r := range runners {
			d := timed(repeats[i], r)
			times[i] = append(times[i], float64(d.Nanoseconds())/1e3/float64(repeats[i]*r.calls))
		}
	}
	medians := make([]float64, len(runners))
	for i, t := range times {
		medians[i] = percentile(t, 50)
	}
	return medians
}

func timed(repeats int, r runner) time.Duration {
	start := threadTime()
	for range repeats {
		r.run()
	}
	return threadTime() - start
}

// percentile returns the least value that p per cent of the values do not
// exceed (nearest rank); of none it is 0. It sorts them.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	rank := int(math.Ceil(p / 100 * float64(len(values))))
	return values[min(max(rank, 1), len(values))-1]
}
