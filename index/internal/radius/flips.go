package radius

import (
	"math/bits"
	"slices"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// A picture is searched in eight orientations. The keys of four of them, flips of
// one another, differ in bits 0 and 1 only (key.go), in nearly all tables. Looked up
// one by one they find what they need in the cache, but that is half the work:
// finding the start of a bucket in its record, and unpacking the signs of the
// one or two numbers that it holds.
//
// The buckets of four such queries under a mask are four neighbours in one
// record, and their numbers, four or so, one run. So they are looked up as one:
// its start, and where each bucket ends in it. The numbers are read once, each
// compared with the sign of the query to whose bucket it belongs, and those that
// are kept carry in their upper two bits which query that is.
//
// Buckets that have numbers in the overflow, and runs longer than a vector, are taken
// out and gathered by query. So are tables of offsets, tables with wide balls, and
// queries whose keys in a table differ from the others'.

// fourBits is the number of the lower bits of a key in which flips differ.
const fourBits = 2

// family is the queries of a call that are looked up together.
type family struct {
	members []*probing
	groups  []group // of each table
	starts  []uint32
	ends    []uint32
	ids     []uint32
}

// group is the look-up of four neighbouring buckets under each mask of a ball.
type group struct {
	*table                         // nil if there is none
	key    uint32                  // of all, less its lower two bits
	ball   *ball                   //
	who    [1 << fourBits]*probing // the queries by the lower bits of their keys
	starts []uint32                // of the four buckets, by mask
	ends   []uint32                // where each ends, from start on: a byte each
}

// maxRun is the largest number of numbers in four buckets that are gathered as one.
const maxRun = 16

// families parts queries into such as are looked up together, and calls visit with
// each of them in f.members.
func (p *part) families(queries []probing, f *family, visit func()) {
	for i := range queries {
		if queries[i].placed {
			continue
		}
		f.members = append(f.members[:0], &queries[i])
		for j := i + 1; j < len(queries) && len(f.members) < 1<<fourBits; j++ {
			if q := &queries[j]; !q.placed && p.related(&queries[i], q) {
				q.placed = true
				f.members = append(f.members, q)
			}
		}
		visit()
	}
}

// related reports whether the keys of two queries differ in their lower two bits
// only, in more than half of the tables. In a large part, far from any cache, it
// never does: there the lines take their time whoever asks for them, and four
// queries one by one ask earlier (measured with ten million codes: 24 us each, 26
// together).
func (p *part) related(a, b *probing) bool {
	if p.codes > largePart {
		return false
	}
	same := 0
	for i, k := range a.keys {
		if (k^b.keys[i])>>fourBits == 0 {
			same++
		}
	}
	return !p.words && a.radius == b.radius && 2*same > len(a.keys)
}

// probeFamily is probe for a family. A query that has too many candidates is
// left alone from then on.
func (p *part) probeFamily(f *family, level hamming.Level) {
	for _, q := range f.members {
		q.begin(level)
	}
	f.groups, f.starts, f.ends = f.groups[:0], f.starts[:0], f.ends[:0]
	p.touchFamily(f, 0)
	for i := range p.tables {
		p.touchFamily(f, i+1)
		f.groups = append(f.groups, p.group(f, i))
		g := &f.groups[i]
		if g.table != nil {
			f.starts = slices.Grow(f.starts, len(g.ball.masks))
			f.ends = slices.Grow(f.ends, len(g.ball.masks))
			from, to := len(f.starts), len(f.starts)+len(g.ball.masks)
			g.starts, g.ends = f.starts[from:to], f.ends[from:to]
			f.starts, f.ends = f.starts[:to], f.ends[:to]
			f.members[0].touched += g.probe(level)
		}
		for _, q := range f.members {
			if q.over {
				continue
			}
			if r := p.request(q, i); r.table != nil {
				q.probes += len(r.ball.masks)
				if !g.has(q) {
					var n int
					q.spans, n = r.probe(q, request{})
					q.candidates += n
				}
			}
			q.over = q.candidates > q.most
			q.ends = append(q.ends, len(q.spans))
		}
	}
}

// touchFamily reads what the family will of the directory of table i.
func (p *part) touchFamily(f *family, i int) {
	line := uint32(1<<32 - 1)
	for _, q := range f.members {
		if r := p.request(q, i); !q.over && r.table != nil && r.key>>lineBits != line {
			line = r.key >> lineBits
			q.touched += r.touch(q.level)
		}
	}
}

// group returns what the queries of a family ask of table i together. There is no
// table if nothing.
func (p *part) group(f *family, i int) (g group) {
	t := &p.tables[i]
	n := 0
	for _, q := range f.members {
		if q.over || q.radii[i] < 0 {
			continue
		}
		key := q.keys[i]
		if n == 0 {
			g.key, g.ball = key>>fourBits<<fourBits, t.ball(q.radii[i])
		}
		if at := &g.who[key&(1<<fourBits-1)]; *at == nil && key>>fourBits == g.key>>fourBits {
			*at = q
			n++
		}
	}
	if n > 1 && t.offsets == nil && !g.ball.wide() && t.sign.width >= fourBits && t.sign.width <= 32-fourBits {
		g.table = t
	}
	return g
}

func (g *group) has(q *probing) bool { return g.table != nil && slices.Contains(g.who[:], q) }

// probe looks up the buckets, and counts for each query a quarter of what they hold:
// less than seven in each bucket, beside what is taken out.
func (g *group) probe(level hamming.Level) (touched uint32) {
	held, odd, ok := g.probeFast(level)
	if !ok {
		held, odd = g.probeRecords()
		touched = g.touchRuns()
	}
	if odd {
		held -= g.takeOut()
	}
	for _, q := range g.who {
		if q != nil {
			q.candidates += held >> fourBits
		}
	}
	return touched
}

// probeRecords is probe in plain Go. Odd is whether there is something to take
// out.
func (g *group) probeRecords() (held int, odd bool) {
	crowd := uint32(0)
	for i, m := range g.ball.masks {
		at := g.key ^ m>>fourBits<<fourBits
		r := &g.records[at/recordBuckets]
		at %= recordBuckets
		g.starts[i], _ = r.bucket(at)
		ones, twos, fours := r.ones>>at&15, r.twos>>at&15, r.fours>>at&15
		ends := (spread(ones) + 2*spread(twos) + 4*spread(fours)) * 0x01010101
		g.ends[i] = ends
		held += int(ends >> 24)
		crowd |= ones&twos&fours | (maxRun-ends>>24)>>31
	}
	return held, crowd != 0
}

// spread makes a byte of each of four bits.
func spread(four uint32) uint32 { return four * 0x00204081 & 0x01010101 }

// touchRuns reads the lines that gatherRuns will.
func (g *group) touchRuns() (sum uint32) {
	for _, start := range g.starts {
		sum += g.ids[min(int(start), len(g.ids)-1)]
	}
	return sum
}

// takeOut makes spans of the queries of what cannot be gathered together. It
// returns how much that is, without the overflow.
func (g *group) takeOut() (held int) {
	for i, ends := range g.ends {
		n := ends - ends<<8 // of each bucket: no byte is less than the one below
		if ends>>24 <= maxRun && (n+0x01010101)&0x08080808 == 0 {
			continue
		}
		held += int(ends >> 24)
		g.ends[i] = 0
		for j := range uint32(1 << fourBits) {
			q := g.who[(j^g.ball.masks[i])&(1<<fourBits-1)]
			if n := n >> (8 * j) & 0xff; q != nil && n > 0 {
				from := len(q.spans)
				q.spans = append(q.spans, newSpan(g.starts[i]+(ends<<8>>(8*j)&0xff), n, uint32(g.ball.dists[i])))
				q.spans, q.candidates = request{table: g.table}.mend(q.spans, from, q.candidates+int(n))
			}
		}
	}
	return held
}

// gatherFamily is gather for a family.
func (p *part) gatherFamily(f *family) {
	for _, q := range f.members {
		q.ids, q.idEnds = q.ids[:0], q.idEnds[:0]
	}
	for i := range p.tables {
		if g := &f.groups[i]; g.table != nil {
			p.gatherGroup(f, g, i)
		}
		for _, q := range f.members {
			if !q.over {
				p.gatherTable(q, i)
			}
		}
	}
	clear(f.groups) // lest they hold on to a part that is no longer used
}

// gatherGroup gathers what the group found in table i, and deals it out.
func (p *part) gatherGroup(f *family, g *group, i int) {
	var signs [1 << fourBits]uint32
	slack := 0
	for low, q := range g.who {
		if q != nil {
			signs[low], slack = g.sign.of(q.code), p.slack(q, i)
			q.ids = slices.Grow(q.ids, 1)
		}
	}
	s := g.table.signs(slack, 0)
	ids, ok := g.gatherFast(f.level(), f.ids[:0], s, &signs)
	if !ok {
		ids = g.gatherRuns(f.ids[:0], s, &signs)
	}
	f.ids = ids
	for _, id := range ids {
		if q := g.who[id>>(32-fourBits)]; q != nil {
			q.ids = append(q.ids, id&s.mask)
		}
	}
}

func (f *family) level() hamming.Level { return f.members[0].level }

// gatherRuns appends the numbers whose sign is near that of the query to whose
// bucket they belong, with the lower bits of its key for their upper ones.
func (g *group) gatherRuns(ids []uint32, s *signs, signs *[1 << fourBits]uint32) []uint32 {
	for i, ends := range g.ends {
		k, run := len(ids), g.ids[g.starts[i]:][:ends>>24]
		ids = slices.Grow(ids, len(run))
		out := ids[k : k+len(run)]
		m, left, kept := g.ball.masks[i], s.left[g.ball.dists[i]], uint32(0)
		ends |= 0x80808080
		for at, id := range run {
			// Of the bytes of ends those keep their upper bit that are beyond at.
			low := (uint32(bits.OnesCount32(^(ends-uint32(at+1)*0x01010101)&0x80808080)) ^ m) & (1<<fourBits - 1)
			out[kept] = id&s.mask | low<<(32-fourBits)
			kept += (uint32(bits.OnesCount32(id>>s.shift^signs[low])) - left - 1) >> 31
		}
		ids = ids[:k+int(kept)]
	}
	return ids
}
