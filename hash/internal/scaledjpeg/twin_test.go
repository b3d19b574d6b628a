package scaledjpeg

import "math"

// The slow twin of the decoder: a reading of ITU-T T.81 that is as plain as it can be.
// It takes the bits one by one, finds each code as figure F.16 does, keeps every
// coefficient of every block in float64, and makes samples by summing up cosines. It
// shares no code with the decoder.
//
// It says of every file whether the decoder is to read it: refusal names why not. So
// the decoder can be held to it in both directions.

// refusal is why a file is left to image/jpeg.
type refusal string

// What image/jpeg lets pass. Each of these is in the list of the package comment, or is
// damage that image/jpeg overlooks.
const (
	fourComponents  refusal = "four components"
	codedRGB        refusal = "planes are RGB"
	emptyPicture    refusal = "no pixels"
	manySamples     refusal = "more than ten blocks to a unit"
	missingPlane    refusal = "a component without a scan"
	overSubscribed  refusal = "not a prefix code"
	runOfBlocks     refusal = "run of blocks in a sequential scan"
	beyondBand      refusal = "coefficient beyond the band"
	runBeyondScan   refusal = "run of blocks beyond the scan"
	manyUnreadBits  refusal = "more than two bits left for later"
	stray           refusal = "bits that are not the next"
	aloneSubsampled refusal = "a scan of one component with several blocks to a unit"
	lateTable       refusal = "a divisor table after the first scan of a progressive file"
	missingCode     refusal = "no table of codes"
	missingTable    refusal = "a divisor table of which only the name is there"
	otherRestart    refusal = "not the restart marker whose turn it is"
)

// tooLarge is no fault of the file: the caller of the twin wants no more pixels.
const tooLarge refusal = "larger than asked for"

// twin is a file as T.81 has it.
type twin struct {
	width, height int
	progressive   bool
	comps         []twinComponent
	scans, passed int // all, and those that were jumped over

	last     int // the last coefficient of luma that is wanted
	pixels   int // the most that are wanted of a plane, with those that fill up units
	baseline bool
	jfif     bool
	adobe    int // the transform that an Adobe segment names, or -1
	interval int
	tables   [4][64]float64
	codes    [2][4]*twinCode
}

// twinComponent is a component; its blocks are those of whole units.
type twinComponent struct {
	id            byte
	h, v, table   int
	across, down  int
	blocks        [][64]float64 // quantised coefficients, row by row of frequencies
	quant         [64]float64   // in zig-zag order
	seen          bool
	lowest        [64]int // progressive: the lowest bit that was sent, or unsentBits
	width, height int     // in samples (T.81, A.1.1)
}

const unsentBits = -1

// twinCode is a Huffman code (T.81, annex C and F.2.2.3).
type twinCode struct {
	least, most, first [17]int // most is -1 where no code is that long
	symbols            []byte
}

// zigzagOrder is figure A.6 of T.81: row by row of frequencies, the place in the
// order. It is read the other way round, so it is not what the decoder computes.
var zigzagOrder = [64]int{
	0, 1, 5, 6, 14, 15, 27, 28,
	2, 4, 7, 13, 16, 26, 29, 42,
	3, 8, 12, 17, 25, 30, 41, 43,
	9, 11, 18, 24, 31, 40, 44, 53,
	10, 19, 23, 32, 39, 45, 52, 54,
	20, 22, 33, 38, 46, 51, 55, 60,
	21, 34, 37, 47, 50, 56, 59, 61,
	35, 36, 48, 49, 57, 58, 62, 63,
}

// natural leads from the place in the zig-zag order to v*8+u.
var natural = func() (n [64]int) {
	for at, place := range zigzagOrder {
		n[place] = at
	}
	return n
}()

// readTwin reads a file of at most so many pixels for a scale.
func readTwin(b []byte, scale, pixels int) (t *twin, why refusal) {
	t = &twin{adobe: -1, pixels: pixels}
	// Of the zig-zag order a scale needs what holds frequencies below it.
	for v := range scale {
		for u := range scale {
			t.last = max(t.last, zigzagOrder[8*v+u])
		}
	}
	defer func() {
		if r := recover(); r != nil {
			var ok bool
			if why, ok = r.(refusal); !ok {
				panic(r)
			}
		}
	}()
	t.file(b)
	return t, ""
}

