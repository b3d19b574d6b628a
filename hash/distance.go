package hash

import (
	"fmt"
	"math/bits"
)

// Distance is how far a query is from a reference, in bits. A hash that either
// of the two lacks has distance -1.
type Distance struct {
	// PDQ is the least of all pairs of frames and orientations, 0 to 256.
	PDQ int
	// Perception, Difference and Average compare the upright full frames by
	// goimagehash's hashes, 0 to 64. They say nothing when Transform is not
	// Upright.
	Perception, Difference, Average int
	// Colour is the mean difference of the colour signatures, 0 to 255, with
	// the query turned back by Transform. It never decides.
	Colour int
	// QueryFrame and ReferenceFrame are the pair that gave PDQ.
	QueryFrame, ReferenceFrame Frame
	// Transform turns the upright reference into the query.
	Transform Transform
}

// Of returns the distance by the hash of kind k.
func (d Distance) Of(k Kind) int {
	switch k {
	case PDQ:
		return d.PDQ
	case Perception:
		return d.Perception
	case Difference:
		return d.Difference
	case Average:
		return d.Average
	}
	return -1
}

// Compare returns the distance between a query and a reference. PDQ is the
// minimum over all frames of both and the 8 orientations of the query; of
// equal minima the first in the order orientation (as Transform
// counts them), query frame, reference frame is reported. Fingerprints of
// recipe 1 and recipe 2 may be compared: their codes mean the same. It fails
// with ErrRecipe if one is of any other recipe or the zero Fingerprint.
func Compare(query, reference Fingerprint) (Distance, error) {
	if !knownRecipe(int(query.recipe)) || !knownRecipe(int(reference.recipe)) {
		return Distance{}, fmt.Errorf("compare recipe %d with recipe %d: %w", query.recipe, reference.recipe, ErrRecipe)
	}
	d := Distance{PDQ: -1, Perception: -1, Difference: -1, Average: -1, Colour: -1}
	d.nearest(query.Variants(), reference)
	for i, p := range []*int{&d.Perception, &d.Difference, &d.Average} {
		q, ok1 := query.Word(Perception + Kind(i))
		r, ok2 := reference.Word(Perception + Kind(i))
		if ok1 && ok2 {
			*p = bits.OnesCount64(q ^ r)
		}
	}
	if query.has&reference.has&fromPixels != 0 {
		d.Colour = colourDistance(query.colour, reference.colour, d.Transform)
	}
	return d, nil
}

// nearest fills in the PDQ part of d.
func (d *Distance) nearest(query []Variant, reference Fingerprint) {
	for _, v := range query {
		for fr := range Frame(Frames) {
			c, ok := reference.Code(fr)
			if !ok {
				continue
			}
			if n := v.Code.Distance(c); d.PDQ < 0 || n < d.PDQ {
				d.PDQ, d.QueryFrame, d.ReferenceFrame, d.Transform = n, v.Frame, fr, v.Transform
			}
		}
	}
}

// colourDistance is the mean absolute difference of two signatures after the
// query was turned back by t.
func colourDistance(query, reference [ColourCells]uint8, t Transform) int {
	sum := 0
	for y := range 4 {
		for x := range 4 {
			qx, qy := turns[t].place(x, y, 4, 4)
			q, r := 2*(4*qy+qx), 2*(4*y+x)
			sum += absDiff(query[q], reference[r]) + absDiff(query[q+1], reference[r+1])
		}
	}
	return (sum + ColourCells/2) / ColourCells
}

func absDiff(a, b uint8) int {
	if a > b {
		return int(a - b)
	}
	return int(b - a)
}
