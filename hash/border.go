package hash

import (
	"image"

	"github.com/touchstone-go/touchstone/hash/internal/scaledjpeg"
)

// Where does the border of a query's JPEG end? trim.go asks that of the colour picture of
// 192 pixels, and its answer hangs on single lines: whether more than two in a hundred
// of their pixels are more than 14 levels from the border's colour. On a small
// picture an object's edge is blurred by up to half a block, chroma by a whole
// one or two: of the product photos that have a border, 46 in 100 got a box that was a line
// off, and one in five a code that was 16 bits off and more. But half of all product
// photos have a border, so the exact path is no answer either.
//
// So the small picture says only where to look. The file is read a second time, and of the
// lines about the edges that were found, five for each, and of those outside that are not
// clearly border, the pixels are decoded in full (scaledjpeg.Detail). They make the pixels of
// the 192 that the exact path has, to within a level or two. Then trim runs on these lines
// among those of the small picture. If every edge that it finds lies among exact lines, and
// all lines outside are exact or clear, that is the border. If not, lines are added
// and the file is read again, twice at the most; then the exact path decides.

const (
	// edgeLines is how many lines are exact on either side of an edge.
	edgeLines = 2
	// A line of the small picture is clearly border if at most clearOdd percent of it are
	// more than clearLevels from the border's colour.
	clearLevels = 8
	clearOdd    = 1
	// A side is clearly open, without any border, if more than openOdd percent of its first
	// line are more than openLevels from the median colour, which is somewhat more than a
	// border allows: what differs on the small picture, which is blurred, differs more
	// on the full one.
	openLevels = 22
	openOdd    = 5
)

// borderGrid is the colour picture of 192 pixels, in part exact.
type borderGrid struct {
	pixels, size image.Point // of the picture and of the grid, as stored
	turn         Transform
	colour       *image.NRGBA // as stored
	upright      *image.NRGBA // the same if nothing is turned
	turned       *image.NRGBA
	rows, cols   []bool // exact lines of the grid, as stored
	across, down []cellShare
	sums         []uint64 // three channels of each cell
	row          [3 * (colourSide + 1)]uint64
}

// cellShare says to which cell of the grid a row or column of pixels belongs, and how
// much of it: share of one, the rest to the next, and whether either is wanted.
type cellShare struct {
	cell        int
	share, rest uint64
	wanted      bool
}

// begin lays the grid over a small picture and fills it. It reports whether any side may
// have a border.
func (g *borderGrid) begin(pic *scaledjpeg.Picture, t Transform) bool {
	w, h := fit(pic.Width, pic.Height, colourSide)
	g.pixels, g.size, g.turn = image.Pt(pic.Width, pic.Height), image.Pt(w, h), t
	g.colour = gridPicture(g.colour, w, h)
	g.rows, g.cols = cleared(g.rows, h), cleared(g.cols, w)
	g.coarse(pic, true)
	g.upright = g.colour
	if g.openSides() == 4 { // whichever way they are turned
		return false
	}
	g.coarse(pic, false)
	g.orient()
	return true
}

// openSides counts the sides that are clearly open, in their whole length and in the
// middle half of it, since the ends may belong to the border of other sides.
func (g *borderGrid) openSides() (n int) {
	r := g.upright.Rect
	middle := image.Rect(r.Dx()/4, r.Dy()/4, r.Dx()-r.Dx()/4, r.Dy()-r.Dy()/4)
	for s := range flank(4) {
		if g.clearlyOpen(s, r) && g.clearlyOpen(s, middle) {
			n++
		}
	}
	return n
}

// clearlyOpen looks at the first line of a side, as far as a part of the grid is wide (or
// high), and at luma alone: chroma is blurred more, and may make an even line uneven.
func (g *borderGrid) clearlyOpen(s flank, part image.Rectangle) bool {
	r := g.upright.Rect
	if s == top || s == bottom {
		r.Min.X, r.Max.X = part.Min.X, part.Max.X
	} else {
		r.Min.Y, r.Max.Y = part.Min.Y, part.Max.Y
	}
	l := linesFrom(g.upright, r, s)
	var count [256]int
	for i := range l.length {
		p := l.pix[l.at+i*l.step:][:3]
		count[luma(p[0], p[1], p[2])>>lumaBits]++
	}
	median, below := 0, count[0]
	for 2*below < l.length {
		median++
		below += count[median]
	}
	odd := l.length
	for _, n := range count[max(0, median-openLevels) : min(255, median+openLevels)+1] {
		odd -= n
	}
	return 100*odd > openOdd*l.length
}

