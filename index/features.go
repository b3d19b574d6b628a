package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
)

// Features (see hash.Features) stand beside the records of references: whole in
// row 14, from which the candidates of a thorough search are verified, and their
// regions once more in row 16, which a search holds in memory. They need the
// photo. A reference that came as a bare code has none, and so have those of a
// store that was made by recipe 1; they are found by their hashes as ever.
//
// Such a store is raised (Raise) and then completed photo by photo (Complete).
// The simplest way would be to register all photos again, in a new store. But an
// owner may hold references of which nobody has the photo any more, opinions, a
// journal. So the store stays, and each reference keeps its slot.

// features are hash.Features in the forms in which they are stored.
type features struct {
	of      *hash.Features
	body    []byte
	regions []hash.Code
}

// packed brings f into these forms; nil gives nil.
func packed(f *hash.Features) (*features, error) {
	if f == nil {
		return nil, nil
	}
	body, err := f.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	if len(body) > maxFeatures {
		return nil, invalid("features of %d bytes, at most %d", len(body), maxFeatures)
	}
	return &features{of: f, body: body, regions: f.Regions()}, nil
}

// size is that of the rows in bytes.
func (f *features) size() int64 {
	if f == nil {
		return 0
	}
	return int64(len(f.body) + codeLen*len(f.regions) + 64)
}

// keepsFeatures reports whether references of a bank have features here.
func (s *state) keepsFeatures(b *bankView) bool {
	return s.format > oldestFormat && b.Main == hash.PDQ
}

