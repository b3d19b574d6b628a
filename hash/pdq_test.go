package hash

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// The slow twin of sample: PDQ's filter as its paper tells it, in floating
// point, over the whole picture, four passes.
func slowSample(p plane) [pdqSide][pdqSide]float64 {
	m := make([]float64, len(p.pix))
	for i, v := range p.pix {
		m[i] = float64(v) / 256
	}
	for range 2 {
		boxRows(m, p.w, p.h)
		m = transposed(m, p.w, p.h)
		boxRows(m, p.h, p.w)
		m = transposed(m, p.h, p.w)
	}
	var s [pdqSide][pdqSide]float64
	for j := range s {
		for k := range s[j] {
			y := int((float64(j) + 0.5) * float64(p.h) / pdqSide)
			x := int((float64(k) + 0.5) * float64(p.w) / pdqSide)
			s[j][k] = m[y*p.w+x]
		}
	}
	return s
}

func boxRows(m []float64, w, h int) {
	window := (w + 127) / 128
	half := (window + 2) / 2
	for y := range h {
		row := append([]float64(nil), m[y*w:(y+1)*w]...)
		for x := range w {
			sum, n := 0.0, 0
			for i := max(0, x-(window-half)); i < min(w, x+half); i++ {
				sum += row[i]
				n++
			}
			m[y*w+x] = sum / float64(n)
		}
	}
}

func transposed(m []float64, w, h int) []float64 {
	out := make([]float64, len(m))
	for y := range h {
		for x := range w {
			out[x*h+y] = m[y*w+x]
		}
	}
	return out
}

func slowCoefficient(s *[pdqSide][pdqSide]float64, i, j int) float64 {
	sum := 0.0
	for y := range pdqSide {
		for x := range pdqSide {
			sum += s[y][x] * math.Cos(math.Pi/128*float64((i+1)*(2*y+1))) * math.Cos(math.Pi/128*float64((j+1)*(2*x+1)))
		}
	}
	return sum * 2 / pdqSide
}

// texture is a seeded picture with detail at several scales and some noise.
func texture(seed uint64, w, h int) plane { return waves(seed, w, h, 4) }

func waves(seed uint64, w, h int, noise float64) plane {
	r := rand.New(rand.NewPCG(seed, 7))
	p := plane{w, h, make([]uint16, w*h)}
	type wave struct{ fx, fy, phase, amp float64 }
	all := make([]wave, 12)
	for i := range all {
		all[i] = wave{r.Float64() * 9, r.Float64() * 9, r.Float64() * 6, 8 + r.Float64()*12}
	}
	for y := range h {
		for x := range w {
			v := 128.0
			for _, a := range all {
				v += a.amp * math.Sin(a.phase+2*math.Pi*(a.fx*float64(x)/float64(w)+a.fy*float64(y)/float64(h)))
			}
			v += noise * (2*r.Float64() - 1)
			p.pix[y*w+x] = uint16(math.Max(0, math.Min(255, v)) * 256)
		}
	}
	return p
}

func (p plane) frame() image.Rectangle { return image.Rect(0, 0, p.w, p.h) }

func TestSampleAgainstSlowTwin(t *testing.T) {
	for _, size := range [][2]int{{16, 16}, {17, 300}, {63, 65}, {128, 129}, {200, 64}, {513, 257}, {1024, 700}, {1, 1}, {1, 90}} {
		p := texture(uint64(size[0]), size[0], size[1])
		want := slowSample(p)
		got := sample(p, p.frame())
		worst := 0.0
		for j := range want {
			for k := range want[j] {
				worst = math.Max(worst, math.Abs(want[j][k]-float64(got[j][k])/(1<<fractionBits)))
			}
		}
		if worst > 1e-3 {
			t.Errorf("%v: %g grey levels from the slow twin", size, worst)
		}
	}
}

