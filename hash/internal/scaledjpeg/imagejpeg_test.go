package scaledjpeg

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// image/jpeg decodes all coefficients, rounds and clips. The decoder's samples are
// near the means of its pixels: at 1/8 they are the same means but for rounding,
// clipping and the last bits of a progressive file; at larger scales the frequencies that
// were left out are missing, too.

// distance is how far samples are from means of pixels, in levels.
type distance struct {
	n          int
	sum, worst float64
}

func (d *distance) add(off float64) {
	d.n++
	d.sum += math.Abs(off)
	d.worst = max(d.worst, math.Abs(off))
}

func (d *distance) mean() float64 { return d.sum / float64(max(1, d.n)) }

// luma returns the plane that image/jpeg has for Y, nil if it has none.
func luma(img image.Image) (pix []uint8, stride int) {
	switch m := img.(type) {
	case *image.Gray:
		return m.Pix, m.Stride
	case *image.YCbCr:
		return m.Y, m.YStride
	}
	return nil, 0
}

// means compares the blocks that lie wholly in the picture.
func (d *distance) means(p *Picture, k int, img image.Image) {
	pix, stride := luma(img)
	q := &p.Luma
	for y := range p.Height / 8 * k {
		for x := range p.Width / 8 * k {
			d.add(float64(q.Pix[y*q.Stride+x])/(1<<Fraction) - pixelMean(pix, stride, x, y, k))
		}
	}
}

// pixelMean is the mean of the pixels of a sample. Where it does not begin and end
// between two pixels (3/8), those at its edges count in part: sample and pixels are cut
// in parts of which eight and cut make one.
func pixelMean(pix []uint8, stride, x, y, k int) float64 {
	parts, cut := 8/k, 1
	if k == 3 {
		parts, cut = 8, 3
	}
	sum := 0
	for v := parts * y; v < parts*(y+1); v++ {
		row := pix[v/cut*stride:]
		for u := parts * x; u < parts*(x+1); u++ {
			sum += int(row[u/cut])
		}
	}
	return float64(sum) / float64(parts*parts)
}

// drawn reports whether nearly each block has pixels that are black or white: a
// drawing, or a photo far out of range. What was clipped there image/jpeg does not have.
func drawn(img image.Image) bool {
	pix, stride := luma(img)
	clipped, blocks := 0, 0
	for y := 0; y+8 <= img.Bounds().Dy(); y += 8 {
		for x := 0; x+8 <= img.Bounds().Dx(); x += 8 {
			blocks++
			if isClipped(pix[y*stride+x:], stride) {
				clipped++
			}
		}
	}
	return 10*clipped > 9*blocks
}

// isClipped reports whether a block may have been clipped.
func isClipped(pix []uint8, stride int) bool {
	for y := range 8 {
		for _, level := range pix[y*stride:][:8] {
			if level == 0 || level == 255 {
				return true
			}
		}
	}
	return false
}

// nearness sums up how near files were to image/jpeg.
type nearness struct {
	files, drawings int
	scales          [MaxScale + 1]distance
	farthest        float64 // mean of a file at 1/8
}

func (n *nearness) file(t *testing.T, d *Decoder, name string, b []byte) {
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return
	}
	if pix, _ := luma(img); pix == nil {
		return
	}
	n.files++
	for k := 1; k <= MaxScale; k++ {
		p, err := d.Decode(b, k, never)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		var one distance
		one.means(p, k, img)
		all := &n.scales[k]
		all.n, all.sum, all.worst = all.n+one.n, all.sum+one.sum, max(all.worst, one.worst)
		if k > 1 {
			continue
		}
		if drawn(img) {
			n.drawings++
			one.sum = 0
		}
		n.farthest = max(n.farthest, one.mean())
		if one.mean() >= 0.3 || one.worst > 4 {
			t.Errorf("%s: %.3f levels from the means, at most %.2f", name, one.mean(), one.worst)
		}
	}
}

