package jpegwriter

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The markers (T.81, table B.1).
const (
	markerSOF0  = 0xc0
	markerSOF1  = 0xc1
	markerSOF2  = 0xc2
	markerDHT   = 0xc4
	markerRST0  = 0xd0
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
	markerCOM   = 0xfe
)

// writer writes one file.
type writer struct {
	c      *Coefficients
	o      Options
	out    []byte
	tables [2][4]table // DC and AC, by place
}

// Encode returns the file that o's second and third group describe. It is an
// error if the coefficients do not fit the tables: those of annex K know DC
// differences up to 2,047 and others up to 1,023, made ones up to 32,767.
func (c *Coefficients) Encode(o Options) ([]byte, error) {
	if err := errors.Join(c.check(o), o.check(len(c.Components))); err != nil {
		return nil, err
	}
	scans, err := o.script(len(c.Components))
	if err != nil {
		return nil, err
	}
	w := &writer{c: c, o: o, out: []byte{0xff, markerSOI}}
	w.header()
	if !w.optimise() {
		w.standardTables()
	}
	for i, s := range scans {
		if err := w.scan(s, i == 0); err != nil {
			return nil, fmt.Errorf("jpegwriter: coding scan %d: %w", i, err)
		}
	}
	w.marker(markerEOI)
	return append(w.out, o.Trailing...), nil
}

// check says what of c no file can hold.
func (c *Coefficients) check(o Options) error {
	if c.Width < 1 || c.Height < 1 || c.Width > 65535 || c.Height > 65535 || len(c.Components) < 1 || len(c.Components) > 4 {
		return fmt.Errorf("jpegwriter: %d components of %d x %d", len(c.Components), c.Width, c.Height)
	}
	if len(c.Tables) < 1 || len(c.Tables) > 4 {
		return fmt.Errorf("jpegwriter: %d tables of divisors", len(c.Tables))
	}
	hmax, vmax := c.maxFactors()
	for i := range c.Components {
		p := &c.Components[i]
		across, down := ceil(c.Width, 8*hmax)*p.H, ceil(c.Height, 8*vmax)*p.V
		if p.Stride < across || p.Rows < down || len(p.Blocks) != p.Stride*p.Rows ||
			p.Across > p.Stride || p.Down > p.Rows || p.Table < 0 || p.Table >= len(c.Tables) {
			return fmt.Errorf("jpegwriter: component %d does not fit its picture", i)
		}
	}
	for i, t := range c.Tables {
		for _, q := range t {
			if q == 0 || q > 255 && !o.WideTables {
				return fmt.Errorf("jpegwriter: table %d has a divisor of %d", i, q)
			}
		}
	}
	return nil
}

// optimise says whether tables are made for each scan.
func (w *writer) optimise() bool { return w.o.OptimiseTables || w.o.Progressive }

// slot is the place of the Huffman tables of component i.
func (w *writer) slot(i int) int {
	if w.o.SlotEach {
		return i
	}
	return min(i, 1)
}

func (w *writer) marker(m byte) {
	for range w.o.Fill {
		w.out = append(w.out, 0xff)
	}
	w.out = append(w.out, 0xff, m)
}

func (w *writer) segment(m byte, parts ...[]byte) {
	n := 2
	for _, p := range parts {
		n += len(p)
	}
	w.marker(m)
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(n))
	for _, p := range parts {
		w.out = append(w.out, p...)
	}
}

// segments writes parts as a segment each, or together with JoinTables.
func (w *writer) segments(m byte, parts [][]byte) {
	if w.o.JoinTables && len(parts) > 0 {
		w.segment(m, parts...)
		return
	}
	for _, p := range parts {
		w.segment(m, p)
	}
}

