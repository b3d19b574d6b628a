package attack

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	_ "golang.org/x/image/webp"
)

// sets are both.
func sets() []Set { return []Set{Published, Second} }

// photo draws a smooth coloured surface with a white margin, so that the attacks
// on backgrounds have something to do.
func photo(w, h int, seed uint64) *image.NRGBA {
	rng := rand.New(rand.NewPCG(seed, 1))
	var k [6]float64
	for i := range k {
		k[i] = 0.5 + rng.Float64()*6
	}
	img := sheet(w, h, rgb(255, 255, 255))
	for y := h / 10; y < h-h/10; y++ {
		for x := w / 10; x < w-w/10; x++ {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			level := func(a, b float64) uint8 { return clip(128 + 60*math.Sin(a*u*3) + 60*math.Cos(b*v*3)) }
			img.SetNRGBA(x, y, rgb(level(k[0], k[1]), level(k[2], k[3]), level(k[4], k[5])))
		}
	}
	return img
}

func pool() []*image.NRGBA {
	return []*image.NRGBA{photo(120, 90, 11), photo(90, 120, 12), photo(100, 100, 13), photo(64, 128, 14)}
}

func decode(t *testing.T, c Copy) image.Image {
	t.Helper()
	img, format, err := image.Decode(bytes.NewReader(c.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	if format != c.Format {
		t.Fatalf("bytes are %s, the copy says %s", format, c.Format)
	}
	return img
}

func TestSetsHaveTheSameShape(t *testing.T) {
	first, second := All(Published), All(Second)
	if len(first) != 89 || len(second) != 89 {
		t.Fatalf("%d and %d attacks, want 89 in each set", len(first), len(second))
	}
	families := make(map[string]bool)
	for _, all := range [][]Attack{first, second} {
		names := make(map[string]bool)
		for i, a := range all {
			if names[a.Name] {
				t.Errorf("%s is there twice", a.Name)
			}
			names[a.Name] = true
			families[a.Family] = true
			if a.Family != first[i].Family || a.PlainOnly != first[i].PlainOnly {
				t.Errorf("attack %d: %+v in one set, %+v in the other", i, first[i], a)
			}
			if a.PlainOnly != (a.Family == "background") {
				t.Errorf("%s: PlainOnly %v in family %s", a.Name, a.PlainOnly, a.Family)
			}
		}
	}
	if len(families) != 24 {
		t.Errorf("%d families, want 24", len(families))
	}
}

func TestParseSet(t *testing.T) {
	for _, s := range sets() {
		if got, err := ParseSet(s.String()); err != nil || got != s {
			t.Errorf("ParseSet(%q) = %v, %v", s, got, err)
		}
	}
	if _, err := ParseSet("third"); err == nil {
		t.Error("a third set was accepted")
	}
}

// Every attack must change something, give the same bytes every time and other
// bytes for another photo's name if it draws at random.
func TestCopiesAreDeterministic(t *testing.T) {
	drawn := 0
	for _, s := range sets() {
		one, other := NewStudio(s, pool()), NewStudio(s, pool())
		for _, a := range All(s) {
			for seed, file := range []string{"img/a.jpg", "img/b.jpg"} {
				img := photo(96+40*seed, 120-30*seed, uint64(seed))
				before := bytes.Clone(img.Pix)
				c, err := one.Copy(a, file, img)
				if err != nil {
					t.Fatal(err)
				}
				again, err := other.Copy(a, "elsewhere/"+file, img)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(c.Bytes, again.Bytes) || *c.Place != *again.Place {
					t.Errorf("%v %s: two copies of %s differ", s, a.Name, file)
				}
				if !bytes.Equal(before, img.Pix) {
					t.Fatalf("%v %s changed the photo", s, a.Name)
				}
				if seed > 0 {
					continue
				}
				third, err := one.Copy(a, "c.jpg", img)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(c.Bytes, third.Bytes) {
					drawn++
				}
			}
		}
	}
	if drawn < 70 {
		t.Errorf("only %d copies depend on the name of the photo", drawn)
	}
}

// Pictures of any shape go through every attack.
func TestShapes(t *testing.T) {
	shapes := []image.Point{{16, 16}, {1000, 40}, {40, 1000}}
	if testing.Short() {
		shapes = shapes[:1]
	}
	for _, s := range sets() {
		studio := NewStudio(s, []*image.NRGBA{photo(16, 200, 5)})
		for _, a := range All(s) {
			for _, p := range shapes {
				c, err := studio.Copy(a, "x.png", photo(p.X, p.Y, 3))
				if err != nil {
					t.Fatalf("%v %s of %v: %v", s, a.Name, p, err)
				}
				img := decode(t, c)
				for _, q := range c.Place {
					if math.IsNaN(q[0]) || math.IsNaN(q[1]) {
						t.Errorf("%v %s of %v: place %v", s, a.Name, p, *c.Place)
					}
				}
				if img.Bounds().Empty() {
					t.Errorf("%v %s of %v: empty copy", s, a.Name, p)
				}
			}
		}
	}
}

// patchPlaces is where the patches lie, in shares of the sides.
func patchPlaces() quad {
	return quad{{0.25, 0.25}, {0.75, 0.25}, {0.75, 0.75}, {0.25, 0.75}}
}

const patchRadius = 14

// patches is a grey photo with a coloured disc a quarter of the way from each
// corner to the opposite one.
func patches(w, h int) *image.NRGBA {
	img := sheet(w, h, rgb(235, 235, 235))
	for i, f := range patchPlaces() {
		c := []color.NRGBA{rgb(230, 20, 20), rgb(20, 200, 20), rgb(20, 20, 230), rgb(200, 20, 200)}[i]
		at(f[0]*float64(w)-patchRadius, f[1]*float64(h)-patchRadius, 2*patchRadius, 2*patchRadius).fill(img, c, disc)
	}
	return img
}

// The place of a copy says where the patches must be, to about a pixel. Left
// out are attacks that cover or recolour the picture.
func TestPlace(t *testing.T) {
	const w, h = 300, 240
	img := patches(w, h)
	tested := 0
	for _, s := range sets() {
		studio := NewStudio(s, []*image.NRGBA{sheet(200, 200, rgb(90, 90, 90))})
		for _, a := range All(s) {
			switch a.Family {
			case "watermark", "banner", "tag", "background", "colour", "tone", "combo", "filter":
				continue
			}
			c, err := studio.Copy(a, "patches.png", img)
			if err != nil {
				t.Fatal(err)
			}
			got := decode(t, c)
			m := homography(quad{{0, 0}, {w, 0}, {w, h}, {0, h}}, *c.Place)
			for _, f := range patchPlaces() {
				wantX, wantY, box := mappedDisc(m, f[0]*w, f[1]*h)
				if !box.In(got.Bounds()) {
					continue
				}
				tested++
				x, y, n := coloured(got, box)
				if n == 0 || math.Hypot(x-wantX, y-wantY) > 1 {
					t.Errorf("%v %s: a patch is at %.1f,%.1f, the place says %.1f,%.1f", s, a.Name, x, y, wantX, wantY)
				}
			}
		}
	}
	if tested < 250 {
		t.Errorf("only %d patches were looked for", tested)
	}
}

// mappedDisc returns the centroid of a mapped patch and a box around it.
func mappedDisc(m matrix, cx, cy float64) (x, y float64, box image.Rectangle) {
	n := 0.0
	for dy := -patchRadius + 0.5; dy < patchRadius; dy++ {
		for dx := -patchRadius + 0.5; dx < patchRadius; dx++ {
			if math.Hypot(dx, dy) > patchRadius {
				continue
			}
			px, py := m.apply(cx+dx, cy+dy)
			x, y, n = x+px, y+py, n+1
			box = box.Union(image.Rect(int(px)-4, int(py)-4, int(px)+5, int(py)+5))
		}
	}
	return x / n, y / n, box
}

// coloured returns the centroid of all in the box that is not grey.
func coloured(img image.Image, box image.Rectangle) (x, y float64, n int) {
	for py := box.Min.Y; py < box.Max.Y; py++ {
		for px := box.Min.X; px < box.Max.X; px++ {
			c := color.NRGBAModel.Convert(img.At(px, py)).(color.NRGBA)
			if max(c.R, c.G, c.B)-min(c.R, c.G, c.B) > 100 {
				x, y, n = x+float64(px)+0.5, y+float64(py)+0.5, n+1
			}
		}
	}
	return x / float64(n), y / float64(n), n
}

// Combinations carry the place through all their steps.
func TestPlaceOfCombinations(t *testing.T) {
	img := sheet(200, 160, rgb(240, 240, 240))
	studio := NewStudio(Published, nil)
	c, err := studio.Copy(Attack{Name: "c_flip_pad_sat"}, "x", img)
	if err != nil {
		t.Fatal(err)
	}
	if want := [4][2]float64{{224, 24}, {24, 24}, {24, 184}, {224, 184}}; *c.Place != want {
		t.Errorf("mirrored in a margin of 24: place %v, want %v", *c.Place, want)
	}
}

func TestMistakesAreErrors(t *testing.T) {
	studio := NewStudio(Published, nil)
	for what, try := range map[string]func() (Copy, error){
		"unknown attack": func() (Copy, error) { return studio.Copy(Attack{Name: "nope"}, "x", photo(20, 20, 1)) },
		"empty picture": func() (Copy, error) {
			return studio.Copy(All(Published)[0], "x", image.NewNRGBA(image.Rect(0, 0, 0, 5)))
		},
		"no pool": func() (Copy, error) { return studio.Copy(Attack{Name: "collage_4"}, "x", photo(20, 20, 1)) },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// A picture with transparency and an origin elsewhere is put on white first.
func TestTransparentPhotos(t *testing.T) {
	img := image.NewNRGBA(image.Rect(5, 7, 45, 37))
	img.SetNRGBA(5, 7, color.NRGBA{200, 0, 0, 255})
	c, err := NewStudio(Published, nil).Copy(All(Published)[0], "x", img)
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, c)
	if got.Bounds() != image.Rect(0, 0, 40, 30) {
		t.Fatalf("bounds %v", got.Bounds())
	}
	for p, want := range map[image.Point]color.NRGBA{{0, 0}: rgb(200, 0, 0), {9, 9}: rgb(255, 255, 255)} {
		if c := color.NRGBAModel.Convert(got.At(p.X, p.Y)); c != want {
			t.Errorf("at %v: %v, want %v", p, c, want)
		}
	}
}

// Scaling keeps the mean, and a shrunk pixel is the mean of what it covers.
func TestScaled(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 30, 30))
	for i := range img.Pix {
		img.Pix[i] = 255
		if i%4 != 3 && (i/4)%3 == 0 {
			img.Pix[i] = 0
		}
	}
	for _, w := range []int{10, 20} {
		small := scaled(img, w, 30)
		sum := 0
		for x := range w {
			sum += int(small.NRGBAAt(x, 4).R)
		}
		if mean := sum / w; mean < 169 || mean > 171 {
			t.Errorf("width %d: mean %d, want 170", w, mean)
		}
	}
	flat := scaled(sheet(9, 9, rgb(7, 99, 201)), 23, 31)
	for i, v := range flat.Pix {
		if want := [4]uint8{7, 99, 201, 255}[i%4]; v != want {
			t.Fatalf("a flat picture scaled up has %d where %d was", v, want)
		}
	}
}

func TestHomography(t *testing.T) {
	from := quad{{0, 0}, {10, 0}, {10, 6}, {0, 6}}
	to := quad{{1, 2}, {9, 1}, {8, 5.5}, {-1, 6}}
	m, back := homography(from, to), homography(to, from)
	for i, p := range from {
		x, y := m.apply(p[0], p[1])
		if math.Hypot(x-to[i][0], y-to[i][1]) > 1e-9 {
			t.Errorf("corner %d goes to %v,%v, want %v", i, x, y, to[i])
		}
	}
	x, y := m.apply(3, 4)
	if x, y = back.apply(x, y); math.Hypot(x-3, y-4) > 1e-9 {
		t.Errorf("there and back: %v,%v, want 3,4", x, y)
	}
}

// BenchmarkCopy makes one copy of a photo of 512 px by each attack of a family.
func BenchmarkCopy(b *testing.B) {
	for _, s := range sets() {
		studio := NewStudio(s, []*image.NRGBA{photo(512, 384, 21), photo(384, 512, 22), photo(512, 512, 23)})
		families := make(map[string][]Attack)
		var order []string
		for _, a := range All(s) {
			if families[a.Family] == nil {
				order = append(order, a.Family)
			}
			families[a.Family] = append(families[a.Family], a)
		}
		img := photo(512, 400, 7)
		for _, f := range append(order, "all") {
			attacks := families[f]
			if f == "all" {
				attacks = All(s)
			}
			b.Run("set="+s.String()+"/family="+f, func(b *testing.B) {
				for b.Loop() {
					for _, a := range attacks {
						if _, err := studio.Copy(a, "x.jpg", img); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N*len(attacks)), "ms/copy")
			})
		}
	}
}

// A studio is used from many goroutines at once.
func TestCopiesInParallel(t *testing.T) {
	studio := NewStudio(Second, pool())
	img := photo(64, 80, 2)
	names := []string{"webp_85", "wm_diagonal_heavy", "collage_mixed", "shot_bubbles", "c_jpeg_screenphoto"}
	var want [][]byte
	for _, n := range names {
		want = append(want, mustCopy(t, studio, n, img))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, n := range names {
				c, err := studio.Copy(Attack{Name: n}, "x", img)
				if err != nil || !bytes.Equal(c.Bytes, want[i]) {
					t.Errorf("%s: another copy than alone (%v)", n, err)
				}
			}
		})
	}
	wg.Wait()
}

