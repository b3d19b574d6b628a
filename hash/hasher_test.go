package hash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// file is a picture in its bytes.
type file struct {
	name string
	data []byte
}

// photosOf returns every n-th JPEG below some folders.
func photosOf(t testing.TB, n int, dirs ...string) (all []file) {
	t.Helper()
	at := 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(path) != ".jpg" {
				return err
			}
			if at++; at%n != 0 {
				return nil
			}
			b, err := os.ReadFile(path)
			all = append(all, file{filepath.Base(path), b})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no photos in %v", dirs)
	}
	return all
}

func ourPhotos(t testing.TB, n int) []file {
	t.Helper()
	return photosOf(t, n, filepath.Join("..", "testdata", "accuracy"), filepath.Join("..", "testdata", "demo"))
}

// noBorder is a photo of the demo none of whose sides looks like a border.
const noBorder = "winter-jacket-grey"

// patient is limits for tests of which time is not the subject.
func patient() Limits { return Limits{Timeout: time.Minute} }

func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("reads many pictures")
	}
}

// seenBy is what one path says about a file.
type seenBy struct {
	f      Fingerprint
	info   Info
	reason Reason
	err    error
}

func answered(f Fingerprint, info Info, err error) seenBy {
	reason, _ := IsUnusable(err)
	return seenBy{f, info, reason, err}
}

func readAs(b []byte, l Limits) seenBy {
	return answered(Read(context.Background(), bytes.NewBuffer(b), l))
}

func (h *Hasher) seeAs(b []byte, l Limits) seenBy {
	return answered(h.Query(context.Background(), b, l))
}

// small reports whether the picture was decoded at a fraction of its size.
func (s seenBy) small() bool { return s.err == nil && s.info.canonical == nil }

