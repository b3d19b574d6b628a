package hash

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math/bits"
	"testing"

	"github.com/corona10/goimagehash"
	"pgregory.net/rapid"
)

// colourful is a smooth opaque colour picture with enough detail to hash.
func colourful(seed uint64, w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for c := range 3 {
		p := texture(seed*3+uint64(c), w, h)
		for i, v := range p.pix {
			m.Pix[4*i+c], m.Pix[4*i+3] = uint8(v>>8), 255
		}
	}
	return m
}

// reduced makes a picture canonical that is known to be sound.
func reduced(m image.Image) *canonical {
	c, err := new(workspace).reduce(m, func() error { return nil })
	if err != nil {
		panic(err)
	}
	return c
}

func converted[M draw.Image](src image.Image, dst M) M {
	draw.Draw(dst, dst.Bounds(), src, src.Bounds().Min, draw.Src)
	return dst
}

// opaque hides the concrete type, so that pixels are read one by one.
type opaque struct{ m image.Image }

func (o opaque) ColorModel() color.Model { return o.m.ColorModel() }
func (o opaque) Bounds() image.Rectangle { return o.m.Bounds() }
func (o opaque) At(x, y int) color.Color { return o.m.At(x, y) }

// deep offers its pixels as 16 bits only.
type deep struct{ image.RGBA64Image }

// The memory layout must not leak into the canonical picture.
func TestLayoutsAgree(t *testing.T) {
	src := colourful(5, 120, 90)
	want := reduced(src)
	shifted := image.NewNRGBA(image.Rect(-7, 1000, 113, 1090))
	draw.Draw(shifted, shifted.Rect, src, image.Point{}, draw.Src)
	large := converted(src, image.NewNRGBA(image.Rect(0, 0, 200, 200)))
	for name, m := range map[string]image.Image{
		"RGBA":             converted(src, image.NewRGBA(src.Rect)),
		"NRGBA64":          converted(src, image.NewNRGBA64(src.Rect)),
		"RGBA64":           converted(src, image.NewRGBA64(src.Rect)),
		"bounds elsewhere": shifted,
		"part of a larger": large.SubImage(src.Rect),
		"read one by one":  opaque{src},
		"read as 16 bits":  deep{src},
	} {
		got := reduced(m)
		if !equalPlanes(got.luma, want.luma) || string(got.colour.Pix) != string(want.colour.Pix) {
			t.Errorf("%s gives another canonical picture", name)
		}
	}
	palette := translucentPalette(src)
	if !equalPlanes(reduced(palette).luma, reduced(opaque{palette}).luma) {
		t.Error("a palette read by index differs from one read pixel by pixel")
	}
}

func translucentPalette(src image.Image) *image.Paletted {
	p := make(color.Palette, 0, 256)
	for i := range 256 {
		p = append(p, color.NRGBA{uint8(i), uint8(255 - i), uint8(i / 2), uint8(255 - i/3)})
	}
	return converted(src, image.NewPaletted(src.Bounds(), p))
}

func equalPlanes(a, b plane) bool {
	if a.w != b.w || a.h != b.h {
		return false
	}
	for i := range a.pix {
		if a.pix[i] != b.pix[i] {
			return false
		}
	}
	return true
}

func TestAlphaIsLaidOverWhite(t *testing.T) {
	for _, c := range []struct {
		c    color.NRGBA
		want uint8
	}{
		{color.NRGBA{0, 0, 0, 0}, 255},
		{color.NRGBA{200, 200, 200, 0}, 255},
		{color.NRGBA{0, 0, 0, 255}, 0},
		{color.NRGBA{0, 0, 0, 128}, 127},
		{color.NRGBA{100, 100, 100, 255}, 100},
	} {
		straight := image.NewNRGBA(image.Rect(0, 0, 1, 1))
		straight.SetNRGBA(0, 0, c.c)
		premultiplied := image.NewRGBA(straight.Rect)
		premultiplied.Set(0, 0, c.c)
		for _, m := range []image.Image{straight, premultiplied, opaque{straight}} {
			if got := reduced(m).colour.Pix[0]; got != c.want {
				t.Errorf("%T %v: %d, want %d", m, c.c, got, c.want)
			}
		}
	}
	overflow := &image.RGBA{Pix: []byte{255, 255, 255, 10}, Stride: 4, Rect: image.Rect(0, 0, 1, 1)}
	if got := reduced(overflow).colour.Pix[0]; got != 255 {
		t.Errorf("more colour than alpha: %d", got)
	}
}

