package jpegwriter

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"
)

// The oracle: what coefficients look like, by the formula of T.81, section
// A.3.3, in float64 and without any shortcut. It knows nothing of files.

// samples returns what component i shows of the picture: whole samples, clipped.
func (c *Coefficients) samples(i int) plane {
	p := &c.Components[i]
	hmax, vmax := c.maxFactors()
	out := newPlane(ceil(c.Width*p.H, hmax), ceil(c.Height*p.V, vmax))
	cosines := cosineTable()
	for by := range p.Down {
		for bx := range p.Across {
			s := inverse(p.At(bx, by), &c.Tables[p.Table], &cosines)
			for y := by * 8; y < min(by*8+8, out.h); y++ {
				for x := bx * 8; x < min(bx*8+8, out.w); x++ {
					out.pix[y*out.w+x] = uint8(min(max(math.Round(s[y%8*8+x%8])+128, 0), 255))
				}
			}
		}
	}
	return out
}

// cosineTable returns C(u)/2 cos((2x+1)u pi/16) at u*8+x.
func cosineTable() (t [64]float64) {
	for u := range 8 {
		for x := range 8 {
			t[u*8+x] = math.Cos(float64((2*x+1)*u)*math.Pi/16) / 2
			if u == 0 {
				t[x] = math.Sqrt2 / 4
			}
		}
	}
	return t
}

func inverse(b *Block, table *[64]uint16, cosines *[64]float64) (s [64]float64) {
	for i, v := range b {
		if v == 0 {
			continue
		}
		value, u, w := float64(v)*float64(table[i]), i%8, i/8
		for y := range 8 {
			for x := range 8 {
				s[y*8+x] += value * cosines[u*8+x] * cosines[w*8+y]
			}
		}
	}
	return s
}

// seen returns the coefficients that a script tells a decoder: bits that no
// scan sends are missing.
func (c *Coefficients) seen(script []Scan) *Coefficients {
	out := *c
	out.Components = append([]Component(nil), c.Components...)
	for i := range out.Components {
		p := &out.Components[i]
		missing := missingBits(script, i)
		p.Blocks = append([]Block(nil), p.Blocks...)
		for j := range p.Blocks {
			b := &p.Blocks[j]
			b[0] = b[0] >> missing[0] << missing[0]
			for k, at := range zigzag[1:] {
				b[at] = int16(shift(int(b[at]), missing[k+1]) << missing[k+1])
			}
		}
	}
	return &out
}

// missingBits returns how many low bits of component i's coefficients, in
// zig-zag order, no scan sends.
func missingBits(script []Scan, i int) (missing [64]int) {
	for k := range missing {
		missing[k] = 15
		for _, s := range script {
			for _, j := range s.Components {
				if j == i && s.Ss <= k && k <= s.Se {
					missing[k] = s.Al
				}
			}
		}
	}
	return missing
}

// decode reads b with image/jpeg and returns its planes.
func decode(t *testing.T, b []byte) []plane {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("image/jpeg: %v", err)
	}
	switch m := img.(type) {
	case *image.Gray:
		return []plane{crop(m.Pix, m.Stride, m.Rect.Dx(), m.Rect.Dy())}
	case *image.YCbCr:
		w, h := m.Rect.Dx(), m.Rect.Dy()
		cw, ch := m.COffset(w-1, 0)+1, m.COffset(0, h-1)/m.CStride+1
		return []plane{crop(m.Y, m.YStride, w, h), crop(m.Cb, m.CStride, cw, ch), crop(m.Cr, m.CStride, cw, ch)}
	}
	t.Fatalf("image/jpeg gave %T", img)
	return nil
}

func crop(pix []uint8, stride, w, h int) plane {
	p := newPlane(w, h)
	for y := range h {
		copy(p.pix[y*w:(y+1)*w], pix[y*stride:])
	}
	return p
}

// apart says where two planes differ by more than tolerance, "" if nowhere.
func apart(a, b plane, tolerance int) string {
	if a.w != b.w || a.h != b.h {
		return fmt.Sprintf("%d x %d against %d x %d", a.w, a.h, b.w, b.h)
	}
	for i := range a.pix {
		if d := int(a.pix[i]) - int(b.pix[i]); max(d, -d) > tolerance {
			return fmt.Sprintf("sample %d,%d is %d against %d", i%a.w, i/a.w, a.pix[i], b.pix[i])
		}
	}
	return ""
}

// misread says why image/jpeg does not read a file as T.81 has it, "" if it
// does. It refuses some samplings, and in a scan of one component it counts
// MCUs, and skips blocks beyond the edges, as if luma were alone in having
// several blocks in an MCU.
func misread(c *Coefficients, o Options) string {
	if len(c.Components) == 1 {
		return ""
	}
	y, cb, cr := c.Components[0], c.Components[1], c.Components[2]
	switch {
	case cb.H != cr.H || cb.V != cr.V:
		return "two kinds of chroma"
	case y.H == 3 || y.V > 2 || y.H%cb.H != 0 || y.V%cb.V != 0:
		return "unusual factors"
	}
	scans, err := o.script(3)
	if err != nil {
		return err.Error()
	}
	for _, s := range scans {
		p := c.Components[s.Components[0]]
		if len(s.Components) > 1 || p.H*p.V == 1 {
			continue
		}
		if o.RestartInterval > 0 {
			return "restarts among single blocks"
		}
		if s.Components[0] > 0 && (p.H < y.H || p.V < y.V) {
			return "edges of a component alone"
		}
	}
	return ""
}

// texture returns a picture with edges, gradients and noise in all channels.
func texture(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for y := range h {
		for x := range w {
			p := m.Pix[m.PixOffset(x, y):][:4]
			for k := range 3 {
				p[k] = uint8(60 + 100*((x*(k+1)/9+y/7)%2) + (x+2*y)%60 + r.IntN(20))
			}
			p[3] = 255
		}
	}
	return m
}

// grey returns the luma of texture.
func grey(w, h int) *image.Gray {
	p := planesOf(texture(w, h), false)[0]
	return &image.Gray{Pix: p.pix, Stride: w, Rect: image.Rect(0, 0, w, h)}
}
