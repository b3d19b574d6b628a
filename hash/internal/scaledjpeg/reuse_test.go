package scaledjpeg

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// seen is what a caller sees of a picture: samples behind the right edge are none.
type seen struct {
	w, h   int
	planes [3]Plane
}

func look(p *Picture) seen {
	s := seen{w: p.Width, h: p.Height}
	for i, q := range []Plane{p.Luma, p.Chroma[0], p.Chroma[1]} {
		s.planes[i] = Plane{W: q.W, H: q.H, SpanX: q.SpanX, SpanY: q.SpanY}
		for y := range q.H {
			s.planes[i].Pix = append(s.planes[i].Pix, q.Pix[y*q.Stride:][:q.W]...)
		}
	}
	return s
}

func (s seen) equal(o seen) bool {
	for i, p := range s.planes {
		q := o.planes[i]
		if p.W != q.W || p.H != q.H || p.SpanX != q.SpanX || p.SpanY != q.SpanY || !slices.Equal(p.Pix, q.Pix) {
			return false
		}
	}
	return s.w == o.w && s.h == o.h
}

// TestBuffersAreKept decodes all kinds of file with one decoder, sound and broken ones
// in turn, and each as if it were the first.
func TestBuffersAreKept(t *testing.T) {
	var kept Decoder
	for seed := range uint64(600) {
		g := generate(t, seed*7919%1000)
		b, scale := g.data, 1+int(seed)%MaxScale
		if seed%5 == 0 {
			b = b[:len(b)-int(seed)%len(b)]
		}
		var fresh Decoder
		p, err := kept.Decode(b, scale, never)
		q, freshErr := fresh.Decode(b, scale, never)
		if err != freshErr {
			t.Fatalf("%s at %d: %v, with new buffers %v", g.name, scale, err, freshErr)
		}
		if err == nil && !look(p).equal(look(q)) {
			t.Fatalf("%s at %d: other samples than with new buffers", g.name, scale)
		}
	}
}

// The caller's bytes are free again once a picture is decoded: for another file, too,
// whose tables differ and stand at the same place.
func TestBytesAreNotKept(t *testing.T) {
	first := grey(0xc0, 1, code(0, 0, [17][]byte{1: {0}, 2: {1}}), code(1, 0, [17][]byte{1: {0}, 2: {1}}), all, data("100 0"))
	second := grey(0xc0, 1, code(0, 0, [17][]byte{1: {1}, 2: {0}}), code(1, 0, [17][]byte{1: {1}, 2: {0}}), all, data("01 10"))
	if len(first) != len(second) {
		t.Fatalf("%d and %d bytes", len(first), len(second))
	}
	for scale := 1; scale <= 2; scale++ {
		var kept, fresh Decoder
		b := bytes.Clone(first)
		p, err := kept.Decode(b, scale, never)
		if err != nil {
			t.Fatal(err)
		}
		before := look(p)
		copy(b, second)
		if !look(p).equal(before) {
			t.Error("the picture changed with the bytes")
		}
		p, err = kept.Decode(b, scale, never)
		q, freshErr := fresh.Decode(b, scale, never)
		if err != nil || freshErr != nil || !look(p).equal(look(q)) || look(p).equal(before) {
			t.Errorf("at %d: other samples than of a new decoder: %v, %v", scale, err, freshErr)
		}
	}
}

func TestDecodersAtOnce(t *testing.T) {
	var files [][]byte
	var want []seen
	for seed := range uint64(60) {
		b := generate(t, seed).data
		var d Decoder
		if p, err := d.Decode(b, 2, never); err == nil {
			files, want = append(files, b), append(want, look(p))
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var d Decoder
			for i, b := range files {
				if p, err := d.Decode(b, 2, never); err != nil || !look(p).equal(want[i]) {
					t.Errorf("file %d: %v, or other samples", i, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSecondDecodeAllocatesNothing(t *testing.T) {
	for _, s := range smallSeeds {
		b := encodeScene(t, s.seed, 200, 150, s.options)
		var d Decoder
		for scale := MaxScale; scale >= 1; scale-- {
			n := testing.AllocsPerRun(5, func() {
				if _, err := d.Decode(b, scale, never); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%s at %d: %v allocations", s.name, scale, n)
			}
		}
	}
}

// TestCheckEndsDecoding: check is asked often enough, and its error comes back as it is.
func TestCheckEndsDecoding(t *testing.T) {
	gone := errors.New("the caller is gone")
	for _, o := range []jpegwriter.Options{{Quality: 97}, {Quality: 97, RestartInterval: 500, OptimiseTables: true}} {
		b := encodeScene(t, 9, 1000, 700, o)
		var d Decoder
		asked := 0
		if _, err := d.Decode(b, 1, func() error { asked++; return nil }); err != nil {
			t.Fatal(err)
		}
		if asked < len(b)/(32<<10) || asked > len(b)/(2<<10) {
			t.Errorf("asked %d times for %d bytes", asked, len(b))
		}
		for stop := range asked {
			n := 0
			_, err := d.Decode(b, 1, func() error {
				if n++; n > stop {
					return gone
				}
				return nil
			})
			if err != gone || n != stop+1 {
				t.Errorf("asked %d times, then: %v", n, err)
			}
		}
		if _, err := d.Decode(b, 1, never); err != nil {
			t.Errorf("after it was ended: %v", err)
		}
	}
}
