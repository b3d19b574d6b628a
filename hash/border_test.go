package hash

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
	"github.com/touchstone-go/touchstone/hash/internal/scaledjpeg"
)

// exactColour is the colour picture of the exact path.
func exactColour(t *testing.T, b []byte) *image.NRGBA {
	t.Helper()
	h, err := inspect(b, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	c, err := decodeCanonical(context.Background(), b, h, time.Now().Add(time.Minute), new(workspace))
	if err != nil {
		t.Fatal(err)
	}
	return c.colour
}

// gridOf reads the lines of a file that a function chooses in full, as they are stored.
func gridOf(t *testing.T, b []byte, scale int, wanted func() bool) *borderGrid {
	t.Helper()
	var d scaledjpeg.Decoder
	check := func() error { return nil }
	pic, err := d.Decode(b, scale, check)
	if err != nil {
		t.Fatal(err)
	}
	g := new(borderGrid)
	g.begin(pic, orientations[orientation(surveyJPEG(b).exif)].t)
	for _, lines := range [][]bool{g.rows, g.cols} {
		for i := range lines {
			lines[i] = wanted()
		}
	}
	g.read()
	if _, err = d.DecodeDetail(b, scale, g, check); err != nil {
		t.Fatal(err)
	}
	g.finish()
	g.box() // turns the picture upright
	return g
}

// Pixels on exact lines are those of the exact path, whatever kind of file they come from
// and however it is turned. Their colours may be two levels off where the inverse
// DCTs of both decoders differ by one.
func TestBorderLinesAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	p := demoNamed(t, "tee-slogan").img
	worst, cells := 0, 0
	n := 0
	for kind, o := range kinds() {
		if o.Progressive || o.Script != nil {
			continue // only files of one sequential scan are read so
		}
		o.Orientation = 1 + n%8
		n++
		img := imaging.Resize(p, 260+r.IntN(500), 250+r.IntN(500), imaging.Linear)
		b := written(t, img, o)
		for _, share := range []float64{0, .1, 1} {
			g := gridOf(t, b, 1+n%scaledjpeg.MaxScale, func() bool { return r.Float64() < share })
			want := exactColour(t, b)
			if g.upright.Rect != want.Rect {
				t.Fatalf("%s: a grid of %v, the exact path's is %v", kind, g.upright.Rect, want.Rect)
			}
			for y := range g.size.Y {
				for x := range g.size.X {
					if !g.rows[y] && !g.cols[x] {
						continue
					}
					cells++
					ux, uy := turns[g.turn].place(x, y, want.Rect.Dx(), want.Rect.Dy())
					off := apartInColour(g.upright.NRGBAAt(ux, uy), want.NRGBAAt(ux, uy))
					if worst = max(worst, off); off > 2 {
						t.Fatalf("%s, orientation %d, %v: cell (%d, %d) is %d levels off", kind, o.Orientation, img.Rect, x, y, off)
					}
				}
			}
		}
	}
	t.Logf("%d cells, at most %d levels off", cells, worst)
	if cells < 10000 {
		t.Errorf("only %d cells", cells)
	}
}

func apartInColour(a, b color.NRGBA) int {
	off := func(u, v uint8) int { return max(int(u)-int(v), int(v)-int(u)) }
	return max(off(a.R, b.R), off(a.G, b.G), off(a.B, b.B), off(a.A, b.A))
}

// All pixels of a side are shared out among its cells, each cell getting as much.
func TestSharesAreWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var s []cellShare
	for range 200 {
		cells := 1 + r.IntN(colourSide)
		n := cells + r.IntN(3000)
		wanted := make([]bool, cells)
		for i := range wanted {
			wanted[i] = r.IntN(4) == 0
		}
		s = shares(s, n, wanted)
		sum := make([]uint64, cells+1)
		for x, c := range s {
			sum[c.cell] += c.share
			sum[c.cell+1] += c.rest
			touches := wanted[c.cell] || c.rest > 0 && wanted[c.cell+1]
			if c.wanted != touches || c.share == 0 {
				t.Fatalf("%d pixels, %d cells: pixel %d is %+v", n, cells, x, c)
			}
		}
		for i, v := range sum {
			if want := uint64(n); i < cells && v != want || i == cells && v != 0 {
				t.Fatalf("%d pixels, %d cells: cell %d gets %d", n, cells, i, v)
			}
		}
		from, w := r.IntN(n+40), 1+r.IntN(32)
		any := false
		for x := from; x < min(from+w, n); x++ {
			any = any || s[x].wanted
		}
		if anyWanted(s, from, w) != any {
			t.Fatalf("%d pixels from %d: wanted %v", w, from, !any)
		}
	}
}

