package jpegwriter

// The forward DCT of T.81, section A.3.3, in float64: exact enough that only a
// coefficient that lies within 1e-12 of a rounding boundary could come out
// differently elsewhere. Products are rounded before they are added, so that
// no processor fuses the two.

// Half the cosines of k*pi/16.
const (
	cos1 = 0.49039264020161522456
	cos2 = 0.46193976625564337807
	cos3 = 0.41573480615127261854
	cos4 = 0.35355339059327376220
	cos5 = 0.27778511650980111237
	cos6 = 0.19134171618254488586
	cos7 = 0.09754516100806413392
)

// forwardDCT transforms the samples s, level shift taken off, in place.
func forwardDCT(s *[64]float64) {
	for i := 0; i < 64; i += 8 {
		transform8(s, i, 1)
	}
	for i := range 8 {
		transform8(s, i, 8)
	}
}

// transform8 transforms the eight values from i on that lie step apart, the
// even and the odd frequencies each from four values.
func transform8(s *[64]float64, i, step int) {
	at := func(k int) *float64 { return &s[(i+k*step)&63] }
	a, b, c, d := *at(0)+*at(7), *at(1)+*at(6), *at(2)+*at(5), *at(3)+*at(4)
	e, f, g, h := *at(0)-*at(7), *at(1)-*at(6), *at(2)-*at(5), *at(3)-*at(4)
	*at(0) = float64(cos4 * (a + b + c + d))
	*at(4) = float64(cos4 * (a - b - c + d))
	*at(2) = float64(cos2*(a-d)) + float64(cos6*(b-c))
	*at(6) = float64(cos6*(a-d)) - float64(cos2*(b-c))
	*at(1) = float64(cos1*e) + float64(cos3*f) + float64(cos5*g) + float64(cos7*h)
	*at(3) = float64(cos3*e) - float64(cos7*f) - float64(cos1*g) - float64(cos5*h)
	*at(5) = float64(cos5*e) - float64(cos1*f) + float64(cos7*g) + float64(cos3*h)
	*at(7) = float64(cos7*e) - float64(cos5*f) + float64(cos3*g) - float64(cos1*h)
}

// quantise divides the coefficients s by table, whose reciprocals are given,
// and rounds to the nearest whole number, ties upwards.
func quantise(s *[64]float64, reciprocals *[64]float64, out *Block) {
	const offset = 1 << 14 // makes every value positive: conversion then rounds down
	for i, v := range s {
		out[i] = int16(int32(float64(v*reciprocals[i])+(offset+0.5)) - offset)
	}
}

// quantTables returns the tables of annex K.1 for a quality of 1 to 100, scaled
// as the Independent JPEG Group's library does, up to the largest divisor.
func quantTables(quality int, largest int) [2][64]uint16 {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	t := annexK1
	for i := range t {
		for j, q := range t[i] {
			t[i][j] = uint16(min(max((int(q)*scale+50)/100, 1), largest))
		}
	}
	return t
}

// annexK1 is tables K.1 and K.2 of T.81, for luminance and chrominance.
var annexK1 = [2][64]uint16{{
	16, 11, 10, 16, 24, 40, 51, 61,
	12, 12, 14, 19, 26, 58, 60, 55,
	14, 13, 16, 24, 40, 57, 69, 56,
	14, 17, 22, 29, 51, 87, 80, 62,
	18, 22, 37, 56, 68, 109, 103, 77,
	24, 35, 55, 64, 81, 104, 113, 92,
	49, 64, 78, 87, 103, 121, 120, 101,
	72, 92, 95, 98, 112, 100, 103, 99,
}, {
	17, 18, 24, 47, 99, 99, 99, 99,
	18, 21, 26, 66, 99, 99, 99, 99,
	24, 26, 56, 99, 99, 99, 99, 99,
	47, 66, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99,
}}

// zigzag is the place in a Block of the coefficients in their coded order.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}
