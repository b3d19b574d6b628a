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
	if !ok || d.detail != nil && (d.progressive || s.n < d.nComps || d.comps[0].seen) {
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
			if s.before == 0 {
				d.unread[at][k] = uint8(s.bits)
			}
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

// job is what is done with the blocks of a component.
type job uint8

const (
	walkMeans job = iota // sequential: the mean, and walk over the rest
	readLow              // sequential: the low coefficients, and walk over the rest
	keepMeans            // progressive: the mean, which is kept
	drawMeans            // progressive: the mean, which is all that is wanted
)

// lane is a component of the scan that is read.
type lane struct {
	job       job
	bits      uint // of a mean that are not read
	dc, ac    *huffman
	h, v      int // blocks of a unit
	predicted int32
	step      int64 // of the mean, for job walkMeans and drawMeans
	scaler    *scaler
	quant     *[64]uint16
	pix       []int16 // samples, or what is kept
	stride    int     // of pix, for a row of blocks
	row       int     // of pix, for a row of samples
	side      int     // of a block, samples; of what is kept, all of them
	place     int     // in pix, of the unit that is read
}

// lane prepares component i of a scan.
func (d *Decoder) lane(s *scanHead, i int) {
	at := s.index[i]
	c, k := &d.comps[at], d.scaleOf(at)
	p := &d.picture.Luma
	if at > 0 {
		p = &d.picture.Chroma[at-1]
	}
	c.seen = true
	l := &d.lanes[i]
	*l = lane{dc: s.dc[i], ac: s.ac[i], h: c.h, v: c.v, bits: s.bits, scaler: &c.scaler, quant: &d.quant[c.table],
		step: int64(d.quant[c.table][0]) << Fraction / 8, pix: p.Pix, stride: k * p.Stride, row: p.Stride, side: k}
	switch {
	case d.progressive && k == 1:
		l.job, l.step = drawMeans, int64(d.quant[c.table][0])
	case d.progressive:
		l.job, l.pix, l.stride, l.side = keepMeans, d.kept, k*k*c.bw, k*k
	case k == 1:
		l.job = walkMeans
	default:
		l.job = readLow
		c.scaler.set(k, &d.quant[c.table])
	}
}

// block reads a block of a lane, whose place in pix is at.
func (d *Decoder) block(l *lane, at int) bool {
	r := &d.reader
	if r.pos > r.limit && !r.more() {
		return false
	}
	switch l.job {
	case walkMeans:
		diff, ok := r.mean(l.dc, l.ac)
		l.place = at
		l.put(0, diff)
		return ok
	case readLow:
		c := &l.scaler.coefs
		if l.side == 2 {
			ok := r.quarter(l.dc, l.ac, c)
			l.predicted += c[0]
			c[0] = l.predicted
			l.scaler.block2(l.pix[at:], l.row)
			return ok
		}
		clear(c[:unwanted])
		diff, ok := r.low(l.dc, l.ac, d.last, &l.scaler.place, c)
		l.predicted += diff
		c[0] = l.predicted
		l.scaler.block(l.pix[at:], l.row)
		return ok
	}
	diff, ok := r.difference(l.dc)
	l.predicted += diff
	// The bits of a mean are those of two's complement: what is unread is added.
	halves := int64(l.predicted)<<(l.bits+1) + 1<<l.bits - 1
	if l.job == drawMeans {
		halves = halves*l.step + 128<<Fraction
	}
	l.pix[at] = clip16(halves)
	return ok
}

// blocks reads the blocks of a scan, in the order of T.81, A.2: unit by unit if
// there are several components, or else row by row without the blocks that only fill
// up units. If the one component has several blocks to a unit, image/jpeg does not
// look for restart markers where T.81 has them, and takes the blocks of chroma that fill
// up units for others; such scans are left to it.
func (d *Decoder) blocks(s *scanHead) bool {
	for i := range s.n {
		d.lane(s, i)
	}
	if s.n > 1 {
		return d.units(s)
	}
	c := &d.comps[s.index[0]]
	if c.h*c.v > 1 && (d.interval > 0 || s.index[0] > 0) {
		return false
	}
	l, left := &d.lanes[0], d.interval
	for by := range min(c.bh, ceilDiv(d.height, 8)) {
		for bx := range min(c.bw, ceilDiv(d.width, 8)) {
			if !d.turn(&left) || !d.single(l, bx, by) {
				return false
			}
		}
	}
	return d.reader.sound()
}

// single reads a block of a scan of one component.
func (d *Decoder) single(l *lane, bx, by int) bool {
	at := by*l.stride + bx*l.side
	if d.nComps > 1 || !d.wanted(bx, by) {
		return d.block(l, at)
	}
	if !d.whole(0, at, 0, 0) {
		return false
	}
	d.detail.Take(&d.unit.Unit)
	return true
}

// units is blocks for several components.
func (d *Decoder) units(s *scanHead) bool {
	left := d.interval
	lanes, steps := d.lanes[:s.n], d.steps(s.n)
	for my := range d.unitsY {
		for mx := range d.unitsX {
			if !d.turn(&left) {
				return false
			}
			whole := s.n == d.nComps && d.wanted(mx, my)
			if len(steps) > 0 && !whole {
				for i := range lanes {
					l := &lanes[i]
					l.place = l.v*my*l.stride + l.h*mx*l.side
				}
				if d.reader.pos > d.reader.limit && !d.reader.more() || !d.reader.unitOfMeans(steps) {
					return false
				}
				continue
			}
			for i := range lanes {
				if !d.unitOf(i, mx, my, whole) {
					return false
				}
			}
			if whole {
				d.detail.Take(&d.unit.Unit)
			}
		}
	}
	return d.reader.sound()
}

// steps lists the blocks of a unit if of all lanes only the means are wanted.
func (d *Decoder) steps(n int) []step {
	steps := d.unitSteps[:0]
	for i := range n {
		l := &d.lanes[i]
		if l.job != walkMeans {
			return nil
		}
		for v := range l.v {
			for h := range l.h {
				steps = append(steps, step{l.dc, l.ac, l, v*l.stride + h*l.side})
			}
		}
	}
	return steps
}

// unitOf reads the blocks of lane i in a unit.
func (d *Decoder) unitOf(i, mx, my int, whole bool) bool {
	l := &d.lanes[i]
	at := l.v*my*l.stride + l.h*mx*l.side
	for v := range l.v {
		for h := range l.h {
			ok := false
			if whole {
				ok = d.whole(i, at+h*l.side, h, v)
			} else {
				ok = d.block(l, at+h*l.side)
			}
			if !ok {
				return false
			}
		}
		at += l.stride
	}
	return true
}

// turn counts the units that are left to the next restart marker and goes on behind it.
func (d *Decoder) turn(left *int) bool {
	if d.interval == 0 {
		return true
	}
	if *left == 0 {
		*left = d.interval
		if !d.restart() {
			return false
		}
	}
	*left--
	return true
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
	d.eobRun = 0
	for i := range d.lanes {
		d.lanes[i].predicted = 0
	}
	return true
}

// begin prepares the tables and the state of a scan that is read.
func (d *Decoder) begin(s *scanHead, dc, ac bool) bool {
	d.eobRun, d.restarts = 0, 0
	for i := range s.n {
		if dc && !s.dc[i].prepare(0) || ac && !s.ac[i].prepare(1) {
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
		s.ac[i].prepareWalk(&d.strides)
	}
	return d.blocks(s)
}

// means reads the first scan of means of a progressive file.
func (d *Decoder) means(s *scanHead) bool {
	return s.bits <= unreadBits && d.begin(s, true, false) && d.blocks(s)
}

// band reads the first scan of a band of luma.
func (d *Decoder) band(s *scanHead) bool {
	y := &d.comps[0]
	if s.bits > unreadBits || d.interval > 0 && y.h*y.v > 1 || !d.begin(s, false, true) {
		return false
	}
	y.scaler.set(d.scale, &d.quant[y.table])
	left := d.interval
	for by := range ceilDiv(d.height, 8) {
		if !d.bandRow(s, by, &left) {
			return false
		}
	}
	return d.eobRun == 0 && d.reader.sound()
}

// bandRow reads a band of a row of blocks.
func (d *Decoder) bandRow(s *scanHead, by int, left *int) bool {
	r, size := &d.reader, d.scale*d.scale
	row := d.kept[by*d.comps[0].bw*size:]
	for bx := 0; bx < ceilDiv(d.width, 8); bx++ {
		if !d.turn(left) {
			return false
		}
		if d.eobRun > 0 {
			d.eobRun--
			continue
		}
		if r.pos > r.limit && !r.more() {
			return false
		}
		run, ok := r.band(s.ac[0], s.from, s.to, s.bits, &d.comps[0].scaler.place, row[bx*size:][:size])
		if !ok {
			return false
		}
		d.eobRun = run
	}
	return true
}
