package radius

import (
	"sync"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// A multi-index is good when the bits of one table say little about each other.
// The bits of PDQ lie row by row, a row of 16 is one vertical frequency, and an
// upright box, the most usual product, gives the same signs in row after row. So
// in the natural order the buckets of a catalogue are up to six times too full.
// A random order takes nearly all of that away (measured on 6,398 product
// photos: 1.1 to 1.25 times the candidates of random codes), and a fixed one
// does as well as one learnt. Codes are permuted when they come in, queries
// likewise: distances stay the same.
//
// The permutation is a part of the cache file's format (cachefile.go).

// permutation says where bit i goes, by the shuffle of Fisher and Yates with
// splitmix64 (Steele, Lea, Flood 2014).
func permutation() (to [256]uint8) {
	for i := range to {
		to[i] = uint8(i)
	}
	state := uint64(0x746f756368) // "touch"
	for i := 255; i > 0; i-- {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		j := z % uint64(i+1)
		to[i], to[j] = to[j], to[i]
	}
	return to
}

// shuffle moves bits by looking up four of them at a time.
type shuffle [64][16]hash.Code

func newShuffle(to [256]uint8) *shuffle {
	s := new(shuffle)
	for nibble := range s {
		for value := range s[nibble] {
			for bit := range 4 {
				if value>>bit&1 != 0 {
					at := to[4*nibble+bit]
					s[nibble][value][at/64] |= 1 << (at % 64)
				}
			}
		}
	}
	return s
}

func (s *shuffle) of(c hash.Code) (d hash.Code) {
	for w, v := range c {
		for i := 16 * w; i < 16*w+16; i++ {
			p := &s[i][v&15]
			d[0] |= p[0]
			d[1] |= p[1]
			d[2] |= p[2]
			d[3] |= p[3]
			v >>= 4
		}
	}
	return d
}

// shuffles are the permutation and its inverse, made when they are first needed.
var shuffles = sync.OnceValues(func() (there, back *shuffle) {
	to := permutation()
	var from [256]uint8
	for i, at := range to {
		from[at] = uint8(i)
	}
	return newShuffle(to), newShuffle(from)
})

// permuted returns the code in the order in which it lies in memory.
func permuted(c hash.Code) hash.Code {
	there, _ := shuffles()
	return there.of(c)
}

// unpermuted returns the code as it came.
func unpermuted(a, b hamming.Half) hash.Code {
	_, back := shuffles()
	return back.of(hash.Code{a[0], a[1], b[0], b[1]})
}
