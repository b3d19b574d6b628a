package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// What fidelity is measured on:
//
//   - mosaics of each size of the speed table, in each kind, from coarse to fine
//     quantisation
//   - the photos as they are, and written again in qualities 50 to 95 at 4:2:0
//     and 4:4:4, progressive, and with each EXIF orientation
//   - photos enlarged 2 and 3 times with new grain, which have long plain edges
//     and soft detail, and the same in a frame or between bars
//   - references of 2,000 pixels against their own copies of 500 and 700

// extent says how many pictures of each sort are made.
type extent struct {
	mosaics  [4]int // of each size
	photos   int    // 0: all
	enlarged int
	mixed    int // references of 2,000 pixels; a quarter of them are mosaics
}

// A sample takes less than a minute on two cores, the whole ten.
var (
	sampleExtent = extent{mosaics: [4]int{24, 16, 6, 2}, photos: 60, enlarged: 24, mixed: 48}
	wholeExtent  = extent{mosaics: [4]int{160, 80, 30, 6}, enlarged: 150, mixed: 500}
)

// allSubjects lists them. Large ones come first, so that no processor waits for
// the last of them alone.
func allSubjects(photos []*image.NRGBA, paths []string, e extent) (all []subjects) {
	for i := len(sizes) - 1; i >= 0; i-- {
		for seed := range e.mosaics[i] {
			all = append(all, mosaicSubjects(photos, sizes[i], uint64(seed)))
		}
	}
	for i := range e.mixed {
		if i%4 == 0 {
			all = append(all, mixedMosaics(photos, uint64(i)))
		} else {
			all = append(all, mixedPhotos(drawn(paths, "mixed")[i%len(paths)], i))
		}
	}
	for i, p := range firstOf(drawn(paths, "enlarged"), e.enlarged) {
		all = append(all, enlargedSubjects(p, i))
	}
	for i, p := range firstOf(drawn(paths, "photos"), e.photos) {
		all = append(all, photoSubjects(p, i))
	}
	return all
}

// firstOf returns n of the paths; all for 0.
func firstOf(paths []string, n int) []string {
	if n == 0 {
		return paths
	}
	return paths[:min(n, len(paths))]
}

// grades are noise and quality together, from coarse to fine.
var grades = []struct {
	noise   noise
	quality int
}{{daylight, 50}, {daylight, 75}, {indoors, 90}, {indoors, 95}}

