package radius

import (
	"fmt"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// block is a run of codes in the order of their tags, in parallel arrays. It is
// immutable but for the last block of a set, behind the end that older views
// know. A change makes another block that may share its arrays.
type block struct {
	base  uint64         // the first tag
	tags  []uint32       // the tags, less base
	a, b  []hamming.Half // the permuted codes, half by half,
	words []uint64       // or the 64-bit codes
	dead  []uint64       // bitmap of removed codes, nil if none
	nDead int
	odd   bool  // a code of an odd number of ones is among them,
	even  bool  // one of an even number
	slab  *slab // of which the codes are a part, if it is a large one
}

// newBlock makes room for n codes.
func newBlock(n int, o Options) *block {
	b := &block{tags: make([]uint32, 0, n)}
	if o.Words {
		b.words = make([]uint64, 0, n)
	} else {
		b.a, b.b = make([]hamming.Half, 0, n), make([]hamming.Half, 0, n)
	}
	return b
}

// slab is memory for the codes of many blocks. Searches read codes at random, and
// large pages, which need large arrays, save them a miss in three. It lives as
// long as one of its blocks.
type slab struct {
	a, b   []hamming.Half
	words  []uint64
	codes  int // in all
	cut    int // of which belong to blocks
	blocks int
}

// largeSlab is the number of codes from which a slab is worth sharing: 4 MB of
// each half.
const largeSlab = 1 << 18

func newSlab(n int, o Options) *slab {
	if o.Words {
		return &slab{codes: n, words: make([]uint64, n)}
	}
	return &slab{codes: n, a: make([]hamming.Half, n), b: make([]hamming.Half, n)}
}

// block cuts off an empty block for as many codes as are left, or as a block can
// hold.
func (s *slab) block() *block { return s.blockOf(min(s.codes-s.cut, blockSize)) }

// blockOf cuts off an empty block for n codes.
func (s *slab) blockOf(n int) *block {
	b := &block{tags: make([]uint32, 0, n)}
	if s.codes >= largeSlab {
		b.slab = s
	}
	from, to := s.cut, s.cut+n
	if s.words != nil {
		b.words = s.words[from:from:to]
	} else {
		b.a, b.b = s.a[from:from:to], s.b[from:from:to]
	}
	s.cut = to
	s.blocks++
	return b
}

// filled is for when all of the slab has been written.
func (s *slab) filled() {
	largePages(s.a)
	largePages(s.b)
	largePages(s.words)
}

// settled blocks need not be copied when they are indexed anew.
func (b *block) settled() bool { return b.slab != nil && b.nDead == 0 && len(b.tags) == blockSize }

// reach is how far the tags of a block may lie apart.
const reach = 1 << 32

// takes reports whether a tag can be appended.
func (b *block) takes(tag uint64) bool {
	return len(b.tags) < blockSize && (len(b.tags) == 0 || tag-b.base < reach)
}

// last is the largest tag.
func (b *block) last() uint64 { return b.tag(len(b.tags) - 1) }

func (b *block) tag(pos int) uint64 { return b.base + uint64(b.tags[pos]) }

// push appends a code to b, which must be a copy that is not yet shared. Wide
// codes are permuted.
func (b *block) push(tag uint64, c hash.Code, words bool) {
	if len(b.tags) == 0 {
		b.base = tag
	} else if tag <= b.last() {
		panic(fmt.Sprintf("radius: tag %d after %d", tag, b.last()))
	}
	b.tags = append(b.tags, uint32(tag-b.base))
	if words {
		b.words = append(b.words, c[0])
		return
	}
	b.a = append(b.a, hamming.Half{c[0], c[1]})
	b.b = append(b.b, hamming.Half{c[2], c[3]})
	odd := parity(c) != 0
	b.odd, b.even = b.odd || odd, b.even || !odd
}

// raw returns what was pushed at a position.
func (b *block) raw(pos int) hash.Code {
	if b.words != nil {
		return hash.Code{b.words[pos]}
	}
	return hash.Code{b.a[pos][0], b.a[pos][1], b.b[pos][0], b.b[pos][1]}
}

// code returns a code as it came.
func (b *block) code(pos int) hash.Code {
	if b.words != nil {
		return hash.Code{b.words[pos]}
	}
	return unpermuted(b.a[pos], b.b[pos])
}

// search returns the position of the first code whose tag is not below tag, and
// whether it has it.
func (b *block) search(tag uint64) (int, bool) {
	switch {
	case tag < b.base:
		return 0, false
	case tag-b.base >= reach:
		return len(b.tags), false
	}
	return slices.BinarySearch(b.tags, uint32(tag-b.base))
}

func (b *block) isDead(pos int) bool { return b.dead != nil && b.dead[pos/64]>>(pos%64)&1 != 0 }

// bury marks a living code of b, which must be a copy with a bitmap of its own.
func (b *block) bury(pos int) {
	b.dead[pos/64] |= 1 << (pos % 64)
	b.nDead++
}

// grave returns a copy of b with a bitmap of its own.
func (b *block) grave() *block {
	c := *b
	c.dead = make([]uint64, blockSize/64)
	copy(c.dead, b.dead)
	return &c
}

// sameCodes reports whether two blocks share their arrays and end alike.
func (b *block) sameCodes(o *block) bool {
	return len(b.tags) == len(o.tags) && &b.tags[0] == &o.tags[0]
}

func (b *block) bytes() int64 {
	return int64(4*cap(b.tags) + 16*cap(b.a) + 16*cap(b.b) + 8*cap(b.words) + 8*len(b.dead))
}

// chunk is a run of bits of a permuted code. One of no bits has the value 0.
type chunk struct{ offset, width int }

// of returns the value of the chunk in a code.
func (k chunk) of(c hash.Code) uint32 {
	word, shift := k.offset/64, k.offset%64
	v := c[word] >> shift
	if shift+k.width > 64 {
		v |= c[word+1] << (64 - shift)
	}
	return uint32(v & (1<<k.width - 1))
}

// values appends those of a chunk in all codes.
func (b *block) values(keys []uint32, k chunk) []uint32 {
	word, shift := k.offset/64, k.offset%64
	if b.words != nil {
		mask := uint64(1)<<k.width - 1
		for _, w := range b.words {
			keys = append(keys, uint32(w>>shift&mask))
		}
		return keys
	}
	if shift+k.width > 64 {
		for pos := range b.a {
			keys = append(keys, k.of(b.raw(pos)))
		}
		return keys
	}
	halves, mask := b.a, uint64(1)<<k.width-1
	if word >= 2 {
		halves = b.b
	}
	for i := range halves {
		keys = append(keys, uint32(halves[i][word&1]>>shift&mask))
	}
	return keys
}
