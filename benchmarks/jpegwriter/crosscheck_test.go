package jpegwriter

import (
	"bytes"
	"fmt"
	"image/color"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
)

// The oracle and image/jpeg could share a misunderstanding with the writer, and
// image/jpeg does not read everything. So files also pass through the tools of
// libjpeg-turbo (Debian's package libjpeg-turbo-progs): djpeg has to see what
// the oracle sees, jpegtran has to write from one of our files byte for byte
// what we write in another form, and what it makes of our files has to show the
// same pixels.

func needTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"cjpeg", "djpeg", "jpegtran"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("the cross-check needs %s of libjpeg-turbo-progs", tool)
		}
		t.Skipf("the cross-check needs %s of libjpeg-turbo-progs", tool)
	}
}

// pipe runs a tool on b. What it says on the error stream is a warning about b,
// and so is an error.
func pipe(t *testing.T, b []byte, tool string, args ...string) []byte {
	t.Helper()
	var out, complaints bytes.Buffer
	c := exec.CommandContext(t.Context(), tool, args...)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(b), &out, &complaints
	if err := c.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("%s %v: %v %s", tool, args, err, complaints.Bytes())
	}
	return out.Bytes()
}

// djpeg returns the planes that djpeg decodes in floating point: one with
// -grayscale, else red, green and blue.
func djpeg(t *testing.T, b []byte, args ...string) []plane {
	t.Helper()
	var kind, w, h int
	pnm := pipe(t, b, "djpeg", append(args, "-dct", "float", "-nosmooth", "-pnm")...)
	if _, err := fmt.Sscanf(string(pnm[:min(len(pnm), 32)]), "P%d\n%d %d\n255\n", &kind, &w, &h); err != nil {
		t.Fatalf("djpeg %v: %v", args, err)
	}
	n := 1
	if kind == 6 {
		n = 3
	}
	pix := pnm[len(pnm)-w*h*n:]
	planes := make([]plane, n)
	for i := range planes {
		planes[i] = newPlane(w, h)
		for j := range planes[i].pix {
			planes[i].pix[j] = pix[j*n+i]
		}
	}
	return planes
}

// full returns component i as the oracle sees it, with as many samples as the
// picture has pixels: each repeated.
func (c *Coefficients) full(i int) plane {
	hmax, vmax := c.maxFactors()
	p, part, out := &c.Components[i], c.samples(i), newPlane(c.Width, c.Height)
	for j := range out.pix {
		x, y := j%c.Width, j/c.Width
		out.pix[j] = part.pix[y*p.V/vmax*part.w+x*p.H/hmax]
	}
	return out
}

// rgb returns red, green and blue as the oracle sees them.
func (c *Coefficients) rgb() []plane {
	planes := []plane{c.full(0), c.full(1), c.full(2)}
	for i := range planes[0].pix {
		r, g, b := &planes[0].pix[i], &planes[1].pix[i], &planes[2].pix[i]
		*r, *g, *b = color.YCbCrToRGB(*r, *g, *b)
	}
	return planes
}

// djpeg sees the oracle's luma in every form and every sampling, also where
// image/jpeg does not.
func TestDjpegSeesLuma(t *testing.T) {
	needTools(t)
	odd := []Sampling{0x141111, 0x212121, 0x312111, 0x321121, 0x131211, 0x412111, 0x112211, 0x222112, 0x211211}
	for i, s := range append(samplings(), odd...) {
		c := mustTransform(t, 67-3*i, 25+2*i, Options{Sampling: s})
		want := c.full(0)
		for _, f := range forms(3) {
			if d := apart(djpeg(t, mustEncode(t, c, f.o), "-grayscale")[0], want, 1); d != "" {
				t.Errorf("%v %s: %s", s, f.name, d)
			}
		}
	}
}

// djpeg sees the oracle's colours. A level of chroma is up to 1.8 of blue.
func TestDjpegSeesColours(t *testing.T) {
	needTools(t)
	for i, s := range append(samplings(), 0x141111, 0x212121) {
		c := mustTransform(t, 67-3*i, 25+2*i, Options{Sampling: s})
		want := c.rgb()
		for _, f := range forms(3) {
			for k, p := range djpeg(t, mustEncode(t, c, f.o)) {
				if d := apart(p, want[k], 3); d != "" {
					t.Errorf("%v %s: plane %d: %s", s, f.name, k, d)
				}
			}
		}
	}
}

// transcodings are what jpegtran can make of a file, and the same by us.
func transcodings() []struct {
	args []string
	o    Options
} {
	return []struct {
		args []string
		o    Options
	}{
		{nil, Options{}},
		{[]string{"-optimize"}, Options{OptimiseTables: true}},
		{[]string{"-restart", "1B"}, Options{RestartInterval: 1}},
		{[]string{"-restart", "4B", "-optimize"}, Options{RestartInterval: 4, OptimiseTables: true}},
		{[]string{"-progressive"}, Options{Progressive: true}},
		{[]string{"-progressive", "-restart", "3B"}, Options{Progressive: true, RestartInterval: 3}},
	}
}

