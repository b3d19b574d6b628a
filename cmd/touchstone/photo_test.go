package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// photo draws a picture with detail of all sizes, as photos have: waves and
// discs of random place, size and colour.
func photo(seed, w, h int) *image.NRGBA {
	rnd := rand.New(rand.NewPCG(uint64(seed), 7))
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	type wave struct{ fx, fy, phase, amp float64 }
	waves := make([]wave, 12)
	for i := range waves {
		waves[i] = wave{rnd.Float64()*10 - 5, rnd.Float64()*10 - 5, rnd.Float64() * 6, 10 + 14*rnd.Float64()}
	}
	type disc struct{ x, y, r, level float64 }
	discs := make([]disc, 14)
	for i := range discs {
		discs[i] = disc{rnd.Float64(), rnd.Float64(), 0.03 + 0.15*rnd.Float64(), 255 * rnd.Float64()}
	}
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			level := 128.0
			for _, k := range waves {
				level += k.amp * math.Sin(2*math.Pi*(k.fx*u+k.fy*v)+k.phase)
			}
			for _, d := range discs {
				if math.Hypot(u-d.x, v-d.y) < d.r {
					level = (level + 3*d.level) / 4
				}
			}
			g := uint8(min(max(level, 0), 255))
			img.SetNRGBA(x, y, color.NRGBA{g, uint8(int(g) * (2 + seed%3) / 4), 255 - g, 255})
		}
	}
	return img
}

func blank(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	return img
}

func encodeJPEG(img image.Image, quality int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		panic(err) // a buffer does not fail
	}
	return b.Bytes()
}

func writeJPEG(file string, img image.Image, quality int) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, encodeJPEG(img, quality), 0o644)
}

// edit writes a copy of a picture.
func edit(how, in, out string) error {
	f, err := os.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil {
		return err
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	switch how {
	case "recompress":
		return writeJPEG(out, img, 50)
	case "half":
		return writeJPEG(out, remap(img, w/2, h/2, func(x, y int) (int, int) { return 2 * x, 2 * y }), 90)
	case "mirror":
		return writeJPEG(out, remap(img, w, h, func(x, y int) (int, int) { return w - 1 - x, y }), 90)
	case "turn": // clockwise
		return writeJPEG(out, remap(img, h, w, func(x, y int) (int, int) { return y, h - 1 - x }), 90)
	}
	return fmt.Errorf("unknown edit %q", how)
}

// remap takes each pixel from where from says.
func remap(img image.Image, w, h int, from func(x, y int) (int, int)) image.Image {
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			out.Set(x, y, img.At(from(x, y)))
		}
	}
	return out
}
