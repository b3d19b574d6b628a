package hash

import (
	"cmp"
	"image"
	"math/bits"
	"slices"
)

// A stolen photo often comes back inside another picture: in the screenshot of
// a shop page or a chat, as one tile of a collage, on a blurred or patterned
// border, pasted into a scene. A hash of the whole then says nothing, while a
// hash of the right rectangle is as near to the original as that of any scaled
// copy. So the rectangle has to be found, within about one percent: an edge
// that is off by one percent moves the hash by 12 bits.
//
// Hashing windows of every place and size would need some 10^5 windows per
// picture and would accuse accordingly. Cutting off uniform borders (trim.go)
// finds one kind of surroundings only. What all kinds share is that the photo
// ends at four straight, upright edges, and that these are sharp in a way in
// which few things inside a photo are, for their whole length. So:
//
//   - Rulers. The luma plane, at most 640 pixels long, is averaged in runs of
//     four pixels along the direction of the edge looked for, so that noise is
//     halved and a quarter of the work remains. Each run gets a score: the
//     logarithm of how much more often its step, seen beside the steps two
//     pixels before and after, occurs on the edge of an inserted photo than
//     elsewhere (innerScores). The step alone would not do: in a flat page a
//     step of two levels means much, in knitwear one of forty means nothing.
//   - Lines. The best run of runs of each column (and row) is its rank; the
//     best 48 columns and rows that are best among their neighbours are kept.
//   - Cells. A line that is an edge all the way across the canvas cuts it in
//     two, and so on within the parts: collages, pages, bars.
//   - Rectangles. Every pair of columns with every pair of rows, by the sums of
//     the scores along the four sides. The canvas' own edges are sides too.
//   - Where a photo and its surroundings have the same colour its edge cannot
//     be seen. In a second ranking an invisible stretch therefore costs at most
//     a fixed amount per side: stretches of the same colour come in one piece.
//
// Each side is then moved to the strongest step of the full luma plane nearby.
// The three rankings share the places of the list; near-duplicates are left
// out. Everything is integer, and the work is bounded by the numbers of lines,
// whatever the picture shows.
//
// Not found: photos that are turned or in perspective (local features are for
// those), photos whose edges are nowhere visible (what is left is their
// content, which trimming finds), rectangles under a ninth of the canvas' long
// side.

const (
	maxInner     = 12  // rectangles returned
	innerSide    = 640 // longest side of the plane that is searched
	innerRun     = 4   // pixels of an edge that are averaged
	innerLines   = 48  // columns, and rows, that are combined
	innerPart    = 9   // a side is at least 1/9 of the canvas' long side,
	innerLeast   = 24  // and 24 pixels
	innerAlike   = 93  // percent of intersection over union that make a duplicate
	innerCells   = 6   // places of the list open to cells,
	innerVisible = 8   // to these and rectangles whose sides are visible
	innerEven    = 10  // and parts
	innerGap     = 3   // pixels at the canvas' edge in which no line lies
	innerCut     = 5   // least score per run of a line that cuts a cell
	innerQueue   = 32  // cells looked at
	flatCost     = 8   // score lost by an invisible run
	flatMost     = 200 // and by all of a side in the lenient ranking
	evenAgainst  = 2   // score per run below which an even division is none
	againstCost  = 4   // score per run below which a side is out of the question
)

// innerPictures returns rectangles of a luma plane that may hold a photo of
// their own, the most likely first, maxInner at most. The whole plane is none
// of them. The photo's own uniform border, if it has one, is inside.
func innerPictures(p plane) []image.Rectangle {
	q, factor := halved(p)
	if min(q.w, q.h) < 2*innerLeast {
		return nil
	}
	upright := newRuler(columnRuns(q), q.w)
	level := newRuler(rowRuns(q), q.h)
	visible, lenient := pairUp(upright, level)
	var best []scored
	parts := cutUp(upright, level)
	best = distinct(best, above(parts), innerCells)
	best = distinct(best, visible, innerVisible)
	best = distinct(best, parts, innerEven)
	best = distinct(best, lenient, maxInner)
	out := make([]image.Rectangle, len(best))
	for i, s := range best {
		out[i] = settle(p, enlarge(s.r, q, p, factor), factor+1)
	}
	return out
}

