package index

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/radius"
	"github.com/touchstone-go/touchstone/index/internal/votes"
)

// Queries never wait for writers. The simplest way to that is to copy the codes
// of a bank for each change; with a million references that copies 80 MB to
// add one. Instead what is in memory of a bank is in two places, each of which a
// new snapshot shares with the one before but for what changed.
//
// The codes of whole pictures are a set of their own (codes.go, package radius),
// with indexes that are built behind (upkeep.go).
//
// The references themselves, and the codes of their regions, are a list of
// chunks of up to 16,384 references, each a few parallel arrays:
//
//   - Adding appends to the arrays of the last chunk in place, behind the
//     length that older snapshots know. Those hold their own slice headers and
//     never look there, so nothing is copied and nothing races.
//   - Removing sets a bit in a copy of the chunk's bitmap of dead references
//     (2 KB). A chunk of which more than half is dead is written anew.
//   - The codes of regions lie in an array of their own, in the order in which
//     they came, with the position of their reference beside each. So a
//     reference that gets its features late needs no more than an append, and a
//     copy of the table that says where its codes begin (64 KB).
//
// A snapshot also holds a read transaction of the store that was begun after
// the commit which it shows, before the next one. What a query reads from disk
// belongs to the very state that it searched, however many writes went on.
// The price is a count of users, because the transaction must end when the
// last one is done. A snapshot that differs from the one before by an index alone
// shares its transaction: after a commit that failed nobody knows what a new one
// would read.
//
// Deliberately not done: an index of the codes of regions, which a search scans
// all (they are searched by few codes, and only where that is asked for).

// chunkSize is the number of references in a chunk. A scan looks at its
// context between chunks: the regions of 16,384 references are 500,000 codes.
const chunkSize = 1 << 14

// Each position of a chunk is a place in its files of local features; see local.go.
const _ = uint(votes.MaxPlaces - chunkSize)

// chunk is a run of references of one bank in ascending order of their slots.
// It is immutable: changes make another chunk that may share its arrays.
type chunk struct {
	slots []uint64
	dead  []uint64 // bitmap, nil if none
	nDead int

	regions  []hamming.Row // codes of regions, those of a reference in a row,
	regionOf []uint16      // at which position it is,
	regionAt []uint32      // and by position, one more than where they begin; 0 if none, nil if all are

	files []*votes.File // local features by position; see local.go
}

// newChunk makes room for n references.
func newChunk(n int) *chunk { return &chunk{slots: make([]uint64, 0, n)} }

// last is the largest slot of a chunk that is not empty.
func (c *chunk) last() uint64 { return c.slots[len(c.slots)-1] }

// push appends a reference to c, which must be a copy that is not yet shared.
func (c *chunk) push(slot uint64) {
	c.slots = append(c.slots, slot)
	if c.regionAt != nil {
		c.regionAt = append(c.regionAt, 0)
	}
}

// pushRegions gives regions to the reference that was pushed last, by the same
// draft: nobody else has seen its place in regionAt.
func (c *chunk) pushRegions(codes []hamming.Row) {
	if c.regionAt == nil {
		c.regionAt = make([]uint32, len(c.slots), max(len(c.slots), cap(c.slots)))
	}
	c.putRegions(len(c.slots)-1, codes)
}

// addRegions gives regions to a reference that has none, and that others may be
// looking at. c must be a copy that is not yet shared.
func (c *chunk) addRegions(pos int, codes []hamming.Row) {
	at := make([]uint32, len(c.slots), max(len(c.slots), cap(c.slots)))
	copy(at, c.regionAt)
	c.regionAt = at
	c.putRegions(pos, codes)
}

func (c *chunk) putRegions(pos int, codes []hamming.Row) {
	c.regionAt[pos] = uint32(len(c.regions) + 1)
	c.regions = append(c.regions, codes...)
	for range codes {
		c.regionOf = append(c.regionOf, uint16(pos))
	}
}

// hasFeatures reports whether the reference at a position has features, and with
// them regions.
func (c *chunk) hasFeatures(pos int) bool { return c.regionAt != nil && c.regionAt[pos] != 0 }

// regionsOf returns the regions of the reference at a position, which belong to
// the chunk, and whether it has features at all.
func (c *chunk) regionsOf(pos int) ([]hamming.Row, bool) {
	if !c.hasFeatures(pos) {
		return nil, false
	}
	first := int(c.regionAt[pos] - 1)
	end := first
	for end < len(c.regionOf) && int(c.regionOf[end]) == pos {
		end++
	}
	return c.regions[first:end:end], true
}

func (c *chunk) isDead(pos int) bool {
	return c.dead != nil && c.dead[pos/64]>>(pos%64)&1 != 0
}

// without returns c with one reference dead, or compacted.
func (c *chunk) without(pos int) *chunk {
	d := *c
	d.dead = make([]uint64, chunkSize/64)
	copy(d.dead, c.dead)
	d.dead[pos/64] |= 1 << (pos % 64)
	d.nDead++
	if 2*d.nDead > len(d.slots) {
		return d.compacted()
	}
	return &d
}

