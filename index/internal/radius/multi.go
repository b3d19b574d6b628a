package radius

import (
	"context"
	"math/bits"
	"runtime"
	"sync"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// A multi-index cuts the bits of a code into m chunks and keeps a table for
// each. Two codes that differ in r bits differ in at most r/m of some chunk, so
// it is enough to look, chunk by chunk, at the buckets that are that near, and to
// compare what is in them. More exactly (Norouzi, Punjani, Fleet, "Fast exact
// search in Hamming space with multi-index hashing", 2014): with r = s*m + a, the
// first a+1 chunks need the distance s, the others s-1, or none at all if that is
// below zero. With ten million codes and m = 11 a search within 30 bits asks
// 2,600 of 100 million buckets, in which there are as many codes, and compares a
// third of these.
//
// Four more things make it fast:
//
//   - Codes of equal parity differ in an even number of bits. PDQ's have 128
//     ones, all of them, so 31 is 30: an eighth fewer probes.
//   - A code that is found through two chunks is reported by the first: whether
//     an earlier chunk would have found it is one count, and no set is needed.
//   - A bucket that is near enough is not reason enough. Let the chunks stand in
//     a ring; by the argument of the filling stations on a circle there is a
//     chunk from which on every run of chunks is within the sum of its shares
//     (Qin, Xiao, "Pigeonring", 2018). For runs of two: a code within the radius is
//     found through some chunk i such that its distances in i and in the next
//     add up to no more than one above the sum of the two that were asked for (see
//     slack). So each number carries, in the bits that are left of 32, a piece of
//     the next chunk, its sign: 12 bits of it among a million codes, 8 among ten
//     million. Nine in ten candidates, or two in three, end there, before their
//     code is read.
//   - What is looked at lies scattered in memory, and a processor waits for one
//     line as long as for a dozen. So it is done in three passes, the directory
//     for all probes, the numbers of all buckets, the codes of all numbers
//     (hamming.At), and each asks for the lines of the next before it is done
//     (probe.go).
//
// 64-bit codes lie beside their numbers in the tables, so the third pass needs
// no memory but that of the second.

// part is the multi-index of a run of blocks. It is immutable.
type part struct {
	blocks []*block // as they were when it was built, only the codes of which count
	halves []*hamming.Half
	tables []table
	codes  int // of all blocks
	words  bool
	// parity is that of the number of ones of all codes, or mixed.
	parity int
}

// mixed: some codes have an even number of ones, some an odd one.
const mixed = -1

// newPart makes a part of m tables, which are empty as yet.
func newPart(blocks []*block, o *shape, m int) *part {
	p := &part{blocks: blocks, words: o.Words, parity: mixed}
	odd, even := false, false
	for _, b := range blocks {
		p.codes += len(b.tags)
		odd, even = odd || b.odd, even || b.even
		if !o.Words {
			p.halves = append(p.halves, &b.a[0])
		}
	}
	switch {
	case o.Words || odd && even:
	case odd:
		p.parity = 1
	default:
		p.parity = 0
	}
	n := 256
	if o.Words {
		n = 64
	}
	offset := 0
	for i := range m {
		width := n / m
		if i < n%m {
			width++
		}
		p.tables = append(p.tables, table{key: o.key(chunk{offset, width})})
		offset += width
	}
	if !o.Words {
		p.sign()
	}
	return p
}

// sign says what the numbers carry besides: as much of the next chunk as there
// is room for.
func (p *part) sign() {
	room := 32 - blockBits - bits.Len(uint(len(p.blocks)-1))
	for i := range p.tables {
		next := p.tables[(i+1)%len(p.tables)].chunk
		next.width = min(next.width, room)
		p.tables[i].sign = next
	}
}

// tables is the number of tables for n codes.
func (o Options) tables(n int) int {
	if o.Tables > 0 {
		return o.Tables
	}
	return tablesFor(n, o.Words)
}

// tablesFor is the number of tables that n codes are searched fastest with, by
// measurement. About: a chunk has as many values as there are codes.
func tablesFor(n int, words bool) int {
	switch {
	case words:
		return 3
	case n < 150_000:
		return 16
	case n < 400_000:
		return 14
	case n < 2_500_000:
		return 13
	case n < 6_000_000:
		return 12
	case n < 30_000_000:
		return 11
	}
	return 10
}

// build makes the tables, two at a time if that leaves a processor to others. It
// fails with an error of ctx only.
func (p *part) build(ctx context.Context) error {
	var wait sync.WaitGroup
	next := make(chan *table)
	for range max(1, min(2, runtime.GOMAXPROCS(0)-1)) {
		wait.Go(func() {
			var s sorter
			for t := range next {
				if s.build(ctx, t, p.blocks) == nil && p.words {
					t.copyWords(p.blocks)
				}
			}
		})
	}
	for i := range p.tables {
		if ctx.Err() != nil {
			break
		}
		next <- &p.tables[i]
	}
	close(next)
	wait.Wait()
	return ctx.Err()
}

// radii splits a radius among the tables; -1 is a table that need not be asked.
func radii(each []int, radius, tables int) []int {
	for i := range tables {
		each = append(each, radiusOf(radius, tables, i))
	}
	return each
}

// radiusOf is that of table i.
func radiusOf(radius, tables, i int) int {
	if i > radius%tables {
		return radius/tables - 1
	}
	return radius / tables
}

// reach is the largest distance at which codes of p can be from q and still
// within radius: less by one where that has the wrong parity.
func (p *part) reach(q hash.Code, radius int) int {
	if p.parity == mixed || (radius^p.parity^parity(q))&1 == 0 {
		return radius
	}
	return radius - 1
}

// parity is 1 if the number of ones is odd.
func parity(c hash.Code) int { return bits.OnesCount64(c[0]^c[1]^c[2]^c[3]) & 1 }

// probes is the number of buckets that a search looks at, or -1 if that is not
// to be done by an index.
func (p *part) probes(radius int) (n int) {
	if radius/len(p.tables) > maxBall {
		return -1
	}
	for i := range p.tables {
		if r := radiusOf(radius, len(p.tables), i); r >= 0 {
			n += ballSize(p.tables[i].width, r)
		}
	}
	return n
}

// probing is a query on its way through the tables of a part.
type probing struct {
	query      int // its number
	code       hash.Code
	radius     int
	level      hamming.Level
	most       int  // candidates, beyond which it gives up
	over       bool // it has
	placed     bool // it is in a family
	radii      []int
	keys       []uint32 // of each table
	spans      []span   // of all tables, none empty
	ends       []int    // in spans, of each table
	ids        []uint32
	idEnds     []int // in ids, of each table
	probes     int
	candidates int
	touched    uint32 // of no meaning: what was read only to be read
}

// slack is how many bits a code may differ in, in chunk i and the next together,
// to be found through chunk i.
func (p *part) slack(q *probing, i int) int {
	return q.radii[i] + q.radii[(i+1)%len(p.tables)] + 1
}

// passes reports whether table j leads to code c.
func (p *part) passes(q *probing, c hash.Code, j int) bool {
	t := &p.tables[j]
	d := bits.OnesCount32(t.chunk.of(q.code) ^ t.chunk.of(c))
	return d <= q.radii[j] && d+bits.OnesCount32(t.sign.of(q.code)^t.sign.of(c)) <= p.slack(q, j)
}

// earlier reports whether a table before the i-th leads to code c too.
func (p *part) earlier(q *probing, c hash.Code, i int) bool {
	for j := range i {
		if p.passes(q, c, j) {
			return true
		}
	}
	return false
}

// found is a code of a part that is near a query: not yet looked at whether it
// lives.
type found struct {
	id, query uint32
	dist      int32
}

// collect compares what was gathered for a query, and appends what is near.
func (s *Searcher) collect(p *part, q *probing, out []found) []found {
	if p.words {
		return p.collectWords(q, out)
	}
	s.near = s.level.At(s.near[:0], p.halves, q.ids, hamming.Half{q.code[0], q.code[1]}, q.radius)
	table := 0
	for _, at := range s.near {
		for int(at) >= q.idEnds[table] {
			table++
		}
		id := q.ids[at]
		c := p.blocks[id>>blockBits].raw(int(id & (blockSize - 1)))
		if d := c.Distance(q.code); d <= q.radius && !p.earlier(q, c, table) {
			out = append(out, found{id, uint32(q.query), int32(d)})
		}
	}
	return out
}