// hasFeatures reports whether there is a row 14, pending writes included.
func (w *batch) hasFeatures(slot uint64) (bool, error) {
	_, err := get(w.txn, featuresKey(slot))
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// features reads row 14; nil if there is none.
func (s *state) features(txn *badger.Txn, slot uint64) (*features, error) {
	f, err := s.readFeatures(txn, slot)
	if err != nil {
		return nil, err
	}
	return packed(f)
}

func (s *state) readFeatures(txn *badger.Txn, slot uint64) (*hash.Features, error) {
	v, err := get(txn, featuresKey(slot))
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := decodeFeatures(slot, v)
	if err != nil {
		return nil, fmt.Errorf("slot %d: %w", slot, err)
	}
	return f, nil
}

// Features returns what is kept of a reference beside its fingerprint. It fails
// with ErrNotFound if there is no such reference, or if it has no features.
func (x *Index) Features(ctx context.Context, bank, id string) (*hash.Features, error) {
	var f *hash.Features
	err := x.view(ctx, bank, func(s *snapshot, b *bankView) error {
		slot, _, err := s.lookUp(s.txn, b, id)
		if err != nil {
			return err
		}
		if f, err = s.readFeatures(s.txn, slot); err == nil && f == nil {
			err = fmt.Errorf("features: %w", ErrNotFound)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("features of %q in bank %q: %w", clip(id), clip(bank), err)
	}
	return f, nil
}

// Recipe returns the recipe of the store: that of its references and of its
// verdicts. It is hash.Recipe, or hash.OldestRecipe for a store of an older
// version that was not raised (see Raise); 0 after Close.
func (x *Index) Recipe() int {
	s := x.acquire()
	if s == nil {
		return 0
	}
	defer s.release()
	return s.recipe
}

// Raise makes a store of recipe 1 one of recipe 2, which versions of touchstone
// that know recipe 1 only will refuse to open. Nothing else changes: its
// references are found by their hashes until Complete gives them features. A
// store of recipe 2 is left as it is.
func (x *Index) Raise(ctx context.Context) error {
	if s := x.acquire(); s != nil {
		raised := s.recipe == hash.Recipe
		s.release()
		if raised {
			return nil
		}
	}
	if _, err := x.submit(ctx, func(w *batch, _ *request) error { return w.raise() }); err != nil {
		return fmt.Errorf("raise store: %w", err)
	}
	return nil
}

// raise rewrites the header, and all counts, which have another form from here on.
func (w *batch) raise() error {
	if w.format == format && w.recipe == hash.Recipe {
		return nil
	}
	if err := w.room(int64(2+len(w.banks)), int64(256+64*len(w.banks))); err != nil {
		return err
	}
	w.journalGathered() // in the old form
	w.format, w.recipe = format, hash.Recipe
	w.rules++
	for _, b := range w.banks {
		w.touch(b)
	}
	w.set([]byte(headerKey), header{format: format, recipe: hash.Recipe, madeBy: clip(w.x.options.MadeBy)}.encode())
	w.enter(0, Change{Op: RecipeRaised, Recipe: hash.Recipe})
	return nil
}

// Incomplete iterates over the references of a bank that have no features and
// could have them, withdrawn ones included, in the byte order of their ids,
// beginning after the id after ("" for all). Otherwise it is as References. Banks
// of 64-bit hashes have none.
func (x *Index) Incomplete(ctx context.Context, bank, after string) iter.Seq2[Reference, error] {
	return x.references(ctx, bank, after, func(s *snapshot, b *bankView, slot uint64) (bool, error) {
		if b.Main != hash.PDQ {
			return false, nil
		}
		_, err := get(s.txn, featuresKey(slot))
		if isNotFound(err) {
			return true, nil
		}
		return false, err
	})
}

// Complete computes the features of a reference from the photo in r, raising the
// store if need be. It reports whether anything changed: nothing does if the
// reference has features. The photo must be the one that the reference was made
// of, or it is ErrDiffers: the same file where the digest is known, and otherwise
// one whose hashes are those of the reference. Other errors are those of
// Register.
func (x *Index) Complete(ctx context.Context, bank, id string, r io.Reader) (bool, error) {
	done, err := x.completeOne(ctx, bank, id, r)
	if err != nil {
		return false, fmt.Errorf("complete %q of bank %q: %w", clip(id), clip(bank), err)
	}
	return done, nil
}

func (x *Index) completeOne(ctx context.Context, bank, id string, r io.Reader) (bool, error) {
	if x.options.ReadOnly {
		return false, ErrReadOnly
	}
	picture, err := x.readPicture(ctx, r)
	if err != nil {
		return false, err
	}
	var slot uint64
	var ref Reference
	complete := false
	err = x.view(ctx, bank, func(s *snapshot, b *bankView) error {
		if slot, ref, err = s.lookUp(s.txn, b, id); err != nil {
			return err
		}
		_, err = get(s.txn, featuresKey(slot))
		complete = err == nil || b.Main != hash.PDQ
		if isNotFound(err) {
			return nil
		}
		return err
	})
	if err != nil || complete {
		return false, err
	}
	f, err := x.featuresOf(ctx, ref, picture)
	if err != nil {
		return false, err
	}
	if err := x.Raise(ctx); err != nil {
		return false, err
	}
	changed := false
	_, err = x.submit(ctx, func(w *batch, _ *request) (err error) {
		changed, err = w.addFeatures(bank, id, slot, f)
		return err
	})
	return changed, err
}

// featuresOf computes the features of a picture that must be that of ref.
func (x *Index) featuresOf(ctx context.Context, ref Reference, picture []byte) (*features, error) {
	if ref.SHA256 != (Digest{}) && ref.SHA256 != sha256.Sum256(picture) {
		return nil, ErrDiffers
	}
	fp, info, err := hash.Read(ctx, bytes.NewBuffer(picture), x.options.Limits)
	if err != nil {
		return nil, err
	}
	if ref.SHA256 == (Digest{}) && !sameHashes(ref.Fingerprint, info.Complete(fp, hash.Average)) {
		return nil, ErrDiffers
	}
	f, err := packed(info.Features())
	if err == nil && f == nil {
		err = errors.New("no features of this picture")
	}
	return f, err
}

// sameHashes reports whether all hashes that a has are those of b.
func sameHashes(a, b hash.Fingerprint) bool {
	for fr := range hash.Frame(hash.Frames) {
		x, ok := a.Code(fr)
		if y, both := b.Code(fr); ok && (!both || x != y) {
			return false
		}
	}
	for k := hash.Perception; k <= hash.Average; k++ {
		x, ok := a.Word(k)
		if y, both := b.Word(k); ok && (!both || x != y) {
			return false
		}
	}
	return true
}

// addFeatures stages the features of the reference that is in slot. If it was
// replaced, removed or completed since, nothing changes.
func (w *batch) addFeatures(bank, id string, slot uint64, f *features) (bool, error) {
	b, err := w.need(bank)
	if err != nil {
		return false, err
	}
	now, ref, err := w.lookUp(b, id)
	if err != nil || now != slot {
		return false, err
	}
	if has, err := w.hasFeatures(slot); err != nil || has {
		return false, err
	}
	if err := w.room(4, f.size()+400); err != nil {
		return false, err
	}
	b = w.touch(b)
	w.set(featuresKey(slot), encodeFeatures(slot, f.body))
	b.counts.featured++
	if ref.Opinion != Withdrawn {
		w.set(regionsKey(b.id, slot), encodeRegions(b.id, slot, f.regions))
		w.draft.addFeatures(b, slot, f)
	}
	w.journalSlot(FeaturesAdded, b.id, slot)
	return true, nil
}
