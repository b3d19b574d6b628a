package radius

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// probed is a part to try the look-up on. That of crowds has few different
// codes, and so full buckets and an overflow.
func probed(t *testing.T, r *rand.Rand, codes, tables int, crowds bool) *part {
	var blocks []*block
	var centres [5]hash.Code
	for i := range centres {
		centres[i] = balanced(r)
	}
	for i := range codes {
		if i%blockSize == 0 {
			blocks = append(blocks, newBlock(blockSize, Options{}))
		}
		c := randomCode(r)
		if crowds {
			c = moved(r, centres[r.IntN(len(centres))], r.IntN(12))
		}
		blocks[len(blocks)-1].push(uint64(i), c, false)
	}
	p := newPart(blocks, New(Options{Tables: tables}).shape, tables)
	if err := p.build(context.Background()); err != nil {
		t.Fatal(err)
	}
	return p
}

// kernelLevels are the levels of this machine above Generic.
func kernelLevels() (levels []hamming.Level) {
	for l := hamming.Generic + 1; l.Available(); l++ {
		levels = append(levels, l)
	}
	return levels
}

func TestProbeLevels(t *testing.T) {
	for _, c := range []struct {
		codes, tables int
		crowds        bool
	}{
		{1, 16, false}, {3000, 16, false}, {40_000, 17, false}, {3000, 16, true}, {40_000, 14, true},
		{13_000, 20, false}, {13_000, 21, true}, // these have offsets, all or some
	} {
		r := rand.New(rand.NewPCG(1, uint64(c.codes)))
		p := probed(t, r, c.codes, c.tables, c.crowds)
		for _, level := range kernelLevels() {
			t.Run(fmt.Sprint(level, c), func(t *testing.T) { compareLevels(t, r, p, level) })
		}
	}
}

func compareLevels(t *testing.T, r *rand.Rand, p *part, level hamming.Level) {
	for n := range 120 {
		i := r.IntN(len(p.tables))
		code := randomCode(r)
		if n%2 == 0 {
			b := p.blocks[r.IntN(len(p.blocks))]
			code = b.raw(r.IntN(len(b.tags)))
		}
		all := p.tables[i].ball(n % 4)
		// Each size up to more than two groups, and the whole.
		size := min(n/2, len(all.masks))
		if n >= 90 {
			size = len(all.masks)
		}
		from := r.IntN(len(all.masks) - size + 1)
		cut := &ball{masks: all.masks[from : from+size], dists: all.dists[from : from+size]}
		a := request{&p.tables[i], p.tables[i].of(code), cut}
		j := r.IntN(len(p.tables))
		next := request{&p.tables[j], p.tables[j].of(code), p.tables[j].ball(r.IntN(3))}
		if n%5 == 0 {
			next = request{}
		}

		// There may be spans and numbers already.
		before := []span{{1, 2}, {3, 4}}[:n%3]
		want, wantHeld := a.probe(&probing{spans: slices.Clone(before)}, next)
		got, held := a.probe(&probing{spans: slices.Clone(before), level: level}, next)
		if !slices.Equal(got, want) || held != wantHeld {
			t.Fatalf("case %d, %d masks: got %d spans of %d, want %d of %d\n%v\n%v", n, size, len(got), held, len(want), wantHeld, got, want)
		}

		spans := want[len(before):]
		if n%2 == 0 {
			spans = anySpans(r, a.table)
		}
		signs := a.signs(r.IntN(9), a.sign.of(randomCode(r)))
		signs.unasked = min(n%3*200, len(spans))
		ids := []uint32{7, 8}[:n%3]
		want32 := signs.gather(hamming.Generic, slices.Clone(ids), spans)
		got32 := signs.gather(level, slices.Clone(ids), spans)
		if !slices.Equal(got32, want32) {
			t.Fatalf("case %d: got %d numbers, want %d\n%v\n%v", n, len(got32), len(want32), got32, want32)
		}
	}
}

// anySpans returns spans of any size, which no directory need have.
func anySpans(r *rand.Rand, t *table) (spans []span) {
	for range r.IntN(600) {
		n := r.IntN(min(20, len(t.ids)+1))
		spans = append(spans, newSpan(uint32(r.IntN(len(t.ids)-n+1)), uint32(n), uint32(r.IntN(maxBall+1))))
	}
	return spans
}
