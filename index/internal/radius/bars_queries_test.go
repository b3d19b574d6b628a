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
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// usual is the radius of most queries, in bits, and wide that of a search for
// candidates that other evidence decides about.
const (
	usual = 31
	wide  = 48
)

// judged is the number of codes that the oracle checks per line.
const judged = 200

// rounds is how many turns each runner of a contest gets.
func (b *bench) rounds() int {
	if b.n > 3_000_000 {
		return 9
	}
	return 21
}

func (b *bench) uniform() {
	b.single(codes.Uniform, at(b.n, least(30), least(110)))
}

func (b *bench) white() {
	b.single(codes.BoxWhite, at(b.n, least(22), least(80)))
}

// single measures queries of one code.
func (b *bench) single(kind codes.Kind, bound *bar) {
	v, c, sets := b.draw(kind)
	b.compete(string(kind), v, c, scalar(c, sets[:4], usual), []entry{
		{name: "one code", to: scalarScan, bound: at(b.n, least(2.5), least(2.5)), search: search{sets: sets, radius: usual}},
	})
}

// scalarScan is the rival of which a line says how many times faster it is; of
// others it says what part of their time it takes.
const scalarScan = "scalar scan"

// line adds the line of an entry, which took so many microseconds where its
// rival takes others.
func (b *bench) line(name string, e entry, v *radius.View, c corpus, micros, rival float64) {
	l := line{Name: name, Value: micros, Unit: "us", To: e.to, Bar: e.bound, Recall: e.recall(v, c, judged)}
	if e.to == scalarScan {
		l.Ratio = rival / micros
	} else {
		l.Ratio = micros / rival
	}
	l.Probes, l.Candidates = e.measured().work(v)
	b.table.add(l)
}

// entry is a search whose line stands beside that of another, its rival.
type entry struct {
	name  string
	key   string // by which it is a rival; it may be empty
	calls int    // of which the key's time is the sum; 0: 1
	share int    // of a call that the line tells, its inverse; 0: 1
	timed int    // the number of calls that are timed; 0: all
	to    string // the rival's key
	bound *bar
	search
}

// compete measures searches of one set in one contest with the scalar scan, and
// adds their lines.
func (b *bench) compete(data string, v *radius.View, c corpus, rival runner, entries []entry) {
	runners := []runner{rival}
	for _, e := range entries {
		runners = append(runners, e.measured().runner(v))
	}
	times := contest(b.rounds(), runners...)
	b.say("%s: comparing with the oracle", data)
	b.table.add(line{Name: data + ", " + scalarScan, Value: times[0], Unit: "us"})
	took := map[string]float64{scalarScan: times[0]}
	for i, e := range entries {
		if e.key != "" {
			took[e.key] = times[i+1] * float64(max(e.calls, 1))
		}
	}
	for i, e := range entries {
		b.line(data+", "+e.name, e, v, c, times[i+1]/float64(max(e.share, 1)), took[e.to])
	}
}

// measured returns the calls that are timed: where a call is long, some do. The
// oracle looks at others too.
func (e entry) measured() search {
	if e.timed == 0 {
		return e.search
	}
	return e.first(e.timed)
}

