package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// Index is an opened store: banks on disk and an immutable view of them in
// memory. Its methods may be called from any number of goroutines.
type Index struct {
	dir     string
	options Options // with defaults
	db      *badger.DB
	mark    *os.File // see mark.go; nil if nothing is written

	current   atomic.Pointer[snapshot] // what queries see; nil when closed
	snapshots sync.WaitGroup           // those that are not released

	requests chan *request // to the writer
	closing  chan struct{} // closed by Close
	written  chan struct{} // closed when the writer has ended
	once     sync.Once     // of Close

	hashers   sync.Pool // of *hash.Hasher
	searchers sync.Pool // of *searcher

	upkeep upkeep // of the sets of codes

	searchFrom int            // codes from which there is a search file
	searchFile []*radius.View // what it holds, by number of the bank,
	searchSeq  uint64         // and of which state

	commit func(*badger.Txn) error // Commit, or a test's failure
}

// defaultMinFree covers the tables that Badger may be about to write when the
// disk fills: it dies on a full one.
const defaultMinFree = 256 << 20

// openFree is the least that Open wants: Badger makes its log files then.
const openFree = 64 << 20

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.MinFree == 0 {
		d.MinFree = defaultMinFree
	}
	d.Limits = d.Limits.WithDefaults()
	if d.Limits.Budget == nil {
		d.Limits.Budget = hash.NewBudget(d.Limits.MaxMemory)
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.FreeSpace == nil {
		d.FreeSpace = freeSpace
	}
	return d
}

// Open opens the store in dir, making it if it is absent (unless
// Options.MustExist). nil options are good options. It returns when the store
// can be searched; indexes that make searches faster are built behind (see
// Settled).
//
// Errors: ErrNotFound (MustExist or ReadOnly, and no store), ErrFormat (dir
// holds something else, which is not touched, or a store of the future),
// ErrRecipe, ErrLocked, ErrCorrupt (what was found, and what to do),
// ErrNoSpace, those of ctx and of the operating system. On 32-bit systems it
// always fails.
func Open(ctx context.Context, dir string, o *Options) (*Index, error) {
	if strconv.IntSize < 64 {
		return nil, fmt.Errorf("open store %s: Badger needs a 64-bit system, this is %s", dir, runtime.GOARCH)
	}
	x := &Index{
		dir: dir, options: o.withDefaults(),
		requests: make(chan *request), closing: make(chan struct{}), written: make(chan struct{}),
		commit:    (*badger.Txn).Commit,
		hashers:   sync.Pool{New: func() any { return new(hash.Hasher) }},
		searchers: sync.Pool{New: func() any { return newSearcher() }},
		upkeep:    newUpkeep(), searchFrom: minSearchFile,
	}
	if err := x.open(ctx); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return x, nil
}

