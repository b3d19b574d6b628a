package index

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// enough is a number of references of which a part gets an index.
const enough = 36_000

// crowd makes n references of bank fakes. One in ten is a copy of one of five
// photos, with some bits flipped; one in ten has a code, the others two.
func crowd(n int) (refs []Reference) {
	r := rand.New(rand.NewPCG(21, 22))
	var photos [5]hash.Code
	for i := range photos {
		photos[i] = anyCode(r)
	}
	for i := range n {
		c := anyCode(r)
		if i%10 == 0 {
			c = photos[i/10%5]
			for range r.IntN(60) {
				at := r.IntN(256)
				c[at/64] ^= 1 << (at % 64)
			}
		}
		f := hash.FromPDQ(c, 90)
		if i%10 != 3 {
			f = hash.FromCodes(anyCode(r), c, 90)
		}
		refs = append(refs, Reference{Bank: "fakes", ID: fmt.Sprintf("%06d", i), Fingerprint: f})
	}
	return refs
}

// gated makes jobs wait, after they have run, until gate gives way. The first
// value of built says that one has.
func gated(x *Index) (built chan struct{}, gate chan struct{}) {
	built, gate = make(chan struct{}, 100), make(chan struct{})
	x.upkeep.run = func(j *radius.Job, ctx context.Context) error {
		err := j.Run(ctx)
		built <- struct{}{}
		select {
		case <-gate:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return built, gate
}

func settled(t *testing.T, x *Index) {
	t.Helper()
	if err := x.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// parts are the sizes of the indexes of bank fakes.
func parts(t *testing.T, x *Index) []int {
	t.Helper()
	trace, err := x.Trace(t.Context(), hash.FromPDQ(hash.Code{1}, 90), NearOptions{Banks: []string{"fakes"}})
	if err != nil {
		t.Fatal(err)
	}
	return trace.Banks[0].Parts
}

// agree compares searches of one state with exhaustive ones, and returns how many
// matches there were.
func agree(t *testing.T, x *Index, what string, fs []hash.Fingerprint) (n int) {
	t.Helper()
	s := x.acquire()
	defer s.release()
	for i, f := range fs {
		wide := 60
		for _, o := range []NearOptions{{Upright: true}, {Regions: true}, {Radius: &wide, Limit: 20}} {
			got, more, err := s.near(t.Context(), f, o)
			if err != nil {
				t.Fatal(err)
			}
			o.Exhaustive = true
			want, others, err := s.near(t.Context(), f, o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(checked(got), checked(want)) || more != others {
				t.Fatalf("%s, query %d, %+v: %v and %d more, want %v and %d", what, i, o, checked(got), more, checked(want), others)
			}
			n += len(got)
		}
	}
	return n
}

// TestExhaustiveFindsTheSame, while references come and go and indexes are built.
func TestExhaustiveFindsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("tens of thousands of references take long under the race detector")
	}
	x := shop(t)
	refs := crowd(enough)
	some := someFeatures(t)
	for i := range refs {
		if i%500 == 7 {
			refs[i].Features = some[i%3]
		}
	}
	var fs []hash.Fingerprint
	for i := 0; i < 80; i += 10 {
		fs = append(fs, refs[i].Fingerprint)
	}
	fs = append(fs, refs[enough-1].Fingerprint, hash.FromPDQ(anyCode(rand.New(rand.NewPCG(3, 3))), 90))
	for _, n := range []int{0, 54, 55} { // the threshold is 54
		fs = append(fs, hash.FromPDQ(flip(some[0].Regions()[2], n), 90))
	}
	const step = enough / 9
	found := 0
	for i := 0; i < enough; i += step {
		mustAdd(t, x, refs[i:i+step]...)
		if err := x.Remove(t.Context(), "fakes", refs[i+1].ID, refs[i/2+3].ID, refs[i/2+20].ID); err != nil {
			t.Fatal(err)
		}
		found += agree(t, x, fmt.Sprintf("after %d", i+step), fs)
	}
	settled(t, x)
	found += agree(t, x, "settled", fs)
	if found < 1000 {
		t.Errorf("%d matches in all: the queries find too little to compare", found)
	}
	if p := parts(t, x); len(p) == 0 {
		t.Error("no index was built")
	}
	mustCheck(t, x)
}

// TestJobBesideWrites: what is removed while a job runs stays removed when its
// result is put into place, and what is added meanwhile is found at once.
func TestJobBesideWrites(t *testing.T) {
	x := shop(t)
	built, gate := gated(x)
	refs := crowd(enough)
	mustAdd(t, x, refs...)
	<-built
	upright := NearOptions{Upright: true}
	finds := func(what string, ref Reference, want int) {
		t.Helper()
		if got := near(t, x, ref.Fingerprint, upright); len(got) != want {
			t.Errorf("%s: %v, want %d", what, got, want)
		}
	}
	gone, stays, late := refs[5], refs[8], Reference{Bank: "fakes", ID: "late", Fingerprint: hash.FromPDQ(hash.Code{7, 8, 9}, 90)}
	if p := parts(t, x); len(p) != 0 {
		t.Fatalf("indexes of %d codes before the job is done", p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := x.Settled(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Settled while a job runs: %v", err)
	}
	finds("before the index", gone, 1)
	if err := x.Remove(t.Context(), "fakes", gone.ID); err != nil {
		t.Fatal(err)
	}
	finds("removed meanwhile", gone, 0)
	close(gate)
	settled(t, x)
	if p := parts(t, x); len(p) != 1 {
		t.Errorf("indexes of %d codes, want one", p)
	}
	finds("removed before the index came", gone, 0)
	finds("with an index", stays, 1)
	mustAdd(t, x, late)
	finds("added behind the index", late, 1)
	if err := x.Remove(t.Context(), "fakes", late.ID, stays.ID); err != nil {
		t.Fatal(err)
	}
	finds("removed from the tail", late, 0)
	finds("removed from the index", stays, 0)
	mustCheck(t, x)
}

// TestCloseEndsJob: Close does not wait for a job to be done.
func TestCloseEndsJob(t *testing.T) {
	o := testOptions()
	o.InMemory = true
	for _, stage := range []string{"running", "before the writer"} {
		x := mustOpen(t, "", o)
		mustCreate(t, x, "fakes", Fake)
		built, gate := gated(x)
		mustAdd(t, x, crowd(enough)...)
		<-built
		closed := make(chan error)
		if stage == "before the writer" {
			// The writer is held up, so that the job's result waits for it.
			entered, leave := make(chan struct{}), make(chan struct{})
			go func() {
				_, err := x.submit(t.Context(), func(*batch, *request) error {
					close(entered)
					<-leave
					return nil
				})
				closed <- err
			}()
			<-entered
			close(gate)
			time.AfterFunc(50*time.Millisecond, func() { close(leave) })
		}
		begin := time.Now()
		go func() { closed <- x.Close() }()
		if stage == "before the writer" {
			if err := <-closed; err != nil {
				t.Errorf("%s: %v", stage, err)
			}
		}
		if err := <-closed; err != nil {
			t.Errorf("%s: %v", stage, err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s: Close took %v", stage, took)
		}
		if err := x.Settled(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: Settled after Close: %v", stage, err)
		}
	}
}

// TestUpkeepOfStores: a store that cannot be written gets its indexes too, whether
// it was opened so or a commit failed.
func TestUpkeepOfStores(t *testing.T) {
	if testing.Short() {
		t.Skip("tens of thousands of references take long under the race detector")
	}
	dir := t.TempDir()
	x := mustOpen(t, dir, nil)
	mustCreate(t, x, "fakes", Fake)
	built, gate := gated(x)
	refs := crowd(enough)
	mustAdd(t, x, refs...)
	<-built
	x.commit = func(txn *badger.Txn) error {
		return errors.Join(txn.Commit(), errors.New("the disk says no"))
	}
	lost := Reference{Bank: "fakes", ID: "lost", Fingerprint: hash.FromPDQ(hash.Code{7, 8, 9}, 90)}
	if _, err := x.Add(t.Context(), lost); err == nil {
		t.Fatal("a commit that fails was acknowledged")
	}
	seq := x.Seq()
	close(gate)
	settled(t, x)
	if p := parts(t, x); len(p) != 1 {
		t.Errorf("after a failed commit: indexes of %d codes, want one", p)
	}
	fs := []hash.Fingerprint{refs[0].Fingerprint, refs[10].Fingerprint, lost.Fingerprint}
	agree(t, x, "after a failed commit", fs)
	// The row is on disk, but no snapshot may show it.
	if _, err := x.Get(t.Context(), "fakes", "lost"); !errors.Is(err, ErrNotFound) || x.Seq() != seq {
		t.Errorf("what was not acknowledged is there: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.ReadOnly = true
	x = mustOpen(t, dir, o)
	agree(t, x, "read-only", fs[:1])
	settled(t, x)
	if p := parts(t, x); len(p) != 1 {
		t.Errorf("read-only: indexes of %d codes, want one", p)
	}
	agree(t, x, "read-only with an index", fs)
	mustCheck(t, x)
}
