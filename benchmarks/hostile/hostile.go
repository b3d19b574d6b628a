// Package hostile makes picture files that attack a decoder or lie about what
// they are, for the tests of every door through which a picture comes in.
//
// Collecting such files would be simplest; collections carry licences, grow
// stale and weigh megabytes. Here each file is written from the format's
// specification, a few lines each, so that the next person can see what it
// attacks and bend it. The same bytes come out every time.
//
// The mark to pass, for each file: no crash, no hang, an answer within 3 s and
// less than 512 MB resident. A clean refusal is a pass; so is a decoded
// picture, unless the class says that there is none.
package hostile

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
)

// Class says what a file attacks.
type Class string

// The classes.
const (
	Malformed   Class = "malformed"     // broken headers, lies about lengths
	BombHeader  Class = "bomb-header"   // a few bytes that claim gigabytes
	Bomb        Class = "bomb"          // small, unpacks to hundreds of megabytes
	BombScans   Class = "bomb-scans"    // JPEG with very many scans
	BombFrames  Class = "bomb-frames"   // GIF with very many frames
	BombMeta    Class = "bomb-metadata" // compressed metadata of 50 MB
	NotAnImage  Class = "not-an-image"  // no picture at all
	Unsupported Class = "unsupported"   // pictures of other formats, scripts
	Polyglot    Class = "polyglot"      // a picture and something else at once
	Palette     Class = "palette"       // colour indices outside the palette
	Truncated   Class = "truncated"     // the beginning of a valid picture
	Exif        Class = "exif"          // a valid picture with crafted EXIF
	Odd         Class = "odd"           // valid, and nobody expects it
)

// File is one attack.
type File struct {
	Name  string // unique; its ending is what a sender would claim
	Class Class
	Data  []byte
}

// Files returns all attacks, in a fixed order: a few megabytes, made anew by
// each call.
func Files() []File {
	var fs []File
	for _, make := range []func() []File{
		notImages, otherFormats, polyglots, truncated,
		jpegFiles, jpegScanBombs, exifFiles, pngFiles, pngBombs, gifFiles, webpFiles, bmpFiles, tiffFiles,
	} {
		fs = append(fs, make()...)
	}
	return fs
}

// Control returns a healthy JPEG of 256 x 256 pixels with plenty of detail: it
// must be answered rightly while the attacks go on.
func Control() []byte { return encodeJPEG(Texture(256, 256)) }

// Texture returns a picture that looks like nothing and hashes well: smooth
// patches of different sizes, the same for the same sides.
func Texture(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			a, b := x*512/w, y*512/h
			m.SetNRGBA(x, y, color.NRGBA{
				R: uint8((a*a/97 + b*3) % 256),
				G: uint8((a*b/53 + a/3) % 256),
				B: uint8((b*b/71 + a*5/7) % 256),
				A: 255,
			})
		}
	}
	return m
}

func encodeJPEG(m image.Image) []byte {
	return encoded(func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 85}) })
}

func encodePNG(m image.Image) []byte {
	return encoded(func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

func encodeGIF(m image.Image) []byte {
	return encoded(func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) })
}

// encoded runs an encoder of the standard library on a picture of ours, which
// cannot fail.
func encoded(f func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	if err := f(&b); err != nil {
		panic(fmt.Sprintf("hostile: encode a plain picture: %v", err))
	}
	return b.Bytes()
}

// join concatenates.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// noise returns n bytes that look random and never change.
func noise(n int) []byte {
	b, s := make([]byte, n), uint64(0x9e3779b97f4a7c15)
	for i := range b {
		s ^= s << 13
		s ^= s >> 7
		s ^= s << 17
		b[i] = byte(s >> 32)
	}
	return b
}
