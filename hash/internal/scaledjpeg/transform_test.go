package scaledjpeg

import (
	"math"
	"testing"
)

// The constants are the means that they are said to be.
func TestCosineMeans(t *testing.T) {
	for k := 1; k <= MaxScale; k++ {
		m := cosineMeansOf(k)
		for u := range MaxScale {
			want := 0.0
			switch {
			case k == 4 && u == 3:
				want = -m[1][u]
			case u < k:
				want = m[0][u]
			}
			if got := cosineMeans[k][u]; got != uint64(math.Round(math.Ldexp(want, meanBits))) {
				t.Errorf("scale %d, cosine %d: %d, want %.2f", k, u, got, math.Ldexp(want, meanBits))
			}
		}
	}
}

// Factors are rounded once. Those of the largest divisors miss it by what is missing in the
// means.
func TestFactors(t *testing.T) {
	mean := func(k, u int) float64 { return math.Ldexp(float64(cosineMeans[k][u]), -meanBits) }
	for k := 1; k <= MaxScale; k++ {
		for v := range k {
			for u := range k {
				for divisor := 0; divisor <= math.MaxUint16; divisor += 5 {
					want := float64(divisor) * mean(k, v) * mean(k, u) * (1 << (scaleBits + Fraction))
					if got := factor(k, v, u, uint16(divisor)); math.Abs(float64(got)-want) > 0.5001 {
						t.Fatalf("scale %d, coefficient (%d, %d), divisor %d: %d, want %.3f", k, v, u, divisor, got, want)
					}
				}
			}
		}
	}
}
