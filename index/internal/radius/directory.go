package radius

import (
	"context"
	"math/bits"
	"runtime"
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
// rest lies. Where there are so many codes that this would not be rare, there is
// the array of offsets after all: it is small then.
//
// Building sorts the codes by value. Counting all values at once would miss the
// cache twice a code; here they are parted by their upper bits first, into runs
// that fit the cache, which are then counted one after the other.

// record is the directory of 32 buckets.
type record struct {
	base, ones, twos, fours uint32
}

// recordBuckets is the number of buckets in a record.
const recordBuckets = 32

// full is the count of a bucket whose last number is that of a run.
const full = 7

// crowded is the mean number of codes in a bucket from which there are offsets
// in place of records.
const crowded = 3

// run is a part of the overflow.
type run struct{ start, end uint32 }

// table is the buckets of one chunk of the codes.
type table struct {
	*key
	sign          chunk // the lower bits of the next chunk, of which each number carries a copy
	records       []record
	offsets       []uint32 // or these: bucket i is ids[offsets[i]:offsets[i+1]]
	ids           []uint32 // by bucket, ascending within it: sign<<(32-sign.width) | number
	words         []uint64 // the codes themselves beside ids; 64-bit codes only
	runs          []run
	overflow      []uint32
	overflowWords []uint64
}

// span is what a bucket holds: n numbers from ids[start] on, or the same of the
// overflow if start has the bit hidden. The key of the bucket is dist bits from the
// one that was asked for. Size is n<<distBits | dist.
type span struct{ start, size uint32 }

// distBits is enough for maxBall. What it leaves to n would fill 40 GB.
const distBits = 3

func newSpan(start, n, dist uint32) span { return span{start, n<<distBits | dist} }

func (s span) n() uint32    { return s.size >> distBits }
func (s span) dist() uint32 { return s.size & (1<<distBits - 1) }

const hidden = 1 << 31

// bucket looks up one bucket. If there are records and n is full, the seventh
// number is that of a run.
func (t *table) bucket(key uint32) (start, n uint32) {
	if t.offsets != nil {
		return t.offsets[key], t.offsets[key+1] - t.offsets[key]
	}
	return t.records[key/recordBuckets].bucket(key % recordBuckets)
}

// bucket looks up one bucket of the record.
func (r *record) bucket(at uint32) (start, n uint32) {
	below := uint32(1)<<at - 1
	start = r.base + uint32(bits.OnesCount32(r.ones&below)+2*bits.OnesCount32(r.twos&below)+4*bits.OnesCount32(r.fours&below))
	return start, r.ones>>at&1 + 2*(r.twos>>at&1) + 4*(r.fours>>at&1)
}

// spill is the part of a full bucket that is in the overflow.
func (t *table) spill(start uint32) (from, n uint32) {
	r := t.runs[t.ids[start+full-1]]
	return r.start | hidden, r.end - r.start
}

// numbers returns what a span is of.
func (t *table) numbers(s span) []uint32 {
	if s.start&hidden != 0 {
		return t.overflow[s.start&^hidden:][:s.n()]
	}
	return t.ids[s.start:][:s.n()]
}

func (t *table) bytes() int64 {
	return int64(16*cap(t.records) + 4*(cap(t.offsets)+cap(t.ids)+cap(t.overflow)) +
		8*(cap(t.words)+cap(t.runs)+cap(t.overflowWords)))
}

// entry is a code on its way into a table.
type entry struct{ key, id uint32 }

// localBits is the logarithm of the number of buckets that are counted at a
// time: 4,096 counters stay in the first level of the cache.
const localBits = 12

// atOnce is the number of entries that are sorted at a time. For more codes the
// keys are computed several times: that costs a nanosecond a code each time, and
// a buffer for all would be a fifth of what is built.
const atOnce = 1 << 22

// sorter builds tables. It holds the buffers of one goroutine.
type sorter struct {
	keys    []uint32 // of one block
	signs   []uint32
	entries []entry
	starts  []int                  // of the parts, among all codes
	ends    []int                  // of those in entries, while they are filled
	next    [1 << localBits]uint32 // where the next number of a bucket goes,
	limit   [1 << localBits]uint32 // and where those that are in place end
}

// build fills t with the codes of blocks. The number of a code is that of its
// block and its position there. It ends early with an error of ctx.
func (s *sorter) build(ctx context.Context, t *table, blocks []*block) error {
	low := min(localBits, t.width)
	if err := s.count(ctx, t, blocks, low); err != nil {
		return err
	}
	n := s.starts[len(s.starts)-1]
	t.ids = make([]uint32, n)
	if n > crowded<<t.width {
		t.offsets = make([]uint32, 1<<t.width+1)
		t.offsets[1<<t.width] = uint32(n)
	} else {
		t.records = make([]record, 1<<t.width/recordBuckets)
	}
	start := uint32(0)
	for first, last := 0, 0; first < len(s.starts)-1; first = last {
		for last = first + 1; last < len(s.starts)-1 && s.starts[last+1]-s.starts[first] <= atOnce; last++ {
		}
		if err := s.read(ctx, t, blocks, low, first, last); err != nil {
			return err
		}
		from := 0
		for i := first; i < last; i++ {
			if i%64 == 0 {
				runtime.Gosched()
			}
			start = s.part(t, i<<low, low, s.entries[from:s.ends[i-first]], start)
			from = s.ends[i-first]
		}
	}
	largePages(t.records)
	largePages(t.ids)
	return nil
}

// giveWay lets others have the processor, some tenths of a millisecond after the
// last time, and returns the error of ctx. Where a search, a writer and a job share
// two processors, somebody would wait for ten milliseconds otherwise.
func giveWay(ctx context.Context) error {
	runtime.Gosched()
	return ctx.Err()
}

// blockKeys computes the keys of a block.
func (s *sorter) blockKeys(t *table, b *block) []uint32 {
	s.keys = b.values(s.keys[:0], t.chunk)
	for i, k := range s.keys {
		s.keys[i] = t.turn(k)
	}
	return s.keys
}

// count finds where the parts of equal bits above low begin.
func (s *sorter) count(ctx context.Context, t *table, blocks []*block, low int) error {
	parts := 1 << (t.width - low)
	s.starts = slices.Grow(s.starts[:0], parts+1)[:parts+1]
	clear(s.starts)
	for _, b := range blocks {
		if err := giveWay(ctx); err != nil {
			return err
		}
		for _, k := range s.blockKeys(t, b) {
			s.starts[k>>low+1]++
		}
	}
	for i := range parts {
		s.starts[i+1] += s.starts[i]
	}
	return nil
}

// read puts the codes of the parts from first to last into s.entries, part by
// part; s.ends says where each ends.
func (s *sorter) read(ctx context.Context, t *table, blocks []*block, low, first, last int) error {
	s.ends = append(s.ends[:0], s.starts[first:last]...)
	for i := range s.ends {
		s.ends[i] -= s.starts[first]
	}
	n := s.starts[last] - s.starts[first]
	s.entries = slices.Grow(s.entries[:0], n)[:n]
	for i, b := range blocks {
		if err := giveWay(ctx); err != nil {
			return err
		}
		s.signs = b.values(s.signs[:0], t.sign)
		for pos, k := range s.blockKeys(t, b) {
			part := int(k>>low) - first
			if uint(part) >= uint(len(s.ends)) {
				continue
			}
			s.entries[s.ends[part]] = entry{k, s.signs[pos]<<(32-t.sign.width) | uint32(i<<blockBits|pos)}
			s.ends[part]++
		}
	}
	return nil
}

// part fills the buckets of one part of the entries, whose numbers begin at
// start, and returns where they end.
func (s *sorter) part(t *table, first, low int, entries []entry, start uint32) uint32 {
	next, limit := s.next[:1<<low], s.limit[:1<<low]
	clear(next)
	mask := uint32(len(next) - 1)
	for _, e := range entries {
		next[e.key&mask]++
	}
	if t.offsets != nil {
		start = t.list(first, next, limit, start)
	} else {
		for i := 0; i < len(next); i += recordBuckets {
			start = t.record((first+i)/recordBuckets, next[i:i+recordBuckets], limit[i:i+recordBuckets], start)
		}
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

// list writes offsets from the counts of buckets. It replaces the counts by where
// the first number of each goes, and returns where the next ones begin.
func (t *table) list(first int, counts, limit []uint32, start uint32) uint32 {
	for i, n := range counts {
		t.offsets[first+i] = start
		counts[i], limit[i] = start, start+n
		start += n
	}
	return start
}

// record is list for the buckets of one record; limit is where the last number
// ends that is in place.
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
