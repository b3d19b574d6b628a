package scaledjpeg

// Some pixels in full. A caller may have seen on a small picture that a few parts of it
// matter to the pixel: where a border ends, say. Decoding the whole for them would
// cost ten times as much. A second pass over the file is cheap, since it can walk over
// everything else; so Detail asks for units (the blocks of all components that are
// interleaved) by their place, and gets their pixels while the rest is scaled.
//
// Only sequential files of one scan are read so; a progressive one would need all of its
// scans. The inverse DCT is in fixed point, within one level of image/jpeg's.

// Detail says which pixels are wanted, and takes them.
type Detail interface {
	// Want reports whether any pixel of a part of the picture is wanted: w x h pixels
	// from (x, y) on.
	Want(x, y, w, h int) bool
	// Take gets the pixels of a part that was wanted. It keeps nothing of it.
	Take(u *Unit)
}

// Unit is a part of a picture in full: W x H pixels from (X, Y) on, which may lie beyond the
// right and bottom edge of the picture in part.
type Unit struct {
	X, Y, W, H int
	// Luma holds rows of W samples, Cb and Cr rows of W/SubX samples, each for SubX x
	// SubY pixels; of a grey picture they are empty.
	Luma, Cb, Cr []uint8
	SubX, SubY   int
}

// unitPixels are those of the largest unit: 4 x 2 blocks (see sampling).
const unitPixels = 4 * 2 * 64

// unit holds the pixels of a unit while it is read.
type unit struct {
	Unit
	coefs  [64]int32
	pixels [3][unitPixels]uint8
}

// wanted reports whether the unit at (mx, my) is wanted in full, and places it if so.
func (d *Decoder) wanted(mx, my int) bool {
	if d.detail == nil {
		return false
	}
	u, y, c := &d.unit, &d.comps[0], &d.comps[1]
	w, h := 8*y.h, 8*y.v
	if !d.detail.Want(mx*w, my*h, w, h) {
		return false
	}
	u.Unit = Unit{X: mx * w, Y: my * h, W: w, H: h, Luma: u.pixels[0][:w*h], SubX: 1, SubY: 1}
	if d.nComps == 3 {
		n := 64 * c.h * c.v
		u.Cb, u.Cr, u.SubX, u.SubY = u.pixels[1][:n], u.pixels[2][:n], y.h/c.h, y.v/c.v
	}
	return true
}

// whole reads a block of lane i in full, whose place in the plane is at, and writes the
// pixels to the unit: it is block (h, v) of the lane's there.
func (d *Decoder) whole(i, at, h, v int) bool {
	r, l, u := &d.reader, &d.lanes[i], &d.unit
	if r.pos > r.limit && !r.more() {
		return false
	}
	clear(u.coefs[:])
	diff, ok := r.all(l.dc, l.ac, &u.coefs)
	l.predicted += diff
	u.coefs[0] = l.predicted
	l.draw(&u.coefs, at)
	for k, q := range l.quant {
		u.coefs[k] *= int32(q)
	}
	side := 8 * l.h
	inverse(u.pixels[i][8*(v*side+h):], side, &u.coefs)
	return ok
}

// draw writes the samples of a block of which all coefficients are known, in zig-zag
// order.
func (l *lane) draw(coefs *[64]int32, at int) {
	if l.job == walkMeans {
		l.pix[at] = clip16(int64(l.predicted)*l.step + 128<<Fraction)
		return
	}
	c := &l.scaler.coefs
	for k, v := range coefs {
		c[l.scaler.place[k]&31] = v
	}
	l.scaler.block(l.pix[at:], l.row)
}

// all reads the first coefficient, less that of the block before, and all others, in
// zig-zag order.
func (r *reader) all(dc, ac *huffman, to *[64]int32) (int32, bool) {
	diff, ok := r.difference(dc)
	for k := 1; ok && k < 64; {
		r.fill()
		v, next := int32(0), 0
		if e := ac.direct[r.acc>>(64-directBits)]; e&0xff != 0 {
			r.drop(uint64(e & 0xff))
			v, next = int32(e)>>16, k+int(e>>8&0xff)
			ok = next <= 64 || next >= walkEnd
		} else {
			v, next, ok = r.long(ac, k)
		}
		if k = next; k <= 64 && ok {
			to[k-1] = v
		}
	}
	return diff, ok
}

// Half the cosines of k pi/16, k = 1 to 7, with idctBits fractional bits.
const (
	idctBits     = 20
	idctFraction = 10 // of what is transformed

	half1 = 514214
	half2 = 484379
	half3 = 435930
	half4 = 370728
	half5 = 291279
	half6 = 200636
	half7 = 102284
)

// inverse transforms dequantised coefficients in zig-zag order, and writes grey levels
// clipped to 0..255 (T.81, A.3.3).
func inverse(to []uint8, stride int, coefs *[64]int32) {
	if *(*[63]int32)(coefs[1:]) == [63]int32{} { // as most blocks of a border
		even(to, stride, coefs[0])
		return
	}
	var rows [8][8]int64
	for k, v := range coefs {
		if v != 0 {
			rows[zigzag[k][0]][zigzag[k][1]] = int64(v) << idctFraction
		}
	}
	for y := range rows {
		if r := &rows[y]; *r != [8]int64{} {
			eight(&r[0], &r[1], &r[2], &r[3], &r[4], &r[5], &r[6], &r[7])
		}
	}
	for x := range 8 {
		eight(&rows[0][x], &rows[1][x], &rows[2][x], &rows[3][x], &rows[4][x], &rows[5][x], &rows[6][x], &rows[7][x])
	}
	for y := range rows {
		row := to[y*stride:][:8]
		for x, v := range rows[y] {
			row[x] = uint8(min(max((v+1<<(idctFraction-1))>>idctFraction+128, 0), 255))
		}
	}
}

// even writes a block that has a mean and nothing else.
func even(to []uint8, stride int, mean int32) {
	v := uint8(min(max((int64(mean)+4)>>3+128, 0), 255))
	for y := range 8 {
		row := to[y*stride:][:8]
		for x := range row {
			row[x] = v
		}
	}
}

// eight is the inverse DCT of eight values: the even frequencies make what both halves
// share, the odd ones what they differ by.
func eight(p0, p1, p2, p3, p4, p5, p6, p7 *int64) {
	const round = 1 << (idctBits - 1)
	a, b := (*p0+*p4)*half4+round, (*p0-*p4)*half4+round
	c, d := *p2*half2+*p6*half6, *p2*half6-*p6*half2
	e0, e1, e2, e3 := a+c, b+d, b-d, a-c
	u, v, w, z := *p1, *p3, *p5, *p7
	o0 := u*half1 + v*half3 + w*half5 + z*half7
	o1 := u*half3 - v*half7 - w*half1 - z*half5
	o2 := u*half5 - v*half1 + w*half7 + z*half3
	o3 := u*half7 - v*half5 + w*half3 - z*half1
	*p0, *p7 = (e0+o0)>>idctBits, (e0-o0)>>idctBits
	*p1, *p6 = (e1+o1)>>idctBits, (e1-o1)>>idctBits
	*p2, *p5 = (e2+o2)>>idctBits, (e2-o2)>>idctBits
	*p3, *p4 = (e3+o3)>>idctBits, (e3-o3)>>idctBits
}
