package hash

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Corners are found by FAST-9 (Rosten and Drummond, "Machine learning for
// high-speed corner detection", 2006): a pixel with nine neighbours in a row, on
// a circle of sixteen, that are all brighter or all darker. They are ranked by
// the response of Harris and Stephens (1988), as in ORB.
//
// Taking the strongest ones puts all of them on the print of a T-shirt or on a
// price tag, and nothing is left when that part is cut off or covered. So a
// level is divided into a grid, and no cell may have more than its share until
// the others have had theirs.
//
// The work is bounded for any picture: of each level at most maxCorners are
// ranked, those with the largest steps.
//
// Most pixels are no corners, and to say so of each by itself costs a branch
// that the CPU guesses wrong in textures. So eight pixels of a row are tested at
// a time (lanes as in pyramid.go): first the four places above, below and
// beside them, and only if those leave a choice, all sixteen. Nine in a row are
// found without a loop, by ands of ands.

// corner is a pixel of a level.
type corner struct {
	x, y  int32
	score int64
}

const (
	fastReach   = 3                     // radius of the circle, pixels
	fastStep    = 8                     // levels by which the neighbours differ, at least
	fastMost    = 16 * (255 - fastStep) // highest score
	maxCorners  = 3000                  // ranked by Harris' response, of a level
	spreadCells = 8                     // per side of the grid
)

// scoredRow holds the corners of a row of a level.
type scoredRow struct {
	score []int32 // of each column; 0 is no corner
	at    []int32 // the columns of corners
}

func (r *scoredRow) clear() {
	for _, x := range r.at {
		r.score[x] = 0
	}
	r.at = r.at[:0]
}

// finder finds corners. It keeps its buffers from one level to the next.
type finder struct {
	rows  [3]scoredRow
	found []corner
}

// corners returns the corners that are patchMargin pixels away from the edges,
// with FAST's score: the largest of their neighbours in 3x3.
func (f *finder) corners(g grey) []corner {
	f.found = f.found[:0]
	if g.w <= 2*patchMargin || g.h <= 2*patchMargin {
		return nil
	}
	for i := range f.rows {
		f.rows[i] = scoredRow{score: make([]int32, g.w), at: f.rows[i].at[:0]}
	}
	up, mid, down := &f.rows[0], &f.rows[1], &f.rows[2]
	g.scoreRow(mid, patchMargin)
	for y := patchMargin; y < g.h-patchMargin; y++ {
		down.clear()
		if y+1 < g.h-patchMargin {
			g.scoreRow(down, y+1)
		}
		for _, x := range mid.at {
			if isPeak(up.score[x-1:][:3], mid.score[x-1:][:3], down.score[x-1:][:3]) {
				f.found = append(f.found, corner{x, int32(y), int64(mid.score[x])})
			}
		}
		up, mid, down = mid, down, up
	}
	return f.found
}

// isPeak reports whether the middle exceeds its neighbours; of equal ones the
// last in reading order does.
func isPeak(up, mid, down []int32) bool {
	s := mid[1]
	return s >= mid[0] && s > mid[2] && s >= max(up[0], up[1], up[2]) && s > max(down[0], down[1], down[2])
}

// beyond less a grey level, plus another one, has the highest bit of a lane set
// if the other one is more than fastStep brighter.
const beyond = tops - (fastStep+1)*lanes

// scoreRow finds the corners of a row. r is empty.
func (g grey) scoreRow(r *scoredRow, y int) {
	row := func(y int) []uint8 { return g.pix[y*g.w:][:g.w] }
	north, here, south := row(y-fastReach), row(y), row(y+fastReach)
	load := binary.LittleEndian.Uint64
	end := g.w - patchMargin
	var ring circle
	for x := patchMargin; x < end; x += 8 {
		c, n, e, s, w := load(here[x:]), load(north[x:]), load(here[x+fastReach:]), load(south[x:]), load(here[x-fastReach:])
		may := [4]uint64{}
		may[0], may[1] = compass(c, n, e, s, w)
		may[2], may[3] = compass(c>>8, n>>8, e>>8, s>>8, w>>8)
		if (may[0]|may[1]|may[2]|may[3])&tops == 0 {
			continue
		}
		ring.read(g.pix[(y-fastReach)*g.w+x-fastReach:], g.w)
		bright, dark := ring.corners(c, &may)
		m := bright | dark
		if x+8 > end {
			m &= 1<<(8*(end-x)) - 1
		}
		for ; m != 0; m &= m - 1 {
			shift := bits.TrailingZeros64(m) &^ 7
			at := x + shift/8
			if bright>>shift&0x80 != 0 {
				r.score[at] = ring.brighter(shift, int32(here[at]))
			} else {
				r.score[at] = ring.darker(shift, int32(here[at]))
			}
			r.at = append(r.at, int32(at))
		}
	}
}

// compass looks at the pixels above, below and beside the even ones of eight.
// Nine in a row hold one of each two opposite pixels. The highest bit of a lane
// says that the middle may be a corner.
func compass(c, n, e, s, w uint64) (bright, dark uint64) {
	c, n, e, s, w = c&lowBytes, n&lowBytes, e&lowBytes, s&lowBytes, w&lowBytes
	up, down := beyond-c, beyond+c
	return ((n + up) | (s + up)) & ((e + up) | (w + up)), ((down - n) | (down - s)) & ((down - e) | (down - w))
}

// circle holds the pixels at the sixteen places around eight pixels of a row,
// clockwise from the top:
//
//	     15 0 1
//	  14        2
//	13            3
//	12            4
//	11            5
//	  10        6
//	      9 8 7
type circle [16]uint64

// read takes them from pixels that begin three rows above and three columns left.
func (r *circle) read(pix []uint8, stride int) {
	load := binary.LittleEndian.Uint64
	p := pix[:14]
	r[15], r[0], r[1] = load(p[2:]), load(p[3:]), load(p[4:])
	p = pix[stride:][:14]
	r[14], r[2] = load(p[1:]), load(p[5:])
	p = pix[2*stride:][:14]
	r[13], r[3] = load(p), load(p[6:])
	p = pix[3*stride:][:14]
	r[12], r[4] = load(p), load(p[6:])
	p = pix[4*stride:][:14]
	r[11], r[5] = load(p), load(p[6:])
	p = pix[5*stride:][:14]
	r[10], r[6] = load(p[1:]), load(p[5:])
	p = pix[6*stride:][:14]
	r[9], r[8], r[7] = load(p[2:]), load(p[3:]), load(p[4:])
}

// corners returns the corners among eight pixels, the highest bit of their
// bytes: with brighter and with darker surroundings. What may be one is known of
// the even pixels (bright, dark) and of the odd ones.
func (r *circle) corners(middle uint64, may *[4]uint64) (bright, dark uint64) {
	even, odd := middle&lowBytes, middle>>8&lowBytes
	if may[0]&tops != 0 {
		bright = r.nineInRow(even, 0, 0) >> 8
	}
	if may[1]&tops != 0 {
		dark = r.nineInRow(even, 0, lowBytes) >> 8
	}
	if may[2]&tops != 0 {
		bright |= r.nineInRow(odd, 8, 0)
	}
	if may[3]&tops != 0 {
		dark |= r.nineInRow(odd, 8, lowBytes)
	}
	return bright, dark
}

// nineInRow reports in the highest bit of each lane whether nine places in a row
// are brighter than the middle, or darker if all levels are flipped. Shift
// brings the places' pixels into the lanes.
func (r *circle) nineInRow(middle uint64, shift uint, flip uint64) uint64 {
	up := beyond - (middle ^ flip)
	at := func(i int) uint64 { return (r[i]>>(shift&63)&lowBytes ^ flip) + up }
	m := circle{at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10), at(11), at(12), at(13), at(14), at(15)}
	// Of nine in a row, eight begin at an even place; the ninth is before or
	// behind them.
	a0, a1, a2, a3 := m[0]&m[1], m[2]&m[3], m[4]&m[5], m[6]&m[7]
	a4, a5, a6, a7 := m[8]&m[9], m[10]&m[11], m[12]&m[13], m[14]&m[15]
	b0, b1, b2, b3, b4, b5, b6, b7 := a0&a1, a1&a2, a2&a3, a3&a4, a4&a5, a5&a6, a6&a7, a7&a0
	return tops & (b0&b2&(m[8]|m[15]) | b1&b3&(m[10]|m[1]) | b2&b4&(m[12]|m[3]) | b3&b5&(m[14]|m[5]) |
		b4&b6&(m[0]|m[7]) | b5&b7&(m[2]|m[9]) | b6&b0&(m[4]|m[11]) | b7&b1&(m[6]|m[13]))
}

