package edit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
)

// Go's encoders write neither metadata nor CMYK. The functions of this file add
// them to what the encoders wrote, for pictures that look as a camera or an
// image editor leaves them.

// exif is a TIFF directory with one entry: the orientation (tag 0x0112, one
// SHORT). Exif 2.32, section 4.6.
func exif(orientation int) []byte {
	b := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	binary.BigEndian.PutUint16(b[18:], uint16(orientation))
	return b
}

// JPEGOriented puts an EXIF orientation (1 to 8) into a JPEG, as APP1 right
// after the start marker.
func JPEGOriented(b []byte, orientation int) []byte {
	return append([]byte{0xff, 0xd8}, append(segment(0xe1, append([]byte("Exif\x00\x00"), exif(orientation)...)), b[2:]...)...)
}

// PNGOriented puts an EXIF orientation into a PNG, as an eXIf chunk after the
// header (PNG specification, third edition, 11.3.4.5).
func PNGOriented(b []byte, orientation int) []byte {
	const header = 8 + 12 + 13 // signature and IHDR
	chunk := append([]byte("eXIf"), exif(orientation)...)
	var out []byte
	out = append(out, b[:header]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(chunk)-4))
	out = append(out, chunk...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
	return append(out, b[header:]...)
}

// segment makes a JPEG segment with its marker and length.
func segment(marker byte, body []byte) []byte {
	return append([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

// JPEGInCMYK encodes in Adobe's inverted CMYK. A sequential JPEG may hold each
// component in a scan of its own (ITU-T T.81, A.2), and such a scan has the
// same bytes as that of a grey JPEG of the component: the four planes are
// encoded as grey pictures and their scans put behind one common header.
func JPEGInCMYK(img image.Image, quality int) ([]byte, error) {
	r := img.Bounds()
	var planes [4]*image.Gray
	for i := range planes {
		planes[i] = image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
	}
	for y := range r.Dy() {
		for x := range r.Dx() {
			c := color.CMYKModel.Convert(img.At(r.Min.X+x, r.Min.Y+y)).(color.CMYK)
			for i, v := range [4]uint8{c.C, c.M, c.Y, c.K} {
				planes[i].Pix[y*planes[i].Stride+x] = 255 - v
			}
		}
	}
	out := append([]byte{0xff, 0xd8}, segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))...)
	for i, p := range planes {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		tables, frame, scan, err := split(b.Bytes())
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out = append(out, tables...)
			out = append(out, fourComponents(frame)...)
		}
		scan[5] = byte(i + 1) // the component of the scan
		out = append(out, scan...)
	}
	return append(out, 0xff, 0xd9), nil
}

// fourComponents turns the frame header of a grey JPEG into one of four
// components with the same sampling and tables.
func fourComponents(frame []byte) []byte {
	body := bytes.Clone(frame[4:9])
	body = append(body, 4)
	for id := byte(1); id <= 4; id++ {
		body = append(body, id, frame[11], frame[12])
	}
	return segment(frame[1], body)
}

// split takes a grey JPEG apart: the tables before the scan, the frame header,
// and the scan from its marker to the end marker.
func split(b []byte) (tables, frame, scan []byte, err error) {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		n := 2 + int(b[i+2])<<8 + int(b[i+3])
		switch b[i+1] {
		case 0xda:
			return tables, frame, bytes.Clone(b[i : len(b)-2]), nil
		case 0xc0, 0xc1:
			frame = b[i : i+n]
		case 0xdb, 0xc4:
			tables = append(tables, b[i:i+n]...)
		}
		i += n
	}
	return nil, nil, nil, errors.New("JPEG without a scan")
}
