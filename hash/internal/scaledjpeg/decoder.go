package scaledjpeg

import (
	"bytes"
	"encoding/binary"
)

// The segments of a file (ITU-T T.81, annex B) are read in the order in which they
// stand, and as image/jpeg reads them: stray bytes between segments are passed over,
// what follows the end-of-image marker does not matter, a missing one does.

// The markers (ITU-T T.81, table B.1).
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP14 = 0xee
	markerAPP15 = 0xef
	markerCOM   = 0xfe
)

// unsent says that nothing was sent of a coefficient.
const unsent = 255

// MaxScale is the largest scale: samples per side of a block.
const MaxScale = 4

// component is one colour plane of the frame.
type component struct {
	id, table uint8
	h, v      int // sampling factors
	bw, bh    int // blocks, padded to whole units
	seen      bool
	scaler    scaler
}

// Decoder decodes. The zero value is ready to use; it keeps its buffers from one
// picture to the next and is for one goroutine at a time.
type Decoder struct {
	scale int
	last  int // the last coefficient of luma that the scale wants, in zig-zag order

	// What the segments so far have said.
	progressive, baseline bool
	jfif, adobe, adobeRGB bool
	started               bool // there was a scan
	width, height         int
	comps                 [3]component
	nComps                int
	unitsX, unitsY        int
	interval              int // of restart markers, in units
	quant                 [4][64]uint16
	codes                 [2][4]huffman // DC and AC
	left                  [3][64]uint8  // bits that a progressive file has not sent of a coefficient, or unsent
	unread                [3][64]uint8  // bits of a coefficient that are not read here, since later scans send them

	// The state of the scan that is read.
	reader    reader
	lanes     [3]lane
	unitSteps [10]step
	eobRun    int
	restarts  byte

	detail  Detail
	unit    unit
	picture Picture
	kept    []int16 // coefficients of luma of a progressive file, in half units
	strides [1 << walkBits]stride
}

// Decode reads the JPEG b at a scale of 1 to MaxScale samples per side of a block.
// The picture lies in d's buffers until the next call. check is asked every few
// kilobytes, and must not be nil; an error that it returns ends decoding and is returned.
// Any other error is ErrOdd. Memory is taken for the samples: two bytes each, and four for
// those of luma of a progressive file at a scale above 1, whose coefficients are kept until
// all have come.
func (d *Decoder) Decode(b []byte, scale int, check func() error) (*Picture, error) {
	return d.DecodeDetail(b, scale, nil, check)
}

// DecodeDetail is Decode, and gives parts of the picture to detail in full, as they are met.
// It is ErrOdd for a file in several scans: a progressive one, or one whose components
// stand one after the other.
func (d *Decoder) DecodeDetail(b []byte, scale int, detail Detail, check func() error) (*Picture, error) {
	d.reset(b, scale, check)
	d.detail = detail
	defer d.forget()
	if len(b) < 2 || b[0] != 0xff || b[1] != 0xd8 || scale < 1 || scale > MaxScale {
		return nil, ErrOdd
	}
	if err := d.segments(b); err != nil {
		return nil, err
	}
	return d.finish()
}

func (d *Decoder) reset(b []byte, scale int, check func() error) {
	d.scale, d.last = scale, lastWanted[scale&7]
	d.progressive, d.baseline, d.started, d.jfif, d.adobe, d.adobeRGB = false, false, false, false, false, false
	d.nComps, d.interval = 0, 0
	d.unread = [3][64]uint8{}
	for i := range d.left {
		for k := range d.left[i] {
			d.left[i][k] = unsent
		}
	}
	clear(d.quant[:])
	d.reader.src, d.reader.check, d.reader.err = b, check, nil
}

// forget lets go of the caller's bytes.
func (d *Decoder) forget() {
	d.reader.src, d.reader.check, d.detail = nil, nil, nil
	for i := range d.codes {
		for j := range d.codes[i] {
			d.codes[i][j].spec = nil
		}
	}
}

// segments walks over the file.
func (d *Decoder) segments(b []byte) error {
	for at := 2; ; {
		marker, next := nextMarker(b, at)
		if marker == markerEOI {
			return nil
		}
		if next+2 > len(b) {
			return ErrOdd
		}
		n := int(binary.BigEndian.Uint16(b[next:]))
		if n < 2 || next+n > len(b) {
			return ErrOdd
		}
		at = next + n
		seg := b[next+2 : at]
		if marker == markerSOS {
			d.started = true
			end, err := d.scan(seg, at)
			if err != nil {
				return err
			}
			at = end
		} else if !d.segment(marker, seg) {
			return ErrOdd
		}
	}
}