// box measures all kinds of queries on the data that are most like real ones.
func (b *bench) box() {
	v, c, sets := b.draw(codes.Box)
	eights := variants(sets, 48)
	hot := b.hot(c)
	const (
		singles, turns = "8 single queries", "8 calls in turn"
		plane, shared  = "plane scan", "shared scan"
		planeFar       = "plane scan at 48"
		sharedFar      = "shared scan at 48"
	)
	far, near := at(b.n, most(1.3), nil), at(b.n, most(1), most(1))
	scan := func(sets [][]hash.Code, r int) search { return search{sets: sets, radius: r, method: radius.Scan} }
	b.compete(string(codes.Box), v, c, scalar(c, sets[:4], usual), []entry{
		{name: "one code", to: scalarScan, bound: at(b.n, least(25), least(100)), search: search{sets: sets, radius: usual}},
		// Single queries are of one picture after another. Where they are the
		// variants of one picture in turn, they find the cache lines of the one before.
		// A call of all is held against both.
		{name: "one of 8 variants", key: singles, calls: 8, to: scalarScan, search: search{sets: shuffled(apart(eights)), radius: usual}},
		{name: "one of 8 variants, in turn", key: turns, calls: 8, to: scalarScan, search: search{sets: apart(eights), radius: usual}},
		{name: "8 variants", to: singles, bound: at(b.n, most(0.7), most(0.7)), search: search{sets: eights, radius: usual}},
		{name: "8 variants again", to: turns, bound: at(b.n, most(0.7), most(0.7)), search: search{sets: eights, radius: usual}},
		{name: "plane scan, one code", key: plane, to: scalarScan, timed: 12, search: scan(sets, usual)},
		{name: "shared scan, 8 variants, each", key: shared, share: 8, to: scalarScan, bound: at(b.n, least(10), least(9)), timed: 6, search: scan(eights, usual)},
		// At radius 48 the planner must not be dearer than the scan that it could
		// have chosen, nor than that at 31, which touches less.
		{name: "plane scan at 48, one code", key: planeFar, to: plane, timed: 12, search: scan(sets, wide)},
		{name: "shared scan at 48, 8 variants", key: sharedFar, to: shared, timed: 6, search: scan(eights, wide)},
		{name: "radius 48, one code", to: planeFar, bound: at(b.n, most(1.15), most(1.15)), timed: 60, search: search{sets: sets, radius: wide}},
		{name: "radius 48, one code again", to: plane, bound: at(b.n, most(1.15), most(1.15)), timed: 60, search: search{sets: sets, radius: wide}},
		{name: "radius 48, 8 variants", to: sharedFar, bound: at(b.n, most(1.15), most(1.15)), timed: 6, search: search{sets: eights, radius: wide}},
		{name: "radius 48, 8 variants again", to: shared, bound: at(b.n, most(1.15), most(1.15)), timed: 6, search: search{sets: eights, radius: wide}},
		{name: "10 nearest, one code", to: plane, bound: far, timed: 12, search: search{sets: sets, radius: 256, nearest: 10}},
		{name: "10 nearest, 8 variants, each", share: 8, to: plane, bound: far, timed: 6, search: search{sets: eights, radius: 256, nearest: 10}},
		{name: "10 nearest, 10 within 31, one code", to: plane, bound: near, search: search{sets: hot, radius: 256, nearest: 10}},
		{name: "10 nearest, 10 within 31, 8 variants, each", share: 8, to: plane, bound: near, search: search{sets: variants(hot, len(hot)), radius: 256, nearest: 10}},
	})
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

// stress measures the planner where no index likes the data: the mean of all
// queries, and the slowest of them.
func (b *bench) stress() {
	v, c, sets := b.draw(codes.Stress)
	sets = sets[:400]
	bound := at(b.n, least(2.5), least(2.5))
	entries := []entry{{name: "one code", to: scalarScan, bound: bound, search: search{sets: sets, radius: usual}}}
	for i, set := range slowest(sets, v, 3) {
		entries = append(entries, entry{
			name: fmt.Sprintf("slowest query %d", i+1), to: scalarScan, bound: bound,
			search: search{sets: [][]hash.Code{set}, radius: usual},
		})
	}
	b.compete(string(codes.Stress), v, c, scalar(c, sets[:4], usual), entries)
}

// slowest returns the k calls that take longest.
func slowest(sets [][]hash.Code, v *radius.View, k int) [][]hash.Code {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	by := radius.NewSearcher(hamming.Best())
	took := make(map[hash.Code]time.Duration, len(sets))
	for _, set := range sets {
		s := search{sets: [][]hash.Code{set}, radius: usual}
		took[set[0]] = timed(3, runner{1, func() { s.call(by, v, set, nil) }})
	}
	sets = slices.Clone(sets)
	slices.SortFunc(sets, func(a, b []hash.Code) int { return cmp.Compare(took[b[0]], took[a[0]]) })
	return sets[:min(k, len(sets))]
}

// hostile measures what an uploader could do to an index who fills half of it:
// with one photo, asked for, or just missed so that all copies are candidates
// and none is a hit; and with a shell of codes around one code, all beyond the
// radius and all sharing parts with it.
func (b *bench) hostile() {
	b.say("hostile: drawing and building")
	c, centre := copies(b.n)
	v, _, _ := build(c, radius.Options{})
	b.attack("half copies, just missed", v, c, codes.Moved(centre, 34, 1))
	for i := 0; i < b.n; i += 2 {
		c.codes[i] = codes.Moved(centre, 32+i%10, uint64(i))
	}
	v, _, _ = build(c, radius.Options{})
	b.attack("half in a shell", v, c, centre)
}

// copies measures the query of which half of all codes are copies: whatever finds
// them, they have to be handed out.
func (b *bench) copies() {
	b.say("copies: drawing and building")
	c, centre := copies(b.n)
	v, _, _ := build(c, radius.Options{})
	b.attack("half copies, all hit", v, c, centre)
}

// copies returns codes of which every other one is the same.
func copies(n int) (c corpus, centre hash.Code) {
	c.codes = codes.Make(codes.Uniform, n, storedSeed)
	centre = c.codes[0]
	for i := 0; i < n; i += 2 {
		c.codes[i] = centre
	}
	return c, centre
}

// attack measures one query of hostile data.
func (b *bench) attack(name string, v *radius.View, c corpus, query hash.Code) {
	sets := [][]hash.Code{{query}}
	b.compete("hostile, "+name, v, c, scalar(c, sets, usual), []entry{
		{name: "one code", to: scalarScan, bound: at(b.n, least(2.5), least(2.5)), search: search{sets: sets, radius: usual}},
	})
}
