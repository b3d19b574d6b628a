package main

import (
	"crypto/sha256"
	"fmt"
	"image"
	"math"
	"testing"

	"github.com/disintegration/imaging"
)

// The same on every CPU and in every revision, so that figures can be compared.
func TestMosaicStays(t *testing.T) {
	img := mosaic(drawings(), 500, 333, 7)
	plain := fmt.Sprintf("%x", sha256.Sum256(img.Pix))[:16]
	indoors.add(img, 7)
	noisy := fmt.Sprintf("%x", sha256.Sum256(img.Pix))[:16]
	if want := "f3a2deceee883874"; plain != want {
		t.Errorf("mosaic %s, want %s", plain, want)
	}
	if want := "6d3a0bb0342dd5b7"; noisy != want {
		t.Errorf("mosaic with noise %s, want %s", noisy, want)
	}
}

func TestMosaicIsFullOfTiles(t *testing.T) {
	a, b := mosaic(drawings(), 700, 500, 1), mosaic(drawings(), 700, 500, 2)
	same := 0
	for i := 0; i < len(a.Pix); i += 4 {
		if a.Pix[i+3] != 255 {
			t.Fatalf("no tile covers pixel %d", i/4)
		}
		if [3]byte(a.Pix[i:]) == [3]byte(b.Pix[i:]) {
			same++
		}
	}
	if same > 700*500/2 {
		t.Errorf("two seeds have %d equal pixels", same)
	}
}

// Noise has the variance that it says, no bias, and is mostly the same in all
// channels.
func TestNoise(t *testing.T) {
	for _, level := range []uint8{60, 128, 200} {
		img := image.NewNRGBA(image.Rect(0, 0, 300, 300))
		for i := range img.Pix {
			img.Pix[i] = level
		}
		indoors.add(img, 3)
		var sum, squares, products, n float64
		for i := 0; i < len(img.Pix); i += 4 {
			r, g := float64(img.Pix[i])-float64(level), float64(img.Pix[i+1])-float64(level)
			sum, squares, products, n = sum+r, squares+r*r, products+r*g, n+1
		}
		want := float64(indoors.dark*(255-int(level))+indoors.light*int(level)) / 255
		if got := squares / n; math.Abs(got-want) > 0.08*want {
			t.Errorf("level %d: variance %.2f, want %.2f", level, got, want)
		}
		if bias := sum / n; math.Abs(bias) > 0.05 {
			t.Errorf("level %d: bias %.3f", level, bias)
		}
		if c := products / squares; c < 0.65 || c > 0.9 {
			t.Errorf("level %d: correlation %.2f of two channels", level, c)
		}
	}
}

// Every kind reaches every rate.
func TestRates(t *testing.T) {
	plain := mosaic(drawings(), 400, 400, 5)
	for _, r := range rates {
		img := *plain
		img.Pix = append([]byte(nil), plain.Pix...)
		r.noise.add(&img, 5)
		for _, k := range kinds {
			file, quality, err := encodeAt(&img, k, r)
			if err != nil {
				t.Error(err)
				continue
			}
			if b := bitsPerPixel(file, 400, 400); b < r.from || b > r.to || quality < minQuality || quality > maxQuality {
				t.Errorf("%s at %s: %.2f bits per pixel at quality %d", k.name, r.name, b, quality)
			}
			if got := kindOf(file); got != k.name {
				t.Errorf("%s is taken for %s", k.name, got)
			}
		}
	}
}

// A picture whose middle is not like the rest of it reaches its rate as well.
func TestRateBySteps(t *testing.T) {
	for _, c := range []struct {
		middle, rest noise
		rate         rate
	}{
		{daylight, noise{3, 14}, rate{"low", 1.1, 1.26, daylight}},
		{indoors, daylight, rate{"high", 1.2, 1.36, daylight}},
	} {
		img, middle := mosaic(drawings(), 1000, 1000, 5), mosaic(drawings(), 768, 768, 5)
		c.middle.add(middle, 5)
		c.rest.add(img, 5)
		img = imaging.Paste(img, middle, image.Pt(116, 116))
		file, quality, err := encodeAt(img, kinds[0], c.rate)
		if err != nil {
			t.Error(err)
			continue
		}
		first, err := qualityFor(sampleOf(img), kinds[0], c.rate)
		if err != nil {
			t.Fatal(err)
		}
		if b := bitsPerPixel(file, 1000, 1000); b < c.rate.from || b > c.rate.to || quality == first {
			t.Errorf("%s: %.2f bits per pixel at quality %d, first %d", c.rate.name, b, quality, first)
		}
	}
}

func TestRateOutOfReach(t *testing.T) {
	if _, _, err := encodeAt(mosaic(drawings(), 400, 400, 5), kinds[0], rate{"20-21", 20, 21, daylight}); err == nil {
		t.Error("no error of a rate that no quality gives")
	}
}
