// Package votes finds the references that share local features with a picture:
// an inverted file (Sivic and Zisserman, "Video Google", 2003). For each word of
// the vocabulary it lists the references that have the word, and every word of a
// query votes for those in its list.
//
// Counting words alone lets large prints win. Three things are added, all from
// Jégou, Douze and Schmid (2008): rare words count more; an entry counts only if
// the signatures of the two features differ in few bits, and more the fewer; and
// a vote goes to the turn that the two features suggest, so that the votes of a
// true copy fall on one turn while others scatter over sixteen.
//
// An entry is eight bytes: a posting of 44 bits signature, 14 bits place of the
// reference and 6 bits angle. A file is immutable. Adding a reference makes a
// file of its own, and files are merged like the runs of a log-structured merge
// tree (O'Neil et al. 1996), so that each entry is copied a few times only.
package votes

import (
	"math/bits"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
)

const (
	placeBits = 14
	angleBits = 6

	// MaxPlaces is the number of places of a set of files: 0 to MaxPlaces-1.
	MaxPlaces = 1 << placeBits
)

// File lists postings by word. The zero value is empty.
type File struct {
	words    []uint16 // ascending
	first    []uint32 // of each word's postings, and the end
	postings []uint64 // of a word in ascending order of their places
}

func posting(place int, t hash.Term) uint64 {
	return t.Signature<<(placeBits+angleBits) | uint64(place)<<angleBits | uint64(t.Angle)
}

// Of makes the file of one reference.
func Of(place int, f *hash.Features) *File {
	b := builder{}
	for t := range f.Terms() {
		b.add(t.Word, posting(place, t))
	}
	return b.file()
}

// Len is the number of postings.
func (f *File) Len() int { return len(f.postings) }

// builder takes postings in ascending order of words.
type builder struct{ f File }

func (b *builder) add(word uint16, ps ...uint64) {
	if n := len(b.f.words); n == 0 || b.f.words[n-1] != word {
		b.f.words = append(b.f.words, word)
		b.f.first = append(b.f.first, uint32(len(b.f.postings)))
	}
	b.f.postings = append(b.f.postings, ps...)
}

func (b *builder) file() *File {
	b.f.first = append(b.f.first, uint32(len(b.f.postings)))
	return &b.f
}

// list returns the postings of the word at position i of words.
func (f *File) list(i int) []uint64 { return f.postings[f.first[i]:f.first[i+1]] }

// Bulk makes one file of many references at a time. They come in ascending order
// of their places.
type Bulk struct {
	words    []uint16
	postings []uint64
}

// Add takes up a reference.
func (b *Bulk) Add(place int, f *hash.Features) {
	for t := range f.Terms() {
		b.words = append(b.words, t.Word)
		b.postings = append(b.postings, posting(place, t))
	}
}

// File returns what was added, ordered by words (a counting sort, which keeps
// the order of places), and forgets it.
func (b *Bulk) File() *File {
	var next [1<<15 + 1]uint32
	for _, w := range b.words {
		next[w+1]++
	}
	f := &File{postings: make([]uint64, len(b.postings))}
	for w := range next[1:] {
		if next[w+1] > 0 {
			f.words = append(f.words, uint16(w))
			f.first = append(f.first, next[w])
		}
		next[w+1] += next[w]
	}
	f.first = append(f.first, uint32(len(f.postings)))
	for i, w := range b.words {
		f.postings[next[w]] = b.postings[i]
		next[w]++
	}
	b.words, b.postings = b.words[:0], b.postings[:0]
	return f
}

// Merged joins files; the postings of a word keep the order of the files.
func Merged(files ...*File) *File {
	b, n := builder{}, 0
	for _, f := range files {
		n += len(f.postings)
	}
	b.f.postings = make([]uint64, 0, n)
	at := make([]int, len(files))
	for {
		word, any := uint16(0), false
		for i, f := range files {
			if at[i] < len(f.words) && (!any || f.words[at[i]] < word) {
				word, any = f.words[at[i]], true
			}
		}
		if !any {
			return b.file()
		}
		for i, f := range files {
			if at[i] < len(f.words) && f.words[at[i]] == word {
				b.add(word, f.list(at[i])...)
				at[i]++
			}
		}
	}
}

// Moved gives every place the number to[place]; those that become negative are
// left out. The order of places does not change.
func (f *File) Moved(to []int) *File {
	b := builder{}
	for i, word := range f.words {
		for _, p := range f.list(i) {
			place := int(p >> angleBits & (MaxPlaces - 1))
			if n := to[place]; n >= 0 {
				b.add(word, p&^((MaxPlaces-1)<<angleBits)|uint64(n)<<angleBits)
			}
		}
	}
	return b.file()
}

