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
//   - Lines. The largest sum of consecutive scores of a column (or row) is its
//     rank; the 36 highest of those that outrank their neighbours are kept.
//   - Parts. A line that is an edge all the way across the canvas cuts it in
//     two, and so on within the parts: collages, pages, bars. Where no such line
//     is seen, a half or a third is tried if nothing runs across it: tiles of
//     one colour have no visible seam.
//   - Pairs. Every two columns with every two rows, by the sums of the scores
//     along the four sides. The canvas' own edges are sides too. An invisible
//     stretch costs at most a fixed amount per side in a second ranking, because
//     stretches of the colour of the surroundings come in one piece.
//   - Centred rectangles, one side of which is a line: on a blurred copy of
//     itself a photo often is seen at one side only.
//   - Islands: detail that stands alone on an even ground. This is what can be
//     seen of a white photo on a white page.
//
// Each side is moved to the strongest step of the full luma plane nearby. All
// rankings share the places of the list; near-duplicates and empty rectangles
// are left out. Then the uniform border of each is cut off by the rule of trim,
// and what is left is returned as well.
//
// Everything is integer, and the work is bounded by the numbers of lines and
// parts, whatever the picture shows.
//
// Tried before: a bonus for the canvas' edges (lost 3 %: large junk wins), and
// scores without the upper limit of innerScores (buttons and bars win over
// photos). Searching tall pages at full size finds photos in frames of a few
// pixels more often (chat bubbles 0.8 instead of 0.5), costs double, and lost as
// much where edges are faint.
//
// Not found: photos that are turned or in perspective (local features are for
// those), rectangles under a ninth of the canvas' long side, and tiles of one
// colour in uneven grids.

const (
	maxInner   = 20  // rectangles returned
	innerSide  = 640 // longest side of the plane that is searched
	innerRun   = 4   // pixels of an edge that are averaged
	innerLines = 36  // columns, and rows, that are combined
	innerPart  = 9   // a side is at least 1/9 of the canvas' long side,
	innerLeast = 24  // and 24 pixels
	innerGap   = 3   // pixels at the canvas' edge in which no line lies
	innerAlike = 93  // percent of intersection over union that make a duplicate
	innerSame  = 98  // and once the rectangle and its content are told apart
	innerEmpty = 24  // at least one square in so many shows something

	// The places, before contents are added. Of every ranking so many may be
	// filled when its turn is over.
	sureParts    = 6
	fewIslands   = 7
	visibleSides = 8
	oneCentred   = 9
	anyParts     = 11
	anySides     = 12

	flatCost     = 8   // score lost by an invisible run
	flatMost     = 200 // and by all of a side in the lenient ranking
	againstCost  = 4   // score per run below which a side is out of the question
	evenAgainst  = 2   // the same for an invisible seam
	innerCut     = 5   // least score per run of a visible seam
	innerQueue   = 32  // parts looked at
	seenStep     = 4   // class of steps that show something, 2 levels per pixel
	islandGap    = 2   // squares by which islands are apart
	islandsTried = 4
)

// innerPictures returns rectangles of a luma plane that may hold a photo of
// their own, the most likely first, maxInner at most. The whole plane is none
// of them. A rectangle whose uniform border can be cut off is followed by what
// is left then, which is to be compared with trimmed frames.
func innerPictures(p plane) []image.Rectangle {
	q, factor := halved(p)
	if min(q.w, q.h) < 2*innerLeast {
		return nil
	}
	upright := newRuler(columnRuns(q), q.w)
	level := newRuler(rowRuns(q), q.h)
	visible, lenient := pairUp(upright, level)
	parts := cutUp(upright, level)
	marks := newDetail(upright, level)
	var best chosen
	best.add(marks, above(parts), sureParts)
	best.add(marks, islands(marks, q), fewIslands)
	best.add(marks, visible, visibleSides)
	best.add(marks, centred(upright, level), oneCentred)
	best.add(marks, parts, anyParts)
	best.add(marks, lenient, anySides)
	var out []image.Rectangle
	for _, s := range best {
		r := settle(p, enlarge(s.r, q, p, factor), factor+1)
		out = appendOnce(out, r)
		out = appendOnce(out, content(p, r))
	}
	return out[:min(len(out), maxInner)]
}