func (x *Index) open(ctx context.Context) error {
	o := &x.options
	if !o.InMemory {
		if err := x.prepareDir(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	db, err := openStore(ctx, badgerOptions(x.dir, o))
	if err != nil {
		return err
	}
	x.db = db
	st, err := x.start(ctx)
	if err != nil {
		if e := db.Close(); e != nil {
			err = fmt.Errorf("%w (and closing it: %v)", err, e)
		}
		return err
	}
	x.publish(st)
	go x.write()
	upkeep, stop := context.WithCancel(context.WithoutCancel(ctx))
	x.upkeep.stop = stop
	go x.keepUp(upkeep)
	return nil
}

// prepareDir looks at the directory before anything is written.
func (x *Index) prepareDir() error {
	fresh, err := inspectDir(x.dir)
	if err != nil {
		return err
	}
	if fresh && (x.options.MustExist || x.options.ReadOnly) {
		return fmt.Errorf("no store there: %w", ErrNotFound)
	}
	if x.options.ReadOnly {
		return nil
	}
	if err := os.MkdirAll(x.dir, 0o777); err != nil {
		return err
	}
	return x.checkSpace(openFree)
}

// checkSpace fails with ErrNoSpace below the reserve, but asks for no more
// than limit.
func (x *Index) checkSpace(limit int64) error {
	return x.wantFree(min(limit, x.options.MinFree))
}

// wantFree fails with ErrNoSpace if less than want bytes are free.
func (x *Index) wantFree(want int64) error {
	if x.options.InMemory || x.options.MinFree < 0 {
		return nil
	}
	free, err := x.options.FreeSpace(x.dir)
	if err != nil {
		return fmt.Errorf("free space of %s: %w", x.dir, err)
	}
	if free < uint64(want) {
		return fmt.Errorf("%d bytes free in %s, want %d: %w", free, x.dir, want, ErrNoSpace)
	}
	return nil
}

// start reads or writes the header, then loads.
func (x *Index) start(ctx context.Context) (st *state, err error) {
	defer func() {
		if p := recover(); p != nil { // Badger reading a damaged table
			err = fmt.Errorf("%v; restore the store from a copy: %w", p, ErrCorrupt)
		}
	}()
	h, err := x.checkHeader()
	if err != nil {
		return nil, err
	}
	txn := x.db.NewTransaction(false)
	defer txn.Discard()
	l := &loader{takeSearch: x.takeSearch, txn: txn, regions: map[uint32]counts{}, log: x.options.Logger}
	l.searchers = &x.searchers
	l.format, l.recipe = h.format, int(h.recipe)
	l.maxLocal = x.options.localFeatures()
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	return &l.state, x.openMark(l.state.seq)
}

// checkHeader makes the header of a fresh store, and refuses others' headers.
func (x *Index) checkHeader() (h header, err error) {
	txn := x.db.NewTransaction(!x.options.ReadOnly)
	defer txn.Discard()
	v, err := get(txn, []byte(headerKey))
	if err == nil {
		return decodeHeader(v)
	}
	if !errors.Is(err, ErrNotFound) {
		return h, err
	}
	if err := x.checkEmpty(txn); err != nil {
		return h, err
	}
	if x.options.ReadOnly {
		return h, fmt.Errorf("no store there: %w", ErrNotFound)
	}
	h = header{format: format, recipe: hash.Recipe, madeBy: clip(x.options.MadeBy)}
	err = errors.Join(txn.Set([]byte(headerKey), h.encode()), txn.Set([]byte(nextKey), encodeNext(1, 1)))
	if err == nil {
		err = txn.Commit()
	}
	if err != nil {
		return h, fmt.Errorf("write header: %v", err)
	}
	return h, nil
}

// checkEmpty tells a fresh store from one that lost its header.
func (x *Index) checkEmpty(txn *badger.Txn) error {
	return scan(context.Background(), txn, nil, []byte{0}, false, func(key, _ []byte) error {
		return fmt.Errorf("row %x, but no header; restore the store from a copy: %w", key, ErrCorrupt)
	})
}

// loader builds the first state out of the rows. A load is the state at a
// sequence number; nothing in it is known from elsewhere.
type loader struct {
	state
	txn *badger.Txn
	log *slog.Logger
	// takeSearch fills the banks from the search file if it can; see searchfile.go.
	takeSearch func(context.Context, *loader) bool
	loaded     counts       // of the bank that is being read
	bank       *bankView    // that one
	set        *radius.Edit // of its codes

	chunk   *chunk            // whose regions are being read
	regions map[uint32]counts // of these, by bank
	codes   []hash.Code       // buffers, see addRegions and settleRegions
	rows    []hamming.Row
	rowsOf  []uint16
}

func (l *loader) load(ctx context.Context) error {
	v, err := get(l.txn, []byte(nextKey))
	if err != nil {
		return fmt.Errorf("next numbers: %v: %w", err, ErrCorrupt)
	}
	nextSlot, nextSeq, err := decodeNext(v)
	if err != nil {
		return err
	}
	if nextSlot > maxSlot {
		return fmt.Errorf("next slot %d: %w", nextSlot, ErrCorrupt)
	}
	l.nextSlot, l.seq = nextSlot, nextSeq-1
	if err := scan(ctx, l.txn, []byte{tabBank}, nil, true, l.addBank); err != nil {
		return err
	}
	slices.SortFunc(l.banks, func(a, b *bankView) int { return cmp.Compare(a.id, b.id) })
	if !l.takeSearch(ctx, l) {
		if err := scan(ctx, l.txn, []byte{tabColumn}, nil, false, l.addRow); err != nil {
			return err
		}
		if err := l.finish(len(l.banks)); err != nil {
			return err
		}
	}
	if err := l.loadRegions(ctx); err != nil {
		return err
	}
	if err := l.loadLocal(ctx); err != nil {
		return err
	}
	slices.SortFunc(l.banks, func(a, b *bankView) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// loadRegions reads row 16 of all references. They come in order of bank and
// slot, so chunk by chunk.
func (l *loader) loadRegions(ctx context.Context) error {
	l.loaded, l.bank, l.chunk = counts{}, nil, nil
	if err := scan(ctx, l.txn, []byte{tabRegions}, nil, true, l.addRegions); err != nil {
		return err
	}
	l.settleRegions()
	for _, b := range l.banks {
		if got := l.regions[b.id]; got.regions != b.counts.regions || got.regionSum != b.counts.regionSum {
			return fmt.Errorf("bank %s: expected the regions of %d references with sum %016x, found %d with %016x; rows were lost or changed, restore the store from a copy: %w",
				b.Name, b.counts.regions, b.counts.regionSum, got.regions, got.regionSum, ErrCorrupt)
		}
	}
	return nil
}

func (l *loader) addRegions(key, v []byte) error {
	id, slot, ok := splitRegions(key)
	if !ok {
		return fmt.Errorf("row %x: %w", key, ErrCorrupt)
	}
	if l.bank == nil || l.bank.id != id {
		if l.bank, ok = l.bankByID(id); !ok {
			return fmt.Errorf("row %x: no bank %d: %w", key, id, ErrCorrupt)
		}
	}
	ci, pos, ok := l.bank.find(slot)
	if !ok {
		return fmt.Errorf("row %x of bank %s: no reference there: %w", key, l.bank.Name, ErrCorrupt)
	}
	if c := l.bank.chunks[ci]; c != l.chunk {
		l.settleRegions()
		l.chunk = c
		c.regionAt = make([]uint32, len(c.slots))
		c.regions, c.regionOf = l.rows[:0], l.rowsOf[:0]
	}
	c := l.chunk
	first := len(c.regions)
	var err error
	if l.codes, err = decodeRegions(l.codes[:0], key, v); err != nil {
		return fmt.Errorf("row %x of bank %s: %w", key, l.bank.Name, err)
	}
	c.regions = appendRows(c.regions, l.codes)
	c.regionAt[pos] = uint32(first + 1)
	for range l.codes {
		c.regionOf = append(c.regionOf, uint16(pos))
	}
	n := l.regions[id]
	n.regions++
	n.regionSum += regionHash(key, v)
	l.regions[id] = n
	return nil
}

// settleRegions gives the chunk that was read regions of its own. How many there
// will be is not known before, so they are gathered in a buffer that all chunks
// use in turn.
func (l *loader) settleRegions() {
	if c := l.chunk; c != nil {
		l.rows, l.rowsOf = c.regions, c.regionOf
		c.regions = append(make([]hamming.Row, 0, len(c.regions)), c.regions...)
		c.regionOf = append(make([]uint16, 0, len(c.regionOf)), c.regionOf...)
	}
}

func (l *loader) addBank(key, v []byte) error {
	if len(key) != 5 {
		return fmt.Errorf("row %x: %w", key, ErrCorrupt)
	}
	b := &bankView{id: uint32(key[1])<<24 | uint32(key[2])<<16 | uint32(key[3])<<8 | uint32(key[4])}
	var err error
	if b.Bank, _, err = decodeBank(b.id, v); err != nil {
		return fmt.Errorf("row %x: %w", key, err)
	}
	c, err := get(l.txn, countKey(b.id))
	if err != nil {
		return fmt.Errorf("counts of bank %s: %v: %w", b.Name, err, ErrCorrupt)
	}
	if b.counts, err = decodeCounts(l.format, c); err != nil {
		return fmt.Errorf("bank %s: %w", b.Name, err)
	}
	b.codes = noCodes(b.Main)
	l.banks = append(l.banks, b)
	return nil
}

// addRow takes up one row of the search column. They come in order of bank and
// slot.
func (l *loader) addRow(key, _ []byte) error {
	id, slot, codes, ok := splitColumn(key)
	if !ok {
		return fmt.Errorf("row %x: %w", key, ErrCorrupt)
	}
	if l.bank == nil || l.bank.id != id {
		i, known := slices.BinarySearchFunc(l.banks, id, func(b *bankView, id uint32) int { return cmp.Compare(b.id, id) })
		if !known {
			return fmt.Errorf("row %x: no bank %d: %w", key, id, ErrCorrupt)
		}
		if err := l.finish(i); err != nil {
			return err
		}
		l.bank, l.loaded = l.banks[i], counts{}
		l.set = l.bank.codes.Edit()
	}
	col, ok := parseColumn(codes, l.bank.Main)
	if !ok || slot >= l.nextSlot {
		return fmt.Errorf("row %x of bank %s: %w", key, l.bank.Name, ErrCorrupt)
	}
	if n := len(l.bank.chunks); n > 0 && slot <= l.bank.chunks[n-1].last() {
		return fmt.Errorf("row %x of bank %s: another row has the same slot: %w", key, l.bank.Name, ErrCorrupt)
	}
	l.push(slot, col)
	l.loaded.searchable++
	l.loaded.sum += xxhash.Sum64(key)
	return nil
}

// push appends to the last chunk, and to the set. Each chunk is made as large as
// the count of the bank lets expect.
func (l *loader) push(slot uint64, col column) {
	b := l.bank
	if n := len(b.chunks); n == 0 || len(b.chunks[n-1].slots) == chunkSize {
		left := b.counts.searchable - min(l.loaded.searchable, b.counts.searchable)
		b.chunks = append(b.chunks, newChunk(int(min(left, chunkSize))))
	}
	b.chunks[len(b.chunks)-1].push(slot)
	pushCodes(l.set, slot, col, b.Main)
}

// finish compares what was loaded with what the store says it holds, for the
// bank that was read, and sees to it that those between it and the i-th are
// empty.
func (l *loader) finish(i int) error {
	if l.bank != nil {
		l.bank.codes = l.set.View()
		if err := l.bank.agrees(l.loaded); err != nil {
			return err
		}
	}
	for _, b := range l.banks[:i] {
		if b != l.bank && len(b.chunks) == 0 {
			if err := b.agrees(counts{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bankView) agrees(got counts) error {
	if got.searchable == b.counts.searchable && got.sum == b.counts.sum {
		return nil
	}
	return fmt.Errorf("bank %s: expected %d searchable references with sum %016x, found %d with %016x; rows were lost or changed, restore the store from a copy: %w",
		b.Name, b.counts.searchable, b.counts.sum, got.searchable, got.sum, ErrCorrupt)
}

// Close waits for what is under way (an iteration over References or Changes
// included), then closes the store. Every later call returns ErrClosed.
//
// From 262,144 codes on it then writes what the next Open can take over (SEARCH in
// the directory), unless nothing has changed. That takes some seconds for ten
// million codes, and is a file of about 90 bytes for each. The store is closed by
// then: a process that is killed meanwhile loses that file alone, and if it cannot
// be written, that is only logged.
func (x *Index) Close() error {
	err := ErrClosed
	x.once.Do(func() { err = x.close() })
	return err
}

func (x *Index) close() error {
	close(x.closing)
	x.upkeep.stop()
	<-x.upkeep.done
	<-x.written
	last := &x.current.Load().state
	x.publish(nil)
	x.snapshots.Wait()
	if err := x.db.Close(); err != nil {
		return fmt.Errorf("close store %s: %v", x.dir, err)
	}
	if err := x.closeMark(last.seq); err != nil {
		return err
	}
	x.keepSearch(last)
	return nil
}

// Seq returns the sequence number of the last change that queries see; 0 for
// a fresh store, and after Close.
func (x *Index) Seq() uint64 {
	s := x.acquire()
	if s == nil {
		return 0
	}
	defer s.release()
	return s.seq
}