// halved averages a plane in squares so that its long side is at most
// innerSide, and returns their side. Whole squares keep edges sharp that lie
// between them; what does not fill a square at the far edges is left out.
func halved(p plane) (plane, int) {
	f := (max(p.w, p.h) + innerSide - 1) / innerSide
	if f <= 1 {
		return p, 1
	}
	q := plane{p.w / f, p.h / f, make([]uint16, (p.w/f)*(p.h/f))}
	sums := make([]uint32, q.w)
	for y := range q.h {
		clear(sums)
		for k := range f {
			row := p.pix[(y*f+k)*p.w:][:q.w*f]
			for x := range sums {
				for _, v := range row[x*f:][:f] {
					sums[x] += uint32(v)
				}
			}
		}
		for x, v := range sums {
			q.pix[y*q.w+x] = uint16(v / uint32(f*f))
		}
	}
	return q, f
}

// enlarge carries a rectangle of the reduced plane q over to p.
func enlarge(r image.Rectangle, q, p plane, f int) image.Rectangle {
	big := image.Rectangle{r.Min.Mul(f), r.Max.Mul(f)}
	if r.Max.X == q.w {
		big.Max.X = p.w
	}
	if r.Max.Y == q.h {
		big.Max.Y = p.h
	}
	return big
}

// columnRuns sums each column in runs: the runs of column 0, then of column 1.
func columnRuns(p plane) []int32 {
	m := p.h / innerRun
	runs := make([]int32, p.w*m)
	for i := range m {
		for k := range innerRun {
			for x, v := range p.pix[(i*innerRun+k)*p.w:][:p.w] {
				runs[x*m+i] += int32(v)
			}
		}
	}
	return runs
}

// rowRuns does the same with rows.
func rowRuns(p plane) []int32 {
	m := p.w / innerRun
	runs := make([]int32, p.h*m)
	for y := range p.h {
		row := p.pix[y*p.w:][:m*innerRun]
		for i := range m {
			for _, v := range row[i*innerRun:][:innerRun] {
				runs[y*m+i] += int32(v)
			}
		}
	}
	return runs
}

// ruler holds the lines of one direction that may be the side of a photo, in
// the order of their places; the first and the last are the canvas' own edges.
type ruler struct {
	length int // of the canvas across the lines
	lines  []line
}

// line is a boundary before pixel at. sums and flats are running totals over
// its runs: of the scores, and of the runs in which nothing can be seen; both
// are nil for the canvas' edges.
type line struct {
	at          int
	sums, flats []int32
}

// newRuler chooses the lines among n positions.
func newRuler(runs []int32, n int) *ruler {
	m := len(runs) / n
	steps := stepClasses(runs, m)
	rank := make([]int32, n)
	for at := innerGap; at < n-innerGap; at++ {
		rank[at] = longestRun(steps, at, m)
	}
	r := &ruler{length: n, lines: []line{{at: 0}}}
	for _, at := range withEven(peaks(rank), n) {
		r.lines = append(r.lines, newLine(steps, at, m))
	}
	r.lines = append(r.lines, line{at: n})
	return r
}

// stepClasses sorts the steps from each run to the one beside it into classes
// of doubling size: under 1/4 grey level, under 1/2, under 1, ... 64 and more.
func stepClasses(runs []int32, m int) []uint8 {
	steps := make([]uint8, len(runs))
	for i := m; i < len(runs); i++ {
		d := runs[i] - runs[i-m]
		n := bits.Len32(uint32(max(d, -d))) - bits.Len32(innerRun<<lumaBits/4) + 1
		steps[i] = uint8(min(max(n, 0), stepClassCount-1))
	}
	return steps
}

