package hash

import "image"

// RegionVariants returns the codes under which the picture is searched among the
// regions of references (Features.Regions): 8 to 16, the eight orientations of
// the full frame and of the part inside its border, ordered as those of
// Fingerprint.Variants. They are averages of cells, as the codes of regions are.
// A picture of which only the fingerprint is known is searched by the variants of
// that, which finds a little less. It is nil if the picture is unusable.
func (i Info) RegionVariants() []Variant {
	switch {
	case i.canonical != nil:
		return i.canonical.regionVariants()
	case i.glimpse != nil:
		f := Fingerprint{has: fromPixels}
		f.setFrame(Full, &i.glimpse.full)
		if i.glimpse.trimmed != nil {
			f.setFrame(Trimmed, i.glimpse.trimmed)
		}
		return f.Variants()
	}
	return nil
}

// Box returns the part of the upright full picture that a frame shows, in
// pixels: the whole of it, or what is inside its border. It is empty if the
// picture is unusable.
func (i Info) Box(fr Frame) image.Rectangle {
	whole := image.Rect(0, 0, i.Width, i.Height)
	switch {
	case i.canonical != nil:
		if whole.Empty() { // decoded by the caller
			whole = image.Rect(0, 0, i.canonical.luma.w, i.canonical.luma.h)
		}
		if box, ok := trim(i.canonical.colour); ok && fr == Trimmed {
			return scaleBox(box, i.canonical.colour.Rect, whole)
		}
	case i.glimpse == nil:
		return image.Rectangle{}
	case fr == Trimmed && i.glimpse.box != i.glimpse.grid:
		return scaleBox(i.glimpse.box, i.glimpse.grid, whole)
	}
	return whole
}
