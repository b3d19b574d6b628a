package radius

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"unsafe"
)

// What a View holds can be made again from the codes, in half a second a
// million. A file of it is read at the speed of the disk instead. It is a copy of
// memory, for this machine and this version: whatever does not fit is an error,
// and who gets one makes the View again. It has no checksum of its own; the
// caller has one over all that he writes (see package index).
//
//	magic      8  "tsradius"
//	version    4  fileVersion; it changes with the layout, the permutation,
//	              the order of bits in a key, the rule for the number of tables
//	words      4  1 for 64-bit codes, else 0
//	blocks     4  number of blocks
//	parts      4  number of parts
//	size       8  of all that follows, in bytes
//	heads         of all blocks: blockHead; of all parts: partHead; of all
//	              tables: tableHead
//	arrays        of all blocks: tags, a and b or words, dead; of all tables:
//	              records, offsets, ids, runs, overflow (words are copied again)
//
// Numbers and arrays are in the byte order of the machine, little-endian: others
// have no file.

const (
	fileMagic   = "tsradius"
	fileVersion = 1
)

var errFile = errors.New("not a set of codes of this version")

// CanWrite reports whether this machine can write and read sets.
func CanWrite() bool {
	var probe [2]byte
	binary.NativeEndian.PutUint16(probe[:], 1)
	return probe[0] == 1
}

// bytesOf returns the memory of a slice of numbers or of records of these.
func bytesOf[T any](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), uintptr(len(s))*unsafe.Sizeof(*new(T)))
}

// blockHead and the other heads are what stands in the file before the arrays.
type blockHead struct {
	Base      uint64
	Codes     uint32
	Odd, Even bool
	Dead      bool
	_         byte
}

type partHead struct {
	Blocks, Tables uint32
}

type tableHead struct {
	Width, Records, Offsets, IDs, Runs, Overflow uint32
}

type setHead struct {
	Magic   [8]byte
	Version uint32
	Words   bool
	_       [3]byte
	Blocks  uint32
	Parts   uint32
	Size    int64 // of what follows the head, in bytes
}

// WriteTo writes the set, for Read. It fails on big-endian machines and with
// the errors of w.
func (v *View) WriteTo(w io.Writer) (int64, error) {
	if !CanWrite() {
		return 0, errFile
	}
	f := &fileWriter{w: w}
	h := setHead{Version: fileVersion, Words: v.shape.Words, Blocks: uint32(len(v.blocks)), Parts: uint32(len(v.parts))}
	copy(h.Magic[:], fileMagic)
	h.Size = v.fileSize()
	f.value(h)
	for _, b := range v.blocks {
		f.value(blockHead{Base: b.base, Codes: uint32(len(b.tags)), Odd: b.odd, Even: b.even, Dead: b.dead != nil})
	}
	for _, p := range v.parts {
		f.value(partHead{uint32(len(p.blocks)), uint32(len(p.tables))})
	}
	for _, p := range v.parts {
		for i := range p.tables {
			t := &p.tables[i]
			f.value(tableHead{uint32(t.width), uint32(len(t.records)), uint32(len(t.offsets)), uint32(len(t.ids)), uint32(len(t.runs)), uint32(len(t.overflow))})
		}
	}
	for _, b := range v.blocks {
		f.array(bytesOf(b.tags))
		f.array(bytesOf(b.a))
		f.array(bytesOf(b.b))
		f.array(bytesOf(b.words))
		f.array(bytesOf(b.dead))
	}
	for _, p := range v.parts {
		for i := range p.tables {
			t := &p.tables[i]
			f.array(bytesOf(t.records))
			f.array(bytesOf(t.offsets))
			f.array(bytesOf(t.ids))
			f.array(bytesOf(t.runs))
			f.array(bytesOf(t.overflow))
		}
	}
	return f.n, f.err
}

// fileSize is the number of bytes behind the head.
func (v *View) fileSize() int64 {
	size := len(v.blocks)*binary.Size(blockHead{}) + len(v.parts)*binary.Size(partHead{})
	for _, b := range v.blocks {
		size += len(bytesOf(b.tags)) + len(bytesOf(b.a)) + len(bytesOf(b.b)) + len(bytesOf(b.words)) + len(bytesOf(b.dead))
	}
	for _, p := range v.parts {
		for i := range p.tables {
			t := &p.tables[i]
			size += binary.Size(tableHead{}) + len(bytesOf(t.records)) + len(bytesOf(t.offsets)) +
				len(bytesOf(t.ids)) + len(bytesOf(t.runs)) + len(bytesOf(t.overflow))
		}
	}
	return int64(size)
}

type fileWriter struct {
	w   io.Writer
	n   int64
	err error
}

func (f *fileWriter) value(v any) {
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		f.err = err
	}
	f.array(b)
}

func (f *fileWriter) array(b []byte) {
	if f.err == nil && len(b) > 0 {
		var n int
		n, f.err = f.w.Write(b)
		f.n += int64(n)
	}
}

