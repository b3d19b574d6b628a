package radius

import (
	"context"
	"math/bits"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// Searcher searches. It holds the buffers of a search, up to some megabytes, so
// keep it: it is for one goroutine at a time.
type Searcher struct {
	level    hamming.Level
	codes    []hash.Code // of the query, permuted
	probings []probing
	family   family
	scanned  []int // queries that are scanned
	ids      []uint32
	near     []uint32
	pairs    []hamming.Pair
	byLane   [hamming.Lanes][]uint32
	crowded  int // blocks that are still to be read in full
	found    []found
	sorted   []found
	indexed  []found
	hits     []Hit
	plan     Plan
}

// NewSearcher returns a Searcher that uses the kernels of a level.
func NewSearcher(l hamming.Level) *Searcher { return &Searcher{level: l} }

// Plan says what the last search did.
func (s *Searcher) Plan() Plan { return s.plan }

// Within calls visit with every pair of a code of v and one of q.Codes that are
// within q.Radius of each other, once, in ascending order of Tag and then Query
// over all calls. The slice is valid during the call. It ends with the first
// error of visit or of ctx.
func (s *Searcher) Within(ctx context.Context, v *View, q Query, visit func([]Hit) error) error {
	s.plan, s.crowded = Plan{}, 0
	if len(q.Codes) == 0 || q.Radius < 0 {
		return nil
	}
	s.permute(v, q.Codes)
	first := 0
	for _, p := range v.parts {
		if err := s.searchRun(ctx, v.blocks[first:first+len(p.blocks)], p, &q, visit); err != nil {
			return err
		}
		first += len(p.blocks)
	}
	return s.searchRun(ctx, v.blocks[first:], nil, &q, visit)
}

func (s *Searcher) permute(v *View, codes []hash.Code) {
	s.codes = s.codes[:0]
	for _, c := range codes {
		if v.shape.Words {
			c = hash.Code{c[0]}
		} else {
			c = permuted(c)
		}
		s.codes = append(s.codes, c)
	}
}

// searchRun searches a run of blocks, of which p, if not nil, is the index.
func (s *Searcher) searchRun(ctx context.Context, blocks []*block, p *part, q *Query, visit func([]Hit) error) error {
	first := 0
	for first < len(blocks) && blocks[first].last() < q.From {
		first++
	}
	if first == len(blocks) {
		return nil
	}
	s.plan.Parts++
	s.indexed = s.indexed[:0]
	if p != nil && (q.Method == Auto || q.Method == Index) {
		if err := s.ofIndex(ctx, p, len(blocks)-first, q); err != nil {
			return err
		}
	} else {
		s.scanned = s.scanned[:0]
		for i := range s.codes {
			s.scanned = append(s.scanned, i)
		}
	}
	s.plan.Scanned += len(s.scanned)
	if len(s.scanned) == 0 {
		return s.report(blocks, s.indexed, q, visit)
	}
	return s.scanRun(ctx, blocks, first, q, visit)
}

// ofIndex puts into s.indexed what p finds, in order, and into s.scanned the
// queries that are left.
func (s *Searcher) ofIndex(ctx context.Context, p *part, blocks int, q *Query) error {
	n, err := s.divide(ctx, p, blocks, q)
	if err != nil {
		return err
	}
	for i := range s.probings[:n] {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.indexed = s.collect(p, &s.probings[i], s.indexed)
	}
	s.plan.Indexed += n
	slices.SortFunc(s.indexed, compareFound)
	return nil
}

// scanRun scans blocks from the first-th on for the queries in s.scanned, and
// reports what it finds together with s.indexed.
func (s *Searcher) scanRun(ctx context.Context, blocks []*block, first int, q *Query, visit func([]Hit) error) error {
	indexed := s.indexed
	for i := first; i < len(blocks); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.plan.Codes += len(blocks[i].tags)
		s.found = s.scan(blocks[i], i, s.scanned, q, s.found[:0])
		n := 0
		for n < len(indexed) && int(indexed[n].id>>blockBits) <= i {
			n++
		}
		if n > 0 {
			s.found = append(s.found, indexed[:n]...)
			slices.SortFunc(s.found, compareFound)
		}
		indexed = indexed[n:]
		if err := s.report(blocks, s.found, q, visit); err != nil {
			return err
		}
	}
	return nil
}

