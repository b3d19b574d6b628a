package attack

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Pages are pictures in which the photo is one part: screenshots of phones,
// collages, and other photos that it is pasted into.

// theme is the pair of colours of a phone's screen.
type theme struct{ ground, ink color.NRGBA }

// dayOrNight chooses a theme.
func (j *job) dayOrNight(day, night theme) theme {
	if j.coin() {
		return night
	}
	return day
}

// price fills a number of whole units into a text.
func (j *job) price(text string, lo, hi int) string {
	return fmt.Sprintf(text, lo+j.rng.IntN(hi-lo+1))
}

// toWidth scales the picture of the job to a width.
func (j *job) toWidth(w int) (high int) {
	iw, ih := j.size()
	j.resizeTo(w, int(float64(ih)*float64(w)/float64(iw)))
	return j.img.Rect.Dy()
}

// The first set's phone has a screen 540 px wide.
const phone = 540

func phoneTheme(j *job) theme {
	return j.dayOrNight(theme{rgb(250, 250, 250), rgb(20, 20, 20)}, theme{rgb(18, 18, 18), rgb(240, 240, 240)})
}

// statusBar draws the clock and the battery.
func (j *job) statusBar(page *image.NRGBA, ink color.NRGBA) {
	j.say(page, "9:41", 18, 18, 8, ink)
	frame(page, image.Rect(480, 12, 521, 27), 2, ink)
	box(page, image.Rect(482, 14, 507, 25), ink)
}

// shotTight is a photo viewer: the picture fills the width.
func shotTight(j *job) {
	t := phoneTheme(j)
	high := j.toWidth(phone)
	page := sheet(phone, high+90, t.ground)
	j.statusBar(page, t.ink)
	h := page.Rect.Dy()
	box(page, image.Rect(200, h-18, 341, h-11), t.ink)
	j.onto(page, image.Pt(0, 50))
}

// shotShop is the page of an item in a shop.
func shotShop(j *job) {
	t := phoneTheme(j)
	high := j.toWidth(phone)
	h := max(1170, high+260)
	j.shopPage(t, h, image.Pt(0, (h-high)/2-60))
}

// shotChat is a smaller picture on such a page.
func shotChat(j *job) {
	t := phoneTheme(j)
	high := j.toWidth(phone * 7 / 10)
	j.shopPage(t, max(1170, high+260), image.Pt(27, 150))
}

// shopPage puts the picture on a page with its texts and the button.
func (j *job) shopPage(t theme, h int, at image.Point) {
	page := sheet(phone, h, t.ground)
	j.statusBar(page, t.ink)
	j.say(page, "< Shop   item", 22, 18, 52, t.ink)
	y := float64(at.Y + j.img.Rect.Dy() + 18)
	for i, line := range []string{j.price("US $%d.90", 5, 98), "Free delivery  4.8 stars", "Sold 1.2k"} {
		j.say(page, line, 20, 18, y+34*float64(i), t.ink)
	}
	box(page, image.Rect(12, h-70, 529, h-19), rgb(240, 80, 30))
	j.say(page, "Buy now", 24, 210, float64(h-60), rgb(255, 255, 255))
	j.onto(page, at)
}

// collage puts the photo into one of the tiles and photos of the pool into the
// others. What shows between the tiles has the ground's colour.
func collage(w, h int, ground color.NRGBA, tiles ...image.Rectangle) step {
	return func(j *job) {
		page := sheet(w, h, ground)
		own := j.rng.IntN(len(tiles))
		others := j.others(len(tiles) - 1)
		if j.err != nil {
			return
		}
		for i, r := range tiles {
			if i == own {
				continue
			}
			tile, _, _, _ := cover(others[0], r.Dx(), r.Dy())
			put(page, tile, r.Min)
			others = others[1:]
		}
		tile, sx, sy, at := cover(j.img, tiles[own].Dx(), tiles[own].Dy())
		j.scaleAndShift(sx, sy, float64(at.X), float64(at.Y))
		j.img = tile
		j.onto(page, tiles[own].Min)
	}
}

// grid lays out tiles of one size, with a gutter between and around them.
func grid(columns, rows, w, h, gutter int) (tiles []image.Rectangle) {
	for y := range rows {
		for x := range columns {
			corner := image.Pt(gutter+x*(w+gutter), gutter+y*(h+gutter))
			tiles = append(tiles, image.Rectangle{corner, corner.Add(image.Pt(w, h))})
		}
	}
	return tiles
}

// trim is what surrounds a photo that was pasted into a scene.
type trim struct {
	frame  int // width of a white frame
	shadow int // how far a shadow falls to the right and down
}

// compose pastes the photo into a photo of the pool that is stretched to w x h.
// The photo's longer side is a share of the scene's mean side (the root of its
// area), less where it would not fit.
func compose(w, h int, part float64, t trim) step {
	return func(j *job) {
		scene := j.others(1)[0]
		if j.err != nil {
			return
		}
		page := clone(scaled(scene, w, h))
		iw, ih := j.size()
		rest := 2*t.frame + t.shadow
		s := part * math.Sqrt(float64(w*h)) / float64(max(iw, ih))
		s = min(s, float64(w-rest)/float64(iw), float64(h-rest)/float64(ih))
		j.resizeTo(int(float64(iw)*s), int(float64(ih)*s))
		iw, ih = j.size()
		at := image.Pt(j.pixels(w-iw-rest), j.pixels(h-ih-rest))
		outer := image.Rect(0, 0, iw+2*t.frame, ih+2*t.frame).Add(at)
		for d := range t.shadow {
			box(page, outer.Add(image.Pt(d+1, d+1)), rgba(0, 0, 0, uint8(100/t.shadow)))
		}
		box(page, outer, rgb(255, 255, 255))
		j.onto(page, at.Add(image.Pt(t.frame, t.frame)))
	}
}
