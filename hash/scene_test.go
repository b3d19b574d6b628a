package hash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"pgregory.net/rapid"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/hostile"
)

// demoPhoto is a photo of the demo; what is computed from it is computed once.
type demoPhoto struct {
	name     string
	img      *image.NRGBA
	features func() *Features
	scene    func() *Scene
}

var readDemo = sync.OnceValues(func() (ps []demoPhoto, err error) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "demo", "references", "*", "*.jpg"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no photos of the demo: %v", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".jpg")
		if slices.ContainsFunc(ps, func(p demoPhoto) bool { return p.name == name }) {
			continue // one of them is in both banks
		}
		img, err := edit.Load(f)
		if err != nil {
			return nil, err
		}
		c, err := canonicalise(img, 1, func() error { return nil })
		if err != nil {
			return nil, err
		}
		info := Info{Width: img.Rect.Dx(), Height: img.Rect.Dy(), canonical: c}
		ps = append(ps, demoPhoto{name, img, sync.OnceValue(info.Features), sync.OnceValue(info.Scene)})
	}
	return ps, nil
})

// demoPhotos are the photos of the demo's references, each once.
func demoPhotos(t testing.TB) []demoPhoto {
	t.Helper()
	ps, err := readDemo()
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func demoNamed(t testing.TB, name string) demoPhoto {
	t.Helper()
	for _, p := range demoPhotos(t) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("no photo %s in the demo", name)
	return demoPhoto{}
}

// infoOf is what Read would know of a picture.
func infoOf(t testing.TB, img image.Image) Info {
	t.Helper()
	c, err := canonicalise(img, 1, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return Info{Width: img.Bounds().Dx(), Height: img.Bounds().Dy(), canonical: c}
}

// corners are those of a rectangle, in the order of Alignment.Quad.
func corners(x0, y0, x1, y1 float64) [4][2]float64 {
	return [4][2]float64{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
}

// quadError is how far the farthest corner is off, as a share of the longest
// side of the true quadrilateral.
func quadError(got, want [4][2]float64) (worst float64) {
	side := 0.0
	for i := range want {
		worst = max(worst, math.Hypot(got[i][0]-want[i][0], got[i][1]-want[i][1]))
		j := (i + 1) % 4
		side = max(side, math.Hypot(want[j][0]-want[i][0], want[j][1]-want[i][1]))
	}
	return worst / side
}

// sure is the evidence from which a copy counts as found here.
const sure = 84

// copies are ways to make another picture of a photo, and where in it the photo
// is.
var copies = []struct {
	name string
	make func(m, other *image.NRGBA) (*image.NRGBA, [4][2]float64)
}{
	{"crop", func(m, _ *image.NRGBA) (*image.NRGBA, [4][2]float64) {
		w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
		x, y := math.Floor(.2*w), math.Floor(.1*h)
		return edit.Crop(m, .2, .1, .85, .8), corners(-x, -y, w-x, h-y)
	}},
	{"mirrored crop", func(m, _ *image.NRGBA) (*image.NRGBA, [4][2]float64) {
		w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
		c := edit.Crop(m, .1, .15, .8, .95)
		x, y := math.Floor(.1*w)+float64(c.Rect.Dx()), math.Floor(.15*h)
		return edit.Mirror(c), corners(x, -y, x-w, h-y)
	}},
	{"turned by ten degrees", func(m, _ *image.NRGBA) (*image.NRGBA, [4][2]float64) {
		w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
		out := imaging.Rotate(m, 10, color.White) // counter-clockwise
		sin, cos := math.Sincos(10 * math.Pi / 180)
		q := corners(-w/2, -h/2, w/2, h/2)
		for i, c := range q {
			q[i] = [2]float64{float64(out.Rect.Dx())/2 + c[0]*cos + c[1]*sin, float64(out.Rect.Dy())/2 - c[0]*sin + c[1]*cos}
		}
		return out, q
	}},
	{"a third covered", func(m, _ *image.NRGBA) (*image.NRGBA, [4][2]float64) {
		w, h := m.Rect.Dx(), m.Rect.Dy()
		cover := imaging.New(w*6/10, h*55/100, color.NRGBA{200, 30, 60, 255})
		return imaging.Paste(m, cover, image.Pt(w*4/10, 0)), corners(0, 0, float64(w), float64(h))
	}},
	{"small in another photo", func(m, other *image.NRGBA) (*image.NRGBA, [4][2]float64) {
		small := edit.Scale(m, .3, .3)
		w, h := float64(small.Rect.Dx()), float64(small.Rect.Dy())
		ground := edit.Scale(other, 1, 1)
		x, y := float64(ground.Rect.Dx())-w-31, 43.0
		return imaging.Paste(ground, small, image.Pt(int(x), int(y))), corners(x, y, x+w, y+h)
	}},
	{"from the side", func(m, _ *image.NRGBA) (*image.NRGBA, [4][2]float64) { return fromTheSide(m) }},
}

// TestCopiesAreFound: evidence and place of copies of all photos of the demo. Of
// some photos a part looks like another part (stripes, the coils of a rope), so
// not all copies of them are found.
func TestCopiesAreFound(t *testing.T) {
	ps := demoPhotos(t)
	least := map[string]int{"crop": 30, "mirrored crop": 30, "turned by ten degrees": 29, "a third covered": 28, "small in another photo": 21, "from the side": 25}
	every := 1
	if testing.Short() {
		every = len(ps) // one is enough for the race detector
	}
	for _, c := range copies {
		found, tried := 0, 0
		var missed []string
		for i := 0; i < len(ps); i += every {
			tried++
			img, want := c.make(ps[i].img, ps[(i+5)%len(ps)].img)
			a, ok := infoOf(t, img).Scene().Align(ps[i].features())
			if ok && a.Evidence >= sure && quadError(a.Quad, want) <= .03 {
				found++
				continue
			}
			missed = append(missed, fmt.Sprintf("%s (evidence %d, off by %.3f)", ps[i].name, a.Evidence, quadError(a.Quad, want)))
		}
		if miss := len(ps) - least[c.name]; tried-found > miss {
			t.Errorf("%s: %d of %d are not found, at most %d may be: %v", c.name, tried-found, tried, miss, missed)
		}
	}
}

// fromTheSide is a photo whose lower edge is farther away. Pixels are copied as
// they are.
func fromTheSide(m *image.NRGBA) (*image.NRGBA, [4][2]float64) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	far := 3 * h // below the upper edge, where the sides would meet
	bottom, half := float64(h*far)/float64(far+h), float64(w*far)/float64(2*(far+h))
	out := imaging.New(w, int(bottom)+20, color.NRGBA{230, 225, 210, 255})
	for v := range out.Rect.Dy() {
		for u := range w {
			if x, y := w/2+(u-w/2)*far/(far-v), v*far/(far-v); image.Pt(x, y).In(m.Rect) {
				out.SetNRGBA(u, v, m.NRGBAAt(x, y))
			}
		}
	}
	middle := float64(w) / 2
	return out, [4][2]float64{{0, 0}, {float64(w), 0}, {middle + half, bottom}, {middle - half, bottom}}
}

// TestAffineAndQuadAgree: the quadrilateral is where Affine puts the corners.
func TestAffineAndQuadAgree(t *testing.T) {
	p := demoNamed(t, "goggles")
	for _, c := range copies[:4] {
		img, _ := c.make(p.img, p.img)
		a, ok := infoOf(t, img).Scene().Align(p.features())
		if !ok {
			t.Fatalf("%s: not found", c.name)
		}
		m := affine(a.Affine)
		for i, at := range corners(0, 0, 1, 1) {
			if got := m.at(spot{at[0], at[1]}); math.Abs(got.x-a.Quad[i][0]) > .011 || math.Abs(got.y-a.Quad[i][1]) > .011 {
				t.Errorf("%s: corner %d is at %v by Affine, %v by Quad", c.name, i, got, a.Quad[i])
			}
		}
		if a.Spread <= 0 || a.Spread > 1 || a.Agreement <= 0 || a.Agreement > 1 {
			t.Errorf("%s: spread %v, agreement %v", c.name, a.Spread, a.Agreement)
		}
	}
}

// TestSceneIsShared: goroutines that share a scene and features find the same.
func TestSceneIsShared(t *testing.T) {
	p, q := demoNamed(t, "goggles"), demoNamed(t, "compass")
	s := p.scene()
	own, _ := s.Align(p.features())
	other, _ := s.Align(q.features())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			a, _ := s.Align(p.features())
			b, _ := s.Align(q.features())
			if a != own || b != other {
				t.Errorf("%+v and %+v, want %+v and %+v", a, b, own, other)
			}
		})
	}
	wg.Wait()
}

