package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/jpeg" // for image.Decode
	_ "image/png"
	"math"
	"math/bits"

	"github.com/corona10/goimagehash"
	_ "golang.org/x/image/webp"

	"github.com/touchstone-go/touchstone/hash"
)

// The rivals are hashes as they are used without anything around them: one code
// of the whole upright picture, one threshold. PDQ's codes are those that this
// project computes (and tests against its authors' files); everything that it
// adds to them is left out.

// thresholds are the largest distances at which the rivals match: what is
// usual for 64-bit hashes, and what PDQ's authors advise.
var thresholds = map[method]int{phash: 10, dhash: 10, pdq: 31}

// codes are the rivals' hashes of one picture. A 64-bit hash is in the first
// word.
type codes struct {
	of  [methods]hash.Code
	has [methods]bool
}

// rivals holds the codes of all references.
type rivals struct {
	codes  []codes
	photos []photo
}

func learn(ctx context.Context, o protocol, ps []photo) (*rivals, error) {
	r := &rivals{photos: ps, codes: make([]codes, len(ps))}
	err := parallel(ctx, len(ps), func(i int) error {
		img, err := o.load(ps[i])
		if err != nil {
			return err
		}
		r.codes[i], err = hashed(img, phash, dhash, pdq)
		return err
	})
	return r, err
}

// hashed computes the codes of the methods. A picture that is too plain for
// PDQ has none.
func hashed(img image.Image, ms ...method) (c codes, err error) {
	for _, m := range ms {
		switch m {
		case phash:
			c.of[m][0], err = word(goimagehash.PerceptionHash(img))
		case dhash:
			c.of[m][0], err = word(goimagehash.DifferenceHash(img))
		case pdq:
			f, e := hash.Of(img)
			if _, is := hash.IsUnusable(e); is {
				continue
			}
			c.of[m], _ = f.Code(hash.Full)
			err = e
		}
		if err != nil {
			return c, fmt.Errorf("%v: %w", m, err)
		}
		c.has[m] = true
	}
	return c, nil
}

func word(h *goimagehash.ImageHash, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return h.GetHash(), nil
}

// ask decodes a copy and compares it with all references.
func (r *rivals) ask(picture []byte, p photo, ms ...method) (got [methods]reading, err error) {
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return got, err
	}
	q, err := hashed(img, ms...)
	if err != nil {
		return got, err
	}
	for _, m := range ms {
		if q.has[m] {
			got[m] = r.nearest(q.of[m], m, p)
		}
	}
	return got, nil
}

// nearest reads what a rival says: the own reference and the nearest one of
// another product, if they are within the threshold. Of equal distances the
// other product's goes first. A rival has one grade only, which is shown as
// weak.
func (r *rivals) nearest(q hash.Code, m method, p photo) reading {
	const far = math.MaxInt
	own, foreign, nearest := far, far, ""
	for i, ref := range r.photos {
		if !r.codes[i].has[m] {
			continue
		}
		switch d := distance(q, r.codes[i].of[m], m); {
		case d > thresholds[m]:
		case ref.file == p.file:
			own = d
		case ref.product != p.product && d < foreign:
			foreign, nearest = d, ref.file
		}
	}
	got := reading{offset: math.NaN()}
	takeOwn := func() {
		if own != far {
			got.add(true, weak, -float64(own), p.file)
		}
	}
	if own < foreign {
		takeOwn()
	}
	if foreign != far {
		got.add(false, weak, -float64(foreign), nearest)
	}
	if foreign <= own {
		takeOwn()
	}
	return got
}

func distance(a, b hash.Code, m method) int {
	if m == pdq {
		return a.Distance(b)
	}
	return bits.OnesCount64(a[0] ^ b[0])
}
