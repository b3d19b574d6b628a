package codes

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
)

// The codes of this file are harder than those of photos by an order of
// magnitude: a multi-index meets 20 to 30 times the candidates. A third of the
// bits is one in 2 to 12 % of the codes, or zero in as few; the others in 25 to
// 75 %. The bits of a run of four agree more often than chance: each takes the
// run's random number with probability one half. Of the codes 40 % are drawn
// so; 60 % lie around 4,000 centres drawn so, the k-th with a weight of
// k^-0.8, with 4 to 25 % of their bits flipped at random. Weights and distances
// are odd as often as even.
//
// Biases and centres belong to the kind and not to a seed, so that queries of
// another seed come from the same distribution.

const (
	centres  = 4000
	centred  = 0.6
	exponent = 0.8
)

type biases struct {
	ones    [256]uint16 // probability of a one, of 2^16
	centres [centres]hash.Code
	chances [centres]float64 // probability of the centres up to here
}

func newBiases() *biases {
	b := new(biases)
	r := stream(0, modelStream)
	for i := range b.ones {
		p := 0.25 + 0.5*r.Float64()
		if r.IntN(3) == 0 {
			p = 0.02 + 0.10*r.Float64()
			if r.IntN(2) == 0 {
				p = 1 - p
			}
		}
		b.ones[i] = uint16(p * (1 << 16))
	}
	sum := 0.0
	for k := range b.centres {
		b.centres[k] = b.biased(r)
		sum += math.Pow(float64(k+1), -exponent)
		b.chances[k] = sum
	}
	for k := range b.chances {
		b.chances[k] /= sum
	}
	return b
}

// biased draws a code from the biases alone.
func (b *biases) biased(r *rand.Rand) (c hash.Code) {
	for i := 0; i < 256; i += 4 {
		own, shared := r.Uint64(), r.Uint32()
		for j := i; j < i+4; j++ {
			u := uint16(own)
			if shared>>(16+j-i)&1 != 0 {
				u = uint16(shared)
			}
			own >>= 16
			if u < b.ones[j] {
				c[j/64] |= 1 << (j % 64)
			}
		}
	}
	return c
}

type stress struct {
	*biases
	r *rand.Rand
}

func (s *stress) next() hash.Code { return s.fresh() }

func (s *stress) fresh() hash.Code {
	if s.r.Float64() >= centred {
		return s.biased(s.r)
	}
	at, _ := slices.BinarySearch(s.chances[:], s.r.Float64())
	return s.noisy(s.biases.centres[min(at, centres-1)])
}

// noisy flips 4 to 25 % of the bits.
func (s *stress) noisy(c hash.Code) hash.Code {
	share := uint16((0.04 + 0.21*s.r.Float64()) * (1 << 16))
	for i := 0; i < 256; i += 4 {
		u := s.r.Uint64()
		for j := i; j < i+4; j++ {
			if uint16(u) < share {
				c[j/64] ^= 1 << (j % 64)
			}
			u >>= 16
		}
	}
	return c
}

// near flips up to 2 limit + 1 bits, but none where limit is 0.
func (s *stress) near(c hash.Code, limit int) hash.Code {
	if limit == 0 {
		return c
	}
	return flipped(c, s.r.IntN(2*limit+2), s.r)
}

// flipped flips n different bits.
func flipped(c hash.Code, n int, r *rand.Rand) hash.Code {
	from := c
	for n > 0 {
		b := r.IntN(256)
		if (c[b/64]^from[b/64])>>(b%64)&1 == 0 {
			c[b/64] ^= 1 << (b % 64)
			n--
		}
	}
	return c
}
