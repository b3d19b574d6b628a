// Package edit makes copies of a photo in the ways in which copies are found on
// marketplaces: recompressed, rescaled, mirrored, turned, framed, stamped. The
// demo's uploads and the pictures of the benchmarks are made with it; package
// attack makes those on which accuracy is measured.
//
// Pictures are *image.NRGBA whose bounds begin at (0,0); every function returns
// a new one. Nothing draws random numbers, so the same call gives the same copy.
package edit

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"

	"github.com/disintegration/imaging"
	"golang.org/x/image/font"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"
)

// Load decodes the picture in a file. EXIF orientation is not looked at.
func Load(path string) (*image.NRGBA, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	img, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// Decode decodes a JPEG, PNG or GIF.
func Decode(b []byte) (*image.NRGBA, error) {
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return imaging.Clone(img), nil
}

// Scale multiplies the sides by fx and fy, to whole pixels and at least 8: by
// area average if the result has fewer pixels, bicubic otherwise.
func Scale(img *image.NRGBA, fx, fy float64) *image.NRGBA {
	b := img.Bounds()
	w, h := max(8, int(float64(b.Dx())*fx)), max(8, int(float64(b.Dy())*fy))
	filter := imaging.CatmullRom
	if w*h < b.Dx()*b.Dy() {
		filter = imaging.Box
	}
	return imaging.Resize(img, w, h, filter)
}

// Mirror swaps left and right.
func Mirror(img *image.NRGBA) *image.NRGBA { return imaging.FlipH(img) }

// Turn turns clockwise by quarters of a full turn.
func Turn(img *image.NRGBA, quarters int) *image.NRGBA {
	switch (quarters%4 + 4) % 4 {
	case 1:
		return imaging.Rotate270(img) // imaging counts the other way round
	case 2:
		return imaging.Rotate180(img)
	case 3:
		return imaging.Rotate90(img)
	}
	return imaging.Clone(img)
}

// Border puts a margin of one colour on all four sides, share times the longer
// side wide.
func Border(img *image.NRGBA, c color.Color, share float64) *image.NRGBA {
	b := img.Bounds()
	m := int(share * float64(max(b.Dx(), b.Dy())))
	return imaging.Paste(imaging.New(b.Dx()+2*m, b.Dy()+2*m, c), img, image.Pt(m, m))
}

// Crop keeps a window, given as shares of the sides.
func Crop(img *image.NRGBA, left, top, right, bottom float64) *image.NRGBA {
	w, h := float64(img.Bounds().Dx()), float64(img.Bounds().Dy())
	return imaging.Crop(img, image.Rect(int(left*w), int(top*h), int(right*w), int(bottom*h)))
}

// Stamp writes text with its top left at the given shares of the sides, size
// pixels high.
func Stamp(img *image.NRGBA, text string, c color.Color, x, y float64, size int) *image.NRGBA {
	dst := imaging.Clone(img)
	mask := lettering(text, size)
	at := image.Pt(int(x*float64(img.Bounds().Dx())), int(y*float64(img.Bounds().Dy())))
	draw.DrawMask(dst, mask.Bounds().Add(at), image.NewUniform(c), image.Point{}, mask, image.Point{}, draw.Over)
	return dst
}

// Tile writes text all over the picture in rows, every second one set off by
// half a step.
func Tile(img *image.NRGBA, text string, c color.Color, size int) *image.NRGBA {
	dst := imaging.Clone(img)
	mask := lettering(text, size)
	step := mask.Bounds().Dx() + 2*size
	for row, y := 0, 0; y < dst.Bounds().Dy(); row, y = row+1, y+size*5/2 {
		for x := -row % 2 * step / 2; x < dst.Bounds().Dx(); x += step {
			draw.DrawMask(dst, mask.Bounds().Add(image.Pt(x, y)), image.NewUniform(c), image.Point{}, mask, image.Point{}, draw.Over)
		}
	}
	return dst
}

// lettering draws text as a mask, size pixels high.
func lettering(text string, size int) *image.Alpha {
	face := inconsolata.Bold8x16
	small := image.NewNRGBA(image.Rect(0, 0, 8*len(text), 16))
	d := font.Drawer{Dst: small, Src: image.Black, Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(text)
	large := imaging.Resize(small, 0, size, imaging.Linear)
	mask := image.NewAlpha(large.Bounds())
	draw.Draw(mask, mask.Bounds(), large, image.Point{}, draw.Src)
	return mask
}

// JPEG encodes at a quality of 1 to 100, 4:2:0.
func JPEG(img image.Image, quality int) []byte {
	return encoded(func(b *bytes.Buffer) error {
		// The encoder leaves alpha out, and reads this type fastest.
		rgba := image.NewRGBA(img.Bounds())
		draw.Draw(rgba, rgba.Bounds(), img, img.Bounds().Min, draw.Src)
		return jpeg.Encode(b, rgba, &jpeg.Options{Quality: quality})
	})
}

// PNG encodes without loss.
func PNG(img image.Image) []byte {
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	return encoded(func(b *bytes.Buffer) error { return enc.Encode(b, img) })
}

// GIF encodes with a fixed palette of 256 colours and dithering.
func GIF(img image.Image) []byte {
	return encoded(func(b *bytes.Buffer) error { return gif.Encode(b, img, nil) })
}

// encoded runs an encoder. Writing to memory does not fail, and the pictures
// are ours, so an error is a mistake in this program.
func encoded(enc func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	if err := enc(&b); err != nil {
		panic(fmt.Sprintf("encode picture: %v", err))
	}
	return b.Bytes()
}
