package codes

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
)

// TestMakeIsTheSameOnAnyNumberOfCores compares the work of one goroutine with
// that of five, on a set whose last block is not full.
func TestMakeIsTheSameOnAnyNumberOfCores(t *testing.T) {
	for _, kind := range Kinds() {
		one, five := make([]hash.Code, 3*block+7), make([]hash.Code, 3*block+7)
		fill(one, newModel(kind), 5, 1)
		fill(five, newModel(kind), 5, 5)
		if !slices.Equal(one, five) {
			t.Errorf("%s: other codes on five cores", kind)
		}
		fill(five, newModel(kind), 6, 5)
		if slices.Equal(one, five) {
			t.Errorf("%s: another seed makes the same codes", kind)
		}
	}
}

// TestCodesStay fails when a change of this package makes results incomparable
// with those that were kept.
func TestCodesStay(t *testing.T) {
	golden := map[Kind]string{
		Uniform: "221bb0745416faa7", Box: "5a5a5bb6b74259b8", BoxWhite: "3052379f5799df72", Stress: "a599d938941712ec",
	}
	for kind, want := range golden {
		stored := Make(kind, 2*block, 1)
		h := fnv.New64a()
		binary.Write(h, binary.LittleEndian, stored)
		for _, q := range Queries(kind, stored, 100, 2) {
			binary.Write(h, binary.LittleEndian, q.Code)
		}
		if got := fmt.Sprintf("%x", h.Sum64()); got != want {
			t.Errorf("%s: checksum %s, want %s", kind, got, want)
		}
	}
}

func TestWeights(t *testing.T) {
	for _, kind := range Kinds() {
		other := 0
		for _, c := range Make(kind, block+100, 3) {
			if weight(c) != 128 {
				other++
			}
		}
		if kind != Stress && other > 0 || kind == Stress && other < block/2 {
			t.Errorf("%s: %d codes have a weight other than 128", kind, other)
		}
	}
}

func TestHotClusters(t *testing.T) {
	for _, kind := range Kinds() {
		for _, n := range []int{0, 49, 50, 5000, 60_000} {
			set := Make(kind, n, 4)
			hot := Hot(n)
			if (len(hot) == Clusters) != (n >= 50) {
				t.Fatalf("%d codes: centres %v", n, hot)
			}
			seen := make(map[int]bool)
			for c, at := range hot {
				for i := range members(n) {
					p := position(n, c, i)
					d := set[at].Distance(set[p])
					if seen[p] || d > 15 || kind != Stress && d%2 != 0 {
						t.Fatalf("%s, %d codes: member %d of cluster %d at %d, distance %d", kind, n, i, c, p, d)
					}
					seen[p] = true
				}
			}
		}
	}
	if m := members(10_000_000); m != clusterSize {
		t.Errorf("%d members", m)
	}
}

func TestQueries(t *testing.T) {
	for _, kind := range Kinds() {
		stored := Make(kind, 20_000, 1)
		queries := Queries(kind, stored, 205, 2)
		if len(queries) != 205 || len(Queries(kind, stored, 3, 2)) != 3 {
			t.Fatalf("%s: %d queries", kind, len(queries))
		}
		fresh, copies, distances := 0, 0, make(map[int]int)
		for i, q := range queries {
			switch {
			case q.Of < 0:
				fresh++
			case q.Code != stored[q.Of] && i < Clusters:
				t.Errorf("%s: query %d is not a centre", kind, i)
			default:
				copies++
				distances[q.Distance]++
				if d := q.Code.Distance(stored[q.Of]); d != q.Distance || d > 31 {
					t.Errorf("%s: query %d: distance %d, said to be %d", kind, i, d, q.Distance)
				}
			}
			if kind != Stress && weight(q.Code) != 128 {
				t.Errorf("%s: query %d has weight %d", kind, i, weight(q.Code))
			}
		}
		if fresh != 100 || copies != 105 {
			t.Errorf("%s: %d fresh, %d copies", kind, fresh, copies)
		}
		if odd := distances[1] + distances[15] + distances[31]; kind != Stress && odd > 0 || len(distances) < 12 {
			t.Errorf("%s: distances %v", kind, distances)
		}
	}
	if q := Queries(Box, nil, 4, 1); len(q) != 4 || q[3].Of != -1 {
		t.Errorf("queries of an empty set: %v", q)
	}
}

