package hamming

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// FuzzKernels compares every level with the definition. The bytes of data are
// codes and queries, read round and round from places that do not repeat soon,
// so that few bytes make many codes with bits in common; limits are one byte
// for each lane, 255 being -1.
func FuzzKernels(f *testing.F) {
	f.Add([]byte("a picture is not its frame"), []byte{31, 48, 64, 96, 100, 110, 120, 255}, uint16(100), uint8(1))
	f.Add([]byte{0}, []byte{0}, uint16(500), uint8(0))
	f.Add([]byte{0, 255}, []byte{128, 254}, uint16(129), uint8(3))
	f.Fuzz(func(t *testing.T, data, limits []byte, n uint16, cut uint8) {
		if len(data) == 0 || len(limits) == 0 || n > 2000 {
			return
		}
		at := 0
		next := func() (r Row) {
			for w := range r {
				var word [8]byte
				for k := range word {
					word[k] = data[at%len(data)]
					at++
				}
				r[w] = binary.LittleEndian.Uint64(word[:])
			}
			at += 7
			return r
		}
		var q [Lanes]Row
		var lim [Lanes]int
		for j := range q {
			q[j] = next()
			lim[j] = int(limits[j%len(limits)])
			if lim[j] == 255 {
				lim[j] = -1
			}
		}
		rows, ids := make([]Row, n), make([]uint32, n)
		for i := range rows {
			rows[i] = next()
			ids[i] = uint32(rows[i][0] % uint64(n))
		}
		c := newCodes(rows, ids, q, lim).from(int(cut))
		compare(t, c, fmt.Sprintf("n=%d cut=%d limits=%v", n, cut, lim))
	})
}
