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

type ball struct {
	once  sync.Once
	masks []uint32
}

// The widest chunk, and the largest ball that a multi-index is asked for.
// Beyond it a scan is cheaper at any size that fits a memory.
const (
	maxWidth = 26
	maxBall  = 4
)

// masks returns the values of width bits with at most radius ones. Those that
// lead to the same cache line of a directory stand together.
func (b *balls) masks(width, radius int) []uint32 {
	l := &b.lists[width][radius]
	l.once.Do(func() {
		l.masks = make([]uint32, 0, ballSize(width, radius))
		l.add(0, width, radius)
		slices.SortStableFunc(l.masks, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(bits.OnesCount32(a>>7), bits.OnesCount32(b>>7)), cmp.Compare(a, b))
		})
	})
	return l.masks
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
