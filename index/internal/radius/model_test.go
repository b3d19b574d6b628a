package radius

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// A set is compared with a model: a list of tags and codes, searched by a loop
// that shares nothing with the package. What is done to both is told by a script,
// a string of bytes, so that the same machine serves random tests and fuzzing,
// and a script that fails can be shortened by leaving out steps.
//
// A script begins with two bytes, the options and the kind of codes. Each step
// has four: what is done, how, and how many or within what radius. All else
// (which codes, which tags) comes from a generator seeded by the step.

// kept is a view and what it held when it was made.
type kept struct {
	view *View
	held mirror
}

// pending is a job that is not yet installed.
type pending struct {
	job  *Job
	tail bool // it takes blocks of the tail,
	last bool // the last among them
	fits bool // nothing has happened that would make it unfit
}

// trial is a set, its model and its past.
type trial struct {
	view      *View
	model     mirror
	next      uint64 // tag
	jumps     int    // far gaps between tags that are left
	most      int    // codes
	parity    int    // of all codes, or mixed
	past      []kept
	jobs      []pending
	searchers []*Searcher
	done      tally
}

// tally counts what was compared.
type tally struct {
	searches int // each by all methods
	auto     int // those in which the planner took an index
	index    int // those in which there was one
	mixed    int // in which some blocks were scanned and others not
	joined   int // jobs installed
	refused  int // jobs that did not fit any more
}

func (a *tally) add(b tally) {
	a.searches += b.searches
	a.auto += b.auto
	a.index += b.index
	a.mixed += b.mixed
	a.joined += b.joined
	a.refused += b.refused
}

// trouble is a difference between the set and the model.
type trouble string

func troublef(format string, args ...any) { panic(trouble(fmt.Sprintf(format, args...))) }

// available are searchers of all levels that this machine runs.
func available() (all []*Searcher) {
	for _, l := range []hamming.Level{hamming.Generic, hamming.AVX2, hamming.AVX512} {
		if l.Available() {
			all = append(all, NewSearcher(l))
		}
	}
	return all
}

const (
	headBytes = 2
	stepBytes = 4
)

