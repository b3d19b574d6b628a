package hash

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image/color"
	"io"

	"github.com/klauspost/compress/zlib"
)

// A PNG is made canonical while it is inflated. image/png makes a picture of four
// or eight bytes a pixel first, 48 MB of a photo of 12 megapixels, of which each
// row is looked at once. Here two rows are in memory. Time is won besides: the
// inflater is a faster one, and the predictor of most rows (Paeth) is computed
// without branches that the data decides.
//
// What PNGs are, image/png says. A file with anything uncommon in it (interlaced,
// fewer than 8 bits, a transparent colour, chunks out of order), or wrong, is not
// read here but there, from its beginning. Such are few, and cost twice at most.

// pngPicture is what is known of a common PNG before its pixels are read.
type pngPicture struct {
	width, height int
	depth, colour byte
	palette       color.Palette
	data          []byte // from the first IDAT chunk on
}

// The colour types (PNG, third edition, section 11.2.1).
const (
	pngGrey      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGreyAlpha = 4
	pngRGBA      = 6
)

// readPNG makes a PNG canonical, still turned as it was stored. It returns nil,
// and no error, if image/png has to read it; the error is check's.
func (ws *workspace) readPNG(b []byte, check func() error) (c *canonical, err error) {
	p, ok := parsePNG(b)
	if !ok {
		return nil, nil
	}
	defer func() {
		if recover() != nil { // a colour beyond the palette
			c, err = nil, nil
		}
	}()
	src := &pngData{rest: p.data, check: check}
	defer func() { *src = pngData{} }() // the inflater is kept, the file is not
	in := bufio.NewReader(src)
	if ws.inflate, err = inflate(ws.inflate, in); err != nil {
		return nil, src.failed
	}
	s := ws.pngRows(p)
	c, err = ws.reduceRows(p.width, p.height, s.row, p.colour == pngGrey, func() error {
		if s.odd {
			return errOddPNG
		}
		return check()
	})
	if src.failed != nil {
		return nil, src.failed
	}
	if err == errOddPNG || s.odd || err == nil && !s.ended(in, src) {
		return nil, nil
	}
	return c, err
}

// errOddPNG ends the reading of rows of a PNG that image/png has to read.
var errOddPNG = errors.New("left to image/png")

// parsePNG walks the chunks. It is content with common files only.
func parsePNG(b []byte) (p pngPicture, ok bool) {
	last, at := "", 8
	for c := range pngChunks(b) {
		sum := crc32.Update(crc32.ChecksumIEEE([]byte(c.name)), crc32.IEEETable, c.data)
		if binary.BigEndian.Uint32(c.data[len(c.data):len(c.data)+4]) != sum || (last == "") != (c.name == "IHDR") {
			return p, false
		}
		switch c.name {
		case "IHDR":
			ok = p.header(c.data)
		case "PLTE":
			ok = p.colour == pngPalette && p.palette == nil && p.data == nil && p.setPalette(c.data)
		case "tRNS":
			ok = p.palette != nil && p.data == nil && last != "tRNS" && p.setAlpha(c.data)
		case "IDAT":
			ok = (p.data == nil || last == "IDAT") && (p.colour != pngPalette || p.palette != nil)
			if p.data == nil {
				p.data = b[at:]
			}
		case "IEND":
			return p, p.data != nil && len(c.data) == 0
		}
		if !ok {
			return p, false
		}
		last = c.name
		at += 12 + len(c.data)
	}
	return p, false
}

func (p *pngPicture) header(b []byte) bool {
	if len(b) != 13 || b[10] != 0 || b[11] != 0 || b[12] != 0 {
		return false
	}
	p.width, p.height = int(int32(binary.BigEndian.Uint32(b))), int(int32(binary.BigEndian.Uint32(b[4:])))
	p.depth, p.colour = b[8], b[9]
	return p.width > 0 && p.height > 0 && p.pixelBytes() > 0
}

// pixelBytes is how many bytes a pixel takes; 0 if the layout is an uncommon one.
func (p *pngPicture) pixelBytes() int {
	samples, ok := map[byte]int{pngGrey: 1, pngRGB: 3, pngPalette: 1, pngGreyAlpha: 2, pngRGBA: 4}[p.colour]
	common := p.depth == 8 || p.depth == 16 && p.colour != pngPalette && p.colour != pngGreyAlpha
	if !ok || !common {
		return 0
	}
	return samples * int(p.depth) / 8
}

