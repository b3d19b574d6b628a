package hash

import (
	"image"
	"slices"
)

// Where a picture shows something and where it is even: islands of detail on an
// even ground, the uniform border of a part, and the exact place of an edge (see
// inner.go).

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