func TestBlockMeansOfImageJPEG(t *testing.T) {
	long(t)
	for name, dir := range folders(t) {
		if name == "hostile" {
			continue // no pictures of anything
		}
		t.Run(name, func(t *testing.T) {
			var d Decoder
			var n nearness
			jpegs(t, dir, func(name string, b []byte) { n.file(t, &d, name, b) })
			t.Logf("%d files, of which %d are black or white nearly everywhere; of the others the farthest at 1/8 is %.3f levels off in the mean",
				n.files, n.drawings, n.farthest)
			for k := 1; k <= MaxScale; k++ {
				t.Logf("scale %d/8: %.4f levels from the means of pixels, at most %.2f", k, n.scales[k].mean(), n.scales[k].worst)
			}
			if n.files < 3 || n.drawings > n.files/10 {
				t.Errorf("only %d files, and %d drawings", n.files, n.drawings)
			}
		})
	}
}

// overlooked is what image/jpeg lets pass and the decoder leaves to it.
var overlooked = map[refusal]bool{
	fourComponents: true, codedRGB: true, emptyPicture: true, manySamples: true, missingPlane: true, overSubscribed: true,
	runOfBlocks: true, beyondBand: true, runBeyondScan: true, stray: true, manyUnreadBits: true, aloneSubsampled: true,
	lateTable: true, missingTable: true,
	missingCode: true, // runs of blocks may spare image/jpeg a table
}

// agree holds the decoder to the twin and to image/jpeg at one scale. It reports
// which of the two, decoder and image/jpeg, read the file.
func agree(t testing.TB, d *Decoder, name string, b []byte, scale, pixels int) (read, full bool) {
	t.Helper()
	tw, why := readTwin(b, scale, pixels)
	if why == tooLarge {
		return false, false
	}
	p, err := d.Decode(b, scale, never)
	img, fullErr := jpeg.Decode(bytes.NewReader(b))
	switch {
	case err != nil && err != ErrOdd:
		t.Errorf("%s at %d: %v is not ErrOdd", name, scale, err)
	case (err == nil) != (why == ""):
		t.Errorf("%s at %d: decoder says %v, twin %q, image/jpeg %v", name, scale, err, why, fullErr)
	case err == nil && fullErr != nil && tw.passed == 0:
		t.Errorf("%s at %d: image/jpeg says %v, and all of it was looked at", name, scale, fullErr)
	case err != nil && fullErr == nil && !overlooked[why] && tw.passed == 0:
		// (Out of a scan that was jumped over image/jpeg may carry a run of blocks
		// into the next one, and then reads that in its own way.)
		t.Errorf("%s at %d: refused (%s), and image/jpeg reads it", name, scale, why)
	case err == nil:
		var e exact
		e.picture(t, tw, p, scale, name)
		if fullErr == nil {
			sameBlocks(t, tw, p, img, scale, name)
		}
	}
	return err == nil, fullErr == nil
}

// sameBlocks compares the blocks of a sequential file with image/jpeg's, at 1/8, where
// nothing was clipped and nothing is so large that it may overflow.
func sameBlocks(t testing.TB, tw *twin, p *Picture, img image.Image, scale int, name string) {
	t.Helper()
	if tw.progressive || scale != 1 {
		return
	}
	c := &tw.comps[0]
	pix, stride := luma(img)
	for by := range p.Height / 8 {
		for bx := range p.Width / 8 {
			size := 0.0
			for at, v := range c.blocks[by*c.across+bx] {
				size += math.Abs(v * c.quant[zigzagOrder[at]])
			}
			got, want := float64(p.Luma.Pix[by*p.Luma.Stride+bx])/(1<<Fraction), pixelMean(pix, stride, bx, by, 1)
			if size < 8192 && !isClipped(pix[8*by*stride+8*bx:], stride) && math.Abs(got-want) > 1 {
				t.Errorf("%s: block (%d, %d) is %.2f, image/jpeg has %.2f", name, bx, by, got, want)
				return
			}
		}
	}
}

func TestGeneratedFilesAgainstImageJPEG(t *testing.T) {
	var d Decoder
	n := 1000
	if testing.Short() {
		n = 100
	}
	both := 0
	for seed := range uint64(n) {
		g := generate(t, seed)
		read, full := agree(t, &d, g.name, g.data, 1+int(seed)%MaxScale, 1<<26)
		if read && full {
			both++
		}
		if t.Failed() {
			return
		}
	}
	if both < n*8/10 {
		t.Errorf("only %d files were read by both", both)
	}
}