// TestStrangersAreNotFound: no photo of the demo is a copy of another one.
func TestStrangersAreNotFound(t *testing.T) {
	ps := demoPhotos(t)
	if testing.Short() {
		ps = ps[:3]
	}
	for i := range ps {
		for _, r := range ps {
			if a, _ := ps[i].scene().Align(r.features()); r.name != ps[i].name && a.Evidence >= sure {
				t.Errorf("%s is taken for a copy of %s: %+v", ps[i].name, r.name, a)
			}
		}
	}
}

// TestPlacesAreUpright: of a photo that is stored turned, places are in pixels of
// the upright picture.
func TestPlacesAreUpright(t *testing.T) {
	p := demoNamed(t, "goggles")
	crop, want := copies[0].make(p.img, nil)
	for o, stored := range map[byte]*image.NRGBA{
		1: crop, 2: edit.Mirror(crop), 3: edit.Turn(crop, 2), 6: edit.Turn(crop, 3), 8: edit.Turn(crop, 1),
		5: edit.Turn(edit.Mirror(crop), 3), 7: edit.Turn(edit.Mirror(crop), 1),
	} {
		b := hostile.WithExif(edit.JPEG(stored, 95), hostile.ExifOrientation(o, binary.BigEndian))
		_, info, err := Read(t.Context(), bytes.NewBuffer(b), Limits{Timeout: time.Minute})
		if err != nil || info.Orientation != int(o) {
			t.Fatalf("orientation %d: read as %d, %v", o, info.Orientation, err)
		}
		a, _ := info.Scene().Align(p.features())
		if a.Evidence < sure || quadError(a.Quad, want) > .01 {
			t.Errorf("orientation %d: evidence %d, at %v, want %v", o, a.Evidence, a.Quad, want)
		}
	}
}