// brighter is the sum of the steps beyond fastStep up to brighter places. Shift
// is that of the pixel among eight.
func (r *circle) brighter(shift int, middle int32) int32 {
	least := middle + fastStep
	sum := -16 * least
	for _, p := range r {
		sum += max(int32(uint8(p>>(shift&63))), least)
	}
	return sum
}

// darker is the sum of the steps beyond fastStep down to darker places.
func (r *circle) darker(shift int, middle int32) int32 {
	most := middle - fastStep
	sum := 16 * most
	for _, p := range r {
		sum -= min(int32(uint8(p>>(shift&63))), most)
	}
	return sum
}

// harris is det - 0.04 trace² of the gradients in 7x7 pixels. It stays below
// 2^60: a gradient is at most 1020, so a sum is below 2^26.
func (g grey) harris(x, y int) int64 {
	var xx, yy, xy int32
	for j := y - 3; j <= y+3; j++ {
		up, mid, down := g.pix[(j-1)*g.w+x-4:][:9], g.pix[j*g.w+x-4:][:9], g.pix[(j+1)*g.w+x-4:][:9]
		for i := 1; i < 8; i++ {
			across := int32(up[i+1]) - int32(up[i-1]) + int32(down[i+1]) - int32(down[i-1])
			dx := 2*(int32(mid[i+1])-int32(mid[i-1])) + across
			dy := int32(down[i-1]) + 2*int32(down[i]) + int32(down[i+1]) - int32(up[i-1]) - 2*int32(up[i]) - int32(up[i+1])
			xx += dx * dx
			yy += dy * dy
			xy += dx * dy
		}
	}
	trace := int64(xx) + int64(yy)
	return int64(xx)*int64(yy) - int64(xy)*int64(xy) - trace*trace/25
}

