package hash

import (
	"cmp"
	"iter"
	"slices"
)

// Scene is a query prepared for the thorough search: the local features of the
// picture, also as they look mirrored, their words, and sums of its grey levels.
// It is immutable and may be used by many goroutines.
type Scene struct {
	fullW, fullH int // of the upright picture, pixels
	w, h         int // of the working picture
	lumaW, lumaH int // of the luma plane, in which inner pictures are found
	points       []point
	mirrored     []Code   // descriptors of the points in the mirrored picture
	index        []lookup // in the order of words
	grid         grid
	sums         integral
}

// lookup is one word of one descriptor of the query.
type lookup struct {
	word   uint16
	point  uint16
	mirror bool
}

// wordsEach is the number of words under which a query's descriptor is looked
// up. A reference's descriptor has one.
const wordsEach = 3

// Scene prepares the picture that i is about; nil if it is unusable.
func (i Info) Scene() *Scene {
	if i.canonical == nil {
		return nil
	}
	g := i.canonical.working(sceneSide)
	s := &Scene{w: g.w, h: g.h, lumaW: i.canonical.luma.w, lumaH: i.canonical.luma.h, sums: newIntegral(g.w, g.h, func(x, y int) uint8 { return g.pix[y*g.w+x] })}
	s.fullW, s.fullH = s.lumaW, s.lumaH
	if i.Width > 0 {
		s.fullW, s.fullH = i.Width, i.Height
	}
	s.points, s.mirrored = detect(g, scenePoints, sceneFall, true)
	s.grid = newGrid(s.points, g.w, g.h)
	s.look()
	return s
}

// look finds the words.
func (s *Scene) look() {
	v := words()
	var near [wordsEach]ranked
	s.index = make([]lookup, 0, 2*wordsEach*len(s.points))
	for i := range s.points {
		for m, c := range [2]*Code{&s.points[i].code, &s.mirrored[i]} {
			v.near(c, near[:])
			for _, n := range near {
				s.index = append(s.index, lookup{uint16(n.at), uint16(i), m == 1})
			}
		}
	}
	slices.SortFunc(s.index, func(a, b lookup) int { return cmp.Or(cmp.Compare(a.word, b.word), cmp.Compare(a.point, b.point)) })
}

// code returns a descriptor of point i.
func (s *Scene) code(i int, mirror bool) *Code {
	if mirror {
		return &s.mirrored[i]
	}
	return &s.points[i].code
}

// place of a point in the working picture.
func (p *point) place() spot { return spot{float64(p.x) / 8, float64(p.y) / 8} }

// grid finds the points near a place: cells of 8x8 pixels, in each the points
// whose numbers are at[first[cell]:first[cell+1]].
type grid struct {
	w, h  int
	first []uint16
	at    []uint16
}

const gridCell = 8

func newGrid(ps []point, w, h int) grid {
	g := grid{w: w/gridCell + 1, h: h/gridCell + 1}
	g.first = make([]uint16, g.w*g.h+1)
	g.at = make([]uint16, len(ps))
	for i := range ps {
		g.first[g.cell(ps[i].x, ps[i].y)+1]++
	}
	for i := 1; i < len(g.first); i++ {
		g.first[i] += g.first[i-1]
	}
	next := slices.Clone(g.first)
	for i := range ps {
		c := g.cell(ps[i].x, ps[i].y)
		g.at[next[c]] = uint16(i)
		next[c]++
	}
	return g
}

func (g *grid) cell(x, y uint16) int {
	return min(int(y)/(8*gridCell), g.h-1)*g.w + min(int(x)/(8*gridCell), g.w-1)
}

// around yields the points of the cells that a square reaches.
func (g *grid) around(p spot, reach float64) iter.Seq[int] {
	return func(yield func(int) bool) {
		x0, x1, y0, y1 := g.column(p.x-reach, g.w), g.column(p.x+reach, g.w), g.column(p.y-reach, g.h), g.column(p.y+reach, g.h)
		for y := y0; y <= y1; y++ {
			for _, i := range g.at[g.first[y*g.w+x0]:g.first[y*g.w+x1+1]] {
				if !yield(int(i)) {
					return
				}
			}
		}
	}
}

// column (or row) of a coordinate, of n.
func (g *grid) column(v float64, n int) int {
	return int(min(max(v, 0)/gridCell, float64(n-1)))
}
