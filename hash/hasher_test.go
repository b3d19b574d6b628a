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
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/hostile"
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

// fidelity is how far the two paths are from each other over some files.
type fidelity struct {
	files, small, bits, worst         int
	trimmed, farTrimmed, otherTrim    int
	quality, colour                   int // largest differences
	regions, regionBits, worstRegion  int
	borders, otherBorders, farBorders int
}

// add looks at one file in both ways.
func (d *fidelity) add(t *testing.T, h *Hasher, name string, b []byte) (q seenBy) {
	t.Helper()
	q, e := h.seeAs(b, patient()), readAs(b, patient())
	d.files++
	if q.reason != e.reason || (q.err == nil) != (e.err == nil) {
		t.Errorf("%s: %v as a query, %v exactly", name, q.err, e.err)
		return q
	}
	if q.err != nil {
		return q
	}
	if !q.f.Fast() || q.f.Recipe() != Recipe || e.f.Fast() {
		t.Errorf("%s: not the fingerprint of a query: %v", name, q.f)
	}
	if !q.small() {
		d.wantExact(t, name, q, e)
		return q
	}
	d.small++
	d.codes(t, name, q, e)
	d.regionCodes(t, name, q.info, e.info)
	d.picture(t, name, q.info, e.info)
	return q
}

// wantExact: a picture that is left to the exact path gives all that it gives.
func (d *fidelity) wantExact(t *testing.T, name string, q, e seenBy) {
	t.Helper()
	if e.f.has |= fromQuery; q.info.Complete(q.f) != e.f {
		t.Errorf("%s: read exactly, but with another fingerprint", name)
	}
}

func (d *fidelity) codes(t *testing.T, name string, q, e seenBy) {
	t.Helper()
	bits := q.f.frames[Full][0].Distance(e.f.frames[Full][0])
	d.bits, d.worst = d.bits+bits, max(d.worst, bits)
	if bits > 20 {
		t.Errorf("%s: full frame %d bits off", name, bits)
	}
	for p := range len(e.f.frames[Full]) { // what mirrored copies are searched by
		if n := q.f.frames[Full][p].Distance(e.f.frames[Full][p]); n > 24 {
			t.Errorf("%s: full frame mirrored by %d is %d bits off", name, p, n)
		}
	}
	a, inQuery := q.f.Code(Trimmed)
	b, inExact := e.f.Code(Trimmed)
	switch {
	case inQuery != inExact:
		d.otherTrim++
		t.Logf("%s: trimmed as a query %v, exactly %v", name, inQuery, inExact)
	case inQuery:
		d.trimmed++
		if n := a.Distance(b); n > 16 {
			d.farTrimmed++
			t.Logf("%s: trimmed frame %d bits off, %v, exactly %v", name, n, q.info.Box(Trimmed), e.info.Box(Trimmed))
		}
	}
	d.quality = max(d.quality, q.f.Quality()-e.f.Quality(), e.f.Quality()-q.f.Quality())
	for i, v := range q.f.colour {
		d.colour = max(d.colour, int(v)-int(e.f.colour[i]), int(e.f.colour[i])-int(v))
	}
}

func (d *fidelity) regionCodes(t *testing.T, name string, q, e Info) {
	t.Helper()
	vs, ws := q.RegionVariants(), e.RegionVariants()
	for _, v := range vs {
		if v.Frame != Full {
			continue
		}
		i := slices.IndexFunc(ws, func(w Variant) bool { return w.Frame == v.Frame && w.Transform == v.Transform })
		if i < 0 {
			t.Errorf("%s: no code of %v, %v", name, v.Frame, v.Transform)
			continue
		}
		n := v.Code.Distance(ws[i].Code)
		d.regions, d.regionBits, d.worstRegion = d.regions+1, d.regionBits+n, max(d.worstRegion, n)
	}
}

