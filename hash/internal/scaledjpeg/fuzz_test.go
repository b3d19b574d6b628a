package scaledjpeg

import (
	"bytes"
	"image/jpeg"
	"runtime"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// The limits of a fuzzed file. The caller of the decoder has such, too: the decoder
// takes memory for as many samples as the header says.
const (
	fuzzBytes  = 16 << 10
	fuzzPixels = 1 << 15
)

// FuzzDecode: whatever the bytes are, the decoder reads what the twin reads and makes
// the same samples; and it reads nothing that image/jpeg refuses, but in the scans
// of a progressive file that it jumps over.
func FuzzDecode(f *testing.F) {
	for _, s := range smallSeeds {
		f.Add(encodeScene(f, s.seed, 19, 11, s.options), byte(0))
	}
	for seed := range uint64(40) {
		if b := generate(f, seed).data; len(b) < 2000 {
			f.Add(b, byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, scale byte) {
		if len(b) > fuzzBytes {
			return
		}
		bounded(t, b, 1+int(scale)%MaxScale)
	})
}

// FuzzDamage is FuzzDecode for files that are sound but for a few bytes: most of what
// FuzzDecode tries breaks the header.
func FuzzDamage(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed, uint16(7*seed), byte(seed), uint16(300+3*seed), byte(255-seed), uint16(0))
	}
	f.Fuzz(func(t *testing.T, seed uint64, at uint16, with byte, at2 uint16, with2 byte, less uint16) {
		b := generate(t, seed).data
		// Positions count from the end, where the data is.
		b[len(b)-1-int(at)%len(b)] ^= with
		b[len(b)-1-int(at2)%len(b)] ^= with2
		if int(less) < len(b) && with2&1 != 0 {
			b = append(b[:len(b)-int(less)], 0xff, markerEOI)
		}
		bounded(t, b, 1+int(seed)%MaxScale)
	})
}

// fuzzMemory is more than a fresh decoder may take: it has tables of its own, and
// four bytes for each of up to 16 samples of a block.
const fuzzMemory = 1<<20 + 3*fuzzPixels/64*16*4

// bounded decodes within fuzzPixels, with a fresh decoder, and looks at what that
// takes.
func bounded(t *testing.T, b []byte, scale int) {
	tw, why := readTwin(b, scale, fuzzPixels)
	if c, err := jpeg.DecodeConfig(bytes.NewReader(b)); why == tooLarge || err == nil && c.Width*c.Height > fuzzPixels {
		return // image/jpeg, too, takes memory for all that the header says
	}
	a := &album{want: func(x, y int) bool { return (x+y)/8%3 == 0 }}
	if _, err := new(Decoder).DecodeDetail(b, scale, a, never); (err == nil) != (why == "" && inFull(tw)) {
		t.Errorf("with detail at %d: %v, twin %q, %d scans", scale, err, why, tw.scans)
	}
	agree(t, new(Decoder), "fuzzed", b, scale, fuzzPixels)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin, asked := time.Now(), 0
	_, _ = new(Decoder).Decode(b, scale, func() error { asked++; return nil })
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	if took > 2*time.Second {
		t.Errorf("%d bytes took %v", len(b), took)
	}
	if asked > 10+len(b) {
		t.Errorf("asked %d times for %d bytes", asked, len(b))
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > fuzzMemory {
		t.Errorf("%d bytes of memory for %d bytes of file", n, len(b))
	}
}

func TestNothing(t *testing.T) {
	for _, b := range [][]byte{nil, {}, {0xff}, {0xff, 0xd8}, {0xff, 0xd8, 0xff}, {0xff, 0xd8, 0xff, 0xd9}, bytes.Repeat([]byte{0xff}, 100)} {
		for _, scale := range []int{-1, 0, 1, 4, 5, 8, 1 << 40} {
			var d Decoder
			if p, err := d.Decode(b, scale, never); p != nil || err != ErrOdd {
				t.Errorf("%x at %d: %v, %v", b, scale, p, err)
			}
		}
	}
	b := encodeScene(t, 1, 16, 16, jpegwriter.Options{})
	for _, scale := range []int{-1, 0, 5, 9, 1 << 40} {
		var d Decoder
		if _, err := d.Decode(b, scale, never); err != ErrOdd {
			t.Errorf("scale %d: %v", scale, err)
		}
	}
}
