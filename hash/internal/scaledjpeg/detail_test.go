package scaledjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// album is a Detail that keeps what it wanted.
type album struct {
	want  func(x, y int) bool
	asked []image.Rectangle
	units []Unit
}

func (a *album) Want(x, y, w, h int) bool {
	a.asked = append(a.asked, image.Rect(x, y, x+w, y+h))
	return a.want(x, y)
}

func (a *album) Take(u *Unit) {
	c := *u
	c.Luma, c.Cb, c.Cr = bytes.Clone(u.Luma), bytes.Clone(u.Cb), bytes.Clone(u.Cr)
	a.units = append(a.units, c)
}

// chance wants each unit with a probability.
func chance(r *rand.Rand, p float64) func(x, y int) bool {
	return func(int, int) bool { return r.Float64() < p }
}

// inFull reports whether a file is one of those that can be read so: one sequential scan.
func inFull(tw *twin) bool { return !tw.progressive && tw.scans == 1 }

// detailed holds DecodeDetail to Decode and to the twin.
func detailed(t *testing.T, d *Decoder, name string, b []byte, scale int, want func(x, y int) bool) (read bool, a *album) {
	t.Helper()
	a = &album{want: want}
	tw, why := readTwin(b, scale, 1<<24)
	p, err := d.DecodeDetail(b, scale, a, never)
	if can := why == "" && inFull(tw); (err == nil) != can || err != nil && !errors.Is(err, ErrOdd) {
		t.Errorf("%s at %d: %v, twin %q, %d scans", name, scale, err, why, tw.scans)
	}
	if err != nil {
		return false, a
	}
	with := look(p)
	if p, err = new(Decoder).Decode(b, scale, never); err != nil || !look(p).equal(with) {
		t.Errorf("%s at %d: other samples than without detail (%v)", name, scale, err)
	}
	a.inOrder(t, tw, name)
	for i := range a.units {
		if off := tw.distance(&a.units[i]); off > 1 {
			t.Errorf("%s: the unit at (%d, %d) is %.2f levels off", name, a.units[i].X, a.units[i].Y, off)
			break
		}
	}
	return true, a
}

// inOrder checks that each unit was asked for, and that those wanted came.
func (a *album) inOrder(t *testing.T, tw *twin, name string) {
	t.Helper()
	w, h := 8*tw.comps[0].h, 8*tw.comps[0].v
	across, down := up(tw.width, w), up(tw.height, h)
	if len(a.asked) != across*down {
		t.Errorf("%s: asked for %d units of %d x %d", name, len(a.asked), across, down)
		return
	}
	for i, r := range a.asked {
		x, y := i%across*w, i/across*h
		if r != image.Rect(x, y, x+w, y+h) {
			t.Errorf("%s: unit %d is %v", name, i, r)
		}
	}
}

// distance is how many levels the pixels of a unit are off, at most, beyond the digits
// that pixels of huge terms lack.
func (t *twin) distance(u *Unit) (worst float64) {
	planes := [][]uint8{u.Luma, u.Cb, u.Cr}
	for i := range t.comps {
		c, y := &t.comps[i], &t.comps[0]
		w, h := u.W*c.h/y.h, u.H*c.v/y.v
		if len(planes[i]) != w*h || i > 0 && (u.SubX != y.h/c.h || u.SubY != y.v/c.v) {
			return math.Inf(1)
		}
		for v := range h {
			for x := range w {
				level, weight := c.pixel(u.X*c.h/y.h+x, u.Y*c.v/y.v+v)
				worst = max(worst, math.Abs(float64(planes[i][v*w+x])-min(max(level, 0), 255))-weight/4096)
			}
		}
	}
	return worst
}

// pixel is A.3.3, and the sum of the magnitudes that made it.
func (c *twinComponent) pixel(x, y int) (level, weight float64) {
	b := &c.blocks[y/8*c.across+x/8]
	level = 128
	for v := range 8 {
		for u := range 8 {
			q := b[8*v+u] * c.quant[zigzagOrder[8*v+u]]
			if q == 0 {
				continue
			}
			if u == 0 {
				q /= math.Sqrt2
			}
			if v == 0 {
				q /= math.Sqrt2
			}
			term := q / 4 * math.Cos(float64(2*(x%8)+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*(y%8)+1)*float64(v)*math.Pi/16)
			level, weight = level+term, weight+math.Abs(term)
		}
	}
	return level, weight
}