func refuse(why refusal) { panic(why) }

func refuseIf(is bool, why refusal) {
	if is {
		refuse(why)
	}
}

// file reads segment by segment (T.81, B.1.1), and passes over stray bytes.
func (t *twin) file(b []byte) {
	refuseIf(len(b) < 2 || b[0] != 0xff || b[1] != 0xd8, "no start")
	for at := 2; ; {
		refuseIf(at+1 >= len(b), "no end")
		if b[at] != 0xff || b[at+1] == 0 {
			at++
			continue
		}
		for at++; at < len(b) && b[at] == 0xff; at++ {
		}
		refuseIf(at >= len(b), "no end")
		marker := b[at]
		at++
		switch {
		case marker == 0xd9:
			t.end()
			return
		case marker >= 0xd0 && marker <= 0xd7:
			continue
		}
		refuseIf(at+2 > len(b), "no length")
		n := int(b[at])<<8 | int(b[at+1])
		refuseIf(n < 2 || at+n > len(b), "length")
		segment := b[at+2 : at+n]
		at += n
		if marker == 0xda {
			t.scans++
			at = t.scan(segment, b, at)
		} else {
			t.segment(marker, segment)
		}
	}
}

func (t *twin) segment(marker byte, s []byte) {
	switch {
	case marker == 0xc0 || marker == 0xc1 || marker == 0xc2:
		t.frame(marker, s)
	case marker == 0xc4:
		for len(s) > 0 {
			s = s[t.huffman(s):]
		}
	case marker == 0xdb:
		refuseIf(t.progressive && t.scans > 0, lateTable)
		for len(s) > 0 {
			s = s[t.quantisation(s):]
		}
	case marker == 0xdd:
		refuseIf(len(s) != 2, "restart interval")
		t.interval = int(s[0])<<8 | int(s[1])
	case marker == 0xe0 && len(s) >= 5:
		t.jfif = string(s[:5]) == "JFIF\x00"
	case marker == 0xee && len(s) >= 12 && string(s[:5]) == "Adobe":
		t.adobe = int(s[11])
	default:
		refuseIf(marker != 0xfe && marker>>4 != 0xe, "marker")
	}
}

// frame is B.2.2 with the samplings that image/jpeg knows.
func (t *twin) frame(marker byte, s []byte) {
	refuseIf(t.comps != nil, "second frame")
	refuseIf(len(s) < 6 || s[0] != 8 || len(s) != 6+3*int(s[5]), "frame")
	refuseIf(s[5] == 4, fourComponents)
	refuseIf(s[5] != 1 && s[5] != 3, "number of components")
	t.baseline, t.progressive = marker == 0xc0, marker == 0xc2
	t.height, t.width = int(s[1])<<8|int(s[2]), int(s[3])<<8|int(s[4])
	for c := s[6:]; len(c) > 0; c = c[3:] {
		for _, o := range t.comps {
			refuseIf(o.id == c[0], "identifier")
		}
		t.comps = append(t.comps, twinComponent{id: c[0], h: int(c[1] >> 4), v: int(c[1] & 15), table: int(c[2])})
		refuseIf(c[2] > 3, "table")
	}
	t.sampling()
	refuseIf(t.width == 0 || t.height == 0, emptyPicture)
	// Luma has the largest factors, see sampling.
	hMax, vMax := t.comps[0].h, t.comps[0].v
	for i := range t.comps {
		c := &t.comps[i]
		c.width, c.height = up(t.width*c.h, hMax), up(t.height*c.v, vMax)
		c.across, c.down = up(t.width, 8*hMax)*c.h, up(t.height, 8*vMax)*c.v
		refuseIf(c.across*c.down*64 > t.pixels, tooLarge)
		c.blocks = make([][64]float64, c.across*c.down)
		for k := range c.lowest {
			c.lowest[k] = unsentBits
		}
	}
}

