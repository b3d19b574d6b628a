package hash

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"testing"
)

// noisy is a colour picture without any border.
func noisy(seed uint64, w, h int) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.UintN(256))
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

func framed(inner *image.NRGBA, c color.Color, left, top, right, bottom int) *image.NRGBA {
	b := inner.Rect
	m := image.NewNRGBA(image.Rect(0, 0, b.Dx()+left+right, b.Dy()+top+bottom))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	draw.Draw(m, b.Add(image.Pt(left, top)), inner, image.Point{}, draw.Src)
	return m
}

func TestTrim(t *testing.T) {
	inner := noisy(1, 100, 80)
	white, black, grey := color.White, color.Black, color.Gray{Y: 90}
	dotted := framed(inner, white, 20, 20, 20, 20)
	dotted.Set(70, 5, black) // one pixel of 140 is under 2 percent
	dashed := framed(inner, white, 20, 20, 20, 20)
	for x := 60; x < 66; x++ {
		dashed.Set(x, 5, black) // six are not
	}
	for _, c := range []struct {
		name string
		m    *image.NRGBA
		want image.Rectangle
		cut  bool
	}{
		{"no border", inner, inner.Rect, false},
		{"white all round", framed(inner, white, 20, 10, 20, 10), image.Rect(20, 10, 120, 90), true},
		{"letterbox", framed(inner, black, 0, 30, 0, 30), image.Rect(0, 30, 100, 110), true},
		{"one side", framed(inner, grey, 0, 0, 15, 0), image.Rect(0, 0, 100, 80), true},
		{"sides of two colours", framed(framed(inner, white, 12, 0, 0, 0), black, 0, 0, 9, 0), image.Rect(12, 0, 112, 80), true},
		{"letterbox in a letterbox", framed(framed(inner, black, 0, 20, 0, 20), white, 10, 10, 10, 10), image.Rect(10, 30, 110, 110), true},
		{"dust on the border", dotted, image.Rect(20, 20, 120, 100), true},
		{"a mark on the border", dashed, image.Rect(20, 5, 120, 100), true},
		{"nothing but border", framed(image.NewNRGBA(image.Rect(0, 0, 0, 0)), grey, 50, 50, 50, 50), image.Rect(0, 0, 100, 100), false},
		{"too little inside", framed(noisy(2, 10, 80), white, 95, 0, 95, 0), image.Rect(0, 0, 200, 80), false},
		{"one line high", framed(noisy(3, 0, 0), white, 50, 1, 50, 0), image.Rect(0, 0, 100, 1), false},
	} {
		got, cut := trim(c.m)
		if got != c.want || cut != c.cut {
			t.Errorf("%s: %v %v, want %v %v", c.name, got, cut, c.want, c.cut)
		}
	}
}

func TestScaleBoxStaysInside(t *testing.T) {
	from, to := image.Rect(0, 0, 192, 3), image.Rect(0, 0, 1024, 16)
	for _, box := range []image.Rectangle{from, image.Rect(191, 2, 192, 3), image.Rect(0, 0, 1, 1)} {
		got := scaleBox(box, from, to)
		if got.Empty() || !got.In(to) {
			t.Errorf("%v becomes %v", box, got)
		}
	}
	if got := scaleBox(from, from, to); got != to {
		t.Errorf("the whole frame becomes %v", got)
	}
}
