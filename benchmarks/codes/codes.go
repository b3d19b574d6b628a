// Package codes draws sets of 256-bit codes that a search structure meets the
// way it would meet those of photos, and queries for them.
//
// Random bits are the usual choice and flatter an index: the buckets of a
// multi-index are then all alike. Biased and correlated bits are the usual
// reply and are wrong in kind: PDQ cuts at the median of its coefficients, so
// that every code has exactly 128 ones, all distances are even, and single bits
// are hardly biased at all. What 6,398 photos of products showed is structure
// of a higher order, within one row of the DCT: a product that fills an upright
// box has a separable transform, so the rows of its code repeat one pattern of
// signs. No matrix of correlations sees that. So the box itself is drawn, its
// transform is taken, and noise is added (box.go).
//
// Kinds:
//
//	uniform    random codes of weight 128; one in a hundred is a near copy
//	box        half of the photos on white, half natural; near copies in
//	           families, as the series of one shop are
//	box-white  all on white: more structure, and a third in families
//	stress     what real codes are not: biased bits, correlated in runs, around
//	           centres of very unequal weight, of even and odd weight. No index
//	           likes it; it is there for the worst case of a planner
//
// All hold five hot clusters of up to 1,000 copies of one code each.
//
// A set is made in blocks, each with a stream of random numbers of its own, so
// that it is the same on any number of cores. Values are rounded to fixed point
// before they are compared, so that it is the same on any processor.
//
// Not drawn: regions and trimmed frames (their codes are a little easier than
// those of full frames), and anything that a photo of a single product would
// not do.
package codes

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/touchstone-go/touchstone/hash"
)

// Kind names a distribution of codes.
type Kind string

// The kinds; see the head of the package.
const (
	Uniform  Kind = "uniform"
	Box      Kind = "box"
	BoxWhite Kind = "box-white"
	Stress   Kind = "stress"
)

// Kinds returns all kinds, the worst last.
func Kinds() []Kind { return []Kind{Uniform, Box, BoxWhite, Stress} }

const (
	// Clusters is the number of hot clusters of a set, clusterSize the number of
	// codes of each where the set is large enough.
	Clusters    = 5
	clusterSize = 1000
	// maxSwaps bounds how many ones and how many zeros of its cluster's centre a
	// member has flipped.
	maxSwaps = 7

	// block is the number of codes that share a stream of random numbers. Families
	// lie within a block.
	block = 1 << 14
)

// A drawer draws codes of one kind from one stream of random numbers.
type drawer interface {
	// fresh draws a code that is no relative of another.
	fresh() hash.Code
	// next draws a code of a set: a fresh one, or a relative of an earlier one.
	next() hash.Code
	// near changes up to limit pairs of bits of a code; of a kind whose codes have
	// all one weight a one and a zero each.
	near(c hash.Code, limit int) hash.Code
}

// Make draws n codes. They depend on kind, n and seed alone, and the order in
// which they lie means nothing. It takes all cores; a kind that does not exist
// is a panic.
func Make(kind Kind, n int, seed uint64) []hash.Code {
	set := make([]hash.Code, n)
	fill(set, newModel(kind), seed, runtime.GOMAXPROCS(0))
	return set
}

func fill(set []hash.Code, m *model, seed uint64, workers int) {
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(taken.Add(1) - 1)
				if i*block >= len(set) {
					return
				}
				d := m.drawer(stream(seed, uint64(i)))
				for j := i * block; j < min(len(set), (i+1)*block); j++ {
					set[j] = d.next()
				}
			}
		})
	}
	wg.Wait()
	heat(set, m.drawer(stream(seed, hotStream)))
}

// heat puts the hot clusters into a set, in place of codes all over it.
func heat(set []hash.Code, d drawer) {
	for c := range Clusters {
		centre := d.fresh()
		for i := range members(len(set)) {
			set[position(len(set), c, i)] = d.near(centre, min(i, maxSwaps))
		}
	}
}

// members returns how many codes a hot cluster has in a set of n: at most one
// code of ten is in a cluster.
func members(n int) int { return min(clusterSize, n/(10*Clusters)) }

