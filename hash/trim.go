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

// flank is one of the four sides of a picture.
type flank uint8

const (
	top flank = iota
	bottom
	left
	right
)

// trim returns the part of a colour picture inside its uniform border, and
// whether anything was cut off.
func trim(m *image.NRGBA) (image.Rectangle, bool) {
	r := m.Rect
	for range trimRounds {
		before := r
		r.Min.Y += linesFrom(m, r, top).border()
		r.Max.Y -= linesFrom(m, r, bottom).border()
		r.Min.X += linesFrom(m, r, left).border()
		r.Max.X -= linesFrom(m, r, right).border()
		if 100*r.Dx() < trimLeast*m.Rect.Dx() || 100*r.Dy() < trimLeast*m.Rect.Dy() {
			return m.Rect, false
		}
		if r == before {
			break
		}
	}
	return r, r != m.Rect
}

// lines are the lines of a part of a picture as they are met from one side: n of them,
// each of so many pixels. The first begins at pix[0]; next and step lead, in bytes, from
// a line to the next one and from a pixel to the next one.
type lines struct {
	pix        []uint8
	at         int
	next, step int
	n, length  int
}

func linesFrom(m *image.NRGBA, r image.Rectangle, s flank) lines {
	l := lines{pix: m.Pix, at: m.PixOffset(r.Min.X, r.Min.Y), next: m.Stride, step: 4, n: r.Dy(), length: r.Dx()}
	if s == left || s == right {
		l.next, l.step, l.n, l.length = 4, m.Stride, r.Dx(), r.Dy()
	}
	if s == bottom || s == right {
		l.at, l.next = l.at+(l.n-1)*l.next, -l.next
	}
	return l
}

// border counts the lines, from the first on, that belong to the border.
func (l lines) border() int {
	if l.n < 2 || l.length < 1 {
		return 0
	}
	colour := l.median()
	for i := range l.n {
		if 100*l.odd(i, colour, trimLevels) > trimOdd*l.length {
			return i
		}
	}
	return l.n
}

// median is the median of each channel over lines 0 and 1 (of the two
// middle values the lower one).
func (l lines) median() (c [3]uint8) {
	var count [3][256]int
	for line := range 2 {
		at := l.at + line*l.next
		for range l.length {
			p := l.pix[at:][:3]
			count[0][p[0]]++
			count[1][p[1]]++
			count[2][p[2]]++
			at += l.step
		}
	}
	for ch := range c {
		left := l.length
		for v, n := range count[ch] {
			if left -= n; left <= 0 {
				c[ch] = uint8(v)
				break
			}
		}
	}
	return c
}

// odd counts the pixels of line i that are more than so many levels from a colour in any
// channel.
func (l lines) odd(i int, colour [3]uint8, levels int) int {
	n, at := 0, l.at+i*l.next
	for range l.length {
		p := l.pix[at:][:3]
		if absDiff(p[0], colour[0]) > levels || absDiff(p[1], colour[1]) > levels || absDiff(p[2], colour[2]) > levels {
			n++
		}
		at += l.step
	}
	return n
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
