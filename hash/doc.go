// Package hash turns the bytes of a product photo into a fingerprint, and says
// how far two fingerprints are apart.
//
// [Read] makes the exact fingerprint that references are kept as, [ReadQuery]
// the one that queries need, [Of] takes a picture that is decoded already, and
// [Compare] measures. Nothing here knows banks or verdicts, and nothing here
// needs a database.
//
// # The recipe
//
// A fingerprint is only worth something next to another one made in the same
// way, from the first byte on. That way is called the recipe, and its number
// stands in every fingerprint. From bytes to fingerprint:
//
//  1. The first bytes say the format: JPEG, PNG, GIF or WebP, and BMP or TIFF
//     if they are switched on. The header says the sides, and from both follows
//     what decoding will cost. Too large, too small, too dear: refused before
//     a byte is decoded (sniff.go, decode.go, limits.go).
//  2. The standard decoders decode; of an animation the first frame.
//  3. The picture is made canonical: over white, reduced by area to at most
//     1,024 pixels of fine luma and 192 pixels of colour, turned upright by
//     its EXIF orientation (canonical.go, reduce.go).
//  4. PDQ of the full frame, with the codes of the mirrored picture; a quality
//     below 50 is too plain (pdq.go, dihedral.go).
//  5. The uniform border is found on the colour picture; if there is one, PDQ
//     of what is inside it (trim.go).
//  6. A smooth code of the full frame, if fine patterns pass through PDQ's
//     filter (pdq.go).
//  7. goimagehash's perception and difference hash of the picture at 64x64, and
//     a colour signature (compute.go).
//
// All of it is done in integers, or in floating point that no compiler may fuse
// (perception.go), so that the same bytes give the same fingerprint on every
// CPU. The average hash, which no reference is made of but those of imported
// lists, is the library's own and may differ in pictures with tied levels.
//
// # Ledger
//
//	recipe  since  what changed
//	1       0.1.0  the first; decoders of Go 1.26 and golang.org/x/image v0.45.0
//	2       0.2.0  beside the fingerprint, whose codes are those of recipe 1,
//	               [Features]: codes of regions, local features, a small picture
//
// Codes of recipe 1 and 2 mean the same and may be compared; a fingerprint of
// either can be written as one of the other ([Fingerprint.AsRecipe]).
//
// The decoders are part of the recipe. A JPEG decoder may round a pixel by one
// level otherwise and be right; the vectors in testdata fail when an update
// changes a fingerprint, and then it is a new recipe or a pinned decoder.
//
// # What it cannot do
//
// Crops, collages, screenshots and pictures within pictures are other pictures
// to a hash of the whole; that is what [Features] are for. Pixels cannot tell a
// colour variant or another flavour in the same carton from an edited copy. A
// new photo of the same product does not match at all.
//
// # Conformance
//
// On the pictures that PDQ's authors publish, quality 80 and better, the full
// frame is within 4 of 256 bits of their C++ implementation and within 8 of
// the values of their Python and WebAssembly tests; qualities agree within 1.
// The difference is the reference's nearest-neighbour step to 512x512, which
// is left out here, and the JPEG decoder.
package hash
