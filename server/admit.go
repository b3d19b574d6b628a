package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// A server dies of things that cost the sender nothing: bodies that arrive
// slowly while they are held in memory, answers that nobody fetches, and
// pictures that keep a core busy for seconds. A limit on the size of one body
// bounds none of them.
//
// So memory and work are admitted apart. A body takes memory from a pool that
// all requests share, in steps that double as its bytes arrive: a client that
// announces 20 MB and sends none holds 64 KB. Only a body that is complete may
// wait for a slot, so a slow sender never holds one. Both waits are short and
// bounded, and what does not fit is answered 429: a queue that is longer than
// the senders' patience only makes every answer late.
//
// A thousand senders that stop after their first step would still fill the pool
// for as long as a body may take. So bodies have to arrive at a least rate (see
// arrival), and those that announce to be small, as most photos are, have a
// share of their own, where large ones cannot stand in their way.
//
// An answer is made in a slot and sent without one. What is more than a few
// matches takes memory from a pool of its own (see reply), so that slow readers
// stand in each other's way and in nobody else's.
//
// A few huge pictures could still hold all slots while a hundred ordinary ones
// wait. So pictures that need much memory or time to decode have all slots but
// one between them (with one slot there is nothing to divide), and a flood of them
// queues behind itself. What a thorough search takes after decoding is some tens
// of milliseconds, bounded, and about the same for every picture, so it does not
// tell pictures apart.
//
// Steps could deadlock if everyone held a part and waited for more; the bounded
// wait resolves that by refusing some.

const (
	// firstStep is the memory that a body takes before its first byte has arrived.
	firstStep = 64 << 10
	// smallBody is the longest body that takes its memory from the share of the
	// small ones, at once and whole.
	smallBody = 256 << 10
	// smallShare is the part of Options.MaxHeld that is kept for small bodies.
	smallShare = 4 // a quarter
	// maxReplies is the memory for answers of more than freeReply bytes.
	maxReplies = 32 << 20
	freeReply  = 16 << 10
)

// pool is memory that requests share.
type pool struct {
	free *semaphore.Weighted
	held atomic.Int64
}

func newPool(n int64) *pool { return &pool{free: semaphore.NewWeighted(n)} }

// try takes n bytes if they are free.
func (p *pool) try(n int64) bool {
	ok := p.free.TryAcquire(n)
	if ok {
		p.held.Add(n)
	}
	return ok
}

// take waits for n bytes until ctx ends.
func (p *pool) take(ctx context.Context, n int64) error {
	err := p.free.Acquire(ctx, n)
	if err == nil {
		p.held.Add(n)
	}
	return err
}

func (p *pool) give(n int64) {
	p.held.Add(-n)
	p.free.Release(n)
}

// admission bounds memory and work of all requests together.
type admission struct {
	slots   chan struct{}
	large   chan struct{} // taken before a slot by large pictures
	queue   int64
	waiting atomic.Int64
	wait    time.Duration
	bodies  *pool
	small   *pool
	replies *pool
	refused func(cause string) // counts
}

func newAdmission(o Options, refused func(string)) *admission {
	small := o.MaxHeld / smallShare
	return &admission{
		slots:   make(chan struct{}, o.Slots),
		large:   make(chan struct{}, max(1, o.Slots-1)),
		queue:   int64(o.Queue),
		wait:    o.MaxWait,
		bodies:  newPool(o.MaxHeld - small),
		small:   newPool(small),
		replies: newPool(maxReplies),
		refused: refused,
	}
}

// held is the memory that bodies hold, in bytes.
func (a *admission) held() int64 { return a.bodies.held.Load() + a.small.held.Load() }

// From these costs on a picture is large: the decode memory of a photo of about
// 18 megapixels, in bytes, or the time in which its decoder cannot be stopped.
const (
	largeMemory = 32 << 20
	largeTime   = 250 * time.Millisecond
)

// large reports whether a picture has to leave a slot to others.
func large(memory int64, busy time.Duration) bool {
	return memory >= largeMemory || busy >= largeTime
}

