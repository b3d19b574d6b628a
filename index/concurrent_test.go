package index

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
)

// TestReadYourWrites: while readers search and writers add and remove, each
// writer finds what it added as soon as Add has returned, and never what it
// removed. Readers see each reference whole.
func TestReadYourWrites(t *testing.T) {
	const writers, rounds = 4, 60
	o := testOptions()
	o.InMemory = true
	x := mustOpen(t, "", o)
	mustCreate(t, x, "fakes", Fake)
	background := many(2000)
	for i := range background {
		background[i].Bank = "fakes"
	}
	mustAdd(t, x, background...)
	ctx := t.Context()
	var stop atomic.Bool
	var readers, group sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; !stop.Load(); i++ {
				ref := background[i%len(background)]
				ms, err := x.Near(ctx, ref.Fingerprint, NearOptions{Upright: true})
				if err != nil || len(ms) != 1 || ms[0].ID != ref.ID {
					t.Errorf("reader: %v, %v", ids(ms), err)
					return
				}
			}
		})
	}
	for w := range writers {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 9))
			for i := range rounds {
				f := hash.FromCodes(anyCode(r), anyCode(r), 90)
				id := fmt.Sprintf("w%d/%d", w, i)
				finds := func(what string, want int) {
					if ms, err := x.Near(ctx, f, NearOptions{}); err != nil || len(ms) != want {
						t.Errorf("%s %s: %v, %v, want %d", id, what, ids(ms), err, want)
					}
				}
				finds("before", 0)
				if _, err := x.Add(ctx, Reference{Bank: "fakes", ID: id, Fingerprint: f}); err != nil {
					t.Error(err)
				}
				finds("added", 1)
				switch i % 3 {
				case 0:
					if err := x.Remove(ctx, "fakes", id); err != nil {
						t.Error(err)
					}
					finds("removed", 0)
				case 1:
					if err := x.SetOpinion(ctx, "fakes", id, Withdrawn); err != nil {
						t.Error(err)
					}
					finds("withdrawn", 0)
					if err := x.SetOpinion(ctx, "fakes", id, Disputed); err != nil {
						t.Error(err)
					}
					finds("back", 1)
				}
			}
		})
	}
	group.Wait()
	stop.Store(true)
	readers.Wait()
	mustCheck(t, x)
	b, _ := x.Bank(ctx, "fakes")
	if want := int64(2000 + writers*rounds*2/3); b.References != want {
		t.Errorf("%d references, want %d", b.References, want)
	}
}

// together sends writes that share one transaction, and returns their errors.
func together(t *testing.T, x *Index, writes ...func() error) []error {
	t.Helper()
	// The first request waits inside the writer until all others queue.
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, _ = x.submit(t.Context(), func(*batch, *request) error {
			close(entered)
			<-leave
			return nil
		})
	})
	<-entered
	errs := make([]error, len(writes))
	for i, write := range writes {
		all.Go(func() { errs[i] = write() })
	}
	time.Sleep(50 * time.Millisecond)
	close(leave)
	all.Wait()
	return errs
}

