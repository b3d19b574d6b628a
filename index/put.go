package index

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
)

// How a reference gets into the store, and out of it again. All of it runs in
// the writer (see writer.go) but the long search for conflicts, which would
// hold up everybody else's writes.

// put is a reference on its way to the writer.
type put struct {
	ref       Reference // in: complete; out: as stored
	thumbnail []byte
	features  *features // nil: none
	options   RegisterOptions
	checked   uint64 // conflicts were looked for in all slots before this one
}

// mayConflict reports whether conflicts are to be looked for.
func (p *put) mayConflict() bool { return p.options.Check && !p.options.Force }

// put looks for conflicts where that is asked for and hands the references to
// the writer. The long search is done here, in the caller's goroutine, on a
// snapshot; the writer looks only at what was added since, so that the answer
// holds for the moment of storing. It returns how many were stored; the error
// is about the one after these.
func (x *Index) put(ctx context.Context, s *snapshot, puts []*put) (int, error) {
	var refused error
	for i, p := range puts {
		if refused = s.precheck(ctx, p); refused != nil {
			puts = puts[:i]
			break
		}
	}
	if len(puts) == 0 {
		return 0, refused
	}
	r, err := x.submit(ctx, func(w *batch, r *request) error {
		for _, p := range puts {
			if w.rules != s.rules {
				p.checked = 0
			}
			if err := w.put(ctx, p); err != nil {
				return err
			}
			r.staged++
		}
		return nil
	})
	return r.committed, cmp.Or(err, refused)
}

// precheck looks for conflicts in a snapshot.
func (s *snapshot) precheck(ctx context.Context, p *put) error {
	if !p.mayConflict() {
		return nil
	}
	b, ok := s.bank(p.ref.Bank)
	if !ok {
		return fmt.Errorf("bank: %w", ErrNotFound)
	}
	was, old, err := s.lookUp(s.txn, b, p.ref.ID)
	if err != nil && !isNotFound(err) {
		return err
	}
	if same, err := p.identity(was, old); same || err != nil {
		return err // not checked: if it is removed before the writer comes to it, that will
	}
	slots, err := slotsOf(ctx, s.txn, p.ref.SHA256, 0)
	if err != nil {
		return err
	}
	p.checked = s.nextSlot
	return s.conflict(ctx, s.txn, p.ref, 0, slots)
}

// identity compares with what is stored under the id (slot 0: nothing). The same
// bytes need not be stored; others are refused unless they are to be replaced.
func (p *put) identity(was uint64, old Reference) (same bool, err error) {
	switch {
	case was == 0:
		return false, nil
	case old.sameBytes(p.ref):
		return true, nil
	case !p.options.Replace:
		return false, ErrExists
	}
	return false, nil
}

// conflict searches the banks of the opposite kind, in slots from since on,
// for a reference that stands against ref. slots are those that hold the same
// digest.
func (s *state) conflict(ctx context.Context, txn *badger.Txn, ref Reference, since uint64, slots []uint64) error {
	own, ok := s.bank(ref.Bank)
	if !ok {
		return fmt.Errorf("bank: %w", ErrNotFound)
	}
	if err := checkFingerprint(ref.Fingerprint, own.Main); err != nil {
		return err
	}
	var opposite []*bankView
	for _, b := range s.banks {
		if b.Kind != own.Kind {
			opposite = append(opposite, b)
		}
	}
	q, err := newQuery(ref.Fingerprint, NearOptions{SHA256: ref.SHA256})
	if err != nil {
		return err
	}
	with := s.searcher()
	defer s.giveBack(with)
	found := newCollector(1)
	q.exact(opposite, slots, found)
	for _, b := range opposite {
		if !ref.Fingerprint.Has(b.Main) {
			continue
		}
		if err := q.search(ctx, with, b, since, b.Policy.Strong, found); err != nil {
			return err
		}
	}
	ms, _, err := q.matches(ctx, txn, found)
	if err == nil && len(ms) > 0 {
		return &ConflictError{Match: ms[0]}
	}
	return err
}

// slotsOf returns the slots from since on that hold a digest. Badger copies and
// sorts the rows of a writing transaction for each iterator over it, so the
// iteration is over what was there before, and what the batch adds is in a map.
func (w *batch) slotsOf(ctx context.Context, d Digest, since uint64) ([]uint64, error) {
	slots := w.digests[d]
	if before := w.x.current.Load(); since < before.nextSlot {
		old, err := slotsOf(ctx, before.txn, d, since)
		if err != nil {
			return nil, err
		}
		slots = append(old, slots...)
	}
	return slots, nil
}