func TestMoved(t *testing.T) {
	c := Make(Uniform, 1, 1)[0]
	for d := 0; d <= 256; d += 2 {
		m := Moved(c, d, uint64(d))
		if m.Distance(c) != d || weight(m) != 128 {
			t.Errorf("distance %d, want %d; weight %d", m.Distance(c), d, weight(m))
		}
	}
	if Moved(c, 30, 1) == Moved(c, 30, 2) {
		t.Error("two seeds, one code")
	}
}

// TestCut compares the counting with sorting, wherever the median lies and with
// ties.
func TestCut(t *testing.T) {
	r := stream(7, 0)
	for round := range 500 {
		var signal, noise noise
		spread := int32(1) << (round % 17)
		for i := range noise {
			signal[i] = r.Int32N(spread) - spread/2
			noise[i] = (int32(round)%5 - 2) * 20_000 * int32(round/250)
		}
		order := make([]int, 256)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return int(signal[a]+noise[a]) - int(signal[b]+noise[b]) })
		var want hash.Code
		for _, i := range order[128:] {
			want[i/64] |= 1 << (i % 64)
		}
		if got := cut(&signal, &noise); got != want {
			t.Fatalf("round %d: %v, sorting gives %v", round, got, want)
		}
	}
}

func TestSide(t *testing.T) {
	b := newBox(newNormals(), stream(8, 0), 0.5)
	twin := newBox(b.normals, stream(8, 0), 0.5)
	got := b.side()
	centre := 0.5 + 0.03*twin.normals.one(twin.r)
	half := 0.30 + 0.18*twin.r.Float64()
	for k := range got {
		want := math.Cos(math.Pi*float64(k+1)*centre) * math.Sin(math.Pi*float64(k+1)*half)
		if math.Abs(got[k]-want) > 1e-12 {
			t.Errorf("frequency %d: %g, want %g", k+1, got[k], want)
		}
	}
}

// free draws codes without relatives and clusters.
func free(kind Kind, white float64, n int) []hash.Code {
	r := stream(9, 0)
	d := newModel(kind).drawer(r)
	if kind == Box || kind == BoxWhite {
		d = newBox(newNormals(), r, white)
	}
	set := make([]hash.Code, n)
	for i := range set {
		set[i] = d.fresh()
	}
	return set
}

// TestFit compares codes without families with what was fitted: the columns of
// the model, which the real photos are beside (real white and natural: pair
// distances 127.0 and 127.8 with a spread of 9.4 and 8.5; candidates of 16
// chunks in natural order 14,200 and 5,430, permuted 5,400 and 4,200; of 13
// chunks 5,320 and 1,910, permuted 2,080 and 1,380).
//
// Candidates are those of a multi-index at radius 30, in a million.
func TestFit(t *testing.T) {
	for _, c := range []struct {
		kind             Kind
		white            float64
		mean, spread     float64
		natural16, any16 float64
		natural13, any13 float64
	}{
		{kind: BoxWhite, white: 1, mean: 126.9, spread: 9.5, natural16: 14_100, any16: 5_500, natural13: 3_860, any13: 1_840},
		{kind: Box, white: 0, mean: 128.0, spread: 8.5, natural16: 5_500, any16: 4_170, natural13: 1_660, any13: 1_350},
		{kind: Uniform, mean: 128.0, spread: 8.0, natural16: 3_900, any16: 3_900, natural13: 1_240, any13: 1_240},
	} {
		set := free(c.kind, c.white, 2500)
		mixed := Permuted(set)
		mean, spread := pairs(set)
		near := func(what string, got, want, tolerance float64) {
			t.Helper()
			t.Logf("%s white %v: %s %.4g, fitted %.4g", c.kind, c.white, what, got, want)
			if math.Abs(got-want) > tolerance {
				t.Errorf("%s white %v: %s %.4g, want %.4g within %.3g", c.kind, c.white, what, got, want, tolerance)
			}
		}
		near("mean distance", mean, c.mean, 0.4)
		near("spread of distances", spread, c.spread, 0.3)
		near("candidates of 16 chunks", Candidates(set, 16, 30), c.natural16, 0.10*c.natural16)
		near("candidates of 16 chunks, permuted", Candidates(mixed, 16, 30), c.any16, 0.10*c.any16)
		near("candidates of 13 chunks", Candidates(set, 13, 30), c.natural13, 0.12*c.natural13)
		// One order of the bits is luckier than another.
		near("candidates of 13 chunks, permuted", Candidates(mixed, 13, 30), c.any13, 0.20*c.any13)
	}
}

