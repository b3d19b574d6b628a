package index

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
}

// Digest is a SHA-256 digest; its text form is 64 lower-case hexadecimal digits.
type Digest [32]byte

// RegisterOptions are the ways in which Register and AddWith may be told to go on.
// The zero value is the careful one.
type RegisterOptions struct {
	// Replace lets a reference of the same id and other bytes be replaced;
	// otherwise it is ErrExists.
	Replace bool
	// Force registers in spite of a ConflictError.
	Force bool
	// Check looks for conflicts. Register always checks, AddWith only if this
	// is set.
	Check bool
}

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

// Register fingerprints the picture in r and stores it as a reference. ref
// carries bank, id and metadata; an empty Opinion means Confirmed. When it
// returns, the reference is durable and visible to the next query.
//
// The same id with the same bytes changes nothing and returns what is stored,
// other metadata or another opinion in ref notwithstanding (SetOpinion changes
// the latter). Bytes that are stored under another id, in any bank, are not
// decoded again. A replaced reference keeps its AddedAt unless ref has one.
//
// The search for conflicts looks at all banks of the opposite kind as they are
// when the reference is stored, withdrawn references aside.
//
// Errors: *hash.UnusableError, ErrExists, *ConflictError, ErrNotFound (bank),
// ErrInvalid, ErrNoSpace and those of the index, of r and of ctx.
func (x *Index) Register(ctx context.Context, ref Reference, r io.Reader, o RegisterOptions) (Reference, error) {
	ref = x.complete(ref)
	stored, err := x.register(ctx, ref, r, o)
	if err != nil {
		return Reference{}, fmt.Errorf("register %q in bank %q: %w", clip(ref.ID), clip(ref.Bank), err)
	}
	return stored, nil
}

func (x *Index) register(ctx context.Context, ref Reference, r io.Reader, o RegisterOptions) (Reference, error) {
	if x.options.ReadOnly {
		return Reference{}, ErrReadOnly
	}
	s := x.acquire()
	if s == nil {
		return Reference{}, ErrClosed
	}
	defer s.release()
	if err := ref.check(); err != nil {
		return Reference{}, err
	}
	b, ok := s.bank(ref.Bank)
	if !ok {
		return Reference{}, fmt.Errorf("bank: %w", ErrNotFound)
	}
	picture, err := x.readPicture(r)
	if err != nil {
		return Reference{}, err
	}
	ref.SHA256 = sha256.Sum256(picture)
	if old, err := s.reference(b, ref.ID); err == nil && old.SHA256 == ref.SHA256 {
		return old, nil
	} else if err == nil && !o.Replace {
		return Reference{}, ErrExists
	} else if err != nil && !isNotFound(err) {
		return Reference{}, err
	}
	thumbnail, err := x.fingerprint(ctx, s, &ref, picture, b)
	if err != nil {
		return Reference{}, err
	}
	o.Check = true
	p := &put{ref: ref, thumbnail: thumbnail, options: o}
	_, err = x.put(ctx, s, []*put{p})
	return p.ref, err
}

// complete fills in what a new reference leaves out.
func (x *Index) complete(ref Reference) Reference {
	if ref.Opinion == "" {
		ref.Opinion = Confirmed
	}
	if ref.MadeBy == "" {
		ref.MadeBy = x.options.MadeBy
	}
	if !ref.AddedAt.IsZero() {
		ref.AddedAt = ref.AddedAt.UTC().Truncate(time.Second)
	}
	if len(ref.Meta) == 0 {
		ref.Meta = nil
	}
	return ref
}

