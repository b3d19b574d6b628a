package index

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// A synced commit costs milliseconds, whatever is in it: one commit per
// reference gives some hundred a second. So all writes go through one
// goroutine. It takes a request, applies it to a transaction and to a draft of
// the next snapshot, does the same with every other request that waits at that
// moment, commits once, publishes the draft, and then answers all of them.
// While it commits the next ones gather; the busier it is, the larger the
// groups.
//
// A request that fails has staged nothing but what it reports as done, so that
// it spoils nobody else's transaction: what may be wrong with it is looked at
// before its first row is staged. (A row that Badger refuses to take would fail
// the whole group.) If a transaction would grow beyond what Badger takes, the
// batch commits and goes on in the middle of a request, which counts what has
// become durable.
//
// If a commit fails, nobody knows what reached the disk (a failed fsync may
// not be repeated). Queries go on with the last snapshot, writes are refused
// until the store is opened again.

// request is a write that waits for the writer.
type request struct {
	ctx   context.Context
	apply func(*batch, *request) error
	// staged counts the references that were put into transactions, committed
	// those of them that are durable.
	staged, committed int
	err               error
	done              chan struct{}
}

// maxGroup bounds the requests of one commit, so that none waits for ever.
const maxGroup = 4096

// batchReserve is the part of Badger's limits (an eighth) that is left for the
// rows that commit adds.
const batchReserve = 8

// submit hands a write to the writer and waits for its end. Once the writer
// has it the context is not looked at any more: the answer says what happened.
func (x *Index) submit(ctx context.Context, apply func(*batch, *request) error) (*request, error) {
	r := &request{ctx: ctx, apply: apply, done: make(chan struct{})}
	if x.options.ReadOnly {
		return r, ErrReadOnly
	}
	select {
	case <-x.closing:
		return r, ErrClosed
	default:
	}
	select {
	case x.requests <- r:
		<-r.done
		return r, r.err
	case <-x.closing:
		return r, ErrClosed
	case <-ctx.Done():
		return r, ctx.Err()
	}
}

// write is the writer's loop.
func (x *Index) write() {
	defer close(x.written)
	var broken error
	for {
		select {
		case <-x.closing:
			return
		case r := <-x.requests:
			b := &batch{x: x, broken: broken}
			b.begin()
			b.run(r)
			b.gather()
			_ = b.commit() // the requests have been told
			b.txn.Discard()
			broken = b.broken
		case r := <-x.upkeep.rebuilt:
			x.install(r)
		}
	}
}

// batch is a group of requests on its way into one or more transactions.
type batch struct {
	*draft
	x       *Index
	txn     *badger.Txn
	size    int64 // estimated bytes and rows of txn
	rows    int64
	dirty   map[uint32]bool // banks whose counts must be written
	slots   map[gathered][]SlotRange
	order   []gathered          // of the keys of slots
	digests map[Digest][]uint64 // of the slots in txn
	group   []*request
	running *request // of the group; it is answered by a later commit
	now     time.Time
	failure error // of the transaction
	broken  error // of an earlier commit
}

// begin starts an empty transaction on top of what is published.
func (b *batch) begin() {
	b.txn = b.x.db.NewTransaction(true)
	b.draft = b.x.current.Load().edit() // current only changes here
	b.size, b.rows = 0, 0
	b.dirty, b.slots, b.order = map[uint32]bool{}, map[gathered][]SlotRange{}, nil
	b.digests = map[Digest][]uint64{}
	b.now = b.x.options.Now().UTC().Truncate(time.Second)
}

// gather runs the requests that wait.
func (b *batch) gather() {
	for len(b.group) < maxGroup {
		select {
		case r := <-b.x.requests:
			b.run(r)
		default:
			return
		}
	}
}

func (b *batch) run(r *request) {
	b.group, b.running = append(b.group, r), r
	switch {
	case r.ctx.Err() != nil:
		r.err = r.ctx.Err()
	case b.broken != nil:
		r.err = b.broken
	default:
		r.err = r.apply(b, r)
	}
	b.running = nil
}

// room makes sure that rows of size bytes fit into the transaction, and
// commits what there is if they do not.
func (b *batch) room(rows, size int64) error {
	// Badger counts a few bytes more for each row.
	size += 32 * rows
	maxSize, maxRows := b.x.db.MaxBatchSize(), b.x.db.MaxBatchCount()
	if b.size+size > maxSize-maxSize/batchReserve || b.rows+rows > maxRows-maxRows/batchReserve {
		if err := b.commit(); err != nil {
			return err
		}
	}
	b.size += size
	b.rows += rows
	return nil
}

// set and remove stage a row for which there is room. Their failure spoils the
// transaction.
func (b *batch) set(key, value []byte) {
	if err := b.txn.Set(key, value); err != nil && b.failure == nil {
		b.failure = fmt.Errorf("stage row %x: %v", key, err)
	}
}

func (b *batch) remove(key []byte) {
	if err := b.txn.Delete(key); err != nil && b.failure == nil {
		b.failure = fmt.Errorf("stage removal of row %x: %v", key, err)
	}
}

// commit makes the transaction durable and the draft visible, in this order,
// answers the requests that are through, and begins the next transaction.
func (b *batch) commit() error {
	err := b.tryCommit()
	rest := b.group[:0]
	for _, r := range b.group {
		if err == nil {
			r.committed = r.staged
		} else {
			r.fail(err)
		}
		if r == b.running {
			rest = append(rest, r)
		} else {
			close(r.done)
		}
	}
	b.group, b.failure = rest, nil
	b.txn.Discard()
	b.begin()
	return err
}

// fail tells a request that the transaction it is in was not written. What was
// wrong with the request itself is about a later reference than those which
// are lost now, or the only thing wrong.
func (r *request) fail(err error) {
	if r.staged > r.committed || r.err == nil {
		r.err = err
	}
	r.staged = r.committed
}

func (b *batch) tryCommit() error {
	if b.rows == 0 {
		return nil
	}
	if b.broken != nil {
		return b.broken
	}
	if err := b.x.checkSpace(b.x.options.MinFree); err != nil {
		return err
	}
	b.journalGathered()
	for _, v := range b.banks {
		if b.dirty[v.id] {
			b.set(countKey(v.id), v.counts.encode(b.format))
		}
	}
	b.set([]byte(nextKey), encodeNext(b.nextSlot, b.seq+1))
	if b.failure != nil {
		return b.failure
	}
	if err := b.x.commit(b.txn); err != nil {
		b.broken = fmt.Errorf("an earlier write failed (%v); close the index and open it again", err)
		return fmt.Errorf("commit: %v", err)
	}
	if err := b.x.setMark(b.seq); err != nil {
		b.x.options.Logger.Warn("the number of the last change was not noted; damage by a crash may go unseen", "error", err)
	}
	b.showCodes()
	b.x.publish(&b.state)
	return nil
}

// touch marks a bank whose counts change, and returns a copy to change.
func (b *batch) touch(v *bankView) *bankView {
	b.dirty[v.id] = true
	return b.own(v)
}

// takeSlot returns the next slot; slots are never used again.
func (b *batch) takeSlot() uint64 {
	b.nextSlot++
	return b.nextSlot - 1
}

// need returns a bank, or an error that names it.
func (b *batch) need(name string) (*bankView, error) {
	v, ok := b.bank(name)
	if !ok {
		return nil, fmt.Errorf("bank %q: %w", clip(name), ErrNotFound)
	}
	return v, nil
}

// isNotFound is for rows that may be absent.
func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