func mosaicSubjects(photos []*image.NRGBA, s size, seed uint64) subjects {
	return func(ctx context.Context, w *witness) error {
		plain := mosaic(photos, s.w, s.h, seed)
		for _, g := range grades {
			img := imaging.Clone(plain)
			g.noise.add(img, seed)
			for _, k := range kinds {
				name := fmt.Sprintf("mosaic %d, quality %d", seed, g.quality)
				if err := w.written(ctx, fmt.Sprintf("mosaics %s, %s", s.name, k.name), name, img, k, g.quality); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// written looks at a picture written in some way.
func (w *witness) written(ctx context.Context, class, name string, img image.Image, k kind, quality int) error {
	file, err := encode(img, k, quality)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return w.look(ctx, class, name, file)
}

func photoSubjects(path string, i int) subjects {
	return func(ctx context.Context, w *witness) error {
		name := filepath.Base(path)
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := w.look(ctx, "photos as they are", name, file); err != nil {
			return err
		}
		img, err := edit.Decode(file)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, quality := range []int{50, 65, 80, 95} {
			for _, k := range kinds[:2] {
				if err := w.written(ctx, fmt.Sprintf("photos, quality %d", quality), name+" "+k.name, img, k, quality); err != nil {
					return err
				}
			}
		}
		if err := w.written(ctx, "photos, progressive", name, img, kinds[2], 85); err != nil {
			return err
		}
		turned := kind{"turned", jpegwriter.Options{Orientation: i%8 + 1, Progressive: i/8%2 == 1}}
		return w.written(ctx, "photos, turned by EXIF", fmt.Sprintf("%s turned by %d", name, i%8+1), img, turned, 85)
	}
}

// enlarged scales a photo up and gives every second one new grain.
func enlarged(img *image.NRGBA, w, h, i int) *image.NRGBA {
	large := imaging.Resize(img, w, h, imaging.Lanczos)
	if i%2 == 0 {
		daylight.add(large, uint64(i))
	}
	return large
}

func enlargedSubjects(path string, i int) subjects {
	return func(ctx context.Context, w *witness) error {
		img, err := edit.Load(path)
		if err != nil {
			return err
		}
		k := kinds[i%len(kinds)]
		name := fmt.Sprintf("%s %s", filepath.Base(path), k.name)
		for times := 2; times <= 3; times++ {
			large := enlarged(img, times*img.Rect.Dx(), 0, i)
			if err := w.written(ctx, fmt.Sprintf("photos x%d", times), name, large, k, 85); err != nil {
				return err
			}
		}
		for times := 1; times <= 2; times++ {
			large := enlarged(img, times*img.Rect.Dx(), 0, i)
			if err := w.written(ctx, fmt.Sprintf("photos x%d, framed", times), name, framed(large, i), k, 85); err != nil {
				return err
			}
			if err := w.written(ctx, fmt.Sprintf("photos x%d, between bars", times), name, barred(large, i), k, 85); err != nil {
				return err
			}
		}
		return nil
	}
}

// grounds are the colours of frames and bars.
var grounds = []color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {236, 232, 224, 255}, {40, 60, 120, 255}}

// framed puts a margin of 2 to 10 % around a picture.
func framed(img *image.NRGBA, i int) *image.NRGBA {
	return edit.Border(img, grounds[i/2%len(grounds)], 0.02*float64(1+i%5))
}

// barred puts bars above and below, or left and right, so that the picture is
// square or, if it is already, 4:3.
func barred(img *image.NRGBA, i int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	side := max(w, h)
	cw, ch := side, side
	if 10*min(w, h) > 9*side {
		cw = side * 4 / 3
	}
	return imaging.PasteCenter(imaging.New(cw, ch, grounds[i/2%len(grounds)]), img)
}

// mixedSides are the long sides of the copies, mixedSide that of the reference.
var mixedSides = []int{500, 700}

const mixedSide = 2000

func mixedMosaics(photos []*image.NRGBA, seed uint64) subjects {
	return func(ctx context.Context, w *witness) error {
		img := mosaic(photos, mixedSide, mixedSide*3/4, 1000+seed)
		daylight.add(img, seed)
		return w.mixedSizes(ctx, "mosaics", fmt.Sprintf("mosaic %d", 1000+seed), img)
	}
}

func mixedPhotos(path string, i int) subjects {
	return func(ctx context.Context, w *witness) error {
		img, err := edit.Load(path)
		if err != nil {
			return err
		}
		f := mixedSide / float64(max(img.Rect.Dx(), img.Rect.Dy()))
		large := enlarged(img, int(math.Round(f*float64(img.Rect.Dx()))), int(math.Round(f*float64(img.Rect.Dy()))), i)
		return w.mixedSizes(ctx, "photos", filepath.Base(path), large)
	}
}

// mixedSizes looks for a large reference with smaller copies of it.
func (w *witness) mixedSizes(ctx context.Context, what, name string, img *image.NRGBA) error {
	file, err := encode(img, kinds[0], 90)
	if err != nil {
		return err
	}
	reference, err := exactly(ctx, file)
	if err != nil || reference.reason != "" {
		return err
	}
	for _, side := range mixedSides {
		file, err := encode(imaging.Fit(img, side, side, imaging.Lanczos), kinds[0], 80)
		if err != nil {
			return err
		}
		if err := w.find(ctx, fmt.Sprintf("%s of %d against %d", what, side, mixedSide), name, file, reference); err != nil {
			return err
		}
	}
	return nil
}
