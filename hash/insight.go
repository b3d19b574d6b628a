package hash

import "image"

// Inner is a picture inside the picture (see inner.go): the photo in a
// screenshot, a tile of a collage. It belongs to the Info that it came from.
type Inner struct {
	part     image.Rectangle // of the luma plane
	variants []Variant
}

// Inner returns what may be pictures of their own inside the picture, at most
// 20, the most likely first; nil if the picture is unusable. It is about ten
// milliseconds of work.
func (i Info) Inner() []Inner {
	if i.canonical == nil {
		return nil
	}
	var in []Inner
	for _, r := range innerPictures(i.canonical.luma) {
		s := sample(i.canonical.luma, r)
		if s.quality() < MinQuality {
			continue
		}
		f := Fingerprint{has: fromPixels}
		if !f.setFrame(Full, s.dct()) {
			continue
		}
		n := Inner{part: r}
		for _, v := range f.Variants() {
			if v.Transform == Upright || v.Transform == Mirror {
				n.variants = append(n.variants, v)
			}
		}
		in = append(in, n)
	}
	return in
}

// Variants returns the codes by which the inner picture is searched, as it is
// and mirrored.
func (n Inner) Variants() []Variant { return n.variants }

// AlignInner is Align for a reference of which the frame fr is thought to be the
// inner picture n, turned by t. The hash is evidence as well, so no local features
// need agree.
func (s *Scene) AlignInner(f *Features, n Inner, fr Frame, t Transform) (Alignment, bool) {
	if f == nil {
		return Alignment{}, false
	}
	kx, ky := float64(s.w)/float64(s.lumaW), float64(s.h)/float64(s.lumaH)
	x0, y0 := times(float64(n.part.Min.X), kx), times(float64(n.part.Min.Y), ky)
	w, h := times(float64(n.part.Dx()), kx), times(float64(n.part.Dy()), ky)
	box := f.frame(fr)
	sx, sy := w/(box[2]-box[0]), h/(box[3]-box[1])
	m := affine{sx, 0, 0, 0, sy, 0}.through(spot{box[0], box[1]}, spot{x0, y0})
	if t == Mirror {
		m = affine{-sx, 0, 0, 0, sy, 0}.through(spot{box[0], box[1]}, spot{x0 + w, y0})
	}
	ma := match{Scene: s, f: f, mirror: t == Mirror}
	a := s.judge(f, aligned{m: projection{affine: m}, mirror: ma.mirror}, byHash)
	if refined := ma.guided(m); refined.cells >= leastInliers {
		if b := s.judge(f, refined, byHash); b.Evidence >= a.Evidence {
			a = b
		}
	}
	return a, true
}

// frame returns left, top, right and bottom of a frame in pixels of the
// working picture.
func (f *Features) frame(fr Frame) (b [4]float64) {
	side := [4]float64{float64(f.w), float64(f.h), float64(f.w), float64(f.h)}
	if fr != Trimmed {
		return [4]float64{2: side[2], 3: side[3]}
	}
	for i, e := range f.box {
		b[i] = times(side[i], float64(e)/(1<<16-1))
	}
	return b
}
