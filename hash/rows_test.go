package hash

import (
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"math/rand/v2"
	"testing"
)

// layouts are the ways in which a picture can lie in memory, each with the same
// random bytes as any other; what they show is noise unless told otherwise.
var layouts = []struct {
	name string
	make func(r image.Rectangle, random *rand.Rand) image.Image
}{
	{"grey", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewGray(r)
		fill(m.Pix, random)
		return m
	}},
	{"opaque RGBA", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewRGBA(r)
		fill(m.Pix, random)
		setAlpha(m.Pix, func() uint8 { return 255 })
		return m
	}},
	{"RGBA of any bytes", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewRGBA(r)
		fill(m.Pix, random)
		return m
	}},
	{"opaque NRGBA", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNRGBA(r)
		fill(m.Pix, random)
		setAlpha(m.Pix, func() uint8 { return 255 })
		return m
	}},
	{"NRGBA", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNRGBA(r)
		fill(m.Pix, random)
		return m
	}},
	{"NRGBA, few pixels not opaque", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNRGBA(r)
		fill(m.Pix, random)
		setAlpha(m.Pix, func() uint8 { return uint8(255 - max(0, 2-random.IntN(1000))) })
		return m
	}},
	{"paletted", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewPaletted(r, palette.Plan9)
		fill(m.Pix, random)
		return m
	}},
	{"paletted, translucent, few colours", func(r image.Rectangle, random *rand.Rand) image.Image {
		var p color.Palette
		for range 1 + random.IntN(7) {
			p = append(p, color.NRGBA{uint8(random.UintN(256)), uint8(random.UintN(256)), 7, uint8(random.UintN(256))})
		}
		m := image.NewPaletted(r, p)
		for i := range m.Pix {
			m.Pix[i] = uint8(random.IntN(len(p)))
		}
		return m
	}},
	{"YCbCr 4:4:4", ycbcrOf(image.YCbCrSubsampleRatio444)},
	{"YCbCr 4:2:2", ycbcrOf(image.YCbCrSubsampleRatio422)},
	{"YCbCr 4:2:0", ycbcrOf(image.YCbCrSubsampleRatio420)},
	{"YCbCr 4:4:0", ycbcrOf(image.YCbCrSubsampleRatio440)},
	{"YCbCr 4:1:1", ycbcrOf(image.YCbCrSubsampleRatio411)},
	{"YCbCr 4:1:0", ycbcrOf(image.YCbCrSubsampleRatio410)},
	{"NYCbCrA", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420)
		fill(m.Y, random)
		fill(m.Cb, random)
		fill(m.Cr, random)
		fill(m.A, random)
		return m
	}},
	{"opaque NYCbCrA", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420)
		fill(m.Y, random)
		fill(m.Cb, random)
		fill(m.Cr, random)
		for i := range m.A {
			m.A[i] = 255
		}
		return m
	}},
	{"grey, 16 bits", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewGray16(r)
		fill(m.Pix, random)
		return m
	}},
	{"RGBA64 of any bytes", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewRGBA64(r)
		fill(m.Pix, random)
		return m
	}},
	{"opaque RGBA64", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewRGBA64(r)
		fill(m.Pix, random)
		setDeepAlpha(m.Pix, func() uint16 { return 65535 })
		return m
	}},
	{"NRGBA64", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNRGBA64(r)
		fill(m.Pix, random)
		return m
	}},
	{"opaque NRGBA64", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNRGBA64(r)
		fill(m.Pix, random)
		setDeepAlpha(m.Pix, func() uint16 { return 65535 })
		return m
	}},
	{"NRGBA64 with transparent pixels", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNRGBA64(r)
		fill(m.Pix, random)
		setDeepAlpha(m.Pix, func() uint16 { return uint16(random.IntN(2) * random.IntN(4)) })
		return m
	}},
	{"CMYK", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewCMYK(r)
		fill(m.Pix, random)
		return m
	}},
	{"a stranger's", func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewNRGBA(r)
		fill(m.Pix, random)
		return opaque{m}
	}},
}

// fill writes noise, now and then of the extremes only.
func fill(pix []uint8, random *rand.Rand) {
	extreme := random.IntN(3) == 0
	for i := range pix {
		pix[i] = uint8(random.UintN(256))
		if extreme {
			pix[i] = uint8(-int(pix[i] & 1))
		}
	}
}

func setAlpha(pix []uint8, alpha func() uint8) {
	for i := 3; i < len(pix); i += 4 {
		pix[i] = alpha()
	}
}

func setDeepAlpha(pix []uint8, alpha func() uint16) {
	for i := 6; i < len(pix); i += 8 {
		a := alpha()
		pix[i], pix[i+1] = uint8(a>>8), uint8(a)
	}
}