// enter waits for a slot and returns the function that gives it back. It fails
// with errBusy if the queue is full or the wait too long, and with ctx's error.
func (a *admission) enter(ctx context.Context, large bool) (leave func(), err error) {
	gates := []chan struct{}{a.slots}
	if large {
		gates = []chan struct{}{a.large, a.slots}
	}
	passed := 0
	leave = func() {
		for _, g := range gates[:passed] {
			<-g
		}
	}
	defer a.waiting.Add(-1)
	inQueue := a.waiting.Add(1) <= a.queue
	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	for _, g := range gates {
		if err := a.pass(ctx, g, inQueue, timer.C); err != nil {
			leave()
			return nil, err
		}
		passed++
	}
	return leave, nil
}

// pass goes through a gate at once, or waits if there is room in the queue.
func (a *admission) pass(ctx context.Context, gate chan<- struct{}, inQueue bool, late <-chan time.Time) error {
	select {
	case gate <- struct{}{}:
		return nil
	default:
	}
	if !inQueue {
		return a.busy("queue")
	}
	select {
	case gate <- struct{}{}:
		return nil
	case <-late:
		return a.busy("slot")
	case <-ctx.Done():
		return fmt.Errorf("wait for a slot: %w", ctx.Err())
	}
}

func (a *admission) busy(cause string) error {
	a.refused(cause)
	return fmt.Errorf("%w: no %s", errBusy, cause)
}

// reserve takes n bytes for a body, waiting at most wait, or fails like enter.
func (a *admission) reserve(ctx context.Context, n int64, wait time.Duration) error {
	if a.bodies.try(n) {
		return nil
	}
	waitCtx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if a.bodies.take(waitCtx, n) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("wait for memory: %w", ctx.Err())
	}
	return a.busy("memory")
}

// upload is a complete body in admitted memory.
type upload struct {
	a    *admission
	from *pool
	b    []byte        // its capacity is what was admitted
	wait time.Duration // what is left to wait for memory, over all steps
}

// release gives the memory back; the bytes must not be used afterwards.
func (u *upload) release() {
	u.from.give(int64(cap(u.b)))
	u.b = nil
}

// reader lets the index use the bytes in place.
func (u *upload) reader() io.Reader { return bytes.NewBuffer(u.b) }

// receive reads r to its end. announced is its length, or -1 if unknown; a body
// of more than limit bytes is errTooLarge. Other errors are those of reserve and
// bodyError.
func (a *admission) receive(ctx context.Context, r io.Reader, announced, limit int64) (*upload, error) {
	if announced > limit {
		return nil, errTooLarge
	}
	most := limit
	if announced >= 0 {
		most = announced // net/http ends the body there
	}
	u := &upload{a: a, from: a.bodies, wait: a.wait}
	if announced >= 0 && announced <= smallBody && a.small.try(announced) {
		u.from, u.b = a.small, make([]byte, 0, announced)
	} else if err := u.grow(ctx, min(firstStep, most)); err != nil {
		return nil, err
	}
	if err := u.fill(ctx, r, most); err != nil {
		u.release()
		return nil, err
	}
	return u, nil
}

// fill reads r to its end, at most most bytes. A full buffer is told from the
// end of the body by reading one byte more.
func (u *upload) fill(ctx context.Context, r io.Reader, most int64) error {
	var extra [1]byte
	for {
		room := u.b[len(u.b):cap(u.b)]
		full := len(room) == 0
		if full {
			room = extra[:]
		}
		n, err := r.Read(room)
		if n > 0 && full {
			if int64(len(u.b)) >= most {
				return errTooLarge
			}
			next := max(2*int64(cap(u.b)), firstStep)
			if err := u.grow(ctx, min(next, most)); err != nil {
				return err
			}
			u.b = append(u.b, extra[0])
		} else {
			u.b = u.b[:len(u.b)+n]
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return bodyError(err)
		}
	}
}

// grow makes room for n bytes. Old and new memory are both admitted while the
// bytes move.
func (u *upload) grow(ctx context.Context, n int64) error {
	begun := time.Now()
	if err := u.a.reserve(ctx, n, u.wait); err != nil {
		return err
	}
	u.wait -= time.Since(begun)
	old := int64(cap(u.b))
	b := make([]byte, len(u.b), n)
	copy(b, u.b)
	u.b = b
	u.a.bodies.give(old)
	return nil
}
