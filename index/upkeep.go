package index

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// The sets of codes want upkeep: codes that came lately get an index, memory of
// removed ones is freed (see package radius). Writers could do it as they go; then
// one write in some thousand would take a second. So one goroutine does it beside
// them:
//
//   - Whenever a snapshot is published, it is woken and asks each bank's set
//     what is due. It builds that from the set as it is, which never changes.
//   - What it built goes to the writer, who puts it into the newest state and
//     publishes that. The store is not touched, so this goes on in a read-only
//     store, and after a write has failed.
//   - If the set has changed too much meanwhile, it cannot be put there. Then it
//     is still due.
//
// Readers never wait, and find the same before and after. Close ends it in the
// middle of a job.

// upkeep is what the goroutine shares with others.
type upkeep struct {
	wake    chan struct{}      // something was published; holds one
	rebuilt chan *rebuilt      // to the writer
	asked   chan chan struct{} // to be closed when nothing is due
	stop    context.CancelFunc // ends its jobs
	done    chan struct{}      // closed when the goroutine has ended

	run func(*radius.Job, context.Context) error // Run, or a test's
}

func newUpkeep() upkeep {
	return upkeep{
		wake: make(chan struct{}, 1), rebuilt: make(chan *rebuilt), asked: make(chan chan struct{}),
		done: make(chan struct{}), run: (*radius.Job).Run,
	}
}

// rebuilt is what a job built for the set of a bank.
type rebuilt struct {
	bank uint32
	job  *radius.Job
	done chan struct{} // closed when the writer has seen it
}

func (x *Index) wakeUpkeep() {
	select {
	case x.upkeep.wake <- struct{}{}:
	default: // it is awake, and will look at what is published
	}
}

// keepUp is the goroutine's loop. ctx ends with closing.
func (x *Index) keepUp(ctx context.Context) {
	defer close(x.upkeep.done)
	for {
		var asked chan struct{}
		select {
		case <-x.closing:
			return
		case <-x.upkeep.wake:
		case asked = <-x.upkeep.asked:
		}
		for x.rebuild(ctx) {
		}
		if asked != nil && ctx.Err() == nil {
			close(asked)
		}
	}
}

// manyCodes is the size of a job after which memory is returned to the system.
const manyCodes = 1 << 20

// rebuild does what is due first, and reports whether there may be more.
func (x *Index) rebuild(ctx context.Context) bool {
	codes := x.replace(ctx)
	if codes >= manyCodes {
		// The heap had room for both indexes, the old and the new. The collector
		// would leave it so until as much again is allocated, and then return it
		// bit by bit. Beside a job of this size a collection of our heap costs little;
		// that of the program around us may be larger (see Caveats in doc.go).
		debug.FreeOSMemory()
	}
	return codes > 0
}

// replace returns the number of codes that were indexed anew.
func (x *Index) replace(ctx context.Context) int {
	bank, job := x.due()
	if job == nil || x.upkeep.run(job, ctx) != nil {
		return 0
	}
	r := &rebuilt{bank: bank, job: job, done: make(chan struct{})}
	select {
	case x.upkeep.rebuilt <- r:
		<-r.done
		return job.Codes()
	case <-x.closing:
		return 0
	}
}

// due returns a job for a bank. A state needs no reader's count while nothing is
// read from disk.
func (x *Index) due() (bank uint32, j *radius.Job) {
	for _, b := range x.current.Load().banks {
		if j := b.codes.Due(); j != nil {
			return b.id, j
		}
	}
	return 0, nil
}

// install puts what was built into place, in the writer's goroutine.
func (x *Index) install(r *rebuilt) {
	defer close(r.done)
	d := x.current.Load().edit()
	b, _ := d.bankByID(r.bank)
	b = d.own(b)
	if d.editOf(b).Install(r.job) {
		d.showCodes()
		x.republish(&d.state)
	}
}

// Settled waits until no upkeep is due: what was written before has its
// indexes. Answers are the same before. It is for measurements and tests, and
// fails with ErrClosed and the errors of ctx.
func (x *Index) Settled(ctx context.Context) error {
	if err := x.settled(ctx); err != nil {
		return fmt.Errorf("wait for indexes: %w", err)
	}
	return nil
}

func (x *Index) settled(ctx context.Context) error {
	asked := make(chan struct{})
	select {
	case x.upkeep.asked <- asked:
	case <-x.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-asked:
		return nil
	case <-x.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
