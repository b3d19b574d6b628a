package hash

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func noiseGrey(seed uint64, w, h int) grey {
	r := rand.New(rand.NewPCG(seed, 0))
	g := grey{w, h, make([]uint8, w*h)}
	for i := range g.pix {
		g.pix[i] = uint8(r.Uint32())
	}
	return g
}

// greyOf makes a picture of a formula.
func greyOf(w, h int, f func(x, y int) int) grey {
	g := grey{w, h, make([]uint8, w*h)}
	for i := range g.pix {
		g.pix[i] = uint8(f(i%w, i/w))
	}
	return g
}

// photoGrey is one of the photos of testdata as the matcher sees it.
func photoGrey(t testing.TB, name string, side int) grey {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "accuracy", "photos", name))
	if err != nil {
		t.Fatal(err)
	}
	_, info, err := Read(t.Context(), bytes.NewReader(b), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return info.canonical.working(side)
}

// greys are what fast versions are compared on with slow ones.
func greys(t testing.TB) map[string]grey {
	return map[string]grey{
		"photo of clothes":   photoGrey(t, "00024.jpg", 300),
		"photo of groceries": photoGrey(t, "00964.jpg", 300),
		"photo, query":       photoGrey(t, "00122.jpg", sceneSide),
		"noise":              noiseGrey(1, 301, 203),
		"low and high noise": greyOf(150, 150, func(x, y int) int { return 255 * ((x*x*31 + y*y*17 + x*y*7) >> 3 & 1) }),
		"dim noise":          greyOf(150, 90, func(x, y int) int { return 100 + (x*x*31+y*y*17+x*y*7)>>3&15 }),
		"flat":               greyOf(120, 120, func(x, y int) int { return 128 }),
		"white":              greyOf(97, 97, func(x, y int) int { return 255 }),
		"checkerboard":       greyOf(240, 170, func(x, y int) int { return 255 * ((x/11 + y/11) & 1) }),
		"pixel checkerboard": greyOf(80, 80, func(x, y int) int { return 255 * ((x + y) & 1) }),
		"ramp":               greyOf(200, 60, func(x, y int) int { return x + y }),
		"16x16":              noiseGrey(2, 16, 16),
		"1024x20":            noiseGrey(3, 1024, 20),
		"20x1024":            noiseGrey(4, 20, 1024),
		"1x1":                noiseGrey(5, 1, 1),
		"1024x37":            noiseGrey(6, 1024, 37),
		"37x300":             noiseGrey(7, 37, 300),
		"38x38":              noiseGrey(8, 38, 38),
	}
}

// slackened copies a picture into a buffer with slack, filled with what must
// not matter.
func (g grey) slackened() grey {
	pix := append(slices.Clone(g.pix), bytes.Repeat([]byte{0xa5}, slack)...)
	return grey{g.w, g.h, pix}
}

func slowPyramid(g grey) []grey {
	levels := []grey{g}
	for _, s := range scales[1:] {
		w, h := (g.w*4096+s/2)/s, (g.h*4096+s/2)/s
		if min(w, h) < pyramidLeast {
			break
		}
		levels = append(levels, slowShrunk(levels[len(levels)-1], w, h))
	}
	return levels
}

// slowShrunk weighs the four pixels around each place.
func slowShrunk(g grey, w, h int) grey {
	place := func(i, n, m int) (at, part int) {
		p := (2*i+1)*m*128/n - 128
		return p >> 8, p & 255
	}
	return greyOf(w, h, func(x, y int) int {
		u, p := place(x, w, g.w)
		v, q := place(y, h, g.h)
		return (g.at(u, v)*(256-p)*(256-q) + g.at(u+1, v)*p*(256-q) + g.at(u, v+1)*(256-p)*q + g.at(u+1, v+1)*p*q + 1<<15) >> 16
	})
}

// slowBlurred weighs the 25 pixels around each pixel.
func slowBlurred(g grey) grey {
	weights := [5]int{1, 4, 6, 4, 1}
	return greyOf(g.w, g.h, func(x, y int) int {
		sum := 128
		for i := range 25 {
			u, v := min(max(x+i%5-2, 0), g.w-1), min(max(y+i/5-2, 0), g.h-1)
			sum += weights[i%5] * weights[i/5] * g.at(u, v)
		}
		return sum >> 8
	})
}

func TestLevelsAndBlurAgreeWithTheSlowTwin(t *testing.T) {
	var s smoother // the same for all, as for the levels of a picture
	for name, g := range greys(t) {
		sizes := levelSizes(g.w, g.h)
		want := slowPyramid(g)
		if len(sizes) != len(want) {
			t.Fatalf("%s: %d levels, want %d", name, len(sizes), len(want))
		}
		lev := g.slackened()
		for l, want := range want {
			if l > 0 {
				lev = s.shrunk(make([]uint8, sizes[l].w*sizes[l].h+slack), lev, sizes[l])
			}
			if lev.w != want.w || lev.h != want.h || !bytes.Equal(lev.pix[:lev.w*lev.h], want.pix) {
				t.Fatalf("%s: level %d differs", name, l)
			}
			smooth := s.blurred(make([]uint8, lev.w*lev.h+slack), lev)
			if !bytes.Equal(smooth.pix[:lev.w*lev.h], slowBlurred(want).pix) {
				t.Fatalf("%s: level %d blurred differs", name, l)
			}
		}
	}
}

// Rows are taken by eight pixels, so each remainder of the width, and sizes
// around the limits of levels and margins, must do.
func TestPointsOfAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 110).Draw(t, "w"), rapid.IntRange(1, 110).Draw(t, "h")
		contrast := rapid.IntRange(1, 255).Draw(t, "contrast")
		n := rapid.IntRange(0, 60).Draw(t, "n")
		g := noiseGrey(rapid.Uint64().Draw(t, "seed"), w, h)
		for i, v := range g.pix {
			g.pix[i] = uint8(int(v) * contrast / 255)
		}
		compareDetect(t, "picture", g, n, sceneFall)
	})
}
