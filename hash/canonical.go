package hash

import (
	"image"
	"io"

	"github.com/disintegration/imaging"
)

// A decoder hands over a picture in one of a dozen memory layouts, with bounds
// that may start anywhere, with alpha, turned by a camera. Everything behind
// this file sees one thing only: the canonical picture.
//
// Letting each hash read image.Image by itself would be simplest. It is not
// done because the layouts then leak into the hashes: bounds that do not start
// at (0,0) change goimagehash's result by up to 38 of 64 bits, transparent
// pixels count as black or as nothing depending on the layout, and resizing
// libraries start goroutines in which a panic cannot be recovered.
//
// So the picture is read once, row by row, on the caller's goroutine, with
// every index checked, flattened on white with straight alpha, and reduced
// while it is read:
//
//   - luma: BT.601, 8 bits and 8 more of fraction, long side at most 1,024;
//   - colour: RGB, long side at most 192. The border is found on it, and the
//     colour signature and the thumbnail come from it.
//
// Luma is taken from the RGB that a viewer would show, also for JPEG, whose Y
// plane is nearly the same thing: where colours are clipped the two differ,
// and on flat pictures that alone moved PDQ by 10 bits from the reference
// implementation. The fraction is kept for the same reason: with luma rounded
// to 8 bits the same picture was 8 bits away, now it is 4.
//
// Reduction rounds once, exactly, so that every CPU gives the same pixels. Only
// then is the (small) picture turned upright. Reducing and turning commute:
// the weights are symmetric.

const (
	lumaSide   = 1024 // longest side of the luma plane
	colourSide = 192  // longest side of the colour picture
)

// canonical is a picture of which nothing is left to the imagination: upright,
// opaque, origin at zero.
type canonical struct {
	luma   plane
	colour *image.NRGBA
	means  *samples // of 64x64 cells of luma; nil until the fingerprint is computed
}

// plane is grey with 8 fractional bits, row by row.
type plane struct {
	w, h int
	pix  []uint16
}

// workspace is the room in which pictures are made canonical one after the
// other. The zero value is ready. Nothing of
// it is part of a canonical picture.
type workspace struct {
	row     []byte   // pixels of 4 bytes, over white
	grey    []uint16 // their luma
	columns []int    // see ycbcrRows
	shades  []shade
	fine    reducer[uint16]
	colours colours

	inflate    io.ReadCloser // see readPNG
	now, above []byte
}

// canonicalise reduces img and turns it upright by an EXIF orientation of 1 to
// 8. It fails with an *UnusableError if img is empty or its pixels cannot be
// read, and with what check returns, which is asked every few rows.
func canonicalise(img image.Image, orientation int, check func() error) (*canonical, error) {
	return new(workspace).canonicalise(img, orientation, check)
}

func (ws *workspace) canonicalise(img image.Image, orientation int, check func() error) (c *canonical, err error) {
	if img.Bounds().Empty() {
		return nil, unusable(Corrupt, "no pixels")
	}
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, unusable(Corrupt, "read pixels: %v", p)
		}
	}()
	if c, err = ws.reduce(img, check); err != nil {
		return nil, err
	}
	c.turn(orientation)
	return c, nil
}

// checkRows is how many rows are read between two checks; of the widest
// picture allowed they take two milliseconds.
const checkRows = 16

// reduce makes the canonical picture, still turned as it was stored.
func (ws *workspace) reduce(img image.Image, check func() error) (*canonical, error) {
	read, isGrey := rowsOf(img, ws)
	return ws.reduceRows(img.Bounds().Dx(), img.Bounds().Dy(), read, isGrey, check)
}

// reduceRows makes the canonical picture of h rows of w pixels.
func (ws *workspace) reduceRows(w, h int, read rows, isGrey bool, check func() error) (*canonical, error) {
	lw, lh := fit(w, h, lumaSide)
	cw, ch := fit(w, h, colourSide)
	ws.fine.reset(w, h, lw, lh, 1)
	ws.colours.reset(w, h, cw, ch, isGrey)
	ws.grey = sized(ws.grey, w)
	for y := range h {
		if y%checkRows == 0 {
			if err := check(); err != nil {
				return nil, err
			}
		}
		grey := ws.grey
		if lw == w && lh == h {
			grey = ws.fine.out[y*w:][:w]
		}
		read(y, grey, ws.colours.room())
		ws.colours.added()
		if lw != w || lh != h {
			ws.fine.add(grey)
		}
	}
	return &canonical{luma: plane{lw, lh, ws.fine.out}, colour: ws.colours.out}, nil
}

// orientations are the turns that undo EXIF orientations 1 to 8 (CIPA DC-008,
// tag 0x0112), and imaging's names for them; its turns are anticlockwise.
var orientations = [...]struct {
	t      Transform
	colour func(image.Image) *image.NRGBA
}{
	2: {Mirror, imaging.FlipH},
	3: {Rot180, imaging.Rotate180},
	4: {MirrorRot180, imaging.FlipV},
	5: {MirrorRot270, imaging.Transpose},
	6: {Rot90, imaging.Rotate270},
	7: {MirrorRot90, imaging.Transverse},
	8: {Rot270, imaging.Rotate90},
}

// turn undoes an EXIF orientation. imaging turns the colour picture; it knows
// no picture of 16 bits, so the luma plane is turned here.
func (c *canonical) turn(orientation int) {
	if orientation < 2 || orientation >= len(orientations) {
		return
	}
	o := orientations[orientation]
	c.colour = o.colour(c.colour)
	c.luma = c.luma.turned(o.t)
}

func (p plane) turned(t Transform) plane {
	u := turns[t]
	q := plane{p.w, p.h, make([]uint16, len(p.pix))}
	if u.transpose {
		q.w, q.h = p.h, p.w
	}
	for y := range p.h {
		for x := range p.w {
			tx, ty := u.place(x, y, q.w, q.h)
			q.pix[ty*q.w+tx] = p.pix[y*p.w+x]
		}
	}
	return q
}

// word returns the picture that goimagehash sees: 64x64, averaged by area.
func (c *canonical) word() *image.Gray {
	means := c.means
	if means == nil {
		means = average(c.luma)
	}
	g := image.NewGray(image.Rect(0, 0, pdqSide, pdqSide))
	for j, row := range means {
		for i, v := range row {
			g.Pix[j*pdqSide+i] = uint8(min(255, (v+1<<(fractionBits-1))>>fractionBits))
		}
	}
	return g
}
