package votes

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/touchstone-go/touchstone/hash"
)

// someTerms are few words and signatures near one another, so that they meet.
func someTerms(r *rand.Rand, n int) (ts []hash.Term) {
	for range n {
		t := hash.Term{Word: uint16(r.IntN(40)), Angle: uint8(r.IntN(64)), Signature: uint64(r.IntN(2)) * 0xabcde012345}
		for range r.IntN(9) {
			t.Signature ^= 1 << r.IntN(hash.SignatureBits)
		}
		ts = append(ts, t)
	}
	slices.SortStableFunc(ts, func(a, b hash.Term) int { return cmp.Compare(a.Word, b.Word) })
	return ts
}

// featuresOf makes features with these terms, by way of their binary form.
func featuresOf(t testing.TB, ts []hash.Term) *hash.Features {
	t.Helper()
	const head = 13 + 1024
	b := make([]byte, head+1)
	b[0] = 1
	binary.BigEndian.PutUint16(b[1:], 400)
	binary.BigEndian.PutUint16(b[3:], 300)
	copy(b[9:13], "\xff\xff\xff\xff")
	b = binary.BigEndian.AppendUint16(b, uint16(len(ts)))
	for _, term := range ts {
		place := uint64(term.Angle)<<15 | uint64(term.Word)
		b = append(b, 0, 0, byte(place>>24), byte(place>>16), byte(place>>8), byte(place))
		code, err := hex.DecodeString(hash.Code{term.Signature}.String())
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, code...)
	}
	f := new(hash.Features)
	if err := f.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(f.Terms()); !slices.Equal(got, ts) {
		t.Fatalf("terms %v, want %v", got, ts)
	}
	return f
}

// entry is a posting with its word, spelt out.
type entry struct {
	place int
	hash.Term
}

// entries spells out files; the order is that of places, and then of terms.
func entries(files ...*File) (es []entry) {
	for _, f := range files {
		for i, w := range f.words {
			for _, p := range f.list(i) {
				es = append(es, entry{int(p >> 6 & 16383), hash.Term{Word: w, Angle: uint8(p & 63), Signature: p >> 20}})
			}
		}
	}
	return sorted(es)
}

func sorted(es []entry) []entry {
	slices.SortFunc(es, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.Word, b.Word), cmp.Compare(a.Angle, b.Angle), cmp.Compare(a.Signature, b.Signature))
	})
	return es
}

// slowScores votes with a map, entry by entry; counted are the entries of all
// sets.
func slowScores(q *Query, es, counted []entry, places int) []uint32 {
	type bin struct {
		place  int
		mirror bool
		turn   int
	}
	votes := map[bin]int{}
	for _, t := range q.terms {
		count := 0
		for _, e := range counted {
			if e.Word == t.Word {
				count++
			}
		}
		weight := 16384/(4+count) + 1
		for _, e := range es {
			d := bits.OnesCount64(e.Signature ^ t.Signature)
			if e.Word != t.Word || d > 10 {
				continue
			}
			turn := int(t.Angle) - int(e.Angle) + 64
			if t.mirror {
				turn = int(t.Angle) + int(e.Angle) + 32
			}
			votes[bin{e.place, t.mirror, turn % 64 / 4}] += weight * (12 - d)
		}
	}
	scores := make([]uint32, places)
	for b, n := range votes {
		before := b
		before.turn = (b.turn + 15) % 16
		scores[b.place] = max(scores[b.place], uint32(n+votes[before]), uint32(n))
	}
	return scores
}

func someQuery(r *rand.Rand, n int) *Query {
	q := &Query{}
	for _, t := range someTerms(r, n) {
		q.terms = append(q.terms, term{t, r.IntN(2) == 0})
	}
	return q
}

func TestScoresAgainstSlowTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		places := rapid.IntRange(0, 30).Draw(rt, "places")
		var files []*File
		var es []entry
		for place := range places {
			ts := someTerms(r, r.IntN(40))
			for _, term := range ts {
				es = append(es, entry{place, term})
			}
			files = Append(files, Of(place, featuresOf(t, ts)))
		}
		q := someQuery(r, rapid.IntRange(0, 60).Draw(rt, "terms"))
		want := slowScores(q, es, es, places)
		if got := q.Scores(files, places); !slices.Equal(got, want) {
			rt.Fatalf("got  %v\nwant %v", got, want)
		}
		// Another set that is searched as well makes words less rare.
		elsewhere := someTerms(r, 100)
		counted := slices.Clone(es)
		for _, term := range elsewhere {
			counted = append(counted, entry{0, term})
		}
		q.Count(files)
		q.Count([]*File{Of(0, featuresOf(t, elsewhere))})
		want = slowScores(q, es, counted, places)
		if got := q.Scores(files, places); !slices.Equal(got, want) {
			rt.Fatalf("two sets: got  %v\nwant %v", got, want)
		}
		// The buffer of the first time does no harm, and one file votes like many.
		if got := q.Scores([]*File{Merged(files...)}, places); !slices.Equal(got, want) {
			rt.Fatalf("merged: got  %v\nwant %v", got, want)
		}
		if n := q.Scores(files, places+5); len(n) != places+5 {
			rt.Fatalf("%d scores for %d places", len(n), places+5)
		}
		if got := q.Scores(files, places); !slices.Equal(got, want) {
			rt.Fatalf("the third time: got  %v\nwant %v", got, want)
		}
	})
}

// TestTurnsTogether: the votes of features that turn alike add up, also where the
// turn is between the last bin and the first.
func TestTurnsTogether(t *testing.T) {
	const n = 8
	for _, mirror := range []bool{false, true} {
		for turn := range 64 {
			var ts []hash.Term
			q := &Query{}
			for i := range n {
				a := hash.Term{Word: uint16(i), Angle: uint8(7 * i % 64), Signature: uint64(i) << 30}
				ts = append(ts, a)
				if mirror { // the sum of the angles is the same for all, but for a little
					a.Angle = uint8(turn-int(a.Angle)-32+128+i%2) % 64
				} else {
					a.Angle = uint8(turn+int(a.Angle)+i%2) % 64
				}
				q.terms = append(q.terms, term{a, mirror})
			}
			files := []*File{Of(3, featuresOf(t, ts))}
			if got, want := q.Scores(files, 5), uint32(n*12*(16384/5+1)); got[3] != want || got[0]+got[1]+got[2]+got[4] != 0 {
				t.Fatalf("mirrored %t, turned by %d: %v, want %d at 3", mirror, turn, got, want)
			}
		}
	}
}

// TestRareWordsCountMore, and a word that all have hardly counts.
func TestRareWordsCountMore(t *testing.T) {
	common, rare := hash.Term{Word: 1}, hash.Term{Word: 2}
	var files []*File
	for place := range 100 {
		ts := []hash.Term{common}
		if place == 7 {
			ts = []hash.Term{rare}
		}
		files = Append(files, Of(place, featuresOf(t, ts)))
	}
	q := &Query{terms: []term{{common, false}, {rare, false}}}
	s := q.Scores(files, 100)
	if s[7] < 10*s[8] || s[8] == 0 {
		t.Errorf("a rare word gives %d, one that all have %d", s[7], s[8])
	}
	q.Count(files)
	q.Count(files) // the same again in another bank
	if other := q.Scores(files, 100); other[8] >= s[8] {
		t.Errorf("a word that more have gives %d, else %d", other[8], s[8])
	}
}

func sameFile(a, b *File) bool {
	return slices.Equal(a.words, b.words) && slices.Equal(a.first, b.first) && slices.Equal(a.postings, b.postings)
}