// header writes all up to the first scan but Huffman tables.
func (w *writer) header() {
	if !w.o.NoJFIF {
		w.segment(markerAPP0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"))
	}
	if w.o.Orientation != 0 {
		w.segment(markerAPP1, exif(w.o.Orientation))
	}
	if w.o.Adobe {
		w.segment(markerAPP14, []byte("Adobe\x00\x64\x00\x00\x00\x00"), []byte{w.o.AdobeTransform})
	}
	if w.o.Comment != "" {
		w.segment(markerCOM, []byte(w.o.Comment))
	}
	w.segments(markerDQT, w.divisors())
	w.segment(w.sof(), w.frame())
}

// exif is the body of a segment that says the orientation and nothing else.
func exif(orientation int) []byte {
	b := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08" + "\x00\x01" + "\x01\x12\x00\x03\x00\x00\x00\x01")
	b = binary.BigEndian.AppendUint16(b, uint16(orientation))
	return append(b, 0, 0, 0, 0, 0, 0)
}

// divisors returns the tables that components use, as DQT holds them.
func (w *writer) divisors() (parts [][]byte) {
	for i, t := range w.c.Tables {
		used := false
		for _, p := range w.c.Components {
			used = used || p.Table == i
		}
		if !used {
			continue
		}
		b := []byte{byte(i)}
		if w.o.WideTables {
			b[0] |= 0x10
		}
		for _, at := range zigzag {
			if w.o.WideTables {
				b = append(b, byte(t[at]>>8))
			}
			b = append(b, byte(t[at]))
		}
		parts = append(parts, b)
	}
	return parts
}

func (w *writer) sof() byte {
	switch {
	case w.o.Progressive:
		return markerSOF2
	case w.o.Extended:
		return markerSOF1
	}
	return markerSOF0
}

func (w *writer) frame() []byte {
	b := []byte{8}
	b = binary.BigEndian.AppendUint16(b, uint16(w.c.Height))
	b = binary.BigEndian.AppendUint16(b, uint16(w.c.Width))
	b = append(b, byte(len(w.c.Components)))
	for _, p := range w.c.Components {
		b = append(b, p.ID, byte(p.H<<4|p.V), byte(p.Table))
	}
	return b
}

// standardTables writes the tables of annex K.3 to the places in use.
func (w *writer) standardTables() {
	var parts [][]byte
	slots := 0
	for i := range w.c.Components {
		slots = max(slots, w.slot(i)+1)
	}
	for slot := range slots {
		for class, specs := range annexK3() {
			w.tables[class][slot].assign(specs[min(slot, 1)])
			parts = append(parts, w.huffman(class, slot))
		}
	}
	w.segments(markerDHT, parts)
}

// huffman returns a table as DHT holds it.
func (w *writer) huffman(class, slot int) []byte {
	s := &w.tables[class][slot].spec
	b := append([]byte{byte(class<<4 | slot)}, s.counts[:]...)
	return append(b, s.symbols...)
}

// scan writes the tables of s, if they are made for it, and s. The first scan
// is preceded by the restart interval, which holds for all.
func (w *writer) scan(s Scan, first bool) error {
	if err := w.checkMCU(s); err != nil {
		return err
	}
	if w.optimise() {
		if err := w.countTables(s); err != nil {
			return err
		}
	}
	if first && w.o.RestartInterval > 0 {
		w.segment(markerDRI, binary.BigEndian.AppendUint16(nil, uint16(w.o.RestartInterval)))
	}
	b := []byte{byte(len(s.Components))}
	for _, i := range s.Components {
		b = append(b, w.c.Components[i].ID, w.places(s, w.slot(i)))
	}
	w.segment(markerSOS, b, []byte{byte(s.Ss), byte(s.Se), byte(s.Ah<<4 | s.Al)})
	e := w.entropy(s)
	e.out = w.out
	w.walk(e)
	w.out = e.out
	return e.err
}

// checkMCU says whether the blocks of an MCU are too many (T.81, B.2.3).
func (w *writer) checkMCU(s Scan) error {
	blocks := 0
	for _, i := range s.Components {
		blocks += w.c.Components[i].H * w.c.Components[i].V
	}
	if len(s.Components) > 1 && blocks > 10 {
		return fmt.Errorf("%d blocks in an MCU, at most 10", blocks)
	}
	return nil
}

// places is the places of the DC and the AC table, 0 for one that s does not
// need.
func (w *writer) places(s Scan, slot int) byte {
	if !w.o.Progressive {
		return byte(slot<<4 | slot)
	}
	switch {
	case s.Ss > 0:
		return byte(slot)
	case s.Ah == 0:
		return byte(slot << 4)
	}
	return 0
}

// countTables makes the tables of s and writes them.
func (w *writer) countTables(s Scan) error {
	for class := range w.tables {
		for slot := range w.tables[class] {
			w.tables[class][slot].uses = [257]int{}
		}
	}
	e := w.entropy(s)
	e.counting = true
	w.walk(e)
	if e.err != nil {
		return e.err
	}
	var parts [][]byte
	for slot := range w.tables[0] {
		for class := range w.tables {
			t := &w.tables[class][slot]
			if t.uses == [257]int{} {
				continue
			}
			t.assign(optimal(&t.uses))
			parts = append(parts, w.huffman(class, slot))
		}
	}
	w.segments(markerDHT, parts)
	return nil
}

func (w *writer) entropy(s Scan) *entropy {
	e := &entropy{scan: s}
	for slot := range e.dc {
		e.dc[slot], e.ac[slot] = &w.tables[0][slot], &w.tables[1][slot]
	}
	e.runs = e.ac[w.slot(s.Components[0])]
	return e
}

// walk codes all blocks of e's scan in their order (T.81, annex A.2).
func (w *writer) walk(e *entropy) {
	if len(e.scan.Components) == 1 {
		w.walkOne(e, e.scan.Components[0])
	} else {
		w.walkTogether(e)
	}
	e.flush()
}

// walkOne codes a component alone: row by row, without padding blocks.
func (w *writer) walkOne(e *entropy, i int) {
	p, slot := &w.c.Components[i], w.slot(i)
	for n := range p.Across * p.Down {
		w.restart(e, n)
		e.block(p.At(n%p.Across, n/p.Across), i, slot, w.o.Progressive)
	}
}

// walkTogether codes the MCUs of several components.
func (w *writer) walkTogether(e *entropy) {
	hmax, vmax := w.c.maxFactors()
	across, down := ceil(w.c.Width, 8*hmax), ceil(w.c.Height, 8*vmax)
	for n := range across * down {
		w.restart(e, n)
		for _, i := range e.scan.Components {
			p, slot := &w.c.Components[i], w.slot(i)
			for k := range p.H * p.V {
				e.block(p.At(n%across*p.H+k%p.H, n/across*p.V+k/p.H), i, slot, w.o.Progressive)
			}
		}
	}
}

// restart writes the marker before MCU n if one belongs there.
func (w *writer) restart(e *entropy, n int) {
	if w.o.RestartInterval == 0 || n == 0 || n%w.o.RestartInterval != 0 {
		return
	}
	e.flush()
	if e.counting {
		return
	}
	for range w.o.Fill {
		e.out = append(e.out, 0xff)
	}
	e.out = append(e.out, 0xff, markerRST0+byte((n/w.o.RestartInterval-1)%8))
}
