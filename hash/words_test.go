package hash

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowNear sorts the branches, and the words of the nearest ones.
func slowNear(v *vocabulary, code Code, n int) []ranked {
	var in, all []ranked
	nearer := func(a, b ranked) int { return cmp.Compare(a.dist, b.dist) }
	for i, b := range v.branch {
		in = append(in, ranked{i, code.Distance(b)})
	}
	slices.SortStableFunc(in, nearer)
	for _, b := range in[:lookInto] {
		for i := int(v.first[b.at]); i < int(v.first[b.at+1]); i++ {
			all = append(all, ranked{i, code.Distance(v.word[i])})
		}
	}
	slices.SortStableFunc(all, nearer)
	return all[:n]
}

// The words of a reference are stored, so a query's must be found the same way
// for ever, ties included.
func TestNearAgreesWithTheSlowTwin(t *testing.T) {
	v := words()
	codes := []Code{{}, {^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}}
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		codes = append(codes, Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()})
	}
	ps, mirrored := detect(photoGrey(t, "00122.jpg", sceneSide), scenePoints, sceneFall, true)
	codes = append(codes, mirrored...)
	for _, p := range ps {
		codes = append(codes, p.code)
	}
	ties := 0
	for _, c := range codes {
		want := slowNear(v, c, wordsEach)
		var got [wordsEach]ranked
		v.near(&c, got[:])
		if !slices.Equal(got[:], want) {
			t.Fatalf("%016x: %v, want %v", c, got, want)
		}
		if w := v.nearest(&c); int(w) != want[0].at {
			t.Fatalf("%016x: word %d, want %d", c, w, want[0].at)
		}
		if want[0].dist == want[1].dist || want[1].dist == want[2].dist {
			ties++
		}
	}
	if ties < 10 {
		t.Errorf("%d ties, too few for the test", ties)
	}
}

// A key must hold the farthest distance, the rank and any word.
func TestKeys(t *testing.T) {
	v := words()
	if v.len() > 1<<wordBits || v.len() > 1<<keyBits {
		t.Errorf("%d words", v.len())
	}
	if k := key(256)<<distance | (lookInto-1)<<keyBits | key(v.len()-1); k.dist() != 256 || k.at() != v.len()-1 || k >= farthest[0] {
		t.Errorf("key %x: distance %d, word %d", k, k.dist(), k.at())
	}
}

// A word is its own nearest one, unless a nearer branch hides it: the
// vocabulary is of little use if that is frequent.
func TestWordsFindThemselves(t *testing.T) {
	v := words()
	lost := 0
	for i := range v.word {
		if i%16 == 0 && v.word[v.nearest(&v.word[i])] != v.word[i] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d words of %d are not found", lost, v.len()/16)
	}
}