// readPicture reads one byte more than is allowed, so that package hash sees
// that the picture is too large. A *bytes.Buffer is used in place.
func (x *Index) readPicture(r io.Reader) ([]byte, error) {
	if b, ok := r.(*bytes.Buffer); ok {
		return b.Bytes(), nil
	}
	limit := x.options.Limits.MaxBytes
	if limit == 0 {
		limit = hash.DefaultLimits().MaxBytes
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return b, nil
}

// fingerprint sets ref.Fingerprint, by decoding the picture or from a reference
// that was made of the same bytes, and returns the thumbnail, if there is one.
func (x *Index) fingerprint(ctx context.Context, s *snapshot, ref *Reference, picture []byte, b *bankView) ([]byte, error) {
	slot, known, err := s.sameBytes(ctx, ref.SHA256, []*bankView{b})
	if err != nil {
		return nil, err
	}
	if slot != 0 {
		ref.Fingerprint, ref.MadeBy = known.Fingerprint, known.MadeBy
		thumbnail, err := get(s.txn, thumbnailKey(slot))
		if err != nil && !isNotFound(err) {
			return nil, err
		}
		return thumbnail, nil
	}
	f, info, err := hash.Read(ctx, bytes.NewBuffer(picture), x.options.Limits)
	if err != nil {
		return nil, err
	}
	ref.Fingerprint = info.Complete(f, b.Main)
	if x.options.NoThumbnails {
		return nil, nil
	}
	thumbnail, err := info.Thumbnail()
	if err != nil || len(thumbnail) > maxThumbnail {
		x.options.Logger.Warn("no thumbnail", "bank", ref.Bank, "id", ref.ID, "bytes", len(thumbnail), "error", err)
		return nil, nil // for people only; it must not keep the reference out
	}
	return thumbnail, nil
}

const maxThumbnail = 4 << 10

// sameBytes finds a reference whose fingerprint was made from a picture of
// this digest and has all hashes by which the banks are searched. It may be in
// any bank, and withdrawn: here it does not match, it saves the decoding. Slot
// 0 means that there is none.
func (s *snapshot) sameBytes(ctx context.Context, d Digest, banks []*bankView) (slot uint64, ref Reference, err error) {
	err = eachOfDigest(ctx, s.txn, d, func(n uint64) error {
		_, r, err := s.record(s.txn, n)
		if err != nil {
			return err
		}
		f := r.Fingerprint
		// Lists of other platforms have PDQ alone.
		usable := f.Recipe() == hash.Recipe && f.Has(hash.PDQ) && f.Has(hash.Perception) && f.Quality() >= hash.MinQuality
		for _, b := range banks {
			usable = usable && f.Has(b.Main)
		}
		if usable {
			slot, ref = n, r
			return errStop
		}
		return nil
	})
	if err == errStop {
		err = nil
	}
	return slot, ref, err
}

// Seen returns the stored reference (bank, id) if it was made of a file with
// this digest, so that an interrupted registration need not read it again.
func (x *Index) Seen(ctx context.Context, bank, id string, sha Digest) (Reference, bool, error) {
	ref, err := x.Get(ctx, bank, id)
	if isNotFound(err) {
		return Reference{}, false, nil
	}
	if err != nil || sha == (Digest{}) || ref.SHA256 != sha {
		return Reference{}, false, err
	}
	return ref, true, nil
}

// Add stores references that are already fingerprinted, without looking for
// conflicts. Each is stored whole or not at all; all of one call that fit go
// into one transaction. It stops at the first error and says how many were
// stored before it. A fingerprint of the query path, or one of a quality below
// hash.MinQuality, is refused (ErrInvalid).
// An identical reference (same id and same digest, or same fingerprint if a
// digest is unknown) that exists already changes nothing, whatever its other
// metadata, and counts as stored.
func (x *Index) Add(ctx context.Context, refs ...Reference) (int, error) {
	return x.AddWith(ctx, RegisterOptions{}, refs...)
}

// addGroup is the number of references that are handed to the writer at a
// time, so that a bulk load does not keep others waiting.
const addGroup = 4096

// AddWith is Add with options.
func (x *Index) AddWith(ctx context.Context, o RegisterOptions, refs ...Reference) (int, error) {
	s := x.acquire()
	if s == nil {
		return 0, ErrClosed
	}
	defer s.release()
	stored := 0
	for len(refs) > 0 {
		n := min(len(refs), addGroup)
		puts := make([]*put, 0, n)
		var refused error
		for _, ref := range refs[:n] {
			ref = x.complete(ref)
			if refused = ref.check(); refused != nil {
				break
			}
			puts = append(puts, &put{ref: ref, options: o})
		}
		done, err := x.put(ctx, s, puts)
		stored += done
		if err = cmp.Or(err, refused); err != nil {
			ref := refs[min(done, n-1)]
			return stored, fmt.Errorf("add %q to bank %q: %w", clip(ref.ID), clip(ref.Bank), err)
		}
		refs = refs[n:]
	}
	return stored, nil
}

// put is a reference on its way to the writer.
type put struct {
	ref       Reference // in: complete; out: as stored
	thumbnail []byte
	options   RegisterOptions
}

// put looks for conflicts where that is asked for and hands the references to
// the writer. The long search is done here, in the caller's goroutine, on a
// snapshot; the writer looks only at what was added since, so that the answer
// holds for the moment of storing. It returns how many were stored; the error
// is about the one after these.
func (x *Index) put(ctx context.Context, s *snapshot, puts []*put) (int, error) {
	var refused error
	for i, p := range puts {
		if !p.options.Check || p.options.Force {
			continue
		}
		if refused = s.conflict(ctx, s.txn, p.ref, 0); refused != nil {
			puts = puts[:i]
			break
		}
	}
	if len(puts) == 0 {
		return 0, refused
	}
	r, err := x.submit(ctx, func(w *batch, r *request) error {
		since := s.nextSlot
		if w.rules != s.rules {
			since = 0
		}
		for _, p := range puts {
			if err := w.put(ctx, p, since); err != nil {
				return err
			}
			r.staged++
		}
		return nil
	})
	return r.committed, cmp.Or(err, refused)
}

// conflict searches the banks of the opposite kind, in slots from since on,
// for a reference that stands against ref.
func (s *state) conflict(ctx context.Context, txn *badger.Txn, ref Reference, since uint64) error {
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
	found := newCollector(1)
	if err := q.exact(ctx, s, txn, opposite, found); err != nil {
		return err
	}
	for _, b := range opposite {
		if !ref.Fingerprint.Has(b.Main) {
			continue
		}
		if err := q.scan(ctx, b, since, b.Policy.Strong, found); err != nil {
			return err
		}
	}
	ms, _, err := q.matches(ctx, txn, found)
	if err == nil && len(ms) > 0 {
		return &ConflictError{Match: ms[0]}
	}
	return err
}

// put stages a reference. Nothing is staged if it fails.
func (w *batch) put(ctx context.Context, p *put, since uint64) error {
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
	if was != 0 {
		if old.sameBytes(p.ref) {
			p.ref = old
			return nil
		}
		if !p.options.Replace {
			return ErrExists
		}
	}
	if p.options.Check && !p.options.Force {
		if err := w.conflict(ctx, w.txn, p.ref, since); err != nil {
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
	return ref.Fingerprint == o.Fingerprint
}

// store stages the rows of a reference in a new slot, and the removal of the
// one in slot was (0 if there is none).
func (w *batch) store(b *bankView, p *put, was uint64, old Reference) error {
	record := encodeRecord(b.id, w.nextSlot, p.ref)
	rows := int64(6)
	if was != 0 {
		rows = 12
	}
	if err := w.room(rows, int64(len(record)+2*len(p.ref.ID)+len(p.thumbnail))+400); err != nil {
		return err
	}
	b = w.touch(b)
	if was != 0 {
		w.erase(b, was, old)
	}
	slot := w.place(b, p.ref, record, p.thumbnail)
	if was != 0 {
		w.journal(b.id, Change{Op: Replaced, ID: p.ref.ID, Slot: slot, Was: was})
	} else {
		w.journalSlot(b.id, slot)
	}
	return nil
}

// place stages the rows of a reference in the next slot, for which record was
// made.
func (w *batch) place(b *bankView, ref Reference, record, thumbnail []byte) uint64 {
	slot := w.takeSlot()
	w.set(recordKey(slot), record)
	w.set(idKey(b.id, ref.ID), binary.BigEndian.AppendUint64(nil, slot))
	if ref.SHA256 != (Digest{}) {
		w.set(digestKey(ref.SHA256, slot), nil)
	}
	if len(thumbnail) > 0 {
		w.set(thumbnailKey(slot), thumbnail)
	}
	b.counts.references++
	if ref.Opinion != Withdrawn {
		col := columnOf(ref.Fingerprint, b.Main)
		w.set(col.key(b.id, slot, b.Main), nil)
		w.add(b, slot, col)
	}
	return slot
}

// erase stages the removal of all rows of a slot but that of the id.
func (w *batch) erase(b *bankView, slot uint64, ref Reference) {
	w.remove(recordKey(slot))
	w.remove(thumbnailKey(slot))
	if ref.SHA256 != (Digest{}) {
		w.remove(digestKey(ref.SHA256, slot))
	}
	b.counts.references--
	if ref.Opinion != Withdrawn {
		w.hide(b, slot, ref)
	}
}

// hide stages the removal of the search column's row.
func (w *batch) hide(b *bankView, slot uint64, ref Reference) {
	col := columnOf(ref.Fingerprint, b.Main)
	w.remove(col.key(b.id, slot, b.Main))
	if !w.drop(b, slot, col) && w.failure == nil {
		w.failure = fmt.Errorf("slot %d of bank %s is not in memory: %w", slot, b.Name, ErrCorrupt)
	}
}

// lookUp reads a reference by its id, pending writes included.
func (w *batch) lookUp(b *bankView, id string) (uint64, Reference, error) {
	return w.state.lookUp(w.txn, b, id)
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
// ErrNotFound, and then removes nothing, if one of the ids is absent. An id
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
		if _, err := get(w.txn, idKey(b.id, id)); err != nil {
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
		if err := w.room(6, int64(4*len(id))+400); err != nil {
			return err
		}
		own := w.touch(b)
		w.erase(own, slot, ref)
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
	changed := ref
	changed.Opinion = o
	now := slot
	if ref.Opinion == Withdrawn {
		now = w.nextSlot
	}
	record := encodeRecord(b.id, now, changed)
	if err := w.room(12, int64(len(record)+4*len(id)+len(thumbnail))+400); err != nil {
		return err
	}
	b = w.touch(b)
	if now != slot {
		w.erase(b, slot, ref)
		w.place(b, changed, record, thumbnail)
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
	return func(yield func(Reference, error) bool) {
		err := x.view(ctx, bank, func(s *snapshot, b *bankView) error {
			prefix := idKey(b.id, "")
			from := prefix
			if after != "" {
				from = idKey(b.id, after+"\x00") // the next key in byte order
			}
			return scan(ctx, s.txn, prefix, from, false, func(key, _ []byte) error {
				ref, err := s.reference(b, string(key[len(prefix):]))
				if err == nil && !yield(ref, nil) {
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
