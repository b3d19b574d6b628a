package hash

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

// anyFeatures are features that no picture has, but that are valid.
func anyFeatures(r *rand.Rand, points, regions int) *Features {
	code := func() Code { return Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()} }
	f := &Features{w: 1 + r.IntN(referenceSide), h: 1 + r.IntN(referenceSide)}
	f.box = [4]uint16{uint16(r.IntN(30000)), uint16(r.IntN(30000)), uint16(30000 + r.IntN(35000)), uint16(30000 + r.IntN(35000))}
	for i := range f.grey {
		f.grey[i] = uint8(r.Uint32())
	}
	for range regions {
		f.regions = append(f.regions, code())
	}
	f.points = make([]point, points)
	word := 0
	for i := range f.points {
		word = min(word+r.IntN(2*words().len()/max(1, points)), words().len()-1)
		f.points[i] = point{
			x: uint16(r.IntN(8*f.w + 1)), y: uint16(r.IntN(8*f.h + 1)), level: uint8(r.IntN(8)), angle: uint8(r.IntN(angles)),
			word: uint16(word), code: code(),
		}
	}
	return f
}

type reporter interface {
	Helper()
	Fatalf(string, ...any)
}

// wantSameFeatures writes and reads features.
func wantSameFeatures(t reporter, name string, f *Features) {
	t.Helper()
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var g Features
	if err := g.UnmarshalBinary(b); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if g.w != f.w || g.h != f.h || g.box != f.box || g.grey != f.grey || !slices.Equal(g.regions, f.regions) || !slices.Equal(g.points, f.points) {
		t.Fatalf("%s: read back as something else", name)
	}
	if again, _ := g.AppendBinary([]byte("x")); !bytes.Equal(again[1:], b) || again[0] != 'x' {
		t.Fatalf("%s: written otherwise the second time", name)
	}
}

func TestFeaturesRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		wantSameFeatures(t, fmt.Sprint(i), anyFeatures(r, r.IntN(MaxPoints+1), r.IntN(MaxRegions+1)))
	}
	for _, n := range [][2]int{{0, 0}, {MaxPoints, MaxRegions}, {MaxPoints, 0}, {0, MaxRegions}} {
		wantSameFeatures(t, fmt.Sprint(n), anyFeatures(r, n[0], n[1]))
	}
	for _, p := range demoPhotos(t)[:4] {
		wantSameFeatures(t, p.name, p.features())
	}
	most, _ := anyFeatures(r, MaxPoints, MaxRegions).MarshalBinary()
	if want := 13 + 1024 + 1 + 32*MaxRegions + 2 + 38*MaxPoints; len(most) != want {
		t.Errorf("the largest are %d bytes, the table says %d", len(most), want)
	}
}

// TestFeaturesRefuse: no part of features is taken for features, and a change of
// a byte is refused or read as what it says.
func TestFeaturesRefuse(t *testing.T) {
	b, err := anyFeatures(rand.New(rand.NewPCG(3, 4)), 60, 5).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string, b []byte) {
		t.Helper()
		g := Features{w: 7}
		if err := g.UnmarshalBinary(b); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v, want ErrSyntax", name, err)
		}
		if g.w != 7 {
			t.Errorf("%s: changed although it was refused", name)
		}
	}
	for n := range b {
		refused(fmt.Sprintf("%d bytes of %d", n, len(b)), b[:n])
	}
	refused("a byte more", append(slices.Clone(b), 0))
	for i := range b {
		for _, by := range []byte{1, 0x80, 0xff} {
			c := slices.Clone(b)
			c[i] ^= by
			if f, err := parseFeatures(c); err == nil {
				if again, _ := f.MarshalBinary(); !bytes.Equal(again, c) {
					t.Fatalf("byte %d changed: written as something else", i)
				}
			}
		}
	}
	first := featuresHead + 1 + 5*32 + 2
	for name, change := range map[string]func(c []byte){
		"another version":           func(c []byte) { c[0] = 2 },
		"no width":                  func(c []byte) { c[1], c[2] = 0, 0 },
		"too high":                  func(c []byte) { c[3], c[4] = 1, 145 },
		"an empty trimmed frame":    func(c []byte) { copy(c[9:11], c[5:7]) },
		"regions behind the end":    func(c []byte) { c[featuresHead] = MaxRegions },
		"too many regions":          func(c []byte) { c[featuresHead] = MaxRegions + 1 },
		"another number of points":  func(c []byte) { c[first-1]-- },
		"a point outside":           func(c []byte) { c[first], c[first+1] = 0xff, 0xf0 },
		"words in another order":    func(c []byte) { c[first+4], c[first+5] = c[first+4]|0x3f, 0xff },
		"a word that is not in use": func(c []byte) { c[len(c)-34], c[len(c)-33] = c[len(c)-34]|0x7f, 0xff },
	} {
		c := slices.Clone(b)
		change(c)
		refused(name, c)
	}
}

// TestFeaturesAgain: the same picture has the same features every time.
func TestFeaturesAgain(t *testing.T) {
	p := demoNamed(t, "rope")
	a, _ := p.features().MarshalBinary()
	b, _ := infoOf(t, p.img).Features().MarshalBinary()
	if !bytes.Equal(a, b) {
		t.Error("the same picture has other features the second time")
	}
	s := infoOf(t, p.img).Scene()
	if !slices.Equal(s.points, p.scene().points) || !slices.Equal(s.mirrored, p.scene().mirrored) || !slices.Equal(s.index, p.scene().index) {
		t.Error("the same picture is another scene the second time")
	}
}

