// Package radius finds all codes within a Hamming distance of a query, exactly,
// among millions of them and while they change.
//
// The simplest way is to compare the query with every code. At four words and
// 1.8 ns a code that is 18 ms for ten million, and a picture asks with up to 24
// codes. What is done instead, from the cheapest to the dearest:
//
//   - A multi-index (multi.go) looks only at codes that share a part with the
//     query, or nearly so: some thousands of ten million.
//   - Where there is none (the youngest codes), or where it would have to look at
//     too many (a wide radius, a photo that was uploaded a million times), the
//     codes are scanned (search.go) by the kernels of package hamming, half of
//     each code first, eight queries in a pass.
//   - A planner (plan.go) counts what the index would look at before it does, and
//     takes the cheaper. So no data make a search much dearer than a scan.
//
// A View is immutable: readers take no lock and see one state. The next View is
// made by an Edit, which shares all blocks of codes but those that change. Codes
// lie in blocks of 16,384, in the order of their tags; a run of full blocks may
// have an index, a part. Adding appends to the last block, removing sets a bit.
// Parts are built and joined by Jobs, on any goroutine, and put into place by an
// Edit (job.go). That is a log-structured merge tree (O'Neil and others, 1996)
// of which only the index is merged: the codes stay where they are.
//
// The loop of the first paragraph stays: it is Method Plain, and the oracle of
// the tests.
//
// Not done: approximate search, which finds a quarter of the neighbours that
// count here; an order of the bits learnt from the data, which saves a sixth of
// the candidates and no time.
package radius

import (
	"iter"
	"slices"
	"sync"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// Options are those of a set of codes.
type Options struct {
	// Words: the codes are of 64 bits, in Code[0], instead of 256.
	Words bool
	// Tables is the number of tables of a multi-index, 0 for one that suits the
	// number of codes. It is for measurements; 256-bit codes take 10 to 16 and
	// 64-bit ones 3 or 4.
	Tables int
}

// View is an immutable set of codes, each under a tag of its own. Tags ascend
// in the order in which codes were added. Any number of goroutines may use it.
type View struct {
	shape  *shape
	blocks []*block // in the order of tags; none is empty
	parts  []*part  // of blocks[:n], in order; what follows is the tail
	living int
}

// shape is what all views of a set share.
type shape struct {
	Options
	mu   sync.Mutex // guards the map, not what is in it
	keys map[chunk]*key
}

// key returns the key of a chunk, the same for all parts that have it.
func (s *shape) key(c chunk) *key {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[c]
	if k == nil {
		k = newKey(c, s.Words)
		s.keys[c] = k
	}
	return k
}

// New returns the empty set.
func New(o Options) *View { return &View{shape: &shape{Options: o, keys: map[chunk]*key{}}} }

// Len is the number of codes.
func (v *View) Len() int { return v.living }

// find returns the block and the position of a tag.
func (v *View) find(tag uint64) (i, pos int, ok bool) {
	i = v.blockOf(tag)
	if i < 0 {
		return 0, 0, false
	}
	b := v.blocks[i]
	pos, ok = b.search(tag)
	return i, pos, ok && !b.isDead(pos)
}

// blockOf returns the block that could hold a tag: the last whose first tag is
// not above it; -1 if there is none.
func (v *View) blockOf(tag uint64) int {
	i, found := slices.BinarySearchFunc(v.blocks, tag, func(b *block, t uint64) int {
		switch {
		case b.base < t:
			return -1
		case b.base > t:
			return 1
		}
		return 0
	})
	if found {
		return i
	}
	return i - 1
}

// Code returns the code of a tag.
func (v *View) Code(tag uint64) (hash.Code, bool) {
	i, pos, ok := v.find(tag)
	if !ok {
		return hash.Code{}, false
	}
	return v.blocks[i].code(pos), true
}

// Tags appends to tags those of the set in [from, to).
func (v *View) Tags(tags []uint64, from, to uint64) []uint64 {
	for i := max(v.blockOf(from), 0); i < len(v.blocks) && v.blocks[i].base < to; i++ {
		b := v.blocks[i]
		pos, _ := b.search(from)
		for ; pos < len(b.tags) && b.tag(pos) < to; pos++ {
			if !b.isDead(pos) {
				tags = append(tags, b.tag(pos))
			}
		}
	}
	return tags
}

// All iterates over the tags of the set, ascending.
func (v *View) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, b := range v.blocks {
			for pos := range b.tags {
				if !b.isDead(pos) && !yield(b.tag(pos)) {
					return
				}
			}
		}
	}
}

// Stats describes how a set lies in memory.
type Stats struct {
	Codes  int   // living
	Dead   int   // removed, and still in memory
	Parts  []int // codes of each index, dead ones included
	Tables []int // tables of each index
	Tail   int   // codes that have none, dead ones included
	Bytes  int64 // of codes, tags and indexes
}

// Stats counts.
func (v *View) Stats() (s Stats) {
	s.Codes = v.living
	all := 0
	for _, b := range v.blocks {
		all += len(b.tags)
		s.Bytes += b.bytes()
	}
	s.Dead, s.Tail = all-v.living, all
	for _, p := range v.parts {
		s.Parts = append(s.Parts, p.codes)
		s.Tables = append(s.Tables, len(p.tables))
		s.Tail -= p.codes
		for i := range p.tables {
			s.Bytes += p.tables[i].bytes()
		}
	}
	return s
}

// tail returns the number of the first block that has no index.
func (v *View) tail() (n int) {
	for _, p := range v.parts {
		n += len(p.blocks)
	}
	return n
}

// Hit is a code within the radius of a query.
type Hit struct {
	Tag   uint64
	Query int32 // which of Query.Codes
	Dist  int32 // in bits
}

// Method is a way to search; all find the same.
type Method uint8

// The methods. Auto is the planner's choice, Scan compares every code by the
// kernels, Index uses an index wherever there is one, Plain compares every code in one
// plain loop.
const (
	Auto Method = iota
	Scan
	Index
	Plain
)

// Query is what a search is given.
type Query struct {
	Codes  []hash.Code
	Radius int    // in bits, 0 to 256; a negative one finds nothing
	From   uint64 // tags below it are left out
	Method Method
}

const blockBits, blockSize = hamming.BlockBits, hamming.BlockSize
