//go:build linux

package radius_test

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/codes"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// usual is the radius of most queries, in bits, and wide that of a search for
// candidates that other evidence decides about.
const (
	usual = 31
	wide  = 48
)

// rounds is how many turns each runner of a contest gets, and judged the number
// of codes that the oracle checks per line.
func (b *bench) rounds() int {
	if b.n > 3_000_000 {
		return 9
	}
	return 21
}

const judged = 200

func (b *bench) uniform() {
	b.single(codes.Uniform, at(b.n, least(30), least(110)))
}

func (b *bench) white() {
	b.single(codes.BoxWhite, at(b.n, least(22), least(80)))
}

// single measures queries of one code.
func (b *bench) single(kind codes.Kind, asked *bar) {
	v, c, sets := b.draw(kind)
	s := search{sets: sets, radius: usual}
	times := contest(b.rounds(), scalar(c, sets[:4], usual), s.runner(v))
	b.scalarLine(string(kind), times[0])
	b.line(fmt.Sprintf("%s, one code", kind), s, v, c, times[1], times[0], "scalar scan", asked)
}

func (b *bench) scalarLine(kind string, micros float64) {
	b.table.add(line{Name: kind + ", scalar scan", Value: micros, Unit: "us"})
}

// line adds the line of a search, which took so many microseconds where another
// takes rival.
func (b *bench) line(name string, s search, v *radius.View, c corpus, micros, rival float64, to string, asked *bar) {
	l := line{Name: name, Value: micros, Unit: "us", To: to, Bar: asked, Recall: s.recall(v, c, judged)}
	l.Ratio = micros / rival
	if asked == nil && to == "scalar scan" || asked != nil && asked.Least {
		l.Ratio = rival / micros
	}
	l.Probes, l.Candidates = s.work(v)
	b.table.add(l)
}

// box measures all kinds of queries on the data that are most like real ones.
func (b *bench) box() {
	v, c, sets := b.draw(codes.Box)
	eights := variants(sets, 48)
	hot := b.hot(c)
	searches := []search{
		{sets: sets, radius: usual},
		{sets: eights, radius: usual},
		{sets: apart(eights), radius: usual},
		{sets: sets[:12], radius: usual, method: radius.Scan},
		{sets: eights[:6], radius: usual, method: radius.Scan},
		{sets: sets[:60], radius: wide},
		{sets: eights[:6], radius: wide},
		{sets: sets[:12], radius: 256, nearest: 10},
		{sets: eights[:6], radius: 256, nearest: 10},
		{sets: hot, radius: 256, nearest: 10},
		{sets: variants(hot, len(hot)), radius: 256, nearest: 10},
	}
	runners := []runner{scalar(c, sets[:4], usual)}
	for _, s := range searches {
		runners = append(runners, s.runner(v))
	}
	times := contest(b.rounds(), runners...)
	scan, times := times[0], times[1:]
	b.say("box: comparing with the oracle")
	b.scalarLine("box", scan)
	show := func(i int, name string, micros, rival float64, to string, asked *bar) {
		b.line("box, "+name, searches[i], v, c, micros, rival, to, asked)
	}
	show(0, "one code", times[0], scan, "scalar scan", at(b.n, least(25), least(100)))
	show(1, "8 variants", times[1], 8*times[2], "8 calls", at(b.n, most(0.7), most(0.7)))
	show(3, "plane scan, one code", times[3], scan, "scalar scan", nil)
	show(4, "shared scan, 8 variants, each", times[4]/8, scan, "scalar scan", at(b.n, least(10), least(9)))
	show(5, "radius 48, one code", times[5], times[3], "plane scan", at(b.n, most(1.15), most(1.15)))
	show(6, "radius 48, 8 variants", times[6], times[4], "shared scan", at(b.n, most(1.15), most(1.15)))
	show(7, "10 nearest, one code", times[7], times[3], "plane scan", at(b.n, most(1.3), nil))
	show(8, "10 nearest, 8 variants", times[8], times[4], "shared scan", at(b.n, most(1.3), nil))
	show(9, "10 nearest, 10 within 31, one code", times[9], times[3], "plane scan", at(b.n, most(1), most(1)))
	show(10, "10 nearest, 10 within 31, 8 variants", times[10], times[4], "shared scan", at(b.n, most(1), most(1)))
	b.throughput(v, sets, eights)
	b.writes(v, c, sets)
	b.churn(v, c, min(b.n, 1_000_000))
}