// beside returns the steps of line at, and those two pixels before and after
// it. Those one pixel away belong to the edge where its place was scaled to the
// middle of a pixel.
func beside(steps []uint8, at, m int) (here, before, after []uint8) {
	return steps[at*m:][:m], steps[(at-2)*m:][:m], steps[(at+2)*m:][:m]
}

// longestRun is the largest sum of consecutive scores (Kadane).
func longestRun(steps []uint8, at, m int) int32 {
	here, before, after := beside(steps, at, m)
	var sum, best int32
	for i, v := range here {
		sum = max(0, sum+int32(innerScores[v][max(before[i], after[i])]))
		best = max(best, sum)
	}
	return best
}

// peaks returns the places of the highest ranks that are highest within two
// places, in ascending order.
func peaks(rank []int32) []int {
	var at []int
	for p := innerGap; p < len(rank)-innerGap; p++ {
		if v := rank[p]; v > 0 && v > rank[p-2] && v > rank[p-1] && v >= rank[p+1] && v >= rank[p+2] {
			at = append(at, p)
		}
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(rank[b], rank[a]) })
	at = at[:min(len(at), innerLines)]
	slices.Sort(at)
	return at
}

// withEven adds the halves and thirds of n to places unless they are among
// them.
func withEven(at []int, n int) []int {
	for _, p := range [...]int{n / 3, n / 2, 2 * n / 3} {
		if !slices.ContainsFunc(at, func(q int) bool { return max(p-q, q-p) <= 2 }) {
			at = append(at, p)
		}
	}
	slices.Sort(at)
	return at
}

func newLine(steps []uint8, at, m int) line {
	l := line{at, make([]int32, m+1), make([]int32, m+1)}
	here, before, after := beside(steps, at, m)
	for i, v := range here {
		around := max(before[i], after[i])
		l.sums[i+1], l.flats[i+1] = l.sums[i], l.flats[i]
		if v <= flatStep && around <= flatAround {
			l.flats[i+1]++
		} else {
			l.sums[i+1] += int32(innerScores[v][around])
		}
	}
	return l
}

// side is what speaks for a stretch of a line being the side of a photo.
type side struct {
	clear   int32 // score with every invisible run counted
	lenient int32 // with their cost limited
	seen    int32 // without them
	ok      bool  // whether it is thinkable at all
}

// side scores the whole runs between two places along the line.
func (l *line) side(from, to int) side {
	if l.sums == nil {
		return side{ok: true}
	}
	i, j := (from+innerRun-1)/innerRun, min(to/innerRun, len(l.sums)-1)
	sum, cost := l.sums[j]-l.sums[i], flatCost*(l.flats[j]-l.flats[i])
	return side{sum - cost, sum - min(cost, flatMost), sum, sum >= -againstCost*int32(to-from)/innerRun}
}

// least is the smallest side of a rectangle.
func least(upright, level *ruler) int {
	return max(innerLeast, max(upright.length, level.length)/innerPart)
}

// scored is a rectangle and what speaks for it.
type scored struct {
	r     image.Rectangle
	score int32
}

// above returns those with a score above zero.
func above(s []scored) []scored {
	n := 0
	for n < len(s) && s[n].score > 0 {
		n++
	}
	return s[:n]
}

