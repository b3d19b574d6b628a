package radius

import (
	"math/bits"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// probe asks the directories, and gives up when more than most candidates are
// found.
func (p *part) probe(q *probing, level hamming.Level, most int) bool {
	q.level = level
	q.spans, q.ends, q.candidates, q.probes = q.spans[:0], q.ends[:0], 0, 0
	q.radii = radii(q.radius, len(p.tables))
	for i := range p.tables {
		t := &p.tables[i]
		if r := q.radii[i]; r >= 0 {
			q.touched += t.touch(level, t.of(q.code), t.ball(r).lines)
		}
	}
	for i := range p.tables {
		t := &p.tables[i]
		if r := q.radii[i]; r >= 0 {
			ball := t.ball(r)
			q.probes += len(ball.masks)
			var n int
			q.spans, n = t.probe(q.spans, t.of(q.code), ball)
			if q.candidates += n; q.candidates > most {
				return false
			}
		}
		q.ends = append(q.ends, len(q.spans))
	}
	return true
}

// touch reads the lines of the directory that probe will.
func (t *table) touch(level hamming.Level, key uint32, lines []uint32) (sum uint32) {
	if t.offsets != nil {
		return 0
	}
	first := key >> lineBits << lineBits / recordBuckets
	if prefetches(level) {
		prefetchRecords(t.records, lines, first)
		return 0
	}
	for _, l := range lines {
		sum += t.records[first^l].base
	}
	return sum
}

// touchIDs reads the lines that gather will.
func (t *table) touchIDs(level hamming.Level, spans []span) (sum uint32) {
	if prefetches(level) {
		prefetchIDs(t.ids, spans)
		return 0
	}
	for _, s := range spans {
		if s.start&hidden == 0 {
			sum += t.ids[s.start]
		}
	}
	return sum
}

// probe appends the buckets of key under all masks of a ball that are not empty,
// and counts what they hold.
func (t *table) probe(spans []span, key uint32, b *ball) ([]span, int) {
	k, n := len(spans), 0
	room := 2*len(b.masks) + 1
	if cap(spans) < k+room {
		spans = append(make([]span, 0, 2*cap(spans)+room), spans...)
	}
	spans = spans[:k+room]
	dists := b.dists[:len(b.masks)]
	for i, m := range b.masks {
		start, held := t.bucket(key ^ m)
		dist := uint32(dists[i])
		n += int(held)
		spans[k] = span{start, held, dist}
		if held >= full && t.offsets == nil {
			spans[k].n = full - 1
			from, more := t.spill(start)
			spans[k+1] = span{from, more, dist}
			n += int(more) - 1
			k += 2
			continue
		}
		// Without a branch, which would be a coin's: one more if held > 0.
		k += int((held | -held) >> 31)
	}
	return spans[:k], n
}

// gather reads the numbers that were found and keeps those whose signs agree.
func (p *part) gather(q *probing) {
	q.ids, q.idEnds = q.ids[:0], q.idEnds[:0]
	from := 0
	for i := range p.tables {
		q.touched += p.tables[i].touchIDs(q.level, q.spans[from:q.ends[i]])
		from = q.ends[i]
	}
	from = 0
	for i := range p.tables {
		q.ids = p.tables[i].gather(q.ids, q.spans[from:q.ends[i]], p.slack(q, i), p.tables[i].sign.of(q.code))
		from = q.ends[i]
		q.idEnds = append(q.idEnds, len(q.ids))
	}
}

// gather appends the numbers in spans whose sign is near enough, without it.
func (t *table) gather(ids []uint32, spans []span, slack int, sign uint32) []uint32 {
	k := len(ids)
	shift := 32 - t.sign.width
	mask := uint32(1)<<shift - 1
	for _, s := range spans {
		if cap(ids) < k+int(s.n) {
			ids = append(make([]uint32, 0, 2*cap(ids)+int(s.n)+1024), ids[:k]...)
		}
		out := ids[k : k+int(s.n)]
		left := uint32(slack) - s.dist
		kept := uint32(0)
		for _, id := range t.numbers(s) {
			out[kept] = id & mask
			// One more if the sign differs in at most left bits.
			kept += (uint32(bits.OnesCount32(id>>shift^sign)) - left - 1) >> 31
		}
		k += int(kept)
	}
	return ids[:k]
}

