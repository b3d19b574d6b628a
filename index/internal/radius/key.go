package radius

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"

	"github.com/touchstone-go/touchstone/hash"
)

// A picture is searched in eight orientations. Two of the three things that make
// them are flips, and a flip complements the bits of all odd frequencies, rows
// or columns of them: it is the exclusive or with a mask that is the same for all
// pictures (nearly: the bits near PDQ's median may fall on either side). In a
// table of plain chunks the flipped query would look into buckets that have
// nothing to do with those of the query.
//
// So the key of a bucket is not the chunk itself but a linear image of it, in which the
// two flips change bits 0 and 1 and nothing else. Then the four flips of a query
// look into neighbouring buckets, and are looked up as one (flips.go). What differs
// in d bits from a chunk is no longer what differs in d bits from its key, but it
// is still a fixed list of masks, since the image of an exclusive or is that of the
// images.

// key says how the bits of a chunk make the key of its bucket, and which keys are
// near one another.
type key struct {
	chunk
	flips [2]flip
	balls [maxBall + 1]ball
}

// flip clears the bits of mask by the pivot, one bit of it, which then moves to
// place.
type flip struct {
	mask  uint32 // without the pivot
	pivot int
	place int
	none  bool
}

func (f *flip) of(v uint32) uint32 {
	if f.none {
		return v
	}
	v ^= f.mask & -(v >> f.pivot & 1)
	// Exchange the bits pivot and place.
	x := (v>>f.pivot ^ v>>f.place) & 1
	return v ^ x<<f.pivot ^ x<<f.place
}

// turn is the linear map.
func (k *key) turn(v uint32) uint32 { return k.flips[1].of(k.flips[0].of(v)) }

// of returns the key of a code.
func (k *key) of(c hash.Code) uint32 { return k.turn(k.chunk.of(c)) }

// flipMasks are the bits that change when the picture is flipped: those of odd
// frequency in the rows, or in the columns. The first row is of frequency 1.
func flipMasks() (masks [2]hash.Code) {
	for i := range 16 {
		for j := range 16 {
			bit := 16*i + j
			if j%2 == 0 {
				masks[0][bit/64] |= 1 << (bit % 64)
			}
			if i%2 == 0 {
				masks[1][bit/64] |= 1 << (bit % 64)
			}
		}
	}
	return masks
}

// newKey makes the key of a chunk; wide codes are permuted, others have no flips.
func newKey(c chunk, words bool) *key {
	k := &key{chunk: c, flips: [2]flip{{none: true}, {none: true}}}
	if words {
		return k
	}
	for i, m := range flipMasks() {
		// What the flip does to what the flips before have made of the chunk. The
		// bits that are taken are not in it then.
		v := k.turn(c.of(permuted(m)))
		rest := v >> i << i
		if rest == 0 {
			continue // the chunk has no bit that only this flip changes
		}
		pivot := bits.TrailingZeros32(rest)
		k.flips[i] = flip{mask: v &^ (1 << pivot), pivot: pivot, place: i}
	}
	return k
}

// ball is the masks that turn a key into all keys of codes within a distance of
// each other.
type ball struct {
	once  sync.Once
	masks []uint32
	dists []uint8 // the distance that each is of
	// lines are the masks of the records that are the first in their cache line,
	// one for each line that the masks lead to.
	lines []uint32
}

// The widest chunk, and the largest ball that a multi-index is asked for.
// Beyond it a scan is cheaper at any size that fits a memory.
const (
	maxWidth = 26
	maxBall  = 4
)

// lineBits is the logarithm of the number of buckets in a cache line of records.
const lineBits = 7

// ball returns the masks of a distance. They are the same for all queries, so
// they are made once. Those that lead to the same cache line stand together.
func (k *key) ball(radius int) *ball {
	b := &k.balls[radius]
	b.once.Do(func() {
		chunks := make([]uint32, 0, ballSize(k.width, radius))
		chunks = appendBall(chunks, 0, k.width, radius)
		slices.SortFunc(chunks, func(x, y uint32) int { return cmp.Compare(k.turn(x), k.turn(y)) })
		for i, c := range chunks {
			m := k.turn(c)
			if i == 0 || m>>lineBits != b.masks[i-1]>>lineBits {
				b.lines = append(b.lines, m>>lineBits<<lineBits/recordBuckets)
			}
			b.masks = append(b.masks, m)
			b.dists = append(b.dists, uint8(bits.OnesCount32(c)))
		}
	})
	return b
}

// appendBall appends what is made of v by setting at most left of its lower width
// bits.
func appendBall(list []uint32, v uint32, width, left int) []uint32 {
	list = append(list, v)
	if left > 0 {
		for i := range width {
			list = appendBall(list, v|1<<i, i, left-1)
		}
	}
	return list
}

// ballSize is the number of values within a distance of a chunk of width bits.
func ballSize(width, radius int) int {
	n, choose := 0, 1
	for k := range radius + 1 {
		n += choose
		choose = choose * (width - k) / (k + 1)
	}
	return n
}