func TestDetailOfGeneratedFiles(t *testing.T) {
	var d Decoder
	read, units, seeds := 0, 0, 600
	if testing.Short() {
		seeds = 60
	}
	for seed := range uint64(seeds) {
		g := generate(t, seed)
		if g.reach > 1000 || g.options.WideTables && !g.natural {
			continue // coefficients that overflow are clipped elsewhere
		}
		r := rand.New(rand.NewPCG(seed, 3))
		ok, a := detailed(t, &d, g.name, g.data, 1+int(seed)%MaxScale, chance(r, pick(r, []float64{0, 0.1, 0.5, 1})))
		if ok {
			read++
			units += len(a.units)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d of %d files, %d units", read, seeds, units)
	if read < seeds/5 || units < seeds {
		t.Errorf("only %d files and %d units", read, units)
	}
}

// TestDetailIsNearImageJPEG compares pixels with image/jpeg's.
func TestDetailIsNearImageJPEG(t *testing.T) {
	long(t)
	var d Decoder
	files := 0
	worst := 0
	jpegs(t, repository, func(name string, b []byte) {
		r := rand.New(rand.NewPCG(uint64(len(b)), 4))
		a := &album{want: chance(r, 0.03)}
		if _, err := d.DecodeDetail(b, 1, a, never); err != nil {
			return
		}
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		files++
		for i := range a.units {
			off := apart(&a.units[i], img)
			if worst = max(worst, off); off > 1 {
				t.Errorf("%s: the unit at (%d, %d) is %d levels off", name, a.units[i].X, a.units[i].Y, off)
				return
			}
		}
	})
	t.Logf("%d files, at most %d levels off", files, worst)
	if files < 50 {
		t.Errorf("only %d files", files)
	}
}

// apart compares the pixels of a unit that lie in the picture.
func apart(u *Unit, img image.Image) (worst int) {
	off := func(a, b uint8) { worst = max(worst, max(int(a)-int(b), int(b)-int(a))) }
	pix, stride := luma(img)
	colour, _ := img.(*image.YCbCr)
	for y := u.Y; y < min(u.Y+u.H, img.Bounds().Dy()); y++ {
		for x := u.X; x < min(u.X+u.W, img.Bounds().Dx()); x++ {
			off(u.Luma[(y-u.Y)*u.W+x-u.X], pix[y*stride+x])
			if colour != nil {
				at := (y-u.Y)/u.SubY*(u.W/u.SubX) + (x-u.X)/u.SubX
				off(u.Cb[at], colour.Cb[colour.COffset(x, y)])
				off(u.Cr[at], colour.Cr[colour.COffset(x, y)])
			}
		}
	}
	return worst
}

// Damage is seen in the same way whether a block is read in full or walked over.
func TestDetailOfDamagedFiles(t *testing.T) {
	long(t)
	var d Decoder
	for name, b := range small(t) {
		for at := 2; at < ending(b); at++ {
			was := b[at]
			for _, with := range []byte{0xff, was ^ 1, was ^ 0x40} {
				b[at] = with
				a := &album{want: chance(rand.New(rand.NewPCG(uint64(at), 5)), 0.5)}
				what := fmt.Sprintf("%s with %#02x at %d", name, with, at)
				tw, why := readTwin(b, 2, 1<<20)
				if why == tooLarge {
					continue
				}
				_, err := d.DecodeDetail(b, 2, a, never)
				if (err == nil) != (why == "" && inFull(tw)) {
					t.Errorf("%s: %v, twin %q", what, err, why)
				}
			}
			b[at] = was
		}
	}
}

func TestDetailAllocatesNothing(t *testing.T) {
	for _, s := range []jpegwriter.Sampling{jpegwriter.S420, jpegwriter.S444} {
		b := encodeScene(t, 3, 200, 150, jpegwriter.Options{Sampling: s})
		var d Decoder
		var detail Detail = everything{}
		n := testing.AllocsPerRun(5, func() {
			if _, err := d.DecodeDetail(b, 2, detail, never); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v: %v allocations", s, n)
		}
	}
}

func TestNothingOfTheCallerIsKept(t *testing.T) {
	var d Decoder
	b := encodeScene(t, 3, 50, 50, jpegwriter.Options{})
	if _, err := d.DecodeDetail(b, 2, everything{}, never); err != nil {
		t.Fatal(err)
	}
	if d.detail != nil || d.reader.src != nil || d.reader.check != nil || d.codes[0][0].spec != nil {
		t.Error("the caller's bytes or functions are kept")
	}
}

// everything wants all units and forgets them.
type everything struct{}

func (everything) Want(_, _, _, _ int) bool { return true }
func (everything) Take(*Unit)               {}
