package hostile

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// tiffPicture describes a TIFF of one strip or tile.
type tiffPicture struct {
	w, h, depth, compression, photometric, rows, tile uint32
	offset, count                                     uint32 // where the strip claims to be; 0 means the truth
	counts                                            uint32 // how many strips are claimed; 0 means 1
	data                                              []byte
	extra                                             [][]byte
}

func (p tiffPicture) bytes() []byte {
	le := binary.LittleEndian
	long := func(tag uint16, n, v uint32) []byte { return entry(le, tag, 4, n, le32(v)) }
	offsets, counts, rows := uint16(0x0111), uint16(0x0117), long(0x0116, 1, p.rows)
	if p.tile != 0 {
		offsets, counts, rows = 0x0144, 0x0145, long(0x0142, 1, p.tile)
		p.extra = append(p.extra, long(0x0143, 1, p.tile))
	}
	const fields = 8
	offset, count := uint32(8+2+12*(fields+len(p.extra))+4), uint32(len(p.data))
	if p.offset != 0 {
		offset = p.offset
	}
	if p.count != 0 {
		count = p.count
	}
	es := [][]byte{
		long(0x0100, 1, p.w), long(0x0101, 1, p.h), long(0x0102, 1, p.depth), long(0x0103, 1, p.compression),
		long(0x0106, 1, p.photometric), long(offsets, max(1, p.counts), offset), rows, long(counts, max(1, p.counts), count),
	}
	es = append(es, p.extra...)
	slices.SortFunc(es, func(a, b []byte) int { return int(le.Uint16(a)) - int(le.Uint16(b)) })
	return join(tiffHeader(le, 8, directory(le, 0, es...)), p.data)
}

func tiffFiles() []File {
	var fs []File
	add := func(name string, c Class, data []byte) { fs = append(fs, File{name, c, data}) }
	grey := tiffPicture{w: 64, h: 64, depth: 8, compression: 1, photometric: 1, rows: 64, data: noise(64 * 64)}
	add("valid.tif", Odd, grey.bytes())
	change := func(f func(*tiffPicture)) []byte {
		p := grey
		f(&p)
		return p.bytes()
	}
	add("claims-60000.tif", BombHeader, change(func(p *tiffPicture) { p.w, p.h, p.rows = 60000, 60000, 60000 }))
	add("claims-maximum.tif", BombHeader, change(func(p *tiffPicture) { p.w, p.h, p.rows = 1<<31-1, 1<<31-1, 1<<31-1 }))
	add("zero.tif", Malformed, change(func(p *tiffPicture) { p.w, p.h = 0, 0 }))
	add("rows-zero.tif", Malformed, change(func(p *tiffPicture) { p.rows = 0 }))
	add("strip-outside.tif", Malformed, change(func(p *tiffPicture) { p.offset = 0xfffffff0 }))
	add("strip-count-lies.tif", Malformed, change(func(p *tiffPicture) { p.count = 0xffffffff }))
	add("huge-strip-list.tif", Malformed, change(func(p *tiffPicture) { p.counts = 0x3fffffff }))
	add("huge-tile.tif", BombHeader, change(func(p *tiffPicture) { p.tile = 1 << 20 }))
	add("directory-is-header.tif", Malformed, tiffHeader(binary.LittleEndian, 0))
	add("deflate-3000.tif", Bomb, change(func(p *tiffPicture) {
		p.w, p.h, p.rows, p.compression, p.data = 3000, 3000, 3000, 8, zeros(72_000_000)
	}))
	add("packbits-3000.tif", Bomb, change(func(p *tiffPicture) {
		p.w, p.h, p.rows, p.compression, p.data = 3000, 3000, 3000, 32773, bytes.Repeat([]byte{0x81, 0}, 3000*3000/128+1)
	}))
	add("palette-of-two.tif", Palette, change(func(p *tiffPicture) {
		p.photometric = 3
		p.extra = [][]byte{entry(binary.LittleEndian, 0x0140, 3, 2, []byte{0, 0, 255, 255})}
	}))
	return fs
}
