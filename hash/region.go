package hash

import (
	"image"
	"math"
	"math/bits"
)

// A crop is another picture to a hash of the whole: cut at random by 5 % of the
// width and height, one photo in two is still found, by 10 % one in twelve. But
// a crop is also a window of its original. So a reference keeps the codes of
// some windows of its frame, and the whole query is compared with them as with
// the code of the full frame. That finds crops, photos with one side cut off or
// under a banner, and tiles of collages, which are cut to the shape of the tile.
//
// A code stands a shift of all four edges by about 2.5 % of the side, and of a
// single one by 3.5 %. Nobody can cover all windows at this step; these 32 are
// what 1 KB holds:
//
//   - crops at random: 6 % cut off in the middle, 9 % at 2x2 and 13 % at 3x3
//     places, each the middle of the cell of offsets that it stands for;
//   - crops about the middle: 20 % and 28 %;
//   - one side cut off: each of four, by 14, 21 and 28 %;
//   - other shapes about the middle: 80 % and 64 % of the height, 72 % and 56 %
//     of the width.
//
// These kinds came out of a search over 800 windows, with half the products of
// a collection to choose by and the other half to judge by; what the search
// found in more detail was worth one copy in a hundred. With them a random crop
// of 5 % is found in 98 of 100 photos, one of 10 % in 94 (at most 54 bits),
// while 3 of 1,931 pictures of strangers come near a region. Crops of 20 % and
// more at random places stay out of reach: at this step they need hundreds of
// windows.
//
// Windows of the trimmed frame were tried and find nothing besides; trimming
// the query is enough. Codes of windows are made as PDQ's, but of averages over
// the 64x64 cells instead of PDQ's narrow tent (see pdq.go): they hardly change
// when a window begins a fraction of a pixel elsewhere, and from sums over
// corners any window costs the same. At equal false alarms they find one copy
// in a hundred more. Codes of lower frequencies alone, which a shift moves
// least, were tried too: what they gain in reach they lose in false alarms,
// whatever the cut-off.

// Window is a part of a picture: its edges in 1/65536 of the sides of the full
// upright frame, from the left and from the top.
type Window struct {
	Left, Top, Right, Bottom int
}

// windowOne is a whole side.
const windowOne = 1 << 16

// percent returns a window with so many percent of the sides cut off.
func percent(left, top, right, bottom float64) Window {
	at := func(p float64) int { return int(p*windowOne/100 + 0.5) }
	return Window{at(left), at(top), windowOne - at(right), windowOne - at(bottom)}
}

// windows are what region codes show. The order is part of the recipe.
var windows = func() (ws [MaxRegions]Window) {
	n := 0
	add := func(left, top, right, bottom float64) {
		ws[n] = percent(left, top, right, bottom)
		n++
	}
	for _, crop := range []struct {
		cut    float64
		places int // a side
	}{{6, 1}, {9, 2}, {13, 3}, {20, 1}, {28, 1}} {
		place := func(i int) float64 { return crop.cut * (2*float64(i) + 1) / (2 * float64(crop.places)) }
		for j := range crop.places {
			for i := range crop.places {
				add(place(i), place(j), crop.cut-place(i), crop.cut-place(j))
			}
		}
	}
	for _, cut := range []float64{14, 21, 28} {
		add(cut, 0, 0, 0)
		add(0, cut, 0, 0)
		add(0, 0, cut, 0)
		add(0, 0, 0, cut)
	}
	for _, half := range []float64{10, 18} {
		add(0, half, 0, half)
	}
	for _, half := range []float64{14, 22} {
		add(half, 0, half, 0)
	}
	return ws
}()

// RegionWindow returns the part of a reference that region code i shows, and
// whether there is such a region: 0 <= i < MaxRegions.
func RegionWindow(i int) (Window, bool) {
	if i < 0 || i >= len(windows) {
		return Window{}, false
	}
	return windows[i], true
}

