package attack

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Overlays are drawn as masks of coverage, one for each colour, and mixed into
// the picture by coverage times alpha.

// mix puts a colour over a pixel; coverage is 0 to 255.
func mix(p []uint8, c color.NRGBA, coverage uint8) {
	a := uint32(c.A) * uint32(coverage)
	if a == 0 {
		return
	}
	const full = 255 * 255
	p[0] = uint8((uint32(c.R)*a + uint32(p[0])*(full-a) + full/2) / full)
	p[1] = uint8((uint32(c.G)*a + uint32(p[1])*(full-a) + full/2) / full)
	p[2] = uint8((uint32(c.B)*a + uint32(p[2])*(full-a) + full/2) / full)
}

// box fills a rectangle.
func box(img *image.NRGBA, r image.Rectangle, c color.NRGBA) {
	r = r.Intersect(img.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):][:4*r.Dx()]
		for i := 0; i < len(row); i += 4 {
			mix(row[i:], c, 255)
		}
	}
}

// frame draws the outline of a rectangle, inwards.
func frame(img *image.NRGBA, r image.Rectangle, width int, c color.NRGBA) {
	in := r.Inset(width)
	box(img, image.Rect(r.Min.X, r.Min.Y, r.Max.X, in.Min.Y), c)
	box(img, image.Rect(r.Min.X, in.Max.Y, r.Max.X, r.Max.Y), c)
	box(img, image.Rect(r.Min.X, in.Min.Y, in.Min.X, in.Max.Y), c)
	box(img, image.Rect(in.Max.X, in.Min.Y, r.Max.X, in.Max.Y), c)
}

// area is a place with fractional corners.
type area struct{ x0, y0, x1, y1 float64 }

// at is an area by corner and size.
func at(x, y, w, h float64) area { return area{x, y, x + w, y + h} }

// inset moves all four sides inwards.
func (a area) inset(d float64) area { return area{a.x0 + d, a.y0 + d, a.x1 - d, a.y1 - d} }

// fill colours the pixels of an area whose centres are inside a shape. The
// shape is asked in shares of the area, 0 to 1 both ways.
func (a area) fill(img *image.NRGBA, c color.NRGBA, inside func(u, v float64) bool) {
	r := image.Rect(int(math.Floor(a.x0)), int(math.Floor(a.y0)), int(math.Ceil(a.x1)), int(math.Ceil(a.y1))).Intersect(img.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		v := (float64(y) + 0.5 - a.y0) / (a.y1 - a.y0)
		for x := r.Min.X; x < r.Max.X; x++ {
			if inside((float64(x)+0.5-a.x0)/(a.x1-a.x0), v) {
				mix(img.Pix[img.PixOffset(x, y):], c, 255)
			}
		}
	}
}

// disc is the ellipse that fills its area.
func disc(u, v float64) bool { return (u-0.5)*(u-0.5)+(v-0.5)*(v-0.5) <= 0.25 }

// heart, after the curve (x²+y²-1)³ = x²y³.
func heart(u, v float64) bool {
	x, y := (u-0.5)*2.3, 1.24-2.26*v
	q := x*x + y*y - 1
	return q*q*q-x*x*y*y*y <= 0
}

// star has five points, the first one up.
func star(u, v float64) bool {
	x, y := u-0.5, v-0.53
	const fifth = 2 * math.Pi / 5
	turn := math.Mod(math.Atan2(x, -y)+2*math.Pi, fifth)
	if turn > fifth/2 {
		turn = fifth - turn
	}
	// The edge runs from a point of one radius to a notch of the other.
	const point, notch = 0.53, 0.23
	radius := point * notch * math.Sin(fifth/2) / (notch*math.Sin(fifth/2-turn) + point*math.Sin(turn))
	return math.Hypot(x, y) <= radius
}

