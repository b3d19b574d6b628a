package attack

import (
	"image"
	"image/color"
	"math"
)

// The second set's screenshots have nothing in common with the first's but that
// the photo is a part of them: other widths, header rows with icons, grounds
// that are not of one colour, round corners, other pictures beside the photo.

// fitInto scales the picture of the job so that it just fits into a box.
func (j *job) fitInto(w, h int) {
	iw, ih := j.size()
	s := min(float64(w)/float64(iw), float64(h)/float64(ih))
	j.resizeTo(min(w, int(float64(iw)*s+0.5)), min(h, int(float64(ih)*s+0.5)))
}

// ontoRounded is onto with round corners.
func (j *job) ontoRounded(page *image.NRGBA, at image.Point, radius int) {
	putRounded(page, j.img, at, radius)
	j.img = page
	j.scaleAndShift(1, 1, float64(at.X), float64(at.Y))
}

// putRounded copies a picture that lies inside the page without its corners.
func putRounded(page, img *image.NRGBA, at image.Point, radius int) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	radius = min(radius, w/2, h/2)
	for y := range h {
		inset := 0
		if d := float64(radius) - 0.5 - float64(min(y, h-1-y)); d > 0 {
			inset = radius - int(math.Sqrt(float64(radius*radius)-d*d))
		}
		put(page, cut(img, image.Rect(inset, y, w-inset, y+1)), image.Pt(at.X+inset, at.Y+y))
	}
}

// gradientSheet makes a ground that runs from one colour at the top to another.
func gradientSheet(w, h int, top, bottom color.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		c := blend(top, bottom, float64(y)/float64(max(h-1, 1)))
		for x := range w {
			copy(out.Pix[4*(y*w+x):], c)
		}
	}
	return out
}

// shotPost is a post in a feed, 1080 px wide, the photo over the full width (or
// between bars, where it would be higher than 4:5).
func shotPost(j *job) {
	const wide, most, header = 1080, 1350, 176
	t := j.dayOrNight(theme{rgb(255, 255, 255), rgb(38, 38, 38)}, theme{rgb(30, 32, 38), rgb(228, 230, 235)})
	j.fitInto(wide, most)
	w, h := j.size()
	page := sheet(wide, header+h+300, t.ground)
	at(36, 40, 96, 96).fill(page, rgb(188, 64, 150), disc)
	at(48, 52, 72, 72).fill(page, rgb(250, 190, 90), disc)
	j.say(page, "second.hand.finds", 38, 160, 62, t.ink)
	for i := range 3 {
		at(960+26*float64(i), 84, 12, 12).fill(page, t.ink, disc)
	}
	y := float64(header + h)
	at(36, y+28, 64, 60).fill(page, rgb(237, 73, 86), heart)
	at(132, y+30, 58, 58).fill(page, t.ink, disc)
	at(138, y+36, 46, 46).fill(page, t.ground, disc)
	at(980, y+28, 60, 60).fill(page, t.ink, star)
	j.say(page, j.price("%d likes", 12, 940), 36, 36, y+120, t.ink)
	j.say(page, "like new, dm me for a price", 36, 36, y+180, t.ink)
	j.onto(page, image.Pt((wide-w)/2, header))
}

// shotListing is the page of an offer, 720 px wide: margins, a tinted ground,
// round corners, a row of thumbnails.
func shotListing(j *job) {
	const wide, margin, header, thumb = 720, 36, 120, 150
	others := j.others(4)
	if j.err != nil {
		return
	}
	t := j.dayOrNight(theme{rgb(226, 236, 248), rgb(24, 34, 60)}, theme{rgb(44, 30, 62), rgb(236, 226, 246)})
	j.fitInto(wide-2*margin, 860)
	w, h := j.size()
	high := max(1400, header+h+540)
	page := gradientSheet(wide, high, t.ground, rgb(uint8(t.ground.R/2+90), t.ground.G, uint8(t.ground.B/2+100)))
	for i := range 3 { // the menu
		box(page, image.Rect(36, 48+14*i, 84, 54+14*i), t.ink)
	}
	roundBox(page, at(110, 36, 480, 60), 30, rgba(255, 255, 255, 90))
	j.say(page, "search", 28, 140, 48, t.ink)
	at(628, 40, 50, 50).fill(page, t.ink, star)
	y := header + h + 20
	for i, o := range others {
		tile, _, _, _ := cover(o, thumb, thumb)
		putRounded(page, tile, image.Pt(margin+(thumb+16)*i, y), 16)
	}
	text := float64(y + thumb + 24)
	j.say(page, "Very good condition", 34, margin, text, t.ink)
	j.say(page, j.price("EUR %d,00", 12, 240), 44, margin, text+52, rgb(196, 40, 60))
	j.say(page, "ships in 2 days", 26, margin, text+116, t.ink)
	roundBox(page, at(margin, float64(high-120), wide-2*margin, 84), 42, rgb(30, 130, 120))
	j.say(page, "Add to basket", 34, 220, float64(high-100), rgb(255, 255, 255))
	j.ontoRounded(page, image.Pt((wide-w)/2, header), 28)
}

// shotBubbles is a chat, 393 px wide, the photo in a bubble of its own.
func shotBubbles(j *job) {
	const wide, inner, rim = 393, 252, 5
	t := j.dayOrNight(theme{rgb(229, 221, 210), rgb(40, 40, 40)}, theme{rgb(14, 26, 34), rgb(222, 228, 232)})
	ours, theirs := rgb(202, 240, 190), rgb(255, 255, 255)
	if t.ground.R < 128 {
		ours, theirs = rgb(20, 92, 76), rgb(38, 52, 60)
	}
	j.fitInto(inner, 420)
	w, h := j.size()
	high := max(852, h+460)
	page := wallpaper(wide, high, t.ground)
	box(page, image.Rect(0, 0, wide, 84), theirs)
	at(52, 34, 40, 40).fill(page, rgb(110, 150, 220), disc)
	j.say(page, "Kim", 18, 104, 40, t.ink)
	roundBox(page, at(12, 106, 230, 44), 14, theirs)
	j.say(page, "is it still there?", 15, 24, 117, t.ink)
	roundBox(page, at(wide-172, 162, 160, 40), 14, ours)
	j.say(page, "yes! look", 15, wide-158, 172, t.ink)
	x, y := wide-12-rim-w, 214+rim
	roundBox(page, at(float64(x-rim), float64(y-rim), float64(w+2*rim), float64(h+2*rim+24)), 16, ours)
	j.say(page, "17:26", 11, float64(x+w-44), float64(y+h+8), t.ink)
	below := float64(y + h + 48)
	roundBox(page, at(12, below, 190, 44), 14, theirs)
	j.say(page, j.price("%d ok for you?", 10, 90), 15, 24, below+11, t.ink)
	roundBox(page, at(10, float64(high-62), wide-80, 46), 23, theirs)
	at(wide-58, float64(high-62), 46, 46).fill(page, rgb(0, 150, 110), disc)
	j.ontoRounded(page, image.Pt(x, y), 12)
}

// wallpaper is a ground with a pattern of faint rings.
func wallpaper(w, h int, c color.NRGBA) *image.NRGBA {
	page := sheet(w, h, c)
	for y := 0; y < h; y += 46 {
		for x := -(y / 46 % 2) * 23; x < w; x += 46 {
			a := at(float64(x)+8, float64(y)+8, 22, 22)
			a.fill(page, rgba(128, 128, 128, 40), disc)
			a.inset(4).fill(page, c, disc)
		}
	}
	return page
}