// picture compares what Info says about the picture.
func (d *fidelity) picture(t *testing.T, name string, q, e Info) {
	t.Helper()
	q.SHA256 = e.SHA256 // is left out of a query
	if q.Format != e.Format || q.Width != e.Width || q.Height != e.Height || q.Orientation != e.Orientation || q.Bytes != e.Bytes {
		t.Errorf("%s: %+v as a query, %+v exactly", name, q, e)
	}
	if q.Box(Full) != e.Box(Full) || q.Box(Full) != image.Rect(0, 0, e.Width, e.Height) {
		t.Errorf("%s: the full frame is %v as a query, %v exactly", name, q.Box(Full), e.Box(Full))
	}
	if !q.Box(Trimmed).In(q.Box(Full)) || q.Box(Trimmed).Empty() {
		t.Errorf("%s: the trimmed frame is %v", name, q.Box(Trimmed))
	}
	d.borders++
	if a, b := q.Box(Trimmed), e.Box(Trimmed); a != b {
		d.otherBorders++
		line := (max(e.Width, e.Height)+colourSide-1)/colourSide + 1
		if !a.In(b.Inset(-line)) || !b.In(a.Inset(-line)) {
			d.farBorders++
		}
	}
}

// check holds what was added up to the bars, which are those that product photos
// keep.
func (d *fidelity) check(t *testing.T, leastSmall int) {
	t.Helper()
	t.Logf("%d files, %d read small; full frame %.2f bits on average, %d at most; trimmed frames %d, of which far %d, decided otherwise %d; "+
		"region codes %.2f bits on average, %d at most; borders a line off %d, farther %d; quality within %d, colours within %d",
		d.files, d.small, float64(d.bits)/float64(max(1, d.small)), d.worst, d.trimmed, d.farTrimmed, d.otherTrim,
		float64(d.regionBits)/float64(max(1, d.regions)), d.worstRegion, d.otherBorders, d.farBorders, d.quality, d.colour)
	for what, bad := range map[string]bool{
		"too few are read small":                        d.small < leastSmall,
		"full frames are more than 5 bits off":          d.bits > 5*d.small,
		"trimmed frames are more than 16 bits off":      d.farTrimmed > 1+d.trimmed/100,
		"borders are found otherwise":                   d.otherTrim > 1+d.files/200,
		"borders lie elsewhere":                         d.farBorders > 1+d.borders/50,
		"qualities differ by more than 3":               d.quality > 3,
		"colours differ by more than 8 levels":          d.colour > 8,
		"region codes are more than 2 bits off":         d.regionBits > 2*d.regions,
		"a region code is more than 12 bits off":        d.worstRegion > 12,
		"two frames for a picture are not to be missed": d.trimmed == 0 && d.files > 50,
	} {
		if bad {
			t.Error(what)
		}
	}
}

func TestQueryIsNearRead(t *testing.T) {
	var d fidelity
	var h Hasher
	photos := ourPhotos(t, 1)
	if testing.Short() {
		photos = photos[:20]
	}
	for _, p := range photos {
		d.add(t, &h, p.name, p.data)
	}
	d.check(t, len(photos)*2/3)
}

// The photos outside the repository are more various.
func TestQueryIsNearReadOfProducts(t *testing.T) {
	dir := datasets(t, "products")
	notShort(t)
	var d fidelity
	var h Hasher
	for _, p := range photosOf(t, 5, dir) {
		d.add(t, &h, p.name, p.data)
	}
	d.check(t, 150)
}

// someOf returns photos of all sorts, decoded: with a border and without.
func someOf(t testing.TB, names ...string) (all []demoPhoto) {
	t.Helper()
	for _, n := range names {
		all = append(all, demoNamed(t, n))
	}
	return all
}

