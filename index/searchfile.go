package index

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// What a search needs is all in the rows of the store: Open scans row 10 and can
// answer, and the indexes are built behind it. For ten million codes that is some
// seconds of scanning and some of building, which is long for a process that is
// only to be restarted. So Close writes what is in memory into a file of its own,
// SEARCH, in the directory of the store, and Open takes it if it is of this very
// state.
//
//	magic    20  "touchstone search 1\n"
//	seq       8  of the last change
//	banks     4  then of each: id 4, references 8 and sum 8 of row 03
//	sets         of each bank, as package radius writes them
//	sum       8  xxhash64 of all before
//
// Numbers are little-endian. The file is never needed. It is taken only if its sum
// is right, its number is that of the store, and its banks, counts and sums are
// those of row 03; anything else (a crash, a copy of the store from another day,
// another version, a machine of the other byte order) and Open does what it would
// do without it. What was not scanned was not checked either: rows 10 that were
// damaged since are found by Check, and by the records of what is found.
//
// A process that makes a single change pays for all of it: with ten million codes
// it read 0.8 GB in 1.2 s and wrote as much in 2.6 s. Without the file it would have
// read rows for 4.7 s, and the indexes would have been there after 17 s; so the file
// is always written.
//
// It is written last, when the store has been closed: who is killed meanwhile leaves
// a store that was closed cleanly. Another process may then have the store open
// already, and write a file of its own. Each writes into one that it made, so
// whatever becomes of their names, what is whole and of the store's state was
// written as such.
//
// Deliberately not done: syncing the file, since its sum tells one that a failure of
// power tore; and a file that holds changes to an older one.

const (
	searchName  = "SEARCH"
	searchNew   = searchName + ".new" // while it is written
	searchMagic = "touchstone search 1\n"

	// minSearchFile is the number of codes from which there is a file. Fewer are
	// scanned and indexed in some quarter of a second.
	minSearchFile = 1 << 18
)

// searchHead is what the file says of the state that it is of.
func searchHead(s *state) []byte {
	h := append([]byte(searchMagic), binary.LittleEndian.AppendUint64(nil, s.seq)...)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(s.banks)))
	for _, b := range s.banksByID() {
		h = binary.LittleEndian.AppendUint32(h, b.id)
		h = binary.LittleEndian.AppendUint64(h, b.counts.searchable)
		h = binary.LittleEndian.AppendUint64(h, b.counts.sum)
	}
	return h
}

func (s *state) banksByID() []*bankView {
	return slices.SortedFunc(slices.Values(s.banks), func(a, b *bankView) int { return int(a.id) - int(b.id) })
}

// sets returns the sets of all banks in the order in which they are written.
func (s *state) sets() (sets []*radius.View) {
	for _, b := range s.banksByID() {
		sets = append(sets, b.codes)
	}
	return sets
}

// keepSearch writes the file for the last state, after the store was closed. It
// never fails: the file is not needed.
func (x *Index) keepSearch(s *state) {
	if x.options.InMemory || x.options.ReadOnly || x.searchSeq == s.seq && slices.Equal(x.searchFile, s.sets()) {
		return
	}
	codes, size := 0, int64(0)
	for _, v := range s.sets() {
		codes += v.Len()
		size += v.Stats().Bytes
	}
	err := x.removeSearch() // first, so that there is room for the new one
	if err == nil && codes >= x.searchFrom && radius.CanWrite() {
		if err = x.wantFree(size + x.options.MinFree); err == nil {
			err = writeSearch(x.dir, s)
		}
	}
	if err != nil {
		x.options.Logger.Warn("the search file was not written; the next start will take longer", "dir", x.dir, "error", err)
	}
}

// removeSearch removes the file, and what a process left that was killed while it
// wrote one.
func (x *Index) removeSearch() (err error) {
	for _, name := range []string{searchName, searchNew} {
		if e := os.Remove(filepath.Join(x.dir, name)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// writeSearch writes the file under another name first, so that a process that is
// killed leaves none that looks whole.
func writeSearch(dir string, s *state) (err error) {
	path := filepath.Join(dir, searchNew)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // nobody else writes into it
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	sum := xxhash.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
	_, err = w.Write(searchHead(s))
	for _, v := range s.sets() {
		if err == nil {
			_, err = v.WriteTo(w)
		}
	}
	err = errors.Join(err, w.Flush())
	if err == nil {
		_, err = f.Write(binary.LittleEndian.AppendUint64(nil, sum.Sum64()))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(dir, searchName))
}

// errSearch says that the file is of another state.
var errSearch = errors.New("of another state of the store")

// takeSearch fills the banks of l, which has read rows 01, 03 and 21, from the file,
// and reports whether it could. When ctx ends it could not.
func (x *Index) takeSearch(ctx context.Context, l *loader) bool {
	if x.options.InMemory {
		return false
	}
	path := filepath.Join(x.dir, searchName)
	sets, err := readSearch(ctx, path, &l.state)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		x.options.Logger.Info("the search file is not used", "path", path, "error", err)
		return false
	}
	chunks := make([][]*chunk, len(sets))
	for i, b := range l.banksByID() {
		var n uint64
		if chunks[i], n = chunksOf(sets[i]); n != b.counts.searchable {
			x.options.Logger.Info("the search file is not used", "path", path, "error", errSearch)
			return false
		}
	}
	for i, b := range l.banksByID() {
		b.codes, b.chunks = sets[i], chunks[i]
	}
	x.searchFile, x.searchSeq = sets, l.seq
	return true
}

// readSearch reads the sets of a state. The file is summed before it is read, so
// that what is read is what was written. Therefore nobody recovers from panics
// here: radius.Read compares each length with what the file has, and the rest is as
// sound as what was in memory.
func readSearch(ctx context.Context, path string, s *state) ([]*radius.View, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file") // and opening a pipe would wait
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := searchHead(s)
	size := info.Size() - 8
	got := make([]byte, len(head))
	if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, head) {
		return nil, errSearch
	}
	sum := xxhash.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, during{ctx, io.NewSectionReader(f, 0, size)}, make([]byte, 1<<20)); err != nil {
		return nil, err
	}
	var want [8]byte
	if _, err := f.ReadAt(want[:], size); err != nil || binary.LittleEndian.Uint64(want[:]) != sum.Sum64() {
		return nil, errors.New("it is damaged")
	}
	left := size - int64(len(head))
	r := bufio.NewReaderSize(during{ctx, io.NewSectionReader(f, int64(len(head)), left)}, 1<<20)
	var sets []*radius.View
	for _, b := range s.banksByID() {
		v, err := radius.Read(r, left, radius.Options{Words: b.Main != hash.PDQ})
		if err != nil {
			return nil, err
		}
		sets = append(sets, v)
	}
	return sets, nil
}

// during reads until the context ends.
type during struct {
	ctx context.Context
	r   io.Reader
}

func (d during) Read(b []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return d.r.Read(b)
}

// chunksOf makes the chunks of the references whose codes are in a set, and counts
// these.
func chunksOf(v *radius.View) (chunks []*chunk, n uint64) {
	for tag := range v.All() {
		if frameOf(tag) != hash.Full {
			continue
		}
		if n%chunkSize == 0 {
			chunks = append(chunks, newChunk(chunkSize))
		}
		chunks[len(chunks)-1].push(slotOf(tag))
		n++
	}
	return chunks, n
}
