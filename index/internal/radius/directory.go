package radius

import (
	"math/bits"
	"slices"
)

// A table of a multi-index says, for each value of a few bits of a code, which
// codes have it: its bucket. The usual way is an array of offsets, one for
// each value, into an array of the codes' numbers sorted by value. With about as
// many values as codes, as is best, the offsets take more memory than the
// numbers (47 bytes of 130 a code, for ten million codes and 11 tables), and
// every look-up in them is a cache miss of its own.
//
// Most buckets hold none, one or two. So 32 neighbouring buckets share 16 bytes:
//
//	base    where the numbers of the first bucket begin
//	ones,   the number of codes in each bucket, less than eight, bit by bit:
//	twos,   bucket i holds ones>>i&1 + 2*(twos>>i&1) + 4*(fours>>i&1)
//	fours
//
// and where a bucket begins is base and what the buckets below it hold, which is
// three population counts. That is 5.9 bytes a code instead of 47, and a cache
// line knows 128 buckets, so that the probes of a search, which differ in one or
// two bits, share lines.
//
// A bucket of seven or more (a popular photo, a hostile uploader) holds six
// numbers, and as its seventh the number of a run of the overflow, where the
// rest lies.
//
// Building sorts the codes by value. Counting all values at once would miss the
// cache twice a code; here they are parted by their upper bits first, into runs
// that fit the cache, which are then counted one after the other.

// record is the directory of 32 buckets.
type record struct {
	base, ones, twos, fours uint32
}

// run is a part of the overflow.
type run struct{ start, end uint32 }

// recordBuckets is the number of buckets in a record.
const recordBuckets = 32

// full is the count of a bucket whose last number is that of a run.
const full = 7

// padding lies behind the numbers, so that a full bucket's may be read anywhere.
const padding = 8

// table is the buckets of one chunk of the codes.
type table struct {
	offset, width int // of the chunk, in bits of the permuted code
	records       []record
	ids           []uint32 // by bucket, ascending within it
	words         []uint64 // the codes themselves beside ids; 64-bit codes only
	runs          []run
	overflow      []uint32
	overflowWords []uint64
}

// span is what a bucket holds: ids[start:start+n].
type span struct{ start, n uint32 }

// bucket looks up one bucket.
func (t *table) bucket(key uint32) span {
	r := &t.records[key>>5]
	at := key & 31
	below := uint32(1)<<at - 1
	return span{
		start: r.base + uint32(bits.OnesCount32(r.ones&below)+2*bits.OnesCount32(r.twos&below)+4*bits.OnesCount32(r.fours&below)),
		n:     r.ones>>at&1 + 2*(r.twos>>at&1) + 4*(r.fours>>at&1),
	}
}

// hidden returns how many codes a full bucket holds beyond the seven that n
// says, less its reference to the overflow.
func (t *table) hidden(s span) int {
	r := t.runs[t.ids[s.start+full-1]]
	return int(r.end-r.start) - 1
}

func (t *table) bytes() int64 {
	return int64(16*cap(t.records) + 4*cap(t.ids) + 8*cap(t.words) + 8*cap(t.runs) + 4*cap(t.overflow) + 8*cap(t.overflowWords))
}

// entry is a code on its way into a table.
type entry struct{ key, id uint32 }

// localBits is the logarithm of the number of buckets that are counted at a
// time: 4,096 counters stay in the first level of the cache.
const localBits = 12

// sorter builds tables. It holds the buffers of one goroutine.
type sorter struct {
	keys    []uint32
	entries []entry
	ends    []uint32               // of the runs of entries, while they are filled
	next    [1 << localBits]uint32 // where the next number of a bucket goes,
	limit   [1 << localBits]uint32 // and where those that are in place end
}

// build fills t with the codes of blocks. The id of a code is the number of its
// block and its position there.
func (s *sorter) build(t *table, blocks []*block) {
	low := min(localBits, t.width)
	parts := 1 << (t.width - low)
	s.ends = slices.Grow(s.ends[:0], parts+1)[:parts+1]
	clear(s.ends)
	s.keys = s.keys[:0]
	for _, b := range blocks {
		s.keys = b.keys(s.keys, t.offset, t.width)
	}
	for _, k := range s.keys {
		s.ends[k>>low+1]++
	}
	for i := range parts {
		s.ends[i+1] += s.ends[i]
	}
	n := len(s.keys)
	s.entries = slices.Grow(s.entries[:0], n)[:n]
	keys := s.keys
	for i, b := range blocks {
		for pos := range b.tags {
			p := &s.ends[keys[pos]>>low]
			s.entries[*p] = entry{keys[pos], uint32(i<<blockBits | pos)}
			*p++
		}
		keys = keys[len(b.tags):]
	}
	t.records = advised[record](1 << t.width / recordBuckets)
	t.ids = advised[uint32](n + padding)
	from, start := uint32(0), uint32(0)
	for i := range parts {
		to := s.ends[i]
		start = s.part(t, i<<low, low, s.entries[from:to], start)
		from = to
	}
	settle(t.records)
	settle(t.ids)
}

// part fills the buckets of one run of entries, whose numbers begin at start, and
// returns where they end.
func (s *sorter) part(t *table, first, low int, entries []entry, start uint32) uint32 {
	next, limit := s.next[:1<<low], s.limit[:1<<low]
	clear(next)
	mask := uint32(len(next) - 1)
	for _, e := range entries {
		next[e.key&mask]++
	}
	for i := 0; i < len(next); i += recordBuckets {
		start = t.record((first+i)/recordBuckets, next[i:i+recordBuckets], limit[i:i+recordBuckets], start)
	}
	for _, e := range entries {
		at := &next[e.key&mask]
		if *at == limit[e.key&mask] {
			t.hide(t.ids[*at], e.id)
			continue
		}
		t.ids[*at] = e.id
		*at++
	}
	return start
}

// record writes a record from the counts of its buckets, which it replaces by
// where the first number of each goes; limit is where the last ends that is in
// place. It returns where the next record's numbers begin.
func (t *table) record(i int, counts, limit []uint32, start uint32) uint32 {
	r := record{base: start}
	for j, n := range counts {
		counts[j] = start
		if n >= full {
			t.ids[start+full-1] = t.room(n - full + 1)
			n = full
			limit[j] = start + full - 1
		} else {
			limit[j] = start + n
		}
		r.ones |= n & 1 << j
		r.twos |= n >> 1 & 1 << j
		r.fours |= n >> 2 & 1 << j
		start += n
	}
	t.records[i] = r
	return start
}

// room makes a run for n numbers, as yet empty.
func (t *table) room(n uint32) uint32 {
	at := uint32(len(t.overflow))
	t.overflow = append(t.overflow, make([]uint32, n)...)
	t.runs = append(t.runs, run{at, at})
	return uint32(len(t.runs) - 1)
}

// hide appends a number to a run.
func (t *table) hide(i, id uint32) {
	r := &t.runs[i]
	t.overflow[r.end] = id
	r.end++
}