func written(t testing.TB, img image.Image, o jpegwriter.Options) []byte {
	t.Helper()
	b, err := jpegwriter.Encode(img, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kinds are the ways in which a JPEG of the same picture may be written.
func kinds() map[string]jpegwriter.Options {
	return map[string]jpegwriter.Options{
		"grey":                {Grey: true, Quality: 90},
		"4:4:4":               {Sampling: jpegwriter.S444, Quality: 90},
		"4:2:2":               {Sampling: jpegwriter.S422, Quality: 60},
		"4:4:0":               {Sampling: jpegwriter.S440, Quality: 90},
		"4:2:0":               {Quality: 50},
		"4:1:1":               {Sampling: jpegwriter.S411, Quality: 90},
		"restarts":            {RestartInterval: 7, Quality: 90},
		"padded with noise":   {Padding: jpegwriter.PadNoise, Quality: 90},
		"extended":            {Extended: true, SlotEach: true, OptimiseTables: true, Quality: 90},
		"three scans":         {Script: jpegwriter.Each(3, jpegwriter.Scan{}), Quality: 90},
		"progressive":         {Progressive: true, Quality: 90},
		"progressive 4:4:4":   {Progressive: true, Sampling: jpegwriter.S444, Quality: 75, RestartInterval: 11},
		"progressive grey":    {Progressive: true, Grey: true, Quality: 90},
		"divisors of 16 bits": {Extended: true, WideTables: true, Quality: 90},
	}
}

func TestQueryIsNearReadOfEachKindOfFile(t *testing.T) {
	notShort(t)
	var d fidelity
	var h Hasher
	for kind, o := range kinds() {
		for i, p := range someOf(t, noBorder, "goggles", "tee-slogan") {
			img := image.Image(p.img)
			if i != 1 {
				img = edit.Crop(p.img, .01, .013, 1, 1) // sides that are not multiples of a block
			}
			name := kind + ", " + p.name
			if q := d.add(t, &h, name, written(t, img, o)); !q.small() && i == 0 {
				t.Errorf("%s: is not read small", name)
			}
		}
	}
	d.check(t, 2*len(kinds()))
}

// A picture is turned upright by its EXIF orientation, whether it has a border or not, and
// whichever size it has.
func TestQueryIsNearReadInEachOrientation(t *testing.T) {
	notShort(t)
	var d fidelity
	var h Hasher
	upright := map[string]Code{}
	for o := 1; o <= 8; o++ {
		for _, p := range someOf(t, noBorder, "dress-birds", "goggles") {
			img := edit.Crop(p.img, 0, .03, .95, 1)
			name := fmt.Sprintf("%s in orientation %d", p.name, o)
			q := d.add(t, &h, name, written(t, img, jpegwriter.Options{Orientation: o, Quality: 90}))
			if q.info.Orientation != o || (q.info.Width != img.Rect.Dx()) != (o >= 5) {
				t.Errorf("%s: %+v", name, q.info)
			}
			// What is searched finds the picture as it is stored.
			if o == 1 {
				upright[p.name], _ = q.f.Code(Full)
			}
			least := 256
			for _, v := range q.f.Variants() {
				if v.Frame == Full && v.Transform == orientations[o].t {
					least = v.Code.Distance(upright[p.name])
				}
			}
			if least > 24 {
				t.Errorf("%s: %d bits from the upright picture", name, least)
			}
		}
	}
	d.check(t, 16)
}

// Sizes choose the scale. Each of them is tried, and what lies between.
func TestQueryIsNearReadAtEachScale(t *testing.T) {
	notShort(t)
	var d fidelity
	var h Hasher
	p := demoNamed(t, "snowboard-purple")
	for _, side := range []int{240, 249, 250, 251, 333, 334, 337, 499, 500, 777, 999, 1000, 1023, 1300} {
		img := imaging.Resize(p.img, side, side+31, imaging.Lanczos)
		q := d.add(t, &h, fmt.Sprint(side), edit.JPEG(img, 90))
		if q.small() != (side >= 250) {
			t.Errorf("%d pixels: read small: %v", side, q.small())
		}
	}
	d.check(t, 12)
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

// TestLoad: before, an Info of a picture that was read small knows the fingerprint alone
// and what follows from it; after, all that Read knows.
func TestLoad(t *testing.T) {
	notShort(t)
	var h Hasher
	for name, b := range map[string][]byte{
		"border": edit.JPEG(edit.Border(demoNamed(t, "boots-brown").img, color.Black, .1), 85),
		"none":   edit.JPEG(demoNamed(t, noBorder).img, 85),
		"turned": edit.JPEGOriented(edit.JPEG(edit.Border(demoNamed(t, "rope").img, color.White, .1), 85), 8),
	} {
		q, e := h.seeAs(b, patient()), readAs(b, patient())
		if q.err != nil || e.err != nil || !q.small() {
			t.Fatalf("%s: %v %v", name, q, e.err)
		}
		i := q.info
		if f := i.Complete(q.f, Average); f != q.f {
			t.Errorf("%s: completed without a picture", name)
		}
		if _, err := i.Thumbnail(); err == nil || i.Scene() != nil || i.Inner() != nil || i.Features() != nil {
			t.Errorf("%s: a scene, inner pictures, features or a thumbnail of a picture that was not read", name)
		}
		if n := len(i.RegionVariants()); n != len(e.info.RegionVariants()) {
			t.Errorf("%s: %d region codes before", name, n)
		}
		for range 2 { // the second time is none
			if err := i.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantLoaded(t, name, q.f, i, e)
		}
	}
}

func wantLoaded(t *testing.T, name string, f Fingerprint, i Info, e seenBy) {
	t.Helper()
	full := i.Complete(f, Average)
	want := e.info.Complete(e.f, Average)
	if full.words != want.words || full.has&^(hasTrimmed|hasSmooth) != want.has&^(hasTrimmed|hasSmooth)|fromQuery || full.frames != f.frames {
		t.Errorf("%s: completed to %v, want the words of %v", name, full, want)
	}
	for fr := range Frame(Frames) {
		if i.Box(fr) != e.info.Box(fr) {
			t.Errorf("%s: %v frame at %v, want %v", name, fr, i.Box(fr), e.info.Box(fr))
		}
	}
	a, errA := i.Thumbnail()
	b, errB := e.info.Thumbnail()
	if !bytes.Equal(a, b) || errA != nil || errB != nil {
		t.Errorf("%s: another thumbnail: %v, %v", name, errA, errB)
	}
	for what, same := range map[string]bool{
		"region codes":   slices.Equal(i.RegionVariants(), e.info.RegionVariants()),
		"features":       reflect.DeepEqual(i.Features(), e.info.Features()),
		"inner pictures": reflect.DeepEqual(i.Inner(), e.info.Inner()),
		"a scene":        i.Scene() != nil && reflect.DeepEqual(i.Scene(), e.info.Scene()),
	} {
		if !same {
			t.Errorf("%s: other %s than of Read", name, what)
		}
	}
}

// Load does nothing where there is nothing to do, and what fails leaves no trace.
func TestLoadThatDoesNothing(t *testing.T) {
	var h Hasher
	jacket := edit.JPEG(demoNamed(t, noBorder).img, 85)
	exact := h.seeAs(edit.PNG(demoNamed(t, noBorder).img), patient())
	for name, i := range map[string]Info{"read": readAs(jacket, patient()).info, "a PNG": exact.info, "nothing": {}} {
		was := i
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := i.Load(gone); err != nil || !reflect.DeepEqual(i, was) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{"cut off": jacket[:len(jacket)/2], "no picture": []byte("picture"), "none": nil} {
		i := h.seeAs(b, patient()).info
		if err := i.Load(t.Context()); err != nil || i.Scene() != nil || i.RegionVariants() != nil || !i.Box(Full).Empty() {
			t.Errorf("%s, unusable: %v", name, err)
		}
	}
	q := h.seeAs(jacket, patient())
	i := q.info
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.Load(gone); !errors.Is(err, context.Canceled) || !reflect.DeepEqual(i, q.info) {
		t.Errorf("cancelled: %v", err)
	}
	if err := i.Load(t.Context()); err != nil || i.Scene() == nil {
		t.Errorf("after a failure: %v", err)
	}
	// An exact reading that is too costly, or finds damage, is an error of Read.
	l := patient()
	l.MaxMemory = 4 << 20
	costly := h.seeAs(jacket, l)
	i = costly.info
	if reason, _ := IsUnusable(i.Load(t.Context())); costly.err != nil || reason != TooCostly || !reflect.DeepEqual(i, costly.info) {
		t.Errorf("too costly: %v, %q", costly.err, reason)
	}
}

// sameAnswer holds a query to Read, for files that both can refuse.
func sameAnswer(t *testing.T, h *Hasher, name string, b []byte, l Limits) (q, e seenBy) {
	t.Helper()
	q, e = h.seeAs(b, l), readAs(b, l)
	if q.reason != e.reason || (q.err == nil) != (e.err == nil) {
		t.Errorf("%s: %v as a query, %v exactly", name, q.err, e.err)
	}
	if q.err != nil && (!q.f.IsZero() || q.info.Format != e.info.Format || q.info.Width != e.info.Width || q.info.Height != e.info.Height) {
		t.Errorf("%s: refused with %v and %+v, exactly with %+v", name, q.f, q.info, e.info)
	}
	return q, e
}

// What is unusable for Read is unusable for a query, for the same reason.
func TestQueryRefusesWhatReadRefuses(t *testing.T) {
	var h Hasher
	for _, f := range hostileFiles() {
		if len(f.Data) < 100<<10 && f.Class != hostile.Bomb && f.Class != hostile.BombScans {
			sameAnswer(t, &h, f.Name, f.Data, patient())
		}
	}
	reasons := map[Reason]int{}
	for name, b := range refused(t) {
		_, e := sameAnswer(t, &h, name, b, patient())
		if e.reason == "" {
			t.Errorf("%s: is not refused", name)
		}
		reasons[e.reason]++
	}
	jacket := edit.JPEG(demoNamed(t, noBorder).img, 85)
	for name, l := range map[string]Limits{
		"a large picture":  {MaxSide: 400},
		"many pixels":      {MaxPixels: 400 * 400},
		"a small picture":  {MinSide: 600},
		"scans":            {MaxScans: 1},
		"bytes":            {MaxBytes: 1000},
		"a minimum memory": {MaxMemory: 1},
	} {
		b := jacket
		if name == "scans" {
			b = written(t, demoNamed(t, noBorder).img, jpegwriter.Options{Progressive: true})
		}
		_, e := sameAnswer(t, &h, name, b, l)
		if e.reason == "" {
			t.Errorf("%s: is not refused", name)
		}
		reasons[e.reason]++
	}
	for _, r := range []Reason{Corrupt, TooPlain, TooLarge, TooSmall, TooCostly, UnsupportedFormat} {
		if reasons[r] == 0 {
			t.Errorf("nothing is refused for %q", r)
		}
	}
}

// refused are files that no path takes.
func refused(t *testing.T) map[string][]byte {
	all := map[string][]byte{
		"12 bits":       hostileFile(t, "12-bit.jpg"),
		"lossless":      hostileFile(t, "lossless.jpg"),
		"white":         edit.JPEG(imaging.New(600, 400, image.White), 85),
		"white and red": edit.JPEG(imaging.Paste(imaging.New(600, 400, image.White), imaging.New(100, 100, color.NRGBA{255, 0, 0, 255}), image.Pt(90, 90)), 85),
		"black bars":    edit.JPEG(edit.Border(imaging.New(600, 400, image.White), color.Black, .2), 85),
		"odd sampling":  written(t, demoNamed(t, noBorder).img, jpegwriter.Options{Sampling: 0x231211}),
	}
	jacket := edit.JPEG(demoNamed(t, noBorder).img, 85)
	for i := range 12 {
		all[fmt.Sprintf("%d twelfths", i)] = jacket[:len(jacket)*i/12]
	}
	delete(all, "0 twelfths")
	all["the last scan line is missing"] = jacket[:len(jacket)-200]
	bordered := edit.JPEG(edit.Border(demoNamed(t, noBorder).img, color.White, .1), 85)
	all["the lower border is missing"] = bordered[:len(bordered)*9/10]
	// A progressive file that ends in the first scan lacks what a query needs.
	progressive := written(t, demoNamed(t, noBorder).img, jpegwriter.Options{Progressive: true})
	all["the first scan breaks off"] = progressive[:scanStart(t, progressive, 1)-20]
	return all
}

// tablesOf is where the segment before the marker of scan n stands, in which its tables are.
func tablesOf(t *testing.T, b []byte, n int) int {
	t.Helper()
	at := bytes.LastIndex(b[:scanStart(t, b, n)], []byte{0xff, 0xc4})
	if at < 0 {
		t.Fatalf("no tables before scan %d", n)
	}
	return at
}

// scanStart is where the marker of scan n stands, the first being 0.
func scanStart(t *testing.T, b []byte, n int) int {
	t.Helper()
	for i := 2; ; {
		m, at := nextMarker(b, i)
		if m == markerEOI || at+2 > len(b) {
			t.Fatalf("no scan %d", n)
		}
		if m == markerSOS {
			if n == 0 {
				return at - 2
			}
			n--
		}
		i = at + int(b[at])<<8 + int(b[at+1])
	}
}

// The files outside the repository, and all of those that are made: each takes the exact
// path a while to refuse.
func TestQueryRefusesWhatReadRefusesOfAllHostileFiles(t *testing.T) {
	dir := datasets(t, "hostile", "files")
	notShort(t)
	var h Hasher
	for _, f := range append(hostileFiles(), readFiles(t, dir)...) {
		if q, _ := sameAnswer(t, &h, f.Name, f.Data, Limits{Timeout: 20 * time.Second}); q.small() {
			t.Logf("%s: read small", f.Name)
		}
	}
}

// Near the least quality the exact path decides. Everything between nothing and a photo
// is tried, on a sheet of its own and inside a border.
func TestQueryLeavesPlainPicturesToTheExactPath(t *testing.T) {
	notShort(t)
	var h Hasher
	counts := map[Reason]int{}
	small := 0
	for i := range 16 {
		img := faint(uint64(i%4), 400+8*i, 300+5*i, float64(i)/33)
		for j, m := range []image.Image{img, edit.Border(imaging.Clone(img), color.NRGBA{20, 20, 90, 255}, .15)} {
			name := fmt.Sprintf("contrast %d, border %d", i, j)
			q, e := sameAnswer(t, &h, name, edit.JPEG(m, 85), patient())
			counts[e.reason]++
			if q.small() {
				small++
			}
			if q.err == nil && e.err == nil && (q.f.has^e.f.has)&hasTrimmed != 0 {
				t.Errorf("%s: trimmed frame %v, exactly %v", name, q.f.has&hasTrimmed != 0, e.f.has&hasTrimmed != 0)
			}
		}
	}
	t.Logf("%v, %d read small", counts, small)
	if counts[TooPlain] < 4 || counts[""] < 4 || small < 3 {
		t.Errorf("%v, %d read small: one side is not tried", counts, small)
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

// Symmetric drawings have no code of their own, whoever reads them.
func TestQueryOfSymmetricDrawings(t *testing.T) {
	notShort(t)
	var h Hasher
	for _, side := range []int{256, 511, 1024} {
		for name, dark := range map[string]func(x, y int) bool{
			"rings":  func(x, y int) bool { return (x*x+y*y)/(side*side/64)%2 == 0 },
			"cross":  func(x, y int) bool { return max(x, -x) < side/8 || max(y, -y) < side/8 },
			"checks": func(x, y int) bool { return (max(x, -x)/(side/8)+max(y, -y)/(side/8))%2 == 0 },
		} {
			m := image.NewGray(image.Rect(0, 0, side, side))
			for i := range m.Pix {
				if x, y := 2*(i%side)-side+1, 2*(i/side)-side+1; !dark(x/2, y/2) {
					m.Pix[i] = 255
				}
			}
			q, _ := sameAnswer(t, &h, fmt.Sprintf("%s of %d pixels", name, side), edit.JPEG(m, 90), patient())
			for _, v := range append(q.f.Variants(), q.info.RegionVariants()...) {
				if n := v.Code.Distance(Code{}); n > 0 && n < 100 {
					t.Errorf("%s of %d pixels keeps the code %v", name, side, v.Code)
				}
			}
		}
	}
}

// The kinds of files that a query takes and Read does not. Each is on purpose.
func TestWhatAQueryTakesAndReadDoesNot(t *testing.T) {
	m := demoNamed(t, noBorder).img
	progressive := written(t, m, jpegwriter.Options{Progressive: true})
	broken := bytes.Clone(progressive)
	last := scanStart(t, broken, 9)
	for i := last + 10; i < len(broken)-2; i++ {
		broken[i] = 0x11
	}
	for _, c := range []struct {
		why    string
		file   []byte
		limits Limits
		exact  Reason
	}{
		{"damage in a scan that a small picture does not need is not seen", broken, patient(), Corrupt},
		{"nor is that such a scan breaks off", slices.Concat(progressive[:last+40], []byte("\xff\xd9")), patient(), Corrupt},
		{"nor a table that only such a scan needs", edited(progressive, tablesOf(t, progressive, 9)+21, 0xff), patient(), Corrupt},
		{"a small picture of a progressive file needs less memory", progressive, Limits{MaxMemory: 3 << 20, Timeout: time.Minute}, TooCostly},
		{"as does that of any file", edit.JPEG(m, 85), Limits{MaxMemory: 3 << 20, Timeout: time.Minute}, TooCostly},
	} {
		var h Hasher
		q, e := h.seeAs(c.file, c.limits), readAs(c.file, c.limits)
		if e.reason != c.exact {
			t.Errorf("%s: %v exactly, want %s", c.why, e.err, c.exact)
		}
		whole := readAs(progressive, patient())
		if q.err != nil || !q.small() || q.f.frames[Full][0].Distance(whole.f.frames[Full][0]) > 20 {
			t.Errorf("%s: as a query %v", c.why, q.err)
		}
		i := q.info
		if reason, _ := IsUnusable(i.Load(t.Context())); reason != c.exact {
			t.Errorf("%s: loaded with reason %q, want %q", c.why, reason, c.exact)
		}
	}
}

func edited(b []byte, at int, v byte) []byte {
	b = bytes.Clone(b)
	b[at] = v
	return b
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

// What is brighter than white is white to everybody who looks at it. A pattern in there
// must not move a query's code.
func TestQueryDoesNotSeeBeyondWhite(t *testing.T) {
	o := jpegwriter.Options{Sampling: jpegwriter.S444}
	c, err := jpegwriter.FromImage(edit.Border(demoNamed(t, "boots-brown").img, color.White, .2), o)
	if err != nil {
		t.Fatal(err)
	}
	before, err := c.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	luma := &c.Components[0]
	divisor := int(c.Tables[luma.Table][0])
	for i := range luma.Blocks {
		b := &luma.Blocks[i]
		x, y := i%luma.Stride, i/luma.Stride
		if rest := [63]int16(b[1:]); rest == [63]int16{} && int(b[0])*divisor >= 8*119 && (x/6+y/7+x*y/200)%2 == 0 {
			b[0] = int16(8 * 600 / divisor)
		}
	}
	after, err := c.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	a, b := readAs(before, patient()), readAs(after, patient())
	if a.err != nil || a.f != b.f {
		t.Fatalf("the exact path tells them apart: %v", a.err)
	}
	var h Hasher
	q := h.seeAs(after, patient())
	if n := q.f.frames[Full][0].Distance(b.f.frames[Full][0]); n > 20 {
		t.Errorf("%d bits off", n)
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

// An Info that came with an error is about no usable picture: Load does nothing.
func TestLoadAfterAFailedQuery(t *testing.T) {
	b := edit.JPEG(imaging.Resize(demoNamed(t, noBorder).img, 800, 800, imaging.Linear), 85)
	var h Hasher
	_, i, err := h.Query(&fuse{t.Context(), 1}, b, patient())
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := i.Load(t.Context()); err != nil || i.Scene() != nil {
		t.Errorf("%v, a scene: %v", err, i.Scene() != nil)
	}
}
