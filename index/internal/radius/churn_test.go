package radius

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// What an uploader can do: one picture again and again, or pictures that all fall
// into one bucket. A search then costs a scan and at most 0.6 of one, by the
// planner's own reckoning, and hands out no more at a time than a block's codes
// for each query.

// worst is how many times a scan a search may cost.
const worst = 1.6

// hostile are sets on which an index is of no use, or of little.
func hostile(r *rand.Rand, words bool) map[string]func(i int) hash.Code {
	same, other := anyCode(r), anyCode(r)
	first := permuted(same)
	return map[string]func(i int) hash.Code{
		"half of them one": func(i int) hash.Code {
			if i%2 == 0 {
				return same
			}
			return anyCode(r)
		},
		"one bucket": func(int) hash.Code {
			c := anyCode(r)
			if words {
				return hash.Code{c[0]&^0xffffffff | same[0]&0xffffffff}
			}
			c[0] = c[0]&^0xffffffff | first[0]&0xffffffff
			return unpermuted(hamming.Half{c[0], c[1]}, hamming.Half{c[2], c[3]})
		},
		"one bucket of every table": func(int) hash.Code {
			c := same
			c[r.IntN(4)] ^= 1 << r.IntN(64)
			return c
		},
		"two": func(i int) hash.Code { return []hash.Code{same, other}[i%2] },
	}
}

func TestHostile(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 50_000
	}
	// With 16 tables, or four, there are offsets in place of records.
	for _, o := range []Options{{}, {Tables: 16}, {Words: true, Tables: 4}} {
		r := rand.New(rand.NewPCG(21, 22))
		for name, code := range hostile(r, o.Words) {
			e := New(o).Edit()
			for i := range n {
				e.Add(uint64(i), code(i))
			}
			v := indexed(t, e.View())
			near, _ := v.Code(0)
			for _, l := range []hamming.Level{hamming.Generic, hamming.Best()} {
				s := NewSearcher(l)
				for _, radius := range []int{31, 56} {
					for _, queries := range []int{1, 9} {
						q := Query{Radius: radius, Codes: []hash.Code{near}}
						for len(q.Codes) < queries {
							c := anyCode(r)
							if len(q.Codes) == 1 {
								c = near
								c[0] ^= 1 << r.IntN(64)
							}
							q.Codes = append(q.Codes, c)
						}
						searchHostile(t, s, v, q, name)
					}
				}
			}
		}
	}
}

// indexed returns the set with one index of everything.
func indexed(t testing.TB, v *View) *View {
	t.Helper()
	j := v.forced(0, len(v.parts), len(v.blocks))
	if err := j.force(context.Background()); err != nil {
		t.Fatal(err)
	}
	e := v.Edit()
	if !e.Install(j) {
		t.Fatal("a job does not fit the view that it was made of")
	}
	return e.View()
}