// TestFeaturesGolden: stored features must not change while the recipe is 2, and
// every processor computes the same, floating point included. A change here is a
// new recipe, or a mistake.
func TestFeaturesGolden(t *testing.T) {
	for name, want := range map[string]uint32{"goggles": 0xa18e6f5, "dress-birds": 0xc507a2de, "microwave": 0x790ffbac} {
		b, err := demoNamed(t, name).features().MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if got := crc32.ChecksumIEEE(b); got != want {
			t.Errorf("features of %s: checksum %#x, want %#x", name, got, want)
		}
	}
	p := demoNamed(t, "goggles")
	halved, slanted := image.NewNRGBA(image.Rect(0, 0, 256, 256)), image.NewNRGBA(image.Rect(0, 0, 576, 512))
	for y := range 512 {
		for x := range 512 { // copied as they are: whoever interpolates may round
			halved.SetNRGBA(x/2, y/2, p.img.NRGBAAt(x, y))
			slanted.SetNRGBA(x+y/8, y, p.img.NRGBAAt(x, y))
		}
	}
	crop, _ := copies[0].make(p.img, nil)
	mirrored, _ := copies[1].make(p.img, nil)
	covered, _ := copies[3].make(p.img, nil)
	side, _ := fromTheSide(p.img)
	for _, c := range []struct {
		name string
		img  image.Image
		want string
	}{
		{"crop", crop, `564 points, {Evidence:100 Inliers:69 Spread:0.29 Agreement:0.93 Affine:[510.97 -0.64 -101.12 -0.45 511.85 -50.45] Quad:[[-101.12 -50.45] [409.84 -50.89] [409.21 460.96] [-101.76 461.4]] Template:false}`},
		{"mirrored crop", mirrored, `600 points, {Evidence:100 Inliers:83 Spread:0.33 Agreement:1 Affine:[-512.05 0.09 408.72 -0.83 512.17 -75.79] Quad:[[408.72 -75.79] [-103.33 -76.63] [-103.24 435.54] [408.81 436.37]] Template:false}`},
		{"covered", covered, `600 points, {Evidence:95 Inliers:107 Spread:0.49 Agreement:0.63 Affine:[511.65 2.12 -1.37 0.09 511.61 0.27] Quad:[[-1.37 0.27] [510.27 0.36] [512.39 511.96] [0.74 511.88]] Template:false}`},
		{"in another photo", imaging.Paste(demoNamed(t, "compass").img, halved, image.Pt(201, 77)), `600 points, {Evidence:100 Inliers:57 Spread:0.49 Agreement:1 Affine:[255.3 0.63 200.55 -1.07 255.73 77.54] Quad:[[200.55 77.54] [455.85 76.47] [456.48 332.2] [201.18 333.28]] Template:false}`},
		{"from the side", side, `600 points, {Evidence:100 Inliers:99 Spread:0.47 Agreement:1 Affine:[450.58 -2.05 32.67 -0.32 384.81 -1.12] Quad:[[-1.15 -0.22] [517.07 -2.33] [447.37 384.27] [64.44 382.79]] Template:false}`},
		{"slanted", slanted, `600 points, {Evidence:100 Inliers:118 Spread:0.49 Agreement:1 Affine:[512.13 65.25 -1.26 0.19 511.06 0.44] Quad:[[-1.26 0.44] [510.87 0.64] [576.12 511.7] [63.99 511.51]] Template:false}`},
	} {
		s := infoOf(t, c.img).Scene()
		a, _ := s.Align(p.features())
		if got := fmt.Sprintf("%d points, %+v", len(s.points), a); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// FuzzFeatures: no bytes panic, what is read is written as it was, and any scene
// can be aligned with it.
func FuzzFeatures(f *testing.F) {
	photo, err := edit.Load(filepath.Join("..", "testdata", "demo", "references", "acme-genuine", "goggles.jpg"))
	if err != nil {
		f.Fatal(err)
	}
	info := infoOf(f, edit.Scale(photo, .3, .3)) // small, for many runs a second
	scene := info.Scene()
	whole, err := info.Features().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-38])
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 3, 20} {
		b, _ := anyFeatures(r, n, n%7).MarshalBinary()
		f.Add(b)
	}
	inner := Inner{part: image.Rect(10, 20, scene.lumaW, scene.lumaH)}
	f.Fuzz(func(t *testing.T, b []byte) {
		var g Features
		if err := g.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("%v, want ErrSyntax", err)
			}
			return
		}
		if again, err := g.MarshalBinary(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("read %x, wrote %x, %v", b, again, err)
		}
		a, _ := scene.Align(&g)
		wantSound(t, a)
		for _, fr := range []Frame{Full, Trimmed} {
			for _, tr := range []Transform{Upright, Mirror} {
				a, _ = scene.AlignInner(&g, inner, fr, tr)
				wantSound(t, a)
			}
		}
	})
}

// wantSound wants numbers that can be shown.
func wantSound(t *testing.T, a Alignment) {
	t.Helper()
	bad := a.Evidence < 0 || a.Evidence > 100 || a.Spread < 0 || a.Spread > 1 || a.Agreement < 0 || a.Agreement > 1
	for _, q := range a.Quad {
		for _, v := range q {
			bad = bad || math.IsNaN(v) || math.IsInf(v, 0)
		}
	}
	if bad {
		t.Errorf("%+v", a)
	}
}
