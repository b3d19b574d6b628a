// Package hamming finds the codes within a Hamming distance of a query: the
// innermost loops of the search, and nothing else.
//
// The simplest way is one loop: xor four words with the query, count the ones,
// compare. It costs about 2 ns a code, and a picture is searched under up to
// 24 codes. Three things are done instead.
//
//   - Half of the bits first. Codes lie in two planes of 128 bits, and a scan
//     reads the first plane only: unrelated codes differ in about 64 of its
//     bits, far beyond the usual radius, so the other half of a code is nearly
//     never looked at. That halves the bytes, and bytes are what a scan of a
//     million codes waits for.
//   - Several queries in one pass. Eight queries lie in the lanes of a vector
//     register and each code is broadcast to them, so a code is read once for
//     all eight.
//   - Vector instructions, where the machine has them: see [Level].
//
// Nanoseconds a code over a million random codes of which none is near, on a
// Zen 5 server with 32 MB of cache; the plain loop over whole codes takes 1.8:
//
//	             generic   avx2   avx512
//	Halves           1.1   0.37     0.17
//	HalvesOf8        9.9   2.3      0.42   for eight queries
//	Codes            1.9   0.77     0.52
//	CodesOf8         9.1   4.3      0.87   for eight queries
//	RowsOf8          9.2   2.3      0.81   for eight queries
//	Words            0.53  0.16     0.07
//	At, at random     10+  2.2      2.2
//
// Where everything is near, AVX-512 takes 0.2 to 0.6 more, and AVX2 0.5 to 4.5
// more: at worst about as long as plain Go. Of eight queries with a limit beyond
// 52, CodesOf8 is faster than HalvesOf8 or RowsOf8 and a second look.
//
// The kernels report positions, not distances: hits are a few in a million, so
// whoever wants the distance of a hit counts it again. They know nothing of
// tags, tombstones or bit permutations, and they skip nothing; skipping codes
// is the business of the index above.
package hamming

// Half is 128 bits of a code, one of its two planes.
type Half = [2]uint64

// Row is a whole code of 256 bits.
type Row = [4]uint64

// Lanes is the number of queries that share a pass.
const Lanes = 8

// At finds its halves in blocks of BlockSize = 1<<BlockBits halves.
const (
	BlockBits = 14
	BlockSize = 1 << BlockBits
)

// A Pair is a position and, as a bit mask, the lanes that are near it: bit j
// is set if query j is. The mask is never zero.
type Pair struct {
	Pos   uint32
	Lanes uint32
}

// Level is a set of kernels for one family of instructions. All levels give
// the same results. The zero Level is Generic.
//
// The methods append what they find to found and return it, in ascending order
// of position. Limits are distances in bits; a negative one matches nothing. No
// slice may be longer than 1<<32 elements. A level that is not Available must
// not be used: on amd64 it ends in an illegal instruction.
type Level uint8

const (
	Generic Level = iota // plain Go, runs everywhere
	AVX2                 // amd64 with AVX2, BMI1 and POPCNT
	AVX512               // amd64 with AVX-512 F, BW, VL and VPOPCNTDQ, BMI1 and POPCNT
)

// String returns "generic", "avx2" or "avx512".
func (l Level) String() string {
	switch l {
	case AVX2:
		return "avx2"
	case AVX512:
		return "avx512"
	}
	return "generic"
}

// Best returns the fastest level that this machine runs: Generic under the
// build tag noasm and on anything but amd64.
func Best() Level {
	for l := AVX512; l > Generic; l-- {
		if l.Available() {
			return l
		}
	}
	return Generic
}

// Halves finds the halves within limit of q.
func (l Level) Halves(found []uint32, halves []Half, q Half, limit int) []uint32 {
	found, done := l.halves(found, halves, &q, limit)
	return halvesFrom(found, halves, done, &q, limit)
}

// HalvesOf8 finds the halves that are within limits[j] of q[j] for any lane j.
func (l Level) HalvesOf8(found []Pair, halves []Half, q *[Lanes]Half, limits *[Lanes]int) []Pair {
	found, done := l.halvesOf8(found, halves, q, limits)
	return halvesOf8From(found, halves, done, q, limits)
}

// Codes finds the codes within limit of q. Code i is a[i] and b[i], its words
// 0, 1 and 2, 3; len(a) == len(b). Every code is read whole: for limits under
// which the first half alone decides little.
func (l Level) Codes(found []uint32, a, b []Half, q Row, limit int) []uint32 {
	samePlanes(a, b)
	found, done := l.codes(found, a, b, &q, limit)
	return codesFrom(found, a, b, done, &q, limit)
}

// CodesOf8 finds the codes, split as for Codes, that are within limits[j] of
// q[j] for any lane j.
func (l Level) CodesOf8(found []Pair, a, b []Half, q *[Lanes]Row, limits *[Lanes]int) []Pair {
	samePlanes(a, b)
	found, done := l.codesOf8(found, a, b, q, limits)
	return codesOf8From(found, a, b, done, q, limits)
}

func samePlanes(a, b []Half) {
	if len(a) != len(b) {
		panic("hamming: planes of different length")
	}
}

// RowsOf8 finds the rows that are within limits[j] of q[j] for any lane j. It
// looks at words 0 and 1 first and at the rest only where they leave a chance.
func (l Level) RowsOf8(found []Pair, rows []Row, q *[Lanes]Row, limits *[Lanes]int) []Pair {
	found, done := l.rowsOf8(found, rows, q, limits)
	return rowsOf8From(found, rows, done, q, limits)
}

// Words finds the 64-bit words within limit of q.
func (l Level) Words(found []uint32, words []uint64, q uint64, limit int) []uint32 {
	found, done := l.words(found, words, q, limit)
	return wordsFrom(found, words, done, q, limit)
}

// At finds among the halves that ids name those within limit of q, and reports
// the positions in ids. Id names half id&(BlockSize-1) of the block whose
// first half is at blocks[id>>BlockBits]. The halves are expected to lie at
// random in much memory; except on Generic they are prefetched.
//
// At panics if an id is beyond the blocks. It cannot see how long a block is:
// a block that ids name must hold every half that they name in it.
func (l Level) At(found []uint32, blocks []*Half, ids []uint32, q Half, limit int) []uint32 {
	found, done := l.at(found, blocks, ids, &q, limit)
	return atFrom(found, blocks, ids, done, &q, limit)
}
