package hash

import (
	"fmt"
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// fidelity is how far the two paths are from each other over some files.
type fidelity struct {
	files, small, bits, worst         int
	trimmed, farTrimmed, otherTrim    int
	quality, colour                   int // largest differences
	regions, regionBits, worstRegion  int
	borders, otherBorders, farBorders int
}

// add looks at one file in both ways.
func (d *fidelity) add(t *testing.T, h *Hasher, name string, b []byte) (q seenBy) {
	t.Helper()
	q, e := h.seeAs(b, patient()), readAs(b, patient())
	d.files++
	if q.reason != e.reason || (q.err == nil) != (e.err == nil) {
		t.Errorf("%s: %v as a query, %v exactly", name, q.err, e.err)
		return q
	}
	if q.err != nil {
		return q
	}
	if !q.f.Fast() || q.f.Recipe() != Recipe || e.f.Fast() {
		t.Errorf("%s: not the fingerprint of a query: %v", name, q.f)
	}
	if !q.small() {
		d.wantExact(t, name, q, e)
		return q
	}
	d.small++
	d.codes(t, name, q, e)
	d.regionCodes(t, name, q.info, e.info)
	d.picture(t, name, q.info, e.info)
	return q
}

// wantExact: a picture that is left to the exact path gives all that it gives.
func (d *fidelity) wantExact(t *testing.T, name string, q, e seenBy) {
	t.Helper()
	if e.f.has |= fromQuery; q.info.Complete(q.f) != e.f {
		t.Errorf("%s: read exactly, but with another fingerprint", name)
	}
}

func (d *fidelity) codes(t *testing.T, name string, q, e seenBy) {
	t.Helper()
	bits := q.f.frames[Full][0].Distance(e.f.frames[Full][0])
	d.bits, d.worst = d.bits+bits, max(d.worst, bits)
	if bits > 20 {
		t.Errorf("%s: full frame %d bits off", name, bits)
	}
	for p := range len(e.f.frames[Full]) { // what mirrored copies are searched by
		if n := q.f.frames[Full][p].Distance(e.f.frames[Full][p]); n > 24 {
			t.Errorf("%s: full frame mirrored by %d is %d bits off", name, p, n)
		}
	}
	a, inQuery := q.f.Code(Trimmed)
	b, inExact := e.f.Code(Trimmed)
	switch {
	case inQuery != inExact:
		d.otherTrim++
		t.Logf("%s: trimmed as a query %v, exactly %v", name, inQuery, inExact)
	case inQuery:
		d.trimmed++
		if n := a.Distance(b); n > 16 {
			d.farTrimmed++
			t.Logf("%s: trimmed frame %d bits off, %v, exactly %v", name, n, q.info.Box(Trimmed), e.info.Box(Trimmed))
		}
	}
	d.quality = max(d.quality, q.f.Quality()-e.f.Quality(), e.f.Quality()-q.f.Quality())
	for i, v := range q.f.colour {
		d.colour = max(d.colour, int(v)-int(e.f.colour[i]), int(e.f.colour[i])-int(v))
	}
}

func (d *fidelity) regionCodes(t *testing.T, name string, q, e Info) {
	t.Helper()
	vs, ws := q.RegionVariants(), e.RegionVariants()
	for _, v := range vs {
		if v.Frame != Full {
			continue
		}
		i := slices.IndexFunc(ws, func(w Variant) bool { return w.Frame == v.Frame && w.Transform == v.Transform })
		if i < 0 {
			t.Errorf("%s: no code of %v, %v", name, v.Frame, v.Transform)
			continue
		}
		n := v.Code.Distance(ws[i].Code)
		d.regions, d.regionBits, d.worstRegion = d.regions+1, d.regionBits+n, max(d.worstRegion, n)
	}
}

// picture compares what Info says about the picture.
func (d *fidelity) picture(t *testing.T, name string, q, e Info) {
	t.Helper()
	q.SHA256 = e.SHA256 // is left out of a query
	if q.Format != e.Format || q.Width != e.Width || q.Height != e.Height || q.Orientation != e.Orientation || q.Bytes != e.Bytes {
		t.Errorf("%s: %+v as a query, %+v exactly", name, q, e)
	}
	if q.Box(Full) != e.Box(Full) || q.Box(Full) != image.Rect(0, 0, e.Width, e.Height) {
		t.Errorf("%s: the full frame is %v as a query, %v exactly", name, q.Box(Full), e.Box(Full))
	}
	if !q.Box(Trimmed).In(q.Box(Full)) || q.Box(Trimmed).Empty() {
		t.Errorf("%s: the trimmed frame is %v", name, q.Box(Trimmed))
	}
	d.borders++
	if a, b := q.Box(Trimmed), e.Box(Trimmed); a != b {
		d.otherBorders++
		line := (max(e.Width, e.Height)+colourSide-1)/colourSide + 1
		if !a.In(b.Inset(-line)) || !b.In(a.Inset(-line)) {
			d.farBorders++
		}
	}
}

// check holds what was added up to the bars, which are those that product photos
// keep.
func (d *fidelity) check(t *testing.T, leastSmall int) {
	t.Helper()
	t.Logf("%d files, %d read small; full frame %.2f bits on average, %d at most; trimmed frames %d, of which far %d, decided otherwise %d; "+
		"region codes %.2f bits on average, %d at most; borders a line off %d, farther %d; quality within %d, colours within %d",
		d.files, d.small, float64(d.bits)/float64(max(1, d.small)), d.worst, d.trimmed, d.farTrimmed, d.otherTrim,
		float64(d.regionBits)/float64(max(1, d.regions)), d.worstRegion, d.otherBorders, d.farBorders, d.quality, d.colour)
	for what, bad := range map[string]bool{
		"too few are read small":                        d.small < leastSmall,
		"full frames are more than 5 bits off":          d.bits > 5*d.small,
		"trimmed frames are more than 16 bits off":      d.farTrimmed > 1+d.trimmed/100,
		"borders are found otherwise":                   d.otherTrim > 1+d.files/200,
		"borders lie elsewhere":                         d.farBorders > 1+d.borders/50,
		"qualities differ by more than 3":               d.quality > 3,
		"colours differ by more than 8 levels":          d.colour > 8,
		"region codes are more than 2 bits off":         d.regionBits > 2*d.regions,
		"a region code is more than 12 bits off":        d.worstRegion > 12,
		"two frames for a picture are not to be missed": d.trimmed == 0 && d.files > 50,
	} {
		if bad {
			t.Error(what)
		}
	}
}

func TestQueryIsNearRead(t *testing.T) {
	var d fidelity
	var h Hasher
	photos := ourPhotos(t, 1)
	if testing.Short() {
		photos = photos[:20]
	}
	for _, p := range photos {
		d.add(t, &h, p.name, p.data)
	}
	d.check(t, len(photos)*2/3)
}

// The photos outside the repository are more various.
func TestQueryIsNearReadOfProducts(t *testing.T) {
	dir := datasets(t, "products")
	notShort(t)
	var d fidelity
	var h Hasher
	for _, p := range photosOf(t, 5, dir) {
		d.add(t, &h, p.name, p.data)
	}
	d.check(t, 150)
}

// someOf returns photos of all sorts, decoded: with a border and without.
func someOf(t testing.TB, names ...string) (all []demoPhoto) {
	t.Helper()
	for _, n := range names {
		all = append(all, demoNamed(t, n))
	}
	return all
}

// kinds are the ways in which a JPEG of the same picture may be written.
func kinds() map[string]jpegwriter.Options {
	return map[string]jpegwriter.Options{
		"grey":                {Grey: true, Quality: 90},
		"4:4:4":               {Sampling: jpegwriter.S444, Quality: 90},
		"4:2:2":               {Sampling: jpegwriter.S422, Quality: 60},
		"4:4:0":               {Sampling: jpegwriter.S440, Quality: 90},
		"4:2:0":               {Quality: 50},
		"4:1:1":               {Sampling: jpegwriter.S411, Quality: 90},
		"restarts":            {RestartInterval: 7, Quality: 90},
		"padded with noise":   {Padding: jpegwriter.PadNoise, Quality: 90},
		"extended":            {Extended: true, SlotEach: true, OptimiseTables: true, Quality: 90},
		"three scans":         {Script: jpegwriter.Each(3, jpegwriter.Scan{}), Quality: 90},
		"progressive":         {Progressive: true, Quality: 90},
		"progressive 4:4:4":   {Progressive: true, Sampling: jpegwriter.S444, Quality: 75, RestartInterval: 11},
		"progressive grey":    {Progressive: true, Grey: true, Quality: 90},
		"divisors of 16 bits": {Extended: true, WideTables: true, Quality: 90},
	}
}

func TestQueryIsNearReadOfEachKindOfFile(t *testing.T) {
	notShort(t)
	var d fidelity
	var h Hasher
	for kind, o := range kinds() {
		for i, p := range someOf(t, noBorder, "goggles", "tee-slogan") {
			img := image.Image(p.img)
			if i != 1 {
				img = edit.Crop(p.img, .01, .013, 1, 1) // sides that are not multiples of a block
			}
			name := kind + ", " + p.name
			if q := d.add(t, &h, name, written(t, img, o)); !q.small() && i == 0 {
				t.Errorf("%s: is not read small", name)
			}
		}
	}
	d.check(t, 2*len(kinds()))
}

// A picture is turned upright by its EXIF orientation, whether it has a border or not, and
// whichever size it has.
func TestQueryIsNearReadInEachOrientation(t *testing.T) {
	notShort(t)
	var d fidelity
	var h Hasher
	upright := map[string]Code{}
	for o := 1; o <= 8; o++ {
		for _, p := range someOf(t, noBorder, "dress-birds", "goggles") {
			img := edit.Crop(p.img, 0, .03, .95, 1)
			name := fmt.Sprintf("%s in orientation %d", p.name, o)
			q := d.add(t, &h, name, written(t, img, jpegwriter.Options{Orientation: o, Quality: 90}))
			if q.info.Orientation != o || (q.info.Width != img.Rect.Dx()) != (o >= 5) {
				t.Errorf("%s: %+v", name, q.info)
			}
			// What is searched finds the picture as it is stored.
			if o == 1 {
				upright[p.name], _ = q.f.Code(Full)
			}
			least := 256
			for _, v := range q.f.Variants() {
				if v.Frame == Full && v.Transform == orientations[o].t {
					least = v.Code.Distance(upright[p.name])
				}
			}
			if least > 24 {
				t.Errorf("%s: %d bits from the upright picture", name, least)
			}
		}
	}
	d.check(t, 16)
}

// Sizes choose the scale. Each of them is tried, and what lies between.
func TestQueryIsNearReadAtEachScale(t *testing.T) {
	notShort(t)
	var d fidelity
	var h Hasher
	p := demoNamed(t, "snowboard-purple")
	for _, side := range []int{240, 249, 250, 251, 333, 334, 337, 499, 500, 777, 999, 1000, 1023, 1300} {
		img := imaging.Resize(p.img, side, side+31, imaging.Lanczos)
		q := d.add(t, &h, fmt.Sprint(side), edit.JPEG(img, 90))
		if q.small() != (side >= 250) {
			t.Errorf("%d pixels: read small: %v", side, q.small())
		}
	}
	d.check(t, 12)
}

// What is brighter than white is white to everybody who looks at it. A pattern in there
// must not move a query's code.
func TestQueryDoesNotSeeBeyondWhite(t *testing.T) {
	o := jpegwriter.Options{Sampling: jpegwriter.S444}
	c, err := jpegwriter.FromImage(edit.Border(demoNamed(t, "boots-brown").img, color.White, .2), o)
	if err != nil {
		t.Fatal(err)
	}
	before, err := c.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	luma := &c.Components[0]
	divisor := int(c.Tables[luma.Table][0])
	for i := range luma.Blocks {
		b := &luma.Blocks[i]
		x, y := i%luma.Stride, i/luma.Stride
		if rest := [63]int16(b[1:]); rest == [63]int16{} && int(b[0])*divisor >= 8*119 && (x/6+y/7+x*y/200)%2 == 0 {
			b[0] = int16(8 * 600 / divisor)
		}
	}
	after, err := c.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	a, b := readAs(before, patient()), readAs(after, patient())
	if a.err != nil || a.f != b.f {
		t.Fatalf("the exact path tells them apart: %v", a.err)
	}
	var h Hasher
	q := h.seeAs(after, patient())
	if n := q.f.frames[Full][0].Distance(b.f.frames[Full][0]); n > 20 {
		t.Errorf("%d bits off", n)
	}
}
