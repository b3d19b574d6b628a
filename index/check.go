package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/dgraph-io/badger/v4"
)

// Open compares counts and sums. Check reads everything and follows each
// reference through all tables in both directions:
//
//	records   every checksum; the id, the digest and the column say the same
//	columns   each belongs to a record that is not withdrawn; memory agrees
//	ids       each leads to a record that has this id in this bank
//	digests   each leads to a record that has this digest
//	features  every checksum; each leads to a record, its regions are those of row 16
//	regions   every checksum; each belongs to features; memory agrees
//	thumbs    each leads to a record
//	counts    are those of the records and columns, in memory as on disk
//	journal   no gaps, every checksum
//	numbers   no slot and no change beyond the next ones
//
// It works on one snapshot, so that it may run beside writers, and holds
// nothing per reference in memory but the bank's own: what is looked for is
// looked up.
//
// Of what is in memory, the files by which local features vote (see package
// votes) are not compared with rows 14. They cannot make a match: what they lead
// to is verified on the rows themselves. One that lacked a reference would cost
// matches that only local features lead to, until the store is opened again.

// maxFindings bounds the report: a lost table would fill it with thousands.
const maxFindings = 100

// Check compares the rows on disk with one another and with memory, and joins
// all findings into one error (an ErrCorrupt; the first 100 are listed, each
// with its key); nil means clean. It reads the whole store.
func (x *Index) Check(ctx context.Context) error {
	s := x.acquire()
	if s == nil {
		return ErrClosed
	}
	defer s.release()
	c := &checker{snapshot: s, ctx: ctx, loaded: map[uint32]*counts{}, codes: map[uint32]int{}}
	for _, b := range s.banks {
		c.loaded[b.id] = &counts{}
	}
	for _, step := range []func() error{
		c.header, c.banks, c.records, c.columns, c.ids, c.digests, c.features, c.thumbnails, c.regionRows,
		c.sums, c.changes, c.foreign,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("check store: %w", err)
		}
	}
	return c.report()
}

type checker struct {
	*snapshot
	ctx      context.Context
	loaded   map[uint32]*counts // what was counted
	codes    map[uint32]int     // codes in the search column
	findings []error
	more     int
}

func (c *checker) found(f string, args ...any) {
	if len(c.findings) >= maxFindings {
		c.more++
		return
	}
	c.findings = append(c.findings, fmt.Errorf("%s: %w", fmt.Sprintf(f, args...), ErrCorrupt))
}

func (c *checker) report() error {
	if c.more > 0 {
		c.findings = append(c.findings, fmt.Errorf("and %d more: %w", c.more, ErrCorrupt))
	}
	return errors.Join(c.findings...)
}

// each calls f with all rows of a table whose key has n bytes (0: any).
func (c *checker) each(table byte, n int, values bool, f func(key, v []byte)) error {
	return scan(c.ctx, c.txn, []byte{table}, nil, values, func(key, v []byte) error {
		if n != 0 && len(key) != n {
			c.found("row %x: key of %d bytes, want %d", key, len(key), n)
			return nil
		}
		f(key, v)
		return nil
	})
}

// value reads a row of which one other row says that it is there. Nil means
// that it is not, which has been noted.
func (c *checker) value(key []byte, f string, args ...any) []byte {
	v, err := get(c.txn, key)
	if err != nil {
		c.found("%s: row %x: %v", fmt.Sprintf(f, args...), key, err)
		return nil
	}
	return v
}

func (c *checker) header() error {
	if v := c.value([]byte(headerKey), "header"); v != nil {
		h, err := decodeHeader(v)
		if err != nil || h.format != c.format || int(h.recipe) != c.recipe {
			c.found("row 00: format %d and recipe %d (%v), in memory %d and %d", h.format, h.recipe, err, c.format, c.recipe)
		}
	}
	v := c.value([]byte(nextKey), "next numbers")
	if slot, seq, err := decodeNext(v); v != nil && (err != nil || slot != c.nextSlot || seq != c.seq+1) {
		c.found("row 21: next slot %d and change %d (%v), in memory %d and %d", slot, seq, err, c.nextSlot, c.seq+1)
	}
	return nil
}