// TestHostileFilesAgainstImageJPEG looks at the files that were made or collected to
// break decoders, as far as image/jpeg can decode them within a second.
func TestHostileFilesAgainstImageJPEG(t *testing.T) {
	long(t)
	var d Decoder
	files, read, full := 0, 0, 0
	one := func(name string, b []byte) {
		c, err := jpeg.DecodeConfig(bytes.NewReader(b))
		if err == nil && (c.Width*c.Height > 1<<22 || bytes.Count(b, []byte{0xff, markerSOS}) > 100) {
			return
		}
		files++
		for scale := 1; scale <= MaxScale; scale += 3 {
			r, f := agree(t, &d, name, b, scale, 1<<23)
			if r && scale == 1 {
				read++
			}
			if f && scale == 1 {
				full++
			}
		}
	}
	for _, f := range hostile.Files() {
		if bytes.HasPrefix(f.Data, []byte{0xff, 0xd8}) {
			one(f.Name, f.Data)
		}
	}
	if dir := folders(t)["hostile"]; dir != "" {
		jpegs(t, dir, one)
	}
	t.Logf("%d files: %d are read, %d by image/jpeg", files, read, full)
	if files < 10 {
		t.Errorf("only %d files", files)
	}
}

// small are files for damage: each byte of them matters.
func small(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, s := range smallSeeds {
		files[s.name] = encodeScene(t, s.seed, 37, 29, s.options)
	}
	return files
}

// ending is the length of a file without what follows its end.
func ending(b []byte) int { return bytes.Index(b, []byte{0xff, markerEOI}) + 2 }

// TestTruncatedFiles cuts files off, and once more with an end behind the cut.
func TestTruncatedFiles(t *testing.T) {
	long(t)
	var d Decoder
	for name, b := range small(t) {
		for n := range ending(b) {
			for scale := 1; scale <= MaxScale; scale += 3 {
				what := fmt.Sprintf("%s, the first %d of %d bytes", name, n, len(b))
				if read, _ := agree(t, &d, what, b[:n], scale, 1<<20); read {
					t.Errorf("%s are enough", what)
				}
				agree(t, &d, what+" and an end", append(b[:n:n], 0xff, markerEOI), scale, 1<<20)
			}
		}
	}
}

func TestCorruptedFiles(t *testing.T) {
	long(t)
	var d Decoder
	for name, b := range small(t) {
		read, full, files := 0, 0, 0
		for at := range ending(b) {
			was := b[at]
			for _, with := range []byte{0x00, 0xff, was ^ 1, was ^ 0x40} {
				b[at] = with
				r, f := agree(t, &d, fmt.Sprintf("%s with %#02x at %d of %d", name, with, at, len(b)), b, 1+(at+int(with))%MaxScale, 1<<20)
				files++
				if r {
					read++
				}
				if f {
					full++
				}
			}
			b[at] = was
		}
		t.Logf("%s: of %d damaged files %d are read, image/jpeg reads %d", name, files, read, full)
	}
}

// Damage in a large file, whose data passes through the decoder's buffer in parts,
// mostly where one part ends.
func TestDamageInLargeFiles(t *testing.T) {
	long(t)
	var d Decoder
	for i, o := range []jpegwriter.Options{
		{Quality: 96, Sampling: jpegwriter.S420, OptimiseTables: true},
		{Quality: 96, Sampling: jpegwriter.S444, RestartInterval: 50},
		{Quality: 96, Sampling: jpegwriter.S420, Progressive: true},
	} {
		b := encodeScene(t, 9, 400, 300, o)
		if len(b) < 2*chunk {
			t.Fatalf("%d bytes are too few", len(b))
		}
		r := rand.New(rand.NewPCG(uint64(i), 2))
		read, full := 0, 0
		for range 50 {
			at := min(chunk*(1+r.IntN(len(b)/chunk))+r.IntN(1200)-100, len(b)-3)
			damaged := append([]byte(nil), b...)
			if r.IntN(3) == 0 { // all that follows is missing
				damaged = append(damaged[:at], 0xff, markerEOI)
			} else {
				damaged[at] ^= 1 << r.IntN(8)
			}
			one, other := agree(t, &d, fmt.Sprintf("file %d, byte %d of %d", i, at, len(b)), damaged, 1+r.IntN(MaxScale), 1<<20)
			if one {
				read++
			}
			if other {
				full++
			}
		}
		t.Logf("file %d of %d bytes: %d of 50 are read, %d by image/jpeg", i, len(b), read, full)
	}
}
