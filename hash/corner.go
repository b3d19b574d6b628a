package hash

import (
	"cmp"
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

// corner is a pixel of a level.
type corner struct {
	x, y  int32
	score int64
}

const (
	fastStep    = 8    // levels by which the neighbours differ, at least
	maxCorners  = 3000 // ranked by Harris' response, of a level
	spreadCells = 8    // per side of the grid
)

// circle is the circle of radius 3 of FAST.
var circle = [16][2]int{{0, -3}, {1, -3}, {2, -2}, {3, -1}, {3, 0}, {3, 1}, {2, 2}, {1, 3},
	{0, 3}, {-1, 3}, {-2, 2}, {-3, 1}, {-3, 0}, {-3, -1}, {-2, -2}, {-1, -3}}

// corners returns the corners that are margin pixels away from the edges, with
// FAST's score: the largest of their neighbours in 3x3.
func (g grey) corners(margin int) []corner {
	if g.w <= 2*margin || g.h <= 2*margin {
		return nil
	}
	var off [16]int
	for i, c := range circle {
		off[i] = c[1]*g.w + c[0]
	}
	var found []corner
	rows := [3][]int32{make([]int32, g.w), make([]int32, g.w), make([]int32, g.w)}
	g.scoreRow(rows[margin%3], margin, margin, &off)
	for y := margin; y < g.h-margin; y++ {
		up, mid, down := rows[(y+2)%3], rows[y%3], rows[(y+1)%3]
		clear(down)
		if y+1 < g.h-margin {
			g.scoreRow(down, y+1, margin, &off)
		}
		for x := margin; x < g.w-margin; x++ {
			if s := mid[x]; s > 0 && isPeak(s, up[x-1:x+2], mid[x-1:x+2], down[x-1:x+2]) {
				found = append(found, corner{int32(x), int32(y), int64(s)})
			}
		}
	}
	return found
}

// isPeak reports whether s in the middle exceeds its neighbours; of equal ones
// the last in reading order does.
func isPeak(s int32, up, mid, down []int32) bool {
	return s >= mid[0] && s > mid[2] && s >= max(up[0], up[1], up[2]) && s > max(down[0], down[1], down[2])
}

// scoreRow writes the scores of a row, which is zero.
func (g grey) scoreRow(row []int32, y, margin int, off *[16]int) {
	north, south := g.pix[y*g.w+off[0]:][:g.w], g.pix[y*g.w+off[8]:][:g.w]
	here := g.pix[y*g.w:][:g.w]
	for x := margin; x < g.w-margin; x++ {
		v := here[x]
		// Nine in a row hold one of each two opposite pixels.
		if absDiff(north[x], v) <= fastStep && absDiff(south[x], v) <= fastStep {
			continue
		}
		if absDiff(here[x+3], v) <= fastStep && absDiff(here[x-3], v) <= fastStep {
			continue
		}
		row[x] = g.fast(y*g.w+x, off)
	}
}

// fast is the sum of steps beyond fastStep on the circle, of the brighter or of
// the darker pixels; 0 if the pixel is no corner.
func (g grey) fast(at int, off *[16]int) int32 {
	v := int32(g.pix[at])
	var bright, dark uint32
	var brightSum, darkSum int32
	for i, o := range off {
		d := int32(g.pix[at+o]) - v
		if d > fastStep {
			bright |= 1 << i
			brightSum += d - fastStep
		} else if d < -fastStep {
			dark |= 1 << i
			darkSum -= d + fastStep
		}
	}
	if hasArc(bright) {
		return brightSum
	}
	if hasArc(dark) {
		return darkSum
	}
	return 0
}

// hasArc reports nine ones in a row on the circle.
func hasArc(m uint32) bool {
	m |= m << 16
	m &= m >> 1
	m &= m >> 2
	m &= m >> 4
	return m&(m>>1) != 0 // eight in a row, and one more
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

func stronger(a, b corner) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
}

// strongest ranks corners and keeps n of them, spread over the picture.
func (g grey) strongest(cs []corner, n int) []corner {
	if len(cs) > maxCorners {
		slices.SortFunc(cs, stronger)
		cs = cs[:maxCorners]
	}
	for i, c := range cs {
		cs[i].score = g.harris(int(c.x), int(c.y))
	}
	slices.SortFunc(cs, stronger)
	for len(cs) > 0 && cs[len(cs)-1].score <= 0 {
		cs = cs[:len(cs)-1]
	}
	if len(cs) <= n {
		return cs
	}
	var used [spreadCells * spreadCells]int
	share := 2*n/(spreadCells*spreadCells) + 1
	kept, rest := make([]corner, 0, n), make([]corner, 0, len(cs))
	for _, c := range cs {
		cell := int(c.y)*spreadCells/g.h*spreadCells + int(c.x)*spreadCells/g.w
		if used[cell] < share && len(kept) < n {
			used[cell]++
			kept = append(kept, c)
		} else {
			rest = append(rest, c)
		}
	}
	return append(kept, rest[:min(len(rest), n-len(kept))]...)
}