// searchHostile makes one search, the result of which is compared by count.
func searchHostile(t *testing.T, s *Searcher, v *View, q Query, name string) {
	t.Helper()
	counts := map[Method]int{}
	for _, m := range []Method{Scan, Auto} {
		q.Method = m
		err := s.Within(t.Context(), v, q, func(hits []Hit) error {
			if len(hits) > blockSize*len(q.Codes) {
				t.Errorf("%s: %d hits at once for %d queries", name, len(hits), len(q.Codes))
			}
			counts[m] += len(hits)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if counts[Auto] != counts[Scan] {
		t.Errorf("%s, radius %d, %d queries: %d hits, %d by a scan", name, q.Radius, len(q.Codes), counts[Auto], counts[Scan])
	}
	codes := len(v.blocks) * blockSize
	p, c := s.Plan(), costsOf(s.level, codes)
	scan := c.scan(codes, len(q.Codes), q.Radius)
	cost := c.look * float64(p.Candidates+p.Probes)
	if p.Scanned > 0 {
		cost += c.scan(codes, p.Scanned, q.Radius)
	}
	if cost > worst*scan {
		t.Errorf("%v, %s, radius %d, %d queries: %.2f of a scan: %+v", s.level, name, q.Radius, len(q.Codes), cost/scan, p)
	}
}

// Millions of hits are handed out in pieces, so a search that finds everything
// needs no more memory than what one block gives.
func TestAllIdentical(t *testing.T) {
	const blocks, queries = 4, 24
	e := New(Options{Tables: 16}).Edit()
	for tag := range uint64(blocks * blockSize) {
		e.Add(tag, hash.Code{3})
	}
	v := indexed(t, e.View())
	for _, radius := range []int{31, 256} {
		s := NewSearcher(hamming.Best())
		q := Query{Codes: slices.Repeat([]hash.Code{{3}}, queries), Radius: radius}
		for _, q.Method = range []Method{Auto, Scan} {
			got := 0
			err := s.Within(t.Context(), v, q, func(hits []Hit) error {
				got += len(hits)
				if len(hits) > blockSize*queries {
					t.Errorf("radius %d: %d hits at once", radius, len(hits))
				}
				return nil
			})
			if err != nil || got != v.Len()*queries {
				t.Errorf("radius %d, method %d: %d hits, %v", radius, q.Method, got, err)
			}
		}
		if n, most := cap(s.hits), 2*blockSize*queries; n > most {
			t.Errorf("radius %d: room for %d hits was made, %d would do", radius, n, most)
		}
	}
}

// churn changes a set for a long time.
type churn struct {
	*testing.T
	r    *rand.Rand
	view *View
	tags []uint64 // living, ascending but for the first-in-first-out kind
	next uint64
	peak int64 // of Stats.Bytes, after jobs
}

func newChurn(t *testing.T, o Options, n int) *churn {
	c := &churn{T: t, r: rand.New(rand.NewPCG(31, 32)), view: New(o)}
	e := c.view.Edit()
	for range n {
		c.add(e)
	}
	c.view = e.View()
	c.jobs()
	return c
}

func (c *churn) add(e *Edit) {
	e.Add(c.next, anyCode(c.r))
	c.tags = append(c.tags, c.next)
	c.next++
}

// pairs adds and removes n codes; pick says which of those that live goes.
func (c *churn) pairs(n int, pick func(living int) int) {
	const atOnce = 500
	for done := 0; done < n; {
		e := c.view.Edit()
		for range atOnce {
			i := pick(len(c.tags))
			if !e.Remove(c.tags[i]) {
				c.Fatalf("%d is not there", c.tags[i])
			}
			if i > 0 {
				c.tags[i] = c.tags[len(c.tags)-1]
				c.tags = c.tags[:len(c.tags)-1]
			} else {
				c.tags = c.tags[1:]
			}
			c.add(e)
			done++
		}
		c.view = e.View()
		if done%(10*atOnce) == 0 {
			c.jobs()
		}
	}
}

// jobs does what is due.
func (c *churn) jobs() {
	for j := c.view.Due(); j != nil; j = c.view.Due() {
		c.do(j)
	}
	c.peak = max(c.peak, c.view.Stats().Bytes)
}

func (c *churn) do(j *Job) {
	if err := j.Run(c.Context()); err != nil {
		c.Fatal(err)
	}
	e := c.view.Edit()
	if !e.Install(j) {
		c.Fatal("a job does not fit the view that it was made of")
	}
	c.view = e.View()
}

// settled indexes everything anew, so that two sets of equal size lie alike in
// memory, and returns what they take.
func (c *churn) settled() Stats {
	c.do(c.view.forced(0, len(c.view.parts), len(c.view.blocks)))
	return c.view.Stats()
}

func TestChurn(t *testing.T) {
	population, pairs := 70_000, 300_000
	if testing.Short() {
		pairs = 60_000
	}
	for _, o := range []Options{{Tables: 16}, {Words: true}} {
		c := newChurn(t, o, population)
		start := c.settled()
		c.peak = 0
		c.pairs(pairs, c.r.IntN)
		c.jobs()
		before := c.view.Stats()
		indexed := 0
		for _, n := range before.Parts {
			indexed += n
		}
		// Of each part one in 32 may be dead, of each block of the tail the half.
		if before.Codes != population || before.Dead > indexed/dueDead+before.Tail/2 {
			t.Errorf("%+v: after %d pairs: %+v", o, pairs, before)
		}
		end := c.settled()
		t.Logf("%+v: %d bytes, at most %d, then %d", o, start.Bytes, c.peak, end.Bytes)
		if end.Dead != 0 || end.Tail != start.Tail || 100*end.Bytes > 105*start.Bytes {
			t.Errorf("%+v: %+v at the start, %+v after %d pairs", o, start, end, pairs)
		}
		if 4*c.peak > 6*start.Bytes {
			t.Errorf("%+v: at most %d bytes, %d at the start", o, c.peak, start.Bytes)
		}
		all := slices.Clone(c.tags)
		slices.Sort(all)
		if got := c.view.Tags(nil, 0, c.next); !slices.Equal(got, all) {
			t.Errorf("%+v: %d tags, want %d", o, len(got), len(all))
		}
	}
}

// heap is the memory that is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A store of fixed size from which the oldest go lets its blocks go one by one.
// What they lay in together must not stay for the sake of those that are left:
// what Stats says is what is held.
func TestOldestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a large set")
	}
	const population = 24 * blockSize
	before := heap()
	c := newChurn(t, Options{Tables: 16}, population)
	c.settled()
	c.pairs(population*5/6, func(int) int { return 0 })
	c.jobs()
	s := c.view.Stats()
	c.tags = nil
	held := heap() - before
	t.Logf("%d bytes are held, %+v", held, s)
	if 100*held > 110*s.Bytes {
		t.Errorf("%d bytes are held, %d are said to be: %+v", held, s.Bytes, s)
	}
	runtime.KeepAlive(c)
}

// Tags that lie far apart need blocks of their own, into which more codes would
// fit. That is no reason to pack them again and again.
func TestFarTags(t *testing.T) {
	e := New(Options{}).Edit()
	for i := range uint64(6) {
		e.Add(i<<32, hash.Code{i})
	}
	v := e.View()
	for range 3 {
		j := v.Due()
		if j == nil {
			return
		}
		if err := j.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := v.Edit()
		if !e.Install(j) {
			t.Fatal("a job does not fit the view that it was made of")
		}
		v = e.View()
	}
	t.Errorf("jobs are due for ever: %+v", v.Stats())
}

// A file that was cut off, or in which a head is not what it was, is an error and
// no panic, and never makes Read ask for more memory than the file has.
func TestReadDamaged(t *testing.T) {
	if !CanWrite() {
		t.Skip("no files on this machine")
	}
	r := rand.New(rand.NewPCG(41, 42))
	for _, o := range []Options{{Tables: 16}, {Words: true, Tables: 4}} {
		e := indexed(t, filled(r, o, 300)).Edit()
		e.Remove(5)
		e.Add(1000, hash.Code{1})
		var file bytes.Buffer
		n, err := e.View().WriteTo(&file)
		if err != nil {
			t.Fatal(err)
		}
		all := file.Bytes()
		read := func(b []byte) (*View, error) { return Read(bytes.NewReader(b), int64(len(b)), o) }
		if v, err := read(all); err != nil || v.Len() != 300 {
			t.Fatalf("%+v: %v", o, err)
		}
		for cut := 0; cut < len(all); cut += 1 + min(cut, len(all)-cut-1)/16 {
			if _, err := read(all[:cut]); err == nil {
				t.Fatalf("%+v: %d bytes of %d were read", o, cut, n)
			}
			if _, err := Read(bytes.NewReader(all), int64(cut), o); err == nil {
				t.Fatalf("%+v: %d bytes of %d were read, %d allowed", o, n, n, cut)
			}
			if _, err := Read(io.LimitReader(bytes.NewReader(all), int64(cut)), n, o); err == nil {
				t.Fatalf("%+v: %d bytes of %d were read", o, cut, n)
			}
		}
		if _, err := Read(bytes.NewReader(all), n, Options{Words: !o.Words}); err == nil {
			t.Errorf("%+v: read as if it had other codes", o)
		}
		readHeads(t, all, o)
	}
}

// readHeads changes the heads of a file: first each bit of the set's 24 bytes, all
// of which count but padding and those of a truth value, then one of each byte of
// the blocks', parts' and tables', in which a change may go unnoticed.
func readHeads(t *testing.T, all []byte, o Options) {
	t.Helper()
	const set, others = 24, 200
	bad := map[string]int{}
	for bit := range 8 * (set + others) {
		if bit >= 8*set && bit%8 != bit/8%8 {
			continue
		}
		b := slices.Clone(all)
		b[bit/8] ^= 1 << (bit % 8)
		n, err := readOrPanic(b, o)
		padding := bit/8 >= 12 && bit/8 < 16 && bit != 8*12
		switch {
		case errors.Is(err, errPanic):
			bad[fmt.Sprintf("byte %d of the head was changed: %v", bit/8, err)]++
		case err == nil && bit < 8*set && !padding:
			bad[fmt.Sprintf("byte %d of the head was changed and %d codes read", bit/8, n)]++
		}
	}
	for what, n := range bad {
		t.Errorf("%+v: %d times: %s", o, n, what)
	}
}

var errPanic = errors.New("panic")

// readOrPanic returns the number of codes that were read.
func readOrPanic(b []byte, o Options) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	v, err := Read(bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		return 0, err
	}
	return v.Len(), nil
}

// Two jobs of the same view: the first that is installed makes the other useless,
// even where it leaves the blocks as they were, as it does if they lie well.
func TestTwoJobs(t *testing.T) {
	const blocks = 17
	v := filled(rand.New(rand.NewPCG(61, 62)), Options{Words: true, Tables: 4}, blocks*blockSize)
	j := v.forced(0, 0, blocks)
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := v.Edit()
	if !e.Install(j) || len(e.View().parts) > 0 {
		t.Fatal("the blocks were to be packed, without an index")
	}
	v = e.View()
	first, second := v.forced(0, 0, blocks), v.forced(0, 0, blocks)
	for _, j := range []*Job{first, second} {
		if err := j.force(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	e = v.Edit()
	if !e.Install(first) {
		t.Fatal("a job does not fit the view that it was made of")
	}
	if e.Install(second) {
		t.Errorf("two indexes of the same blocks: %+v", e.View().Stats())
	}
}