// TestFilesAgainstRebuilding: merged, appended, moved, or made in bulk, a file is
// what it would be if it were made of its references from scratch.
func TestFilesAgainstRebuilding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		var bulk Bulk
		var files, single []*File
		var es []entry
		of := map[int]*hash.Features{}
		place := 0
		for range rapid.IntRange(0, 30).Draw(rt, "references") {
			place += 1 + r.IntN(3)*r.IntN(200)
			ts := someTerms(r, r.IntN(60))
			f := featuresOf(t, ts)
			of[place] = f
			for _, term := range ts {
				es = append(es, entry{place, term})
			}
			bulk.Add(place, f)
			single = append(single, Of(place, f))
			before := slices.Clone(files)
			next := Append(files, single[len(single)-1])
			if !slices.Equal(before, files) {
				rt.Fatal("the set that was appended to has changed")
			}
			files = next
			for i := 1; i < len(files); i++ {
				if files[i-1].Len() < 2*files[i].Len() {
					rt.Fatalf("neighbours of %d and %d postings", files[i-1].Len(), files[i].Len())
				}
			}
			if most := bits.Len(uint(len(es))) + 1; len(files) > most {
				rt.Fatalf("%d files for %d postings, want at most %d", len(files), len(es), most)
			}
		}
		es = sorted(es)
		want := bulk.File()
		if !slices.Equal(entries(want), es) || want.Len() != len(es) {
			rt.Fatalf("in bulk: %v, want %v", entries(want), es)
		}
		if !slices.Equal(entries(files...), es) {
			rt.Fatalf("appended: %v, want %v", entries(files...), es)
		}
		for name, f := range map[string]*File{"one by one": Merged(files...), "all at once": Merged(single...), "again": Merged(want), "with nothing": Merged(&File{}, want, &File{})} {
			if !sameFile(f, want) {
				rt.Fatalf("%s: not the file that is made in bulk", name)
			}
		}
		// Some references go, and the rest move up.
		to := make([]int, place+1)
		kept := 0
		var again Bulk
		for p := range to {
			if to[p] = kept; r.IntN(3) == 0 {
				to[p] = -1
				continue
			}
			if f := of[p]; f != nil {
				again.Add(kept, f)
			}
			kept++
		}
		left := again.File()
		if got := want.Moved(to); !sameFile(got, left) {
			rt.Fatalf("moved: %v, want %v", entries(got), entries(left))
		}
		var moved []*File
		for _, f := range files {
			moved = append(moved, f.Moved(to))
		}
		if !slices.Equal(entries(moved...), entries(left)) {
			rt.Fatal("files that moved one by one are not what is left")
		}
		if !slices.Equal(entries(want), es) {
			rt.Fatal("moving changed the file itself")
		}
	})
}

// TestBulkForgets: the second file of a Bulk has nothing of the first, and shares
// nothing with it.
func TestBulkForgets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	a, b := featuresOf(t, someTerms(r, 50)), featuresOf(t, someTerms(r, 50))
	var bulk Bulk
	bulk.Add(1, a)
	first := bulk.File()
	was := entries(first)
	bulk.Add(2, b)
	second := bulk.File()
	if !slices.Equal(entries(first), was) || !sameFile(second, Of(2, b)) || !sameFile(first, Of(1, a)) {
		t.Error("one file shows through in the other")
	}
	if none := bulk.File(); none.Len() != 0 || len(entries(none)) != 0 {
		t.Errorf("a file of nothing has %d postings", none.Len())
	}
}

// TestEdges: the last place, the last word and the last bits of a signature are
// kept apart.
func TestEdges(t *testing.T) {
	last := hash.Term{Word: 16383, Angle: 63, Signature: 1<<hash.SignatureBits - 1}
	f := featuresOf(t, []hash.Term{{}, last})
	file := Merged(Of(0, f), Of(MaxPlaces-1, f))
	want := []entry{{0, hash.Term{}}, {0, last}, {MaxPlaces - 1, hash.Term{}}, {MaxPlaces - 1, last}}
	if got := entries(file); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	q := &Query{terms: []term{{last, false}}}
	if s := q.Scores([]*File{file}, MaxPlaces); s[0] == 0 || s[0] != s[MaxPlaces-1] || s[1] != 0 || s[MaxPlaces-2] != 0 {
		t.Errorf("scores %d, %d ... %d, %d", s[0], s[1], s[MaxPlaces-2], s[MaxPlaces-1])
	}
	if s := q.Scores(nil, 0); len(s) != 0 {
		t.Errorf("scores of no places: %v", s)
	}
	if s := (&Query{}).Scores([]*File{file, {}}, 3); !slices.Equal(s, []uint32{0, 0, 0}) {
		t.Errorf("scores of a query without terms: %v", s)
	}
}
