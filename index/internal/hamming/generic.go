package hamming

import (
	"math/bits"
	"unsafe"
)

// The kernels in plain Go. They are the meaning of the others, run where there
// is no other, and finish the positions from that a kernel with a fixed stride
// has left over.

func distance(a, b *Half) int {
	return bits.OnesCount64(a[0]^b[0]) + bits.OnesCount64(a[1]^b[1])
}

func halvesFrom(found []uint32, halves []Half, from int, q *Half, limit int) []uint32 {
	for i := from; i < len(halves); i++ {
		if distance(&halves[i], q) <= limit {
			found = append(found, uint32(i))
		}
	}
	return found
}

func halvesOf8From(found []Pair, halves []Half, from int, q *[Lanes]Half, limits *[Lanes]int) []Pair {
	for i := from; i < len(halves); i++ {
		h := &halves[i]
		near := uint32(0)
		for j := range q {
			if distance(h, &q[j]) <= limits[j] {
				near |= 1 << j
			}
		}
		if near != 0 {
			found = append(found, Pair{uint32(i), near})
		}
	}
	return found
}

func codesFrom(found []uint32, a, b []Half, from int, q *Row, limit int) []uint32 {
	for i := from; i < len(a); i++ {
		if distance(&a[i], (*Half)(q[:2]))+distance(&b[i], (*Half)(q[2:])) <= limit {
			found = append(found, uint32(i))
		}
	}
	return found
}

func codesOf8From(found []Pair, a, b []Half, from int, q *[Lanes]Row, limits *[Lanes]int) []Pair {
	for i := from; i < len(a); i++ {
		if near := nearRows(&a[i], &b[i], q, limits); near != 0 {
			found = append(found, Pair{uint32(i), near})
		}
	}
	return found
}

func rowsOf8From(found []Pair, rows []Row, from int, q *[Lanes]Row, limits *[Lanes]int) []Pair {
	for i := from; i < len(rows); i++ {
		r := &rows[i]
		if near := nearRows((*Half)(r[:2]), (*Half)(r[2:]), q, limits); near != 0 {
			found = append(found, Pair{uint32(i), near})
		}
	}
	return found
}

// nearRows returns the lanes that are near the code of the halves a and b.
func nearRows(a, b *Half, q *[Lanes]Row, limits *[Lanes]int) (near uint32) {
	for j := range q {
		d := distance(a, (*Half)(q[j][:2]))
		if d <= limits[j] && d+distance(b, (*Half)(q[j][2:])) <= limits[j] {
			near |= 1 << j
		}
	}
	return near
}

func wordsFrom(found []uint32, words []uint64, from int, q uint64, limit int) []uint32 {
	for i := from; i < len(words); i++ {
		if bits.OnesCount64(words[i]^q) <= limit {
			found = append(found, uint32(i))
		}
	}
	return found
}

func atFrom(found []uint32, blocks []*Half, ids []uint32, from int, q *Half, limit int) []uint32 {
	for i := from; i < len(ids); i++ {
		id := ids[i]
		at := uintptr(id&(BlockSize-1)) * unsafe.Sizeof(Half{})
		h := (*Half)(unsafe.Add(unsafe.Pointer(blocks[id>>BlockBits]), at))
		if distance(h, q) <= limit {
			found = append(found, uint32(i))
		}
	}
	return found
}
