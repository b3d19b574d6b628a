package hash

import (
	"encoding/binary"
	"iter"
)

// PNG and WebP are chains of chunks with a name and a length. The chains are
// walked before decoding for what the decoders do not tell or tell too late:
// the orientation, and what the pixels will be stored as. Lengths are taken
// as they are; checksums are left to the decoder. The walk ends where a length
// leads out of the file. The PNG decoder fails there too, but that of WebP goes
// on with what there is, so such a file is refused: otherwise a frame of which
// nothing was seen here would be decoded.

// chunk is a named part of a file.
type chunk struct {
	name string
	data []byte
}

// pngChunks walks the chunks of a PNG up to its end chunk (PNG, third edition,
// section 5.3): length, name, data, checksum.
func pngChunks(b []byte) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		for i := uint64(8); i+12 <= uint64(len(b)); {
			end := i + 8 + uint64(binary.BigEndian.Uint32(b[i:]))
			if end+4 > uint64(len(b)) {
				return
			}
			c := chunk{string(b[i+4 : i+8]), b[i+8 : end]}
			if !yield(c) || c.name == "IEND" {
				return
			}
			i = end + 4
		}
	}
}

// webpChunks walks the chunks of a WebP (RFC 9649, section 2.3): name, length,
// data, a byte of padding after odd lengths. A chunk that leads out of the file
// comes with the name "".
func webpChunks(b []byte) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		for i := uint64(12); i+8 <= uint64(len(b)); {
			n := uint64(le32(b[i+4:]))
			if i+8+n > uint64(len(b)) {
				yield(chunk{})
				return
			}
			if !yield(chunk{string(b[i : i+4]), b[i+8 : i+8+n]}) {
				return
			}
			i += 8 + n + n&1
		}
	}
}

// pngSurvey is what is taken from the chunks of a PNG.
type pngSurvey struct {
	depth, colour byte
	interlaced    bool
	transparent   bool // one colour is transparent: the decoder adds alpha
	exif          []byte
}

func surveyPNG(b []byte) (s pngSurvey) {
	for c := range pngChunks(b) {
		switch c.name {
		case "IHDR": // a second one fails, but only when the pixels are there
			if len(c.data) == 13 && s.depth == 0 {
				s.depth, s.colour, s.interlaced = c.data[8], c.data[9], c.data[12] != 0
			}
		case "tRNS":
			s.transparent = true
		case "eXIf":
			if s.exif == nil {
				s.exif = c.data
			}
		}
	}
	return s
}

// Flags of the VP8X chunk (RFC 9649, section 2.7.1).
const (
	webpAnimated = 1 << 1
	webpExif     = 1 << 3
)

// webpSurvey is what is taken from the chunks of a WebP.
type webpSurvey struct {
	animated bool
	torn     bool  // a chunk leads out of the file
	lossy    int64 // bytes of the lossy frame
	lossless int64 // bytes of the lossless frame
	alpha    int64 // bytes of the alpha plane
	packed   bool  // the alpha plane is compressed like a lossless frame
	exif     []byte
}

func surveyWebP(b []byte) (s webpSurvey) {
	var flags byte
	for c := range webpChunks(b) {
		n := int64(len(c.data))
		switch c.name {
		case "":
			s.torn = true
		case "VP8X":
			if n > 0 {
				flags = c.data[0]
			}
		case "ANMF", "ANIM":
			s.animated = true
		case "VP8 ":
			s.lossy = max(s.lossy, n)
		case "VP8L":
			s.lossless = max(s.lossless, n)
		case "ALPH":
			s.alpha = max(s.alpha, n)
			s.packed = s.packed || n > 0 && c.data[0]&3 != 0
		case "EXIF":
			if flags&webpExif != 0 && s.exif == nil {
				s.exif = c.data
			}
		}
	}
	s.animated = s.animated || flags&webpAnimated != 0
	return s
}
