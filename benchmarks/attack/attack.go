// Package attack makes copies of a photo in the ways in which stolen product
// photos come back: recompressed, cropped, framed, stamped, pasted into a shop
// page, a collage or another scene, photographed from a screen. The accuracy
// check judges them.
//
// The simplest generator has one function per edit and a random source. Then
// every run judges other copies, a miss cannot be looked at again, and a matcher
// is soon fitted to the few constants that the author of the generator happened
// to write. So here
//
//   - every copy is drawn from a source that is seeded by the name of the photo
//     and of the attack: the same pair gives the same bytes, in any order and
//     from any goroutine;
//   - there are two sets of constants, Published and Second, with the same
//     families and as many attacks in each. What is found in one and not in the
//     other is found by its constants;
//   - a copy says where the photo lies in it, so that a matcher that claims to
//     know the place can be held to it.
//
// An attack is a list of steps over a job (the picture as it is, its place, the
// random source); a combination of attacks is a longer list. A step never
// writes into the picture that it was given, so a photo may be shared by any
// number of jobs. Steps work on 8-bit pictures, and within a step in floating
// point: copies may differ by a level between processor families, never between
// two runs on one.
//
// Not done: attacks that learn (a generator against the matcher), video, and
// new photos of the same product, which are not copies.
package attack

import (
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"path/filepath"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
)

// Set is one choice of constants for the attacks.
type Set int

const (
	// Published is the set whose figures are quoted.
	Published Set = iota
	// Second has the same families with other canvases, fonts, colours,
	// layouts, positions and strengths.
	Second
)

// String returns "published" or "second".
func (s Set) String() string {
	switch s {
	case Published:
		return "published"
	case Second:
		return "second"
	}
	return fmt.Sprintf("Set(%d)", int(s))
}

// ParseSet is the reverse of String.
func ParseSet(name string) (Set, error) {
	for _, s := range []Set{Published, Second} {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("set of attacks %q: want published or second", name)
}

// Attack names one way to edit a photo.
type Attack struct {
	// Name is unique within a set. Where the strength is part of the name, the
	// sets have different names.
	Name string
	// Family groups attacks whose recall is reported together. Both sets have
	// the same families with as many attacks in each.
	Family string
	// PlainOnly says that the attack needs a photo with a white or plain
	// background.
	PlainOnly bool
}

// All lists the 89 attacks of a set, family by family.
func All(s Set) []Attack {
	var all []Attack
	for _, r := range recipes(s) {
		all = append(all, r.Attack)
	}
	return all
}

// recipe is an attack and how it is done.
type recipe struct {
	Attack
	steps []step
	out   encoding
}

// recipes lists a set in the order of All.
func recipes(s Set) []recipe {
	if s == Second {
		return second()
	}
	return published()
}

// attack makes a recipe whose copy is a JPEG of quality 85.
func attack(family, name string, steps ...step) recipe {
	return recipe{Attack{Name: name, Family: family}, steps, asJPEG(85)}
}

// as gives a recipe another encoding.
func (r recipe) as(out encoding) recipe {
	r.out = out
	return r
}

// step is one edit. It replaces the picture of the job and moves its place.
type step func(*job)

// job is a copy in the making.
type job struct {
	*Studio
	rng   *rand.Rand
	img   *image.NRGBA // opaque, bounds at (0,0), rows without gaps
	place quad
	err   error
}

// quad holds four corners: top left, top right, bottom right, bottom left.
type quad [4][2]float64

func (j *job) size() (w, h int) { return j.img.Rect.Dx(), j.img.Rect.Dy() }

// move applies the motion of a step to the place of the original.
func (j *job) move(f func(x, y float64) (float64, float64)) {
	for i, p := range j.place {
		j.place[i][0], j.place[i][1] = f(p[0], p[1])
	}
}

// scaleAndShift is the motion of scaling by sx and sy followed by a shift.
func (j *job) scaleAndShift(sx, sy, dx, dy float64) {
	j.move(func(x, y float64) (float64, float64) { return x*sx + dx, y*sy + dy })
}

// between draws a number in [lo, hi).
func (j *job) between(lo, hi float64) float64 { return lo + (hi-lo)*j.rng.Float64() }

// pixels draws an integer in [0, n], 0 if n is negative.
func (j *job) pixels(n int) int { return j.rng.IntN(max(n, 0) + 1) }

func (j *job) coin() bool { return j.rng.IntN(2) == 0 }

var errNoPool = errors.New("no pool photos to choose from")

// others draws n photos of the pool, different ones as long as there are
// enough.
func (j *job) others(n int) []*image.NRGBA {
	if len(j.pool) == 0 {
		j.err = errNoPool
	}
	var drawn []*image.NRGBA
	for len(drawn) < n && j.err == nil {
		for _, i := range j.rng.Perm(len(j.pool)) {
			drawn = append(drawn, j.pool[i])
		}
	}
	if j.err != nil {
		return make([]*image.NRGBA, n)
	}
	return drawn[:n]
}

// Studio makes copies. It never changes after it was made and may be used by
// any number of goroutines.
type Studio struct {
	prefix  string // of what the random source is seeded by
	recipes map[string]recipe
	font    *opentype.Font
	pool    []*image.NRGBA
}

// NewStudio prepares the attacks of a set. The pool holds the photos that fill
// the other tiles of collages and the scenes that photos are pasted into; none
// of them may be registered where the copies are judged. They must not be
// changed afterwards. Without a pool those attacks give an error.
func NewStudio(s Set, pool []*image.NRGBA) *Studio {
	st := &Studio{recipes: make(map[string]recipe)}
	for _, r := range recipes(s) {
		st.recipes[r.Name] = r
	}
	ttf := gobold.TTF
	if s != Published {
		st.prefix, ttf = s.String()+"|", gomonobold.TTF
	}
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(fmt.Sprintf("attack: font that comes with the module: %v", err))
	}
	st.font = f
	for _, p := range pool {
		st.pool = append(st.pool, opaque(p))
	}
	return st
}