// sheet is a photo on a larger sheet: margins of any width on any side, even, noisy
// or sloping, one inside the other.
func sheet(r *rand.Rand, m *image.NRGBA) (*image.NRGBA, string) {
	m = imaging.Resize(m, 300+r.IntN(500), 300+r.IntN(500), imaging.Linear)
	what := fmt.Sprint(m.Rect.Dx(), " x ", m.Rect.Dy())
	for range 1 + r.IntN(2) {
		c := color.NRGBA{uint8(r.Uint32()), uint8(r.Uint32()), uint8(r.Uint32()), 255}
		if r.IntN(2) == 0 {
			c = []color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}}[r.IntN(2)]
		}
		var margin [4]int
		for i := range margin {
			if r.IntN(3) > 0 {
				margin[i] = 1 + r.IntN(120)
			}
		}
		noise := []int{0, 0, 4, 12}[r.IntN(4)]
		to := imaging.New(m.Rect.Dx()+margin[0]+margin[2], m.Rect.Dy()+margin[1]+margin[3], c)
		for i := range to.Pix {
			if i%4 != 3 && noise > 0 {
				to.Pix[i] = uint8(min(max(int(to.Pix[i])+r.IntN(2*noise+1)-noise, 0), 255))
			}
		}
		m = imaging.Paste(to, m, image.Pt(margin[0], margin[1]))
		what += fmt.Sprintf(", %v of %v, noise %d", margin, c, noise)
	}
	return m, what
}

// A border ends for a query where it ends for the exact path. On borders that noise or a
// slope makes doubtful a line may be decided otherwise.
func TestBordersEndWhereTheyEnd(t *testing.T) {
	notShort(t)
	r := rand.New(rand.NewPCG(4, 4))
	photos := someOf(t, "boots-brown", "dress-birds", noBorder, "goggles", "rope")
	var h Hasher
	var d fidelity
	var small, other, far, decided int
	const sheets = 40
	for n := range sheets {
		img, what := sheet(r, photos[n%len(photos)].img)
		o := jpegwriter.Options{Quality: 50 + r.IntN(46), Sampling: []jpegwriter.Sampling{jpegwriter.S420, jpegwriter.S444, jpegwriter.S422}[n%3], Orientation: 1 + n%8}
		q, e := sameAnswer(t, &h, what, written(t, img, o), patient())
		if !q.small() {
			continue
		}
		small++
		d.codes(t, what, q, e)
		line := (max(img.Rect.Dx(), img.Rect.Dy())+colourSide-1)/colourSide + 1
		a, b := q.info.Box(Trimmed), e.info.Box(Trimmed)
		switch {
		case (a == q.info.Box(Full)) != (b == e.info.Box(Full)):
			decided++
			t.Logf("%s: %v as a query, %v exactly", what, a, b)
		case a != b:
			other++
			if !a.In(b.Inset(-line)) || !b.In(a.Inset(-line)) {
				far++
				t.Logf("%s: %v as a query, %v exactly", what, a, b)
			}
		}
	}
	t.Logf("%d of %d read small; decided otherwise %d, elsewhere %d, of which by more than a line %d; %d of %d trimmed frames more than 16 bits off, full frames at most %d",
		small, sheets, decided, other, far, d.farTrimmed, d.trimmed, d.worst)
	if small < sheets/2 || decided > 1 || other > sheets/20 || far > 1 || d.farTrimmed > 1 || d.trimmed < sheets/3 {
		t.Error("borders end elsewhere, or are not looked at")
	}
}

// Behind one border there may be another, which the outer one interrupted.
func TestBorderBehindBars(t *testing.T) {
	var h Hasher
	photo := imaging.Resize(demoNamed(t, "boots-brown").img, 500, 354, imaging.Linear)
	margin := imaging.Paste(imaging.New(500, 468, color.White), photo, image.Point{})
	for _, bars := range []color.NRGBA{{0, 0, 0, 255}, {110, 118, 8, 255}, {200, 30, 30, 255}} {
		b := edit.JPEG(imaging.Paste(imaging.New(687, 468, bars), margin, image.Pt(117, 0)), 80)
		q, e := h.seeAs(b, patient()), readAs(b, patient())
		if n := q.f.frames[Trimmed][0].Distance(e.f.frames[Trimmed][0]); n > 16 {
			t.Errorf("bars of %v: %d bits, %v as a query, %v exactly", bars, n, q.info.Box(Trimmed), e.info.Box(Trimmed))
		}
	}
}