// position returns where member i of hot cluster c lies in a set of n codes.
// Member 0 is the centre itself.
func position(n, c, i int) int {
	step := n / (Clusters * members(n))
	return (i*Clusters + c) * step
}

// Hot returns the positions of the centres of the hot clusters in a set of n
// codes, none if the set is too small to have any.
func Hot(n int) []int {
	if members(n) == 0 {
		return nil
	}
	at := make([]int, Clusters)
	for c := range at {
		at[c] = position(n, c, 0)
	}
	return at
}

// model is what all streams of a kind have in common. It is never written to
// after newModel.
type model struct {
	kind    Kind
	normals *normals
	stress  *biases
}

func newModel(kind Kind) *model {
	switch kind {
	case Uniform:
		return &model{kind: kind}
	case Box, BoxWhite:
		return &model{kind: kind, normals: newNormals()}
	case Stress:
		return &model{kind: kind, stress: newBiases()}
	}
	panic(fmt.Sprintf("codes: no kind %q", string(kind)))
}

func (m *model) drawer(r *rand.Rand) drawer {
	switch m.kind {
	case Uniform:
		return &uniform{even: even{r}}
	case Box:
		return newBox(m.normals, r, 0.5)
	case BoxWhite:
		return newBox(m.normals, r, 1)
	}
	return &stress{biases: m.stress, r: r}
}

// Streams that are not those of blocks.
const (
	hotStream = 1<<63 + iota
	queryStream
	modelStream
	orderStream
)

// stream returns one of the streams of a seed. Neighbouring numbers are mixed
// first (the finaliser of SplitMix64; Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014), since PCG takes its seed as it is.
func stream(seed, number uint64) *rand.Rand {
	mix := func(z uint64) uint64 {
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	const golden = 0x9e3779b97f4a7c15
	return rand.New(rand.NewPCG(mix(seed+golden), mix(seed^mix(number+golden))))
}

// even changes codes and keeps their weight.
type even struct{ r *rand.Rand }

// near flips up to limit ones and as many zeros.
func (e even) near(c hash.Code, limit int) hash.Code { return swapped(c, e.r.IntN(limit+1), e.r) }

// swapped flips k ones and k zeros, all different: the distance is 2k. A code
// must have as many of both.
func swapped(c hash.Code, k int, r *rand.Rand) hash.Code {
	flip := hash.Code{}
	for ones, zeros := k, k; ones+zeros > 0; {
		b := r.IntN(256)
		w, bit := b/64, uint64(1)<<(b%64)
		left := &zeros
		if c[w]&bit != 0 {
			left = &ones
		}
		if *left > 0 && flip[w]&bit == 0 {
			flip[w] |= bit
			*left--
		}
	}
	for w := range c {
		c[w] ^= flip[w]
	}
	return c
}

// uniform draws random codes of weight 128.
type uniform struct {
	even
	last hash.Code // the latest fresh one
	any  bool      // there is one
}

// copies is the share of near copies among uniform codes, at distances of up to
// 30 bits.
const copies = 0.01

func (u *uniform) next() hash.Code {
	if u.any && u.r.Float64() < copies {
		return u.near(u.last, 15)
	}
	u.last, u.any = u.fresh(), true
	return u.last
}

// fresh draws random bits, and then flips random ones of those that are too
// many. No code of weight 128 is likelier than another.
func (u *uniform) fresh() hash.Code {
	c := hash.Code{u.r.Uint64(), u.r.Uint64(), u.r.Uint64(), u.r.Uint64()}
	excess := weight(c) - 128
	many := uint64(1) // the bit of which there are too many
	if excess < 0 {
		excess, many = -excess, 0
	}
	for excess > 0 {
		b := u.r.IntN(256)
		if c[b/64]>>(b%64)&1 == many {
			c[b/64] ^= 1 << (b % 64)
			excess--
		}
	}
	return c
}

func weight(c hash.Code) int {
	return bits.OnesCount64(c[0]) + bits.OnesCount64(c[1]) + bits.OnesCount64(c[2]) + bits.OnesCount64(c[3])
}
