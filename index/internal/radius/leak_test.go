package radius

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is a context that ends when it is asked for the n-th time. So how
// promptly something ends can be told without a clock.
type patience struct {
	context.Context
	left  atomic.Int64
	after atomic.Int64 // times that it was asked when it had ended
}

func newPatience(t *testing.T, n int) *patience {
	p := &patience{Context: t.Context()}
	p.left.Store(int64(n))
	return p
}

func (p *patience) Err() error {
	if p.left.Add(-1) >= 0 {
		return nil
	}
	p.after.Add(1)
	return context.Canceled
}

// filled is a set of n random codes under tags 0, 1, 2, ...
func filled(r *rand.Rand, o Options, n int) *View {
	e := New(o).Edit()
	for tag := range uint64(n) {
		e.Add(tag, anyCode(r))
	}
	return e.View()
}

// A job that is told to end begins no other block, leaves no goroutine behind,
// and can be run again.
func TestRunCancelled(t *testing.T) {
	for _, o := range []Options{{Tables: 16}, {Words: true, Tables: 4}} {
		r := rand.New(rand.NewPCG(7, 7))
		v := filled(r, o, 3000)
		for n := range o.Tables {
			before := goleak.IgnoreCurrent()
			j := v.forced(0, 0, 1)
			ctx := newPatience(t, n)
			if err := j.force(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("%+v, ended at check %d: %v", o, n, err)
			}
			goleak.VerifyNone(t, before)
			// Each goroutine looks once more, and so does who waits for them.
			if n := ctx.after.Load(); n > 5 {
				t.Errorf("%+v: went on after the end, %d checks", o, n)
			}
			if err := j.force(t.Context()); err != nil {
				t.Fatal(err)
			}
			e := v.Edit()
			if !e.Install(j) {
				t.Fatalf("%+v: does not fit when it was run again", o)
			}
			equalSearches(t, r, v, e.View())
		}
	}
}

// equalSearches compares two sets, of which the second has an index.
func equalSearches(t *testing.T, r *rand.Rand, a, b *View) {
	t.Helper()
	s := NewSearcher(hamming.Generic)
	tags := a.Tags(nil, 0, ^uint64(0))
	q := Query{}
	for range 3 {
		c, _ := a.Code(tags[r.IntN(len(tags))])
		c[0] ^= 1<<r.IntN(32) | 1<<(32+r.IntN(32))
		q.Codes = append(q.Codes, c)
	}
	for _, q.Radius = range []int{2, 12} {
		q.Method = Plain
		want := hitsOf(t, s, a, q)
		q.Method = Index
		if got := hitsOf(t, s, b, q); len(want) < len(q.Codes) || !slices.Equal(got, want) {
			t.Fatalf("radius %d, %+v: %d hits, want %d; %s", q.Radius, b.Stats(), len(got), len(want), difference(got, want))
		}
		if s.Plan().Indexed == 0 {
			t.Fatalf("no index was looked at: %+v", s.Plan())
		}
	}
}

func hitsOf(t testing.TB, s *Searcher, v *View, q Query) (hits []Hit) {
	t.Helper()
	err := s.Within(context.Background(), v, q, func(h []Hit) error {
		hits = append(hits, h...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// A job that was not run, or not to its end, has nothing to put into place of the
// codes that are there.
func TestInstallNeedsRun(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	v := filled(r, Options{}, 5*blockSize)
	for _, ended := range []bool{false, true} {
		j := v.Due()
		if ended {
			if err := j.Run(newPatience(t, 3)); !errors.Is(err, context.Canceled) {
				t.Fatalf("err %v", err)
			}
		}
		e := v.Edit()
		installed := e.Install(j)
		if _, ok := e.View().Code(7); !ok {
			t.Errorf("begun %v: the codes are gone, installed %v, %d said to live", ended, installed, e.View().Len())
		} else if installed {
			t.Errorf("begun %v: a job without result was installed", ended)
		}
	}
}

// Searches end with the first error of the context or of the caller.
func TestSearchEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	v := indexed(t, filled(r, Options{Tables: 16}, 3*blockSize))
	s := NewSearcher(hamming.Best())
	q := Query{Codes: []hash.Code{{}, {1}}, Radius: 256}
	mine := errors.New("enough")
	for q.Method = Auto; q.Method <= Plain; q.Method++ {
		calls := 0
		err := s.Within(t.Context(), v, q, func([]Hit) error { calls++; return mine })
		if !errors.Is(err, mine) || calls != 1 {
			t.Errorf("method %d: %v after %d calls", q.Method, err, calls)
		}
		for n := range 3 {
			ctx := newPatience(t, n)
			calls = 0
			err := s.Within(ctx, v, q, func([]Hit) error { calls++; return nil })
			if !errors.Is(err, context.Canceled) || calls > n {
				t.Errorf("method %d, ended at check %d: %v after %d calls", q.Method, n, err, calls)
			}
			if _, err := s.Nearest(newPatience(t, n), v, q, 3, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("method %d, ended at check %d: nearest: %v", q.Method, n, err)
			}
		}
	}
}
