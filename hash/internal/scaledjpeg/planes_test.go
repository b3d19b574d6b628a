package scaledjpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"testing"
)

// never is a check that lets decoding go on.
func never() error { return nil }

// exact says how far the samples of a file were from those of the twin.
type exact struct {
	files, refused int
	reasons        map[refusal]int
	samples        int
	worst          float64 // in levels, of tame files
	worstAt        string
}

func (e *exact) String() string {
	return fmt.Sprintf("%d files, of which %d are refused %v; %d samples, at most %.4f levels off (%s)",
		e.files, e.refused, e.reasons, e.samples, e.worst, e.worstAt)
}

// compare holds the decoder to the twin at all scales: it must read what the twin
// reads, refuse what it refuses, and make the same samples.
func (e *exact) compare(t testing.TB, d *Decoder, name string, b []byte) {
	t.Helper()
	e.files++
	var tw *twin
	var why refusal
	for scale := 1; scale <= MaxScale; scale++ {
		if tw == nil || tw.progressive {
			tw, why = readTwin(b, scale, 1<<24)
		}
		if why == tooLarge {
			return
		}
		p, err := d.Decode(b, scale, never)
		if err != nil && !errors.Is(err, ErrOdd) {
			t.Errorf("%s at %d: %v is not ErrOdd", name, scale, err)
			return
		}
		if (err == nil) != (why == "") {
			t.Errorf("%s at %d: decoder says %v, twin %q", name, scale, err, why)
			return
		}
		if err != nil {
			if scale == 1 {
				e.refused++
				if e.reasons == nil {
					e.reasons = map[refusal]int{}
				}
				e.reasons[why]++
			}
			continue
		}
		if !e.picture(t, tw, p, scale, name) {
			return
		}
	}
}

// picture compares the planes of a file that both read.
func (e *exact) picture(t testing.TB, tw *twin, p *Picture, scale int, name string) bool {
	t.Helper()
	if p.Width != tw.width || p.Height != tw.height {
		t.Errorf("%s: %d x %d, the twin has %d x %d", name, p.Width, p.Height, tw.width, tw.height)
		return false
	}
	planes := []*Plane{&p.Luma, &p.Chroma[0], &p.Chroma[1]}
	for i := len(tw.comps); i < 3; i++ {
		if planes[i].W != 0 || planes[i].H != 0 || len(planes[i].Pix) != 0 {
			t.Errorf("%s: plane %d of a grey picture has %d x %d samples", name, i, planes[i].W, planes[i].H)
			return false
		}
	}
	tame := tw.tame()
	for i := range tw.comps {
		k := scale
		if i > 0 {
			k = 1
		}
		w, h, want, weights := tw.plane(i, k)
		if q := planes[i]; q.W != w || q.H != h || q.Stride < w || len(q.Pix) < (h-1)*q.Stride+w {
			t.Errorf("%s: plane %d has %d x %d samples, want %d x %d", name, i, q.W, q.H, w, h)
			return false
		}
		if !e.spans(t, tw, planes[i], i, k, name) || tame && !e.plane(t, planes[i], want, weights, fmt.Sprintf("%s, plane %d at %d", name, i, k)) {
			return false
		}
	}
	return true
}

// spans checks that samples cover what they are said to.
func (e *exact) spans(t testing.TB, tw *twin, q *Plane, i, k int, name string) bool {
	t.Helper()
	// k samples to a block of eight, which covers so many pixels, times three.
	x, y := 3*8*tw.comps[0].h/tw.comps[i].h, 3*8*tw.comps[0].v/tw.comps[i].v
	if q.SpanX*k != x || q.SpanY*k != y {
		t.Errorf("%s: plane %d at %d: spans %d x %d thirds", name, i, k, q.SpanX, q.SpanY)
		return false
	}
	return true
}

// immense is the sum of terms, in levels, from which the decoder may clip one of them.
const immense = 1 << 20

// plane compares samples. Those that are made of huge terms have only so many digits.
func (e *exact) plane(t testing.TB, q *Plane, want, weights []float64, name string) bool {
	t.Helper()
	for y := range q.H {
		for x := range q.W {
			at := y*q.W + x
			got := float64(q.Pix[y*q.Stride+x]) / (1 << Fraction)
			ideal := min(max(want[at], -2048), 2047.9375)
			if weights[at] > immense {
				continue
			}
			e.samples++
			off := math.Abs(got - ideal)
			if weights[at] < 4096 && off > e.worst {
				e.worst, e.worstAt = off, fmt.Sprintf("%s (%d, %d)", name, x, y)
			}
			if off > 0.1+weights[at]/8192 {
				t.Errorf("%s: sample (%d, %d) is %.3f, want %.3f; terms of %.0f", name, x, y, got, ideal, weights[at])
				return false
			}
		}
	}
	return true
}

func TestGeneratedFilesAgainstTwin(t *testing.T) {
	var d Decoder
	var e exact
	n := 2000
	if testing.Short() {
		n = 200
	}
	for seed := range uint64(n) {
		g := generate(t, seed)
		e.compare(t, &d, g.name, g.data)
		if t.Failed() {
			return
		}
	}
	t.Log(&e)
	if e.refused > n/10 {
		t.Errorf("%d of %d files were refused", e.refused, n)
	}
}

func TestPicturesAgainstTwin(t *testing.T) {
	long(t)
	for name, dir := range folders(t) {
		t.Run(name, func(t *testing.T) {
			var d Decoder
			var e exact
			jpegs(t, dir, func(name string, b []byte) { e.compare(t, &d, name, b) })
			t.Log(&e)
			if name != "hostile" && (e.files < 3 || e.refused > e.files/10) {
				t.Errorf("only %d files, of which %d are refused", e.files, e.refused)
			}
		})
	}
}

// TestSamplesStay: the samples are the same on every processor, and change only when
// someone means them to.
func TestSamplesStay(t *testing.T) {
	var d Decoder
	sum := crc32.NewIEEE()
	for seed := range uint64(300) {
		g := generate(t, seed)
		if g.natural {
			continue // pictures are made with math.Sin
		}
		for scale := 1; scale <= MaxScale; scale++ {
			p, err := d.Decode(g.data, scale, never)
			if err != nil {
				continue
			}
			for _, q := range look(p).planes {
				if err := binary.Write(sum, binary.LittleEndian, q.Pix); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	const want = 0x3ca458a8
	if got := sum.Sum32(); got != want {
		t.Errorf("the sum of all samples is %#x, want %#x", got, want)
	}
}