// compacted copies what lives.
func (c *chunk) compacted() *chunk {
	d := newChunk(len(c.slots) - c.nDead)
	to := make([]int, len(c.slots))
	for pos, slot := range c.slots {
		if to[pos] = len(d.slots); c.isDead(pos) {
			to[pos] = -1
			continue
		}
		d.push(slot)
		if codes, ok := c.regionsOf(pos); ok {
			d.pushRegions(codes)
		}
	}
	for _, f := range c.files {
		d.files = append(d.files, f.Moved(to))
	}
	return d
}

// bankView is a bank as a snapshot shows it; immutable but in a draft.
type bankView struct {
	Bank   // Main is set; the counts are not, see counts
	id     uint32
	counts counts
	chunks []*chunk
	codes  *radius.View // of the living references; see codes.go
}

// described is the Bank that callers get.
func (b *bankView) described() Bank {
	d := b.Bank
	d.References, d.Searchable = int64(b.counts.references), int64(b.counts.searchable)
	d.Featured = int64(b.counts.featured)
	return d
}

// find returns the chunk and position of a slot.
func (b *bankView) find(slot uint64) (ci, pos int, ok bool) {
	ci, _ = slices.BinarySearchFunc(b.chunks, slot, func(c *chunk, s uint64) int {
		return cmp.Compare(c.last(), s)
	})
	if ci == len(b.chunks) {
		return 0, 0, false
	}
	pos, ok = slices.BinarySearch(b.chunks[ci].slots, slot)
	return ci, pos, ok && !b.chunks[ci].isDead(pos)
}

// regions returns a copy of what memory holds of the regions of a slot, and
// whether it has features.
func (b *bankView) regions(slot uint64) ([]hash.Code, bool) {
	ci, pos, ok := b.find(slot)
	if !ok {
		return nil, false
	}
	rows, ok := b.chunks[ci].regionsOf(pos)
	return codesOf(rows), ok
}

// hasFeatures reports whether a slot has features.
func (b *bankView) hasFeatures(slot uint64) bool {
	ci, pos, ok := b.find(slot)
	return ok && b.chunks[ci].hasFeatures(pos)
}

// Package hamming has a type of its own for what is a hash.Code; slices of the two
// are converted code by code.

func codesOf(rows []hamming.Row) []hash.Code {
	codes := make([]hash.Code, len(rows))
	for i, r := range rows {
		codes[i] = r
	}
	return codes
}

func rowsOf(codes []hash.Code) []hamming.Row { return appendRows(nil, codes) }

func appendRows(rows []hamming.Row, codes []hash.Code) []hamming.Row {
	for _, c := range codes {
		rows = append(rows, c)
	}
	return rows
}

// state is what a snapshot says: a function of the store at sequence number seq.
type state struct {
	seq      uint64 // of the last change
	nextSlot uint64
	format   uint16 // of the store: see layout.go
	recipe   int
	// rules counts the changes of banks and policies, so that a check made on
	// an older snapshot can be known to be stale.
	rules uint64
	banks []*bankView // by name
	// maxLocal is the largest number of local features in memory; see local.go.
	maxLocal int

	searchers *sync.Pool // of *searcher; the index's
}

func (s *state) bank(name string) (*bankView, bool) {
	i, ok := slices.BinarySearchFunc(s.banks, name, func(b *bankView, n string) int { return strings.Compare(b.Name, n) })
	if !ok {
		return nil, false
	}
	return s.banks[i], true
}

// bankByID is for records, which hold the number.
func (s *state) bankByID(id uint32) (*bankView, bool) {
	i := slices.IndexFunc(s.banks, func(b *bankView) bool { return b.id == id })
	if i < 0 {
		return nil, false
	}
	return s.banks[i], true
}

// snapshot is a state with its read transaction, which all its users share.
// Badger does not promise that a transaction may be used by many goroutines.
// One that only reads may, as of v4.9.6: Get and NewIterator read its fields,
// which never change (it keeps no list of keys read and no pending rows), and
// count iterators atomically; each Item and each Iterator belongs to one
// goroutine. Discard must come last, with all iterators closed: whoever makes
// one closes it before releasing the snapshot, and the count of users orders
// that before the Discard of the last one.
type snapshot struct {
	state
	*reading
	users atomic.Int64
	done  func() // called when the last user has left
}

// reading is a read transaction that some snapshots share.
type reading struct {
	txn       *badger.Txn
	snapshots atomic.Int64
}

// acquire returns the current snapshot; the caller releases it. Nil means that
// the index is closed.
func (x *Index) acquire() *snapshot {
	for {
		s := x.current.Load()
		if s == nil {
			return nil
		}
		// A snapshot that lost its last user is on its way out, and another
		// one is current.
		if n := s.users.Load(); n > 0 && s.users.CompareAndSwap(n, n+1) {
			return s
		}
	}
}