func (c *checker) banks() error {
	names := 0
	err := c.each(tabName, 0, true, func(key, v []byte) {
		names++
		b, ok := c.bank(string(key[1:]))
		if !ok || len(v) != 4 || binary.BigEndian.Uint32(v) != b.id {
			c.found("row %x: leads to bank %x", key, v)
		}
	})
	rows := 0
	err = errors.Join(err, c.each(tabBank, 5, true, func(key, v []byte) {
		rows++
		id := binary.BigEndian.Uint32(key[1:])
		d, _, err := decodeBank(id, v)
		if b, ok := c.bankByID(id); err != nil || !ok || b.Bank != d {
			c.found("row %x: bank %q (%v) is another one in memory", key, d.Name, err)
		}
	}))
	if n := len(c.state.banks); names != n || rows != n {
		c.found("rows 01 and 02: %d banks and %d names, in memory %d", rows, names, n)
	}
	return err
}

func (c *checker) records() error {
	return c.each(tabRecord, 9, true, func(key, v []byte) {
		slot := binary.BigEndian.Uint64(key[1:])
		id, ref, err := decodeRecord(slot, v)
		if err != nil {
			c.found("row %x: %v", key, err)
			return
		}
		b, ok := c.bankByID(id)
		if !ok || slot >= c.nextSlot {
			c.found("row %x: bank %d, next slot %d", key, id, c.nextSlot)
			return
		}
		c.loaded[id].references++
		at := c.value(idKey(id, ref.ID), "record of %s/%s", b.Name, ref.ID)
		if at != nil && (len(at) != 8 || binary.BigEndian.Uint64(at) != slot) {
			c.found("row %x: %s/%s is in slot %x", key, b.Name, ref.ID, at)
		}
		if ref.SHA256 != (Digest{}) {
			c.value(digestKey(ref.SHA256, slot), "digest of %s/%s", b.Name, ref.ID)
		}
		if ref.Opinion != Withdrawn {
			c.value(columnOf(ref.Fingerprint, b.Main).key(id, slot, b.Main), "search column of %s/%s", b.Name, ref.ID)
		}
	})
}

func (c *checker) columns() error {
	return c.each(tabColumn, 0, false, func(key, _ []byte) {
		id, slot, codes, ok := splitColumn(key)
		b, known := c.bankByID(id)
		if !ok || !known {
			c.found("row %x: no such bank", key)
			return
		}
		col, ok := parseColumn(codes, b.Main)
		if !ok {
			c.found("row %x: not codes of %v", key, b.Main)
			return
		}
		c.loaded[id].searchable++
		c.loaded[id].sum += xxhash.Sum64(key)
		c.codes[id] += col.len()
		if held, ok := b.column(slot); !ok || held != col {
			c.found("row %x: slot %d of bank %s is another one in memory", key, slot, b.Name)
		}
		of, ref, err := c.record(c.txn, slot)
		if err != nil {
			c.found("row %x: %v", key, err)
			return
		}
		if of.id != id || ref.Opinion == Withdrawn || columnOf(ref.Fingerprint, b.Main) != col {
			c.found("row %x: the record of slot %d is %s/%s (%s) with other codes or another state", key, slot, of.Name, ref.ID, ref.Opinion)
		}
	})
}

func (c *checker) ids() error {
	return c.each(tabID, 0, true, func(key, v []byte) {
		if len(key) < 6 || len(v) != 8 {
			c.found("row %x: malformed", key)
			return
		}
		of, ref, err := c.record(c.txn, binary.BigEndian.Uint64(v))
		if err != nil || of.id != binary.BigEndian.Uint32(key[1:]) || ref.ID != string(key[5:]) {
			c.found("row %x: leads to slot %x, which is not that reference (%v)", key, v, err)
		}
	})
}

func (c *checker) digests() error {
	return c.each(tabDigest, 1+32+8, false, func(key, _ []byte) {
		_, ref, err := c.record(c.txn, binary.BigEndian.Uint64(key[33:]))
		if err != nil || ref.SHA256 != Digest(key[1:33]) {
			c.found("row %x: leads to a record of other bytes (%v)", key, err)
		}
	})
}

