package radius

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// published is what readers see: a view, and what it holds.
type published struct{ kept }

// TestConcurrent lets readers search new and old views while one writer adds and
// removes, and jobs run beside it and are installed. Each reader knows what its
// view holds. Under the race detector it shows that what is shared is not
// written.
func TestConcurrent(t *testing.T) {
	for _, o := range []Options{{Tables: 16}, {Words: true, Tables: 4}} {
		w := &writer{r: rand.New(rand.NewPCG(5, 5)), done: make(chan struct{})}
		w.trial = &trial{view: New(o), model: mirror{words: o.Words}, most: 1500, parity: mixed, jumps: 2}
		w.publish()
		edits := 300
		if testing.Short() {
			edits = 60
		}
		var wait sync.WaitGroup
		work, results := make(chan *Job), make(chan *Job, 1)
		wait.Go(func() {
			defer close(results)
			for j := range work {
				if err := j.force(context.Background()); err != nil {
					t.Error(err)
				}
				results <- j
			}
		})
		var searched atomic.Int64
		for k := range uint64(2) {
			wait.Go(func() { searched.Add(int64(w.read(t, rand.New(rand.NewPCG(6, k))))) })
		}
		w.write(t, edits, work, results)
		close(w.done)
		close(work)
		wait.Wait()
		t.Logf("%+v: %d edits, %d jobs installed, %d did not fit, %d searches", o, edits, w.installed, w.refused, searched.Load())
		if w.installed < edits/16 || searched.Load() == 0 {
			t.Error("hardly anything was tried")
		}
	}
}

// writer changes a set and publishes it.
type writer struct {
	*trial
	r                  *rand.Rand
	now                atomic.Pointer[published]
	done               chan struct{}
	installed, refused int
}

func (w *writer) publish() {
	w.now.Store(&published{kept{w.view, w.model.clone()}})
}

// write makes a number of edits. There is one job at a time, as in an index, and
// a few edits beside each. A job takes the last block too, so that codes which
// are added meanwhile make it useless: beside every other there are only removals.
func (w *writer) write(t *testing.T, edits int, work chan<- *Job, results <-chan *Job) {
	const beside = 4
	for n := range edits {
		if n%beside == 0 {
			if n > 0 {
				w.took(<-results)
			}
			parts, v := len(w.view.parts), w.view
			first := w.r.IntN(parts + 1)
			work <- v.forced(first, parts-first, len(v.blocks))
		}
		e := w.view.Edit()
		if w.r.IntN(3) != 0 && n/beside%2 == 0 {
			w.add(w.r, e, byte(w.r.Uint32())&0x7f, w.r.IntN(200))
		} else {
			w.remove(w.r, e, byte([]int{0, 1, 3, 4, 5}[w.r.IntN(5)]), w.r.IntN(30))
		}
		w.view = e.View()
		w.publish()
	}
	w.took(<-results)
}

// took installs a job.
func (w *writer) took(j *Job) {
	e := w.view.Edit()
	if e.Install(j) {
		w.installed++
	} else {
		w.refused++
	}
	w.view = e.View()
	w.publish()
}

// read searches until the writer is done, and returns how often. It goes back to
// the view that it began with and to one of some time ago.
func (w *writer) read(t *testing.T, r *rand.Rand) (searches int) {
	s := NewSearcher(hamming.Best())
	views := []*published{w.now.Load()}
	for {
		select {
		case <-w.done:
			return searches
		default:
		}
		p := w.now.Load()
		if len(views) < 4 {
			views = append(views, p)
		} else {
			views[1+r.IntN(3)] = p
		}
		if r.IntN(3) == 0 {
			p = views[r.IntN(len(views))]
		}
		if !searchedWell(t, r, s, p) {
			return searches
		}
		searches++
	}
}

// searchedWell compares one search with what the view should hold.
func searchedWell(t *testing.T, r *rand.Rand, s *Searcher, p *published) bool {
	q := Query{Radius: r.IntN(60), Method: Method(r.IntN(int(Plain) + 1))}
	for range []int{1, 2, 9}[r.IntN(3)] {
		c := anyCode(r)
		if n := len(p.held.codes); n > 0 {
			c = p.held.codes[r.IntN(n)]
			c[0] ^= 1 << r.IntN(64)
		}
		q.Codes = append(q.Codes, c)
	}
	want := p.held.within(q)
	if got := hitsOf(t, s, p.view, q); !slices.Equal(got, want) {
		t.Errorf("method %d, radius %d: %d hits, want %d; %s", q.Method, q.Radius, len(got), len(want), difference(got, want))
		return false
	}
	near, err := s.Nearest(context.Background(), p.view, q, 5, nil)
	if want := p.held.nearest(q, 5, nil); err != nil || !slices.Equal(near, want) {
		t.Errorf("nearest, radius %d: %v, want %v, %v", q.Radius, near, want, err)
		return false
	}
	if n := len(p.held.tags); n > 0 {
		i := r.IntN(n)
		if c, ok := p.view.Code(p.held.tags[i]); !ok || c != p.held.codes[i] {
			t.Errorf("code of %d: %v, %v, want %v", p.held.tags[i], c, ok, p.held.codes[i])
			return false
		}
	}
	return true
}

// A search of the same codes by many goroutines makes what all share (the masks
// of the tables) while others look for it.
func TestFirstSearches(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	v := indexed(t, filled(r, Options{Tables: 16}, 500))
	c, _ := v.Code(77)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			s := NewSearcher(hamming.Best())
			for radius := range 80 {
				q := Query{Codes: []hash.Code{c}, Radius: radius, Method: Scan}
				want := hitsOf(t, s, v, q)
				q.Method = Index
				if got := hitsOf(t, s, v, q); !slices.Equal(got, want) {
					t.Errorf("radius %d: %s", radius, difference(got, want))
				}
			}
		})
	}
	wait.Wait()
}