func (s *snapshot) release() {
	if s.users.Add(-1) == 0 {
		if s.reading.snapshots.Add(-1) == 0 {
			s.txn.Discard()
		}
		s.done()
	}
}

// publish makes st what queries see, with what the store holds now. Only the
// writer, Open and Close call it; nil ends the service.
func (x *Index) publish(st *state) {
	if st == nil {
		x.show(nil)
		return
	}
	x.show(&snapshot{state: *st, reading: &reading{txn: x.db.NewTransaction(false)}})
}

// republish makes st what queries see. It says the same of the store as what they
// see now. Only the writer calls it.
func (x *Index) republish(st *state) {
	x.show(&snapshot{state: *st, reading: x.current.Load().reading})
}

func (x *Index) show(next *snapshot) {
	if next != nil {
		next.done = x.snapshots.Done
		next.users.Store(1) // the index itself
		next.reading.snapshots.Add(1)
		x.snapshots.Add(1)
	}
	if old := x.current.Swap(next); old != nil {
		old.release()
	}
	x.wakeUpkeep()
}

// draft is a state in the making. It belongs to the writer. Banks are copied
// when they are first changed, chunks when they are.
type draft struct {
	state
	first uint64             // its first slot: those before are in the state it began with
	owned map[uint32]bool    // banks that are copies already
	grown map[*chunk]bool    // chunks that are copies already
	edits map[uint32]*change // of the codes of banks, by their numbers; see codes.go
}

func (s *state) edit() *draft {
	d := &draft{state: *s, first: s.nextSlot, owned: map[uint32]bool{}, grown: map[*chunk]bool{}, edits: map[uint32]*change{}}
	d.banks = slices.Clone(s.banks)
	return d
}

// own returns a bank that may be changed.
func (d *draft) own(b *bankView) *bankView {
	i, _ := slices.BinarySearchFunc(d.banks, b.Name, func(b *bankView, n string) int { return strings.Compare(b.Name, n) })
	b = d.banks[i]
	if !d.owned[b.id] {
		c := *b
		c.chunks = slices.Clone(b.chunks)
		b, d.banks[i], d.owned[b.id] = &c, &c, true
	}
	return b
}

// insert adds a new bank.
func (d *draft) insert(b *bankView) {
	i, _ := slices.BinarySearchFunc(d.banks, b.Name, func(b *bankView, n string) int { return strings.Compare(b.Name, n) })
	d.banks = slices.Insert(d.banks, i, b)
	d.owned[b.id] = true
}

// add makes a reference searchable. Its slot is larger than all before. A nil f
// means that it has no features.
func (d *draft) add(b *bankView, slot uint64, col column, f *features) {
	b = d.own(b)
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last].slots) == chunkSize {
		b.chunks = append(b.chunks, new(chunk))
		last++
		d.grown[b.chunks[last]] = true
	}
	if c := b.chunks[last]; !d.grown[c] {
		n := *c
		b.chunks[last] = &n
		d.grown[&n] = true
	}
	b.chunks[last].push(slot)
	d.addCodes(b, slot, col)
	b.counts.searchable++
	b.counts.sum += xxhash.Sum64(col.key(b.id, slot, b.Main))
	if f != nil {
		b.chunks[last].pushRegions(rowsOf(f.regions))
		b.countRegions(slot, f.regions, 1)
		d.addLocal(b.chunks[last], len(b.chunks[last].slots)-1, f.of)
	}
}

// countRegions enters row 16 into the counts of row 03, or takes it out (-1).
func (b *bankView) countRegions(slot uint64, codes []hash.Code, sign int) {
	b.counts.regions += uint64(sign)
	b.counts.regionSum += uint64(sign) * regionHash(regionsKey(b.id, slot), encodeRegions(b.id, slot, codes))
}

// drop makes a reference unsearchable. It is in the bank: see batch.lookUp.
func (d *draft) drop(b *bankView, slot uint64, col column) {
	b = d.own(b)
	ci, pos, _ := b.find(slot)
	regions, has := b.chunks[ci].regionsOf(pos)
	b.chunks[ci] = b.chunks[ci].without(pos)
	if len(b.chunks[ci].slots) == 0 {
		b.chunks = slices.Delete(b.chunks, ci, ci+1)
	}
	d.removeCodes(b, slot, col)
	b.counts.searchable--
	b.counts.sum -= xxhash.Sum64(col.key(b.id, slot, b.Main))
	if has {
		b.countRegions(slot, codesOf(regions), -1)
	}
}

// addFeatures gives a searchable reference its regions and local features.
func (d *draft) addFeatures(b *bankView, slot uint64, f *features) {
	b = d.own(b)
	ci, pos, _ := b.find(slot)
	if c := b.chunks[ci]; !d.grown[c] {
		n := *c
		b.chunks[ci] = &n
		d.grown[&n] = true
	}
	b.chunks[ci].addRegions(pos, rowsOf(f.regions))
	b.countRegions(slot, f.regions, 1)
	d.addLocal(b.chunks[ci], pos, f.of)
}