// rounded is a box of w x h px with corners of a radius.
func rounded(w, h, radius float64) func(u, v float64) bool {
	return func(u, v float64) bool {
		dx := max(math.Abs(u-0.5)*w-(w/2-radius), 0)
		dy := max(math.Abs(v-0.5)*h-(h/2-radius), 0)
		return u >= 0 && v >= 0 && u <= 1 && v <= 1 && dx*dx+dy*dy <= radius*radius
	}
}

// roundBox fills a box with round corners.
func roundBox(img *image.NRGBA, a area, radius float64, c color.NRGBA) {
	a.fill(img, c, rounded(a.x1-a.x0, a.y1-a.y0, radius))
}

// lettering is a text as a mask of coverage whose point (0,0) is the top left
// of the text: the left end of the line, at the height of the ascent.
type lettering struct {
	mask   *image.Alpha
	stroke *image.Alpha // the same grown by the outline, nil without one
}

// letters draws a text of a size in px, at least 8, with an outline of whole
// pixels. No font face is kept: faces are not safe for concurrent use.
func (s *Studio) letters(text string, size float64, outline int) lettering {
	face, err := opentype.NewFace(s.font, &opentype.FaceOptions{Size: max(size, 8), DPI: 72})
	if err != nil {
		// NewFace fails on options only, and these are ours.
		panic("attack: font face: " + err.Error())
	}
	m := face.Metrics()
	bounds, advance := font.BoundString(face, text)
	r := image.Rect(min(bounds.Min.X.Floor(), 0), min(bounds.Min.Y.Floor(), -m.Ascent.Ceil()),
		max(bounds.Max.X, advance).Ceil(), max(bounds.Max.Y, m.Descent).Ceil()).Inset(-outline).Add(image.Pt(0, m.Ascent.Ceil()))
	l := lettering{mask: image.NewAlpha(r)}
	d := font.Drawer{Dst: l.mask, Src: image.Opaque, Face: face, Dot: fixed.P(0, m.Ascent.Ceil())}
	d.DrawString(text)
	if outline > 0 {
		l.stroke = grown(l.mask, outline)
	}
	return l
}

// grown takes for each pixel the largest coverage within a radius.
func grown(m *image.Alpha, radius int) *image.Alpha {
	out := image.NewAlpha(m.Rect)
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if dx*dx+dy*dy > radius*radius+radius {
				continue
			}
			for y := max(m.Rect.Min.Y, m.Rect.Min.Y+dy); y < min(m.Rect.Max.Y, m.Rect.Max.Y+dy); y++ {
				for x := max(m.Rect.Min.X, m.Rect.Min.X+dx); x < min(m.Rect.Max.X, m.Rect.Max.X+dx); x++ {
					o := out.PixOffset(x, y)
					out.Pix[o] = max(out.Pix[o], m.Pix[m.PixOffset(x-dx, y-dy)])
				}
			}
		}
	}
	return out
}

// turned turns the text counter-clockwise about its point (0,0).
func (l lettering) turned(degrees float64) lettering {
	if degrees == 0 {
		return l
	}
	out := lettering{mask: turnedMask(l.mask, degrees)}
	if l.stroke != nil {
		out.stroke = turnedMask(l.stroke, degrees)
	}
	return out
}

// turnedMask looks up where each pixel comes from, bilinear.
func turnedMask(m *image.Alpha, degrees float64) *image.Alpha {
	forward, back := rotation(degrees, 0, 0), rotation(-degrees, 0, 0)
	r := image.Rectangle{}
	for _, p := range []image.Point{m.Rect.Min, {m.Rect.Max.X, m.Rect.Min.Y}, m.Rect.Max, {m.Rect.Min.X, m.Rect.Max.Y}} {
		x, y := forward.apply(float64(p.X), float64(p.Y))
		r = r.Union(image.Rect(int(x)-1, int(y)-1, int(x)+2, int(y)+2))
	}
	out := image.NewAlpha(r)
	value := func(x, y int) float64 { return float64(m.AlphaAt(x, y).A) }
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			fx, fy := back.apply(float64(x)+0.5, float64(y)+0.5)
			bx, by := math.Floor(fx-0.5), math.Floor(fy-0.5)
			u, v, ix, iy := fx-0.5-bx, fy-0.5-by, int(bx), int(by)
			top := value(ix, iy)*(1-u) + value(ix+1, iy)*u
			low := value(ix, iy+1)*(1-u) + value(ix+1, iy+1)*u
			out.Pix[out.PixOffset(x, y)] = clip(top*(1-v) + low*v + 0.5)
		}
	}
	return out
}