// TestStressIsHard bounds the biases and correlations: means over pairs of bits
// are compared with those that the kind is described by.
func TestStressIsHard(t *testing.T) {
	set := free(Stress, 0, 2500)
	var ones [256]float64
	for _, c := range set {
		for b := range ones {
			ones[b] += float64(c[b/64]>>(b%64)&1) / float64(len(set))
		}
	}
	bias := 0.0
	for _, p := range ones {
		bias += math.Abs(p-0.5) / 256
	}
	mean, spread := pairs(set)
	hard, easy := Candidates(Permuted(set), 16, 30), Candidates(Permuted(free(Uniform, 0, 2000)), 16, 30)
	t.Logf("bias %.3f, distances %.1f with a spread of %.1f, candidates %.0f against %.0f", bias, mean, spread, hard, easy)
	if bias < 0.15 || bias > 0.23 || mean < 90 || mean > 110 || hard < 15*easy {
		t.Errorf("bias %.3f, mean distance %.1f, %.0f candidates against %.0f of uniform codes", bias, mean, hard, easy)
	}
}

// TestFamilies looks for the share of codes that have a relative.
func TestFamilies(t *testing.T) {
	for _, c := range []struct {
		kind      Kind
		low, high float64
	}{{Uniform, 0.01, 0.03}, {BoxWhite, 0.40, 0.56}, {Box, 0.20, 0.30}} {
		set := Make(c.kind, block, 12)
		set = set[:4000] // hot clusters lie all over it
		related := 0
		for i := range set {
			for j := range set {
				if i != j && set[i].Distance(set[j]) <= 64 {
					related++
					break
				}
			}
		}
		hot := float64(Clusters*members(block)) / block
		share := float64(related)/float64(len(set)) - hot
		if share < c.low || share > c.high {
			t.Errorf("%s: %.3f of the codes have a relative, want %v to %v", c.kind, share, c.low, c.high)
		}
	}
}

// pairs returns mean and standard deviation of the distances of all pairs.
func pairs(set []hash.Code) (mean, spread float64) {
	var n, sum, squares float64
	for i := range set {
		for j := range i {
			d := float64(set[i].Distance(set[j]))
			n, sum, squares = n+1, sum+d, squares+d*d
		}
	}
	mean = sum / n
	return mean, math.Sqrt(squares/n - mean*mean)
}

// TestCandidates counts by hand: chunks of a code against one that differs in
// some bits of some chunks.
func TestCandidates(t *testing.T) {
	// Of 13 chunks nine have 20 bits and four 19; at radius 30 the first five may
	// differ in two bits, the others in one.
	for _, c := range []struct {
		flip []int // bits
		want int
	}{
		{nil, 13},
		{[]int{0, 1}, 13},
		{[]int{0, 1, 2}, 12},
		{[]int{98, 99, 100}, 13},      // two in the fifth chunk, one in the sixth
		{[]int{98, 99, 100, 101}, 12}, // two in the sixth
		{[]int{62, 63, 64, 65}, 12},   // all in the fourth, over the end of a word
		{[]int{254, 255}, 12},
		{[]int{179, 180}, 13}, // the ninth and the tenth chunk
		{[]int{180, 198}, 12}, // the tenth has 19 bits
		{[]int{180, 199}, 13},
	} {
		var code hash.Code
		for _, b := range c.flip {
			code[b/64] |= 1 << (b % 64)
		}
		if got := Candidates([]hash.Code{{}, code}, 13, 30); got != 1e6*float64(c.want) {
			t.Errorf("bits %v: %v, want %d", c.flip, got/1e6, c.want)
		}
	}
	if Candidates(nil, 13, 30) != 0 || Candidates(make([]hash.Code, 1), 13, 30) != 0 {
		t.Error("candidates without a pair")
	}
}

func TestPermuted(t *testing.T) {
	set := free(Uniform, 0, 50)
	mixed := Permuted(set)
	moved := false
	for i := range set {
		moved = moved || mixed[i] != set[i]
		if d := mixed[i].Distance(mixed[0]); d != set[i].Distance(set[0]) || weight(mixed[i]) != 128 {
			t.Errorf("code %d: distance %d, weight %d", i, d, weight(mixed[i]))
		}
	}
	if !moved {
		t.Error("nothing has moved")
	}
}

func BenchmarkMake(b *testing.B) {
	for _, kind := range Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			for range b.N {
				Make(kind, 200_000, 1)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/200_000, "us/code")
		})
	}
}
