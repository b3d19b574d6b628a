// Package jpegwriter writes JPEGs of every 8-bit Huffman kind (ITU-T T.81):
// baseline, extended sequential and progressive, any legal sampling, restart
// intervals, any scan script, Huffman tables of the standard or made for the
// picture, and the markers that say how the planes are to be read. It is for
// tests and measurements of decoders; a product writes JPEGs with image/jpeg.
//
// The simplest way, image/jpeg's writer, makes one kind: baseline, 4:2:0 or
// grey, without restarts, with the tables of annex K. Files collected from
// elsewhere show other kinds but not each corner of each, and nobody knows
// which coefficients they hold. So this package writes in two steps that can
// be taken alone:
//
//	FromImage   picture -> Coefficients (planes, sampling, DCT, quantisation)
//	Encode      Coefficients -> file (scans, entropy coding, markers)
//
// A test that is about coefficients fills them itself, with extreme or random
// values, and writes the same ones in several ways: all of these files have to
// decode to the same pixels.
//
// What an [Options] says together need not make sense to a decoder (RGB planes
// under a JFIF marker, a script that leaves coefficients out), only be codable:
// tests want such files. Deliberately absent: 12-bit samples, arithmetic
// coding, lossless and hierarchical modes, and a height that is given after
// the first scan (DNL).
//
// Results are the same bytes on every processor.
package jpegwriter
