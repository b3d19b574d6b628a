package jpegwriter

import (
	"math/rand/v2"
	"sort"
	"testing"
)

// The forward transform undoes the formula of the inverse one.
func TestForwardDCT(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	ones := [64]uint16{}
	for i := range ones {
		ones[i] = 1
	}
	cosines := cosineTable()
	for range 100 {
		var want Block
		for i := range want {
			want[i] = int16(r.IntN(401) - 200)
		}
		s := inverse(&want, &ones, &cosines)
		forwardDCT(&s)
		for i, v := range s {
			if d := v - float64(want[i]); d > 1e-9 || d < -1e-9 {
				t.Fatalf("coefficient %d is %v, want %d", i, v, want[i])
			}
		}
	}
}

func TestQuantise(t *testing.T) {
	var s, reciprocals [64]float64
	var got Block
	for i := range reciprocals {
		reciprocals[i] = 0.25
	}
	values := []float64{0, 1.9, 2, -1.9, -2, -2.1, 5.9, -4000, 4096}
	copy(s[:], values)
	quantise(&s, &reciprocals, &got)
	for i, want := range []int16{0, 0, 1, 0, 0, -1, 1, -1000, 1024} {
		if got[i] != want {
			t.Errorf("%v / 4 is rounded to %d, want %d", values[i], got[i], want)
		}
	}
}

// Zig-zag order goes along the diagonals.
func TestZigzag(t *testing.T) {
	order := make([]int, 64)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := order[i], order[j]
		da, db := a/8+a%8, b/8+b%8
		if da != db {
			return da < db
		}
		if da%2 == 0 {
			return a > b // upwards
		}
		return a < b
	})
	for k, at := range order {
		if int(zigzag[k]) != at {
			t.Errorf("coefficient %d is at %d, want %d", k, zigzag[k], at)
		}
	}
}

// Divisors of the qualities, by the formula of the Independent JPEG Group's
// library.
func TestQuality(t *testing.T) {
	for _, tt := range []struct {
		quality, largest int
		first, last      uint16 // of the first table
	}{
		{1, 255, 255, 255}, {1, 32767, 800, 4950}, {10, 255, 80, 255}, {25, 255, 32, 198},
		{49, 255, 16, 101}, {50, 255, 16, 99}, {75, 255, 8, 50}, {85, 255, 5, 30}, {99, 255, 1, 2}, {100, 255, 1, 1},
	} {
		got := quantTables(tt.quality, tt.largest)[0]
		if got[0] != tt.first || got[63] != tt.last {
			t.Errorf("quality %d up to %d: %d and %d, want %d and %d", tt.quality, tt.largest, got[0], got[63], tt.first, tt.last)
		}
	}
}