// stronger orders corners by score, equal ones in reading order.
func stronger(a, b corner) int {
	if a.score != b.score {
		if a.score > b.score {
			return -1
		}
		return 1
	}
	if a.y != b.y {
		return int(a.y - b.y)
	}
	return int(a.x - b.x)
}

// highest keeps the n corners with the highest FAST scores, of equal ones the
// first, in the order in which they are.
func highest(cs []corner, n int) []corner {
	if len(cs) <= n {
		return cs
	}
	var count [fastMost + 1]int
	for _, c := range cs {
		count[c.score]++
	}
	least, equal := fastMost, n // all above least, and the first equal to it
	for ; count[least] < equal; least-- {
		equal -= count[least]
	}
	kept := cs[:0]
	for _, c := range cs {
		switch {
		case c.score > int64(least):
			kept = append(kept, c)
		case c.score == int64(least) && equal > 0:
			kept = append(kept, c)
			equal--
		}
	}
	return kept
}

// strongest ranks corners and keeps n of them, spread over the picture.
func (g grey) strongest(cs []corner, n int) []corner {
	cs = highest(cs, maxCorners)
	some := cs[:0]
	for _, c := range cs {
		if c.score = g.harris(int(c.x), int(c.y)); c.score > 0 {
			some = append(some, c)
		}
	}
	cs = some
	slices.SortFunc(cs, stronger)
	if len(cs) <= n {
		return cs
	}
	var used [spreadCells * spreadCells]int
	share := 2*n/(spreadCells*spreadCells) + 1
	kept, rest := make([]corner, 0, n), make([]corner, 0, n)
	for _, c := range cs {
		if len(kept) == n {
			break
		}
		cell := int(c.y)*spreadCells/g.h*spreadCells + int(c.x)*spreadCells/g.w
		if used[cell] < share {
			used[cell]++
			kept = append(kept, c)
		} else if len(rest) < n {
			rest = append(rest, c)
		}
	}
	return append(kept, rest[:min(len(rest), n-len(kept))]...)
}
