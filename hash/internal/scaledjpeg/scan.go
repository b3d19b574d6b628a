package scaledjpeg

// The scans of a file (ITU-T T.81, B.2.3, F.2 and G.2).
//
// A sequential scan holds all coefficients of its components. Those of luma that the
// scale wants are read, everything else is walked over (block.go).
//
// A progressive file sends the coefficients in several scans: means first, then
// bands of frequencies, first with their upper bits and then bit by bit. Only the
// first scans of the bands that the scale wants are read; all others are jumped
// over, which takes no longer than looking for the next marker. What is then not known
// of a coefficient are its last one or two bits. It is taken to lie in the middle of
// what it can be. A file that keeps more bits than that for later is left to
// image/jpeg, as is one that sends a band twice.

// unreadBits is the number of bits of a coefficient that may be left unread.
const unreadBits = 2

// scanHead is what the header of a scan says.
type scanHead struct {
	n            int
	index        [3]int      // into the components of the frame
	dc, ac       [3]*huffman // of the components of the scan
	from, to     int         // band, in zig-zag order
	before, bits uint        // successive approximation, Ah and Al
}

// scan reads a scan, header and data, which begins at b[at], and returns where it ends.
func (d *Decoder) scan(seg []byte, at int) (end int, err error) {
	s, ok := d.scanHead(seg)
	if !ok {
		return 0, ErrOdd
	}
	r := &d.reader
	r.begin(at)
	switch {
	case d.progressive && !d.follows(&s):
		ok = false
	case d.progressive && !d.wants(&s):
		ok = r.pass()
	case !d.progressive:
		ok = d.sequential(&s)
	case s.from == 0:
		ok = d.means(&s)
	default:
		ok = d.band(&s)
	}
	if r.err != nil {
		return 0, r.err
	}
	if !ok {
		return 0, ErrOdd
	}
	return r.at, nil
}

// scanHead reads a start of scan (T.81, B.2.3).
func (d *Decoder) scanHead(seg []byte) (s scanHead, ok bool) {
	if len(seg) < 6 || d.nComps == 0 {
		return s, false
	}
	s.n = int(seg[0])
	if s.n < 1 || s.n > d.nComps || len(seg) != 4+2*s.n {
		return s, false
	}
	for i := range s.n {
		if !d.scanComponent(&s, i, seg[1+2*i], seg[2+2*i]) {
			return s, false
		}
	}
	s.to = 63
	if !d.progressive {
		return s, true
	}
	end := seg[1+2*s.n:]
	s.from, s.to = int(end[0]), int(end[1])
	s.before, s.bits = uint(end[2]>>4), uint(end[2]&15)
	return s, s.from <= s.to && s.to < 64 && (s.from > 0 || s.to == 0) &&
		(s.from == 0 || s.n == 1) && (s.before == 0 || s.before == s.bits+1)
}

// scanComponent reads the name and the tables of component i of a scan.
func (d *Decoder) scanComponent(s *scanHead, i int, id, tables byte) bool {
	s.index[i] = -1
	for j := range d.nComps {
		if d.comps[j].id == id {
			s.index[i] = j
		}
	}
	for j := range i {
		if s.index[j] == s.index[i] {
			return false
		}
	}
	dc, ac := tables>>4, tables&15
	if s.index[i] < 0 || dc > 3 || ac > 3 || d.baseline && (dc > 1 || ac > 1) {
		return false
	}
	s.dc[i], s.ac[i] = &d.codes[0][dc], &d.codes[1][ac]
	return true
}

// wants reports whether a scan of a progressive file is to be read: the first one of
// means, or of a band of luma that the scale has use for.
func (d *Decoder) wants(s *scanHead) bool {
	return s.before == 0 && (s.from == 0 || s.index[0] == 0 && s.from <= d.last)
}

// follows reports whether a scan of a progressive file goes on where those before it
// ended, in what the scale wants: a first scan comes once, and each that refines it takes
// away one of the bits that are left. Otherwise image/jpeg would see another picture.
func (d *Decoder) follows(s *scanHead) bool {
	for i := range s.n {
		at := s.index[i]
		for k := s.from; k <= min(s.to, d.last) && (at == 0 || k == 0); k++ {
			left := &d.left[at][k]
			if s.before == 0 && *left != unsent || s.before > 0 && *left != uint8(s.before) {
				return false
			}
			*left = uint8(s.bits)
		}
	}
	return true
}

// pass jumps over the data of a scan.
func (r *reader) pass() bool {
	for r.seek() {
		if m := r.src[r.at+1]; m < markerRST0 || m > markerRST7 {
			return true
		}
		r.at += 2
	}
	return false
}

// blockFunc reads one block of component i of a scan, which lies bx blocks from the
// left and by from the top.
type blockFunc func(d *Decoder, s *scanHead, i, bx, by int) bool

