package index

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
)

// Opinion is how sure the owner is of a reference.
type Opinion string

// The opinions.
const (
	Confirmed Opinion = "confirmed" // the default
	Seed      Opinion = "seed"      // not verified: never leads to Block
	Disputed  Opinion = "disputed"  // contested: caps the advice at Review
	Withdrawn Opinion = "withdrawn" // kept for the record, never matches
)

// Reference is a registered photo: its fingerprint, its id in its bank and
// what the owner says about it.
type Reference struct {
	Bank string `json:"bank"`
	// ID is UTF-8, 1 to 512 bytes, without control characters and without an
	// empty, "." or ".." segment between slashes.
	ID          string           `json:"id"`
	Fingerprint hash.Fingerprint `json:"fingerprint"`
	// SHA256 is the digest of the photo's file, by which the very same file is
	// recognised; zero if unknown.
	SHA256  Digest  `json:"sha256,omitzero"`
	Opinion Opinion `json:"opinion"`
	// SKU, Source and Note are free text of up to 1 KB each.
	SKU    string `json:"sku,omitempty"`
	Source string `json:"source,omitempty"`
	Note   string `json:"note,omitempty"`
	// Meta holds free key-value pairs, up to 4 KB together.
	Meta map[string]string `json:"meta,omitempty"`
	// AddedAt is when the reference was first added, UTC, to the second.
	AddedAt time.Time `json:"added_at"`
	// MadeBy names the software that made the fingerprint.
	MadeBy string `json:"made_by,omitempty"`
	// Features are for Add alone: what package hash keeps of the photo beside its
	// fingerprint, nil for none. Those of a stored reference are read by
	// Index.Features.
	Features *hash.Features `json:"-"`
}

// Digest is a SHA-256 digest; its text form is 64 lower-case hexadecimal digits.
type Digest [32]byte

// String returns the text form.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the text form; it never fails.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads the text form. It fails with ErrInvalid.
func (d *Digest) UnmarshalText(b []byte) error {
	var n Digest
	if len(b) != 2*len(n) {
		return invalid("digest of %d characters, want %d", len(b), 2*len(n))
	}
	if _, err := hex.Decode(n[:], b); err != nil {
		return invalid("digest %q, want hexadecimal digits", b)
	}
	*d = n
	return nil
}

// errStop ends a scan early.
var errStop = errors.New("stop")

// lookUp reads a reference by its id, pending writes included. It fails if
// memory holds other codes, or regions where there are no features: to take these away would spoil the bank's sum, and
// with it everybody's next Open.
func (w *batch) lookUp(b *bankView, id string) (uint64, Reference, error) {
	slot, ref, err := w.state.lookUp(w.txn, b, id)
	if err != nil {
		return slot, ref, err
	}
	now, _ := w.bank(b.Name) // b may be older than the draft
	col, held := w.column(now, slot)
	if held == (ref.Opinion == Withdrawn) || held && col != columnOf(ref.Fingerprint, b.Main) {
		return slot, ref, fmt.Errorf("%s/%s: slot %d is another one in memory: %w", b.Name, id, slot, ErrCorrupt)
	}
	featured, err := w.hasFeatures(slot)
	if regions := now.hasFeatures(slot); err == nil && held && regions != featured {
		err = fmt.Errorf("%s/%s: slot %d has features on disk %t, in memory %t: %w", b.Name, id, slot, featured, regions, ErrCorrupt)
	}
	return slot, ref, err
}

func (s *state) lookUp(txn *badger.Txn, b *bankView, id string) (uint64, Reference, error) {
	v, err := get(txn, idKey(b.id, id))
	if err != nil {
		return 0, Reference{}, err
	}
	if len(v) != 8 {
		return 0, Reference{}, fmt.Errorf("slot of %s/%s: %w", b.Name, id, ErrCorrupt)
	}
	slot := binary.BigEndian.Uint64(v)
	of, ref, err := s.record(txn, slot)
	if err == nil && (of.id != b.id || ref.ID != id) {
		err = fmt.Errorf("%s/%s: slot %d holds %s/%s: %w", b.Name, id, slot, of.Name, ref.ID, ErrCorrupt)
	}
	return slot, ref, err
}

func (s *snapshot) reference(b *bankView, id string) (Reference, error) {
	_, ref, err := s.lookUp(s.txn, b, id)
	return ref, err
}

// Get returns one reference, or ErrNotFound.
func (x *Index) Get(ctx context.Context, bank, id string) (Reference, error) {
	var ref Reference
	err := x.view(ctx, bank, func(s *snapshot, b *bankView) (err error) {
		ref, err = s.reference(b, id)
		return err
	})
	if err != nil {
		return Reference{}, fmt.Errorf("get %q of bank %q: %w", clip(id), clip(bank), err)
	}
	return ref, nil
}

// view calls f with the current snapshot and a bank of it.
func (x *Index) view(ctx context.Context, bank string, f func(*snapshot, *bankView) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := x.acquire()
	if s == nil {
		return ErrClosed
	}
	defer s.release()
	b, ok := s.bank(bank)
	if !ok {
		return fmt.Errorf("bank: %w", ErrNotFound)
	}
	return f(s, b)
}

