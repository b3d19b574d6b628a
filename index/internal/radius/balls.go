package radius

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"
)

// balls hold the masks that turn the value of a chunk into all values within a
// distance of it. They are the same for all queries, so they are made once.
type balls struct {
	lists [maxWidth + 1][maxBall + 1]ball
}

// ball is the masks of one width and radius.
type ball struct {
	once  sync.Once
	masks []uint32
	// lines are the masks of the records that are the first in their cache line,
	// one for each line that the masks lead to.
	lines []uint32
}

// lineBits is the logarithm of the number of buckets in a cache line of records.
const lineBits = 7

// The widest chunk, and the largest ball that a multi-index is asked for.
// Beyond it a scan is cheaper at any size that fits a memory.
const (
	maxWidth = 26
	maxBall  = 4
)

// of returns the masks of width bits with at most radius ones. Those that lead to
// the same cache line of a directory stand together.
func (b *balls) of(width, radius int) *ball {
	l := &b.lists[width][radius]
	l.once.Do(func() {
		l.masks = make([]uint32, 0, ballSize(width, radius))
		l.add(0, width, radius)
		slices.SortStableFunc(l.masks, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(bits.OnesCount32(a>>lineBits), bits.OnesCount32(b>>lineBits)), cmp.Compare(a, b))
		})
		for i, m := range l.masks {
			if i == 0 || m>>lineBits != l.masks[i-1]>>lineBits {
				l.lines = append(l.lines, m>>lineBits<<lineBits/recordBuckets)
			}
		}
	})
	return l
}

// add adds what is made of mask by setting at most left of its lower width bits.
func (l *ball) add(mask uint32, width, left int) {
	l.masks = append(l.masks, mask)
	if left > 0 {
		for i := range width {
			l.add(mask|1<<i, i, left-1)
		}
	}
}

// ballSize is the number of masks.
func ballSize(width, radius int) int {
	n, choose := 0, 1
	for k := range radius + 1 {
		n += choose
		choose = choose * (width - k) / (k + 1)
	}
	return n
}
