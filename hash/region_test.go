package hash

import (
	"fmt"
	"hash/crc32"
	"image"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// cropped copies a part of a plane.
func (p plane) cropped(r image.Rectangle) plane {
	q := plane{r.Dx(), r.Dy(), make([]uint16, 0, r.Dx()*r.Dy())}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		q.pix = append(q.pix, p.pix[y*p.w+r.Min.X:y*p.w+r.Max.X]...)
	}
	return q
}

// ofPlane is a canonical picture whose luma is p, without a border.
func ofPlane(p plane) *canonical {
	return &canonical{luma: p, colour: image.NewNRGBA(image.Rect(0, 0, 1, 1))}
}

// nearestRegion returns the least distance of any query code to any region.
func nearestRegion(query, reference *canonical) (bits, region int, t Transform) {
	bits = 256
	codes := reference.regions()
	for _, v := range query.regionVariants() {
		for i, c := range codes {
			if n := v.Code.Distance(c); n < bits {
				bits, region, t = n, i, v.Transform
			}
		}
	}
	return bits, region, t
}

func TestWindowsLieInTheFrameAndDiffer(t *testing.T) {
	seen := make(map[Window]bool)
	for i := range MaxRegions {
		w, ok := RegionWindow(i)
		if !ok || seen[w] {
			t.Errorf("region %d: %v, there is one: %v, the second of its kind: %v", i, w, ok, seen[w])
		}
		seen[w] = true
		if w.Left < 0 || w.Top < 0 || w.Right > windowOne || w.Bottom > windowOne || 2*(w.Right-w.Left) < windowOne || 2*(w.Bottom-w.Top) < windowOne {
			t.Errorf("region %d: %v, want at least half of each side", i, w)
		}
	}
	for _, i := range []int{-1, MaxRegions} {
		if w, ok := RegionWindow(i); ok {
			t.Errorf("region %d: %v, want none", i, w)
		}
	}
}

// Whatever is found of a photo is found of the mirrored photo.
func TestWindowsAreTheSameMirrored(t *testing.T) {
	seen := make(map[Window]bool)
	for _, w := range windows {
		seen[w] = true
	}
	for _, w := range windows {
		for _, m := range []Window{
			{windowOne - w.Right, w.Top, windowOne - w.Left, w.Bottom},
			{w.Left, windowOne - w.Bottom, w.Right, windowOne - w.Top},
		} {
			if !seen[m] {
				t.Errorf("window %v has no twin %v", w, m)
			}
		}
	}
}

func TestSumsAgainstCellAverages(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, size := range [][2]int{{256, 256}, {256, 171}, {90, 256}, {64, 64}, {16, 16}, {1, 1}} {
		p := texture(uint64(size[0]), size[0], size[1])
		s := ofPlane(p).sums()
		rects := []image.Rectangle{p.frame()}
		for range 8 {
			x, y := r.IntN(p.w), r.IntN(p.h)
			rects = append(rects, image.Rect(x, y, x+1+r.IntN(p.w-x), y+1+r.IntN(p.h-y)))
		}
		for _, rect := range rects {
			got, want := s.average(rect), average(p.cropped(rect))
			for j := range want {
				for i := range want[j] {
					// average rounds to 8 bits of fraction, sums down to 16.
					if d := got[j][i] - want[j][i]; d > 1<<7 || d < -1<<7-2 {
						t.Fatalf("%v, window %v, cell (%d, %d): %d, want %d", size, rect, i, j, got[j][i], want[j][i])
					}
				}
			}
		}
	}
}

func TestRegionsFindCrops(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, crop := range []struct {
		name                     string
		left, top, right, bottom float64 // percent
		t                        Transform
	}{
		{"6 %, more off the top left", 4, 4, 2, 2, Upright},
		{"9 %, unevenly", 3, 6, 6, 3, Upright},
		{"13 %, most off the left", 11, 6, 2, 7, Upright},
		{"near a quarter off the left", 23, 0, 0, 0, Upright},
		{"the middle 80 %", 10, 10, 10, 10, Upright},
		{"a wide tile", 0, 10, 0, 10, Upright},
		{"the middle 80 %, mirrored", 10, 10, 10, 10, Mirror},
		{"a high tile, turned", 14, 0, 14, 0, Rot90},
	} {
		p := texture(r.Uint64(), 512, 384)
		w := percent(crop.left, crop.top, crop.right, crop.bottom)
		part := p.cropped(scaleBox(image.Rect(w.Left, w.Top, w.Right, w.Bottom), image.Rect(0, 0, windowOne, windowOne), p.frame()))
		n, region, turned := nearestRegion(ofPlane(part.turned(crop.t)), ofPlane(p))
		if n > 54 || turned != crop.t {
			t.Errorf("%s: nearest is region %d with %d bits, %v; want at most 54 bits, %v", crop.name, region, n, turned, crop.t)
		}
		if n, region, _ := nearestRegion(ofPlane(part), ofPlane(texture(r.Uint64(), 512, 384))); n < 70 {
			t.Errorf("%s of another picture: region %d with %d bits", crop.name, region, n)
		}
	}
}