func compareFound(a, b found) int {
	if a.id != b.id {
		return int(a.id) - int(b.id)
	}
	return int(a.query) - int(b.query)
}

// report hands out those of the codes found that live.
func (s *Searcher) report(blocks []*block, all []found, q *Query, visit func([]Hit) error) error {
	s.hits = s.hits[:0]
	for _, f := range all {
		b, pos := blocks[f.id>>blockBits], int(f.id&(blockSize-1))
		if tag := b.tag(pos); tag >= q.From && !b.isDead(pos) {
			s.hits = append(s.hits, Hit{Tag: tag, Query: int32(f.query), Dist: f.dist})
		}
	}
	if len(s.hits) == 0 {
		return nil
	}
	return visit(s.hits)
}

// Unrelated codes are far from each other in each half, so it is enough to read
// one half of nearly all codes. That is not so at wide radii, in a pass of eight
// queries somewhat earlier; nor among codes that are like the query, be it that
// somebody uploaded his photo a million times. Then both halves are read at once.
const (
	farHalf = 50
	farPass = 46
	// crowd is the number of codes of a block near in one half from which the
	// next blocks are read in full, and again how many of these.
	crowd = blockSize / 128
	calm  = 64
)

// halves says whether a block is read by halves first.
func (s *Searcher) halves(radius, far int) bool {
	if radius >= far {
		return false
	}
	if s.crowded > 0 {
		s.crowded--
		return false
	}
	return true
}

// reread reports whether so many codes are near in one half that the block is
// better read in full.
func (s *Searcher) reread(near int) bool {
	if near > crowd {
		s.crowded = calm
	}
	return near > crowd
}

// scan compares the codes of block i with some queries, and appends what is
// near, in order.
func (s *Searcher) scan(b *block, i int, queries []int, q *Query, out []found) []found {
	switch {
	case q.Method == Plain:
		return s.scanPlain(b, i, queries, q.Radius, out)
	case b.words != nil:
		for _, n := range queries {
			s.near = s.level.Words(s.near[:0], b.words, s.codes[n][0], q.Radius)
			for _, pos := range s.near {
				d := bits.OnesCount64(b.words[pos] ^ s.codes[n][0])
				out = append(out, found{uint32(i<<blockBits) | pos, uint32(n), int32(d)})
			}
		}
		if len(queries) > 1 {
			out = s.byPosition(out)
		}
		return out
	case len(queries) == 1:
		return s.scanOne(b, i, queries[0], q.Radius, out)
	}
	passes := 0
	for ; len(queries) > 0; passes++ {
		n := min(len(queries), hamming.Lanes)
		out = s.scanLanes(b, i, queries[:n], q.Radius, out)
		queries = queries[n:]
	}
	if passes > 1 {
		out = s.byPosition(out)
	}
	return out
}

// byPosition orders what several passes found in one block, each in order of
// position and query. Where there is much of it, as among a thousand copies of a
// photo, it is counted by position.
func (s *Searcher) byPosition(all []found) []found {
	if len(all) < blockSize/8 {
		slices.SortFunc(all, compareFound)
		return all
	}
	at := make([]uint32, blockSize+1)
	for _, f := range all {
		at[f.id&(blockSize-1)+1]++
	}
	for i := range blockSize {
		at[i+1] += at[i]
	}
	s.sorted = slices.Grow(s.sorted[:0], len(all))[:len(all)]
	for _, f := range all {
		p := &at[f.id&(blockSize-1)]
		s.sorted[*p] = f
		*p++
	}
	s.sorted, all = all[:0], s.sorted
	return all
}

