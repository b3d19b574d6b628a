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
	innerEmpty = 24  // one square in so many must show something

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

// detail counts the squares of innerRun pixels in which something is to be
// seen.
type detail struct {
	w, h int
	seen []bool
	sums []int32 // (w+1) x (h+1), of all squares above and to the left
}

func newDetail(upright, level *ruler) *detail {
	d := &detail{w: level.runs, h: upright.runs}
	d.seen = make([]bool, d.w*d.h)
	for x := range d.w * innerRun {
		for y, v := range upright.steps[x*d.h:][:d.h] {
			if v >= seenStep {
				d.seen[y*d.w+x/innerRun] = true
			}
		}
	}
	for y := range d.h * innerRun {
		row := d.seen[y/innerRun*d.w:][:d.w]
		for x, v := range level.steps[y*d.w:][:d.w] {
			if v >= seenStep {
				row[x] = true
			}
		}
	}
	n := d.w + 1
	d.sums = make([]int32, n*(d.h+1))
	for y := range d.h {
		var row int32
		for x := range d.w {
			if d.seen[y*d.w+x] {
				row++
			}
			d.sums[(y+1)*n+x+1] = d.sums[y*n+x+1] + row
		}
	}
	return d
}

// squares are those that lie in r.
func (d *detail) squares(r image.Rectangle) image.Rectangle {
	up := func(v int) int { return (v + innerRun - 1) / innerRun }
	return image.Rect(up(r.Min.X), up(r.Min.Y), r.Max.X/innerRun, r.Max.Y/innerRun)
}

func (d *detail) cells(r image.Rectangle) int32 {
	s := d.squares(r)
	return int32(s.Dx() * s.Dy())
}

func (d *detail) in(r image.Rectangle) int32 {
	s, n := d.squares(r), d.w+1
	return d.sums[s.Max.Y*n+s.Max.X] - d.sums[s.Max.Y*n+s.Min.X] - d.sums[s.Min.Y*n+s.Max.X] + d.sums[s.Min.Y*n+s.Min.X]
}

// islands are what stands alone on an even ground: a photo with the colour of
// the page round its product, of which nothing else can be seen. Squares of
// detail that nearly touch belong together. The largest come first.
func islands(d *detail, p plane) []scored {
	small := max(innerLeast, max(p.w, p.h)/innerPart) / innerRun
	var found []scored
	left := slices.Clone(d.seen)
	var todo []int
	for i := range left {
		if !left[i] {
			continue
		}
		var box image.Rectangle
		box, todo = d.flood(left, i, todo[:0])
		if min(box.Dx(), box.Dy()) >= small && (box.Dx() < d.w-small/2 || box.Dy() < d.h-small/2) {
			found = append(found, scored{box, int32(box.Dx() * box.Dy())})
		}
	}
	sortScored(found)
	found = found[:min(len(found), islandsTried)]
	for i, f := range found {
		r := image.Rectangle{f.r.Min.Mul(innerRun), f.r.Max.Mul(innerRun)}
		found[i].r = content(p, r.Inset(-2*innerRun).Intersect(image.Rect(0, 0, p.w, p.h)))
	}
	return found
}

// flood takes the squares that hang together with square i out of left and
// returns the rectangle round them. It uses and returns the space of todo.
func (d *detail) flood(left []bool, i int, todo []int) (image.Rectangle, []int) {
	var box image.Rectangle
	left[i] = false
	for todo = append(todo, i); len(todo) > 0; {
		x, y := todo[len(todo)-1]%d.w, todo[len(todo)-1]/d.w
		todo = todo[:len(todo)-1]
		box = box.Union(image.Rect(x, y, x+1, y+1))
		for v := max(0, y-islandGap); v <= min(d.h-1, y+islandGap); v++ {
			for u := max(0, x-islandGap); u <= min(d.w-1, x+islandGap); u++ {
				if left[v*d.w+u] {
					left[v*d.w+u] = false
					todo = append(todo, v*d.w+u)
				}
			}
		}
	}
	return box, todo
}

// content cuts the uniform border off a part of a plane, by the rule of trim.
func content(p plane, r image.Rectangle) image.Rectangle {
	for range trimRounds {
		before := r
		r.Min.Y += plainLines(p, r.Min.Y*p.w+r.Min.X, p.w, r.Dy(), 1, r.Dx())
		r.Max.Y -= plainLines(p, (r.Max.Y-1)*p.w+r.Min.X, -p.w, r.Dy(), 1, r.Dx())
		r.Min.X += plainLines(p, r.Min.Y*p.w+r.Min.X, 1, r.Dx(), p.w, r.Dy())
		r.Max.X -= plainLines(p, r.Min.Y*p.w+r.Max.X-1, -1, r.Dx(), p.w, r.Dy())
		if r == before {
			break
		}
	}
	return r
}

// plainLines counts the border lines from the one at first on, of at most
// lines-innerLeast.
func plainLines(p plane, first, next, lines, along, n int) int {
	if lines <= innerLeast {
		return 0
	}
	var count [256]int
	for i := range n {
		count[p.pix[first+i*along]>>lumaBits]++
		count[p.pix[first+next+i*along]>>lumaBits]++
	}
	colour, left := 0, n
	for left -= count[0]; left > 0; left -= count[colour] {
		colour++
	}
	lo, hi := uint16(max(0, colour-trimLevels)<<lumaBits), uint16(min(256, colour+trimLevels+1)<<lumaBits-1)
	for k := range lines - innerLeast {
		odd := 0
		for i := range n {
			if v := p.pix[first+k*next+i*along]; v < lo || v > hi {
				odd++
			}
		}
		if 100*odd > trimOdd*n {
			return k
		}
	}
	return lines - innerLeast
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
