package index

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/touchstone-go/touchstone/hash"
)

// The two doors by which references come in: Register takes a picture, Add what
// is fingerprinted already. Both end in put.go.

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

// Register fingerprints the picture in r and stores it as a reference. ref
// carries bank, id and metadata; an empty Opinion means Confirmed. When it
// returns, the reference is durable and visible to the next query. Beside the
// fingerprint its features are kept (see hash.Features), unless
// Options.NoFeatures, a bank of 64-bit hashes or a store of recipe 1 speaks
// against it.
//
// The same id with the same bytes changes nothing and returns what is stored,
// other metadata or another opinion in ref notwithstanding (SetOpinion changes
// the latter, Complete adds features). Bytes that are stored under another id, in
// any bank, are not decoded again. A replaced reference keeps its AddedAt unless
// ref has one.
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
	if x.current.Load() == nil {
		return Reference{}, ErrClosed
	}
	if err := ref.check(); err != nil {
		return Reference{}, err
	}
	picture, err := x.readPicture(ctx, r)
	if err != nil {
		return Reference{}, err
	}
	s := x.acquire()
	if s == nil {
		return Reference{}, ErrClosed
	}
	defer s.release()
	b, ok := s.bank(ref.Bank)
	if !ok {
		return Reference{}, fmt.Errorf("bank: %w", ErrNotFound)
	}
	ref.SHA256 = sha256.Sum256(picture)
	o.Check = true
	p := &put{ref: ref, options: o}
	was, old, err := s.lookUp(s.txn, b, ref.ID)
	if err != nil && !isNotFound(err) {
		return Reference{}, err
	}
	if same, err := p.identity(was, old); err != nil {
		return Reference{}, err
	} else if same {
		return old, nil
	}
	if err = x.fingerprint(ctx, s, p, picture, b); err != nil {
		return Reference{}, err
	}
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
// that the picture is too large. A *bytes.Buffer is used in place. Callers
// have no snapshot yet: whoever waits for r must hold up nobody, and what comes
// out of it is judged by what is known then.
func (x *Index) readPicture(ctx context.Context, r io.Reader) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b, ok := r.(*bytes.Buffer); ok {
		return b.Bytes(), nil
	}
	b, err := io.ReadAll(io.LimitReader(r, x.options.Limits.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return b, nil
}

// fingerprint sets the fingerprint, the features and the thumbnail of p, by
// decoding the picture or from a reference that was made of the same bytes.
func (x *Index) fingerprint(ctx context.Context, s *snapshot, p *put, picture []byte, b *bankView) error {
	wanted := s.keepsFeatures(b) && !x.options.NoFeatures
	slot, known, err := s.sameBytes(ctx, p.ref.SHA256, []*bankView{b})
	if err != nil {
		return err
	}
	if slot != 0 && wanted {
		if p.features, err = s.features(s.txn, slot); err != nil {
			return err
		}
	}
	if slot != 0 && (p.features != nil || !wanted) {
		p.ref.Fingerprint, p.ref.MadeBy = known.Fingerprint, known.MadeBy
		if x.options.NoThumbnails {
			return nil
		}
		if p.thumbnail, err = get(s.txn, thumbnailKey(slot)); isNotFound(err) {
			err = nil
		}
		return err
	}
	f, info, err := hash.Read(ctx, bytes.NewBuffer(picture), x.options.Limits)
	if err != nil {
		return err
	}
	p.ref.Fingerprint = info.Complete(f, b.Main)
	p.thumbnail = x.thumbnail(p.ref, info)
	if wanted {
		p.features, err = packed(info.Features())
	}
	return err
}

// thumbnail is for people only: a reference is stored without one if need be.
func (x *Index) thumbnail(ref Reference, info hash.Info) []byte {
	if x.options.NoThumbnails {
		return nil
	}
	b, err := info.Thumbnail()
	if err != nil || len(b) > maxThumbnail {
		x.options.Logger.Warn("no thumbnail", "bank", ref.Bank, "id", ref.ID, "bytes", len(b), "error", err)
		return nil
	}
	return b
}

const maxThumbnail = 4 << 10

// maxSameBytes is how many references of the same bytes sameBytes reads.
const maxSameBytes = 16

// sameBytes finds a reference whose fingerprint was made from a picture of
// this digest and has all hashes by which the banks are searched. It may be in
// any bank, and withdrawn: here it does not match, it saves the decoding. Slot
// 0 means that there is none among the first few.
func (s *snapshot) sameBytes(ctx context.Context, d Digest, banks []*bankView) (uint64, Reference, error) {
	slots, err := slotsOf(ctx, s.txn, d, 0)
	if err != nil {
		return 0, Reference{}, err
	}
	for _, slot := range slots[:min(len(slots), maxSameBytes)] {
		_, ref, err := s.record(s.txn, slot)
		if err != nil {
			return 0, Reference{}, err
		}
		f := ref.Fingerprint
		// Lists of other platforms have PDQ alone.
		usable := f.Has(hash.PDQ) && f.Has(hash.Perception) && f.Quality() >= hash.MinQuality
		if usable && !lacksMain(f, banks) {
			return slot, ref, nil
		}
	}
	return 0, Reference{}, nil
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
// hash.MinQuality, is refused (ErrInvalid). Fingerprints of recipes 1 and 2 mean
// the same and become those of the store's recipe; Reference.Features are kept
// where the store keeps any (see Options.NoFeatures). Features are trusted as
// fingerprints are: nothing here can tell whether they are of the same photo.
// An identical reference (same id and same digest, or same fingerprint if a
// digest is unknown) that exists already changes nothing, whatever its other
// metadata and its features (Complete adds these), and counts as stored.
func (x *Index) Add(ctx context.Context, refs ...Reference) (int, error) {
	return x.AddWith(ctx, RegisterOptions{}, refs...)
}

// maxAdd is the number of references that are handed to the writer at a time,
// so that a bulk load does not keep others waiting.
const maxAdd = 4096

// AddWith is Add with options. With Check, a reference that stands against one
// of the opposite kind is a *ConflictError; one that is stored already is not
// looked at again. The search is that of Register, by digest and hashes of the
// whole picture: regions and local features are not compared.
func (x *Index) AddWith(ctx context.Context, o RegisterOptions, refs ...Reference) (int, error) {
	if x.current.Load() == nil {
		return 0, ErrClosed
	}
	stored := 0
	for len(refs) > 0 {
		n := min(len(refs), maxAdd)
		done, err := x.addGroup(ctx, o, refs[:n])
		stored += done
		if err != nil {
			ref := refs[min(done, n-1)]
			return stored, fmt.Errorf("add %q to bank %q: %w", clip(ref.ID), clip(ref.Bank), err)
		}
		refs = refs[n:]
	}
	return stored, nil
}

// addGroup stores up to maxAdd references.
func (x *Index) addGroup(ctx context.Context, o RegisterOptions, refs []Reference) (int, error) {
	s := x.acquire()
	if s == nil {
		return 0, ErrClosed
	}
	defer s.release()
	puts := make([]*put, 0, len(refs))
	var refused error
	for _, ref := range refs {
		ref = x.complete(ref)
		if refused = ref.check(); refused != nil {
			break
		}
		p := &put{ref: ref, options: o}
		if !x.options.NoFeatures {
			if p.features, refused = packed(ref.Features); refused != nil {
				break
			}
		}
		puts = append(puts, p)
	}
	done, err := x.put(ctx, s, puts)
	return done, cmp.Or(err, refused)
}