// hot returns calls for the centres of the hot clusters.
func (b *bench) hot(c corpus) (sets [][]hash.Code) {
	for _, at := range codes.Hot(len(c.codes)) {
		sets = append(sets, c.codes[at:at+1])
	}
	return sets
}

// stress measures the worst case of the planner: the mean of all queries, and
// the worst of them.
func (b *bench) stress() {
	v, c, sets := b.draw(codes.Stress)
	all := search{sets: sets, radius: usual}
	worst := all
	worst.sets = slowest(all, v, 5)
	runners := []runner{scalar(c, sets[:4], usual), all.runner(v)}
	for i := range worst.sets {
		runners = append(runners, scalar(c, worst.sets[i:i+1], usual), search{sets: worst.sets[i : i+1], radius: usual}.runner(v))
	}
	times := contest(b.rounds(), runners...)
	b.scalarLine("stress", times[0])
	asked := at(b.n, least(2.5), least(2.5))
	b.line("stress, one code", all, v, c, times[1], times[0], "scalar scan", asked)
	bad := 2
	for i := bad; i < len(times); i += 2 {
		if times[i]/times[i+1] < times[bad]/times[bad+1] {
			bad = i
		}
	}
	worst.sets = worst.sets[(bad-2)/2:][:1]
	b.line("stress, the worst query", worst, v, c, times[bad+1], times[bad], "scalar scan", asked)
}

// slowest returns the k calls that take longest.
func slowest(s search, v *radius.View, k int) [][]hash.Code {
	type timing struct {
		set  []hash.Code
		took time.Duration
	}
	var timings []timing
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i, set := range s.sets {
		one := search{sets: s.sets[i : i+1], radius: s.radius}
		timings = append(timings, timing{set, timed(10, one.runner(v))})
	}
	slices.SortFunc(timings, func(a, b timing) int { return cmp.Compare(b.took, a.took) })
	var sets [][]hash.Code
	for _, t := range timings[:min(k, len(timings))] {
		sets = append(sets, t.set)
	}
	return sets
}

// hostile measures what an uploader could do to an index who fills half of it:
// with one photo, asked for, or just missed so that all copies are candidates
// and none is a hit; and with a shell of codes around one code, all beyond the
// radius and all sharing parts with it.
func (b *bench) hostile() {
	b.say("hostile: drawing and building")
	c := corpus{codes: codes.Make(codes.Uniform, b.n, storedSeed)}
	centre := c.codes[0]
	for i := 0; i < b.n; i += 2 {
		c.codes[i] = centre
	}
	v, _, _ := build(c, radius.Options{})
	b.attack("half copies, query just misses", v, c, codes.Moved(centre, 34, 1))
	b.attack("half copies, query hits all", v, c, centre)
	for i := 0; i < b.n; i += 2 {
		c.codes[i] = codes.Moved(centre, 32+i%10, uint64(i))
	}
	v, _, _ = build(c, radius.Options{})
	b.attack("half in a shell around the query", v, c, centre)
}

// attack measures one query of hostile data.
func (b *bench) attack(name string, v *radius.View, c corpus, query hash.Code) {
	s := search{sets: [][]hash.Code{{query}}, radius: usual}
	times := contest(b.rounds(), scalar(c, s.sets, usual), s.runner(v))
	b.line("hostile, "+name, s, v, c, times[1], times[0], "scalar scan", at(b.n, least(2.5), least(2.5)))
}
