//go:build linux

package radius_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// keeper holds a set as an index does: one writer, readers that load a pointer,
// and jobs that are built beside both and put into place with the next write.
// All methods but load are for the writer.
type keeper struct {
	view    atomic.Pointer[radius.View]
	running chan *radius.Job // of the job under way; nil if there is none
	jobs    int              // put into place
	unfit   int              // built in vain
	built   int              // codes that were indexed
	busy    atomic.Int64     // nanoseconds of all jobs
}

func newKeeper(v *radius.View) *keeper {
	k := new(keeper)
	k.view.Store(v)
	return k
}

func (k *keeper) load() *radius.View { return k.view.Load() }

// change makes one change and publishes it.
func (k *keeper) change(f func(*radius.Edit)) {
	e := k.load().Edit()
	f(e)
	k.take(e)
	v := e.View()
	k.view.Store(v)
	k.begin(v)
}

// take puts a job into place that is ready.
func (k *keeper) take(e *radius.Edit) {
	select {
	case j := <-k.running: // never ready if there is none
		k.install(e, j)
	default:
	}
}

func (k *keeper) install(e *radius.Edit, j *radius.Job) {
	k.running = nil
	if !e.Install(j) {
		k.unfit++
		return
	}
	k.jobs++
	k.built += j.Codes()
}

// begin starts a job if one is due and none is under way.
func (k *keeper) begin(v *radius.View) {
	if k.running != nil {
		return
	}
	j := v.Due()
	if j == nil {
		return
	}
	ready := make(chan *radius.Job, 1)
	k.running = ready
	go func() {
		start := time.Now()
		if err := j.Run(context.Background()); err != nil {
			panic(err) // nothing ends the context
		}
		k.busy.Add(int64(time.Since(start)))
		ready <- j
	}()
}

// await waits for the job under way, if there is one.
func (k *keeper) await() {
	if k.running == nil {
		return
	}
	e := k.load().Edit()
	k.install(e, <-k.running)
	k.view.Store(e.View())
}

// settle runs jobs until none is due.
func (k *keeper) settle() {
	for k.await(); ; k.await() {
		if k.begin(k.load()); k.running == nil {
			return
		}
	}
}