func TestHostilePicturesAreRefused(t *testing.T) {
	short := image.NewNRGBA(image.Rect(0, 0, 50, 50))
	short.Pix = short.Pix[:100]
	for name, m := range map[string]image.Image{
		"nil":                    nil,
		"nil of a type":          (*image.RGBA)(nil),
		"empty":                  image.NewNRGBA(image.Rectangle{}),
		"one side empty":         image.NewGray(image.Rect(0, 0, 40, 0)),
		"colour of no palette":   &image.Paletted{Pix: make([]byte, 2500), Stride: 50, Rect: image.Rect(0, 0, 50, 50)},
		"fewer pixels than said": short,
		"small":                  colourful(1, 15, 400),
		"long":                   image.NewUniform(color.White),
	} {
		_, err := Of(m)
		var u *UnusableError
		if !errors.As(err, &u) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBlankIsTooPlain(t *testing.T) {
	for _, c := range []color.Color{color.White, color.Black, color.Transparent} {
		m := image.NewNRGBA(image.Rect(0, 0, 300, 200))
		draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		_, err := Of(m)
		if r, _ := IsUnusable(err); r != TooPlain {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// The slow twin of the reducer: rational weights, one output pixel at a time.
func slowReduce(pix []uint16, w, h, ow, oh int) []uint16 {
	overlap := func(i, in, out, x int) int {
		return max(0, min((x+1)*out, (i+1)*in)-max(x*out, i*in))
	}
	out := make([]uint16, ow*oh)
	for j := range oh {
		for i := range ow {
			sum := 0
			for y := range h {
				for x := range w {
					sum += int(pix[y*w+x]) * overlap(i, w, ow, x) * overlap(j, h, oh, y)
				}
			}
			out[j*ow+i] = uint16((sum + w*h/2) / (w * h))
		}
	}
	return out
}

func TestReducerAgainstSlowTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 40)
		w, h, ow, oh := side.Draw(t, "w"), side.Draw(t, "h"), side.Draw(t, "ow"), side.Draw(t, "oh")
		pix := rapid.SliceOfN(rapid.Uint16(), w*h, w*h).Draw(t, "pix")
		r := newReducer[uint16](w, h, ow, oh, 1)
		for y := range h {
			r.add(pix[y*w : (y+1)*w])
		}
		for i, want := range slowReduce(pix, w, h, ow, oh) {
			if r.out[i] != want {
				t.Fatalf("pixel %d: %d, want %d", i, r.out[i], want)
			}
		}
	})
}

func TestReducingAndTurningCommute(t *testing.T) {
	p := texture(9, 301, 207)
	reducePlane := func(p plane, w, h int) plane {
		r := newReducer[uint16](p.w, p.h, w, h, 1)
		for y := range p.h {
			r.add(p.pix[y*p.w:][:p.w])
		}
		return plane{w, h, r.out}
	}
	for tr := range Transform(Transforms) {
		w, h := 100, 70
		after := reducePlane(p, w, h).turned(tr)
		before := p.turned(tr)
		if turns[tr].transpose {
			w, h = h, w
		}
		if !equalPlanes(after, reducePlane(before, w, h)) {
			t.Errorf("%s: turning before and after reducing differ", tr)
		}
	}
}

// Each EXIF orientation undone must give the upright picture back, in luma and
// in colour.
func TestOrientations(t *testing.T) {
	upright := reduced(colourful(4, 90, 60))
	for o, way := range orientations {
		if way.colour == nil {
			continue
		}
		stored := &canonical{luma: upright.luma.turned(way.t.inverse())}
		stored.colour = image.NewNRGBA(image.Rect(0, 0, stored.luma.w, stored.luma.h))
		for y := range 60 {
			for x := range 90 {
				sx, sy := turns[way.t.inverse()].place(x, y, stored.luma.w, stored.luma.h)
				stored.colour.SetNRGBA(sx, sy, upright.colour.NRGBAAt(x, y))
			}
		}
		stored.turn(o)
		if !equalPlanes(stored.luma, upright.luma) || string(stored.colour.Pix) != string(upright.colour.Pix) {
			t.Errorf("orientation %d is not undone", o)
		}
	}
	// The words of the standard: 6 means that the stored top is the right side.
	if turns[orientations[6].t] != turns[Rot90] || turns[orientations[3].t] != turns[Rot180] {
		t.Error("orientation 6 is a quarter turn clockwise, 3 a half turn")
	}
}

func TestWordsAreTheLibrarys(t *testing.T) {
	for seed := range uint64(5) {
		m := colourful(seed, 150+int(seed)*40, 130)
		f, err := Of(m)
		if err != nil {
			t.Fatal(err)
		}
		g := reduced(m).word()
		for k, compute := range map[Kind]func(image.Image) (*goimagehash.ImageHash, error){
			Perception: goimagehash.PerceptionHash, Difference: goimagehash.DifferenceHash,
		} {
			want, err := compute(g)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := f.Word(k); !ok || got != want.GetHash() {
				t.Errorf("%s: %016x, the library has %016x", k, got, want.GetHash())
			}
			// Lists were made of the original picture: near, not equal.
			original, err := compute(m)
			if err != nil {
				t.Fatal(err)
			}
			if d := bits.OnesCount64(original.GetHash() ^ want.GetHash()); d > 8 {
				t.Errorf("%s: %d bits from the library on the original", k, d)
			}
		}
		if f.Has(Average) {
			t.Error("nobody asked for the average hash")
		}
	}
}

// The hashes of tied pictures are the same on every CPU.
func TestTiedPictures(t *testing.T) {
	plaid, negative := image.NewGray(image.Rect(0, 0, 64, 64)), image.NewGray(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			plaid.Pix[y*64+x] = uint8(x*x*37%128 + y*y*37%128)
			negative.Pix[y*64+x] = uint8((31*x + 17*y*y) % 251)
			if x >= 32 {
				negative.Pix[y*64+x] = 255 - negative.Pix[y*64+63-x]
			}
		}
	}
	for _, c := range []struct {
		name string
		g    *image.Gray
		want [3]uint64
	}{
		{"plaid", plaid, [3]uint64{0x806b297b4d727663, 0xaaaaaaaaaaaaaaaa, 0x7e7e76667e7e00}},
		{"negative", negative, [3]uint64{0x8a9c8ffa8a8aaaaa, 0x995a3cb53c91db52, 0xf170f0f0f55172b}},
	} {
		got := [3]uint64{word(c.g, Perception), word(c.g, Difference), word(c.g, Average)}
		if got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
}

func TestCompleteAddsWhatIsAskedFor(t *testing.T) {
	c := reduced(colourful(2, 100, 100))
	f, err := c.fingerprint()
	if err != nil || f.Has(Perception) {
		t.Fatal(f, err)
	}
	full := Info{canonical: c}.Complete(f, Average)
	for k := PDQ; k <= Average; k++ {
		if !full.Has(k) {
			t.Errorf("%s is missing", k)
		}
	}
	if (Info{}).Complete(f) != f {
		t.Error("an Info without a picture changed the fingerprint")
	}
}

func TestThumbnailIsSmall(t *testing.T) {
	for _, size := range [][2]int{{16, 16}, {1000, 20}, {600, 800}} {
		c := reduced(noisy(1, size[0], size[1]))
		b, err := Info{canonical: c}.Thumbnail()
		if err != nil || len(b) > thumbnailBytes || len(b) == 0 {
			t.Errorf("%v: %d bytes, %v", size, len(b), err)
		}
	}
	if _, err := (Info{}).Thumbnail(); err == nil {
		t.Error("a thumbnail of nothing")
	}
}
