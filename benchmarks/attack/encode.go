package attack

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"

	"github.com/gen2brain/webp"
)

// encoding turns the picture of a job into the bytes of its copy.
type encoding struct {
	format string
	encode func(*image.NRGBA) ([]byte, error)
}

// asJPEG encodes with Go's encoder, which writes 4:2:0.
func asJPEG(quality int) encoding {
	return encoding{"jpeg", func(img *image.NRGBA) ([]byte, error) {
		var b bytes.Buffer
		err := jpeg.Encode(&b, asRGBA(img), &jpeg.Options{Quality: quality})
		return b.Bytes(), err
	}}
}

// asPNG encodes without loss, at the level that takes the least time.
func asPNG() encoding {
	return encoding{"png", func(img *image.NRGBA) ([]byte, error) {
		var b bytes.Buffer
		err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img)
		return b.Bytes(), err
	}}
}

// asWebP encodes lossy WebP with libwebp's fastest method. golang.org/x/image
// only decodes; this is libwebp compiled to WebAssembly, 14 ms a picture of
// 512 px after 0.2 s for the first. Where a shared libwebp.so is installed for
// developers, the module takes that one, unless built with -tags nodynamic.
func asWebP(quality int) encoding {
	return encoding{"webp", func(img *image.NRGBA) ([]byte, error) {
		var b bytes.Buffer
		err := webp.Encode(&b, img, webp.Options{Quality: quality, Method: 0})
		return b.Bytes(), err
	}}
}

// recompress is a JPEG on the way, for combinations.
func recompress(quality int) step {
	return func(j *job) {
		b, err := asJPEG(quality).encode(j.img)
		if err != nil {
			j.err = err
			return
		}
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			j.err = err
			return
		}
		out := image.NewNRGBA(j.img.Rect)
		draw.Draw(asRGBA(out), out.Rect, img, image.Point{}, draw.Src)
		j.img = out
	}
}
