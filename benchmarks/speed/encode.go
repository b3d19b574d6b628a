package main

import (
	"fmt"
	"image"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// kind is a way to write a JPEG.
type kind struct {
	name string
	o    jpegwriter.Options
}

// kinds are those of the table.
var kinds = []kind{
	{"4:2:0", jpegwriter.Options{Sampling: jpegwriter.S420}},
	{"4:4:4", jpegwriter.Options{Sampling: jpegwriter.S444}},
	{"progressive", jpegwriter.Options{Sampling: jpegwriter.S420, Progressive: true}},
}

// rate is how many bits a pixel takes, and the noise that leads to it at usual
// qualities.
type rate struct {
	name     string
	from, to float64
	noise    noise
}

// rates are those of the table: what a shop serves, and what a camera writes.
var rates = []rate{
	{"1.0-1.5", 1.0, 1.5, daylight},
	{"2.0-3.0", 2.0, 3.0, indoors},
}

func (r rate) middle() float64 { return (r.from + r.to) / 2 }

// The qualities that are tried.
const (
	minQuality = 30
	maxQuality = 99
)

// encode writes a picture in a way at a quality.
func encode(img image.Image, k kind, quality int) ([]byte, error) {
	o := k.o
	o.Quality = quality
	return jpegwriter.Encode(img, o)
}

// encodeAt writes a picture at the quality that comes near the middle of a rate.
func encodeAt(img *image.NRGBA, k kind, r rate) (file []byte, quality int, err error) {
	if quality, err = qualityFor(sampleOf(img), k, r); err != nil {
		return nil, 0, err
	}
	for range 8 {
		if file, err = encode(img, k, quality); err != nil {
			return nil, 0, err
		}
		switch b := bitsPerPixel(file, img.Rect.Dx(), img.Rect.Dy()); {
		case b < r.from && quality < maxQuality:
			quality++
		case b > r.to && quality > minQuality:
			quality--
		case b < r.from || b > r.to:
			return nil, 0, fmt.Errorf("%s at %s bits per pixel: quality %d gives %.2f", k.name, r.name, quality, b)
		default:
			return file, quality, nil
		}
	}
	return nil, 0, fmt.Errorf("%s: no quality gives %s bits per pixel", k.name, r.name)
}

// qualityFor searches the lowest quality that reaches the middle of a rate.
func qualityFor(img *image.NRGBA, k kind, r rate) (int, error) {
	lo, hi := minQuality, maxQuality
	for lo < hi {
		q := (lo + hi) / 2
		file, err := encode(img, k, q)
		if err != nil {
			return 0, err
		}
		if bitsPerPixel(file, img.Rect.Dx(), img.Rect.Dy()) < r.middle() {
			lo = q + 1
		} else {
			hi = q
		}
	}
	return lo, nil
}

// sampleOf is a part of a picture that is compressed like the whole of it.
func sampleOf(img *image.NRGBA) *image.NRGBA {
	const side = 768
	b := img.Rect
	w, h := min(side, b.Dx()), min(side, b.Dy())
	at := image.Pt((b.Dx()-w)/2, (b.Dy()-h)/2)
	return img.SubImage(image.Rectangle{at, at.Add(image.Pt(w, h))}).(*image.NRGBA)
}

func bitsPerPixel(file []byte, w, h int) float64 { return 8 * float64(len(file)) / float64(w*h) }