// regions returns the codes of the reference's windows, in the order of
// RegionWindow. A window too plain to be matched has the zero Code, which is 112
// bits or more from those that are searched (see Code.Telling).
func (c *canonical) regions() []Code {
	s := c.sums()
	codes := make([]Code, len(windows))
	for i, w := range windows {
		if m := s.average(s.rect(w)); m.quality() >= MinQuality {
			if code := m.dct().code(); code.Telling() {
				codes[i] = code
			}
		}
	}
	return codes
}

// regionVariants returns the codes under which the picture is searched among
// regions: the eight orientations of the full frame and of the part inside its
// border, ordered as those of Fingerprint.Variants.
func (c *canonical) regionVariants() []Variant {
	s := c.sums()
	f := Fingerprint{has: fromPixels}
	frame := image.Rect(0, 0, s.w, s.h)
	f.setFrame(Full, s.average(frame).dct())
	if box, ok := trim(c.colour); ok {
		if m := s.average(scaleBox(box, c.colour.Rect, frame)); m.quality() >= MinQuality {
			f.setFrame(Trimmed, m.dct())
		}
	}
	return f.Variants()
}

// sumsSide is the longest side of the plane from which windows are averaged.
// At 512 pixels as many copies are found.
const sumsSide = 256

// sums holds for each corner of a pixel of a plane the sum of the plane to the
// left of it and above (Crow 1984, "Summed-area tables for texture mapping").
type sums struct {
	w, h int
	at   []uint64 // h+1 rows of w+1
}

// sums reduces the luma plane and sums it up.
func (c *canonical) sums() *sums {
	w, h := fit(c.luma.w, c.luma.h, sumsSide)
	r := newReducer[uint16](c.luma.w, c.luma.h, w, h, 1)
	for y := range c.luma.h {
		r.add(c.luma.pix[y*c.luma.w:][:c.luma.w])
	}
	s := &sums{w, h, make([]uint64, (w+1)*(h+1))}
	for y := range h {
		above, below := s.at[y*(w+1):][:w+1], s.at[(y+1)*(w+1):][:w+1]
		var row uint64
		for x, v := range r.out[y*w:][:w] {
			row += uint64(v)
			below[x+1] = above[x+1] + row
		}
	}
	return s
}

// rect returns a window in pixels, each edge rounded to the nearest.
func (s *sums) rect(w Window) image.Rectangle {
	return scaleBox(image.Rect(w.Left, w.Top, w.Right, w.Bottom), image.Rect(0, 0, windowOne, windowOne), image.Rect(0, 0, s.w, s.h))
}

// average returns the means of 64x64 cells of r, as average does for a whole
// plane. Edges of cells lie at 64ths of a pixel, where sums are interpolated;
// only the last division rounds, down by less than 2 of 65,536 parts of a grey
// level.
func (s *sums) average(r image.Rectangle) *samples {
	var m samples
	var above, below [pdqSide + 1]uint64
	s.edges(&above, r, 0)
	inverse := math.MaxUint64 / (uint64(r.Dx()) * uint64(r.Dy()))
	for j := range m {
		s.edges(&below, r, j+1)
		for i := range m[j] {
			v := below[i+1] - below[i] - above[i+1] + above[i]
			mean, _ := bits.Mul64(v<<(fractionBits-lumaBits), inverse)
			m[j][i] = int64(mean)
		}
		above = below
	}
	return &m
}

// edges writes the sums at the 65 corners of cells that lie j cells below the
// top of r, times 64 for each direction.
func (s *sums) edges(out *[pdqSide + 1]uint64, r image.Rectangle, j int) {
	down := uint(j * r.Dy())
	y, fy := r.Min.Y+int(down/pdqSide), uint64(down%pdqSide)
	above, below := s.at[y*(s.w+1):][:s.w+1], s.at[min(y+1, s.h)*(s.w+1):][:s.w+1]
	for i := range out {
		right := uint(i * r.Dx())
		x, fx := r.Min.X+int(right/pdqSide), uint64(right%pdqSide)
		next := min(x+1, s.w)
		t := above[x]*(pdqSide-fx) + above[next]*fx
		b := below[x]*(pdqSide-fx) + below[next]*fx
		out[i] = t*(pdqSide-fy) + b*fy
	}
}