// write puts the text into a picture, its top left at x, y; the outline shows
// only where the text does not cover it.
func (l lettering) write(img *image.NRGBA, x, y int, c, outline color.NRGBA) {
	r := l.mask.Rect.Add(image.Pt(x, y)).Intersect(img.Rect)
	for py := r.Min.Y; py < r.Max.Y; py++ {
		for px := r.Min.X; px < r.Max.X; px++ {
			o := l.mask.PixOffset(px-x, py-y)
			p, cover := img.Pix[img.PixOffset(px, py):], l.mask.Pix[o]
			if l.stroke != nil {
				around := int(l.stroke.Pix[o]) * (255 - int(cover)) / 255
				mix(p, outline, uint8(around))
			}
			mix(p, c, cover)
		}
	}
}

// say writes a text without outline.
func (j *job) say(img *image.NRGBA, text string, size, x, y float64, c color.NRGBA) lettering {
	l := j.letters(text, size, 0)
	l.write(img, int(x), int(y), c, color.NRGBA{})
	return l
}

// mark is a text over the picture.
type mark struct {
	text    string
	size    func(w, h float64) float64
	x, y    float64 // of its top left, in shares of the sides
	ink     color.NRGBA
	outline int
	rim     color.NRGBA // colour of the outline
	turn    float64     // about its top left, in degrees counter-clockwise
}

// ofShorter is a size as a share of the shorter side, ofWidth one of the width.
func ofShorter(f float64) func(w, h float64) float64 {
	return func(w, h float64) float64 { return f * min(w, h) }
}

func ofWidth(f float64) func(w, h float64) float64 {
	return func(w, _ float64) float64 { return f * w }
}

// watermark writes a mark.
func watermark(m mark) step {
	return func(j *job) {
		j.img = clone(j.img)
		iw, ih := j.size()
		w, h := float64(iw), float64(ih)
		j.letters(m.text, m.size(w, h), m.outline).turned(m.turn).write(j.img, int(m.x*w), int(m.y*h), m.ink, m.rim)
	}
}

// tiling is a text written all over the picture in rows.
type tiling struct {
	text   string
	ink    color.NRGBA
	size   float64 // as a share of the shorter side, at least 10 px
	rows   float64 // from row to row, in sizes
	words  float64 // from word to word, in sizes
	indent float64 // of every second row to the left, in sizes
	turn   float64 // of each word, in degrees counter-clockwise
}

// watermarks writes a tiling.
func watermarks(t tiling) step {
	return func(j *job) {
		j.img = clone(j.img)
		iw, ih := j.size()
		w, h := float64(iw), float64(ih)
		s := max(10, t.size*min(w, h))
		l := j.letters(t.text, s, 0).turned(t.turn)
		// A turned word reaches above the line that it begins on.
		for row, y := 0, 0.0; y < h-float64(l.mask.Rect.Min.Y); row, y = row+1, y+t.rows*s {
			for x := -t.indent * s * float64(row%2); x < w; x += t.words * s {
				l.write(j.img, int(x), int(y), t.ink, color.NRGBA{})
			}
		}
	}
}

// badge is an opaque disc with a word, in one of two places.
type badge struct {
	diameter float64 // as a share of the shorter side
	places   [2][2]float64
	fill     color.NRGBA
	shape    func(u, v float64) bool
	text     string
	size     float64 // of the text, in diameters
	x, y     float64 // of the text, in diameters
}