// Remove deletes references; their ids are free again. It fails with
// ErrNotFound, and then removes nothing, if one of the ids is absent, and with
// ErrCorrupt, in the same way, if the rows of one contradict one another. An id
// that is named twice is removed once. More than some thousand ids are removed
// in several transactions.
func (x *Index) Remove(ctx context.Context, bank string, ids ...string) error {
	_, err := x.submit(ctx, func(w *batch, _ *request) error { return w.removeAll(bank, ids) })
	if err != nil {
		return fmt.Errorf("remove from bank %q: %w", clip(bank), err)
	}
	return nil
}

func (w *batch) removeAll(bank string, ids []string) error {
	b, err := w.need(bank)
	if err != nil {
		return err
	}
	unique := make(map[string]bool, len(ids))
	for _, id := range ids {
		if _, _, err := w.lookUp(b, id); err != nil {
			return fmt.Errorf("%q: %w", clip(id), err)
		}
		unique[id] = true
	}
	for _, id := range ids {
		if !unique[id] {
			continue
		}
		delete(unique, id)
		slot, ref, err := w.lookUp(b, id)
		if err != nil {
			return fmt.Errorf("%q: %w", clip(id), err)
		}
		if err := w.room(8, int64(4*len(id))+400); err != nil {
			return err
		}
		if err := w.erase(w.touch(b), slot, ref); err != nil {
			return fmt.Errorf("%q: %w", clip(id), err)
		}
		w.remove(idKey(b.id, id))
		w.journal(b.id, Change{Op: Removed, ID: id, Was: slot})
	}
	return nil
}

// SetOpinion changes the opinion of a reference; the next query follows it.
func (x *Index) SetOpinion(ctx context.Context, bank, id string, o Opinion) error {
	err := checkOpinion(o)
	if err == nil {
		_, err = x.submit(ctx, func(w *batch, _ *request) error { return w.setOpinion(bank, id, o) })
	}
	if err != nil {
		return fmt.Errorf("set opinion of %q in bank %q: %w", clip(id), clip(bank), err)
	}
	return nil
}

// setOpinion rewrites the record. A reference that comes back from Withdrawn
// is stored in a new slot: slots of a bank grow in memory, and whoever checked
// for conflicts on an older snapshot looks at new slots only.
func (w *batch) setOpinion(bank, id string, o Opinion) error {
	b, err := w.need(bank)
	if err != nil {
		return err
	}
	slot, ref, err := w.lookUp(b, id)
	if err != nil || ref.Opinion == o {
		return err
	}
	thumbnail, err := get(w.txn, thumbnailKey(slot))
	if err != nil && !isNotFound(err) {
		return err
	}
	f, err := w.features(w.txn, slot)
	if err != nil {
		return fmt.Errorf("%s/%s: %w", bank, id, err)
	}
	changed := ref
	changed.Opinion = o
	now := slot
	if ref.Opinion == Withdrawn {
		now = w.nextSlot
	}
	record := encodeRecord(b.id, now, changed)
	if err := w.room(16, int64(len(record)+4*len(id)+len(thumbnail))+f.size()+400); err != nil {
		return err
	}
	b = w.touch(b)
	if now != slot {
		if err := w.erase(b, slot, ref); err != nil {
			return err
		}
		w.place(b, changed, record, thumbnail, f)
	} else {
		w.set(recordKey(slot), record)
	}
	if o == Withdrawn {
		w.hide(b, slot, ref)
	}
	w.journal(b.id, Change{Op: OpinionChanged, ID: id, Slot: now, Was: slot, Opinion: o})
	return nil
}

// References iterates over a bank's references in the byte order of their
// ids, beginning after the id after ("" for all). The sequence ends with an
// error if one occurs. It shows the bank as it is when the iteration begins;
// until it ends, Close waits.
func (x *Index) References(ctx context.Context, bank, after string) iter.Seq2[Reference, error] {
	return x.references(ctx, bank, after, func(*snapshot, *bankView, uint64) (bool, error) { return true, nil })
}

// references iterates over those that wanted says yes to.
func (x *Index) references(ctx context.Context, bank, after string, wanted func(*snapshot, *bankView, uint64) (bool, error)) iter.Seq2[Reference, error] {
	return func(yield func(Reference, error) bool) {
		err := x.view(ctx, bank, func(s *snapshot, b *bankView) error {
			prefix := idKey(b.id, "")
			from := prefix
			if after != "" {
				from = idKey(b.id, after+"\x00") // the next key in byte order
			}
			return scan(ctx, s.txn, prefix, from, false, func(key, _ []byte) error {
				slot, ref, err := s.lookUp(s.txn, b, string(key[len(prefix):]))
				if err != nil {
					return err
				}
				ok, err := wanted(s, b, slot)
				if err == nil && ok && !yield(ref, nil) {
					err = errStop
				}
				return err
			})
		})
		if err != nil && err != errStop {
			yield(Reference{}, fmt.Errorf("references of bank %q: %w", clip(bank), err))
		}
	}
}

// Thumbnail returns the JPEG thumbnail of a reference (long side at most 160
// pixels, at most 4 KB), or ErrNotFound if there is none.
func (x *Index) Thumbnail(ctx context.Context, bank, id string) ([]byte, error) {
	var b []byte
	err := x.view(ctx, bank, func(s *snapshot, v *bankView) error {
		slot, _, err := s.lookUp(s.txn, v, id)
		if err == nil {
			b, err = get(s.txn, thumbnailKey(slot))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("thumbnail of %q in bank %q: %w", clip(id), clip(bank), err)
	}
	return b, nil
}
