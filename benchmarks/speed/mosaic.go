package main

import (
	"image"
	"image/draw"
	"math"
	"math/bits"
	"math/rand/v2"
)

// Pictures to measure on. A photo that is scaled up has no detail of its own
// size: it compresses to nothing and says nothing about decoding. One that is
// scaled down has no grain. So a picture of any size is a mosaic of parts of
// product photos as they are, pixel by pixel, and gets noise such as a sensor
// gives: variance that grows with the light, the most of it in all channels
// alike. How strong the noise is and at which quality the picture is encoded
// is what its bits per pixel come from (encode.go).
//
// The same seed, size and photos give the same picture on every CPU.

// Tiles are this high, and this wide at least.
const (
	minTile = 160
	maxTile = 280
)

// mosaic fills a picture with rows of tiles.
func mosaic(photos []*image.NRGBA, w, h int, seed uint64) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, uint64(w)<<32|uint64(h)))
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; {
		high := minTile + r.IntN(maxTile-minTile+1)
		for x := 0; x < w; {
			p := photos[r.IntN(len(photos))]
			b := p.Bounds()
			wide := minTile + r.IntN(b.Dx()-minTile+1)
			at := image.Pt(r.IntN(b.Dx()-wide+1), r.IntN(b.Dy()-high+1))
			draw.Draw(img, image.Rect(x, y, x+wide, y+high), p, at, draw.Src)
			x += wide
		}
		y += high
	}
	return img
}

// Noise is the variance of the noise at black and at white, in squares of grey
// levels.
type noise struct{ dark, light int }

// The noise of a small sensor in daylight after its own smoothing, and of one
// in a room.
var (
	daylight = noise{1, 4}
	indoors  = noise{6, 24}
)

// add puts noise on a picture.
func (n noise) add(img *image.NRGBA, seed uint64) {
	var deviation [256]int // 8 fractional bits
	for v := range deviation {
		deviation[v] = int(math.Sqrt(float64((n.dark*(255-v) + n.light*v) << 16 / 255)))
	}
	r := rand.New(rand.NewPCG(seed, 1))
	pix := img.Pix
	for i := 0; i+3 < len(pix); i += 4 {
		x := r.Uint64()
		all := spread(x & (1<<28 - 1))
		for c := range 3 {
			own := bits.OnesCount64(x>>(28+12*c)&(1<<12-1)) - 6 // deviation 1.7
			v := int(pix[i+c])
			// 14/16 of all's deviation and 7/16 of its own make one.
			d := deviation[v] * (14*all/16 + 7*own*256*10/(16*17))
			pix[i+c] = uint8(min(max(v+(d+1<<15)>>16, 0), 255))
		}
	}
}

// spread is nearly normal with a deviation of 1, in 256ths, from 28 random bits.
func spread(x uint64) int {
	return (bits.OnesCount64(x) - 14) * 256 * 100 / 265
}
