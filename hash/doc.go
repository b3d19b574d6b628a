// Package hash turns the bytes of a product photo into a fingerprint, and says
// how far two fingerprints are apart.
//
// [Read] makes the exact fingerprint that references are kept as, [Hasher] and
// [ReadQuery] one that is nearly the same and that queries need, for a small part of
// the work; [Of] takes a picture that is decoded already, and [Compare] measures.
// Nothing here knows banks or verdicts, and nothing here needs a database.
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
//  2. The standard decoders decode; of an animation the first frame. PNGs of
//     the common kinds have a reader of rows of their own, which gives the same
//     pixels without a picture of full size (pngrows.go).
//  3. The picture is made canonical row by row: over white, reduced by area to
//     at most 1,024 pixels of fine luma and 192 pixels of colour, turned upright
//     by its EXIF orientation afterwards (canonical.go, rows.go, reduce.go,
//     colours.go).
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
// That is the exact path, and the only one for references.
//
// # The query path
//
// Most of the work on a JPEG is decoding, and most queries match nothing. So
// a query's JPEG is decoded at an eighth, a quarter, three eighths or half of its
// size, the least at which the short side keeps 125 samples
// (internal/scaledjpeg), and PDQ's samples are taken from that as they lie in the full
// picture (scaled.go). The colour signature comes from the means of chroma blocks.
//
// The result is not that of [Read] but near it: some bits of 256 and some points of
// quality away, the more the fewer samples are left. The command benchmarks/speed
// measures how far, against bars (make fidelity). It is the same on every CPU too. Its
// text form begins with t2q, [Fingerprint.Fast] reports it, and it cannot become a
// reference. It has no hashes of goimagehash; [Info.Load] reads the picture
// exactly, after which [Info.Complete] adds them. [Info.Exact] says whether that is
// done or needless.
//
// Whatever makes the small picture doubtful is read exactly at once (hasher.go):
//
//   - formats other than JPEG, and JPEGs that internal/scaledjpeg leaves to
//     image/jpeg: four components, RGB, and all damage that it meets;
//   - pictures with a short side below 250 pixels, and small ones inside a border;
//   - those that are nearly too plain;
//   - fine regular patterns, if a larger scale does not do either;
//   - a border, if it is in doubt where that ends. A sequential file with a border
//     is read again, once to three times, with the lines about the edges in
//     full (border.go); a progressive one, and one whose components stand in scans
//     of their own, cannot be.
//
// Two kinds of files are refused by Read and get a fingerprint as a query. Those that
// would take more than [Limits.MaxMemory] in full, and less at half of the size:
// large progressive files above all. And progressive files that are damaged in scans
// that the small picture does not need: bad codes, missing tables, data that is
// missing or too much. Damage that the small picture shows, and all damage of a
// sequential file, is judged by the exact path.
//
// A file can be made to look different small. A viewer clips each pixel to what can be
// shown; the small picture has no single pixels, and clips the means of several. In a
// photo that makes no difference that counts; in a file that was made for it, whose
// pixels are far beyond white and black side by side, or whose colours do not exist, it
// does. So a fingerprint of the small picture finds, and does not prove: package index
// shows a match only after [Info.Load] and a search by what that has found
// ([Info.Loaded]). [Hasher.QueryExactly] reads exactly at once.
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
// The query path is no recipe of its own: what it makes is compared and never kept
// as a reference, its text form is that of recipe 2, and what Read makes is bit
// for bit what it was. It may come nearer to the exact path without a new number.
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