// features looks at rows 14, and for the row 16 of those that are searchable.
func (c *checker) features() error {
	return c.each(tabFeatures, 9, true, func(key, v []byte) {
		slot := binary.BigEndian.Uint64(key[1:])
		f, err := decodeFeatures(slot, v)
		if err != nil {
			c.found("row %x: %v", key, err)
			return
		}
		b, ref, err := c.record(c.txn, slot)
		if err != nil || !c.keepsFeatures(b) {
			c.found("row %x: not of a reference with features (%v)", key, err)
			return
		}
		c.loaded[b.id].featured++
		if ref.Opinion == Withdrawn {
			return
		}
		row := c.value(regionsKey(b.id, slot), "features of %s/%s", b.Name, ref.ID)
		if row != nil && !bytes.Equal(row, encodeRegions(b.id, slot, f.Regions())) {
			c.found("row %x: the regions of %s/%s are others in row %x", key, b.Name, ref.ID, regionsKey(b.id, slot))
		}
	})
}

// regionRows looks at rows 16, and for row 14 of each.
func (c *checker) regionRows() error {
	return c.each(tabRegions, regionsKeyLen, true, func(key, v []byte) {
		id, slot, _ := splitRegions(key)
		b, known := c.bankByID(id)
		if !known {
			c.found("row %x: no such bank", key)
			return
		}
		codes, err := decodeRegions(nil, key, v)
		if err != nil {
			c.found("row %x: %v", key, err)
			return
		}
		c.loaded[id].regions++
		c.loaded[id].regionSum += regionHash(key, v)
		if held, ok := b.regions(slot); !ok || !slices.Equal(held, codes) {
			c.found("row %x: the regions of slot %d of bank %s are others in memory", key, slot, b.Name)
		}
		c.value(featuresKey(slot), "regions of slot %d of bank %s", slot, b.Name)
	})
}

func (c *checker) thumbnails() error {
	return c.each(tabThumbnail, 9, false, func(key, _ []byte) {
		if _, _, err := c.record(c.txn, binary.BigEndian.Uint64(key[1:])); err != nil {
			c.found("row %x: %v", key, err)
		}
	})
}

// sums compares what was counted with row 03 and with memory.
func (c *checker) sums() error {
	rows := 0
	err := c.each(tabCount, 5, false, func([]byte, []byte) { rows++ })
	if rows != len(c.state.banks) {
		c.found("rows 03: %d, banks %d", rows, len(c.state.banks))
	}
	for _, b := range c.state.banks {
		v := c.value(countKey(b.id), "counts of bank %s", b.Name)
		if v == nil {
			continue
		}
		disk, err := decodeCounts(c.format, v)
		if got := *c.loaded[b.id]; err != nil || disk != got || b.counts != got {
			c.found("row %x: bank %s: counted %v, on disk %v (%v), in memory %v", countKey(b.id), b.Name, got, disk, err, b.counts)
		}
		live := uint64(0)
		for _, ch := range b.chunks {
			live += uint64(len(ch.slots) - ch.nDead)
		}
		if live != b.counts.searchable {
			c.found("bank %s: %d references in memory, counted %d", b.Name, live, b.counts.searchable)
		}
		if n := b.codes.Len(); n != c.codes[b.id] {
			c.found("bank %s: %d codes in memory, counted %d", b.Name, n, c.codes[b.id])
		}
	}
	return err
}

func (c *checker) changes() error {
	last := uint64(0)
	err := c.each(tabChange, 9, true, func(key, v []byte) {
		last++
		change, err := c.change(key, v)
		if err != nil || change.Seq != last {
			c.found("row %x: change %d where %d is due (%v)", key, change.Seq, last, err)
			last = binary.BigEndian.Uint64(key[1:])
		}
	})
	if last != c.seq {
		c.found("journal ends at %d, want %d", last, c.seq)
	}
	return err
}

// foreign looks for rows of tables that this format does not have.
func (c *checker) foreign() error {
	known := map[byte]bool{}
	for _, t := range []byte{
		tabHeader, tabBank, tabName, tabCount, tabColumn, tabRecord, tabID, tabDigest, tabThumbnail, tabChange, tabNext,
		tabFeatures, tabRegions,
	} {
		known[t] = true
	}
	it := c.txn.NewIterator(badger.IteratorOptions{})
	defer it.Close()
	for t := range 256 {
		it.Seek([]byte{byte(t)})
		if it.Valid() && it.Item().Key()[0] == byte(t) && !known[byte(t)] {
			c.found("row %x: no such table", it.Item().KeyCopy(nil))
		}
	}
	return c.ctx.Err()
}
