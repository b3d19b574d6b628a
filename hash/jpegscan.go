package hash

import (
	"bytes"
	"encoding/binary"
)

// A JPEG's header does not say what decoding it will cost. A progressive
// picture comes in scans, each of which passes over all blocks of its
// components, and a scan that changes nothing takes some hundred bytes:
// 476 KB can hold 5,000 scans of a 49 megapixel picture, which is minutes of
// work. So the markers of the whole file are walked before decoding. Entropy
// coded data is jumped over (a marker is 0xFF followed by anything but 0x00
// and the restart markers; ITU-T T.81, section B.1.1), which runs at the speed
// of a memory search.
//
// The walk follows image/jpeg: it goes by segment lengths, ignores stray bytes
// between segments and stops at the end-of-image marker. Where image/jpeg
// gives up, the walk may go on; it then counts too much, never too little.

// The markers that matter (ITU-T T.81, table B.1).
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

// jpegComponent is one colour plane: its name and its sampling factors.
type jpegComponent struct {
	id   byte
	h, v int64
}

// jpegSurvey is what a walk over the markers finds.
type jpegSurvey struct {
	progressive   bool
	width, height int64
	components    []jpegComponent
	adobeRGB      bool   // an Adobe segment says that the planes are not YCbCr
	scans         int    // scans in the file
	visits        int64  // 8x8 blocks that all scans pass over together
	exif          []byte // the first EXIF block before the first scan
}

// surveyJPEG walks the markers of b.
func surveyJPEG(b []byte) jpegSurvey {
	var s jpegSurvey
	for i := 2; ; {
		marker, at := nextMarker(b, i)
		if marker == markerEOI || at+2 > len(b) {
			return s
		}
		n := int(binary.BigEndian.Uint16(b[at:]))
		if n < 2 || at+n > len(b) {
			return s
		}
		s.segment(marker, b[at+2:at+n])
		i = at + n
	}
}

// nextMarker finds the first marker at or after i that is no restart marker,
// and where its segment begins. At the end of b it returns 0 and len(b).
func nextMarker(b []byte, i int) (marker byte, at int) {
	for {
		j := bytes.IndexByte(b[i:], 0xff)
		if j < 0 {
			return 0, len(b)
		}
		i += j
		for i < len(b) && b[i] == 0xff {
			i++
		}
		if i == len(b) {
			return 0, i
		}
		m := b[i]
		i++
		if m != 0 && (m < markerRST0 || m > markerRST7) {
			return m, i
		}
	}
}

func (s *jpegSurvey) segment(marker byte, seg []byte) {
	switch marker {
	case markerSOF0, markerSOF1, markerSOF2:
		s.frame(marker, seg)
	case markerSOS:
		s.scan(seg)
	case markerAPP1:
		if s.scans == 0 && s.exif == nil && has(seg, 0, "Exif\x00\x00") {
			s.exif = seg
		}
	case markerAPP14:
		s.adobeRGB = s.adobeRGB || has(seg, 0, "Adobe") && len(seg) >= 12 && seg[11] == 0
	}
}

// frame reads a start of frame; only the first counts (ITU-T T.81, B.2.2).
func (s *jpegSurvey) frame(marker byte, seg []byte) {
	if s.components != nil || len(seg) < 6 || len(seg) < 6+3*int(seg[5]) {
		return
	}
	s.progressive = marker == markerSOF2
	s.height, s.width = int64(binary.BigEndian.Uint16(seg[1:])), int64(binary.BigEndian.Uint16(seg[3:]))
	s.components = make([]jpegComponent, 0, seg[5])
	for c := seg[6 : 6+3*int(seg[5])]; len(c) > 0; c = c[3:] {
		s.components = append(s.components, jpegComponent{c[0], int64(c[1] >> 4), int64(c[1] & 15)})
	}
	if len(s.components) == 1 {
		s.components[0].h, s.components[0].v = 1, 1
	}
}

// scan counts the blocks of a start of scan (ITU-T T.81, B.2.3).
func (s *jpegSurvey) scan(seg []byte) {
	s.scans++
	if len(seg) == 0 {
		return
	}
	for c := seg[1:min(len(seg), 1+2*int(seg[0]))]; len(c) >= 2; c = c[2:] {
		for _, k := range s.components {
			if k.id == c[0] {
				s.visits += s.blocks(k)
			}
		}
	}
}

// blocks returns the number of 8x8 blocks of a component, padded to whole
// units of the first component as image/jpeg allocates them.
func (s *jpegSurvey) blocks(c jpegComponent) int64 {
	first := s.components[0]
	return ceilDiv(s.width, 8*first.h) * ceilDiv(s.height, 8*first.v) * c.h * c.v
}

// allBlocks returns the number of blocks of all components.
func (s *jpegSurvey) allBlocks() (n int64) {
	for _, c := range s.components {
		n += s.blocks(c)
	}
	return n
}

// rgb reports whether image/jpeg may convert the planes to RGBA at the end.
func (s *jpegSurvey) rgb() bool {
	c := s.components
	return len(c) == 3 && (s.adobeRGB || c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B')
}

// ceilDiv returns a/b rounded up; 0 if b is 0.
func ceilDiv(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return (a + b - 1) / b
}