// Copy is what an attack made of a photo.
type Copy struct {
	// Bytes is the encoded picture.
	Bytes []byte
	// Format is "jpeg", "png" or "webp".
	Format string
	// Place tells where the corners of the whole, upright original lie in the
	// copy (top left, top right, bottom right and bottom left of the original,
	// as x, y in pixels of the copy). Coordinates count from the outer corner of
	// the first pixel, so the corners of a w x h picture are (0,0) and (w,h).
	// They lie outside the copy where it shows only part of the original.
	Place *[4][2]float64
}

// Copy makes the copy of a photo by an attack of the set. The last element of
// file, together with the name of the attack, seeds the random source. The
// photo is not changed. Transparent photos are put on white.
func (s *Studio) Copy(a Attack, file string, img *image.NRGBA) (Copy, error) {
	r, known := s.recipes[a.Name]
	if !known {
		return Copy{}, fmt.Errorf("copy %s: no attack %q in this set", file, a.Name)
	}
	if img.Rect.Empty() {
		return Copy{}, fmt.Errorf("copy %s by %s: the picture is empty", file, a.Name)
	}
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	seed := crc32.ChecksumIEEE([]byte(s.prefix + filepath.Base(file) + "|" + a.Name))
	j := &job{
		Studio: s,
		rng:    rand.New(rand.NewPCG(uint64(seed), 0)),
		img:    opaque(img),
		place:  quad{{0, 0}, {w, 0}, {w, h}, {0, h}},
	}
	for _, do := range r.steps {
		if do(j); j.err != nil {
			return Copy{}, fmt.Errorf("copy %s by %s: %w", file, a.Name, j.err)
		}
	}
	b, err := r.out.encode(j.img)
	if err != nil {
		return Copy{}, fmt.Errorf("copy %s by %s: encode %s: %w", file, a.Name, r.out.format, err)
	}
	place := [4][2]float64(j.place)
	return Copy{Bytes: b, Format: r.out.format, Place: &place}, nil
}

// opaque returns the picture in the form in which steps take it; the same one
// if it has that form.
func opaque(img *image.NRGBA) *image.NRGBA {
	if img.Rect.Min == (image.Point{}) && img.Stride == 4*img.Rect.Dx() && img.Opaque() {
		return img
	}
	out := sheet(img.Rect.Dx(), img.Rect.Dy(), rgb(255, 255, 255))
	draw.Draw(asRGBA(out), out.Rect, img, img.Rect.Min, draw.Over)
	return out
}

// sheet makes a picture of one colour.
func sheet(w, h int, c color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	if len(img.Pix) == 0 {
		return img
	}
	copy(img.Pix, []uint8{c.R, c.G, c.B, 255})
	for n := 4; n < len(img.Pix); n *= 2 {
		copy(img.Pix[n:], img.Pix[:n])
	}
	return img
}

// clone copies a picture, for a step that draws on it.
func clone(img *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	copy(out.Pix, img.Pix)
	return out
}

// asRGBA looks at an opaque picture as the type for which the encoders and
// draw have fast paths. Both types hold the same bytes when alpha is 255.
func asRGBA(img *image.NRGBA) *image.RGBA {
	return &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
}

// rgb is an opaque colour.
func rgb(r, g, b uint8) color.NRGBA { return color.NRGBA{r, g, b, 255} }

// rgba is a colour with straight alpha.
func rgba(r, g, b, a uint8) color.NRGBA { return color.NRGBA{r, g, b, a} }
