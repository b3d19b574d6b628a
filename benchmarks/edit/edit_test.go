package edit

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

// sample has another colour in each quarter: red, green, blue, grey.
func sample() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for y := range 48 {
		for x := range 64 {
			c := [4]color.NRGBA{{200, 30, 30, 255}, {30, 200, 30, 255}, {30, 30, 200, 255}, {120, 120, 120, 255}}[x/32+y/24*2]
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func near(t *testing.T, what string, got color.Color, want color.NRGBA) {
	t.Helper()
	g := color.NRGBAModel.Convert(got).(color.NRGBA)
	for _, d := range []int{int(g.R) - int(want.R), int(g.G) - int(want.G), int(g.B) - int(want.B)} {
		if d < -12 || d > 12 {
			t.Fatalf("%s: colour %v, want about %v", what, g, want)
		}
	}
}

func TestTurnIsClockwise(t *testing.T) {
	img := Turn(sample(), 1)
	if img.Bounds() != image.Rect(0, 0, 48, 64) {
		t.Fatalf("bounds %v", img.Bounds())
	}
	near(t, "top right", img.At(40, 5), color.NRGBA{200, 30, 30, 255})
	near(t, "top left", img.At(5, 5), color.NRGBA{30, 30, 200, 255})
	near(t, "mirror", Mirror(sample()).At(5, 5), color.NRGBA{30, 200, 30, 255})
}

func TestBorderIsAShareOfTheLongerSide(t *testing.T) {
	img := Border(sample(), color.Black, 0.25)
	if img.Bounds() != image.Rect(0, 0, 96, 80) {
		t.Fatalf("bounds %v", img.Bounds())
	}
	near(t, "margin", img.At(15, 15), color.NRGBA{0, 0, 0, 255})
	near(t, "picture", img.At(16, 16), color.NRGBA{200, 30, 30, 255})
}

func TestScale(t *testing.T) {
	for _, f := range []float64{0.25, 1.5} {
		img := Scale(sample(), f, f)
		if img.Bounds().Dx() != int(64*f) || img.Bounds().Dy() != int(48*f) {
			t.Fatalf("%v: bounds %v", f, img.Bounds())
		}
		near(t, "corner", img.At(1, 1), color.NRGBA{200, 30, 30, 255})
	}
}

func TestStampAndTileChangeSomething(t *testing.T) {
	img := sample()
	white := color.NRGBA{255, 255, 255, 255}
	for name, got := range map[string]*image.NRGBA{"stamp": Stamp(img, "SHOP", white, 0.1, 0.1, 16), "tile": Tile(img, "SHOP", white, 16)} {
		if got.Bounds() != img.Bounds() || bytes.Equal(got.Pix, img.Pix) {
			t.Errorf("%s left the picture as it was", name)
		}
	}
	if !bytes.Equal(img.Pix, sample().Pix) {
		t.Error("the original was changed")
	}
}

// The pictures put together by hand must be read by a decoder that does not
// know us.
func TestContainers(t *testing.T) {
	cmyk, err := JPEGInCMYK(sample(), 95)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(cmyk))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := img.(*image.CMYK); !ok {
		t.Fatalf("decoded as %T, want *image.CMYK", img)
	}
	for name, b := range map[string][]byte{
		"cmyk": cmyk, "jpeg": JPEG(sample(), 95), "png": PNG(sample()),
		"oriented jpeg": JPEGOriented(JPEG(sample(), 95), 6), "oriented png": PNGOriented(PNG(sample()), 6),
	} {
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		near(t, name, got.At(10, 10), color.NRGBA{200, 30, 30, 255})
		near(t, name, got.At(50, 40), color.NRGBA{120, 120, 120, 255})
	}
}