func (p *pngPicture) setPalette(b []byte) bool {
	for i := 0; i+3 <= len(b); i += 3 {
		p.palette = append(p.palette, color.NRGBA{b[i], b[i+1], b[i+2], 255})
	}
	return len(b)%3 == 0 && len(p.palette) > 0 && len(p.palette) <= 256
}

func (p *pngPicture) setAlpha(b []byte) bool {
	if len(b) > len(p.palette) {
		return false
	}
	for i, a := range b {
		c := p.palette[i].(color.NRGBA)
		c.A = a
		p.palette[i] = c
	}
	return true
}

// pngData hands out the data of consecutive IDAT chunks as long as check lets it.
type pngData struct {
	rest   []byte // from the next chunk on
	left   []byte // of this one
	check  func() error
	failed error
}

func (d *pngData) Read(b []byte) (int, error) {
	if d.failed = d.check(); d.failed != nil {
		return 0, d.failed
	}
	for len(d.left) == 0 {
		if string(d.rest[4:8]) != "IDAT" {
			return 0, io.EOF
		}
		n := 8 + int(binary.BigEndian.Uint32(d.rest))
		d.left, d.rest = d.rest[8:n], d.rest[n+4:]
	}
	n := copy(b, d.left)
	d.left = d.left[n:]
	return n, nil
}

// pngRows undoes the filters row by row.
type pngRows struct {
	z          io.Reader
	bytes      int // of a pixel
	now, above []byte
	odd        bool // image/png has to read it
	emit       func(grey []uint16, strip []uint64, pix []byte)
}

// inflate begins a stream of zlib, with the reader of the one before.
func inflate(z io.ReadCloser, in io.Reader) (io.ReadCloser, error) {
	if z == nil {
		return zlib.NewReader(in)
	}
	return z, z.(zlib.Resetter).Reset(in, nil)
}

func (ws *workspace) pngRows(p pngPicture) *pngRows {
	n := p.pixelBytes()
	ws.row = sized(ws.row, 4*p.width)
	ws.now, ws.above = sized(ws.now, 1+n*p.width), sized(ws.above, 1+n*p.width)
	clear(ws.above)
	return &pngRows{z: ws.inflate, bytes: n, now: ws.now, above: ws.above, emit: p.emitter(ws.row)}
}

// emitter returns the way to read a row of pixels, with room for them in 4 bytes
// each.
func (p *pngPicture) emitter(room []byte) func(grey []uint16, strip []uint64, pix []byte) {
	deep := p.depth == 16
	switch {
	case p.colour == pngGrey && deep:
		return deepGreyRow
	case p.colour == pngGrey:
		return greyRow
	case p.colour == pngPalette:
		return lookUp(p.palette)
	}
	four := func(pix []byte) []byte { return flatten(room, pix) }
	switch {
	case p.colour == pngRGB && deep:
		four = func(pix []byte) []byte { return spread(room, pix, 0, 2, 4, 6) }
	case p.colour == pngRGB:
		four = func(pix []byte) []byte { return spread(room, pix, 0, 1, 2, 3) }
	case p.colour == pngGreyAlpha:
		four = func(pix []byte) []byte { return flatten(room, spreadAlpha(room, pix)) }
	case deep:
		four = func(pix []byte) []byte { return deepRow(room, pix, true) }
	}
	return func(grey []uint16, strip []uint64, pix []byte) { rgbRow(grey, strip, four(pix)) }
}

// spreadAlpha makes pixels of 4 bytes of grey and alpha.
func spreadAlpha(room, pix []byte) []byte {
	for x := 0; 2*x < len(pix); x++ {
		v := uint32(pix[2*x])
		binary.LittleEndian.PutUint32(room[4*x:4*x+4], v|v<<8|v<<16|uint32(pix[2*x+1])<<24)
	}
	return room
}

// spread makes pixels of 4 bytes of such of step bytes.
func spread(room, pix []byte, red, green, blue, step int) []byte {
	for x := 0; len(pix) >= step; x += 4 {
		q := room[x : x+4 : x+4]
		q[0], q[1], q[2] = pix[red], pix[green], pix[blue]
		pix = pix[step:]
	}
	return room
}

// row reads the next row.
func (s *pngRows) row(_ int, grey []uint16, strip []uint64) {
	if s.odd {
		return
	}
	if _, err := io.ReadFull(s.z, s.now); err != nil || !unfilter(s.now[0], s.now[1:], s.above[1:], s.bytes) {
		s.odd = true
		return
	}
	s.emit(grey, strip, s.now[1:])
	s.now, s.above = s.above, s.now
}

