package hash

import (
	"slices"
	"testing"
	"time"
)

// fastCircle is the circle of radius 3 of FAST, clockwise from the top.
var fastCircle = [16][2]int{{0, -3}, {1, -3}, {2, -2}, {3, -1}, {3, 0}, {3, 1}, {2, 2}, {1, 3},
	{0, 3}, {-1, 3}, {-2, 2}, {-3, 1}, {-3, 0}, {-3, -1}, {-2, -2}, {-1, -3}}

func (g grey) at(x, y int) int { return int(g.pix[y*g.w+x]) }

// slowFast is the definition: nine in a row, and the sum of all steps on their
// side.
func slowFast(g grey, x, y int) int {
	for _, sign := range []int{1, -1} {
		var steps [16]int
		sum := 0
		for i, c := range fastCircle {
			steps[i] = max(0, sign*(g.at(x+c[0], y+c[1])-g.at(x, y))-fastStep)
			sum += steps[i]
		}
		for i := range 16 {
			n := 0
			for n < 9 && steps[(i+n)%16] > 0 {
				n++
			}
			if n == 9 {
				return sum
			}
		}
	}
	return 0
}

func slowCorners(g grey) (cs []corner) {
	inside := func(x, y int) bool {
		return x >= patchMargin && y >= patchMargin && x < g.w-patchMargin && y < g.h-patchMargin
	}
	score := make([]int, g.w*g.h)
	for i := range score {
		if x, y := i%g.w, i/g.w; inside(x, y) {
			score[i] = slowFast(g, x, y)
		}
	}
	for i, s := range score {
		peak := s > 0
		for j := range 9 {
			n := i + (j/3-1)*g.w + j%3 - 1
			if peak && (j < 4 && score[n] > s || j > 4 && score[n] >= s) {
				peak = false
			}
		}
		if peak {
			cs = append(cs, corner{int32(i % g.w), int32(i / g.w), int64(s)})
		}
	}
	return cs
}

func slowHarris(g grey, x, y int) int64 {
	smooth, diff := [3]int{1, 2, 1}, [3]int{-1, 0, 1}
	var xx, yy, xy int64
	for v := y - 3; v <= y+3; v++ {
		for u := x - 3; u <= x+3; u++ {
			dx, dy := 0, 0
			for i := range 9 {
				p := g.at(u+i%3-1, v+i/3-1)
				dx += p * diff[i%3] * smooth[i/3]
				dy += p * smooth[i%3] * diff[i/3]
			}
			xx += int64(dx * dx)
			yy += int64(dy * dy)
			xy += int64(dx * dy)
		}
	}
	return xx*yy - xy*xy - (xx+yy)*(xx+yy)/25
}

func slowStrongest(g grey, cs []corner, n int) []corner {
	byScore := func(a, b corner) int { return int(max(min(b.score-a.score, 1), -1)) }
	slices.SortStableFunc(cs, byScore)
	cs = cs[:min(len(cs), maxCorners)]
	for i, c := range cs {
		cs[i].score = slowHarris(g, int(c.x), int(c.y))
	}
	slices.SortFunc(cs, func(a, b corner) int { return int(a.y*int32(g.w) + a.x - b.y*int32(g.w) - b.x) })
	slices.SortStableFunc(cs, byScore)
	cs = slices.DeleteFunc(cs, func(c corner) bool { return c.score <= 0 })
	if len(cs) <= n {
		return cs
	}
	var first, then []corner
	used := make(map[[2]int]int)
	for _, c := range cs {
		cell := [2]int{int(c.x) * spreadCells / g.w, int(c.y) * spreadCells / g.h}
		if used[cell] < 2*n/(spreadCells*spreadCells)+1 {
			used[cell]++
			first = append(first, c)
		} else {
			then = append(then, c)
		}
	}
	return append(first, then...)[:n]
}

