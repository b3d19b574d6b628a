package hash

import (
	"bytes"
	"encoding/binary"
)

// A camera stores the picture as the sensor saw it and notes in EXIF how to
// turn it. Two uploads of one photo, one turned by software and one by this
// note, must give one fingerprint, so the note is read. It stands as a small
// TIFF file inside the picture: in the APP1 segment of a JPEG, the EXIF chunk
// of a WebP, the eXIf chunk of a PNG (and a TIFF file is one itself).
//
// An EXIF library would read hundreds of tags, follow chains of directories
// and unpack thumbnails; chains can be loops and counts can be lies. Only one
// number is wanted here, from the first directory. So exactly that directory
// is searched, in place, without allocation and without following anything.
//
// Deliberately not read: XMP (a second, rarely agreeing note), and the
// embedded thumbnail (it need not show the same picture).
//
// Source: TIFF 6.0, section 2; CIPA DC-008 (Exif 2.32), section 4.5 and
// tag 0x0112.

// Tags of the first directory, the only ones that are looked at.
const (
	tagBitsPerSample = 0x0102
	tagCompression   = 0x0103
	tagOrientation   = 0x0112
	tagRowsPerStrip  = 0x0116
	tagTileWidth     = 0x0142
	tagTileLength    = 0x0143
)

// The field types of TIFF that are read.
const (
	typeByte  = 1
	typeShort = 3
	typeLong  = 4
)

// orientation returns the EXIF orientation in a block of EXIF data, 1 to 8;
// 1 (upright) if it is absent or makes no sense. The block may begin with the
// identifier that JPEG puts before it.
func orientation(exif []byte) int {
	v, ok := firstDirectory(bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))).value(tagOrientation)
	if !ok || v < 1 || v > 8 {
		return 1
	}
	return int(v)
}

// directory is the entries of one TIFF directory, 12 bytes each, all of them
// within the file.
type directory struct {
	entries []byte
	order   binary.ByteOrder
}

// firstDirectory finds the first directory of a TIFF file. It has no entries
// if the file is not sound; a count larger than the file is cut to what is
// there.
func firstDirectory(t []byte) directory {
	var d directory
	switch {
	case has(t, 0, "II*\x00"):
		d.order = binary.LittleEndian
	case has(t, 0, "MM\x00*"):
		d.order = binary.BigEndian
	default:
		return d
	}
	if len(t) < 8 {
		return d
	}
	at := uint64(d.order.Uint32(t[4:]))
	if at+2 > uint64(len(t)) {
		return d
	}
	n := 12 * int(d.order.Uint16(t[at:]))
	d.entries = t[at+2:]
	d.entries = d.entries[:min(n, len(d.entries)/12*12)]
	return d
}

// value returns the first value of a tag of type BYTE, SHORT or LONG whose
// values stand in the entry itself, which has room for four bytes.
func (d directory) value(tag uint16) (uint32, bool) {
	for e := d.entries; len(e) >= 12; e = e[12:] {
		count := d.order.Uint32(e[4:])
		if d.order.Uint16(e) != tag || count == 0 {
			continue
		}
		switch t := d.order.Uint16(e[2:]); {
		case t == typeByte && count <= 4:
			return uint32(e[8]), true
		case t == typeShort && count <= 2:
			return uint32(d.order.Uint16(e[8:])), true
		case t == typeLong && count == 1:
			return d.order.Uint32(e[8:]), true
		}
		return 0, false
	}
	return 0, false
}
