package main

import (
	"fmt"
	"image"

	"github.com/disintegration/imaging"
	"golang.org/x/sync/errgroup"
)

// mosaicsOf is how many mosaics a line of each size is about, so that no single
// picture decides.
var mosaicsOf = [...]int{4, 4, 3, 2}

// group is the files of a line: one kind and rate of one size.
type group struct {
	size  int // index into sizes
	kind  string
	rate  string
	files []input
	of    int // how many there are to choose from
}

// inputsOf makes the files of a size: for each kind and rate the same mosaics.
func inputsOf(photos []*image.NRGBA, si int) ([]group, error) {
	s := sizes[si]
	groups := make([]group, 0, len(kinds)*len(rates))
	for _, k := range kinds {
		for _, r := range rates {
			groups = append(groups, group{size: si, kind: k.name, rate: r.name, files: make([]input, mosaicsOf[si]), of: mosaicsOf[si]})
		}
	}
	var g errgroup.Group
	g.SetLimit(2) // pictures are large
	for m := range mosaicsOf[si] {
		g.Go(func() error {
			plain := mosaic(photos, s.w, s.h, uint64(m))
			for i, r := range rates {
				img := imaging.Clone(plain)
				r.noise.add(img, uint64(m))
				for j, k := range kinds {
					file, quality, err := encodeAt(img, k, r)
					if err != nil {
						return fmt.Errorf("mosaic %d of %s: %w", m, s.name, err)
					}
					groups[j*len(rates)+i].files[m] = input{fmt.Sprintf("mosaic %d", m), file, s.w, s.h, quality}
				}
			}
			return nil
		})
	}
	return groups, g.Wait()
}
