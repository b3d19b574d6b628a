package hash

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"slices"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/hostile"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

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
