package hostile

import "encoding/binary"

// EXIF is a TIFF inside the picture: an offset to a directory, a count, and
// entries of tag, type, count and value or offset. Each of these can lie.

// ExifOrientation returns a block of EXIF data, without the identifier that
// JPEG puts before it, with one entry: the orientation.
func ExifOrientation(o byte, order binary.AppendByteOrder) []byte {
	return tiffHeader(order, 8, directory(order, 0, entry(order, 0x0112, 3, 1, order.AppendUint16(nil, uint16(o)))))
}

// tiffHeader begins a TIFF whose first directory is at offset at.
func tiffHeader(order binary.AppendByteOrder, at uint32, rest ...[]byte) []byte {
	b := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = []byte("MM\x00*")
	}
	return append(order.AppendUint32(b, at), join(rest...)...)
}

// directory lists entries and the offset of the next directory.
func directory(order binary.AppendByteOrder, next uint32, entries ...[]byte) []byte {
	b := order.AppendUint16(nil, uint16(len(entries)))
	return order.AppendUint32(append(b, join(entries...)...), next)
}

// entry is one tag; value is padded to four bytes.
func entry(order binary.AppendByteOrder, tag, kind uint16, count uint32, value []byte) []byte {
	b := order.AppendUint16(order.AppendUint16(nil, tag), kind)
	b = append(order.AppendUint32(b, count), value...)
	return append(b, make([]byte, 12-len(b))...)
}

// WithExif puts EXIF data into a JPEG, before everything else.
func WithExif(jpg, exif []byte) []byte {
	return join(jpg[:2], segment(0xe1, append([]byte("Exif\x00\x00"), exif...)), jpg[2:])
}

func exifFiles() []File {
	le, be := binary.LittleEndian, binary.BigEndian
	short := func(v uint16) []byte { return le.AppendUint16(nil, v) }
	orient := entry(le, 0x0112, 3, 1, short(6))
	blocks := []struct {
		name string
		data []byte
	}{
		{"empty", nil},
		{"header-only", tiffHeader(le, 8)},
		{"cut-header", []byte("II*")},
		{"directory-outside", tiffHeader(le, 0xfffffff0)},
		{"directory-at-end", tiffHeader(le, 9, []byte{1})},
		{"directory-is-header", tiffHeader(le, 0, directory(le, 0, orient))},
		{"count-lies", tiffHeader(le, 8, []byte{0xff, 0xff}, orient)},
		{"next-is-itself", tiffHeader(le, 8, directory(le, 8, entry(le, 0x0100, 3, 1, short(1))))},
		{"huge-count", tiffHeader(be, 8, directory(be, 0, entry(be, 0x0112, 3, 0xffffffff, be.AppendUint32(nil, 0xffffffff))))},
		{"orientation-9", tiffHeader(le, 8, directory(le, 0, entry(le, 0x0112, 3, 1, short(9))))},
		{"orientation-0", tiffHeader(be, 8, directory(be, 0, entry(be, 0x0112, 3, 1, []byte{0, 0})))},
		{"orientation-text", tiffHeader(le, 8, directory(le, 0, entry(le, 0x0112, 2, 4, []byte("six\x00"))))},
		{"only-in-thumbnail", tiffHeader(le, 8, directory(le, 14), directory(le, 0, orient))},
		{"5000-entries", tiffHeader(le, 8, short(5000), repeat(entry(le, 0x0100, 3, 1, short(1)), 5000))},
	}
	var fs []File
	for _, b := range blocks {
		fs = append(fs, File{"exif-" + b.name + ".jpg", Exif, WithExif(Control(), b.data)})
	}
	return fs
}