// TestPlacesAreOfFullSize: a picture that is reduced before it is looked at has
// places in its own pixels.
func TestPlacesAreOfFullSize(t *testing.T) {
	p := demoNamed(t, "drill-red")
	crop, want := copies[0].make(p.img, nil)
	large := edit.Scale(crop, 5, 5)
	for i := range want {
		want[i] = [2]float64{5 * want[i][0], 5 * want[i][1]}
	}
	if max(large.Rect.Dx(), large.Rect.Dy()) <= lumaSide {
		t.Fatalf("%v is not large", large.Rect)
	}
	_, info, err := Read(t.Context(), bytes.NewBuffer(edit.JPEG(large, 90)), Limits{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := info.Scene().Align(p.features()); a.Evidence < sure || quadError(a.Quad, want) > .01 {
		t.Errorf("evidence %d, at %v, want %v", a.Evidence, a.Quad, want)
	}
}

// TestGridAgainstFullScan: every point within reach is in a cell that is looked
// at, once, and cells end eight pixels further.
func TestGridAgainstFullScan(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range [][2]int{{600, 450}, {601, 7}, {8, 8}, {1, 600}, {16, 599}} {
		w, h := size[0], size[1]
		ps := make([]point, r.IntN(scenePoints))
		for i := range ps { // the far edges included
			ps[i] = point{x: uint16(r.IntN(8*w + 1)), y: uint16(r.IntN(8*h + 1))}
		}
		g := newGrid(ps, w, h)
		for range 300 {
			at := spot{float64(w) * (1.4*r.Float64() - .2), float64(h) * (1.4*r.Float64() - .2)}
			reach := 20 * r.Float64()
			seen := make([]int, len(ps))
			for i := range g.around(at, reach) {
				seen[i]++
			}
			inside := at.x >= 0 && at.y >= 0 && at.x <= float64(w) && at.y <= float64(h)
			for i := range ps {
				off := max(math.Abs(ps[i].place().x-at.x), math.Abs(ps[i].place().y-at.y))
				if off <= reach && seen[i] != 1 || seen[i] > 1 || inside && off > reach+gridCell && seen[i] != 0 {
					t.Fatalf("%v: a point %.1f pixels from %v comes %d times in a reach of %.1f", size, off, at, seen[i], reach)
				}
			}
		}
		for range g.around(spot{}, 1e9) {
			break // whoever has enough may leave
		}
		for _, far := range []float64{-1e300, 1e300, math.Inf(1), math.Inf(-1)} {
			for range g.around(spot{far, far}, 5) {
			}
		}
	}
}

// patterns are pictures made to have as many corners as possible, or none.
func patterns() map[string]image.Image {
	r := rand.New(rand.NewPCG(4, 4))
	grey := func(w, h int, f func(x, y int) uint8) image.Image {
		m := image.NewGray(image.Rect(0, 0, w, h))
		for i := range m.Pix {
			m.Pix[i] = f(i%w, i/w)
		}
		return m
	}
	colour := image.NewNRGBA(image.Rect(0, 0, 1000, 800))
	for i := range colour.Pix {
		colour.Pix[i] = uint8(r.Uint32()) | uint8(i%4/3*255)
	}
	noise := func(int, int) uint8 { return uint8(r.Uint32()) }
	return map[string]image.Image{
		"grey noise":               grey(1024, 1024, noise),
		"colour noise":             colour,
		"noise, 16 x 16":           grey(16, 16, noise),
		"noise, 16384 x 16":        grey(16384, 16, noise),
		"noise, 16 x 16384":        grey(16, 16384, noise),
		"noise, 600 x 37":          grey(600, 37, noise),
		"checks of 1":              grey(600, 600, func(x, y int) uint8 { return uint8(x^y) & 1 * 255 }),
		"checks of 8":              grey(600, 600, func(x, y int) uint8 { return uint8(x/8^y/8) & 1 * 255 }),
		"grid of single pixels":    grey(600, 600, func(x, y int) uint8 { return uint8(max(0, 1-x%5-y%5)) * 255 }),
		"flat":                     grey(600, 400, func(int, int) uint8 { return 77 }),
		"black but for one corner": grey(600, 400, func(x, y int) uint8 { return uint8(max(0, 255-10*(x+y))) }),
	}
}

// TestHostilePatterns bounds the number of features and the time of all that is
// done with a picture. The limit is many times what is needed: the point is
// that there is one, and tests run beside other tests. Of three runs the fastest
// counts.
func TestHostilePatterns(t *testing.T) {
	limit := time.Second
	if testing.Short() {
		limit *= 5 // the race detector
	}
	photo := demoNamed(t, "goggles")
	other := photo.features()
	photo.scene()
	for name, img := range patterns() {
		if testing.Short() && img.Bounds().Dx()*img.Bounds().Dy() > 1<<18 {
			continue
		}
		info := infoOf(t, img)
		var f *Features
		var s *Scene
		for what, step := range map[string]func(){
			"features": func() { f = info.Features() },
			"scene":    func() { s = info.Scene() },
		} {
			if took := fastest(limit, step); took > limit {
				t.Errorf("%s: %s took %v", name, what, took)
			}
		}
		if f.Points() > MaxPoints || len(f.Regions()) > MaxRegions || len(s.points) > scenePoints || len(s.mirrored) != len(s.points) ||
			len(s.index) != 2*wordsEach*len(s.points) {
			t.Errorf("%s: %d and %d local features, %d regions, %d terms", name, f.Points(), len(s.points), len(f.Regions()), len(s.index))
		}
		wantSameFeatures(t, name, f)
		var inner []Inner
		for what, step := range map[string]func(){
			"inner pictures":         func() { inner = info.Inner() },
			"alignment with itself":  func() { s.Align(f) },
			"alignment with a photo": func() { s.Align(other) },
			"alignment in a photo":   func() { photo.scene().Align(f) },
		} {
			if took := fastest(limit, step); took > limit {
				t.Errorf("%s: %s took %v", name, what, took)
			}
		}
		if len(inner) > maxInner {
			t.Errorf("%s: %d inner pictures", name, len(inner))
		}
		for _, n := range inner {
			for _, fr := range []Frame{Full, Trimmed} {
				for _, tr := range []Transform{Upright, Mirror} {
					for _, of := range []*Features{f, other} {
						if a, _ := s.AlignInner(of, n, fr, tr); a.Evidence < 0 || a.Evidence > 100 {
							t.Errorf("%s: evidence %d", name, a.Evidence)
						}
					}
				}
			}
		}
	}
}

// fastest of up to three runs.
func fastest(enough time.Duration, f func()) (best time.Duration) {
	for range 3 {
		begin := time.Now()
		f()
		if took := time.Since(begin); best == 0 || took < best {
			best = took
		}
		if best <= enough {
			break
		}
	}
	return best
}

// TestFeaturesOfAnySize: no picture of any shape panics, and what is found lies
// inside.
func TestFeaturesOfAnySize(t *testing.T) {
	photo := demoNamed(t, "goggles").img
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(16, 700)
		w, h := side.Draw(t, "width"), side.Draw(t, "height")
		img := imaging.Resize(photo, w, h, imaging.NearestNeighbor)
		c, err := canonicalise(img, 1, func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		info := Info{Width: w, Height: h, canonical: c}
		f, s := info.Features(), info.Scene()
		if f.Points() > MaxPoints || len(s.points) > scenePoints {
			t.Fatalf("%d and %d local features", f.Points(), len(s.points))
		}
		for _, p := range s.points {
			if int(p.x) > 8*s.w || int(p.y) > 8*s.h {
				t.Fatalf("a point at %v of %d x %d", p.place(), s.w, s.h)
			}
		}
		wantSameFeatures(t, "", f)
		if a, ok := s.Align(f); ok && (a.Evidence < 0 || a.Evidence > 100) {
			t.Fatalf("evidence %d", a.Evidence)
		}
	})
}

// TestNothingOfNothing: what is unusable has no features.
func TestNothingOfNothing(t *testing.T) {
	var info Info
	if info.Features() != nil || info.Scene() != nil || info.Inner() != nil {
		t.Error("features of no picture")
	}
	_, info, err := Read(t.Context(), bytes.NewBuffer(encodePNG(t, patterns()["flat"])), Limits{})
	if err == nil || info.Features() != nil || info.Scene() != nil || info.Inner() != nil || info.RegionVariants() != nil {
		t.Errorf("features of a picture that is too plain: %v", err)
	}
	s := demoNamed(t, "goggles").scene()
	flat := infoOf(t, patterns()["flat"])
	if a, ok := s.Align(flat.Features()); ok || a != (Alignment{}) {
		t.Errorf("aligned with what has no local features: %+v", a)
	}
	if a, ok := flat.Scene().Align(demoNamed(t, "goggles").features()); ok || a != (Alignment{}) {
		t.Errorf("aligned in a scene without local features: %+v", a)
	}
	if a, ok := s.Align(nil); ok || a != (Alignment{}) {
		t.Errorf("aligned with nothing: %+v", a)
	}
	if a, ok := s.AlignInner(nil, Inner{}, Full, Upright); ok || a != (Alignment{}) {
		t.Errorf("aligned with nothing: %+v", a)
	}
}
