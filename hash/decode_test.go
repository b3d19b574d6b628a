package hash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
)

func encodeGIF(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostileFiles makes the files of the generator once.
var hostileFiles = sync.OnceValue(hostile.Files)

// hostileFile finds a file of the generator by its name.
func hostileFile(t testing.TB, name string) []byte {
	t.Helper()
	fs := hostileFiles()
	i := slices.IndexFunc(fs, func(f hostile.File) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no hostile file %s", name)
	}
	return fs[i].Data
}

func TestSniff(t *testing.T) {
	m := hostile.Texture(32, 32)
	for _, c := range []struct {
		b         []byte
		format    string
		decodable bool
	}{
		{encodeJPEG(t, m), "jpeg", true},
		{encodePNG(t, m), "png", true},
		{encodeGIF(t, m), "gif", true},
		{hostile.WebP(m), "webp", true},
		{hostileFile(t, "valid.bmp"), "bmp", true},
		{hostileFile(t, "valid.tif"), "tiff", true},
		{[]byte("MM\x00*\x00\x00\x00\x08"), "tiff", true},
		{[]byte("MM\x00+\x00\x08\x00\x00"), "bigtiff", false},
		{[]byte("\x00\x00\x00\x20ftypheic\x00\x00\x00\x00mif1heic"), "heic", false},
		{[]byte("\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00miafavif"), "avif", false},
		{[]byte("\x00\x00\x00\x20ftypisom\x00\x00\x00\x00mp42"), "", false},
		{[]byte("\xef\xbb\xbf \n<?xml version='1.0'?><!-- x --><svg/>"), "svg", false},
		{[]byte("<html><body>"), "", false},
		{[]byte("P5\n1 1\n255\n"), "pnm", false},
		{[]byte("P5x"), "", false},
		{[]byte("%PDF-1.4"), "pdf", false},
		{[]byte("RIFF\x00\x00\x00\x00WEBQ"), "", false},
		{[]byte("\xff\xd8"), "", false},
		{nil, "", false},
	} {
		format, decodable := sniff(c.b)
		if format != c.format || decodable != c.decodable {
			t.Errorf("%.20q: %q, %v, want %q, %v", c.b, format, decodable, c.format, c.decodable)
		}
	}
}

func TestInspectReasons(t *testing.T) {
	jpg := encodeJPEG(t, hostile.Texture(64, 48))
	on := Limits{Formats: Formats{BMP: true, TIFF: true}}
	for _, c := range []struct {
		name   string
		data   []byte
		limits Limits
		want   Reason
	}{
		{"jpeg", jpg, Limits{}, ""},
		{"side of 15", encodePNG(t, hostile.Texture(15, 64)), Limits{}, TooSmall},
		{"side of 16", encodePNG(t, hostile.Texture(16, 64)), Limits{}, ""},
		{"smaller side wanted", encodePNG(t, hostile.Texture(15, 64)), Limits{MinSide: 8}, ""},
		{"longer side than allowed", jpg, Limits{MaxSide: 63}, TooLarge},
		{"taller than allowed", encodePNG(t, hostile.Texture(48, 64)), Limits{MaxSide: 63}, TooLarge},
		{"one pixel too many", jpg, Limits{MaxPixels: 64*48 - 1}, TooLarge},
		{"exactly the pixels", jpg, Limits{MaxPixels: 64 * 48}, ""},
		{"memory", jpg, Limits{MaxMemory: canonicalBytes}, TooCostly},
		{"negative limits are the default", jpg, Limits{MaxPixels: -1, MaxSide: -1, MinSide: -1, MaxMemory: -1, Timeout: -1, MaxScans: -1}, ""},
		{"65 scans", hostileFile(t, "progressive-1000-x3-65-scans.jpg"), Limits{}, TooCostly},
		{"64 scans", hostileFile(t, "progressive-1000-x3-64-scans.jpg"), Limits{}, ""},
		{"65 scans allowed", hostileFile(t, "progressive-1000-x3-65-scans.jpg"), Limits{MaxScans: 65}, ""},
		{"64 scans of 16 megapixels", hostileFile(t, "progressive-4000-x1-64-scans.jpg"), Limits{}, TooCostly},
		{"bmp off", hostileFile(t, "valid.bmp"), Limits{}, UnsupportedFormat},
		{"bmp on", hostileFile(t, "valid.bmp"), on, ""},
		{"tiff off", hostileFile(t, "valid.tif"), Limits{}, UnsupportedFormat},
		{"tiff on", hostileFile(t, "valid.tif"), on, ""},
		{"bmp of minimum height", hostileFile(t, "height-minimum.bmp"), on, TooLarge},
		{"tiff of one huge tile", hostileFile(t, "huge-tile.tif"), on, ""},
		{"animated webp", hostileFile(t, "animated.webp"), Limits{}, UnsupportedFormat},
		{"animated webp without the flag", bytes.Replace(hostileFile(t, "animated.webp"), []byte("\x0a\x00\x00\x00\x02"), []byte("\x0a\x00\x00\x00\x00"), 1), Limits{}, UnsupportedFormat},
		{"lossless jpeg", hostileFile(t, "lossless.jpg"), Limits{}, UnsupportedFormat},
		{"12-bit jpeg", hostileFile(t, "12-bit.jpg"), Limits{}, UnsupportedFormat},
		{"png that claims gigabytes", hostileFile(t, "claims-60000-rgba16.png"), Limits{}, TooLarge},
		{"png of no width", hostileFile(t, "width-zero.png"), Limits{}, Corrupt},
		{"webp of one colour, 49 megapixels", hostileFile(t, "lossless-7000.webp"), Limits{}, TooCostly},
		{"gif screen of 49 megapixels", hostileFile(t, "7000-screen-dot.gif"), Limits{}, TooCostly},
	} {
		_, err := inspect(c.data, c.limits.WithDefaults())
		if reason, _ := IsUnusable(err); reason != c.want || err != nil && c.want == "" {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// All that a decoder allocates from beginning to end is at least what it holds
// at any time. Some decoders also leave garbage behind, which is not estimated
// because the collector can have it at once.
func TestCostCoversWhatDecodersAllocate(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes large pictures")
	}
	const mb = 1 << 20
	for _, c := range []struct {
		name    string
		garbage uint64
	}{
		{"grey-7000-zero.jpg", 0}, {"colour-7000-zero.jpg", 0}, {"cmyk-4000-zero.jpg", 0}, {"rgb-5000-zero.jpg", 0},
		{"progressive-2000-x3-64-scans.jpg", 0}, {"progressive-half-colour-30mp.jpg", 0},
		{"grey1-7000-transparent.png", 0}, {"rgba8-5000-interlaced.png", 0}, {"rgba16-5000.png", 0},
		{"4000-interlaced.gif", 0}, {"6400-screen-dot.gif", 0},
		{"lossless-transforms-2900.webp", 0}, {"lossy-7000.webp", 0},
		{"lossless-2600-groups.webp", 64 * mb}, // the lengths of the codes
		{"valid.bmp", 0}, {"valid.tif", 0}, {"packbits-3000.tif", 0},
		{"deflate-3000.tif", 64 * mb}, // a buffer that doubles
	} {
		b := hostileFile(t, c.name)
		h, err := inspect(b, Limits{Formats: Formats{true, true}, Timeout: time.Hour}.WithDefaults())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = decode(context.Background(), b, h, time.Now().Add(time.Hour))
		runtime.ReadMemStats(&after)
		n := after.TotalAlloc - before.TotalAlloc
		if n > uint64(h.cost)+c.garbage {
			t.Errorf("%s: decoding allocated %d MB, %d MB were estimated", c.name, n/mb, h.cost/mb)
		}
	}
}

func TestDecodeKeepsPixels(t *testing.T) {
	m := hostile.Texture(48, 32)
	for name, b := range map[string][]byte{"png": encodePNG(t, m), "webp": hostile.WebP(m), "webp with exif": hostile.WebPWithExif(m, nil)} {
		got := mustDecode(t, b, Limits{})
		for y := range 32 {
			for x := range 48 {
				if color.NRGBAModel.Convert(got.At(x, y)) != color.Color(m.NRGBAAt(x, y)) {
					t.Fatalf("%s: (%d,%d) is %v, want %v", name, x, y, got.At(x, y), m.NRGBAAt(x, y))
				}
			}
		}
	}
}

func mustDecode(t testing.TB, b []byte, l Limits) image.Image {
	t.Helper()
	h, err := inspect(b, l.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	m, err := decode(context.Background(), b, h, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A frame that is smaller than the screen stands where it belongs, and the
// rest of the screen is transparent.
func TestGIFFrameStandsOnItsScreen(t *testing.T) {
	red := color.RGBA{200, 0, 0, 255}
	frame := image.NewPaletted(image.Rect(10, 20, 30, 30), color.Palette{red, color.RGBA{}})
	frame.SetColorIndex(12, 25, 1)
	var b bytes.Buffer
	g := gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 40, Height: 50}}
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	m := mustDecode(t, b.Bytes(), Limits{})
	if m.Bounds() != image.Rect(0, 0, 40, 50) {
		t.Fatalf("bounds %v", m.Bounds())
	}
	for y := range 50 {
		for x := range 40 {
			want := color.RGBA{}
			if image.Pt(x, y).In(frame.Rect) && (x != 12 || y != 25) {
				want = red
			}
			if got := color.RGBAModel.Convert(m.At(x, y)); got != color.Color(want) {
				t.Fatalf("(%d,%d) is %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestDecodeStopsAtTheDeadline(t *testing.T) {
	b := hostileFile(t, "colour-7000-zero.jpg")
	h, err := inspect(b, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	_, err = decode(context.Background(), b, h, time.Now().Add(5*time.Millisecond))
	if r, _ := IsUnusable(err); r != TooCostly {
		t.Errorf("%v, want %s", err, TooCostly)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = decode(ctx, b, h, time.Now().Add(time.Minute)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func TestDecodeRecoversPanics(t *testing.T) {
	err := func() (err error) {
		defer recoverCorrupt(&err)
		panic("index out of range")
	}()
	if r, _ := IsUnusable(err); r != Corrupt {
		t.Errorf("%v, want %s", err, Corrupt)
	}
}

func TestDecodeRefusesAPictureOfOtherSides(t *testing.T) {
	b := encodePNG(t, hostile.Texture(32, 32))
	_, err := decode(context.Background(), b, header{format: formatPNG, width: 32, height: 33}, time.Now().Add(time.Minute))
	if r, _ := IsUnusable(err); r != Corrupt {
		t.Errorf("%v, want %s", err, Corrupt)
	}
}

// The walk over the markers must see as many scans as the decoder does, also
// through entropy coded data full of 0xFF.
func TestSurveyJPEGCountsScans(t *testing.T) {
	m, r := image.NewGray(image.Rect(0, 0, 128, 128)), rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
	}
	s := surveyJPEG(encodeJPEG(t, m))
	if s.scans != 1 || s.visits != 256 || len(s.components) != 1 || s.progressive {
		t.Errorf("noise: %d scans, %d visits, %d components", s.scans, s.visits, len(s.components))
	}
	s = surveyJPEG(hostileFile(t, "progressive-1000-x3-65-scans.jpg"))
	if s.scans != 65 || s.visits != (3+64)*125*125 || !s.progressive {
		t.Errorf("progressive: %d scans, %d visits", s.scans, s.visits)
	}
	// Stuffed bytes, restart markers and fill bytes are no segments.
	scan := []byte("\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00")
	data := []byte("\x12\xff\x00\xff\xff\xd0\xff\xd7\xff\x00\xff\xff\x00\xff\xff\xff")
	b := bytes.Join([][]byte{[]byte("\xff\xd8\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00"), scan, data, scan, []byte("\xff\xd9"), scan}, nil)
	if s := surveyJPEG(b); s.scans != 2 || s.visits != 8 {
		t.Errorf("by hand: %d scans, %d visits, want 2 and 8", s.scans, s.visits)
	}
	for n := range 40 { // no file is too short
		surveyJPEG(encodeJPEG(t, m)[:2+n])
	}
}

func TestBudgetIsSharedAndBounded(t *testing.T) {
	b := NewBudget(100)
	if err := b.acquire(context.Background(), 60); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := b.acquire(ctx, 60); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("more was granted than there is: %v", err)
	}
	b.release(60)
	if err := b.acquire(context.Background(), 1000); err != nil { // all of it
		t.Fatal(err)
	}
	b.release(1000)
	if d := NewBudget(0); d.total != DefaultLimits().MaxMemory {
		t.Errorf("a budget of %d bytes", d.total)
	}
	if got := fmt.Sprint((*Budget)(nil).acquire(context.Background(), 1<<40)); got != "<nil>" {
		t.Error(got)
	}
}