// From any form of a picture of whole MCUs jpegtran writes the very bytes that
// we write: headers, tables, codes, runs and correction bits agree.
func TestJpegtranWritesTheSameBytes(t *testing.T) {
	needTools(t)
	pictures := []*Coefficients{mustTransform(t, 96, 64, Options{Grey: true, Quality: 95})}
	for _, s := range samplings() {
		pictures = append(pictures, mustTransform(t, 96, 64, Options{Sampling: s, Quality: 90}))
	}
	r := rand.New(rand.NewPCG(7, 7))
	for _, share := range []float64{0.003, 0.03, 0.3} {
		pictures = append(pictures, randomCoefficients(t, r, 64, 64, S420, share))
	}
	for i, c := range pictures {
		for _, from := range forms(len(c.Components)) {
			b := mustEncode(t, c, from.o)
			for _, to := range transcodings() {
				want := mustEncode(t, c, to.o)
				if got := pipe(t, b, "jpegtran", append(to.args, "-copy", "none")...); !bytes.Equal(got, want) {
					t.Errorf("picture %d: %s to %v: %d bytes, ours are %d others", i, from.name, to.args, len(got), len(want))
				}
			}
		}
	}
}

// In a picture of any size the blocks beyond the edges are jpegtran's own. From
// all our forms it makes the same file, which shows the pixels of ours.
func TestJpegtranKeepsPixels(t *testing.T) {
	needTools(t)
	for i, s := range samplings() {
		c := mustTransform(t, 61-2*i, 22+3*i, Options{Sampling: s})
		want := decode(t, mustEncode(t, c, Options{}))
		for _, to := range transcodings() {
			var first []byte
			for _, from := range forms(3) {
				got := pipe(t, mustEncode(t, c, from.o), "jpegtran", append(to.args, "-copy", "none")...)
				if first != nil && !bytes.Equal(got, first) {
					t.Errorf("%v: %s to %v is not what the first form becomes", s, from.name, to.args)
				}
				if first == nil {
					first = got
				}
			}
			if misread(c, to.o) != "" {
				continue
			}
			for k, p := range decode(t, first) {
				if d := apart(p, want[k], 0); d != "" {
					t.Errorf("%v to %v: component %d: %s", s, to.args, k, d)
				}
			}
		}
	}
}

// pnm returns planes as a picture that cjpeg reads.
func pnm(planes ...plane) []byte {
	kind := 5
	if len(planes) == 3 {
		kind = 6
	}
	b := fmt.Appendf(nil, "P%d\n%d %d\n255\n", kind, planes[0].w, planes[0].h)
	for i := range planes[0].pix {
		for _, p := range planes {
			b = append(b, p.pix[i])
		}
	}
	return b
}

// cjpeg makes of the same pixels and quality nearly the same coefficients, so
// that image/jpeg shows the same luma in most blocks of whole MCUs: it rounds
// ties otherwise, and means of chroma too. Its progressive file is its baseline
// file in another form.
func TestCjpegMakesTheSame(t *testing.T) {
	needTools(t)
	img := texture(160, 96)
	rgb := planesOf(img, true)
	for i, s := range samplings() {
		quality := 25 + 11*i
		h, v := s.Factors(0)
		args := []string{"-dct", "float", "-quality", fmt.Sprint(quality), "-sample", fmt.Sprintf("%dx%d", h, v)}
		theirs := decode(t, pipe(t, pnm(rgb[:]...), "cjpeg", args...))
		progressive := decode(t, pipe(t, pnm(rgb[:]...), "cjpeg", append(args, "-progressive")...))
		b, err := Encode(img, Options{Quality: quality, Sampling: s})
		if err != nil {
			t.Fatal(err)
		}
		for k, p := range decode(t, b) {
			if d := apart(theirs[k], progressive[k], 0); d != "" {
				t.Errorf("%v: cjpeg's forms differ in component %d: %s", s, k, d)
			}
			blocks, mean := differences(p, theirs[k])
			if k == 0 && blocks > 0.05 || mean > 1.5 {
				t.Errorf("%v quality %d: component %d: %.2f of the blocks differ, by %.2f in the mean", s, quality, k, blocks, mean)
			}
		}
	}
}

// differences returns the share of blocks in which a and b differ, and the mean
// difference of a sample.
func differences(a, b plane) (blocks, mean float64) {
	across := ceil(a.w, 8)
	differ := map[int]bool{}
	for i := range a.pix {
		d := int(a.pix[i]) - int(b.pix[i])
		mean += float64(max(d, -d)) / float64(len(a.pix))
		if d != 0 {
			differ[i/a.w/8*across+i%a.w/8] = true
		}
	}
	return float64(len(differ)) / float64(across*ceil(a.h, 8)), mean
}