// ycbcrOf makes noise, in half of the pictures with little colour so that most
// pixels are not clipped.
func ycbcrOf(ratio image.YCbCrSubsampleRatio) func(image.Rectangle, *rand.Rand) image.Image {
	return func(r image.Rectangle, random *rand.Rand) image.Image {
		m := image.NewYCbCr(r, ratio)
		fill(m.Y, random)
		fill(m.Cb, random)
		fill(m.Cr, random)
		if random.IntN(2) == 0 {
			for i := range m.Cb {
				m.Cb[i], m.Cr[i] = 112+m.Cb[i]>>3, 112+m.Cr[i]>>3
			}
		}
		return m
	}
}

// twins fails if a canonical picture differs from what its slow twin makes of m.
func twins(t *testing.T, what string, got *canonical, m image.Image) {
	t.Helper()
	want := slowCanonical(m)
	if !equalPlanes(got.luma, want.luma) {
		t.Errorf("%s: luma differs", what)
	}
	if got.colour.Rect != want.colour.Rect || string(got.colour.Pix) != string(want.colour.Pix) {
		t.Errorf("%s: colour differs", what)
	}
}

// reducedIn makes a picture canonical that is known to be sound.
func reducedIn(ws *workspace, m image.Image) *canonical {
	c, err := ws.reduce(m, noCheck)
	if err != nil {
		panic(err)
	}
	return c
}

// Every layout by its short way, in one workspace, against the slow twin: small
// and odd sizes, and such as are reduced in luma too; bounds that begin anywhere;
// parts of larger pictures.
func TestRowsAgainstSlowTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 1))
	ws := new(workspace)
	sizes := []image.Point{{16, 16}, {17, 19}, {31, 64}, {192, 191}, {193, 192}, {500, 333}, {97, 1025}, {2050, 40}, {1300, 70}}
	for _, l := range layouts {
		for _, s := range sizes {
			s = s.Add(image.Pt(random.IntN(4), random.IntN(4)))
			r := image.Rectangle{Max: s}.Add(image.Pt(random.IntN(9), random.IntN(9)))
			m := l.make(r, random)
			twins(t, fmt.Sprintf("%s %v", l.name, r), reducedIn(ws, m), m)
			sub, ok := m.(interface {
				SubImage(image.Rectangle) image.Image
			})
			if part := r.Inset(random.IntN(5)); ok && part.Dx() > 16 {
				part.Max.X -= random.IntN(3)
				twins(t, fmt.Sprintf("%s %v of %v", l.name, part, r), reducedIn(ws, sub.SubImage(part)), sub.SubImage(part))
			}
		}
	}
}

// Bounds below zero, where chroma samples are not paired as above.
func TestRowsBelowZero(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for _, l := range layouts {
		for range 4 {
			r := image.Rect(-1-random.IntN(8), -1-random.IntN(8), 30+random.IntN(8), 300)
			if _, ok := l.make(r, random).(*image.YCbCr); ok && r.Min.X%4 != 0 {
				continue // the library itself addresses the wrong sample there
			}
			m := l.make(r, random)
			twins(t, fmt.Sprintf("%s %v", l.name, r), reduced(m), m)
		}
	}
}

// White, black and the largest sums that lanes must hold: long and narrow
// pictures, in which many rows or columns go into one.
func TestRowsOfExtremes(t *testing.T) {
	ws := new(workspace)
	for _, s := range []image.Point{{16, 16384}, {16384, 16}, {3000, 2000}, {2048, 2048}} {
		for _, level := range []uint8{0, 255} {
			grey, rgba := image.NewGray(image.Rectangle{Max: s}), image.NewRGBA(image.Rectangle{Max: s})
			for i := range rgba.Pix {
				rgba.Pix[i] = level
			}
			setAlpha(rgba.Pix, func() uint8 { return 255 })
			for i := range grey.Pix {
				grey.Pix[i] = level
			}
			twins(t, fmt.Sprintf("grey %v of %d", s, level), reducedIn(ws, grey), grey)
			twins(t, fmt.Sprintf("RGBA %v of %d", s, level), reducedIn(ws, rgba), rgba)
		}
	}
}

// The chroma of all colours at the edges of the cube and of many within is the
// library's.
func TestChromaRow(t *testing.T) {
	levels := []uint8{0, 1, 2, 3, 127, 128, 129, 252, 253, 254, 255}
	random := rand.New(rand.NewPCG(4, 3))
	for range 40 {
		levels = append(levels, uint8(random.UintN(256)))
	}
	row := make([]uint8, 2)
	for _, r := range levels {
		for _, g := range levels {
			for _, b := range levels {
				chromaRow(row, []uint8{r, g, b, 255})
				if _, cb, cr := color.RGBToYCbCr(r, g, b); row[0] != cb || row[1] != cr {
					t.Fatalf("%d %d %d: chroma %v, want %d %d", r, g, b, row, cb, cr)
				}
			}
		}
	}
}