func (t *twin) sampling() {
	sum := 0
	for i, c := range t.comps {
		refuseIf(c.h != 1 && c.h != 2 && c.h != 4, "sampling")
		refuseIf(c.v != 1 && c.v != 2 && c.v != 4, "sampling")
		sum += c.h * c.v
		if i > 0 {
			y, cb := t.comps[0], t.comps[1]
			refuseIf(y.v == 4 || y.h%c.h != 0 || y.v%c.v != 0 || c.h != cb.h || c.v != cb.v, "sampling")
		}
	}
	if len(t.comps) == 1 { // A.2.2: the blocks of one component lie row by row
		t.comps[0].h, t.comps[0].v, sum = 1, 1, 1
	}
	refuseIf(sum > 10, manySamples)
}

func up(a, b int) int {
	n := a / b
	if n*b < a {
		n++
	}
	return n
}

// huffman reads one table of B.2.4.2 and returns its length.
func (t *twin) huffman(s []byte) int {
	refuseIf(len(s) < 17, "table")
	class, slot := s[0]>>4, s[0]&15
	refuseIf(class > 1 || slot > 3 || t.baseline && slot > 1, "table")
	c := &twinCode{}
	code, n := 0, 0
	for size := 1; size <= 16; size++ {
		count := int(s[size])
		c.least[size], c.most[size], c.first[size] = code, code+count-1, n
		code, n = code+count, n+count
		refuseIf(code > 1<<size, overSubscribed)
		if count == 0 {
			c.most[size] = -1
		}
		code *= 2
	}
	refuseIf(n == 0 || n > 256 || len(s) < 17+n, "table")
	c.symbols = s[17 : 17+n]
	t.codes[class][slot] = c
	return 17 + n
}

// quantisation reads one table of B.2.4.1 and returns its length.
func (t *twin) quantisation(s []byte) int {
	wide, slot := int(s[0]>>4), s[0]&15
	n := 1 + 64*(1+wide)
	refuseIf(wide > 1 || slot > 3, "table")
	refuseIf(len(s) == 1, missingTable)
	refuseIf(len(s) < n, "table")
	for k := range 64 {
		if wide == 0 {
			t.tables[slot][k] = float64(s[1+k])
		} else {
			t.tables[slot][k] = float64(int(s[1+2*k])<<8 | int(s[2+2*k]))
		}
	}
	return n
}

// end is the end of the file: all components must have come.
func (t *twin) end() {
	refuseIf(t.comps == nil, "no frame")
	for i := range t.comps {
		c := &t.comps[i]
		refuseIf(!c.seen, missingPlane)
		if t.progressive {
			c.quant = t.tables[c.table]
		}
	}
	if len(t.comps) == 3 && !t.jfif {
		ids := string([]byte{t.comps[0].id, t.comps[1].id, t.comps[2].id})
		refuseIf(t.adobe == 0 || ids == "RGB", codedRGB)
	}
}

// twinScan is a scan: its header, and how far its data is read.
type twinScan struct {
	*twin
	comps    []*twinComponent
	dc, ac   []*twinCode
	from, to int
	ah, al   int

	b       []byte
	at      int
	current byte // bits left of a byte, from the top
	left    int
	before  [3]float64 // the predictions
	run     int        // blocks of a run that are left
}

// scan reads a scan whose data begins at b[at], and returns where it ends.
func (t *twin) scan(head, b []byte, at int) int {
	s := t.scanHead(head)
	s.b, s.at = b, at
	s.follow()
	if t.progressive && !s.wanted() {
		t.passed++
		for {
			refuseIf(s.at+1 >= len(b), "no end")
			if b[s.at] == 0xff && b[s.at+1] != 0xff && b[s.at+1] != 0 && b[s.at+1]>>3 != 0xd0>>3 {
				return s.at
			}
			s.at++
		}
	}
	s.begin()
	s.units()
	refuseIf(s.run > 0, runBeyondScan)
	return s.at
}