// appendOnce leaves out rectangles that are in the list to the pixel or nearly.
func appendOnce(list []image.Rectangle, r image.Rectangle) []image.Rectangle {
	if slices.ContainsFunc(list, func(o image.Rectangle) bool { return overlap(r, o) >= innerSame }) {
		return list
	}
	return append(list, r)
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
	length int     // of the canvas across the lines
	runs   int     // along each of them
	steps  []uint8 // classes of the steps at each place, run by run
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
	r := &ruler{n, m, steps, []line{{at: 0}}}
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
	p := pairing{upright: upright, level: level, small: least(upright, level), lenient: ranking{floor: -2 * flatMost}}
	for i := range level.lines {
		for j := i + 1; j < len(level.lines); j++ {
			if level.lines[j].at-level.lines[i].at >= p.small {
				p.between(&level.lines[i], &level.lines[j])
			}
		}
	}
	sortScored(p.visible.list)
	sortScored(p.lenient.list)
	return p.visible.list, p.lenient.list
}

// pairing is pairUp at work.
type pairing struct {
	upright, level   *ruler
	small            int
	visible, lenient ranking
	posts            []post // thinkable sides between the rows at hand
}

// post is a column as a side between two rows.
type post struct {
	at   int
	side side
}

// between ranks the rectangles with these two rows.
func (p *pairing) between(top, bottom *line) {
	p.posts = p.posts[:0]
	for i := range p.upright.lines {
		l := &p.upright.lines[i]
		if s := l.side(top.at, bottom.at); s.ok {
			p.posts = append(p.posts, post{l.at, s})
		}
	}
	for i, left := range p.posts {
		for _, right := range p.posts[i+1:] {
			if right.at-left.at < p.small {
				continue
			}
			t, b := top.side(left.at, right.at), bottom.side(left.at, right.at)
			if t.ok && b.ok {
				p.rank(image.Rect(left.at, top.at, right.at, bottom.at), t, b, left.side, right.side)
			}
		}
	}
}

func (p *pairing) rank(r image.Rectangle, t, b, left, right side) {
	if r.Dx() == p.upright.length && r.Dy() == p.level.length {
		return
	}
	if min(t.clear, b.clear, left.clear, right.clear) >= 0 {
		p.visible.add(r, t.clear+b.clear+left.clear+right.clear)
	}
	p.lenient.add(r, t.lenient+b.lenient+left.lenient+right.lenient)
}

// centred ranks rectangles with equal margins on all sides, or on two opposite
// ones and none on the others, where one side is a line of a ruler. A photo on a
// blurred copy of itself is often seen at one side only.
func centred(upright, level *ruler) []scored {
	w, h := upright.length, level.length
	small := least(upright, level)
	var found ranking
	for _, lines := range [2][]line{upright.lines, level.lines} {
		for i := range lines[1 : len(lines)-1] {
			at := lines[i+1].at
			m := min(at, last(lines).at-at)
			for _, r := range [...]image.Rectangle{
				{image.Pt(m, m), image.Pt(w-m, h-m)}, {image.Pt(m, 0), image.Pt(w-m, h)}, {image.Pt(0, m), image.Pt(w, h-m)},
			} {
				if r.Max.X-r.Min.X < small || r.Max.Y-r.Min.Y < small {
					continue
				}
				p := part{upright.line(r.Min.X), level.line(r.Min.Y), upright.line(r.Max.X), level.line(r.Max.Y)}
				if p.thinkable() {
					found.add(r, p.score()+margins(r, w, h)*flatMost)
				}
			}
		}
	}
	sortScored(found.list)
	return found.list
}

// margins counts the sides of r that are not those of the canvas.
func margins(r image.Rectangle, w, h int) (n int32) {
	if r.Dx() < w {
		n += 2
	}
	if r.Dy() < h {
		n += 2
	}
	return n
}

// line makes the line at a place that need not be among the chosen.
func (r *ruler) line(at int) *line {
	if at < innerGap || at >= r.length-innerGap {
		return &line{at: at}
	}
	l := newLine(r.steps, at, r.runs)
	return &l
}

// chosen is the list that will be returned.
type chosen []scored

// add appends rectangles until there are most, leaving out empty ones and those
// that nearly are in the list.
func (c *chosen) add(d *detail, more []scored, most int) {
	for _, s := range more {
		if len(*c) >= most {
			return
		}
		known := func(o scored) bool { return overlap(s.r, o.r) > innerAlike }
		if innerEmpty*d.in(s.r) >= d.cells(s.r) && !slices.ContainsFunc(*c, known) {
			*c = append(*c, s)
		}
	}
}
