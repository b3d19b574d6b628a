package hash

import (
	"image"

	"github.com/corona10/goimagehash/etcs"
)

// goimagehash's perception hash is the sign of the 8x8 lowest DCT coefficients
// of the 64x64 picture about their median, in floating point. Photos have no
// equal coefficients, so rounding does not matter. Symmetric pictures (logos,
// patterns, a picture beside its negative) have, and there the last bit of a
// product decides: on a CPU for which the compiler fuses multiplications with
// additions, the library's hash of the same picture differs by up to 18 bits.
//
// A fingerprint must not depend on the CPU that made it. So the two steps in
// which a product can be fused, grey levels and the cosines of the DCT, are
// done here: with conversions that forbid fusing, and with the cosines written
// down. The DCT itself (B. G. Lee, "A new algorithm to compute the discrete
// cosine transform", 1984) adds, subtracts and divides, and the library's
// median compares, so these are alike everywhere. A test holds the result
// against the library, bit for bit, on amd64.

// perception returns the hash of a 64x64 picture.
func perception(g *image.Gray) (w uint64) {
	var m [pdqSide][pdqSide]float64
	for y := range m {
		for x := range m[y] {
			v := float64(g.Pix[y*g.Stride+x])
			m[y][x] = float64(float64(0.299*v)+float64(0.587*v)) + float64(0.114*v)
		}
		lee(&m[y])
	}
	low := make([]float64, 0, 64)
	for x := range 8 {
		column := new([pdqSide]float64)
		for y := range m {
			column[y] = m[y][x]
		}
		lee(column)
		for y := range 8 {
			m[y][x] = column[y]
		}
	}
	for y := range 8 {
		low = append(low, m[y][:8]...)
	}
	median := etcs.MedianOfPixelsFast64(low)
	for _, v := range low {
		w <<= 1
		if v > median {
			w |= 1
		}
	}
	return w
}

// lee replaces v by its unscaled DCT-II.
func lee(v *[pdqSide]float64) {
	var tmp [pdqSide]float64
	leeStep(v[:], tmp[:], leeCosines[:])
}

// leeStep halves the problem: the sums of mirrored pairs give the even
// coefficients, their differences, divided by the cosines, the odd ones.
func leeStep(v, tmp, cosines []float64) {
	n := len(v)
	if n == 1 {
		return
	}
	half := n / 2
	even, odd := tmp[:half], tmp[half:]
	for i := range half {
		a, b := v[i], v[n-1-i]
		even[i], odd[i] = a+b, (a-b)/cosines[i]
	}
	leeStep(even, v[:half], cosines[half:])
	leeStep(odd, v[:half], cosines[half:])
	for i := range half {
		v[2*i], v[2*i+1] = even[i], odd[i]
		if i+1 < half {
			v[2*i+1] += odd[i+1]
		}
	}
}

// leeCosines are the divisors of all steps one after the other, as amd64
// computes them: the last bits of math.Cos differ between CPUs.
var leeCosines = [...]float64{
	// 2 cos((i + 1/2) pi / 64)
	0x1.ffd886084cd0cp+00, 0x1.fe9cdad01883ap+00, 0x1.fc26470e19fd4p+00, 0x1.f8764fa714ba9p+00,
	0x1.f38f3ac64e589p+00, 0x1.ed740e7684963p+00, 0x1.e6288ec48e112p+00, 0x1.ddb13b6ccc23cp+00,
	0x1.d4134d14dc93ap+00, 0x1.c954b213411f5p+00, 0x1.bd7c0ac6f9529p+00, 0x1.b090a581502p+00,
	0x1.a29a7a0462782p+00, 0x1.93a22499263fcp+00, 0x1.83b0e0bff976ep+00, 0x1.72d0837efff97p+00,
	0x1.610b7551d2cdfp+00, 0x1.4e6cabbe3e5eap+00, 0x1.3affa292050bap+00, 0x1.26d054cdd12ep+00,
	0x1.11eb3541b4b24p+00, 0x1.f8ba4dbf89abcp-01, 0x1.cc66e9931c45ep-01, 0x1.9ef7943a8ed89p-01,
	0x1.7088530fa45a1p-01, 0x1.4135c94176602p-01, 0x1.111d262b1f678p-01, 0x1.c0b826a7e4f62p-02,
	0x1.5e214448b3fcbp-02, 0x1.f564e56a97314p-03, 0x1.2d52092ce19f8p-03, 0x1.92155f7a36678p-05,
	// 2 cos((i + 1/2) pi / 32)
	0x1.ff621e3796d7ep+00, 0x1.fa7557f08a517p+00, 0x1.f0a7efb9230d8p+00, 0x1.e212104f686e5p+00,
	0x1.ced7af43cc773p+00, 0x1.b728345196e3ep+00, 0x1.9b3e047f38741p+00, 0x1.7b5df226aafafp+00,
	0x1.57d69348cecap+00, 0x1.30ff7fce17036p+00, 0x1.073879922ffeep+00, 0x1.b5d1009e15cc2p-01,
	0x1.58f9a75ab1fddp-01, 0x1.f19f97b215f1ep-02, 0x1.2c8106e8e613ap-02, 0x1.91f65f10dd825p-04,
	// 2 cos((i + 1/2) pi / 16)
	0x1.fd88da3d12525p+00, 0x1.e9f4156c62ddap+00, 0x1.c38b2f180bdb1p+00, 0x1.8bc806b151741p+00,
	0x1.44cf325091dd7p+00, 0x1.e2b5d3806f63ep-01, 0x1.294062ed59f04p-01, 0x1.917a6bc29b438p-03,
	// 2 cos((i + 1/2) pi / 8)
	0x1.f6297cff75cbp+00, 0x1.a9b66290ea1a4p+00, 0x1.1c73b39ae68c9p+00, 0x1.8f8b83c69a60cp-02,
	// 2 cos((i + 1/2) pi / 4)
	0x1.d906bcf328d46p+00, 0x1.87de2a6aea964p-01,
	// 2 cos((i + 1/2) pi / 2)
	0x1.6a09e667f3bcdp+00,
}
