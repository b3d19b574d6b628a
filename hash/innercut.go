package hash

import "image"

// Collages and pages are cut up: a line that is an edge all the way across the
// canvas makes two parts, and so on within these (see inner.go).

// part is a rectangle of the canvas and the lines that bound it.
type part struct {
	left, top, right, bottom *line
}

func (p *part) rect() image.Rectangle {
	return image.Rect(p.left.at, p.top.at, p.right.at, p.bottom.at)
}

// score is that of the four sides, as in pairUp.
func (p *part) score() int32 {
	r := p.rect()
	return p.left.side(r.Min.Y, r.Max.Y).lenient + p.right.side(r.Min.Y, r.Max.Y).lenient +
		p.top.side(r.Min.X, r.Max.X).lenient + p.bottom.side(r.Min.X, r.Max.X).lenient
}

// thinkable tells whether nothing speaks against a side.
func (p *part) thinkable() bool {
	r := p.rect()
	return p.left.side(r.Min.Y, r.Max.Y).ok && p.right.side(r.Min.Y, r.Max.Y).ok &&
		p.top.side(r.Min.X, r.Max.X).ok && p.bottom.side(r.Min.X, r.Max.X).ok
}

// cutUp cuts the canvas along the line that is most an edge all the way
// across, then each part likewise, and returns the parts. A part that has been
// cut counts for half.
func cutUp(upright, level *ruler) []scored {
	small := least(upright, level)
	var out []scored
	todo := []part{{&upright.lines[0], &level.lines[0], last(upright.lines), last(level.lines)}}
	for i := 0; i < len(todo) && len(todo) < innerQueue; i++ {
		r := todo[i].rect()
		x := bestCut(upright, r.Min.X, r.Max.X, r.Min.Y, r.Max.Y, small)
		y := bestCut(level, r.Min.Y, r.Max.Y, r.Min.X, r.Max.X, small)
		if x.sure || y.sure {
			if x.score >= y.score {
				y.line = nil
			} else {
				x.line = nil
			}
			if i > 0 {
				out[i-1].score /= 2
			}
		}
		for _, p := range todo[i].cut(x.line, y.line) {
			if r := p.rect(); min(r.Dx(), r.Dy()) >= small {
				todo, out = append(todo, p), append(out, scored{r, p.score()})
			}
		}
	}
	sortScored(out)
	return out
}

func last(l []line) *line { return &l[len(l)-1] }

// cut returns the parts on both sides of column x and of row y; nil cuts
// nothing.
func (p part) cut(x, y *line) (parts []part) {
	if x != nil {
		parts = append(parts, part{p.left, p.top, x, p.bottom}, part{x, p.top, p.right, p.bottom})
	}
	if y != nil {
		parts = append(parts, part{p.left, p.top, p.right, y}, part{p.left, y, p.right, p.bottom})
	}
	return parts
}

// cutLine is a line to cut along.
type cutLine struct {
	line  *line
	score int32 // per run
	sure  bool  // whether it is visible
}

// bestCut returns the line between lo and hi that is most an edge from one end
// of a part to the other. If none is visible it may be one that divides the
// part evenly and that nothing contradicts.
func bestCut(r *ruler, lo, hi, from, to, small int) cutLine {
	runs := int32((to - from) / innerRun)
	best := cutLine{score: innerCut<<cutBits - 1}
	for i := range r.lines {
		l := &r.lines[i]
		if l.at < lo+innerGap || l.at > hi-innerGap || max(l.at-lo, hi-l.at) < small {
			continue
		}
		if s := l.side(from, to).clear << cutBits / runs; s > best.score {
			best = cutLine{l, s, true}
		}
	}
	if best.sure || hi-lo < 3*small {
		return best
	}
	best.score = -1 << 20
	for i := range r.lines {
		l := &r.lines[i]
		off := uneven(l.at-lo, hi-lo)
		s := l.side(from, to)
		if off > flatMost || s.seen < -evenAgainst*runs {
			continue
		}
		if s := (s.lenient - off) << cutBits / runs; s > best.score {
			best = cutLine{l, s, false}
		}
	}
	return best
}

// uneven is how far at is from the middle or a third of n, flatMost at 1/32 of
// n.
func uneven(at, n int) int32 {
	off := n
	for _, sixths := range [...]int{2, 3, 4} {
		d := 6*at - sixths*n
		off = min(off, max(d, -d))
	}
	return int32(off * flatMost * 32 / (6 * n))
}

// cutBits are the fractional bits of the score of a cut.
const cutBits = 4
