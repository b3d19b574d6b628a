package radius

import (
	"math/bits"
	"slices"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// The first two passes of a look-up, through the directories and the numbers.
//
// What a search reads of them lies on a thousand or two cache lines. In plain Go
// the pass over a table first reads one word of each line that it will need, in
// a loop so short that dozens of these reads are under way at once. In assembly
// (probe_amd64.s) it asks for them by prefetches, which do not wait at all: while
// one table is looked up, for the lines of the next, and then for those of the
// numbers that it has found.

// wide balls lead to so many numbers that the first would have left the cache
// before the last are asked for. With AVX-512 they are asked for as they are
// gathered, shortly before.
func (b *ball) wide() bool { return len(b.masks) > 1024 }

// request is what a query asks of one table.
type request struct {
	*table
	key  uint32
	ball *ball
}

// request returns what q asks of table i, whose key and radius are known. There
// is no table if it need not be asked.
func (p *part) request(q *probing, i int) (r request) {
	if i < len(p.tables) && q.radii[i] >= 0 {
		r.table = &p.tables[i]
		r.key, r.ball = q.keys[i], r.table.ball(q.radii[i])
	}
	return r
}

// prepare finds what q asks of each table.
func (p *part) prepare(q *probing) {
	q.radii, q.keys, q.placed = radii(q.radii[:0], q.radius, len(p.tables)), q.keys[:0], false
	for i := range p.tables {
		q.keys = append(q.keys, p.tables[i].of(q.code))
	}
}

// begin readies q to be probed.
func (q *probing) begin(level hamming.Level) {
	q.level, q.over = level, false
	q.spans, q.ends, q.candidates, q.probes = q.spans[:0], q.ends[:0], 0, 0
}

// probe asks the directories, and gives up when too many candidates are found.
func (p *part) probe(q *probing, level hamming.Level) {
	q.begin(level)
	next := p.request(q, 0)
	q.touched += next.touch(level)
	for i := range p.tables {
		r := next
		next = p.request(q, i+1)
		if r.table != nil {
			var n int
			q.spans, n = r.probe(q, next)
			q.probes += len(r.ball.masks)
			if q.candidates += n; q.candidates > q.most {
				q.over = true
				return
			}
		}
		q.ends = append(q.ends, len(q.spans))
	}
}

// touch reads the lines of the directory that probe will.
func (r request) touch(level hamming.Level) (sum uint32) {
	if r.table == nil || r.offsets != nil || prefetchRecords(level, r) {
		return 0
	}
	first := r.firstLine()
	for _, l := range r.ball.lines {
		sum += r.records[first^l].base
	}
	return sum
}

// firstLine is the first record in the cache line of the key.
func (r request) firstLine() uint32 { return r.key >> lineBits << lineBits / recordBuckets }

// probe appends to q.spans the buckets of the key under all masks of the ball that
// are not empty, and counts what they hold. It touches what the next request
// will read, and what gather will.
func (r request) probe(q *probing, next request) (spans []span, held int) {
	from := len(q.spans)
	spans, held, ok := r.probeFast(q.level, q.spans, next)
	if ok {
		return spans, held
	}
	q.touched += next.touch(q.level)
	if r.offsets != nil {
		spans, held = r.probeOffsets(q.spans)
		q.touched += r.touchIDs(spans[from:])
		return spans, held
	}
	spans, held = r.probeRecords(q.spans)
	q.touched += r.touchIDs(spans[from:])
	return r.mend(spans, from, held)
}

// probeRecords is probe but for buckets that are full: the seventh of their
// numbers is that of a run.
func (r request) probeRecords(spans []span) (_ []span, held int) {
	k := len(spans)
	spans = slices.Grow(spans, len(r.ball.masks)+1)
	spans = spans[:cap(spans)]
	for i, m := range r.ball.masks {
		start, n := r.bucket(r.key ^ m)
		held += int(n)
		spans[k] = newSpan(start, n, uint32(r.ball.dists[i]))
		// Without a branch, which would be a coin's: one more if n > 0.
		k += int(-n >> 31)
	}
	return spans[:k], held
}

// probeOffsets is probe where there are offsets: hardly a bucket is empty there.
func (r request) probeOffsets(spans []span) (_ []span, held int) {
	for i, m := range r.ball.masks {
		if start, n := r.bucket(r.key ^ m); n > 0 {
			spans = append(spans, newSpan(start, n, uint32(r.ball.dists[i])))
			held += int(n)
		}
	}
	return spans, held
}

// mend replaces the seventh number of full buckets by the run that it names.
func (r request) mend(spans []span, from, held int) ([]span, int) {
	for i, s := range spans[from:] {
		if s.size >= full<<distBits {
			start, n := r.spill(s.start)
			spans[from+i] = newSpan(s.start, full-1, s.dist())
			spans = append(spans, newSpan(start, n, s.dist()))
			held += int(n) - 1
		}
	}
	return spans, held
}

// touchIDs reads the lines that gather will.
func (t *table) touchIDs(spans []span) (sum uint32) {
	for _, s := range spans {
		sum += t.ids[s.start]
	}
	return sum
}

// gather reads the numbers that were found and keeps those whose signs agree.
func (p *part) gather(q *probing) {
	q.ids, q.idEnds = q.ids[:0], q.idEnds[:0]
	for i := range p.tables {
		p.gatherTable(q, i)
	}
}

// gatherTable is gather for table i.
func (p *part) gatherTable(q *probing, i int) {
	spans := q.spans[:q.ends[i]]
	if i > 0 {
		spans = spans[q.ends[i-1]:]
	}
	if len(spans) > 0 {
		g := p.tables[i].signs(p.slack(q, i), p.tables[i].sign.of(q.code))
		if p.tables[i].ball(q.radii[i]).wide() {
			g.unasked = len(spans)
		}
		q.ids = g.gather(q.level, q.ids, spans)
	}
	q.idEnds = append(q.idEnds, len(q.ids))
}

// signs tells which numbers of a table to keep.
type signs struct {
	*table
	sign  uint32
	shift uint32                // of the sign in a number
	mask  uint32                // of the number without it
	left  [1 << distBits]uint32 // bits in which the sign may differ, by the distance of the bucket
	// unasked is the number of spans, the last ones, whose numbers are to be
	// prefetched before they are read.
	unasked int
}

func (t *table) signs(slack int, sign uint32) *signs {
	s := &signs{table: t, sign: sign, shift: uint32(32 - t.sign.width)}
	s.mask = uint32(1)<<s.shift - 1
	for d := range s.left {
		s.left[d] = uint32(max(slack-d, 0))
	}
	return s
}

// gather appends the numbers in spans whose sign is near enough, without it.
func (s *signs) gather(level hamming.Level, ids []uint32, spans []span) []uint32 {
	for len(spans) > 0 {
		var n int
		if ids, n = s.gatherFast(level, ids, spans); n == 0 {
			ids, n = s.gatherSpan(ids, spans[0]), 1
		}
		spans = spans[n:]
	}
	return ids
}

func (s *signs) gatherSpan(ids []uint32, sp span) []uint32 {
	k, left := len(ids), s.left[sp.dist()]
	ids = slices.Grow(ids, int(sp.n()))
	out := ids[k : k+int(sp.n())]
	kept := uint32(0)
	for _, id := range s.numbers(sp) {
		out[kept] = id & s.mask
		// One more if the sign differs in at most left bits.
		kept += (uint32(bits.OnesCount32(id>>s.shift^s.sign)) - left - 1) >> 31
	}
	return ids[:k+int(kept)]
}
