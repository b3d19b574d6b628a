// Package scaledjpeg decodes a JPEG to a small picture, for hashing.
//
// A perceptual hash looks at 64x64 samples, and a photo of a million pixels is decoded
// for them. Decoding is 95 % of the cost. But a JPEG is stored as blocks of 8x8
// pixels by frequency: the first coefficient of a block is its mean, the next few its
// coarse shape. So a picture of an eighth, a quarter or half of the size can be had
// without the others, and without most of the work: no inverse transform of 64
// coefficients, no chroma beyond its means, no colour conversion.
//
// What is left is finding one's way through the entropy coded data. In a sequential
// file each Huffman code must be passed to find the next; that is done several at a
// time, without reading the values (huffman.go). In a progressive file whole scans
// are jumped over (scan.go).
//
// # Samples
//
// At scale k (1, 2, 3 or 4 samples per side of a block, that is 1/8, 1/4, 3/8 or 1/2
// of the size) a sample is the mean, over the pixels that it covers, of the block as
// its coefficients of frequencies below k in both directions make it. Nothing is
// clipped to 0..255 (transform.go). The chroma planes are means of blocks at each scale.
//
// # What is left to image/jpeg
//
// This package has no errors of its own about files. What it does not read, or what
// is not as it should be, is [ErrOdd], and the caller asks image/jpeg, whose word
// is final. Besides damage of any kind that is:
//
//   - four components, planes that are red, green and blue, more than 8 bits,
//     arithmetic and lossless coding, no pixels, a second frame;
//   - sampling factors of which those of Cb and Cr differ, luma below the full resolution,
//     colour with a factor of 3 or a vertical one of 4, units of more than ten blocks;
//   - codes that are no prefix codes, or missing; coefficients beyond the block or the
//     band; runs of blocks in a sequential scan, or beyond the last block;
//   - restart markers that are missing or out of turn;
//   - in progressive files: scans that do not continue what was sent before (sent twice,
//     refined out of order or without having been sent), that leave more than
//     two bits for later, quantisation tables after the first scan, a component
//     without a scan;
//   - a scan of one component with several blocks to a unit, if there are restart markers
//     or it is chroma: image/jpeg does not read these as T.81 has them.
//
// Only the opposite needs care: files that this package reads and image/jpeg refuses.
// They are damaged where this package does not look, in the scans of a progressive file
// that the scale does not need: bad codes, tables that are missing, data that is
// missing up to the next marker or too much. The headers of those scans, and tables that
// are there, are read all the same.
package scaledjpeg

import (
	"errors"
)

// ErrOdd says that a file is left to image/jpeg: it is damaged, or of a kind that this
// package does not read.
var ErrOdd = errors.New("scaledjpeg: left to image/jpeg")

// Fraction is the number of fractional bits of a sample.
const Fraction = 4

// Plane is one plane of a scaled picture: H rows of W samples, Stride apart, in grey
// levels (0 to 255, and beyond where nothing was clipped, -2048 to 2047 at most) with
// Fraction fractional bits. A sample covers SpanX x SpanY thirds of a pixel; sample 0
// begins at the edge of the picture, those of the last column and row may lie
// beyond the opposite edge in part.
type Plane struct {
	W, H, Stride int
	SpanX, SpanY int
	Pix          []int16
}

// Picture is a scaled picture.
type Picture struct {
	// Width and Height are of the full picture, in pixels, as stored.
	Width, Height int
	// Luma is Y; Chroma are Cb and Cr, without samples if the file is grey.
	Luma   Plane
	Chroma [2]Plane
	// Unread is the most that is not known of any coefficient, because a progressive file
	// sends its last bits later: a range, in units of dequantised coefficients, of which
	// eight are a grey level of a mean. It is 0 for sequential files.
	Unread int
}
