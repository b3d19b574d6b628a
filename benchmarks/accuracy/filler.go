package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// What a query costs depends on the size of the bank, and on how much of it is
// similar to the query. Random codes would cost too little: nothing of them is
// ever near. So a bank is filled up with pictures that are made of its own
// photos, in turns a window of one and a mosaic of four windows. That is done
// when all else was measured, since they would match copies of these photos.

// fillUp registers such pictures until the bank has o.fill times as many
// references as photos: three times the larger collection is 2,000. Those that
// are too plain are left out. The store is opened anew then, so that what
// it does behind the scenes after writing is over.
func (b *bank) fillUp(ctx context.Context, o protocol, step func()) error {
	want := (o.fill - 1) * len(b.registered)
	for i := 0; b.fillers < want; i++ {
		if i > 2*want {
			return fmt.Errorf("fill the bank: only %d of %d pictures could be registered", b.fillers, i)
		}
		picture, err := o.filler(b.registered, i)
		if err != nil {
			return err
		}
		id := fmt.Sprintf("filler/%06d.jpg", i)
		_, err = b.index.Register(ctx, index.Reference{Bank: bankName, ID: id}, bytes.NewReader(picture), index.RegisterOptions{})
		if _, is := hash.IsUnusable(err); is {
			continue
		}
		if err != nil {
			return err
		}
		b.fillers++
		step()
	}
	if b.fillers == 0 {
		return nil
	}
	if err := b.index.Close(); err != nil {
		return err
	}
	x, err := index.Open(ctx, b.store(), nil)
	if err != nil {
		return err
	}
	b.index = x
	return nil
}

// filler makes picture i.
func (o protocol) filler(ps []photo, i int) ([]byte, error) {
	rng := rand.New(rand.NewPCG(uint64(i), 0))
	side := 1 + i%2
	dst := imaging.New(480, 480, color.White)
	tile := 480 / side
	for n := range side * side {
		img, err := o.load(ps[rng.IntN(len(ps))])
		if err != nil {
			return nil, err
		}
		at := image.Pt(n%side*tile, n/side*tile)
		dst = imaging.Paste(dst, imaging.Resize(window(img, rng), tile, tile, imaging.Box), at)
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, dst, &jpeg.Options{Quality: 80})
	return b.Bytes(), err
}

// window cuts out between half and all of both sides.
func window(img *image.NRGBA, rng *rand.Rand) *image.NRGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	share := 0.5 + 0.5*rng.Float64()
	cw, ch := max(1, int(share*float64(w))), max(1, int(share*float64(h)))
	x, y := rng.IntN(w-cw+1), rng.IntN(h-ch+1)
	return imaging.Crop(img, image.Rect(x, y, x+cw, y+ch))
}