func TestSamplePartIsSampleOfThePart(t *testing.T) {
	p := texture(3, 300, 200)
	r := image.Rect(31, 17, 290, 160)
	cut := plane{r.Dx(), r.Dy(), nil}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		cut.pix = append(cut.pix, p.pix[y*p.w+r.Min.X:y*p.w+r.Max.X]...)
	}
	if *sample(p, r) != *sample(cut, cut.frame()) {
		t.Error("a part is sampled otherwise than a picture of the same pixels")
	}
}

func TestCodeAgainstSlowTwin(t *testing.T) {
	p := texture(11, 400, 300)
	s := slowSample(p)
	b := sample(p, p.frame()).dct()
	for i := range pdqBlock {
		for j := range pdqBlock {
			want := slowCoefficient(&s, i, j)
			got := float64(b[pdqBlock*i+j]) / (1 << fractionBits)
			if math.Abs(want-got) > 0.01 {
				t.Errorf("coefficient %d,%d: %g, the slow twin has %g", i, j, got, want)
			}
		}
	}
}

// Below 64 pixels a side the samples repeat, some coefficients are equal, and
// equal ones fall on the same side of the median.
func TestCodeHas128Ones(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(pdqSide, 200).Draw(t, "w"), rapid.IntRange(pdqSide, 200).Draw(t, "h")
		p := texture(rapid.Uint64().Draw(t, "seed"), w, h)
		for _, c := range sample(p, p.frame()).dct().signs() {
			if n := c.Distance(Code{}); n != 128 {
				t.Fatalf("%d ones", n)
			}
		}
	})
}

// Turning the picture and deriving the code from the upright DCT must agree,
// but for PDQ's sampling grid: its centres and its even windows lie up to 1.5
// pixels right of the middle, so a mirrored picture is sampled elsewhere. At
// 64x64 nothing is resampled and the two are equal.
func TestVariantsAgainstTurnedPicture(t *testing.T) {
	for _, size := range [][2]int{{64, 64}, {128, 96}, {500, 333}, {1024, 683}} {
		p := waves(uint64(size[0]), size[0], size[1], 0)
		var f Fingerprint
		f.recipe, f.has = Recipe, fromPixels
		f.setFrame(Full, sample(p, p.frame()).dct())
		for tr := range Transform(Transforms) {
			turned := p.turned(tr)
			code := sample(turned, turned.frame()).dct().signs()[0]
			q := FromPDQ(code, 100)
			// The turned picture's own code equals f asked in the orientation
			// that the inverse gives: f is q turned back.
			var got Code
			for _, v := range f.Variants() {
				if v.Transform == tr.inverse() {
					got = v.Code
				}
			}
			upright, _ := q.Code(Full)
			allowed := 20
			if size == [2]int{64, 64} {
				allowed = 0
			}
			if d := got.Distance(upright); d > allowed {
				t.Errorf("%v %s: %d bits", size, tr, d)
			}
		}
	}
}

func TestQualityOfFlatAndBusy(t *testing.T) {
	flat := plane{100, 100, make([]uint16, 10000)}
	if q := sample(flat, flat.frame()).quality(); q != 0 {
		t.Errorf("quality of a blank picture: %d", q)
	}
	busy := texture(1, 256, 256)
	if q := sample(busy, busy.frame()).quality(); q != 100 {
		t.Errorf("quality of a busy picture: %d", q)
	}
}

// The cosines are computed when the program starts; if a platform's math
// library rounded one of them otherwise, its fingerprints would be foreign.
func TestCosinesAreTheSameEverywhere(t *testing.T) {
	var sum, weighted int64
	for i := range cosines {
		for j, v := range cosines[i] {
			sum += v
			weighted += v * int64(1+i*pdqSide+j)
		}
	}
	if sum != cosineSum || weighted != cosineWeighted {
		t.Errorf("sums %d and %d, want %d and %d", sum, weighted, int64(cosineSum), int64(cosineWeighted))
	}
}

const (
	cosineSum      = 0
	cosineWeighted = -2958158690
)
