package hash

import (
	"image"
)

// Copies are often put on a larger sheet: a white margin, the black bars of a
// letterbox. A hash of the full frame then sees another picture (recall 0.01
// on borders). The border is found and cut off, and the rest is hashed as a
// second frame. It never replaces the first: on white product photos, trimming
// alone makes silhouettes look more alike than they are.
//
// The border is looked for on the colour picture of long side 192, whatever
// the size of the original, so that the same photo gives the same box. A line
// belongs to the border while at most 2 % of its pixels are more than 14
// levels in any channel from the border's colour, which is the median of the
// two outermost lines of that side. Top and bottom go first, then left and
// right; three rounds, because behind a border there may be another, and the
// blended line between a black bar and a white margin counts as one (ending
// when a round takes less than three lines lost 5 of 100 letterboxed photos).
// The whole frame stays if less than 15 % of a side would be left.
//
// Placing the edges to a fraction of a line by how far the line at the edge is
// blended was tried and gained nothing. What is still lost are borders around
// photos whose own background runs evenly to the edge, so that more is cut off
// the copy than off the original. A further frame, cut in one pass on all four
// sides at once, finds 998 instead of 985 of 1,000 framed copies; it is left to
// a later recipe, since every frame is eight more codes to search.

const (
	trimLevels = 14 // levels from the border colour that still are border
	trimOdd    = 2  // percent of a line that may be farther
	trimRounds = 3
	trimLeast  = 15 // percent of a side that must be left
)

// trim returns the part of a colour picture inside its uniform border, and
// whether anything was cut off.
func trim(m *image.NRGBA) (image.Rectangle, bool) {
	r := m.Rect
	for range trimRounds {
		before := r
		r.Min.Y += borderLines(m, r, image.Pt(0, 0), image.Pt(0, 1), image.Pt(1, 0))
		r.Max.Y -= borderLines(m, r, image.Pt(0, r.Dy()-1), image.Pt(0, -1), image.Pt(1, 0))
		r.Min.X += borderLines(m, r, image.Pt(0, 0), image.Pt(1, 0), image.Pt(0, 1))
		r.Max.X -= borderLines(m, r, image.Pt(r.Dx()-1, 0), image.Pt(-1, 0), image.Pt(0, 1))
		if 100*r.Dx() < trimLeast*m.Rect.Dx() || 100*r.Dy() < trimLeast*m.Rect.Dy() {
			return m.Rect, false
		}
		if r == before {
			break
		}
	}
	return r, r != m.Rect
}

// borderLines counts the border lines of one side of r: the first line starts
// at the offset start, the next one lies at +next, pixels of a line at +along.
func borderLines(m *image.NRGBA, r image.Rectangle, start, next, along image.Point) int {
	lines, length := r.Dy(), r.Dx()
	if next.X != 0 {
		lines, length = length, lines
	}
	if lines < 2 || length < 1 {
		return 0
	}
	at := func(line, i int) []uint8 {
		p := r.Min.Add(start).Add(next.Mul(line)).Add(along.Mul(i))
		return m.Pix[m.PixOffset(p.X, p.Y):][:3]
	}
	colour := medianColour(length, at)
	n := 0
	for n < lines && isEven(n, length, colour, at, trimLevels, trimOdd) {
		n++
	}
	return n
}

// medianColour is the median of each channel over lines 0 and 1 (of the two
// middle values the lower one).
func medianColour(length int, at func(line, i int) []uint8) (c [3]uint8) {
	var count [3][256]int
	for line := range 2 {
		for i := range length {
			for ch, v := range at(line, i) {
				count[ch][v]++
			}
		}
	}
	for ch := range c {
		left := length
		for v, n := range count[ch] {
			if left -= n; left <= 0 {
				c[ch] = uint8(v)
				break
			}
		}
	}
	return c
}

// isEven reports whether all but so many percent of a line are within so many levels of
// a colour, in each channel.
func isEven(line, length int, colour [3]uint8, at func(line, i int) []uint8, levels, percent int) bool {
	odd := 0
	for i := range length {
		for ch, v := range at(line, i) {
			if absDiff(v, colour[ch]) > levels {
				odd++
				break
			}
		}
	}
	return 100*odd <= percent*length
}

// scaleBox carries a box over from a picture of the size from to one of the
// size to, each edge rounded to the nearest line; it is never empty.
func scaleBox(box, from, to image.Rectangle) image.Rectangle {
	edge := func(v, n, m int) int { return (2*v*m + n) / (2 * n) }
	r := image.Rect(edge(box.Min.X, from.Dx(), to.Dx()), edge(box.Min.Y, from.Dy(), to.Dy()),
		edge(box.Max.X, from.Dx(), to.Dx()), edge(box.Max.Y, from.Dy(), to.Dy()))
	r.Max.X, r.Max.Y = max(r.Max.X, r.Min.X+1), max(r.Max.Y, r.Min.Y+1)
	return r.Intersect(to)
}
