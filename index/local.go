package index

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/votes"
)

// Hashes lead to references whose whole frame, or a region of it, is like the
// query. A photo that was cut hard, or pasted small into another one, is like
// none of them. What it still has are the corners of the original, so references
// are also found by voting of local features (see package votes). Each chunk of a
// bank has a set of files for its references; a file never changes, so snapshots
// share them.
//
// They cost 1.9 KB of memory for each reference, more than all the rest, so their
// number is limited (Options.LocalFeatures). When there is no more room for
// hash.MaxPoints, what comes is left
// out, in the order in which references came; it is still found by hashes, and
// then verified by its local features, which are on disk.

// locals counts the local features in memory.
func (s *state) locals() (n int) {
	for _, b := range s.banks {
		for _, c := range b.chunks {
			for _, f := range c.files {
				n += f.Len()
			}
		}
	}
	return n
}

// addLocal enters the local features of the reference at a position of a chunk,
// which must be a copy that is not yet shared.
func (d *draft) addLocal(c *chunk, pos int, f *hash.Features) {
	if f.Points() > 0 && d.locals()+hash.MaxPoints <= d.maxLocal {
		c.files = votes.Append(c.files, votes.Of(pos, f))
	}
}

// loadLocal reads row 14 of the references until the limit is reached. They come
// in the order of their slots, whatever their bank, so each bank fills its own
// file, that of one chunk at a time.
func (l *loader) loadLocal(ctx context.Context) error {
	if l.maxLocal == 0 {
		return nil
	}
	type filling struct {
		bulk  votes.Bulk
		chunk *chunk
	}
	fills, rows := make([]filling, len(l.banks)), make([]uint64, len(l.banks))
	settle := func(f *filling) {
		if f.chunk != nil {
			f.chunk.files = []*votes.File{f.bulk.File()}
		}
	}
	n := 0
	err := scan(ctx, l.txn, []byte{tabFeatures}, nil, true, func(key, v []byte) error {
		if len(key) != 9 {
			return fmt.Errorf("row %x: %w", key, ErrCorrupt)
		}
		slot := binary.BigEndian.Uint64(key[1:])
		for i, b := range l.banks {
			ci, pos, ok := b.find(slot)
			if !ok {
				continue
			}
			if !b.chunks[ci].hasFeatures(pos) {
				return nil // see Check
			}
			rows[i]++
			f, err := decodeFeatures(slot, v)
			if err != nil {
				// Whoever uses the row is told so; see also Check.
				l.log.Warn("features are damaged", "bank", b.Name, "slot", slot, "error", err)
				return nil
			}
			if n+hash.MaxPoints > l.maxLocal {
				return errEnough
			}
			n += f.Points()
			if fill := &fills[i]; fill.chunk != b.chunks[ci] {
				settle(fill)
				fill.chunk = b.chunks[ci]
			}
			fills[i].bulk.Add(pos, f)
			return nil
		}
		return nil
	})
	for i := range fills {
		settle(&fills[i])
	}
	if err != nil {
		if err == errEnough {
			return nil
		}
		return err
	}
	for i, b := range l.banks {
		if rows[i] != b.counts.regions {
			return fmt.Errorf("bank %s: expected the features of %d references, found %d; rows were lost or changed, restore the store from a copy: %w",
				b.Name, b.counts.regions, rows[i], ErrCorrupt)
		}
	}
	return nil
}

// errEnough ends a scan.
var errEnough = fmt.Errorf("enough")
