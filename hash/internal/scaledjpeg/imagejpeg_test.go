package scaledjpeg

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"testing"
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

// means compares the blocks that lie wholly in the picture. Where a sample does not
// begin and end between two pixels (3/8), the pixels at its edges count in part.
func (d *distance) means(p *Picture, k int, img image.Image) {
	pix, stride := luma(img)
	q := &p.Luma
	for y := range p.Height / 8 * k {
		for x := range p.Width / 8 * k {
			sum := 0
			for v := range 8 {
				for u := range 8 {
					// The sample is cut in 8 x 8 parts, the pixel in k x k.
					sum += int(pix[(8*y+v)/k*stride+(8*x+u)/k])
				}
			}
			d.add(float64(q.Pix[y*q.Stride+x])/(1<<Fraction) - float64(sum)/64)
		}
	}
}

func TestBlockMeansOfImageJPEG(t *testing.T) {
	for name, dir := range folders(t) {
		if name == "hostile" {
			continue // no pictures of anything
		}
		t.Run(name, func(t *testing.T) {
			var d Decoder
			var all [MaxScale + 1]distance
			worst, files := 0.0, 0
			jpegs(t, dir, func(name string, b []byte) {
				img, err := jpeg.Decode(bytes.NewReader(b))
				if err != nil {
					return
				}
				if pix, _ := luma(img); pix == nil {
					return
				}
				files++
				for k := 1; k <= MaxScale; k++ {
					p, err := d.Decode(b, k, never)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					var one distance
					one.means(p, k, img)
					all[k].n, all[k].sum = all[k].n+one.n, all[k].sum+one.sum
					all[k].worst = max(all[k].worst, one.worst)
					if k == 1 {
						worst = max(worst, one.mean())
						if one.mean() >= 0.3 || one.worst > 4 {
							t.Errorf("%s: %.3f levels from the means, at most %.2f", name, one.mean(), one.worst)
						}
					}
				}
			})
			for k := 1; k <= MaxScale; k++ {
				t.Logf("scale %d/8: %d files, %d samples, %.4f levels from the means of pixels, at most %.2f", k, files, all[k].n, all[k].mean(), all[k].worst)
			}
			t.Logf("scale 1/8: the file that is farthest, %.3f levels", worst)
			if files < 5 {
				t.Errorf("only %d files", files)
			}
		})
	}
}

// overlooked is what image/jpeg lets pass and the decoder leaves to it.
var overlooked = map[refusal]bool{
	fourComponents: true, codedRGB: true, emptyPicture: true, manySamples: true, missingPlane: true, overSubscribed: true,
	runOfBlocks: true, beyondBand: true, runBeyondScan: true, stray: true, manyUnreadBits: true, aloneSubsampled: true,
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
	case err != nil && fullErr == nil && !overlooked[why]:
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
			sum, clipped := 0, false
			for v := range 8 {
				for _, level := range pix[(8*by+v)*stride+8*bx:][:8] {
					sum += int(level)
					clipped = clipped || level == 0 || level == 255
				}
			}
			got := float64(p.Luma.Pix[by*p.Luma.Stride+bx]) / (1 << Fraction)
			if want := float64(sum) / 64; size < 8192 && !clipped && math.Abs(got-want) > 1 {
				t.Errorf("%s: block (%d, %d) is %.2f, image/jpeg has %.2f", name, bx, by, got, want)
				return
			}
		}
	}
}

func TestGeneratedFilesAgainstImageJPEG(t *testing.T) {
	var d Decoder
	both := 0
	for seed := range uint64(1000) {
		g := generate(t, seed)
		read, full := agree(t, &d, g.name, g.data, 1+int(seed)%MaxScale, 1<<26)
		if read && full {
			both++
		}
		if t.Failed() {
			return
		}
	}
	if both < 800 {
		t.Errorf("only %d files were read by both", both)
	}
}

// small are files for damage: each byte of them matters.
func small(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, s := range smallSeeds {
		g := generateWith(t, s.seed, s.options)
		files[s.name] = g.data
	}
	return files
}

func TestTruncatedFiles(t *testing.T) {
	var d Decoder
	for name, b := range small(t) {
		for n := range len(b) {
			for scale := 1; scale <= MaxScale; scale += 3 {
				if read, _ := agree(t, &d, fmt.Sprintf("%s, the first %d of %d bytes", name, n, len(b)), b[:n], scale, 1<<20); read {
					t.Errorf("%s: %d of %d bytes are enough", name, n, len(b))
				}
			}
		}
	}
}

func TestCorruptedFiles(t *testing.T) {
	var d Decoder
	for name, b := range small(t) {
		read, full, files := 0, 0, 0
		for at := range b {
			was := b[at]
			for _, with := range []byte{0x00, 0xff, was ^ 1, was ^ 0x10, was ^ 0x80, was + 1} {
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