func sortScored(s []scored) {
	slices.SortStableFunc(s, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
}

// ranking keeps the highest scores above a floor.
type ranking struct {
	list  []scored
	floor int32
}

const rankingSize = 256

func (k *ranking) add(r image.Rectangle, score int32) {
	if score <= k.floor {
		return
	}
	k.list = append(k.list, scored{r, score})
	if len(k.list) == 2*rankingSize {
		sortScored(k.list)
		k.list = k.list[:rankingSize]
		k.floor = k.list[rankingSize-1].score
	}
}

// pairUp ranks the rectangles of two columns and two rows: those of which every
// side can be seen, and all that are thinkable.
func pairUp(upright, level *ruler) (visible, lenient []scored) {
	small := least(upright, level)
	strict, loose := ranking{}, ranking{floor: -2 * flatMost}
	sides, at := make([]side, 0, len(upright.lines)), make([]int, 0, len(upright.lines))
	for i := range level.lines {
		top := &level.lines[i]
		for j := i + 1; j < len(level.lines); j++ {
			bottom := &level.lines[j]
			if bottom.at-top.at < small {
				continue
			}
			sides, at = sides[:0], at[:0]
			for k := range upright.lines {
				if s := upright.lines[k].side(top.at, bottom.at); s.ok {
					sides, at = append(sides, s), append(at, upright.lines[k].at)
				}
			}
			for a, left := range sides {
				for b := a + 1; b < len(sides); b++ {
					if at[b]-at[a] < small {
						continue
					}
					r := image.Rect(at[a], top.at, at[b], bottom.at)
					if r.Dx() == upright.length && r.Dy() == level.length {
						continue
					}
					t, u := top.side(r.Min.X, r.Max.X), bottom.side(r.Min.X, r.Max.X)
					if !t.ok || !u.ok {
						continue
					}
					right := sides[b]
					if min(t.clear, u.clear, left.clear, right.clear) >= 0 {
						strict.add(r, t.clear+u.clear+left.clear+right.clear)
					}
					loose.add(r, t.lenient+u.lenient+left.lenient+right.lenient)
				}
			}
		}
	}
	sortScored(strict.list)
	sortScored(loose.list)
	return strict.list, loose.list
}

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

// distinct appends rectangles until the list has most, leaving out those that
// nearly are in it.
func distinct(list, more []scored, most int) []scored {
	for _, s := range more {
		if len(list) >= most {
			break
		}
		if !slices.ContainsFunc(list, func(o scored) bool { return overlap(s.r, o.r) > innerAlike }) {
			list = append(list, s)
		}
	}
	return list
}

// overlap is the intersection over the union, in percent.
func overlap(a, b image.Rectangle) int {
	area := func(r image.Rectangle) int { return r.Dx() * r.Dy() }
	both := area(a.Intersect(b))
	return 100 * both / (area(a) + area(b) - both)
}

// settle moves each side by up to reach pixels to where the steps across it are
// largest. Sides on the canvas' edge stay.
func settle(p plane, r image.Rectangle, reach int) image.Rectangle {
	column := func(x int) int64 { return stepSum(p, r.Min.Y*p.w+x, p.w, r.Dy(), 1) }
	row := func(y int) int64 { return stepSum(p, y*p.w+r.Min.X, 1, r.Dx(), p.w) }
	return image.Rect(strongest(r.Min.X, p.w, reach, column), strongest(r.Min.Y, p.h, reach, row),
		strongest(r.Max.X, p.w, reach, column), strongest(r.Max.Y, p.h, reach, row))
}

func strongest(at, n, reach int, sum func(int) int64) int {
	if at == 0 || at == n {
		return at
	}
	place, best := at, int64(-1)
	for c := max(1, at-reach); c <= min(n-1, at+reach); c++ {
		if s := sum(c); s > best {
			place, best = c, s
		}
	}
	return place
}

// settleMost limits what one pixel counts for the place of a side, in grey
// levels.
const settleMost = 16

// stepSum adds the steps from the pixels back before to those at first,
// first+next, ...
func stepSum(p plane, first, next, n, back int) (sum int64) {
	for i := first; n > 0; i, n = i+next, n-1 {
		d := int64(p.pix[i]) - int64(p.pix[i-back])
		sum += min(max(d, -d), settleMost<<lumaBits)
	}
	return sum
}
