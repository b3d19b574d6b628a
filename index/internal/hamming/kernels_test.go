package hamming

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// codes256 is what the kernels are tried on: the same codes in each of their
// forms, and the queries.
type codes256 struct {
	all    []Half // all first halves, whatever a begins with
	a, b   []Half
	rows   []Row
	words  []uint64
	blocks []*Half
	ids    []uint32
	q      [Lanes]Row
	limits [Lanes]int
}

func newCodes(rows []Row, ids []uint32, q [Lanes]Row, limits [Lanes]int) *codes256 {
	c := &codes256{rows: rows, ids: ids, q: q, limits: limits}
	for _, r := range rows {
		c.a = append(c.a, Half(r[:2]))
		c.b = append(c.b, Half(r[2:]))
		c.words = append(c.words, r[0])
	}
	c.all = c.a
	for block := range slices.Chunk(c.a, BlockSize) {
		c.blocks = append(c.blocks, &slices.Clone(block)[0])
	}
	return c
}

// from is c without its first n codes, so that they are aligned otherwise.
// The blocks stay what they are.
func (c *codes256) from(n int) *codes256 {
	d := *c
	n = min(n, len(c.rows))
	d.a, d.b, d.rows, d.words = c.a[n:], c.b[n:], c.rows[n:], c.words[n:]
	d.ids = c.ids[min(n, len(c.ids)):]
	return &d
}

// ones counts the bits in which the words differ, one by one.
func ones(a, b []uint64) (n int) {
	for w := range a {
		for x := a[w] ^ b[w]; x != 0; x &= x - 1 {
			n++
		}
	}
	return n
}

// positions returns the positions below n whose distance to the first query is
// within its limit.
func (c *codes256) positions(n int, distance func(i int, q *Row) int) []uint32 {
	found := []uint32{7}
	for i := range n {
		if distance(i, &c.q[0]) <= c.limits[0] {
			found = append(found, uint32(i))
		}
	}
	return found
}

// pairs is positions for all queries.
func (c *codes256) pairs(n int, distance func(i int, q *Row) int) []Pair {
	found := []Pair{{7, 7}}
	for i := range n {
		near := uint32(0)
		for j := range c.q {
			if distance(i, &c.q[j]) <= c.limits[j] {
				near |= 1 << j
			}
		}
		if near != 0 {
			found = append(found, Pair{uint32(i), near})
		}
	}
	return found
}

// answers are the finds of every kernel. They are appended to something, which
// must stay.
type answers struct {
	halves, codes, words, at   []uint32
	halvesOf8, codesOf8, rows8 []Pair
}

func (c *codes256) ask(l Level) answers {
	var halves [Lanes]Half
	for j := range halves {
		halves[j] = Half(c.q[j][:2])
	}
	one, many := []uint32{7}, []Pair{{7, 7}}
	return answers{
		halves:    l.Halves(slices.Clip(one), c.a, halves[0], c.limits[0]),
		codes:     l.Codes(slices.Clip(one), c.a, c.b, c.q[0], c.limits[0]),
		words:     l.Words(slices.Clip(one), c.words, c.q[0][0], c.limits[0]),
		at:        l.At(slices.Clip(one), c.blocks, c.ids, halves[0], c.limits[0]),
		halvesOf8: l.HalvesOf8(slices.Clip(many), c.a, &halves, &c.limits),
		codesOf8:  l.CodesOf8(slices.Clip(many), c.a, c.b, &c.q, &c.limits),
		rows8:     l.RowsOf8(slices.Clip(many), c.rows, &c.q, &c.limits),
	}
}

// slow is what ask should return.
func (c *codes256) slow() answers {
	half := func(i int, q *Row) int { return ones(c.a[i][:], q[:2]) }
	word := func(i int, q *Row) int { return ones(c.words[i:i+1], q[:1]) }
	code := func(i int, q *Row) int { return ones(c.rows[i][:], q[:]) }
	return answers{
		halves: c.positions(len(c.a), half),
		codes:  c.positions(len(c.a), code),
		words:  c.positions(len(c.words), word),
		at: c.positions(len(c.ids), func(i int, q *Row) int {
			return ones(c.all[c.ids[i]][:], q[:2])
		}),
		halvesOf8: c.pairs(len(c.a), half),
		codesOf8:  c.pairs(len(c.a), code),
		rows8:     c.pairs(len(c.rows), code),
	}
}

func (got answers) equal(t testing.TB, name string, want answers) {
	t.Helper()
	one := func(kernel string, got, want []uint32) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s: %d finds, want %d; first difference: %s", name, kernel, len(got)-1, len(want)-1, differ(got, want))
		}
	}
	many := func(kernel string, got, want []Pair) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s: %d finds, want %d; first difference: %s", name, kernel, len(got)-1, len(want)-1, differ(got, want))
		}
	}
	one("Halves", got.halves, want.halves)
	one("Codes", got.codes, want.codes)
	one("Words", got.words, want.words)
	one("At", got.at, want.at)
	many("HalvesOf8", got.halvesOf8, want.halvesOf8)
	many("CodesOf8", got.codesOf8, want.codesOf8)
	many("RowsOf8", got.rows8, want.rows8)
}