// nextMarker finds the first marker at or after at that is no restart marker, and
// where its segment begins; 0 and len(b) if there is none. As to image/jpeg, a zero
// behind fill bytes is a marker (that nobody knows).
func nextMarker(b []byte, at int) (marker byte, next int) {
	for {
		j := bytes.IndexByte(b[at:], 0xff)
		if j < 0 {
			return 0, len(b)
		}
		at += j
		first := at
		for at < len(b) && b[at] == 0xff {
			at++
		}
		if at == len(b) {
			return 0, at
		}
		m := b[at]
		filled := at-first > 1
		at++
		if (m != 0 || filled) && (m < markerRST0 || m > markerRST7) {
			return m, at
		}
	}
}

// segment reads what is no scan, and reports whether it is sound and known.
func (d *Decoder) segment(marker byte, seg []byte) bool {
	switch {
	case marker == markerSOF0, marker == markerSOF1, marker == markerSOF2:
		return d.frame(marker, seg)
	case marker == markerDHT:
		return d.huffmanTables(seg)
	case marker == markerDQT:
		// Means are drawn as they come: a later table would be for another picture.
		return !(d.progressive && d.started) && d.quantTables(seg)
	case marker == markerDRI:
		if len(seg) != 2 {
			return false
		}
		d.interval = int(binary.BigEndian.Uint16(seg))
		return true
	case marker == markerAPP0:
		if len(seg) >= 5 {
			d.jfif = string(seg[:5]) == "JFIF\x00"
		}
		return true
	case marker == markerAPP14:
		if len(seg) >= 12 && string(seg[:5]) == "Adobe" {
			d.adobe, d.adobeRGB = true, seg[11] == 0
		}
		return true
	}
	return marker >= markerAPP0 && marker <= markerAPP15 || marker == markerCOM
}

// frame reads a start of frame (T.81, B.2.2) of one or three components of 8 bits.
func (d *Decoder) frame(marker byte, seg []byte) bool {
	if d.nComps != 0 || len(seg) < 6 || seg[0] != 8 {
		return false
	}
	n := int(seg[5])
	if n != 1 && n != 3 || len(seg) != 6+3*n {
		return false
	}
	d.progressive, d.baseline = marker == markerSOF2, marker == markerSOF0
	d.height, d.width = int(binary.BigEndian.Uint16(seg[1:])), int(binary.BigEndian.Uint16(seg[3:]))
	if d.height == 0 || d.width == 0 {
		return false
	}
	for i := range n {
		c := seg[6+3*i:]
		d.comps[i] = component{id: c[0], table: c[2], h: int(c[1] >> 4), v: int(c[1] & 15)}
		if d.comps[i].table > 3 {
			return false
		}
	}
	d.nComps = n
	if !d.sampling() {
		return false
	}
	d.allocate()
	return true
}

// sampling checks the factors: those of chroma are equal and divide those of luma, as
// image/jpeg has it; and luma has the full resolution.
func (d *Decoder) sampling() bool {
	y, cb, cr := &d.comps[0], &d.comps[1], &d.comps[2]
	if d.nComps == 1 {
		ok := y.h >= 1 && y.h <= 4 && y.v >= 1 && y.v <= 4 && y.h != 3 && y.v != 3
		y.h, y.v = 1, 1
		return ok
	}
	power := func(n, most int) bool { return n == 1 || n == 2 || n == 4 && most == 4 }
	if y.id == cb.id || y.id == cr.id || cb.id == cr.id {
		return false
	}
	return power(y.h, 4) && power(y.v, 2) && power(cb.h, 4) && power(cb.v, 2) &&
		y.h%cb.h == 0 && y.v%cb.v == 0 && cb.h == cr.h && cb.v == cr.v &&
		y.h*y.v+2*cb.h*cb.v <= 10
}

// huffmanTables reads DHT (T.81, B.2.4.2).
func (d *Decoder) huffmanTables(seg []byte) bool {
	for len(seg) > 0 {
		if len(seg) < 17 {
			return false
		}
		class, id := seg[0]>>4, seg[0]&15
		if class > 1 || id > 3 || d.baseline && id > 1 {
			return false
		}
		n := 0
		for _, c := range seg[1:17] {
			n += int(c)
		}
		if n > 256 || len(seg) < 17+n || !d.codes[class][id].define(seg[1:17+n]) {
			return false
		}
		seg = seg[17+n:]
	}
	return true
}

