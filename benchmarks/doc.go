// Package benchmarks measures the product from outside, through its exported
// names:
//
//	go test -run '^$' -bench . ./benchmarks              everything, some minutes
//	go test -run '^$' -bench Hash -count 10 ./benchmarks  one group, to compare
//	go test -run '^$' -bench . -short ./benchmarks        without the million
//
// Names carry their parameters (n=1000000/radius=31/codes=16), inputs are
// seeded, and a rival or a bare loop stands in the same run: quote the ratio,
// not the time, since the time is the machine's. To compare two revisions, run
// each with -count 10 into a file and give both to benchstat
// (golang.org/x/perf/cmd/benchstat).
//
// What the figures mean:
//
//   - Hash: from the bytes of a picture to its fingerprint. path=read is what
//     references are made of, path=query what a search needs; path=rival is
//     image/jpeg followed by goimagehash.PerceptionHash, which gives one 64-bit
//     hash of one orientation and looks at no limits. side is the longer one. The
//     photo has a border, so that its JPEG is read twice as a query, and a
//     hash.Hasher is kept. The command speed has lines without a border.
//   - Formats: the exact way beside the standard decoder alone, for each layout of
//     pixels that a decoder hands over. ratio is what hashing adds; below one
//     where our own reader of PNGs takes less than image/png.
//   - Near: one search. codes=1 is one upright code, codes=16 the eight
//     orientations of two frames. Each reference has two codes. loop=bare makes
//     all 2 x n x codes comparisons in a plain loop and keeps nothing; the search
//     has its indexes, and reads the records of what it finds. recall is the share
//     of what the bare loop finds that the search finds.
//   - Judge: from the bytes of a picture to a verdict, among 10,000 references
//     that have codes alone and the 92 photos of testdata, which have features;
//     mode=fast and mode=thorough; door=library in this process, door=http over
//     loopback.
//   - Register: one picture into a store on disk, durable when it returns.
//     writers is how many wait at a time; they share commits.
//   - Add: references that are already fingerprinted, 1,000 a call.
//   - Open: until a store of n references answers; it was built before. 10,000
//     are read from rows, a million from the file SEARCH (see package index).
//
// Beside this package: accuracy (recall and false alarms on photos) with attack
// (the copies that it judges), speed (from a JPEG to its fingerprint against
// rivals, by size, kind and bits per pixel, and how near queries are to the
// exact path), scale (the same as here at a million references, with memory),
// codes (sets of codes like those of photos, for make bench-near), jpegwriter
// (writes JPEGs of every Huffman kind for tests), demo (makes testdata) and edit
// (copies of photos for the demo).
// results holds raw output with date and machine, the pictures of ACCURACY.md,
// and accuracy-small.json, what accuracy found on the small set; tests hold the
// last two.
package benchmarks
