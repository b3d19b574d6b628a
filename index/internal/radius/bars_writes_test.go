//go:build linux

package radius_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/codes"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// throughput measures how many look-ups two goroutines make a second.
func (b *bench) throughput(v *radius.View, sets, eights [][]hash.Code) {
	b.say("box: two threads")
	const seconds = 3
	one := lookups(v, search{sets: sets, radius: usual}, seconds*time.Second)
	all := lookups(v, search{sets: eights, radius: usual}, seconds*time.Second)
	b.table.add(line{Name: "box, two threads, one code", Value: float64(one) / seconds, Unit: "a second", Note: "goal 10000 at 10M"})
	b.table.add(line{Name: "box, two threads, 8 variants", Value: float64(all) / seconds, Unit: "a second", Note: "goal 1500 at 10M"})
}

func lookups(v *radius.View, s search, during time.Duration) (n int64) {
	var all atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(during)
	for first := range 2 {
		wg.Go(func() {
			by := radius.NewSearcher(hamming.Best())
			var hits []radius.Hit
			for i := first; time.Now().Before(end); i += 2 {
				hits = s.call(by, v, s.sets[i%len(s.sets)], hits[:0])
				all.Add(1)
			}
		})
	}
	wg.Wait()
	return all.Load()
}

// writesPerSecond is the rate of writes beside look-ups, half of them additions.
const writesPerSecond = 200

// writes measures single look-ups, one after the other, with nothing else going
// on and while a writer adds and removes. As many codes are removed before as
// make the index of all the others due to be built anew at the first write, so
// that the dearest job of all runs meanwhile.
func (b *bench) writes(v *radius.View, c corpus, sets [][]hash.Code) {
	b.say("box: look-ups beside writes")
	during := 5 * time.Second
	if b.n > 3_000_000 {
		during = 15 * time.Second
	}
	s := search{sets: sets, radius: usual}
	k := newKeeper(v)
	idle := s.latencies(k, during, 0)
	e := v.Edit()
	for i := 0; i <= b.n/32; i++ {
		e.Remove(c.tag(32*i + 7))
	}
	k.view.Store(e.View())

	var busy, visible []float64
	var lost int
	var wg sync.WaitGroup
	wg.Go(func() { busy = s.latencies(k, during, 0) })
	visible, lost = k.writeFor(during, c)
	wg.Wait()
	k.await()

	p50, p99 := percentile(idle, 50), percentile(idle, 99)
	b.table.add(line{Name: "box, idle, p50", Value: p50, Unit: "us wall"})
	b.table.add(line{Name: "box, idle, p99", Value: p99, Unit: "us wall"})
	b.table.add(line{
		Name: fmt.Sprintf("box, %d writes/s, p50", writesPerSecond), Value: percentile(busy, 50), Unit: "us wall",
		Ratio: percentile(busy, 50) / p50, To: "idle p50",
	})
	b.table.add(line{
		Name: fmt.Sprintf("box, %d writes/s, p99", writesPerSecond), Value: percentile(busy, 99), Unit: "us wall",
		Ratio: percentile(busy, 99) / p99, To: "idle p99", Bar: at(b.n, most(4), most(4)),
		Note: fmt.Sprintf("%d look-ups, %d jobs of %.1f s", len(busy), k.jobs, time.Duration(k.busy.Load()).Seconds()),
	})
	found := 1 - float64(lost)/float64(max(len(visible), 1))
	b.table.add(line{
		Name: "box, from write to visible, p99", Value: percentile(visible, 99), Unit: "ms wall",
		Bar: at(b.n, most(1), most(1)), Recall: &found,
		Note: fmt.Sprintf("p50 %s, largest %s, of %d", number(percentile(visible, 50)), number(percentile(visible, 100)), len(visible)),
	})
}

// latencies returns the wall time of single calls in microseconds, made one
// after the other on the newest view, with a pause between.
func (s search) latencies(k *keeper, during, pause time.Duration) (micros []float64) {
	by := radius.NewSearcher(hamming.Best())
	var hits []radius.Hit
	end := time.Now().Add(during)
	for i := 0; time.Now().Before(end); i++ {
		start := time.Now()
		hits = s.call(by, k.load(), s.sets[i%len(s.sets)], hits[:0])
		micros = append(micros, float64(time.Since(start).Nanoseconds())/1e3)
		time.Sleep(pause)
	}
	return micros
}

// writeFor adds and removes in turn. Of each addition it returns how long it
// took to become visible, in milliseconds, and how many a query on what is then
// published did not find.
func (k *keeper) writeFor(during time.Duration, c corpus) (millis []float64, lost int) {
	by := radius.NewSearcher(hamming.Best())
	r := rand.New(rand.NewPCG(3, 4))
	added := codes.Make(codes.Box, 1+writesPerSecond*int(during/time.Second), querySeed+1)
	next := c.tag(len(c.codes)-1) + 1
	tick := time.NewTicker(time.Second / writesPerSecond)
	defer tick.Stop()
	end := time.Now().Add(during)
	for i := 0; time.Now().Before(end); i++ {
		<-tick.C
		if i%2 == 1 {
			gone := c.tag(r.IntN(len(c.codes)))
			k.change(func(e *radius.Edit) { e.Remove(gone) })
			continue
		}
		code := added[i%len(added)]
		start := time.Now()
		k.change(func(e *radius.Edit) { e.Add(next, code) })
		millis = append(millis, float64(time.Since(start).Nanoseconds())/1e6)
		if !finds(by, k.load(), code, next) {
			lost++
		}
		next++
	}
	return millis, lost
}

// finds reports whether a query for a code finds it under its tag.
func finds(by *radius.Searcher, v *radius.View, code hash.Code, tag uint64) bool {
	s := search{radius: 0}
	for _, h := range s.call(by, v, []hash.Code{code}, nil) {
		if h.Tag == tag && h.Dist == 0 {
			return true
		}
	}
	return false
}
