package jpegwriter

import (
	"bytes"
	"container/heap"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// The tables of annex K are those that image/jpeg writes.
func TestAnnexK(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, texture(16, 16), &jpeg.Options{Quality: 50}); err != nil {
		t.Fatal(err)
	}
	theirs := segmentsOf(t, b.Bytes())
	ours := segmentsOf(t, mustEncode(t, mustTransform(t, 16, 16, Options{Quality: 50}), Options{JoinTables: true}))
	for _, m := range []byte{markerDQT, markerDHT} {
		if len(theirs[m]) != 1 || len(ours[m]) != 1 || !bytes.Equal(theirs[m][0], ours[m][0]) {
			t.Errorf("segment %#x is\n%x, image/jpeg's is\n%x", m, ours[m], theirs[m])
		}
	}
}

// segmentsOf returns the bodies of the segments before the first scan.
func segmentsOf(t *testing.T, b []byte) map[byte][][]byte {
	t.Helper()
	segments := map[byte][][]byte{}
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		n := int(b[i+2])<<8 | int(b[i+3])
		if b[i+1] == markerSOS {
			return segments
		}
		segments[b[i+1]] = append(segments[b[i+1]], b[i+4:i+2+n])
		i += 2 + n
	}
	t.Fatal("no scan")
	return nil
}

// A made table has a code for each symbol that occurs, none of more than 16
// bits, none of ones alone, and none shorter is possible.
func TestOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, symbols := range []int{1, 2, 3, 7, 100, 256} {
		for _, skew := range []int{1, 10, 30} {
			var uses [257]int
			for _, s := range r.Perm(256)[:symbols] {
				uses[s] = 1 + r.IntN(1<<r.IntN(skew))
			}
			checkTable(t, &uses, true)
		}
	}
	var fibonacci [257]int // the deepest tree there is
	for i, a, b := 0, 1, 1; i < 40; i, a, b = i+1, b, a+b {
		fibonacci[200-i] = a
	}
	checkTable(t, &fibonacci, false)
}

// checkTable checks the table made for uses, and with free that its codes cost
// what Huffman's do: the limit of 16 bits must then not bite.
func checkTable(t *testing.T, uses *[257]int, free bool) {
	t.Helper()
	var made table
	s := optimal(uses)
	made.assign(s)
	room, cost, used := 0, 0, 0
	for symbol, n := range uses[:256] {
		size := int(made.size[symbol])
		if (n > 0) != (size > 0) {
			t.Fatalf("symbol %d occurs %d times and has %d bits", symbol, n, size)
		}
		if n == 0 {
			continue
		}
		used++
		room += 1 << (16 - size)
		cost += n * size
		if int(made.code[symbol]) >= 1<<size-1 {
			t.Errorf("the code of symbol %d is %b of %d bits", symbol, made.code[symbol], size)
		}
	}
	if room >= 1<<16 || used != len(s.symbols) {
		t.Errorf("codes take %d of 65536 places, %d symbols of %d", room, used, len(s.symbols))
	}
	if best, deepest := huffmanCost(uses); free && deepest <= 16 && cost > best {
		t.Errorf("%d symbols cost %d bits, Huffman's code %d", used, cost, best)
	} else if !free && deepest <= 16 {
		t.Errorf("a tree of depth %d tests no limit", deepest)
	}
}

// huffmanCost returns the bits that an unlimited Huffman code takes for uses
// and one more symbol that occurs once but is not counted, and its depth.
func huffmanCost(uses *[257]int) (bits, deepest int) {
	h := &trees{{weight: 1, reserved: 0}}
	for _, n := range uses[:256] {
		if n > 0 {
			*h = append(*h, tree{weight: n, reserved: -1})
		}
	}
	heap.Init(h)
	reserved := 0
	for h.Len() > 1 {
		a, b := heap.Pop(h).(tree), heap.Pop(h).(tree)
		joined := tree{weight: a.weight + b.weight, depth: max(a.depth, b.depth) + 1, reserved: -1}
		if d := max(a.reserved, b.reserved); d >= 0 {
			joined.reserved = d + 1
			reserved = d + 1
		}
		bits += joined.weight
		heap.Push(h, joined)
	}
	return bits - reserved, (*h)[0].depth
}

// tree is a part of a Huffman tree; reserved is the depth in it of the symbol
// that is not counted, -1 if it is not there.
type tree struct{ weight, depth, reserved int }

type trees []tree

func (h trees) Len() int           { return len(h) }
func (h trees) Less(i, j int) bool { return h[i].weight < h[j].weight }
func (h trees) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *trees) Push(x any)        { *h = append(*h, x.(tree)) }
func (h *trees) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