func written(t testing.TB, img image.Image, o jpegwriter.Options) []byte {
	t.Helper()
	b, err := jpegwriter.Encode(img, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReadQueryIsQuery: the reader's way is the same, and its limits are.
func TestReadQueryIsQuery(t *testing.T) {
	var h Hasher
	for _, p := range ourPhotos(t, 20) {
		q := h.seeAs(p.data, Limits{})
		r := answered(ReadQuery(t.Context(), bytes.NewReader(p.data), Limits{}))
		if q.f != r.f || q.reason != r.reason || q.info.Width != r.info.Width {
			t.Errorf("%s: %v and %v", p.name, q, r)
		}
		if q.err == nil && (!strings.HasPrefix(q.f.String(), fmt.Sprintf("t%dq:", Recipe)) || !q.f.Fast()) {
			t.Errorf("%s: %q", p.name, q.f)
		}
	}
	b := ourPhotos(t, 20)[0].data
	for _, l := range []Limits{{MaxBytes: int64(len(b)) - 1}, {MaxBytes: 1}} {
		q, r := h.seeAs(b, l), answered(ReadQuery(t.Context(), bytes.NewReader(b), l))
		if q.reason != TooLarge || r.reason != TooLarge || !q.f.IsZero() {
			t.Errorf("%v and %v", q.err, r.err)
		}
	}
	if q := h.seeAs(b, Limits{MaxBytes: int64(len(b))}); q.err != nil {
		t.Error(q.err)
	}
}

// faint is a picture of waves of some contrast, 1 being that of a photo.
func faint(seed uint64, w, h int, contrast float64) image.Image {
	p := waves(seed, w, h, 0)
	m := image.NewGray(p.frame())
	for i, v := range p.pix {
		m.Pix[i] = uint8(128 + (float64(v)/256-128)*contrast)
	}
	return m
}

// fuse is a context that ends when it was asked some times.
type fuse struct {
	context.Context
	left int
}

func (f *fuse) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

// A query ends with its context, wherever it is by then, and as soon as its time is up.
func TestQueryEndsWithItsContext(t *testing.T) {
	notShort(t)
	var h Hasher
	big := imaging.Resize(demoNamed(t, noBorder).img, 1003, 1003, imaging.Linear)
	bordered := edit.Border(big, color.White, .1)
	for name, b := range map[string][]byte{
		"baseline":    edit.JPEG(big, 95),
		"progressive": written(t, big, jpegwriter.Options{Progressive: true, Quality: 95}),
		"border":      edit.JPEG(bordered, 95),
		"a PNG":       edit.PNG(demoNamed(t, noBorder).img),
	} {
		whole := h.seeAs(b, patient())
		asked := 0
		for n := 0; ; n += 1 + n/2 {
			f, _, err := h.Query(&fuse{t.Context(), n}, b, patient())
			if err == nil {
				if f != whole.f {
					t.Errorf("%s: another fingerprint with %d questions", name, n)
				}
				break
			}
			if asked++; !errors.Is(err, context.Canceled) || !f.IsZero() {
				t.Fatalf("%s: %v after %d questions", name, err, n)
			}
		}
		if asked < 3 {
			t.Errorf("%s: the context is asked %d times", name, asked)
		}
		if q := h.seeAs(b, Limits{Timeout: 1}); q.reason != TooCostly {
			t.Errorf("%s: %v when time is up", name, q.err)
		}
		if q := h.seeAs(b, patient()); q.f != whole.f {
			t.Errorf("%s: another fingerprint afterwards", name)
		}
	}
}

// TestBudgetOfQueries: what was taken is given back, whatever came of the query.
func TestBudgetOfQueries(t *testing.T) {
	m := demoNamed(t, noBorder).img
	b := edit.JPEG(m, 85)
	s := surveyJPEG(b)
	l := patient()
	l.Budget = NewBudget(scaledCost(s, scaleFor(int(s.width), int(s.height))) + int64(len(b)))
	files := []file{
		{"whole", b}, {"cut off", b[:len(b)/2]}, {"progressive", written(t, m, jpegwriter.Options{Progressive: true, Grey: true})},
		{"nothing", nil}, {"border", edit.JPEG(edit.Border(edit.Scale(m, .6, .6), color.Black, .1), 85)}, {"small", edit.JPEG(edit.Scale(m, .2, .2), 85)},
		{"plain", edit.JPEG(imaging.New(300, 300, image.White), 85)}, {"PNG", edit.PNG(edit.Scale(m, .2, .2))},
	}
	var h Hasher
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for n := range 1000 {
		f := files[n%len(files)]
		if n > 60 {
			f = files[n%2] // the quick ones
		}
		ctx, now := t.Context(), l
		switch n % 7 {
		case 3:
			ctx = &fuse{t.Context(), n % 5}
		case 5:
			ctx = gone
		case 6:
			now.Timeout = 1
		}
		_, _, _ = h.Query(ctx, f.data, now)
		if !l.Budget.sem.TryAcquire(l.Budget.total) {
			t.Fatalf("memory was not given back after query %d, %s", n, f.name)
		}
		l.Budget.sem.Release(l.Budget.total)
	}
	// It is waited for, as long as the context allows.
	if err := l.Budget.acquire(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, _, err := h.Query(short, b, l); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without memory: %v", err)
	}
	l.Budget.release(1)
	if _, _, err := h.Query(t.Context(), b, l); err != nil {
		t.Error(err)
	}
}

// allSorts are files that leave different things behind in a Hasher.
func allSorts(t testing.TB) []file {
	m := demoNamed(t, noBorder).img
	large := imaging.Resize(m, 1100, 1301, imaging.Linear)
	return []file{
		{"baseline", edit.JPEG(m, 85)},
		{"large", edit.JPEG(large, 85)},
		{"turned", edit.JPEGOriented(edit.JPEG(edit.Crop(m, .2, 0, 1, 1), 85), 6)},
		{"border", edit.JPEG(edit.Border(large, color.White, .07), 85)},
		{"turned border", edit.JPEGOriented(edit.JPEG(edit.Border(edit.Crop(m, .1, 0, 1, 1), color.Black, .1), 85), 5)},
		{"progressive", written(t, m, jpegwriter.Options{Progressive: true})},
		{"progressive border", written(t, edit.Border(m, color.White, .1), jpegwriter.Options{Progressive: true})},
		{"grey", written(t, edit.Border(m, color.White, .1), jpegwriter.Options{Grey: true})},
		{"4:4:4", written(t, m, jpegwriter.Options{Sampling: jpegwriter.S444, RestartInterval: 3})},
		{"cut off", edit.JPEG(large, 85)[:40000]},
		{"PNG", edit.PNG(edit.Scale(m, .3, .3))},
		{"tiny", edit.JPEG(edit.Scale(m, .3, .3), 85)},
		{"stripes", edit.JPEG(striped(700, 700), 90)},
		{"plain", edit.JPEG(faint(1, 500, 400, .1), 85)},
		{"nothing", nil},
	}
}

// striped is a picture of stripes that are finer than PDQ's samples.
func striped(w, h int) image.Image {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		x, y := i%w, i/w
		m.Pix[i] = uint8(60 + 120*((x+y/9)/3%2) + 60*(x*y/(w*h/3)%2))
	}
	return m
}

// same compares answers but for the pointers in them.
func (s seenBy) same(o seenBy) bool {
	return s.f == o.f && s.reason == o.reason && (s.err == nil) == (o.err == nil) && s.small() == o.small() &&
		s.info.Box(Trimmed) == o.info.Box(Trimmed) && slices.Equal(s.info.RegionVariants(), o.info.RegionVariants())
}

// What a Hasher says of a picture does not depend on what it saw before, and what it said
// stays true when it sees another.
func TestHasherForgets(t *testing.T) {
	files := allSorts(t)
	fresh := make([]seenBy, len(files))
	for i, f := range files {
		fresh[i] = new(Hasher).seeAs(f.data, patient())
	}
	if testing.Short() {
		files, fresh = files[:4], fresh[:4]
	}
	var h Hasher
	for i, a := range files {
		for _, step := range []int{0, 1, 4, 6} {
			j := (i + step) % len(files)
			b := files[j]
			first, second, again := h.seeAs(a.data, patient()), h.seeAs(b.data, patient()), h.seeAs(a.data, patient())
			if !first.same(fresh[i]) || !second.same(fresh[j]) || !again.same(fresh[i]) {
				t.Errorf("%s, %s and %s again: other answers than of a fresh Hasher", a.name, b.name, a.name)
			}
		}
	}
}

// Hashers are independent of one another.
func TestHashersAtOnce(t *testing.T) {
	files := allSorts(t)
	want := make([]seenBy, len(files))
	var h Hasher
	for i, f := range files {
		want[i] = h.seeAs(f.data, patient())
	}
	l := patient()
	l.Budget = NewBudget(0)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			var h Hasher
			r := rand.New(rand.NewPCG(uint64(n), 1))
			for range 2 {
				for _, i := range r.Perm(len(files)) {
					if got := h.seeAs(files[i].data, l); !got.same(want[i]) {
						t.Errorf("%s: another answer beside others", files[i].name)
					}
				}
			}
		})
	}
	wg.Wait()
}