func cleared[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// gridPicture returns a picture of w x h, which may be m's memory.
func gridPicture(m *image.NRGBA, w, h int) *image.NRGBA {
	if m == nil || cap(m.Pix) < 4*w*h {
		return image.NewNRGBA(image.Rect(0, 0, w, h))
	}
	m.Pix, m.Stride, m.Rect = m.Pix[:4*w*h], 4*w, image.Rect(0, 0, w, h)
	return m
}

// coarse fills the grid with the nearest samples of a small picture; if only the rim is
// wanted, the first two lines of each side.
func (g *borderGrid) coarse(pic *scaledjpeg.Picture, rim bool) {
	var x [3][colourSide]int
	planes := [3]*scaledjpeg.Plane{&pic.Luma, &pic.Chroma[0], &pic.Chroma[1]}
	grey := planes[1].W == 0
	nearest := func(i, pixels, cells, span, n int) int {
		return min(3*(2*i+1)*pixels/(2*cells*max(1, span)), max(0, n-1))
	}
	for c, p := range planes {
		for i := range g.size.X {
			x[c][i] = nearest(i, g.pixels.X, g.size.X, p.SpanX, p.W)
		}
	}
	var sh shader
	for j := range g.size.Y {
		var rows [3][]int16
		for c, p := range planes {
			if c == 0 || !grey {
				rows[c] = p.Pix[nearest(j, g.pixels.Y, g.size.Y, p.SpanY, p.H)*p.Stride:]
			}
		}
		to := g.colour.Pix[j*g.colour.Stride:][:4*g.size.X]
		inside := rim && j >= 2 && j < g.size.Y-2
		for i := 0; 4*i < len(to); i++ {
			if inside && i == 2 {
				i = max(i, g.size.X-2)
			}
			q := to[4*i : 4*i+4]
			cb, cr := byte(128), byte(128)
			if !grey {
				cb, cr = level8(rows[1][x[1][i]]), level8(rows[2][x[2][i]])
			}
			p := sh.pixel(level8(rows[0][x[0][i]]), cb, cr)
			q[0], q[1], q[2] = byte(p), byte(p>>32), byte(p>>16)
			q[3] = 255
		}
	}
}

// shader makes pixel words (see rows.go) of Y, Cb and Cr, as ycbcr.go makes them. It keeps
// what the chroma adds, since neighbours often share it.
type shader struct {
	cb, cr byte
	known  bool
	word   int64
}

func (s *shader) pixel(y, cb, cr byte) uint64 {
	if cb != s.cb || cr != s.cr || !s.known {
		*s = shader{cb, cr, true, shadeOf(cbParts[cb], crParts[cr]).word}
	}
	v := uint64(int64(y)*lanes3 + s.word)
	if v&^laneBytes != 0 {
		v, _ = clipped(v)
	}
	return v
}

// level8 rounds a sample of a plane to a grey level.
func level8(v int16) byte {
	return byte(min(max((int(v)+1<<(scaledjpeg.Fraction-1))>>scaledjpeg.Fraction, 0), 255))
}

// orient makes the upright grid.
func (g *borderGrid) orient() {
	if g.turn == Upright {
		g.upright = g.colour
		return
	}
	u, w, h := turns[g.turn], g.size.X, g.size.Y
	if u.transpose {
		w, h = h, w
	}
	g.turned = gridPicture(g.turned, w, h)
	g.upright = g.turned
	for j := range g.size.Y {
		from := g.colour.Pix[j*g.colour.Stride:]
		for i := range g.size.X {
			x, y := u.place(i, j, w, h)
			copy(g.upright.Pix[y*g.upright.Stride+4*x:][:4], from[4*i:4*i+4])
		}
	}
}

// box trims the grid: the part of the upright grid inside the border.
func (g *borderGrid) box() image.Rectangle {
	box, _ := trim(g.upright)
	return box
}

// edge is one side of a box on the upright grid: the first line inside it, counted from
// that side of the grid, and whether lines of that side are rows.
func (g *borderGrid) edge(s flank, box image.Rectangle) (at int, rows bool) {
	r := g.upright.Rect
	switch s {
	case top:
		return box.Min.Y, true
	case bottom:
		return r.Max.Y - box.Max.Y, true
	case left:
		return box.Min.X, false
	}
	return r.Max.X - box.Max.X, false
}

// exact returns where it is noted whether line i from a side is to be exact; nil if there is
// no such line.
func (g *borderGrid) exact(s flank, i int) *bool {
	u := turns[g.turn]
	rows := s == top || s == bottom
	noted := g.cols
	if rows != u.transpose {
		noted = g.rows
	}
	if i < 0 || i >= len(noted) {
		return nil
	}
	reversed := s == bottom || s == right
	if rows && u.flips&2 != 0 || !rows && u.flips&1 != 0 {
		reversed = !reversed
	}
	if reversed {
		i = len(noted) - 1 - i
	}
	return &noted[i]
}

// want adds the lines about the edges of a box to those that are to be exact, and those
// outside that are not clear. It reports false if there are none: all sides are open.
func (g *borderGrid) want(box image.Rectangle) (some bool) {
	for s := range flank(4) {
		at, _ := g.edge(s, box)
		if at == 0 && g.clearlyOpen(s, box) {
			continue
		}
		for i := min(at-edgeLines, 0); i <= at+edgeLines; i++ {
			// The first two lines make the colour.
			if e := g.exact(s, i); e != nil && (i < 2 || i >= at-edgeLines) {
				*e, some = true, true
			}
		}
		g.doubtful(s, box)
	}
	return some
}

// sure reports whether the edges of a box lie among exact lines, the line inside each
// and the one outside, and all lines beyond are exact or clear. It adds those
// that are neither to those that are to be exact.
func (g *borderGrid) sure(box image.Rectangle) bool {
	ok := true
	for s := range flank(4) {
		at, _ := g.edge(s, box)
		if at == 0 && g.clearlyOpen(s, box) {
			continue
		}
		inside, outside := g.exact(s, at), g.exact(s, at-1)
		ok = ok && (inside == nil || *inside) && (outside == nil || *outside)
		ok = !g.doubtful(s, box) && ok
	}
	return ok
}

// doubtful adds the lines outside one side of a box that are not clearly border to those
// that are to be exact, and reports whether there were any. Rows are looked at in
// their whole length, columns between the rows of the box, as trim does it first.
func (g *borderGrid) doubtful(s flank, box image.Rectangle) (found bool) {
	n, rows := g.edge(s, box)
	r := g.upright.Rect
	if !rows {
		r.Min.Y, r.Max.Y = box.Min.Y, box.Max.Y
	}
	l := linesFrom(g.upright, r, s)
	if n == 0 || l.n < 2 {
		return false
	}
	colour := l.median()
	for i := range n {
		if e := g.exact(s, i); !*e && 100*l.odd(i, colour, clearLevels) > clearOdd*l.length {
			*e, found = true, true
		}
	}
	return found
}

// read prepares the sums for a pass over the file.
func (g *borderGrid) read() {
	g.sums = cleared(g.sums, 3*g.size.X*g.size.Y)
	g.across = shares(g.across, g.pixels.X, g.cols)
	g.down = shares(g.down, g.pixels.Y, g.rows)
}

// shares lays n pixels over the cells of wanted.
func shares(s []cellShare, n int, wanted []bool) []cellShare {
	s = cleared(s, n)
	cells := len(wanted)
	for x := range s {
		c := x * cells / n
		share := min((c+1)*n-x*cells, cells)
		s[x] = cellShare{c, uint64(share), uint64(cells - share), wanted[c] || share < cells && wanted[c+1]}
	}
	return s
}

// Want is scaledjpeg.Detail.
func (g *borderGrid) Want(x, y, w, h int) bool {
	return anyWanted(g.across, x, w) || anyWanted(g.down, y, h)
}

func anyWanted(s []cellShare, from, n int) bool {
	if from >= len(s) {
		return false
	}
	for i := from; i < min(from+n, len(s)); i++ {
		if s[i].wanted {
			return true
		}
	}
	return false
}

// Take is scaledjpeg.Detail.
func (g *borderGrid) Take(u *scaledjpeg.Unit) {
	w, h := min(u.W, g.pixels.X-u.X), min(u.H, g.pixels.Y-u.Y)
	across := g.across[u.X:][:w]
	first := across[0].cell
	for y := range h {
		down := g.down[u.Y+y]
		g.takeRow(u, y, across, down.wanted)
		n := 3 * (across[w-1].cell + 2 - first)
		g.deposit(down.cell, first, n, down.share)
		if down.rest > 0 {
			g.deposit(down.cell+1, first, n, down.rest)
		}
		clear(g.row[:n])
	}
}

// takeRow adds up row y of a unit in width; all of it, or the columns that are wanted.
func (g *borderGrid) takeRow(u *scaledjpeg.Unit, y int, across []cellShare, all bool) {
	luma := u.Luma[y*u.W:]
	chroma := y / u.SubY * (u.W / u.SubX)
	first := across[0].cell
	var sh shader
	for x := range across {
		s := &across[x]
		if !all && !s.wanted {
			continue
		}
		cb, cr := byte(128), byte(128)
		if len(u.Cb) > 0 {
			cb, cr = u.Cb[chroma+x/u.SubX], u.Cr[chroma+x/u.SubX]
		}
		p := sh.pixel(luma[x], cb, cr)
		red, green, blue := p&0xff, p>>32, p>>16&0xff
		to := g.row[3*(s.cell-first):][:6]
		to[0] += red * s.share
		to[1] += green * s.share
		to[2] += blue * s.share
		to[3] += red * s.rest
		to[4] += green * s.rest
		to[5] += blue * s.rest
	}
}

// deposit adds n sums of the row to row j of the grid, from cell first on.
func (g *borderGrid) deposit(j, first, n int, share uint64) {
	if j >= g.size.Y {
		return
	}
	to := g.sums[3*(j*g.size.X+first):]
	for i, v := range g.row[:min(n, 3*(g.size.X-first))] {
		to[i] += v * share
	}
}

// finish replaces the cells of the grid that are exact now. The mean is rounded as
// that of a reducer is.
func (g *borderGrid) finish() {
	area := uint64(g.pixels.X) * uint64(g.pixels.Y)
	for j := range g.size.Y {
		for i := range g.size.X {
			if !g.rows[j] && !g.cols[i] {
				continue
			}
			to, from := g.colour.Pix[j*g.colour.Stride+4*i:][:3], g.sums[3*(j*g.size.X+i):][:3]
			for c := range to {
				to[c] = uint8((from[c] + area/2) / area)
			}
		}
	}
	g.orient()
}