func differ[T comparable](got, want []T) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("find %d is %v, want %v", i-1, got[i], want[i])
		}
	}
	return "one is the beginning of the other"
}

// A kind makes a code of a data set; it may plant one near a query.
type kind struct {
	name string
	code func(r *rand.Rand, i int, q *[Lanes]Row) Row
}

func randomRow(r *rand.Rand) Row { return Row{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()} }

// flip returns c with up to n of the bits from lo to hi flipped.
func flip(r *rand.Rand, c Row, n, lo, hi int) Row {
	for range n {
		i := lo + r.IntN(hi-lo)
		c[i/64] ^= 1 << (i % 64)
	}
	return c
}

const full = ^uint64(0)

var (
	random = kind{"random", func(r *rand.Rand, _ int, _ *[Lanes]Row) Row { return randomRow(r) }}
	copies = kind{"copies", func(r *rand.Rand, _ int, q *[Lanes]Row) Row { return flip(r, q[0], r.IntN(3), 0, 256) }}
)

func kinds() []kind {
	return []kind{
		random,
		copies,
		{"zero", func(*rand.Rand, int, *[Lanes]Row) Row { return Row{} }},
		{"one", func(*rand.Rand, int, *[Lanes]Row) Row { return Row{full, full, full, full} }},
		{"planted", func(r *rand.Rand, _ int, q *[Lanes]Row) Row {
			if r.IntN(8) > 0 {
				return randomRow(r)
			}
			return flip(r, q[r.IntN(Lanes)], r.IntN(70), 0, 256)
		}},
		{"half", func(r *rand.Rand, i int, q *[Lanes]Row) Row { // near in one half only
			return flip(r, q[r.IntN(Lanes)], 200, i%2*128, i%2*128+128)
		}},
		{"word", func(r *rand.Rand, i int, q *[Lanes]Row) Row { // near but for one word
			return flip(r, q[r.IntN(Lanes)], 1+r.IntN(80), i%4*64, i%4*64+64)
		}},
	}
}

// makeCodes makes n codes of the kind, eight queries, and ids of codes, some of
// them twice.
func makeCodes(k kind, n int, seed uint64) *codes256 {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	var q [Lanes]Row
	for j := range q {
		q[j] = randomRow(r)
	}
	q[6], q[7] = Row{}, Row{full, full, full, full}
	rows, ids := make([]Row, n), make([]uint32, n)
	for i := range rows {
		rows[i] = k.code(r, i, &q)
		ids[i] = uint32(r.IntN(n))
	}
	return newCodes(rows, ids, q, [Lanes]int{})
}

// levels are those that this machine runs.
func levels() (ls []Level) {
	for l := Generic; l <= AVX512; l++ {
		if l.Available() {
			ls = append(ls, l)
		}
	}
	return ls
}

// TestKernels compares every level with the definition, on all sizes about the
// groups of the kernels, on all alignments within a cache line, and on limits
// that match nothing, little and everything.
func TestKernels(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 500}
	for _, k := range kinds() {
		for _, n := range sizes {
			c := makeCodes(k, n, 1)
			for _, limit := range []int{math.MinInt, -9, -1, 0, 1, 30, 48, 64, 128, 256, math.MaxInt} {
				for j := range c.limits {
					c.limits[j] = limit
				}
				compare(t, c.from(n%5), fmt.Sprintf("%s n=%d limit=%d", k.name, n, limit))
			}
			c.limits = [Lanes]int{31, -1, 64, 0, 128, math.MaxInt, math.MinInt, 30}
			compare(t, c.from(n%3), fmt.Sprintf("%s n=%d limits=%v", k.name, n, c.limits))
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}

// TestKernelsOnBlocks is TestKernels on more than one stretch and one block,
// with buffers that fill many times.
func TestKernelsOnBlocks(t *testing.T) {
	for _, k := range kinds() {
		for _, n := range []int{BlockSize, 2*BlockSize + 77} {
			c := makeCodes(k, n, 2)
			c.limits = [Lanes]int{48, -1, 64, 0, 60, 256, 30, 31}
			compare(t, c, fmt.Sprintf("%s n=%d", k.name, n))
		}
	}
}

// TestLanes puts each query next to a code in turn, so that a lane that answers
// for another would show.
func TestLanes(t *testing.T) {
	for lane := range Lanes {
		c := makeCodes(random, 100, 3)
		for j := range c.limits {
			c.limits[j] = 20
		}
		c.limits[lane] = 40
		for _, i := range []int{0, 9, 18, 27, 36, 45, 54, 63, 98} {
			c.rows[i] = flip(rand.New(rand.NewPCG(1, 1)), c.q[lane], 30, 0, 256)
		}
		c = newCodes(c.rows, c.ids, c.q, c.limits)
		compare(t, c, fmt.Sprint("lane ", lane))
		if found := Best().CodesOf8(nil, c.a, c.b, &c.q, &c.limits); len(found) != 9 || found[0].Lanes != 1<<lane {
			t.Errorf("lane %d: found %v", lane, found)
		}
	}
}

func compare(t testing.TB, c *codes256, name string) {
	t.Helper()
	want := c.slow()
	for _, l := range levels() {
		c.ask(l).equal(t, name+" "+l.String(), want)
	}
}

// TestAtBadID: an id beyond the blocks is a panic at every level, wherever it
// stands, and never a read.
func TestAtBadID(t *testing.T) {
	c := makeCodes(random, 300, 4)
	for _, l := range levels() {
		for _, i := range []int{0, 1, 95, 96, 97, 150, 299} {
			for _, id := range []uint32{BlockSize, 1<<32 - 1} {
				ids := slices.Clone(c.ids)
				ids[i] = id
				func() {
					defer func() {
						if recover() == nil {
							t.Errorf("%v: id %d at %d: no panic", l, id, i)
						}
					}()
					l.At(nil, c.blocks, ids, Half{}, 0)
				}()
			}
		}
	}
}

// TestPlanes: planes of different length are a panic, even if the shorter has
// room.
func TestPlanes(t *testing.T) {
	c := makeCodes(random, 48, 4)
	for _, l := range levels() {
		for name, run := range map[string]func(){
			"Codes":    func() { l.Codes(nil, c.a, c.b[:47], c.q[0], 0) },
			"CodesOf8": func() { l.CodesOf8(nil, c.a[:47], c.b, &c.q, &c.limits) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%v: %s: no panic", l, name)
					}
				}()
				run()
			}()
		}
	}
}

