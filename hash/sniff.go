package hash

import (
	"bytes"
	"strings"
)

// What a file is, is read from its first bytes and from nothing else: a name
// or a declared type is what the sender wishes us to believe. image.Decode
// would do the same with its global registry, but then any package that some
// other part of the program imports adds a decoder to our attack surface. The
// list here is closed.
//
// Picture formats that are not decoded are told apart from things that are no
// pictures, because the first is a wish that a person can fulfil (save it as
// JPEG) and the second is a mistake.

// The formats that can be decoded; the names that Info.Format reports.
const (
	formatJPEG = "jpeg"
	formatPNG  = "png"
	formatGIF  = "gif"
	formatWebP = "webp"
	formatBMP  = "bmp"
	formatTIFF = "tiff"
)

// sniffLength is how far an XML or SVG start tag is looked for, in bytes.
const sniffLength = 1024

// sniff names the format of b: one of the six above, or another picture
// format by its usual name with decodable false, or "" for no picture.
func sniff(b []byte) (format string, decodable bool) {
	switch {
	case has(b, 0, "\xff\xd8\xff"):
		return formatJPEG, true
	case has(b, 0, "\x89PNG\r\n\x1a\n"):
		return formatPNG, true
	case has(b, 0, "GIF87a"), has(b, 0, "GIF89a"):
		return formatGIF, true
	case has(b, 0, "RIFF") && has(b, 8, "WEBP"):
		return formatWebP, true
	case has(b, 0, "II*\x00"), has(b, 0, "MM\x00*"):
		return formatTIFF, true
	case isBMP(b):
		return formatBMP, true
	}
	return otherPicture(b), false
}

// isBMP wants a known header length besides the two letters, which begin too
// many texts.
func isBMP(b []byte) bool {
	if !has(b, 0, "BM") || len(b) < 18 {
		return false
	}
	switch n := le32(b[14:]); n {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// magic is a byte string at an offset.
type magic struct {
	name   string
	offset int
	bytes  string
}

// otherMagic lists picture formats that are known and not decoded.
func otherMagic() []magic {
	return []magic{
		{"psd", 0, "8BPS"},
		{"ico", 0, "\x00\x00\x01\x00"},
		{"cur", 0, "\x00\x00\x02\x00"},
		{"jpeg2000", 0, "\x00\x00\x00\x0cjP  "},
		{"jpeg2000", 0, "\xff\x4f\xff\x51"},
		{"jpegxl", 0, "\x00\x00\x00\x0cJXL "},
		{"jpegxl", 0, "\xff\x0a"},
		{"jpegxr", 0, "II\xbc"},
		{"bigtiff", 0, "II+\x00"},
		{"bigtiff", 0, "MM\x00+"},
		{"eps", 0, "%!PS"},
		{"eps", 0, "\xc5\xd0\xd3\xc6"},
		{"pdf", 0, "%PDF-"},
		{"mng", 0, "\x8aMNG\r\n\x1a\n"},
		{"jng", 0, "\x8bJNG\r\n\x1a\n"},
		{"qoi", 0, "qoif"},
		{"dds", 0, "DDS "},
		{"icns", 0, "icns"},
		{"exr", 0, "\x76\x2f\x31\x01"},
		{"hdr", 0, "#?RADIANCE"},
		{"wmf", 0, "\xd7\xcd\xc6\x9a"},
		{"xpm", 0, "/* XPM */"},
		{"xcf", 0, "gimp xcf"},
		{"farbfeld", 0, "farbfeld"},
		{"sgi", 0, "\x01\xda\x00\x01"},
		{"sgi", 0, "\x01\xda\x01\x01"},
		{"dicom", 128, "DICM"},
	}
}

func otherPicture(b []byte) string {
	for _, s := range otherMagic() {
		if has(b, s.offset, s.bytes) {
			return s.name
		}
	}
	switch {
	case has(b, 4, "ftyp"):
		return isoBrand(b)
	case len(b) > 2 && b[0] == 'P' && '1' <= b[1] && b[1] <= '7' && strings.IndexByte(" \t\r\n", b[2]) >= 0:
		return "pnm"
	case isSVG(b):
		return "svg"
	}
	return ""
}

// isoBrand looks at the brands of an ISO base media file, the major one and
// those that it is compatible with; films are no pictures.
func isoBrand(b []byte) string {
	brands := b[8:min(len(b), 64)]
	for _, p := range []magic{{name: "avif", bytes: "avif"}, {name: "avif", bytes: "avis"}, {name: "heic", bytes: "hei"}, {name: "heic", bytes: "hevc"}, {name: "heif", bytes: "mif1"}, {name: "heif", bytes: "msf1"}} {
		for i := 0; i+4 <= len(brands); i += 4 {
			if has(brands, i, p.bytes) {
				return p.name
			}
		}
	}
	return ""
}

// isSVG looks for a start tag near the beginning of what begins like markup.
func isSVG(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	b = bytes.TrimLeft(b[:min(len(b), sniffLength)], " \t\r\n")
	return has(b, 0, "<") && bytes.Contains(b, []byte("<svg"))
}

// has reports whether s stands at offset at of b.
func has(b []byte, at int, s string) bool {
	return len(b) >= at+len(s) && string(b[at:at+len(s)]) == s
}

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
