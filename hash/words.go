package hash

import (
	_ "embed"
	"encoding/binary"
	"math/bits"
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
// (32 bytes); then the words, branch by branch. TestVocabulary makes the file.
// Words are part of recipe 2: the file may not change without another recipe.

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

// ranked is a word and its distance.
type ranked struct{ at, dist int }

// near fills c with the nearest words, nearest first, three at most. Of equally
// near ones those of a nearer branch come first, and then those with lower
// numbers.
func (v *vocabulary) near(code *Code, c []ranked) {
	best, in := farthest, farthest
	in.search(code, v.branch[:], 0)
	for rank, b := range in {
		first, end := v.first[b.at()], v.first[b.at()+1]
		best.search(code, v.word[first:end], key(rank<<keyBits)|key(first))
	}
	for i := range c {
		c[i] = ranked{best[i].at(), best[i].dist()}
	}
}

// nearest returns the word of a descriptor.
func (v *vocabulary) nearest(code *Code) uint16 {
	var c [1]ranked
	v.near(code, c[:])
	return uint16(c[0].at)
}

// key puts distance, rank of the branch and number of the word into one number,
// so that the nearer of two is the lower one.
type key uint32

const (
	keyBits  = 16          // of the number
	distance = keyBits + 2 // lowest bit of the distance
)

func (k key) at() int   { return int(k & (1<<keyBits - 1)) }
func (k key) dist() int { return int(k >> distance) }

// closest are the nearest of what was looked at.
type closest [max(lookInto, wordsEach)]key

var farthest = closest{257 << distance, 257 << distance, 257 << distance}

// search looks at codes, the first of which has the key first but for the
// distance. Comparing them with the third in four each time saves most of the
// branches that no CPU foresees.
func (c *closest) search(code *Code, codes []Code, first key) {
	q0, q1, q2, q3 := code[0], code[1], code[2], code[3]
	for i := range codes {
		w := &codes[i]
		d := bits.OnesCount64(q0^w[0]) + bits.OnesCount64(q1^w[1]) + bits.OnesCount64(q2^w[2]) + bits.OnesCount64(q3^w[3])
		if k := key(d)<<distance | first + key(i); k < c[2] {
			c.offer(k)
		}
	}
}

// offer sorts in a key.
func (c *closest) offer(k key) {
	c[2] = min(c[2], max(c[1], k))
	c[1] = min(c[1], max(c[0], k))
	c[0] = min(c[0], k)
}
