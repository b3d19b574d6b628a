package hash

import (
	_ "embed"
	"encoding/binary"
	"sync"
)

// To find the references that share local features with a query, descriptors
// are looked up by words: a vocabulary of descriptors that were taken at random
// from product photos, so that they lie where descriptors lie. The word of a
// descriptor is the nearest one (Sivic and Zisserman, "Video Google", 2003; for
// binary descriptors Gálvez-López and Tardós, 2012). Clustering them instead
// was not worth a further step of training: in 256 dimensions random samples
// cut the space about as evenly as means.
//
// Comparing with all 16,384 words would cost more than everything else. 128
// further samples are branches, each word belongs to the nearest branch, and
// only the words of the three nearest branches are looked at.
//
// words.bin: for each branch its number of words (16 bits), then its descriptor
// (32 bytes); then the words, branch by branch. Words are part of recipe 2: the
// file may not change without another recipe.

//go:embed words.bin
var wordsFile []byte

const (
	branches   = 128
	branchHead = 2 + 32
	lookInto   = 3 // branches
)

// vocabulary is a tree of two levels.
type vocabulary struct {
	branch [branches]Code
	first  [branches + 1]uint16 // of each branch
	word   []Code
}

var words = sync.OnceValue(func() *vocabulary { return parseVocabulary(wordsFile) })

func parseVocabulary(b []byte) *vocabulary {
	v := new(vocabulary)
	for i := range v.branch {
		head := b[branchHead*i:]
		v.first[i+1] = v.first[i] + binary.BigEndian.Uint16(head)
		v.branch[i] = getCode(head[2:])
	}
	b = b[branchHead*branches:]
	v.word = make([]Code, len(b)/32)
	for i := range v.word {
		v.word[i] = getCode(b[32*i:])
	}
	return v
}

func (v *vocabulary) len() int { return len(v.word) }

// ranked is a word or branch and its distance.
type ranked struct{ at, dist int }

// closest keeps the nearest of what is offered, the first of equal ones.
type closest []ranked

func (c closest) offer(at, dist int) {
	n := len(c) - 1
	if dist >= c[n].dist {
		return
	}
	for ; n > 0 && c[n-1].dist > dist; n-- {
		c[n] = c[n-1]
	}
	c[n] = ranked{at, dist}
}

// near fills c with the nearest words, nearest first.
func (v *vocabulary) near(code *Code, c closest) {
	var in [lookInto]ranked
	reset(in[:])
	for i := range v.branch {
		closest(in[:]).offer(i, code.Distance(v.branch[i]))
	}
	reset(c)
	for _, b := range in {
		for i := v.first[b.at]; i < v.first[b.at+1]; i++ {
			c.offer(int(i), code.Distance(v.word[i]))
		}
	}
}

func reset(c []ranked) {
	for i := range c {
		c[i] = ranked{0, 257}
	}
}

// nearest returns the word of a descriptor.
func (v *vocabulary) nearest(code *Code) uint16 {
	var c [1]ranked
	v.near(code, c[:])
	return uint16(c[0].at)
}