// ended reports whether the data end with the last row, their checksum being
// right.
func (s *pngRows) ended(in *bufio.Reader, src *pngData) bool {
	n, err := io.ReadFull(s.z, s.now[:1])
	if n != 0 || err != io.EOF || in.Buffered() > 0 {
		return false
	}
	_, err = src.Read(s.now[:1])
	return err == io.EOF
}

// unfilter undoes a row's filter (PNG, third edition, section 9.2).
func unfilter(filter byte, now, above []byte, step int) bool {
	above = above[:len(now)]
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(now); i++ {
			now[i] += now[i-step]
		}
	case 2:
		addBytes(now, above)
	case 3:
		for i := range step {
			now[i] += above[i] / 2
		}
		for i := step; i < len(now); i++ {
			now[i] += byte((int(now[i-step]) + int(above[i])) / 2)
		}
	case 4:
		unPaeth(now, above, step)
	default:
		return false
	}
	return true
}

// addBytes adds b to a, eight bytes at a time: without their highest bits, which
// are then put right.
func addBytes(a, b []byte) {
	const low = 0x7f7f7f7f7f7f7f7f
	i := 0
	for ; i+8 <= len(a); i += 8 {
		p, q := a[i:i+8:i+8], b[i:i+8:i+8]
		v, w := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(q)
		binary.LittleEndian.PutUint64(p, (v&low+w&low)^(v^w)&^low)
	}
	for ; i < len(a); i++ {
		a[i] += b[i]
	}
}

// unPaeth undoes the filter of type 4. Each byte waits for the one a pixel
// before it, so channels go side by side.
func unPaeth(now, above []byte, step int) {
	switch step {
	case 3:
		unPaeth3(now, above, 3)
	case 4, 8:
		for at := 0; at < step; at += 4 {
			unPaeth4(now[at:], above[at:], step)
		}
	case 6:
		unPaeth3(now, above, 6)
		unPaeth3(now[3:], above[3:], 6)
	default:
		for at := range step {
			unPaeth1(now[at:], above[at:], step)
		}
	}
}

func unPaeth1(now, above []byte, step int) {
	a, c := 0, 0
	for i := 0; i < len(now); i += step {
		b := int(above[i])
		a = (int(now[i]) + paeth(a, b, c)) & 255
		now[i] = byte(a)
		c = b
	}
}

func unPaeth3(now, above []byte, step int) {
	var a0, a1, a2, c0, c1, c2 int
	for i := 0; i+3 <= len(now); i += step {
		p, q := now[i:i+3:i+3], above[i:i+3:i+3]
		b0, b1, b2 := int(q[0]), int(q[1]), int(q[2])
		a0 = (int(p[0]) + paeth(a0, b0, c0)) & 255
		a1 = (int(p[1]) + paeth(a1, b1, c1)) & 255
		a2 = (int(p[2]) + paeth(a2, b2, c2)) & 255
		p[0], p[1], p[2] = byte(a0), byte(a1), byte(a2)
		c0, c1, c2 = b0, b1, b2
	}
}

func unPaeth4(now, above []byte, step int) {
	var a0, a1, a2, a3, c0, c1, c2, c3 int
	for i := 0; i+4 <= len(now); i += step {
		p, q := now[i:i+4:i+4], above[i:i+4:i+4]
		b0, b1, b2, b3 := int(q[0]), int(q[1]), int(q[2]), int(q[3])
		a0 = (int(p[0]) + paeth(a0, b0, c0)) & 255
		a1 = (int(p[1]) + paeth(a1, b1, c1)) & 255
		a2 = (int(p[2]) + paeth(a2, b2, c2)) & 255
		a3 = (int(p[3]) + paeth(a3, b3, c3)) & 255
		p[0], p[1], p[2], p[3] = byte(a0), byte(a1), byte(a2), byte(a3)
		c0, c1, c2, c3 = b0, b1, b2, b3
	}
}

// paeth returns which of a (left), b (above) and c (above left) is nearest to
// a + b - c, ties in this order: c if it lies well between the two, otherwise the
// one of them that is farther from c. The test goes through all values.
func paeth(a, b, c int) int {
	t := 3*c - a - b
	lo, hi := min(a, b), max(a, b)
	r := c
	if hi <= t {
		r = lo
	}
	if t <= lo {
		r = hi
	}
	return r
}