// scanHead is B.2.3.
func (t *twin) scanHead(head []byte) *twinScan {
	s := &twinScan{twin: t, to: 63}
	refuseIf(len(head) < 1 || head[0] < 1 || int(head[0]) > len(t.comps) || len(head) != 4+2*int(head[0]), "scan")
	n := int(head[0])
	for i := range n {
		at := -1
		for j := range t.comps {
			if t.comps[j].id == head[1+2*i] {
				at = j
			}
		}
		refuseIf(at < 0, "scan")
		for _, c := range s.comps {
			refuseIf(c == &t.comps[at], "scan")
		}
		dc, ac := head[2+2*i]>>4, head[2+2*i]&15
		refuseIf(dc > 3 || ac > 3 || t.baseline && (dc > 1 || ac > 1), "scan")
		s.comps, s.dc, s.ac = append(s.comps, &t.comps[at]), append(s.dc, t.codes[0][dc]), append(s.ac, t.codes[1][ac])
	}
	if t.progressive {
		end := head[1+2*n:]
		s.from, s.to, s.ah, s.al = int(end[0]), int(end[1]), int(end[2]>>4), int(end[2]&15)
		refuseIf(s.from > s.to || s.to > 63 || s.from == 0 && s.to > 0 || s.from > 0 && n > 1, "band")
		refuseIf(s.ah > 0 && s.ah != s.al+1, "bits")
	}
	return s
}

// wanted reports whether a scan of a progressive file tells something that the scale
// needs: means, or coefficients of luma up to the last one, for the first time.
func (s *twinScan) wanted() bool {
	return s.ah == 0 && (s.from == 0 || s.comps[0] == &s.twin.comps[0] && s.from <= s.last)
}

// follow checks the order of scans (G.1.1.1) as far as the scale needs them: a
// coefficient is sent once, and then refined bit by bit.
func (s *twinScan) follow() {
	if !s.progressive {
		return
	}
	for _, c := range s.comps {
		last := 0 // of chroma nothing else is wanted
		if c == &s.twin.comps[0] {
			last = s.last
		}
		for k := s.from; k <= s.to && k <= last; k++ {
			refuseIf(s.ah == 0 && c.lowest[k] != unsentBits || s.ah > 0 && c.lowest[k] != s.ah, stray)
			c.lowest[k] = s.al
		}
	}
}

// begin takes the tables of a scan that is read.
func (s *twinScan) begin() {
	refuseIf(s.progressive && s.al > 2, manyUnreadBits)
	for i, c := range s.comps {
		refuseIf(s.from == 0 && s.dc[i] == nil || s.to > 0 && s.ac[i] == nil, missingCode)
		c.quant = s.tables[c.table]
		c.seen = c.seen || s.from == 0
	}
}

// units reads the blocks in the order of A.2.
func (s *twinScan) units() {
	across, down := 0, 0
	one := s.comps[0]
	if len(s.comps) == 1 {
		refuseIf(one.h*one.v > 1 && (s.interval > 0 || one != &s.twin.comps[0]), aloneSubsampled)
		across, down = up(one.width, 8), up(one.height, 8)
	} else {
		across, down = one.across/one.h, one.down/one.v
	}
	next := byte(0xd0)
	for unit := range across * down {
		if s.interval > 0 && unit > 0 && unit%s.interval == 0 {
			s.restart(next)
			next = 0xd0 | (next+1)&7
		}
		x, y := unit%across, unit/across
		if len(s.comps) == 1 {
			s.block(0, &one.blocks[y*one.across+x])
			continue
		}
		for i, c := range s.comps {
			for v := range c.v {
				for h := range c.h {
					s.block(i, &c.blocks[(y*c.v+v)*c.across+x*c.h+h])
				}
			}
		}
	}
}

// restart passes over what stands before the restart marker.
func (s *twinScan) restart(want byte) {
	for ; ; s.at++ {
		refuseIf(s.at+1 >= len(s.b), "no restart marker")
		if m := s.b[s.at+1]; s.b[s.at] == 0xff && m != 0 && m != 0xff {
			refuseIf(m != want, otherRestart)
			break
		}
	}
	s.at += 2
	s.left, s.run, s.before = 0, 0, [3]float64{}
}

// bit is F.18 NEXTBIT: a byte 0xFF counts if a zero byte follows, which does not.
func (s *twinScan) bit() int {
	if s.left == 0 {
		refuseIf(s.at >= len(s.b), "no more data")
		s.current, s.left = s.b[s.at], 8
		s.at++
		if s.current == 0xff {
			refuseIf(s.at >= len(s.b) || s.b[s.at] != 0, "no more data")
			s.at++
		}
	}
	bit := int(s.current >> 7)
	s.current <<= 1
	s.left--
	return bit
}