// Append adds a file to a set of files and merges what has grown alike: of any
// two neighbours the first has at least twice the postings of the second. The
// set is not changed; a new one is returned.
func Append(files []*File, f *File) []*File {
	n := len(files)
	for n > 0 && files[n-1].Len() < 2*f.Len() {
		f = Merged(files[n-1], f)
		n--
	}
	return append(files[:n:n], f)
}

const (
	turnBins   = 16
	binShift   = angleBits - 4
	signatures = 10 // bits in which two signatures may differ

	// A word that references have more often than so many times each says nothing,
	// and would cost the most. Few references may be alike by chance.
	commonest   = 4
	leastPlaces = 64
)

// Query is the terms of a picture, ready to vote.
type Query struct {
	terms []term
	votes []uint32       // by place, mirrored or not, and turn
	count map[uint16]int // postings of each word in all sets that are searched
}

// Count takes the postings of a set of files into account for the weights of
// words. All sets are counted before the first is scored.
func (q *Query) Count(files []*File) {
	if q.count == nil {
		q.count = map[uint16]int{}
	}
	for _, l := range q.join(files) {
		q.count[l.terms[0].Word] += l.count
	}
}

type term struct {
	hash.Term
	mirror bool
}

// NewQuery takes the terms of a scene. A Query belongs to one goroutine.
func NewQuery(s *hash.Scene) *Query {
	q := &Query{}
	for t, mirror := range s.Terms() {
		q.terms = append(q.terms, term{t, mirror})
	}
	return q
}

// lists are the postings of one word in a set of files, and its terms.
type lists struct {
	terms []term
	of    [][]uint64
	count int
}

// join finds the lists of the query's words.
func (q *Query) join(files []*File) (all []lists) {
	at := make([]int, len(files))
	for i := 0; i < len(q.terms); {
		l := lists{}
		word, first := q.terms[i].Word, i
		for i < len(q.terms) && q.terms[i].Word == word {
			i++
		}
		l.terms = q.terms[first:i]
		for k, f := range files {
			n, ok := slices.BinarySearch(f.words[at[k]:], word)
			at[k] += n
			if ok {
				l.of = append(l.of, f.list(at[k]))
				l.count += len(f.list(at[k]))
			}
		}
		if l.count > 0 {
			all = append(all, l)
		}
	}
	return all
}

// Scores returns for each place of a set of files how many votes it got, places
// numbered from 0 to places-1. They can be compared with those of all sets that
// were counted: a word's weight falls with the number of its postings.
func (q *Query) Scores(files []*File, places int) []uint32 {
	if need := 2 * turnBins * places; cap(q.votes) < need {
		q.votes = make([]uint32, need)
	} else {
		q.votes = q.votes[:need]
		clear(q.votes)
	}
	for _, l := range q.join(files) {
		if l.count > commonest*(places+leastPlaces) {
			continue
		}
		everywhere := max(l.count, q.count[l.terms[0].Word])
		weight := uint32(1<<14/(4+everywhere)) + 1
		for _, t := range l.terms {
			for _, ps := range l.of {
				q.vote(t, ps, weight)
			}
		}
	}
	scores := make([]uint32, places)
	for p := range scores {
		scores[p] = max(peak(q.votes[2*turnBins*p:]), peak(q.votes[2*turnBins*p+turnBins:]))
	}
	return scores
}

// vote gives the votes of one term.
func (q *Query) vote(t term, ps []uint64, weight uint32) {
	side, sign, base := uint64(0), uint64(1<<angleBits-1), uint64(t.Angle)
	if t.mirror {
		side, sign, base = turnBins, 1, uint64(t.Angle)+32
	}
	for _, p := range ps {
		d := bits.OnesCount64(p>>(placeBits+angleBits) ^ t.Signature)
		if d > signatures {
			continue
		}
		place, turn := p>>angleBits&(MaxPlaces-1), (base+sign*(p&(1<<angleBits-1)))&(1<<angleBits-1)
		q.votes[2*turnBins*place+side+turn>>binShift] += weight * uint32(signatures+2-d)
	}
}

// peak is the largest sum of two neighbouring turns.
func peak(v []uint32) (best uint32) {
	last := v[turnBins-1]
	for _, n := range v[:turnBins] {
		best = max(best, n+last)
		last = n
	}
	return best
}
