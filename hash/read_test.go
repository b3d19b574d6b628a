package hash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"testing"
	"testing/iotest"
)

func jpegOf(t testing.TB, seed uint64, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, colourful(seed, w, h), &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadAndReadQuery(t *testing.T) {
	b := jpegOf(t, 1, 320, 200)
	ctx := context.Background()
	f, info, err := Read(ctx, bytes.NewReader(b), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if info.Format != "jpeg" || info.Width != 320 || info.Height != 200 || info.Orientation != 1 ||
		info.Bytes != int64(len(b)) || info.SHA256 != sha256.Sum256(b) {
		t.Errorf("%+v", info)
	}
	if f.Fast() || !f.Has(PDQ) || !f.Has(Perception) || !f.Has(Difference) || f.Recipe() != Recipe || f.Quality() < MinQuality {
		t.Errorf("%+v", f)
	}
	q, qinfo, err := ReadQuery(ctx, bytes.NewBuffer(b), Limits{})
	if err != nil || !q.Fast() || q.Has(Perception) || q.String()[:4] != "t2q:" {
		t.Errorf("%v %v", q, err)
	}
	d, err := Compare(qinfo.Complete(q), f)
	if err != nil || d.PDQ != 0 || d.Perception != 0 || d.Difference != 0 || d.Colour != 0 {
		t.Errorf("%+v %v", d, err)
	}
}

func TestReadLosslessCopiesAgree(t *testing.T) {
	m := colourful(8, 200, 150)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	f, _, err := Read(context.Background(), &b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if g, err := Of(m); err != nil || g != f {
		t.Errorf("PNG and pixels give other fingerprints, %v", err)
	}
}

func TestCost(t *testing.T) {
	small, large := jpegOf(t, 1, 100, 100), jpegOf(t, 1, 2000, 1000)
	a, short := Cost(small, Limits{})
	b, long := Cost(large, Limits{})
	if a < canonicalBytes || b < a+2_000_000 || short <= 0 || long < 100*short {
		t.Errorf("%d bytes and %v, %d bytes and %v", a, short, b, long)
	}
	if c, d := Cost(small, Limits{MaxSide: 50}); c != 0 || d != 0 {
		t.Errorf("a picture that is refused costs %d bytes and %v", c, d)
	}
}

func TestReadErrors(t *testing.T) {
	b := jpegOf(t, 1, 100, 100)
	ctx := context.Background()
	broken := errors.New("line cut")
	if _, _, err := Read(ctx, io.MultiReader(bytes.NewReader(b[:50]), iotest.ErrReader(broken)), Limits{}); !errors.Is(err, broken) {
		t.Errorf("the reader's error is lost: %v", err)
	}
	for _, c := range []struct {
		name string
		l    Limits
		want Reason
	}{
		{"bytes", Limits{MaxBytes: 10}, TooLarge},
		{"pixels", Limits{MaxPixels: 9999}, TooLarge},
		{"long side", Limits{MaxSide: 99}, TooLarge},
		{"short side", Limits{MinSide: 101}, TooSmall},
		{"memory", Limits{MaxMemory: 1000}, TooCostly},
		{"time", Limits{Timeout: 1}, TooCostly},
	} {
		for _, r := range []io.Reader{bytes.NewReader(b), bytes.NewBuffer(b)} {
			_, info, err := Read(ctx, r, c.l)
			if got, _ := IsUnusable(err); got != c.want || info.canonical != nil {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := Read(gone, bytes.NewReader(b), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Reading the pixels of a large picture takes as long as decoding it, so it
// must end when time is up, and say whose fault that is.
func TestReducingIsCutShort(t *testing.T) {
	m := colourful(1, 64, 64)
	rows := 0
	_, err := canonicalise(m, 1, func() error {
		if rows += checkRows; rows > 32 {
			return unusable(TooCostly, "enough")
		}
		return nil
	})
	if r, _ := IsUnusable(err); r != TooCostly || rows != 48 {
		t.Errorf("%v after %d rows", err, rows)
	}
}

func TestReadNothing(t *testing.T) {
	if _, _, err := Read(context.Background(), nil, Limits{}); err == nil {
		t.Error("a fingerprint from no reader")
	}
}

func TestLimitsAtTheEdge(t *testing.T) {
	b := jpegOf(t, 1, 100, 100)
	huge := Limits{
		MaxBytes: math.MaxInt64, MaxPixels: math.MaxInt64, MaxSide: math.MaxInt, MaxScans: math.MaxInt,
		MaxMemory: math.MaxInt64, Timeout: math.MaxInt64,
	}
	negative := Limits{MaxBytes: -1, MaxPixels: -1, MinSide: -1, MaxSide: -1, MaxScans: -1, MaxMemory: -1, Timeout: -1}
	for _, l := range []Limits{huge, negative} {
		if _, _, err := Read(context.Background(), bytes.NewReader(b), l); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if negative.WithDefaults() != DefaultLimits() {
		t.Errorf("%+v", negative.WithDefaults())
	}
}

func TestBudgetIsSharedAndGivenBack(t *testing.T) {
	b := jpegOf(t, 1, 100, 100)
	budget := NewBudget(1 << 20)
	l := Limits{Budget: budget}
	if err := budget.acquire(context.Background(), 1<<30); err != nil { // more than all is all
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Read(gone, bytes.NewReader(b), l); !errors.Is(err, context.Canceled) {
		t.Errorf("read without memory: %v", err)
	}
	budget.release(1 << 30)
	for range 3 {
		if _, _, err := Read(context.Background(), bytes.NewReader(b), l); err != nil {
			t.Fatal(err)
		}
		_, _, _ = Read(context.Background(), bytes.NewReader(b[:len(b)/2]), l)
	}
	if !budget.sem.TryAcquire(1 << 20) {
		t.Error("memory was not given back")
	}
}

func TestColourDistance(t *testing.T) {
	red, blue := reduced(colourful(1, 80, 80)), reduced(colourful(1, 80, 80))
	for i := 0; i < len(blue.colour.Pix); i += 4 {
		blue.colour.Pix[i], blue.colour.Pix[i+2] = 0, 255
		red.colour.Pix[i], red.colour.Pix[i+2] = 255, 0
	}
	a, b := signature(red.colour), signature(blue.colour)
	if d := colourDistance(a, b, Upright); d < 60 {
		t.Errorf("red and blue: %d", d)
	}
	// Turned back, a turned picture has the same colours in the same cells.
	p := reduced(colourful(6, 80, 80))
	for o, way := range orientations {
		if way.colour != nil {
			q := signature(way.colour(p.colour))
			if d := colourDistance(q, signature(p.colour), way.t); d != 0 {
				t.Errorf("orientation %d: %d", o, d)
			}
		}
	}
}