func TestPlainWindowsHaveNoCode(t *testing.T) {
	p := texture(3, 256, 256)
	for i := range p.pix {
		if i%p.w >= 64 { // detail in the left quarter only
			p.pix[i] = 250<<lumaBits + uint16(i%7)<<(lumaBits-3) // not quite even
		}
	}
	for i, c := range ofPlane(p).regions() {
		if plain := 100*windows[i].Left >= 25*windowOne; plain != (c == Code{}) {
			t.Errorf("region %d, %v: code %v, want none: %v", i, windows[i], c, plain)
		}
	}
	for i, c := range ofPlane(plane{256, 256, make([]uint16, 256*256)}).regions() {
		if c != (Code{}) {
			t.Errorf("region %d of a black picture has a code", i)
		}
	}
}

func BenchmarkRegions(b *testing.B) {
	c := ofPlane(texture(1, 1024, 768))
	for b.Loop() {
		c.regions()
	}
}

func BenchmarkRegionVariants(b *testing.B) {
	c := ofPlane(texture(1, 512, 384))
	for b.Loop() {
		c.regionVariants()
	}
}

// On photos: most crops of up to 12 %, or of 12 to 30 % of a side, are within
// the distance that counts as weak, and hardly any photo of something else is.
func TestRegionsOnPhotos(t *testing.T) {
	const weak, every = 54, 20
	dir := datasets(t, "products")
	r := rand.New(rand.NewPCG(9, 9))
	type photo struct {
		product string
		codes   []Code
		plane   plane
	}
	var photos []photo
	for i, row := range readCSV(t, filepath.Join(dir, "manifest.csv")) {
		if i%every == 0 {
			c := decodeStored(t, filepath.Join(dir, row["file"]))
			photos = append(photos, photo{row["product_id"], c.regions(), c.luma})
		}
	}
	found, strangers := map[string]int{}, 0
	for _, p := range photos {
		cut, x, y, side := 5+7*r.Float64(), r.Float64(), r.Float64(), 12+18*r.Float64()
		for kind, w := range map[string]Window{
			"random": percent(cut*x, cut*y, cut-cut*x, cut-cut*y),
			"middle": percent(10, 10, 10, 10),
			"side":   percent(0, 0, side, 0),
		} {
			part := p.plane.cropped(scaleBox(image.Rect(w.Left, w.Top, w.Right, w.Bottom), image.Rect(0, 0, windowOne, windowOne), p.plane.frame()))
			vs := ofPlane(part).regionVariants()
			near := func(codes []Code) bool {
				for _, v := range vs {
					for _, c := range codes {
						if v.Code.Distance(c) <= weak {
							return true
						}
					}
				}
				return false
			}
			if near(p.codes) {
				found[kind]++
			}
			for _, q := range photos {
				if q.product != p.product && near(q.codes) {
					strangers++
				}
			}
		}
	}
	t.Logf("of %d photos found: %v; near something else: %d", len(photos), found, strangers)
	for kind, least := range map[string]int{"random": 85, "middle": 98, "side": 80} {
		if 100*found[kind] < least*len(photos) {
			t.Errorf("%s: %d of %d crops found, want at least %d %%", kind, found[kind], len(photos), least)
		}
	}
	if strangers > 2 {
		t.Errorf("%d crops are near a region of another product, want at most 2", strangers)
	}
}

// Stored codes are told apart by their place alone, so a change here is a new
// recipe.
func TestWindowsStayAsTheyAre(t *testing.T) {
	const want = 1818342275
	if got := crc32.ChecksumIEEE([]byte(fmt.Sprint(windows))); got != want {
		t.Errorf("checksum of %v: %d, want %d", windows, got, want)
	}
}