// Read reads what WriteTo wrote, of a set with the same options. What it
// returns is as sound as what is read: lengths are checked, contents are not. It
// fails if the file is of another version, was cut off, or contradicts itself,
// and with the errors of r. limit is the number of bytes that r has: no more memory
// is asked for than that.
func Read(r io.Reader, limit int64, o Options) (*View, error) {
	if !CanWrite() {
		return nil, errFile
	}
	f := &fileReader{r: r, left: limit}
	v := New(o)
	var h setHead
	f.value(&h)
	if f.err == nil && (string(h.Magic[:]) != fileMagic || h.Version != fileVersion || h.Words != o.Words) {
		f.err = errFile
	}
	if h.Size < 0 || h.Size > f.left {
		f.fail()
	}
	f.left = h.Size
	blockHeads := heads[blockHead](f, h.Blocks)
	partHeads := heads[partHead](f, h.Parts)
	var tableHeads [][]tableHead
	for _, p := range partHeads {
		tableHeads = append(tableHeads, heads[tableHead](f, p.Tables))
	}
	v.blocks = f.runs(blockHeads, partHeads, o)
	first := 0
	for i, ph := range partHeads {
		if f.err != nil || ph.Tables == 0 || ph.Tables > 16 {
			f.fail()
			break
		}
		// As they were when the part was built; only their codes count.
		p := newPart(slices.Clone(v.blocks[first:first+int(ph.Blocks)]), v.shape, int(ph.Tables))
		for k := range p.tables {
			f.table(&p.tables[k], tableHeads[i][k], p.blocks)
		}
		v.parts = append(v.parts, p)
		first += len(p.blocks)
	}
	if f.left != 0 {
		f.fail()
	}
	if f.err != nil {
		return nil, fmt.Errorf("read a set of codes: %w", f.err)
	}
	for _, b := range v.blocks {
		v.living += len(b.tags) - b.nDead
	}
	return v, nil
}

// fileReader reads in the order in which WriteTo writes. After an error it reads
// nothing any more.
type fileReader struct {
	r    io.Reader
	left int64 // bytes that there can be
	err  error
}

func (f *fileReader) fail() {
	if f.err == nil {
		f.err = errFile
	}
}

func (f *fileReader) value(v any) {
	size := int64(binary.Size(v))
	if f.err == nil && size > f.left {
		f.err = io.ErrUnexpectedEOF
	}
	if f.err == nil {
		f.left -= size
		f.err = binary.Read(f.r, binary.LittleEndian, v)
	}
}

// heads reads n values of one size.
func heads[T any](f *fileReader, n uint32) (list []T) {
	if int64(n)*int64(binary.Size(*new(T))) > f.left {
		f.fail()
		return nil
	}
	list = make([]T, n)
	f.value(list)
	return list
}

// into reads an array that is there.
func into[T any](f *fileReader, s []T) {
	b := bytesOf(s)
	if f.err == nil && int64(len(b)) > f.left {
		f.err = io.ErrUnexpectedEOF
	}
	if f.err == nil && len(b) > 0 {
		f.left -= int64(len(b))
		_, f.err = io.ReadFull(f.r, b)
	}
}

// array reads n elements; nil if there are none.
func array[T any](f *fileReader, n uint32) []T {
	if f.err == nil && int64(n) > f.left/int64(unsafe.Sizeof(*new(T))) {
		f.err = io.ErrUnexpectedEOF
	}
	if f.err != nil || n == 0 {
		return nil
	}
	s := make([]T, n)
	into(f, s)
	largePages(s)
	return s
}

// runs reads the codes, those of each part and those of the tail into a slab of
// their own: what is built anew together gives up its memory together.
func (f *fileReader) runs(heads []blockHead, parts []partHead, o Options) (blocks []*block) {
	for _, p := range parts {
		if p.Blocks == 0 || int(p.Blocks) > len(heads) {
			f.fail()
			return nil
		}
		blocks = append(blocks, f.blocks(heads[:p.Blocks], o)...)
		heads = heads[p.Blocks:]
	}
	return append(blocks, f.blocks(heads, o)...)
}

// blocks reads the codes of a run of blocks into one slab.
func (f *fileReader) blocks(heads []blockHead, o Options) (blocks []*block) {
	codes := 0
	for _, h := range heads {
		if h.Codes == 0 || h.Codes > blockSize {
			f.fail()
		}
		codes += int(h.Codes)
	}
	size := int64(32)
	if o.Words {
		size = 8
	}
	if int64(codes)*size > f.left {
		f.fail()
	}
	if f.err != nil {
		return nil
	}
	s := newSlab(codes, o)
	for _, h := range heads {
		b := s.blockOf(int(h.Codes))
		b.base, b.odd, b.even = h.Base, h.Odd, h.Even
		b.tags = array[uint32](f, h.Codes)
		if o.Words {
			b.words = b.words[:h.Codes]
		} else {
			b.a, b.b = b.a[:h.Codes], b.b[:h.Codes]
		}
		into(f, b.a)
		into(f, b.b)
		into(f, b.words)
		if h.Dead {
			b.dead = array[uint64](f, blockSize/64)
			for i, w := range b.dead {
				b.nDead += bits.OnesCount64(w)
				if beyond := max(0, len(b.tags)-64*i); beyond < 64 && w>>beyond != 0 {
					f.fail() // more are dead than there are
				}
			}
		}
		blocks = append(blocks, b)
	}
	s.filled()
	return blocks
}

// table reads the arrays of a table.
func (f *fileReader) table(t *table, h tableHead, blocks []*block) {
	records, offsets := uint32(0), uint32(0)
	if h.Offsets > 0 {
		offsets = 1<<t.width + 1
	} else {
		records = 1 << t.width / recordBuckets
	}
	if h.Width != uint32(t.width) || h.Records != records || h.Offsets != offsets {
		f.fail()
	}
	t.records = array[record](f, h.Records)
	t.offsets = array[uint32](f, h.Offsets)
	t.ids = array[uint32](f, h.IDs)
	t.runs = array[run](f, h.Runs)
	t.overflow = array[uint32](f, h.Overflow)
	if f.err == nil && t.sign.width == 0 && !t.copyWords(blocks) {
		f.fail()
	}
}