func mustCopy(t *testing.T, s *Studio, name string, img *image.NRGBA) []byte {
	t.Helper()
	c, err := s.Copy(Attack{Name: name}, "x", img)
	if err != nil {
		t.Fatal(err)
	}
	return c.Bytes
}

// The blur against the double sum that defines it.
func TestBlurIsTheDoubleSum(t *testing.T) {
	const sigma = 1.3
	img := photo(13, 9, 4)
	got := blurred(img, sigma)
	r := len(kernel(sigma)) - 1
	for y := range 9 {
		for x := range 13 {
			sum, total := 0.0, 0.0
			for dy := -r; dy <= r; dy++ {
				for dx := -r; dx <= r; dx++ {
					g := math.Exp(-float64(dx*dx+dy*dy) / (2 * sigma * sigma))
					sum += g * float64(img.NRGBAAt(reflect(x+dx, 13), reflect(y+dy, 9)).G)
					total += g
				}
			}
			if d := math.Abs(sum/total - float64(got.v[3*(y*13+x)+1])); d > 0.01 {
				t.Fatalf("at %d,%d: off by %v", x, y, d)
			}
		}
	}
}

// reflect walks back and forth between the ends.
func reflect(i, n int) int {
	for i < 0 || i >= n {
		if i < 0 {
			i = -i
		} else {
			i = 2*(n-1) - i
		}
	}
	return i
}

