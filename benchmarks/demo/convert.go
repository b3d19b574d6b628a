package main

import (
	"bytes"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	stdjpeg "image/jpeg"
)

// Pictures in the pixel formats that decoders return.

func converted[T draw.Image](img *image.NRGBA, make func(image.Rectangle) T) T {
	dst := make(img.Bounds())
	draw.Draw(dst, dst.Bounds(), img, image.Point{}, draw.Src)
	return dst
}

func grey16(img *image.NRGBA) *image.Gray16 { return converted(img, image.NewGray16) }
func rgb16(img *image.NRGBA) *image.NRGBA64 { return converted(img, image.NewNRGBA64) }
func paletted(img *image.NRGBA) *image.Paletted {
	return converted(img, func(r image.Rectangle) *image.Paletted { return image.NewPaletted(r, palette.WebSafe) })
}

func greyJPEG(img *image.NRGBA) []byte {
	var b bytes.Buffer
	// Memory does not fail, and the picture is within the format's limits.
	_ = stdjpeg.Encode(&b, converted(img, image.NewGray), &stdjpeg.Options{Quality: 85})
	return b.Bytes()
}

// withAlpha makes nearly white pixels fully transparent and black, so that a
// reader that leaves alpha out sees another picture, and the lower right half
// transparent.
func withAlpha(img *image.NRGBA) *image.NRGBA {
	dst := image.NewNRGBA(img.Bounds())
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := img.NRGBAAt(x, y)
			switch {
			case min(c.R, c.G, c.B) > 230:
				c = color.NRGBA{}
			case x > y:
				c.A = 128
			}
			dst.SetNRGBA(x, y, c)
		}
	}
	return dst
}