// play does what a script says, and returns what was compared and the first
// difference.
func play(script []byte, searchers []*Searcher) (done tally, err error) {
	if len(script) < headBytes {
		return done, nil
	}
	t := &trial{searchers: searchers, jumps: 4}
	t.begin(script[0], script[1])
	defer func() {
		done = t.done
		switch r := recover().(type) {
		case nil:
		case trouble:
			err = fmt.Errorf("%s", string(r))
		default:
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	for i := headBytes; i+stepBytes <= len(script); i += stepBytes {
		s := script[i : i+stepBytes]
		t.step(s[0], s[1], binary.LittleEndian.Uint16(s[2:]), uint64(i))
	}
	return
}

func (t *trial) begin(options, kind byte) {
	// Few tables are gigabytes, or nearly: they are rare.
	tables := [...]int{16, 16, 16, 16, 15, 16, 14, 13}
	o := Options{Words: options&1 != 0, Tables: tables[options>>1&7]}
	if o.Words {
		o.Tables = 4
		if options>>1&7 == 7 {
			o.Tables = 3
		}
	}
	t.view, t.model.words = New(o), o.Words
	t.most = [...]int{5000, 700, 64, 5000}[options>>4&3]
	t.next = [...]uint64{0, 1, 1 << 40, 1 << 63}[options>>6&3]
	t.parity = [...]int{mixed, 0, 1, mixed}[kind&3]
}

// The steps. A script has more of those that are listed more than once.
const (
	stepAdd = iota
	stepQuery
	stepQuery2
	stepRemove
	stepForce
	stepStart
	stepInstall
	stepForget
	stepNearest
	stepReopen
	stepDue
	stepPast
	steps
)

func (t *trial) step(what, how byte, n uint16, at uint64) {
	r := rand.New(rand.NewPCG(uint64(what)<<32|uint64(how)<<16|uint64(n), at))
	switch what % steps {
	case stepAdd:
		t.keep(r)
		e := t.view.Edit()
		t.add(r, e, how, int(n))
		t.view = e.View()
	case stepQuery, stepQuery2:
		t.query(r, t.view, &t.model, how, int(n)%257)
	case stepRemove:
		t.keep(r)
		e := t.view.Edit()
		t.remove(r, e, how, int(n))
		t.view = e.View()
	case stepForce:
		p := t.start(r)
		t.install(r, p)
	case stepStart:
		t.jobs = append(t.jobs, t.start(r))
	case stepInstall:
		if len(t.jobs) > 0 {
			i := r.IntN(len(t.jobs))
			t.install(r, t.jobs[i])
			if how&1 == 0 {
				t.jobs = slices.Delete(t.jobs, i, i+1)
			}
		}
	case stepForget:
		t.forget(r, how)
	case stepNearest:
		t.nearest(r, how, int(n)%257)
	case stepReopen:
		t.reopen(how)
	case stepDue:
		t.due(r)
	case stepPast:
		if len(t.past) > 0 {
			p := t.past[r.IntN(len(t.past))]
			t.compare(p.view, &p.held)
			t.query(r, p.view, &p.held, how, int(n)%257)
		}
	}
	t.compare(t.view, &t.model)
}

// keep remembers the set as it is, at times.
func (t *trial) keep(r *rand.Rand) {
	if r.IntN(3) != 0 {
		return
	}
	t.past = append(t.past, kept{t.view, t.model.clone()})
	if len(t.past) > 3 {
		t.past = t.past[1:]
	}
}

// add adds a burst of codes of one kind.
func (t *trial) add(r *rand.Rand, e *Edit, how byte, n int) {
	n = min(1+n%t.most, t.most-len(t.model.tags))
	code := t.kind(r, how)
	for i := range n {
		if t.jumps > 0 && r.IntN(200) == 0 {
			t.jumps--
			t.next += [...]uint64{1<<31 - 1, 1<<32 - 2, 1<<32 - 1, 1 << 32, 1 << 41}[r.IntN(5)]
		}
		c := code()
		if !t.model.words && t.parity != mixed && parity(c) != t.parity {
			c[r.IntN(4)] ^= 1 << r.IntN(64)
		}
		e.Add(t.next, c)
		t.model.add(t.next, c)
		t.next += 1 + uint64(r.IntN(4))
		if i == n/2 && how&0x80 != 0 {
			t.view = e.View() // and the edit goes on
		}
	}
	for i := range t.jobs {
		t.jobs[i].fits = t.jobs[i].fits && (n <= 0 || !t.jobs[i].last)
	}
}

// remove removes some codes, and asks for some that are not there.
func (t *trial) remove(r *rand.Rand, e *Edit, how byte, n int) {
	all := len(t.model.tags)
	n = min(1+n%t.most, all)
	from := 0
	switch how & 0x7f % 6 {
	case 0: // the newest
		from = all - n
	case 1: // a run
		from = r.IntN(all - n + 1)
	case 2:
		n = all
	case 3: // the oldest
	default: // at random
		n = n/3 + 1
		for range n {
			tag := r.Uint64N(t.next + 2)
			if all > 0 && r.IntN(8) != 0 {
				tag = t.model.tags[r.IntN(len(t.model.tags))] + uint64(r.IntN(8)/7)
			}
			t.removeOne(e, tag)
			if all = len(t.model.tags); all == 0 {
				break
			}
		}
		n = 0
	}
	for i, tag := range slices.Clone(t.model.tags[from : from+n]) {
		t.removeOne(e, tag)
		t.removeOne(e, tag)
		if i == n/2 && how&0x80 != 0 {
			t.view = e.View()
		}
	}
	for i := range t.jobs {
		t.jobs[i].fits = t.jobs[i].fits && !t.jobs[i].tail
	}
}

func (t *trial) removeOne(e *Edit, tag uint64) {
	want := t.model.remove(tag)
	if got := e.Remove(tag); got != want {
		troublef("removing %d: got %v, want %v", tag, got, want)
	}
}

// start runs a job over some of the parts and of the tail.
func (t *trial) start(r *rand.Rand) pending {
	v := t.view
	parts := len(v.parts)
	first := r.IntN(parts + 1)
	joined := r.IntN(parts - first + 1)
	tail := 0
	if first+joined == parts {
		tail = r.IntN(len(v.blocks) - v.tail() + 1)
		if r.IntN(2) == 0 {
			tail = len(v.blocks) // all of it
		}
	}
	j := v.forced(first, joined, tail)
	if err := j.force(context.Background()); err != nil {
		troublef("a job failed: %v", err)
	}
	end := j.first + len(j.old)
	return pending{j, end > v.tail(), end == len(v.blocks), true}
}

// install puts a job into place, at times among other changes of one edit.
func (t *trial) install(r *rand.Rand, p pending) {
	e := t.view.Edit()
	some := func() {
		if r.IntN(2) == 0 {
			t.add(r, e, byte(r.IntN(0x80)), r.IntN(50))
		} else {
			t.remove(r, e, byte(r.IntN(0x80)), 1<<r.IntN(12))
		}
	}
	if r.IntN(8) == 0 {
		some()
		p.fits = false
	}
	ok := e.Install(p.job)
	if p.fits && !ok {
		troublef("a job does not fit: blocks %d to %d, parts %d to %d", p.job.first, p.job.first+len(p.job.old), p.job.parts, p.job.parts+p.job.joined)
	}
	t.done.refused++
	if ok {
		t.done.refused--
		t.done.joined++
		for i := range t.jobs {
			t.jobs[i].fits = false
		}
	}
	for r.IntN(3) == 0 {
		some()
	}
	t.view = e.View()
}

// forget makes an edit and throws it away.
func (t *trial) forget(r *rand.Rand, how byte) {
	e := t.view.Edit()
	was, next, jobs := t.model.clone(), t.next, slices.Clone(t.jobs)
	view := t.view
	for k := range 3 {
		switch (int(how) + k) % 3 {
		case 0:
			t.add(r, e, how, r.IntN(100))
		case 1:
			t.remove(r, e, how&0x7f, r.IntN(100))
		case 2:
			if len(t.jobs) > 0 {
				e.Install(t.jobs[r.IntN(len(t.jobs))].job)
			}
		}
	}
	if how&0x40 != 0 {
		m := t.model
		t.compare(e.View(), &m)
		t.query(r, e.View(), &m, 1, r.IntN(64))
	}
	t.model, t.next, t.jobs, t.view = was, next, jobs, view
}

// reopen reads the set from a file of it, or makes it anew from its codes. Jobs
// that were begun before do not fit what comes of it.
func (t *trial) reopen(how byte) {
	was := t.view
	o := Options{Words: was.shape.Words, Tables: was.shape.Tables}
	if how&1 == 0 || !CanWrite() {
		e := New(o).Edit()
		for _, tag := range was.Tags(nil, 0, ^uint64(0)) {
			c, _ := was.Code(tag)
			e.Add(tag, c)
		}
		t.view = e.View()
	} else {
		var file bytes.Buffer
		n, err := was.WriteTo(&file)
		if err != nil || n != int64(file.Len()) {
			troublef("wrote %d bytes of %d, %v", n, file.Len(), err)
		}
		if t.view, err = Read(&file, n, o); err != nil || file.Len() != 0 {
			troublef("read all but %d bytes of %d, %v", file.Len(), n, err)
		}
		a, b := was.Stats(), t.view.Stats()
		if a.Bytes, b.Bytes = 0, 0; !reflect.DeepEqual(a, b) {
			troublef("%+v were written, %+v read", a, b)
		}
	}
	for i, p := range t.jobs {
		t.jobs[i].fits = false
		if e := t.view.Edit(); e.Install(p.job) && len(p.job.old) > 0 {
			troublef("a job of another set fits: blocks %d to %d", p.job.first, p.job.first+len(p.job.old))
		}
	}
}

// due does what the set itself asks for.
func (t *trial) due(r *rand.Rand) {
	for n := 0; ; n++ {
		j := t.view.Due()
		if j == nil {
			return
		}
		if n > 20 {
			troublef("jobs are due for ever: %+v", t.view.Stats())
		}
		if err := j.Run(context.Background()); err != nil {
			troublef("a job failed: %v", err)
		}
		t.install(r, pending{job: j, fits: true})
	}
}

// compare compares all that can be asked without a search.
func (t *trial) compare(v *View, m *mirror) {
	s := v.Stats()
	indexed := 0
	for _, n := range s.Parts {
		indexed += n
	}
	if v.Len() != len(m.tags) || s.Codes != len(m.tags) || s.Dead < 0 || s.Dead+s.Codes != indexed+s.Tail {
		troublef("%d codes, %+v; want %d", v.Len(), s, len(m.tags))
	}
	if got := v.Tags(nil, 0, ^uint64(0)); !slices.Equal(got, m.tags) {
		troublef("tags %v, want %v", got, m.tags)
	}
	for i := 0; i < len(m.tags); i += 1 + len(m.tags)/7 {
		tag := m.tags[i]
		if c, ok := v.Code(tag); !ok || c != m.codes[i] {
			troublef("code of %d: %v, %v, want %v", tag, c, ok, m.codes[i])
		}
		if _, ok := v.Code(tag + 1); ok != (i+1 < len(m.tags) && m.tags[i+1] == tag+1) {
			troublef("code of %d: %v", tag+1, ok)
		}
		to := tag + uint64(i)
		end, _ := slices.BinarySearch(m.tags, to)
		if got := v.Tags(nil, tag, to); !slices.Equal(got, m.tags[i:end]) {
			troublef("tags from %d to %d: %v, want %v", tag, to, got, m.tags[i:end])
		}
	}
}

// question makes a query.
func (t *trial) question(r *rand.Rand, m *mirror, how byte, radius int) Query {
	q := Query{Radius: radius}
	for range [...]int{1, 1, 2, 7, 8, 9, 24, 1}[how&7] {
		c := anyCode(r)
		switch k := r.IntN(10); {
		case k == 0:
			c = hash.Code{}
		case k == 1:
			c = hash.Code{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		case k < 8 && len(m.codes) > 0:
			// As far as the radius reaches, or a bit less or more.
			c = t.flipped(r, m.codes[r.IntN(len(m.codes))], max(0, radius+r.IntN(4)-2))
		case k == 8 && len(m.codes) > 0:
			c = m.codes[r.IntN(len(m.codes))]
		}
		if m.words {
			c[1+r.IntN(3)] ^= r.Uint64() // does not count
		}
		q.Codes = append(q.Codes, c)
	}
	if how&8 != 0 && len(m.tags) > 0 {
		q.From = m.tags[r.IntN(len(m.tags))] + uint64(r.IntN(2))
	}
	return q
}

// query searches by all methods.
func (t *trial) query(r *rand.Rand, v *View, m *mirror, how byte, radius int) {
	q := t.question(r, m, how, radius)
	want := m.within(q)
	s := t.searchers[r.IntN(len(t.searchers))]
	for q.Method = Auto; q.Method <= Plain; q.Method++ {
		var got []Hit
		err := s.Within(context.Background(), v, q, func(hits []Hit) error {
			if len(hits) == 0 || q.Method != Index && len(hits) > blockSize*len(q.Codes) {
				troublef("%d hits at once", len(hits))
			}
			got = append(got, hits...)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			troublef("%v, method %d, radius %d, %d query codes from %d among %d codes, %+v: %d hits, %v; want %d; %s",
				s.level, q.Method, radius, len(q.Codes), q.From, len(m.tags), v.Stats(), len(got), err, len(want), difference(got, want))
		}
		t.planned(s.Plan(), q.Method)
	}
	t.done.searches++
}

// planned checks what Plan says against the method that was asked for.
func (t *trial) planned(p Plan, m Method) {
	switch {
	case m == Auto && p.Indexed > 0:
		t.done.auto++
	case m == Index && p.Indexed > 0:
		t.done.index++
		if p.Scanned > 0 {
			t.done.mixed++
		}
	case (m == Scan || m == Plain) && (p.Indexed > 0 || p.Probes > 0 || p.Candidates > 0):
		troublef("a scan that looks at an index: %+v", p)
	}
}

func (t *trial) nearest(r *rand.Rand, how byte, radius int) {
	q := t.question(r, &t.model, how, radius)
	if how&0x10 != 0 {
		q.Method = Plain
	}
	var accept func(uint64) bool
	if how&0x20 != 0 {
		some := r.Uint64()
		accept = func(tag uint64) bool { return (tag*0x9e3779b97f4a7c15^some)>>61 < 3 }
	}
	k := 1 + r.IntN(30)
	want := t.model.nearest(q, k, accept)
	s := t.searchers[r.IntN(len(t.searchers))]
	got, err := s.Nearest(context.Background(), t.view, q, k, accept)
	if err != nil || !slices.Equal(got, want) {
		troublef("%v, the %d nearest of %d query codes within %d from %d, accept %v, method %d, among %d codes, %+v: %d hits, %v; want %d; %s",
			s.level, k, len(q.Codes), radius, q.From, accept != nil, q.Method, t.view.Len(), t.view.Stats(), len(got), err, len(want), difference(got, want))
	}
	t.done.searches++
}

// wantCases is the number of searches that are compared with the model.
const wantCases = 10_000

func TestModel(t *testing.T) {
	n := wantCases
	if testing.Short() {
		n /= 10
	}
	const shards = 4
	for shard := range uint64(shards) {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			searchers := available()
			radius := int(shard) * 257 / shards
			var all tally
			scripts := uint64(0)
			for ; all.searches < n/shards+1; scripts++ {
				s := script(rand.New(rand.NewPCG(shard, scripts)), &radius)
				done, err := play(s, searchers)
				if err != nil {
					s = shortened(s, searchers)
					_, err := play(s, searchers)
					t.Fatalf("script %d: %v\n%x", scripts, err, s)
				}
				all.add(done)
			}
			t.Logf("%d scripts, %+v", scripts, all)
			if all.auto < n/100 || all.index < n/50 || all.mixed < n/200 || all.joined < n/50 || all.refused < n/500 {
				t.Errorf("hardly anything was tried: %+v", all)
			}
		})
	}
}

// TestTables searches by as few tables as there may be, and by as many. Few are
// wide, and take hundreds of megabytes however few codes they hold.
func TestTables(t *testing.T) {
	least := 11
	if testing.Short() {
		least = 13
	}
	r := rand.New(rand.NewPCG(51, 52))
	for tables := least; tables <= 16; tables++ {
		v := filled(r, Options{Tables: tables}, 2000)
		equalSearches(t, r, v, indexed(t, v))
	}
	for tables := 3; tables <= 4; tables++ {
		v := filled(r, Options{Words: true, Tables: tables}, 2000)
		equalSearches(t, r, v, indexed(t, v))
	}
}