// symbol is F.16 DECODE.
func (s *twinScan) symbol(c *twinCode) int {
	code := 0
	for size := 1; size <= 16; size++ {
		code = 2*code + s.bit()
		if code <= c.most[size] {
			return int(c.symbols[c.first[size]+code-c.least[size]])
		}
	}
	refuse("no code")
	return 0
}

// bits is F.17 RECEIVE.
func (s *twinScan) bits(n int) (v int) {
	for range n {
		v = 2*v + s.bit()
	}
	return v
}

// value is RECEIVE and F.12 EXTEND.
func (s *twinScan) value(n int) float64 {
	v := s.bits(n)
	if n > 0 && v < 1<<(n-1) {
		v += 1 - 1<<n
	}
	return float64(v)
}

// block reads what a scan says of a block of its component i.
func (s *twinScan) block(i int, b *[64]float64) {
	if !s.progressive {
		*b = [64]float64{} // a later scan replaces an earlier one
	}
	unread := float64(int(1)<<s.al-1) / 2 // the middle of what is not read
	if s.from == 0 {
		size := s.symbol(s.dc[i])
		refuseIf(size > 16, "size")
		s.before[i] += s.value(size)
		b[0] = s.before[i]*float64(int(1)<<s.al) + unread
	}
	if s.run > 0 {
		s.run--
		return
	}
	k := max(1, s.from)
	for k <= s.to {
		zeros, size := 0, s.symbol(s.ac[i])
		zeros, size = size>>4, size&15
		if size == 0 && zeros < 15 {
			refuseIf(!s.progressive && zeros > 0, runOfBlocks)
			s.run = 1<<zeros + s.bits(zeros) - 1
			return
		}
		k += zeros
		if size > 0 {
			refuseIf(k > s.to, beyondBand)
			v := s.value(size)
			b[natural[k]] = v*float64(int(1)<<s.al) + math.Copysign(unread, v)
		}
		k++
	}
	refuseIf(!s.progressive && k > 64, beyondBand)
}

// cosineMeansOf is M[x][u], the mean of cosine u over sample x of k. Each pixel is
// cut in k, so that each sample is the sum of eight whole parts.
func cosineMeansOf(k int) (m [4][4]float64) {
	for x := range k {
		for u := range k {
			norm := 1.0 / 2
			if u == 0 {
				norm = 1 / math.Sqrt(8)
			}
			for part := 8 * x; part < 8*x+8; part++ {
				pixel := part / k
				m[x][u] += norm * math.Cos(float64(2*pixel+1)*float64(u)*math.Pi/16) / 8
			}
		}
	}
	return m
}

// plane returns the samples of a component at scale k, and beside each the sum of
// the magnitudes that made it.
func (t *twin) plane(i, k int) (w, h int, samples, weights []float64) {
	c := &t.comps[i]
	// A block has k x k samples, a picture those that begin inside it.
	w, h = up(t.width*k*c.h, 8*t.comps[0].h), up(t.height*k*c.v, 8*t.comps[0].v)
	m := cosineMeansOf(k)
	samples, weights = make([]float64, w*h), make([]float64, w*h)
	for y := range h {
		for x := range w {
			b := &c.blocks[y/k*c.across+x/k]
			sum, weight := 128.0, 0.0
			for v := range k {
				for u := range k {
					term := b[8*v+u] * c.quant[zigzagOrder[8*v+u]] * m[y%k][v] * m[x%k][u]
					sum, weight = sum+term, weight+math.Abs(term)
				}
			}
			samples[y*w+x], weights[y*w+x] = sum, weight
		}
	}
	return w, h, samples, weights
}

// tame reports whether no coefficient is larger than 16-bit coefficients in half
// units can hold; what is larger stands in no picture and is clipped.
func (t *twin) tame() bool {
	for i := range t.comps {
		for j := range t.comps[i].blocks {
			for _, c := range t.comps[i].blocks[j] {
				if math.Abs(c) > 16383 {
					return false
				}
			}
		}
	}
	return true
}
