package radius

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// flipsOf returns a code and its flips, count of them all, with some
// bits changed in each, so that they are strangers in some tables.
func flipsOf(r *rand.Rand, c hash.Code, count, changed int) (codes []hash.Code) {
	masks := flipMasks()
	for i := range count {
		q := c
		for j, m := range masks {
			if i>>j&1 == 1 {
				for w, v := range permuted(m) {
					q[w] ^= v
				}
			}
		}
		codes = append(codes, moved(r, q, changed))
	}
	return codes
}

// prepared are queries for the codes, not yet put.
func prepared(p *part, codes []hash.Code, radius, most int) []probing {
	queries := make([]probing, len(codes))
	for i, c := range codes {
		queries[i] = probing{query: i, code: c, radius: radius, most: most}
		p.prepare(&queries[i])
	}
	return queries
}

// What a family finds is what its members find by themselves, but for the order
// within a table.
func TestFamilies(t *testing.T) {
	for _, c := range []struct {
		codes, tables int
		crowds        bool
	}{
		{1, 16, false}, {3000, 16, false}, {40_000, 17, false}, {40_000, 16, false}, {3000, 16, true}, {40_000, 14, true},
		{13_000, 20, false}, {13_000, 21, true},
	} {
		r := rand.New(rand.NewPCG(2, uint64(c.codes)))
		p := probed(t, r, c.codes, c.tables, c.crowds)
		for _, level := range append(kernelLevels(), hamming.Generic) {
			t.Run(fmt.Sprint(level, c), func(t *testing.T) {
				for n := range 60 {
					b := p.blocks[r.IntN(len(p.blocks))]
					code := moved(r, b.raw(r.IntN(len(b.tags))), r.IntN(20))
					compareFamily(t, p, flipsOf(r, code, 2+n%3, n/3%4), 16+r.IntN(48), level)
				}
			})
		}
	}
}

func compareFamily(t *testing.T, p *part, codes []hash.Code, radius int, level hamming.Level) {
	t.Helper()
	together, apart := prepared(p, codes, radius, 1<<30), prepared(p, codes, radius, 1<<30)
	f := &family{}
	for i := range together {
		f.members = append(f.members, &together[i])
	}
	p.probeFamily(f, level)
	p.gatherFamily(f)
	for i := range apart {
		a, b := &together[i], &apart[i]
		p.lookup(b, level)
		if a.probes != b.probes || !slices.Equal(a.idEnds, b.idEnds) {
			t.Fatalf("query %d: %d probes, and the numbers end at %v, want %d, %v", i, a.probes, a.idEnds, b.probes, b.idEnds)
		}
		from := 0
		for table, to := range a.idEnds {
			got, want := a.ids[from:to], b.ids[from:to]
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("query %d, table %d: got %v, want %v", i, table, got, want)
			}
			from = to
		}
	}
}

// The four flips of each of several pictures are found to be families, in
// whatever order they stand.
func TestFamiliesFound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := probed(t, r, 3000, 16, false)
	codes := append(flipsOf(r, randomCode(r), 4, 1), flipsOf(r, randomCode(r), 4, 1)...)
	r.Shuffle(len(codes), func(i, j int) { codes[i], codes[j] = codes[j], codes[i] })
	codes = append(codes, randomCode(r))
	var f family
	var sizes []int
	p.families(prepared(p, codes, 31, 0), &f, func() { sizes = append(sizes, len(f.members)) })
	if !slices.Equal(sizes, []int{4, 4, 1}) {
		t.Errorf("got families of %v", sizes)
	}
}

// A member that has too many candidates is left, the others go on.
func TestFamilyMemberGivesUp(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	p := probed(t, r, 40_000, 14, true)
	b := p.blocks[0]
	queries := prepared(p, flipsOf(r, b.raw(7), 4, 0), 31, 1<<30)
	queries[1].most = 0
	f := &family{members: []*probing{&queries[0], &queries[1], &queries[2], &queries[3]}}
	p.probeFamily(f, hamming.Generic)
	p.gatherFamily(f)
	for i := range queries {
		if q := &queries[i]; q.over != (i == 1) || i != 1 && len(q.idEnds) != len(p.tables) {
			t.Errorf("query %d: it gave up is %v, and it has numbers of %d tables", i, q.over, len(q.idEnds))
		}
	}
	if len(queries[0].ids) == 0 {
		t.Error("the code itself is not among what was found")
	}
}

// Where the buckets are large, runs are taken out that are too long though none of
// their buckets is full.
func TestFamilyLongRuns(t *testing.T) {
	p := probed(t, rand.New(rand.NewPCG(7, 8)), 12_000, 20, false)
	tab := &p.tables[19]
	long := 0
	for key := uint32(0); key < 1<<tab.width; key += 1 << fourBits {
		run, most := uint32(0), uint32(0)
		for j := range uint32(1 << fourBits) {
			_, n := tab.bucket(key | j)
			run, most = run+n, max(most, n)
		}
		if most < full && run > maxRun {
			long++
		}
		g := group{table: tab, key: key, ball: tab.ball(0), starts: make([]uint32, 1), ends: make([]uint32, 1)}
		want := most == full || run > maxRun
		if held, odd := g.probeRecords(); odd != want || held != int(run) {
			t.Fatalf("key %d: got %d, %v, want %d, %v", key, held, odd, run, want)
		}
		for _, level := range kernelLevels() {
			if held, odd, ok := g.probeFast(level); ok && (odd != want || held != int(run)) {
				t.Fatalf("%v, key %d: got %d, %v, want %d, %v", level, key, held, odd, run, want)
			}
		}
	}
	if long == 0 {
		t.Error("there is no such run")
	}
}