// In steady state a picture without a border leaves next to nothing behind.
func TestQueryAllocatesLittle(t *testing.T) {
	m := imaging.Resize(demoNamed(t, noBorder).img, 1000, 1000, imaging.Linear)
	for name, b := range map[string][]byte{
		"512":         edit.JPEG(demoNamed(t, noBorder).img, 85),
		"1000":        edit.JPEG(m, 85),
		"progressive": written(t, m, jpegwriter.Options{Progressive: true}),
		"4:4:4":       written(t, m, jpegwriter.Options{Sampling: jpegwriter.S444}),
		"grey":        written(t, m, jpegwriter.Options{Grey: true}),
		"turned":      written(t, m, jpegwriter.Options{Orientation: 6}),
	} {
		var h Hasher
		query := func() {
			if f, i, err := h.Query(t.Context(), b, Limits{}); err != nil || i.canonical != nil || f.has&hasTrimmed != 0 {
				t.Fatalf("%s: %v, %v", name, f, err)
			}
		}
		n := testing.AllocsPerRun(5, query)
		const runs = 10
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			query()
		}
		runtime.ReadMemStats(&after)
		bytes := (after.TotalAlloc - before.TotalAlloc) / runs
		t.Logf("%s: %v allocations, %d bytes", name, n, bytes)
		if n > 5 || bytes > 4<<10 {
			t.Errorf("%s: %v allocations, %d bytes", name, n, bytes)
		}
	}
}

// A larger scale needs more memory than was granted for the first one.
func TestQueryKeepsToItsMemory(t *testing.T) {
	const side = 4000
	m := image.NewGray(image.Rect(0, 0, side, side))
	for i := range m.Pix {
		x, y := i%side, i/side
		m.Pix[i] = uint8(60 + 100*((x+y/9)/30%2) + 60*(x*y/(side*side/3)%2))
	}
	b := edit.JPEG(m, 80)
	l := patient()
	granted := scaledCost(surveyJPEG(b), scaleFor(side, side))
	l.MaxMemory = granted + int64(len(b))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	new(Hasher).seeAs(b, l)
	runtime.ReadMemStats(&after)
	if n := int64(after.TotalAlloc - before.TotalAlloc); n > granted+1<<20 {
		t.Errorf("%d KB were granted, %d KB taken", granted>>10, n>>10)
	}
}