// blocks calls f for each block of a scan, in the order of T.81, A.2: unit by unit if
// there are several components, or else row by row without the blocks that only fill
// up units. If the one component has several blocks to a unit, image/jpeg does not
// look for restart markers where T.81 has them, and takes the blocks of chroma that fill
// up units for others; such scans are left to it.
func (d *Decoder) blocks(s *scanHead, f blockFunc) bool {
	if s.n > 1 {
		return d.units(s, f)
	}
	c := &d.comps[s.index[0]]
	if c.h*c.v > 1 && (d.interval > 0 || s.index[0] > 0) {
		return false
	}
	count := 0
	for by := 0; by < c.bh && 8*by < d.height; by++ {
		for bx := 0; bx < c.bw && 8*bx < d.width; bx++ {
			if d.interval > 0 && count == d.interval {
				if count = 0; !d.restart() {
					return false
				}
			}
			count++
			if d.reader.pos > d.reader.limit && !d.reader.more() || !f(d, s, 0, bx, by) {
				return false
			}
		}
	}
	return d.reader.sound()
}

// units is blocks for several components.
func (d *Decoder) units(s *scanHead, f blockFunc) bool {
	count := 0
	for my := range d.unitsY {
		for mx := range d.unitsX {
			if d.interval > 0 && count == d.interval {
				if count = 0; !d.restart() {
					return false
				}
			}
			count++
			for i := range s.n {
				c := &d.comps[s.index[i]]
				for v := range c.v {
					for h := range c.h {
						if d.reader.pos > d.reader.limit && !d.reader.more() || !f(d, s, i, c.h*mx+h, c.v*my+v) {
							return false
						}
					}
				}
			}
		}
	}
	return d.reader.sound()
}

// restart goes on behind a restart marker, which must be the next marker and the one
// whose turn it is.
func (d *Decoder) restart() bool {
	r := &d.reader
	if !r.sound() || !r.seek() || r.src[r.at+1] != markerRST0+d.restarts {
		return false
	}
	d.restarts = (d.restarts + 1) & 7
	r.begin(r.at + 2)
	d.predicted, d.eobRun = [3]int32{}, 0
	return true
}

// begin prepares the tables and the state of a scan that is read.
func (d *Decoder) begin(s *scanHead, dc, ac bool) bool {
	d.predicted, d.eobRun, d.restarts = [3]int32{}, 0, 0
	for i := range s.n {
		if dc && !s.dc[i].prepare() || ac && !s.ac[i].prepare() {
			return false
		}
	}
	return true
}

// sequential reads a scan of a sequential file.
func (d *Decoder) sequential(s *scanHead) bool {
	if !d.begin(s, true, true) {
		return false
	}
	for i := range s.n {
		s.ac[i].prepareWalk(walkBits(len(d.reader.src)), &d.single)
		c := &d.comps[s.index[i]]
		c.seen = true
		c.scaler.set(d.scaleOf(s.index[i]), &d.quant[c.table])
	}
	return d.blocks(s, (*Decoder).sequentialBlock)
}

// walkBits is the width of walking tables that pays for a file of n bytes.
func walkBits(n int) int {
	switch {
	case n < 50_000:
		return 10
	case n < 200_000:
		return 11
	}
	return walkBitsMost
}

// sequentialBlock reads a block and writes its samples.
func (d *Decoder) sequentialBlock(s *scanHead, i, bx, by int) bool {
	at := s.index[i]
	c := &d.comps[at]
	k := c.scaler.scale
	diff, ok := int32(0), false
	if k == 1 {
		diff, ok = d.reader.mean(s.dc[i], s.ac[i])
	} else {
		clear(c.scaler.coefs[:])
		diff, ok = d.reader.low(s.dc[i], s.ac[i], d.last, &c.scaler.place, &c.scaler.coefs)
	}
	d.predicted[at] += diff
	c.scaler.coefs[0] = d.predicted[at]
	p := &d.picture.Luma
	if at > 0 {
		p = &d.picture.Chroma[at-1]
	}
	c.scaler.block(p.Pix[k*(by*p.Stride+bx):], p.Stride)
	return ok
}

// means reads the first scan of means of a progressive file.
func (d *Decoder) means(s *scanHead) bool {
	if s.bits > unreadBits || !d.begin(s, true, false) {
		return false
	}
	for i := range s.n {
		d.comps[s.index[i]].seen = true
	}
	return d.blocks(s, (*Decoder).meansBlock)
}

func (d *Decoder) meansBlock(s *scanHead, i, bx, by int) bool {
	at := s.index[i]
	c := &d.comps[at]
	diff, ok := d.reader.difference(s.dc[i])
	d.predicted[at] += diff
	k := d.scaleOf(at)
	// The bits of a mean are those of two's complement: what is unread is added.
	d.kept[at][k*k*(by*c.bw+bx)] = clip16(int64(d.predicted[at])<<(s.bits+1) + 1<<s.bits - 1)
	return ok
}

func clip16(v int64) int16 { return int16(min(max(v, -1<<15), 1<<15-1)) }

// band reads the first scan of a band of luma.
func (d *Decoder) band(s *scanHead) bool {
	if s.bits > unreadBits || !d.begin(s, false, true) {
		return false
	}
	d.comps[0].scaler.set(d.scale, &d.quant[0]) // for the places; the table is that of the end
	return d.blocks(s, (*Decoder).bandBlock) && d.eobRun == 0
}

func (d *Decoder) bandBlock(s *scanHead, _, bx, by int) bool {
	if d.eobRun > 0 {
		d.eobRun--
		return true
	}
	k := d.scale
	run, ok := d.reader.band(s.ac[0], s.from, s.to, s.bits, &d.comps[0].scaler.place, d.kept[0][k*k*(by*d.comps[0].bw+bx):][:k*k])
	d.eobRun = run
	return ok
}