func (s *Searcher) scanOne(b *block, i, query, radius int, out []found) []found {
	code := s.codes[query]
	if s.halves(radius, farHalf) {
		s.near = s.level.Halves(s.near[:0], b.a, hamming.Half{code[0], code[1]}, radius)
		if !s.reread(len(s.near)) {
			return s.otherHalf(b, i, query, radius, s.near, out)
		}
	}
	s.near = s.level.Codes(s.near[:0], b.a, b.b, code, radius)
	for _, pos := range s.near {
		out = append(out, foundAt(b, i, pos, query, code))
	}
	return out
}

func foundAt(b *block, i int, pos uint32, query int, code hash.Code) found {
	return found{uint32(i<<blockBits) | pos, uint32(query), int32(b.raw(int(pos)).Distance(code))}
}

// otherHalf appends those of the codes near in their first half that are near
// altogether. At radius 48 they are one in 400, each of them a cache miss in the
// other half, so that is asked in the way of a multi-index.
func (s *Searcher) otherHalf(b *block, i, query, radius int, near []uint32, out []found) []found {
	if len(near) == 0 {
		return out
	}
	code := s.codes[query]
	s.ids = s.level.At(s.ids[:0], []*hamming.Half{&b.b[0]}, near, hamming.Half{code[2], code[3]}, radius)
	for _, at := range s.ids {
		if f := foundAt(b, i, near[at], query, code); int(f.dist) <= radius {
			out = append(out, f)
		}
	}
	return out
}

// scanLanes is scanOne for up to eight queries.
func (s *Searcher) scanLanes(b *block, i int, queries []int, radius int, out []found) []found {
	var rows [hamming.Lanes]hamming.Row
	var halves [hamming.Lanes]hamming.Half
	limits := [hamming.Lanes]int{-1, -1, -1, -1, -1, -1, -1, -1}
	for lane, n := range queries {
		c := s.codes[n]
		rows[lane], halves[lane], limits[lane] = c, hamming.Half{c[0], c[1]}, radius
	}
	if s.halves(radius, farPass) {
		s.pairs = s.level.HalvesOf8(s.pairs[:0], b.a, &halves, &limits)
		if !s.reread(len(s.pairs)) {
			return s.otherHalves(b, i, queries, radius, out)
		}
	}
	s.pairs = s.level.CodesOf8(s.pairs[:0], b.a, b.b, &rows, &limits)
	for _, p := range s.pairs {
		for lanes := p.Lanes; lanes != 0; lanes &= lanes - 1 {
			n := queries[bits.TrailingZeros32(lanes)]
			out = append(out, foundAt(b, i, p.Pos, n, s.codes[n]))
		}
	}
	return out
}

// otherHalves is otherHalf for s.pairs.
func (s *Searcher) otherHalves(b *block, i int, queries []int, radius int, out []found) []found {
	if len(s.pairs) == 0 {
		return out
	}
	first := len(out)
	for lane, near := range s.lanes() {
		if len(near) > 0 {
			out = s.otherHalf(b, i, queries[lane], radius, near, out)
		}
	}
	slices.SortFunc(out[first:], compareFound)
	return out
}

// lanes parts s.pairs by their lanes.
func (s *Searcher) lanes() *[hamming.Lanes][]uint32 {
	for lane := range s.byLane {
		s.byLane[lane] = s.byLane[lane][:0]
	}
	for _, p := range s.pairs {
		for lanes := p.Lanes; lanes != 0; lanes &= lanes - 1 {
			lane := bits.TrailingZeros32(lanes)
			s.byLane[lane] = append(s.byLane[lane], p.Pos)
		}
	}
	return &s.byLane
}

// scanPlain is the oracle.
func (s *Searcher) scanPlain(b *block, i int, queries []int, radius int, out []found) []found {
	for pos := range b.tags {
		c := b.raw(pos)
		for _, n := range queries {
			if d := c.Distance(s.codes[n]); d <= radius {
				out = append(out, found{uint32(i<<blockBits | pos), uint32(n), int32(d)})
			}
		}
	}
	return out
}