// put stages a reference. Nothing is staged if it fails.
func (w *batch) put(ctx context.Context, p *put) error {
	b, err := w.need(p.ref.Bank)
	if err != nil {
		return err
	}
	if err := checkFingerprint(p.ref.Fingerprint, b.Main); err != nil {
		return err
	}
	was, old, err := w.lookUp(b, p.ref.ID)
	if err != nil && !isNotFound(err) {
		return err
	}
	if same, err := p.identity(was, old); err != nil {
		return err
	} else if same {
		p.ref = old
		return nil
	}
	if p.mayConflict() {
		slots, err := w.slotsOf(ctx, p.ref.SHA256, p.checked)
		if err != nil {
			return err
		}
		w.showCodes()
		if err := w.conflict(ctx, w.txn, p.ref, p.checked, slots); err != nil {
			return err
		}
	}
	p.date(old, w.now)
	return w.store(b, p, was, old)
}

// date sets when the reference was first added.
func (p *put) date(old Reference, now time.Time) {
	if p.ref.AddedAt.IsZero() {
		p.ref.AddedAt = old.AddedAt
	}
	if p.ref.AddedAt.IsZero() {
		p.ref.AddedAt = now
	}
}

// sameBytes reports whether both were made of the same file, as far as is
// known.
func (ref Reference) sameBytes(o Reference) bool {
	if ref.SHA256 != (Digest{}) && o.SHA256 != (Digest{}) {
		return ref.SHA256 == o.SHA256
	}
	return ref.Fingerprint.AsRecipe(hash.Recipe) == o.Fingerprint.AsRecipe(hash.Recipe)
}

// store stages the rows of a reference in a new slot, and the removal of the
// one in slot was (0 if there is none).
func (w *batch) store(b *bankView, p *put, was uint64, old Reference) error {
	if !w.keepsFeatures(b) {
		p.features = nil
	}
	p.ref.Fingerprint = p.ref.Fingerprint.AsRecipe(w.recipe)
	p.ref.Features = nil
	record := encodeRecord(b.id, w.nextSlot, p.ref)
	rows := int64(8)
	if was != 0 {
		rows = 16
	}
	if err := w.room(rows, int64(len(record)+2*len(p.ref.ID)+len(p.thumbnail))+p.features.size()+400); err != nil {
		return err
	}
	b = w.touch(b)
	if was != 0 {
		if err := w.erase(b, was, old); err != nil {
			return err
		}
	}
	slot := w.place(b, p.ref, record, p.thumbnail, p.features)
	if was != 0 {
		w.journal(b.id, Change{Op: Replaced, ID: p.ref.ID, Slot: slot, Was: was})
	} else {
		w.journalSlot(Added, b.id, slot)
	}
	return nil
}

// place stages the rows of a reference in the next slot, for which record was
// made.
func (w *batch) place(b *bankView, ref Reference, record, thumbnail []byte, f *features) uint64 {
	slot := w.takeSlot()
	w.set(recordKey(slot), record)
	w.set(idKey(b.id, ref.ID), binary.BigEndian.AppendUint64(nil, slot))
	if ref.SHA256 != (Digest{}) {
		w.set(digestKey(ref.SHA256, slot), nil)
		w.digests[ref.SHA256] = append(w.digests[ref.SHA256], slot)
	}
	if len(thumbnail) > 0 {
		w.set(thumbnailKey(slot), thumbnail)
	}
	b.counts.references++
	if f != nil {
		w.set(featuresKey(slot), encodeFeatures(slot, f.body))
		b.counts.featured++
	}
	if ref.Opinion != Withdrawn {
		col := columnOf(ref.Fingerprint, b.Main)
		w.set(col.key(b.id, slot, b.Main), nil)
		w.add(b, slot, col, f)
		if f != nil {
			w.set(regionsKey(b.id, slot), encodeRegions(b.id, slot, f.regions))
		}
	}
	return slot
}

// erase stages the removal of all rows of a slot but that of the id. Nothing is
// staged if it fails.
func (w *batch) erase(b *bankView, slot uint64, ref Reference) error {
	featured, err := w.hasFeatures(slot)
	if err != nil {
		return err
	}
	if featured {
		w.remove(featuresKey(slot))
		b.counts.featured--
	}
	w.remove(recordKey(slot))
	w.remove(thumbnailKey(slot))
	if ref.SHA256 != (Digest{}) {
		w.remove(digestKey(ref.SHA256, slot))
	}
	b.counts.references--
	if ref.Opinion != Withdrawn {
		w.hide(b, slot, ref)
	}
	return nil
}

// hide stages the removal of the rows of the search columns.
func (w *batch) hide(b *bankView, slot uint64, ref Reference) {
	col := columnOf(ref.Fingerprint, b.Main)
	w.remove(col.key(b.id, slot, b.Main))
	if b.hasFeatures(slot) {
		w.remove(regionsKey(b.id, slot))
	}
	w.drop(b, slot, col)
}
