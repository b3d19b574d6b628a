package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/disintegration/imaging"
	"golang.org/x/image/bmp"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/sync/errgroup"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// What a query costs depends on the size of the bank, and on how much of it is
// similar to the query. Random codes would cost too little: nothing of them is
// ever near. So a bank is filled up with pictures that are made of its own
// photos, in turns a window of one and a mosaic of four windows. That is done
// when all else was measured, since they would match copies of these photos.

// fillUp adds such pictures until the bank has o.fill times as many references
// as photos: three times the larger collection is 2,000. Those that are too plain
// are left out. The store is opened anew then, so that what it does behind the
// scenes after writing is over.
func (b *bank) fillUp(ctx context.Context, o protocol, step func()) error {
	want := (o.fill - 1) * len(b.registered)
	if want == 0 {
		return nil
	}
	photos := make([]*image.NRGBA, len(b.registered))
	for i, p := range b.registered {
		img, err := o.load(p)
		if err != nil {
			return err
		}
		photos[i] = imaging.Fit(img, fillerSide, fillerSide, imaging.Box)
	}
	for first := 0; b.fillers < want; first += fillerBatch {
		if first > 2*want+fillerBatch {
			return fmt.Errorf("fill the bank: only %d of %d pictures can be registered", b.fillers, first)
		}
		refs, err := fillers(ctx, photos, first, min(fillerBatch, want-b.fillers))
		if err != nil {
			return err
		}
		if _, err := b.index.Add(ctx, refs...); err != nil {
			return err
		}
		b.fillers += len(refs)
		for range refs {
			step()
		}
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

const (
	fillerSide  = 224 // pixels
	fillerBatch = 512 // pictures that are added together
)

// fillers fingerprints pictures first to first+n-1.
func fillers(ctx context.Context, photos []*image.NRGBA, first, n int) ([]index.Reference, error) {
	refs := make([]index.Reference, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for k := range refs {
		g.Go(func() error {
			// The format that is quickest to write and read.
			var picture bytes.Buffer
			if err := bmp.Encode(&picture, filler(photos, first+k)); err != nil {
				return err
			}
			f, info, err := hash.Read(ctx, &picture, hash.Limits{Formats: hash.Formats{BMP: true}})
			if _, is := hash.IsUnusable(err); is {
				return nil
			}
			refs[k] = index.Reference{Bank: bankName, ID: fmt.Sprintf("filler/%06d", first+k), Fingerprint: f, Features: info.Features()}
			return err
		})
	}
	err := g.Wait()
	return slices.DeleteFunc(refs, func(r index.Reference) bool { return r.ID == "" }), err
}

// filler makes picture i.
func filler(photos []*image.NRGBA, i int) image.Image {
	rng := rand.New(rand.NewPCG(uint64(i), 0))
	side := 1 + i%2
	dst := imaging.New(fillerSide, fillerSide, color.White)
	tile := fillerSide / side
	for n := range side * side {
		part := window(photos[rng.IntN(len(photos))], rng)
		xdraw.ApproxBiLinear.Scale(dst, image.Rect(0, 0, tile, tile).Add(image.Pt(n%side*tile, n/side*tile)), part, part.Bounds(), xdraw.Src, nil)
	}
	return dst
}

// window cuts out between half and all of both sides.
func window(img *image.NRGBA, rng *rand.Rand) *image.NRGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	share := 0.5 + 0.5*rng.Float64()
	cw, ch := max(1, int(share*float64(w))), max(1, int(share*float64(h)))
	x, y := rng.IntN(w-cw+1), rng.IntN(h-ch+1)
	return imaging.Crop(img, image.Rect(x, y, x+cw, y+ch))
}
