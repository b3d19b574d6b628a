package attack

import (
	"image"
	"image/color"
	"math"
)

// Rotation and perspective: for each pixel of the result, look up where it comes
// from, so that nothing stays empty. The bicubic weights of 4 x 4 pixels are the
// cost of it; they come from a table of 64 positions between two pixels, in
// integers, as no copy is better for a finer position. Pixels beyond the frame
// count with the colour of the fill, which softens the frame's edge as a scan
// does.

// matrix maps (x, y, 1) to the homogeneous coordinates of a point.
type matrix [9]float64

func (m matrix) apply(x, y float64) (float64, float64) {
	d := m[6]*x + m[7]*y + m[8]
	return (m[0]*x + m[1]*y + m[2]) / d, (m[3]*x + m[4]*y + m[5]) / d
}

// rotation turns counter-clockwise (as seen, with y down) about a point.
func rotation(degrees, cx, cy float64) matrix {
	s, c := math.Sincos(degrees * math.Pi / 180)
	return matrix{c, s, cx - c*cx - s*cy, -s, c, cy + s*cx - c*cy, 0, 0, 1}
}

// homography is the perspective map that takes four points to four others: the
// eight linear equations that they give, by elimination.
func homography(from, to quad) matrix {
	var a [8][9]float64
	for i := range from {
		x, y, u, v := from[i][0], from[i][1], to[i][0], to[i][1]
		a[2*i] = [9]float64{x, y, 1, 0, 0, 0, -u * x, -u * y, u}
		a[2*i+1] = [9]float64{0, 0, 0, x, y, 1, -v * x, -v * y, v}
	}
	for c := range a {
		best := c
		for r := c; r < len(a); r++ {
			if math.Abs(a[r][c]) > math.Abs(a[best][c]) {
				best = r
			}
		}
		a[c], a[best] = a[best], a[c]
		for r := range a {
			if r == c {
				continue
			}
			f := a[r][c] / a[c][c]
			for k := c; k < 9; k++ {
				a[r][k] -= f * a[c][k]
			}
		}
	}
	m := matrix{8: 1}
	for i := range a {
		m[i] = a[i][8] / a[i][i]
	}
	return m
}

// phases is into how many places the distance of two pixels is divided when a
// warp chooses its weights.
const (
	phaseBits = 6
	phases    = 1 << phaseBits
)

// weights is the table of bicubic weights by phase, in 1/1024.
func weights() (table [phases][4]int32) {
	for i := range table {
		sum := int32(0)
		for k, v := range cubic(float64(i) / phases) {
			table[i][k] = int32(math.Round(1024 * v))
			sum += table[i][k]
		}
		table[i][1] += 1024 - sum
	}
	return table
}

// warped fills a picture of the same size by looking up where each of its
// pixels comes from, bicubic. Outside the source everything has the colour
// given.
func warped(img *image.NRGBA, back matrix, fill color.NRGBA) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := sheet(w, h, fill)
	table := weights()
	for y := range h {
		for x := range w {
			// Centres of pixels lie at halves.
			fx, fy := back.apply(float64(x)+0.5, float64(y)+0.5)
			ux, uy := int(math.Floor((fx-0.5)*phases+0.5)), int(math.Floor((fy-0.5)*phases+0.5))
			if ux <= -2*phases || uy <= -2*phases || ux >= (w+1)*phases || uy >= (h+1)*phases {
				continue
			}
			ix, iy := ux>>phaseBits, uy>>phaseBits
			wx, wy := &table[ux&(phases-1)], &table[uy&(phases-1)]
			q := out.Pix[4*(y*w+x):][:4:4]
			if ix >= 1 && iy >= 1 && ix+2 < w && iy+2 < h {
				inner(q, img.Pix[4*((iy-1)*w+ix-1):], 4*w, wx, wy)
			} else {
				atEdge(q, img, ix, iy, wx, wy, fill)
			}
		}
	}
	return out
}

// inner weighs the 4 x 4 pixels that begin at p.
func inner(q, p []uint8, stride int, wx, wy *[4]int32) {
	var r, g, b int32
	for k, v := range wy {
		s := p[k*stride:][:16:16]
		r += v * (wx[0]*int32(s[0]) + wx[1]*int32(s[4]) + wx[2]*int32(s[8]) + wx[3]*int32(s[12]))
		g += v * (wx[0]*int32(s[1]) + wx[1]*int32(s[5]) + wx[2]*int32(s[9]) + wx[3]*int32(s[13]))
		b += v * (wx[0]*int32(s[2]) + wx[1]*int32(s[6]) + wx[2]*int32(s[10]) + wx[3]*int32(s[14]))
	}
	q[0], q[1], q[2] = clipFixed(r), clipFixed(g), clipFixed(b)
}

// clipFixed rounds 1/2^20 to bytes.
func clipFixed(v int32) uint8 { return uint8(min(max((v+1<<19)>>20, 0), 255)) }

// atEdge does the same where some of the 16 pixels are outside.
func atEdge(q []uint8, img *image.NRGBA, ix, iy int, wx, wy *[4]int32, fill color.NRGBA) {
	var sum [3]int32
	for k, v := range wy {
		for l, u := range wx {
			c := [3]uint8{fill.R, fill.G, fill.B}
			if at := image.Pt(ix-1+l, iy-1+k); at.In(img.Rect) {
				c = [3]uint8(img.Pix[img.PixOffset(at.X, at.Y):][:3])
			}
			for i := range sum {
				sum[i] += v * u * int32(c[i])
			}
		}
	}
	for i := range sum {
		q[i] = clipFixed(sum[i])
	}
}

// warp bends the picture of the job, forward being the way that a point of it
// goes.
func (j *job) warp(forward, back matrix, fill color.NRGBA) {
	j.img = warped(j.img, back, fill)
	j.move(forward.apply)
}

// rotate turns about the middle, to one side or the other.
func rotate(degrees float64, fill paint) step {
	return func(j *job) { j.turnBy(j.sign()*degrees, fill(j)) }
}

func (j *job) sign() float64 {
	if j.coin() {
		return 1
	}
	return -1
}

func (j *job) turnBy(degrees float64, fill color.NRGBA) {
	w, h := j.size()
	cx, cy := float64(w)/2, float64(h)/2
	j.warp(rotation(degrees, cx, cy), rotation(-degrees, cx, cy), fill)
}

// rotateInside turns and keeps the largest centred window of the picture's
// shape in which no filled corner remains.
func rotateInside(degrees float64) step {
	return func(j *job) {
		j.turnBy(j.sign()*degrees, edgeColour(j.img))
		w, h := j.size()
		s, c := math.Sincos(degrees * math.Pi / 180)
		k := 1 / (c + s*max(float64(w)/float64(h), float64(h)/float64(w)))
		j.keepMiddle(k, k)
	}
}

// perspective moves each corner inward by a random share, 0.2 to 1, of k times
// the sides.
func perspective(k float64, fill paint) step {
	return func(j *job) {
		iw, ih := j.size()
		w, h := float64(iw), float64(ih)
		from := quad{{0, 0}, {w, 0}, {w, h}, {0, h}}
		to := from
		for i := range to {
			dx, dy := j.between(0.2, 1)*k*w, j.between(0.2, 1)*k*h
			if to[i][0] > 0 {
				dx = -dx
			}
			if to[i][1] > 0 {
				dy = -dy
			}
			to[i][0] += dx
			to[i][1] += dy
		}
		j.warp(homography(from, to), homography(to, from), fill(j))
	}
}