// A warp against bicubic interpolation in floating point.
func TestWarpIsBicubic(t *testing.T) {
	img := photo(60, 50, 6)
	fill := rgb(10, 20, 30)
	back := rotation(-7, 30, 25)
	got := warped(img, back, fill)
	worst := 0.0
	for y := range 50 {
		for x := range 60 {
			fx, fy := back.apply(float64(x)+0.5, float64(y)+0.5)
			bx, by := math.Floor(fx-0.5), math.Floor(fy-0.5)
			wx, wy := cubic(fx-0.5-bx), cubic(fy-0.5-by)
			sum := 0.0
			for k := range 4 {
				for l := range 4 {
					v := fill.R
					if p := image.Pt(int(bx)-1+l, int(by)-1+k); p.In(img.Rect) {
						v = img.NRGBAAt(p.X, p.Y).R
					}
					sum += wx[l] * wy[k] * float64(v)
				}
			}
			worst = max(worst, math.Abs(min(max(sum, 0), 255)-float64(got.NRGBAAt(x, y).R)))
		}
	}
	// Positions are rounded to 1/64 px; the steepest edge here has 245 levels.
	if worst > 5 {
		t.Errorf("off by up to %v levels", worst)
	}
}

func TestSineRow(t *testing.T) {
	row := make([]float64, 2000)
	sineRow(row, -3.7, 1.9)
	for x, got := range row {
		if want := math.Sin(-3.7 + 1.9*float64(x)); math.Abs(got-want) > 1e-9 {
			t.Fatalf("at %d: %v, want %v", x, got, want)
		}
	}
}

