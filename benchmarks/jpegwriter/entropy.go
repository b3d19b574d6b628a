package jpegwriter

import (
	"fmt"
	"math/bits"
)

// Entropy coding (T.81, annexes F and G). A scan is walked twice with the same
// code: once to count symbols, for tables that are made for it, and once to
// write them.

// entropy codes one scan.
type entropy struct {
	out      []byte
	counting bool
	err      error

	acc uint64 // the lowest n bits are not written yet
	n   int

	dc, ac      [4]*table // by place
	scan        Scan
	predictions [4]int // DC of the last block, by component

	// Progressive: blocks whose band has ended and that are not yet told, and
	// the correction bits of their coefficients.
	runs        *table // of the runs: AC, of the only component
	run         int
	corrections []byte
}

// symbol codes s by t.
func (e *entropy) symbol(t *table, s int) {
	switch {
	case s > 255:
		e.fail("a coefficient is too large")
	case e.counting:
		t.uses[s]++
	case t.size[s] == 0:
		e.fail("symbol %#x has no code in the table of annex K", s)
	default:
		e.bits(int(t.code[s]), int(t.size[s]))
	}
}

// fail keeps the first error.
func (e *entropy) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

// bits codes the lowest n bits of v, up to 16.
func (e *entropy) bits(v, n int) {
	if e.counting {
		return
	}
	e.acc = e.acc<<n | uint64(v)&(1<<n-1)
	for e.n += n; e.n >= 8; e.n -= 8 {
		b := byte(e.acc >> (e.n - 8))
		e.out = append(e.out, b)
		if b == 0xff {
			e.out = append(e.out, 0)
		}
	}
}

// value codes the bits of v that its category leaves open.
func (e *entropy) value(v, category int) {
	if v < 0 {
		v--
	}
	e.bits(v, category)
}

// category is the number of bits of v's size (T.81, tables F.1 and F.2).
func category(v int) int { return bits.Len(uint(max(v, -v))) }

// flush ends a stretch of coded data: a run is told, the last byte filled with
// ones, the predictions are forgotten.
func (e *entropy) flush() {
	e.endRun()
	if e.n > 0 {
		e.bits(1<<7-1, 8-e.n)
	}
	e.acc, e.n = 0, 0
	e.predictions = [4]int{}
}

// block codes what the scan says of one block of component i, whose tables are
// in the place slot.
func (e *entropy) block(b *Block, i, slot int, progressive bool) {
	s := e.scan
	switch {
	case !progressive:
		e.dcFirst(b, i, e.dc[slot])
		e.sequentialAC(b, e.ac[slot])
	case s.Ss == 0 && s.Ah == 0:
		e.dcFirst(b, i, e.dc[slot])
	case s.Ss == 0:
		e.bits(int(b[0])>>s.Al&1, 1)
	case s.Ah == 0:
		e.acFirst(b, e.ac[slot])
	default:
		e.acRefine(b, e.ac[slot])
	}
}

func (e *entropy) dcFirst(b *Block, i int, t *table) {
	v := int(b[0]) >> e.scan.Al
	diff := v - e.predictions[i]
	e.predictions[i] = v
	n := category(diff)
	if n > 15 {
		e.fail("a DC difference of %d", diff)
		return
	}
	e.symbol(t, n)
	e.value(diff, n)
}

// coefficient codes a value after a run of zeros.
func (e *entropy) coefficient(t *table, run, v int) {
	n := category(v)
	if n > 15 {
		e.fail("a coefficient of %d", v)
		return
	}
	e.symbol(t, run<<4|n)
	e.value(v, n)
}

func (e *entropy) sequentialAC(b *Block, t *table) {
	run := 0
	for _, at := range zigzag[1:] {
		v := int(b[at])
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			e.symbol(t, 0xf0)
		}
		e.coefficient(t, run, v)
		run = 0
	}
	if run > 0 {
		e.symbol(t, 0)
	}
}

// acFirst codes the first bits of a band (T.81, figure G.3).
func (e *entropy) acFirst(b *Block, t *table) {
	run := 0
	for _, at := range zigzag[e.scan.Ss : e.scan.Se+1] {
		v := shift(int(b[at]), e.scan.Al)
		if v == 0 {
			run++
			continue
		}
		e.endRun()
		for ; run > 15; run -= 16 {
			e.symbol(t, 0xf0)
		}
		e.coefficient(t, run, v)
		run = 0
	}
	if run > 0 {
		e.blockEnds(nil)
	}
}

// acRefine codes one more bit of a band (T.81, figure G.7): newly nonzero
// coefficients as symbols, and for those that were nonzero before a correction
// bit, behind the next symbol.
func (e *entropy) acRefine(b *Block, t *table) {
	var sizes [64]int
	last := 0 // the last newly nonzero coefficient
	for k := e.scan.Ss; k <= e.scan.Se; k++ {
		v := int(b[zigzag[k]])
		sizes[k] = max(v, -v) >> e.scan.Al
		if sizes[k] == 1 {
			last = k
		}
	}
	run := 0
	var pending []byte
	for k := e.scan.Ss; k <= e.scan.Se; k++ {
		if sizes[k] == 0 {
			run++
			continue
		}
		for ; run > 15 && k <= last; run -= 16 {
			e.endRun()
			e.symbol(t, 0xf0)
			pending = e.correct(pending)
		}
		if sizes[k] > 1 {
			pending = append(pending, byte(sizes[k]&1))
			continue
		}
		e.endRun()
		e.symbol(t, run<<4|1)
		e.bits(sign(b[zigzag[k]]), 1)
		pending = e.correct(pending)
		run = 0
	}
	if run > 0 || len(pending) > 0 {
		e.blockEnds(pending)
	}
}

// shift takes n bits off the size of v.
func shift(v, n int) int {
	if v < 0 {
		return -(-v >> n)
	}
	return v >> n
}

// sign is 1 for positive values.
func sign(v int16) int {
	if v < 0 {
		return 0
	}
	return 1
}

// correct writes correction bits and returns the empty list.
func (e *entropy) correct(pending []byte) []byte {
	for _, b := range pending {
		e.bits(int(b), 1)
	}
	return pending[:0]
}

// blockEnds notes that the block has nothing more but correction bits.
func (e *entropy) blockEnds(pending []byte) {
	e.run++
	e.corrections = append(e.corrections, pending...)
	if e.run == 1<<15-1 {
		e.endRun()
	}
}

// endRun tells the blocks that blockEnds noted.
func (e *entropy) endRun() {
	if e.run == 0 {
		return
	}
	n := category(e.run) - 1
	e.symbol(e.runs, n<<4)
	e.bits(e.run, n)
	e.run = 0
	e.corrections = e.correct(e.corrections)
}