// A corner in the sense of the definition, and no other, must be found.
func TestCornersAgreeWithTheSlowTwin(t *testing.T) {
	for name, g := range greys(t) {
		want := slowCorners(g)
		var f finder
		if got := f.corners(g.slackened()); !slices.Equal(got, want) {
			t.Errorf("%s: %d corners, want %d, or at other places", name, len(got), len(want))
		}
		for _, c := range want[:min(len(want), 300)] {
			if got, want := g.harris(int(c.x), int(c.y)), slowHarris(g, int(c.x), int(c.y)); got != want {
				t.Fatalf("%s (%d, %d): Harris' response %d, want %d", name, c.x, c.y, got, want)
			}
		}
	}
}

// Every arc, on both sides of the step, must be told from one that is too short
// or has a gap, whatever surrounds it.
func TestArcs(t *testing.T) {
	const side = 2*patchMargin + 8 // eight pixels are tested
	for start := range 16 {
		for length := range 17 {
			for _, step := range []int{fastStep, fastStep + 1, -fastStep, -fastStep - 1} {
				for at := range 8 {
					g := grey{side, side, make([]uint8, side*side)}
					for i := range g.pix {
						g.pix[i] = 100
					}
					for i := range length {
						c := fastCircle[(start+i)%16]
						g.pix[(patchMargin+c[1])*side+patchMargin+at+c[0]] = uint8(100 + step)
					}
					var row scoredRow
					row.score = make([]int32, side)
					g.slackened().scoreRow(&row, patchMargin)
					want := int32(0)
					if length >= 9 && max(step, -step) > fastStep {
						want = int32(length)
					}
					if got := row.score[patchMargin+at]; got != want {
						t.Fatalf("pixel %d, %d places from %d on, a step of %d: score %d, want %d", at, length, start, step, got, want)
					}
				}
			}
		}
	}
}

// Noise is a corner everywhere. What is made of it is bounded, and so is the
// time, else a hostile picture costs more than it should.
func TestNoiseIsBounded(t *testing.T) {
	g := noiseGrey(1, sceneSide, sceneSide)
	var f finder
	cs := f.corners(g.slackened())
	if len(cs) <= 2*maxCorners {
		t.Fatalf("%d corners, too few for the test", len(cs))
	}
	if n := len(highest(cs, maxCorners)); n != maxCorners {
		t.Errorf("%d corners are ranked, want %d", n, maxCorners)
	}
	start := time.Now()
	ps, mirrored := detect(g, scenePoints, sceneFall, true)
	if len(ps) > scenePoints || len(mirrored) != len(ps) {
		t.Errorf("%d points and %d mirrored ones, want at most %d", len(ps), len(mirrored), scenePoints)
	}
	// It takes 0.02 s; the limit leaves room for a race detector.
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

// Of equal scores the first in reading order are ranked.
func TestHighest(t *testing.T) {
	var cs []corner
	for i, s := range []int64{5, 9, 5, fastMost, 1, 5, 9} {
		cs = append(cs, corner{x: int32(i), score: s})
	}
	for n, want := range [][]int32{{}, {3}, {1, 3}, {1, 3, 6}, {0, 1, 3, 6}, {0, 1, 2, 3, 6}} {
		var got []int32
		for _, c := range highest(slices.Clone(cs), n) {
			got = append(got, c.x)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the highest %d: %v, want %v", n, got, want)
		}
	}
}

// A loud print must not take all points: where it is cut off, the others are
// what is left.
func TestPointsAreSpread(t *testing.T) {
	g := noiseGrey(2, 400, 400)
	for i, v := range g.pix {
		if i%400 >= 100 || i/400 >= 100 {
			g.pix[i] = 100 + v/6
		}
	}
	outside := 0
	ps, _ := detect(g, MaxPoints, referenceFall, false)
	for _, p := range ps {
		if p.x > 8*110 || p.y > 8*110 {
			outside++
		}
	}
	if outside < len(ps)/2 {
		t.Errorf("%d of %d points are outside of the loud part", outside, len(ps))
	}
}
