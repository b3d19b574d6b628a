package hash

import (
	"image"
	"math"
	"testing"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

// TestInnerPictureIsJudged: a photo in the middle of another one is found as a
// picture inside the picture, by its hash, and its grey levels say that it is the
// photo. Its place is taken from there, whether it is mirrored or not.
func TestInnerPictureIsJudged(t *testing.T) {
	ps := demoPhotos(t)
	p, stranger := demoNamed(t, "microwave"), demoNamed(t, "drill-red")
	code, _ := fingerprint(t, p.img).Code(Full)
	for _, tr := range []Transform{Upright, Mirror} {
		small := edit.Scale(p.img, .5, .5)
		at := image.Rect(120, 90, 120+small.Rect.Dx(), 90+small.Rect.Dy())
		want := corners(float64(at.Min.X), float64(at.Min.Y), float64(at.Max.X), float64(at.Max.Y))
		if tr == Mirror {
			small = edit.Mirror(small)
			want = corners(float64(at.Max.X), float64(at.Min.Y), float64(at.Min.X), float64(at.Max.Y))
		}
		info := infoOf(t, imaging.Paste(ps[0].img, small, at.Min))
		s := info.Scene()
		best, by := 256, Inner{}
		for _, n := range info.Inner() {
			if vs := n.Variants(); len(vs) != 2 || vs[0].Transform != Upright || vs[1].Transform != Mirror {
				t.Fatalf("variants of an inner picture: %v", vs)
			}
			for _, v := range n.Variants() {
				if d := v.Code.Distance(code); v.Transform == tr && d < best {
					best, by = d, n
				}
			}
		}
		if best > 50 {
			t.Fatalf("%v: no inner picture within %d bits of the photo", tr, best)
		}
		a, ok := s.AlignInner(p.features(), by, Full, tr)
		if !ok || a.Evidence < sure || quadError(a.Quad, want) > .03 {
			t.Errorf("%v: evidence %d, at %v, want %v", tr, a.Evidence, a.Quad, want)
		}
		if a, _ := s.AlignInner(stranger.features(), by, Full, tr); a.Evidence >= sure {
			t.Errorf("%v: another photo has evidence %d", tr, a.Evidence)
		}
	}
}

func fingerprint(t *testing.T, img image.Image) Fingerprint {
	t.Helper()
	f, err := Of(img)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestInnerPictureWithoutLocalFeatures: a reference of which no feature is left is
// judged by its grey levels alone, where the inner picture is.
func TestInnerPictureWithoutLocalFeatures(t *testing.T) {
	p := demoNamed(t, "goggles")
	bare := *p.features()
	bare.points = nil
	// The photo fills the picture but for a margin on the left and above.
	img := imaging.Paste(imaging.New(p.img.Rect.Dx()+100, p.img.Rect.Dy()+60, image.White), p.img, image.Pt(100, 60))
	info := infoOf(t, img)
	n := Inner{part: image.Rect(100, 60, img.Rect.Dx(), img.Rect.Dy())}
	a, ok := info.Scene().AlignInner(&bare, n, Full, Upright)
	want := corners(100, 60, float64(img.Rect.Dx()), float64(img.Rect.Dy()))
	if !ok || a.Inliers != 0 || a.Spread != 0 || a.Evidence != 90 || quadError(a.Quad, want) > .001 {
		t.Errorf("%+v, want the quadrilateral %v", a, want)
	}
	// If it is the trimmed frame that fills the query, the whole is larger than that.
	whole := infoOf(t, img)
	box, f := whole.Box(Trimmed), whole.Features()
	if box == img.Rect || box.Empty() {
		t.Fatal("the margin is not trimmed")
	}
	f.points = nil
	query := imaging.Crop(img, box)
	a, _ = infoOf(t, query).Scene().AlignInner(f, Inner{part: query.Rect}, Trimmed, Upright)
	want = corners(float64(-box.Min.X), float64(-box.Min.Y), float64(img.Rect.Dx()-box.Min.X), float64(img.Rect.Dy()-box.Min.Y))
	if a.Evidence < 90 || quadError(a.Quad, want) > .01 {
		t.Errorf("trimmed: %+v, want the quadrilateral %v", a, want)
	}
}

// TestFrames: the edges of both frames in pixels of the working picture.
func TestFrames(t *testing.T) {
	f := &Features{w: 400, h: 300, box: [4]uint16{0, math.MaxUint16 / 3, math.MaxUint16 / 2, math.MaxUint16}}
	if got := f.frame(Full); got != [4]float64{0, 0, 400, 300} {
		t.Errorf("full frame %v", got)
	}
	got := f.frame(Trimmed)
	for i, want := range [4]float64{0, 100, 200, 300} {
		if math.Abs(got[i]-want) > .01 {
			t.Errorf("trimmed frame %v", got)
		}
	}
}

// TestTerms: they come in the order of words, and say what their features are.
func TestTerms(t *testing.T) {
	p := demoNamed(t, "goggles")
	n, last := 0, uint16(0)
	for term := range p.features().Terms() {
		q := p.features().points[n]
		if term.Word < last || term != (Term{q.word, q.angle, q.code[0] << (64 - SignatureBits) >> (64 - SignatureBits)}) {
			t.Fatalf("term %d: %+v", n, term)
		}
		n, last = n+1, term.Word
	}
	if n != p.features().Points() {
		t.Errorf("%d terms of %d points", n, p.features().Points())
	}
	s := p.scene()
	count := map[bool]int{}
	last = 0
	v := words()
	for term, mirror := range s.Terms() {
		if term.Word < last || term.Angle >= angles || term.Signature >= 1<<SignatureBits || int(term.Word) >= v.len() {
			t.Fatalf("%+v after word %d", term, last)
		}
		last = term.Word
		count[mirror]++
	}
	if want := wordsEach * len(s.points); count[false] != want || count[true] != want {
		t.Errorf("%v terms of %d points", count, len(s.points))
	}
	for range p.features().Terms() {
		break // whoever has enough may leave
	}
	for range s.Terms() {
		break
	}
}