// TestDone: plain Go corrects a kernel that stops too soon, so only this shows
// that a kernel does all whole groups. Behind the ids lie such as At must not
// see.
func TestDone(t *testing.T) {
	var halves [Lanes]Half
	for _, l := range levels() {
		if l == Generic {
			continue
		}
		for _, n := range []int{0, 1, 31, 32, 95, 96, 97, 500, 2*BlockSize + 64} {
			c := makeCodes(copies, n, 6)
			c.limits[0] = 1
			ids := append(slices.Clone(c.ids), slices.Repeat([]uint32{1<<32 - 1}, 200)...)[:n]
			check := func(kernel string, done, want int) {
				if done != want {
					t.Errorf("%v: %s: did %d of %d, want %d", l, kernel, done, n, want)
				}
			}
			_, done := l.at(nil, c.blocks, ids, &halves[0], 1)
			check("At", done, n)
			_, done = l.words(nil, c.words, c.q[0][0], 1)
			check("Words", done, n&^31)
			_, done = l.halves(nil, c.a, &halves[0], 1)
			check("Halves", done, n&^15)
			_, done = l.codes(nil, c.a, c.b, &c.q[0], 1)
			check("Codes", done, n&^15)
			_, done = l.halvesOf8(nil, c.a, &halves, &c.limits)
			check("HalvesOf8", done, n&^7)
			_, done = l.codesOf8(nil, c.a, c.b, &c.q, &c.limits)
			check("CodesOf8", done, n&^7)
			_, done = l.rowsOf8(nil, c.rows, &c.q, &c.limits)
			check("RowsOf8", done, n&^7)
		}
	}
}

// TestNoAllocation: what finds nothing allocates nothing.
func TestNoAllocation(t *testing.T) {
	c := makeCodes(random, 1000, 4)
	var halves [Lanes]Half
	for _, l := range levels() {
		n := testing.AllocsPerRun(10, func() {
			l.Halves(nil, c.a, halves[0], 0)
			l.HalvesOf8(nil, c.a, &halves, &c.limits)
			l.Codes(nil, c.a, c.b, c.q[0], 0)
			l.CodesOf8(nil, c.a, c.b, &c.q, &c.limits)
			l.RowsOf8(nil, c.rows, &c.q, &c.limits)
			l.Words(nil, c.words, c.q[0][0], 0)
			l.At(nil, c.blocks, c.ids, halves[0], 0)
		})
		if n != 0 {
			t.Errorf("%v: %v allocations", l, n)
		}
	}
}

func TestLevels(t *testing.T) {
	t.Log("levels on this machine:", levels())
	if !Generic.Available() || !Best().Available() {
		t.Error("a level that is always there is not")
	}
	if Level(9).Available() {
		t.Error("a level that does not exist is available")
	}
	for l, want := range []string{"generic", "avx2", "avx512"} {
		if got := Level(l).String(); got != want {
			t.Errorf("level %d is %q, want %q", l, got, want)
		}
		if l := Level(l); l > Best() && l.Available() {
			t.Errorf("%v is available, but %v is the best", l, Best())
		}
	}
}
