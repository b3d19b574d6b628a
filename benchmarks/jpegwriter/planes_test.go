package jpegwriter

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"
)

// At quality 100 all divisors are one, so that a decoder shows the samples that
// went in, but for rounding: twice a half level, of the 64 coefficients and of
// the result.
func TestSamplesSurvive(t *testing.T) {
	for _, s := range samplings() {
		for _, pad := range []Padding{PadEdge, PadBlack, PadNoise} {
			for _, size := range [][2]int{{1, 1}, {17, 9}, {31, 34}} {
				img := texture(size[0], size[1])
				o := Options{Quality: 100, Sampling: s, Padding: pad}
				b, err := Encode(img, o)
				if err != nil {
					t.Fatal(err)
				}
				planes := planesOf(img, false)
				hmax, vmax := s.Factors(0)
				for i, p := range decode(t, b) {
					h, v := s.Factors(i)
					if d := apart(p, areaMeans(planes[i], h, v, hmax, vmax), 2); d != "" {
						t.Errorf("%v %v padding %d: component %d: %s", s, size, pad, i, d)
					}
				}
			}
		}
	}
}

// areaMeans is reduce made plain: every pixel is blown up to h x v equal parts,
// of which hmax x vmax make a sample.
func areaMeans(p plane, h, v, hmax, vmax int) plane {
	out := newPlane((p.w*h+hmax-1)/hmax, (p.h*v+vmax-1)/vmax)
	for y := range out.h {
		for x := range out.w {
			sum, n := 0, 0
			for dy := y * vmax; dy < min((y+1)*vmax, p.h*v); dy++ {
				for dx := x * hmax; dx < min((x+1)*hmax, p.w*h); dx++ {
					sum += int(p.pix[dy/v*p.w+dx/h])
					n++
				}
			}
			out.pix[y*out.w+x] = uint8((2*sum + n) / (2 * n))
		}
	}
	return out
}

func TestReduce(t *testing.T) {
	p := planesOf(texture(29, 23), false)[1]
	for h := 1; h <= 4; h++ {
		for v := 1; v <= 4; v++ {
			for hmax := h; hmax <= 4; hmax++ {
				for vmax := v; vmax <= 4; vmax++ {
					if d := apart(p.reduce(h, v, hmax, vmax), areaMeans(p, h, v, hmax, vmax), 0); d != "" {
						t.Errorf("%d/%d x %d/%d: %s", h, hmax, v, vmax, d)
					}
				}
			}
		}
	}
}

// A white pixel's block holds what it is padded with.
func TestPadding(t *testing.T) {
	white := &image.Gray{Pix: []uint8{255}, Stride: 1, Rect: image.Rect(0, 0, 1, 1)}
	for pad, want := range []struct{ low, high int16 }{
		PadEdge:  {8 * 127, 8 * 127},
		PadBlack: {(255 - 64*128) / 8, (255 - 64*128) / 8},
		PadNoise: {-500, 500},
	} {
		c, err := FromImage(white, Options{Quality: 100, Padding: Padding(pad)})
		if err != nil {
			t.Fatal(err)
		}
		if dc := c.Components[0].Blocks[0][0]; dc < want.low || dc > want.high {
			t.Errorf("padding %d: the DC is %d, want %d to %d", pad, dc, want.low, want.high)
		}
	}
}

// The planes of a YCbCr picture go in as they are, wherever its bounds begin.
func TestYCbCrKept(t *testing.T) {
	whole := image.NewYCbCr(image.Rect(0, 0, 60, 50), image.YCbCrSubsampleRatio420)
	for i := range whole.Y {
		whole.Y[i] = uint8(i * 7)
	}
	for i := range whole.Cb {
		whole.Cb[i], whole.Cr[i] = uint8(i*3), uint8(255-i*5)
	}
	part := whole.SubImage(image.Rect(4, 6, 43, 41)).(*image.YCbCr)
	b, err := Encode(part, Options{Quality: 100})
	if err != nil {
		t.Fatal(err)
	}
	want := []plane{crop(part.Y, 60, 39, 35), crop(part.Cb, 30, 20, 18), crop(part.Cr, 30, 20, 18)}
	for i, p := range decode(t, b) {
		if d := apart(p, want[i], 2); d != "" {
			t.Errorf("component %d: %s", i, d)
		}
	}
}

// Pictures of any type and bounds give the planes of the same colours.
func TestPlanesOfAnyImage(t *testing.T) {
	m := texture(20, 10)
	sub := m.SubImage(image.Rect(3, 2, 18, 9))
	nrgba := image.NewNRGBA64(sub.Bounds())
	draw.Draw(nrgba, nrgba.Rect, sub, sub.Bounds().Min, draw.Src)
	for _, rgb := range []bool{false, true} {
		a, b := planesOf(sub, rgb), planesOf(nrgba, rgb)
		for i := range a {
			if d := apart(a[i], b[i], 0); d != "" {
				t.Errorf("rgb %v, plane %d: %s", rgb, i, d)
			}
		}
		r, g, blue, _ := sub.At(5, 4).RGBA()
		want := [3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(blue >> 8)}
		if !rgb {
			want[0], want[1], want[2] = color.RGBToYCbCr(want[0], want[1], want[2])
		}
		for i := range want {
			if got := a[i].pix[2*a[i].w+2]; got != want[i] {
				t.Errorf("rgb %v, plane %d: %d at 5,4, want %d", rgb, i, got, want[i])
			}
		}
	}
}

// Grey pictures have one component, and so does the luma of others on request.
func TestGrey(t *testing.T) {
	a, err := Encode(grey(33, 21), Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Encode(texture(33, 21), Options{Grey: true, Sampling: 0x221111})
	if err != nil {
		t.Fatal(err)
	}
	pa, pb := decode(t, a), decode(t, b)
	if len(pa) != 1 || len(pb) != 1 || !bytes.Equal(pa[0].pix, pb[0].pix) {
		t.Error("the luma of a picture and the same as a grey picture differ")
	}
	c, err := FromImage(grey(33, 21), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Components[0]; p.H != 1 || p.V != 1 {
		t.Errorf("a grey picture has the factors %d and %d", p.H, p.V)
	}
}

// RGB is read as such by the identifiers or by Adobe's segment, and as YCbCr
// under a JFIF segment.
func TestRGBCoded(t *testing.T) {
	img := texture(25, 18)
	rgb := [3]byte{'R', 'G', 'B'}
	for _, o := range []Options{
		{NoJFIF: true, IDs: rgb},
		{NoJFIF: true, Adobe: true},
		{NoJFIF: true, Adobe: true, Progressive: true, IDs: rgb},
	} {
		o.RGB, o.Quality, o.Sampling = true, 100, S444
		b, err := Encode(img, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		m, ok := got.(*image.RGBA)
		if !ok {
			t.Errorf("%+v was read as %T", o, got)
			continue
		}
		want := planesOf(img, true)
		for i, p := range planesOf(m, true) {
			if d := apart(p, want[i], 2); d != "" {
				t.Errorf("%+v: plane %d: %s", o, i, d)
			}
		}
	}
	for _, o := range []Options{{IDs: rgb}, {NoJFIF: true}, {NoJFIF: true, Adobe: true, AdobeTransform: 1, IDs: [3]byte{7, 9, 200}}} {
		b, err := Encode(img, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, b); len(got) != 3 {
			t.Errorf("%+v has %d planes", o, len(got))
		}
	}
}