func logo(b badge) step {
	return func(j *job) {
		j.img = clone(j.img)
		iw, ih := j.size()
		w, h := float64(iw), float64(ih)
		d := b.diameter * min(w, h)
		p := b.places[j.rng.IntN(2)]
		x, y := p[0]*w, p[1]*h
		at(x, y, d, d).fill(j.img, b.fill, b.shape)
		j.say(j.img, b.text, b.size*d, x+b.x*d, y+b.y*d, rgb(255, 255, 255))
	}
}

// band is an opaque strip across the picture.
type band struct {
	high  float64 // as a share of the height
	lines []string
	paint paint
	ink   color.NRGBA
	size  float64 // of the text, as a share of the band's height
	most  float64 // of the text, as a share of the picture's width
	x, y  float64 // of the first line, as shares of the width and of the band's height
	next  float64 // from line to line, as a share of the band's height
}

// banner puts a band at the top or at the bottom.
func banner(b band) step {
	return func(j *job) {
		j.img = clone(j.img)
		iw, ih := j.size()
		w, h := float64(iw), float64(ih)
		high := b.high * h
		top := 0.0
		if j.coin() {
			top = h - high
		}
		box(j.img, image.Rect(0, int(top), iw, int(top+high)), b.paint(j))
		for i, line := range b.lines {
			j.say(j.img, line, min(b.size*high, b.most*w), b.x*w, top+(b.y+float64(i)*b.next)*high, b.ink)
		}
	}
}

// tag is an opaque price tag. Lengths are in units of the root of the area
// that the tag shall cover.
type tag struct {
	area         float64 // as a share of the picture's
	wide, high   float64
	shape        func(w, h float64) func(u, v float64) bool
	fill, ink    color.NRGBA
	rim          float64 // width of the outline in px
	text         string  // with one %d for the price, 9 to 98
	size, tx, ty float64
}

// priceTag puts a tag at a random place.
func priceTag(t tag) step {
	return func(j *job) {
		j.img = clone(j.img)
		iw, ih := j.size()
		w, h := float64(iw), float64(ih)
		s := math.Sqrt(t.area * w * h)
		x, y := j.between(0, max(1, w-t.wide*s)), j.between(0, max(1, h-(t.high+0.02)*s))
		a := at(x, y, t.wide*s, t.high*s)
		a.fill(j.img, t.ink, t.shape(a.x1-a.x0, a.y1-a.y0))
		a = a.inset(t.rim)
		a.fill(j.img, t.fill, t.shape(a.x1-a.x0, a.y1-a.y0))
		j.say(j.img, j.price(t.text, 9, 98), t.size*s, x+t.tx*s, y+t.ty*s, t.ink)
	}
}

// ticket is a box with round corners, radius as a share of the root of its
// area.
func ticket(radius float64) func(w, h float64) func(u, v float64) bool {
	return func(w, h float64) func(u, v float64) bool { return rounded(w, h, radius*math.Sqrt(w*h)) }
}

// round is an ellipse.
func round(_, _ float64) func(u, v float64) bool { return disc }

// sticker is a small shape scattered over the picture.
type sticker struct {
	shape    func(u, v float64) bool
	fill     color.NRGBA
	face     bool    // with two black eyes
	diameter float64 // as a share of the shorter side
}

// stickers puts each at a random place.
func stickers(all ...sticker) step {
	return func(j *job) {
		j.img = clone(j.img)
		iw, ih := j.size()
		w, h := float64(iw), float64(ih)
		for _, k := range all {
			s := k.diameter * min(w, h)
			x, y := j.between(0, w-s), j.between(0, h-s)
			at(x, y, s, s).fill(j.img, k.fill, k.shape)
			if k.face {
				for _, left := range []float64{0.25, 0.62} {
					at(x+left*s, y+0.30*s, 0.13*s, 0.15*s).fill(j.img, rgb(0, 0, 0), disc)
				}
			}
		}
	}
}

// times repeats a sticker.
func times(n int, k sticker) []sticker {
	all := make([]sticker, n)
	for i := range all {
		all[i] = k
	}
	return all
}
