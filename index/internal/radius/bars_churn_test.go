//go:build linux

package radius_test

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
	"unsafe"

	"github.com/touchstone-go/touchstone/benchmarks/codes"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// population is a set under change that knows what it holds: as many codes as at
// the start, each of which may be replaced by a new one.
type population struct {
	*keeper
	corpus
	next   uint64 // tag
	random *rand.Rand
	young  []hash.Code // to be added
	seed   uint64      // of the next of these
}

func newPopulation(v *radius.View, c corpus) *population {
	p := &population{keeper: newKeeper(v), random: rand.New(rand.NewPCG(5, 6)), seed: querySeed + 100}
	p.codes = c.codes
	p.tags = make([]uint64, len(c.codes))
	for i := range p.tags {
		p.tags[i] = c.tag(i)
	}
	p.next = p.tags[len(p.tags)-1] + 1
	p.draw()
	return p
}

// draw draws codes to be added, as many each time.
func (p *population) draw() {
	p.young = codes.Make(codes.Box, 1<<16, p.seed)
	p.seed++
}

// pairsPerWrite is the number of pairs of a removal and an addition that become
// visible together.
const pairsPerWrite = 100

// maxTail is the number of codes without index at which the writer waits for the
// job under way. Without that it would outrun the jobs, as no store could.
const maxTail = 1 << 18

// turnOver replaces n codes, drawn at random.
func (p *population) turnOver(n int) {
	for done := 0; done < n; done += pairsPerWrite {
		p.change(func(e *radius.Edit) {
			for range min(pairsPerWrite, n-done) {
				p.replace(e)
			}
		})
		if done%(10*pairsPerWrite) == 0 && p.load().Stats().Tail > maxTail {
			p.await()
		}
	}
}

func (p *population) replace(e *radius.Edit) {
	if len(p.young) == 0 {
		p.draw()
	}
	i := p.random.IntN(len(p.codes))
	if !e.Remove(p.tags[i]) {
		panic("a code that is there was not removed")
	}
	p.codes[i], p.tags[i], p.young = p.young[0], p.next, p.young[1:]
	e.Add(p.tags[i], p.codes[i])
	p.next++
}

// churn replaces codes pair by pair and compares memory before and after.
func (b *bench) churn(v *radius.View, c corpus, pairs int) {
	b.say("box: %d pairs of removals and additions", pairs)
	p := newPopulation(v, c)
	p.settle()
	before := p.memory()
	start := time.Now()
	p.turnOver(pairs)
	took := time.Since(start)
	l := p.line(b, fmt.Sprintf("box, memory after %d pairs", pairs), before)
	l.Note = fmt.Sprintf("%s pairs/s; %s", number(float64(pairs)/took.Seconds()), l.Note)
	b.table.add(l)
}

// churnFor is churn for a time, with look-ups beside it, and a line every 30 s.
func (b *bench) churnFor(during time.Duration) {
	v, c, sets := b.draw(codes.Box)
	p := newPopulation(v, c)
	p.settle()
	before := p.memory()
	s := search{sets: sets, radius: usual}
	pairs, start := 0, time.Now()
	for left := during; left > 0; left = during - time.Since(start) {
		ready := make(chan []float64, 1)
		go func() { ready <- s.latencies(p.keeper, min(30*time.Second, left), time.Millisecond) }()
		for len(ready) == 0 {
			p.turnOver(10 * pairsPerWrite)
			pairs += 10 * pairsPerWrite
		}
		micros := <-ready
		p50, p99 := percentile(micros, 50), percentile(micros, 99)
		l := p.line(b, fmt.Sprintf("churn, memory after %.0f s", time.Since(start).Seconds()), before)
		l.Note = fmt.Sprintf("%d pairs; look-ups p50 %s us, p99 %s us; %s", pairs, number(p50), number(p99), l.Note)
		b.table.add(l)
	}
}

// line ends the jobs that are due, and compares memory with that of the start
// and what some queries find with what they should.
func (p *population) line(b *bench, name string, before int64) line {
	busy := p.resident()
	p.settle()
	now := p.memory()
	var all tally
	by := radius.NewSearcher(hamming.Best())
	for _, q := range codes.Queries(codes.Box, p.codes, 20, p.next) {
		set := []hash.Code{q.Code}
		all.count(search{radius: usual}.call(by, p.load(), set, nil), p.within(set, usual))
	}
	recall := all.recall()
	st := p.load().Stats()
	return line{
		Name: name, Value: megabytes(now), Unit: "MB", Bar: at(b.n, most(1.05), most(1.05)),
		Ratio: float64(now) / float64(before), To: "the start", Recall: &recall,
		Note: fmt.Sprintf("counted %s, with jobs and garbage %s; %d jobs, %d unfit; %d parts, %d dead, %d without index",
			number(megabytes(st.Bytes)), number(megabytes(busy)), p.jobs, p.unfit, len(st.Parts), st.Dead, st.Tail),
	}
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

// memory is resident after garbage was collected and given back.
func (p *population) memory() int64 {
	debug.FreeOSMemory()
	return p.resident()
}

// resident is the resident anonymous memory of this process but for the corpus,
// which an index would not have.
func (p *population) resident() int64 {
	o, err := resident()
	if err != nil {
		panic(err)
	}
	return o.anonymous - int64(len(p.codes))*int64(unsafe.Sizeof(p.codes[0])+unsafe.Sizeof(p.tags[0]))
}