// TestGroupCommit: requests that share a transaction do not share failures.
func TestGroupCommit(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	seq := x.Seq()
	// The first request waits inside the writer until all others queue.
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := x.submit(t.Context(), func(*batch, *request) error {
			close(entered)
			<-leave
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	refs := many(40)
	var started sync.WaitGroup
	for i, ref := range refs {
		ref.Bank, ref.ID = "fakes", fmt.Sprint(i/2) // each id twice, with other codes
		started.Add(1)
		all.Go(func() {
			started.Done()
			if _, err := x.Add(t.Context(), ref); err != nil && !errors.Is(err, ErrExists) {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		if err := x.Remove(t.Context(), "fakes", "absent"); !errors.Is(err, ErrNotFound) {
			t.Errorf("Remove: %v", err)
		}
	})
	started.Wait()
	close(leave)
	all.Wait()
	b, _ := x.Bank(t.Context(), "fakes")
	if b.References != 20 {
		t.Errorf("%d references, want 20", b.References)
	}
	// Additions of one transaction are one change.
	if n := x.Seq() - seq; n < 1 || n > 20 {
		t.Errorf("%d changes for 20 additions", n)
	}
	mustCheck(t, x)
}

// TestBulk adds more than fits into one transaction, and removes it.
func TestBulk(t *testing.T) {
	const n = 10_000
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	refs := many(n)
	refs[n-1].Fingerprint = hash.Fingerprint{}
	if got, err := x.Add(t.Context(), refs...); got != n-1 || !errors.Is(err, ErrInvalid) {
		t.Fatalf("added %d, %v; want %d and ErrInvalid", got, err, n-1)
	}
	mustCheck(t, x)
	var list []string
	for i, ref := range refs[:n-1] {
		if ref.Bank == "real" && i%3 != 0 {
			list = append(list, ref.ID)
		}
	}
	if err := x.Remove(t.Context(), "real", append(list, "absent")...); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if b, _ := x.Bank(t.Context(), "real"); b.References != n/2 {
		t.Errorf("%d references after a refused Remove, want %d", b.References, n/2)
	}
	if err := x.Remove(t.Context(), "real", list...); err != nil {
		t.Fatal(err)
	}
	if b, _ := x.Bank(t.Context(), "real"); b.References != int64(n/2-len(list)) {
		t.Errorf("%d references, want %d", b.References, n/2-len(list))
	}
	mustCheck(t, x)
}

// TestCloseWaits: a search that runs while Close is called ends well.
func TestCloseWaits(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	mustAdd(t, x, many(100)...)
	closed := make(chan error)
	n := 0
	for _, err := range x.References(t.Context(), "fakes", "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			go func() { closed <- x.Close() }()
			<-x.closing
		}
	}
	if n != 50 {
		t.Errorf("%d references, want 50", n)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestSlowReader: a caller whose picture does not arrive holds up nobody, and
// what arrives in the end is judged by what is known then.
func TestSlowReader(t *testing.T) {
	x := shop(t)
	a := jpegOf(t, picture(1), 90)
	judged := make(chan Verdict)
	r, w := io.Pipe()
	go func() {
		v, err := x.Judge(t.Context(), r, JudgeOptions{})
		if err != nil {
			t.Error(err)
		}
		judged <- v
	}()
	if _, err := w.Write(a[:100]); err != nil { // Judge is reading
		t.Fatal(err)
	}
	register(t, x, Reference{Bank: "fakes", ID: "a"}, a, RegisterOptions{})
	if _, err := w.Write(a[100:]); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if v := <-judged; v.Outcome != KnownFake || v.Seq != x.Seq() {
		t.Errorf("%s at %d, want known_fake at %d", v.Outcome, v.Seq, x.Seq())
	}

	errs := make(chan error)
	var ends []*io.PipeWriter
	for _, call := range []func(io.Reader) error{
		func(r io.Reader) error { _, err := x.Judge(t.Context(), r, JudgeOptions{}); return err },
		func(r io.Reader) error {
			_, err := x.Register(t.Context(), Reference{Bank: "fakes", ID: "b"}, r, RegisterOptions{})
			return err
		},
	} {
		r, w := io.Pipe()
		go func() { errs <- call(r) }()
		if _, err := w.Write(a[:100]); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, w)
	}
	closed := make(chan error, 1)
	go func() { closed <- x.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Close waits for readers")
	}
	for _, w := range ends {
		_ = w.Close()
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
}

// TestBrokenWrites: after a commit that failed nothing is written any more, and
// what was there is still found.
func TestBrokenWrites(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	refs := many(3)
	mustAdd(t, x, refs[0])
	x.commit = func(*badger.Txn) error { return errors.New("no disk") }
	for i := range 2 {
		if n, err := x.Add(t.Context(), refs[1]); err == nil || n != 0 {
			t.Errorf("Add %d: %d, %v", i, n, err)
		}
		x.commit = (*badger.Txn).Commit // it would work again
	}
	if b, _ := x.Bank(t.Context(), refs[1].Bank); b.References != 0 {
		t.Errorf("%d references, want none", b.References)
	}
	mustCheck(t, x)
	if got := near(t, x, refs[0].Fingerprint, NearOptions{}); len(got) != 1 {
		t.Errorf("Near: %v", got)
	}
}
