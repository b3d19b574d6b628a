package hash

import (
	"cmp"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
)

// The slow twin of the core of innerPictures: the score of every side straight
// from the pixels, run by run, and all rectangles of all lines in one list.

// slowClass is the class of the step from one place to the next, from the sums
// of the innerRun pixels of run i on both sides.
func slowClass(p plane, upright bool, at, i int) int {
	level := func(at int) (sum int) {
		for k := innerRun * i; k < innerRun*(i+1); k++ {
			if upright {
				sum += int(p.pix[k*p.w+at])
			} else {
				sum += int(p.pix[at*p.w+k])
			}
		}
		return sum
	}
	d := level(at) - level(at-1)
	d = max(d, -d)
	class := 0
	for limit := innerRun << lumaBits / 4; class < stepClassCount-1 && d >= limit; limit *= 2 {
		class++
	}
	return class
}

// slowSide scores the whole runs from one place to another of the line at.
func slowSide(p plane, upright bool, at, from, to int) (s side) {
	n, length := p.w, p.h
	if !upright {
		n, length = p.h, p.w
	}
	if at == 0 || at == n {
		return side{ok: true}
	}
	runs, flat := 0, 0
	for i := 0; i < length/innerRun; i++ {
		if i*innerRun < from || (i+1)*innerRun > to {
			continue
		}
		runs++
		here := slowClass(p, upright, at, i)
		around := max(slowClass(p, upright, at-2, i), slowClass(p, upright, at+2, i))
		if here <= flatStep && around <= flatAround {
			flat++
		} else {
			s.seen += int32(innerScores[here][around])
		}
	}
	s.clear = s.seen - int32(flatCost*flat)
	s.lenient = s.seen - int32(min(flatCost*flat, flatMost))
	s.ok = int(s.seen) >= -againstCost*(to-from)/innerRun
	return s
}

// slowPairs lists all rectangles between the given columns and rows.
func slowPairs(p plane, xs, ys []int) (visible, lenient []scored) {
	small := max(innerLeast, max(p.w, p.h)/innerPart)
	for _, x0 := range xs {
		for _, x1 := range xs {
			for _, y0 := range ys {
				for _, y1 := range ys {
					r := image.Rectangle{image.Pt(x0, y0), image.Pt(x1, y1)}
					if x1-x0 < small || y1-y0 < small || r == image.Rect(0, 0, p.w, p.h) {
						continue
					}
					sides := [4]side{
						slowSide(p, true, x0, y0, y1), slowSide(p, true, x1, y0, y1),
						slowSide(p, false, y0, x0, x1), slowSide(p, false, y1, x0, x1),
					}
					clear, all, ok, every := int32(0), int32(0), true, true
					for _, s := range sides {
						clear, all = clear+s.clear, all+s.lenient
						ok, every = ok && s.ok, every && s.clear >= 0
					}
					if ok && every && clear > 0 {
						visible = append(visible, scored{r, clear})
					}
					if ok && all > -2*flatMost {
						lenient = append(lenient, scored{r, all})
					}
				}
			}
		}
	}
	return visible, lenient
}

// byScore orders rectangles in a way that does not depend on how they were
// found.
func byScore(s []scored) []scored {
	slices.SortFunc(s, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.r.Min.X, b.r.Min.X), cmp.Compare(a.r.Min.Y, b.r.Min.Y),
			cmp.Compare(a.r.Max.X, b.r.Max.X), cmp.Compare(a.r.Max.Y, b.r.Max.Y))
	})
	return s
}

func TestPairsAgainstSlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	for i := range 12 {
		w, h := 50+r.IntN(70), 50+r.IntN(70)
		p := scenery(r.Uint64(), w, h)
		if i%2 == 0 {
			p = evenPlane(w, h, 255)
		}
		for range 1 + r.IntN(3) {
			q := scenery(r.Uint64(), 26+r.IntN(w-26), 26+r.IntN(h-26))
			p = inserted(p, q, r.IntN(w-q.w+1), r.IntN(h-q.h+1))
		}
		upright, level := newRuler(columnRuns(p), w), newRuler(rowRuns(p), h)
		visible, lenient := pairUp(upright, level)
		slowVisible, slowLenient := slowPairs(p, places(upright), places(level))
		compareRankings(t, fmt.Sprintf("plane %d, visible", i), visible, slowVisible)
		compareRankings(t, fmt.Sprintf("plane %d, lenient", i), lenient, slowLenient)
	}
}

func places(r *ruler) (at []int) {
	for _, l := range r.lines {
		at = append(at, l.at)
	}
	return at
}

// compareRankings wants the rankingSize best of the slow list to be in the fast
// one, which may hold more. Of rectangles that tie with the last, any may be.
func compareRankings(t *testing.T, name string, fast, slow []scored) {
	t.Helper()
	fast, slow = byScore(fast), byScore(slow)
	n := min(len(slow), rankingSize)
	if len(fast) < n {
		t.Fatalf("%s: %d rectangles of %d", name, len(fast), n)
	}
	for i := range n {
		if fast[i].score != slow[i].score || fast[i].r != slow[i].r && slow[i].score > slow[n-1].score {
			t.Fatalf("%s: place %d is %v, want %v", name, i, fast[i], slow[i])
		}
	}
}

// TestLinesAgainstSlowTwin checks that every line that is kept outranks those
// that are not, the best run of consecutive scores being found by trying all.
func TestLinesAgainstSlowTwin(t *testing.T) {
	p := inserted(scenery(1, 90, 80), scenery(2, 40, 44), 31, 17)
	m := p.h / innerRun
	steps := stepClasses(columnRuns(p), m)
	for at := innerGap; at < p.w-innerGap; at++ {
		var best int32
		for i := range m {
			var sum int32
			for k := i; k < m; k++ {
				around := max(slowClass(p, true, at-2, k), slowClass(p, true, at+2, k))
				sum += int32(innerScores[slowClass(p, true, at, k)][around])
				best = max(best, sum)
			}
		}
		if got := longestRun(steps, at, m); got != best {
			t.Errorf("column %d ranks %d, want %d", at, got, best)
		}
	}
}

// TestPeaksAreBounded keeps the number of lines, on which the time depends, and
// their order.
func TestPeaksAreBounded(t *testing.T) {
	rank := make([]int32, 2000)
	for i := range rank {
		rank[i] = int32(i%3) * int32(i)
	}
	at := peaks(rank)
	if len(at) != innerLines || !slices.IsSorted(at) || at[0] < len(rank)/2 {
		t.Errorf("%d peaks from %d on", len(at), at[0])
	}
}