// onColour runs steps on one pixel's colour.
func onColour(c color.NRGBA, steps ...step) color.NRGBA {
	j := &job{img: sheet(1, 1, c)}
	for _, do := range steps {
		do(j)
	}
	return j.img.NRGBAAt(0, 0)
}

func TestTones(t *testing.T) {
	c := rgb(100, 150, 250)
	for _, test := range []struct {
		what string
		do   step
		want color.NRGBA
	}{
		{"25 brighter", bright(25), rgb(125, 175, 255)},
		{"60 darker", bright(-60), rgb(40, 90, 190)},
		{"contrast 0.6", contrast(0.6), rgb(111, 141, 201)},
		{"gamma 1.8", gamma(1.8), rgb(47, 98, 246)},
		{"grey", saturate(0), rgb(146, 146, 146)},
		{"warm", balance(1.15, 1, 0.8), rgb(114, 150, 200)},
		{"hue a third on", hue(120), rgb(250, 100, 150)},
		{"hue a sixth back", hue(-60), rgb(100, 250, 200)},
	} {
		if got := onColour(c, test.do); got != test.want {
			t.Errorf("%s: %v, want %v", test.what, got, test.want)
		}
	}
}

// The background is what is connected with the edge: a hole of its colour in
// the product is not part of it.
func TestBackground(t *testing.T) {
	img := sheet(40, 40, rgb(250, 250, 250))
	box(img, image.Rect(10, 10, 30, 30), rgb(40, 90, 160))
	box(img, image.Rect(16, 16, 24, 24), rgb(245, 250, 250))
	mask := background(img)
	for p, want := range map[image.Point]float32{{2, 2}: 1, {37, 20}: 1, {20, 3}: 1, {13, 20}: 0, {20, 20}: 0} {
		if got := mask[p.Y*40+p.X]; math.Abs(float64(got-want)) > 0.01 {
			t.Errorf("at %v: %v of the pixel is background, want %v", p, got, want)
		}
	}
	if got := mask[20*40+10]; got < 0.2 || got > 0.8 {
		t.Errorf("at the product's edge: %v, want a soft step", got)
	}
}