// quantTables reads DQT (T.81, B.2.4.1).
func (d *Decoder) quantTables(seg []byte) bool {
	for len(seg) > 0 {
		wide, id := seg[0]>>4, seg[0]&15
		size := 64 << wide
		if wide > 1 || id > 3 || len(seg) < 1+size {
			return false
		}
		for i := range d.quant[id] {
			if wide == 0 {
				d.quant[id][i] = uint16(seg[1+i])
			} else {
				d.quant[id][i] = binary.BigEndian.Uint16(seg[1+2*i:])
			}
		}
		seg = seg[1+size:]
	}
	return true
}

// allocate makes room for the samples.
func (d *Decoder) allocate() {
	y := &d.comps[0]
	d.unitsX, d.unitsY = ceilDiv(d.width, 8*y.h), ceilDiv(d.height, 8*y.v)
	d.picture = Picture{Width: d.width, Height: d.height, Luma: d.picture.Luma, Chroma: d.picture.Chroma}
	for i := range d.comps {
		c, p := &d.comps[i], &d.picture.Luma
		if i > 0 {
			p = &d.picture.Chroma[i-1]
		}
		if i >= d.nComps {
			*p = Plane{Pix: p.Pix[:0]}
			continue
		}
		c.bw, c.bh = d.unitsX*c.h, d.unitsY*c.v
		d.plane(p, c, d.scaleOf(i))
	}
	if d.kept = d.kept[:0]; d.progressive && d.scale > 1 {
		d.kept = grown(d.kept, len(d.picture.Luma.Pix))
		clear(d.kept)
	}
}

// plane lays out the plane of a component at scale k.
func (d *Decoder) plane(p *Plane, c *component, k int) {
	subX, subY := d.comps[0].h/c.h, d.comps[0].v/c.v
	*p = Plane{
		W: ceilDiv(d.width*k, 8*subX), H: ceilDiv(d.height*k, 8*subY), Stride: k * c.bw,
		SpanX: 24 * subX / k, SpanY: 24 * subY / k,
		Pix: grown(p.Pix, k*k*c.bw*c.bh),
	}
}

// scaleOf is the scale of a component.
func (d *Decoder) scaleOf(i int) int {
	if i == 0 {
		return d.scale
	}
	return 1
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// grown returns a slice of n samples of any content.
func grown(s []int16, n int) []int16 {
	if cap(s) < n {
		return make([]int16, n)
	}
	return s[:n]
}

// finish makes samples of the coefficients of a progressive file, and checks that all
// components came and are Y, Cb and Cr.
func (d *Decoder) finish() (*Picture, error) {
	if d.nComps == 0 || d.rgb() {
		return nil, ErrOdd
	}
	for i := range d.nComps {
		if !d.comps[i].seen {
			return nil, ErrOdd
		}
	}
	if len(d.kept) > 0 {
		d.render()
	}
	d.picture.Unread = d.mostUnread()
	return &d.picture, nil
}

// mostUnread is Picture.Unread.
func (d *Decoder) mostUnread() (most int) {
	for i := range d.nComps {
		q := &d.quant[d.comps[i].table]
		for k, bits := range d.unread[i] {
			most = max(most, int(q[k])<<bits-int(q[k]))
		}
	}
	return most
}

// rgb reports whether image/jpeg takes the planes for red, green and blue.
func (d *Decoder) rgb() bool {
	if d.nComps != 3 || d.jfif {
		return false
	}
	c := &d.comps
	return d.adobe && d.adobeRGB || c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'
}

// render transforms the blocks of luma of a progressive file.
func (d *Decoder) render() {
	c, k, p := &d.comps[0], d.scale, &d.picture.Luma
	c.scaler.set(k, &d.quant[c.table])
	c.scaler.halve()
	for by := range c.bh {
		for bx := range c.bw {
			for j, v := range d.kept[k*k*(by*c.bw+bx):][:k*k] {
				c.scaler.coefs[j] = int32(v)
			}
			c.scaler.block(p.Pix[k*(by*p.Stride+bx):], p.Stride)
		}
	}
}
