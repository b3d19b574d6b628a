package hash

import "time"

// What will decoding this picture cost?
//
// The usual guard is a limit on pixels, with a fixed number of bytes for each.
// It holds neither way: 49 megapixels of progressive JPEG keep 735 MB of
// coefficients, of grey baseline JPEG 49 MB. So the memory is added up from
// what the decoders of the standard library and golang.org/x/image v0.45.0
// allocate for each format and mode (read in their source), always for the
// dearest content that the header admits. A PNG is charged as image/png would
// take, too, though that reads it only if it is uncommon or damaged (pngrows.go):
// which of the two it is may show at its last byte, and by then the memory must
// have been granted.
//
// Time has a second guard, the deadline under the decoder (see decode.go), but
// it acts only when the decoder asks for more bytes. Work that a few bytes can
// order (scans of a progressive JPEG that change nothing, a WebP of one
// colour), and what comes after the last byte (colour conversion, reading the
// pixels), is estimated here instead, by constants measured for the dearest
// content that could be constructed, and refused when it would take more than
// half of Limits.Timeout. The constants are those of one core of an x86-64
// server; a slower machine gives the same answer, for the sake of equal
// verdicts, and there it is the deadline that bites.
//
// A rule on pixels per byte, which others have, is not needed beside these: a
// white PNG of 4000 x 4000 pixels is legitimate, and cheap.

// cost is what decoding a picture takes at most, beside its own bytes.
type cost struct {
	bytes int64
	time  time.Duration // work that the deadline reader cannot interrupt
}

// pixelsTime is the time of n pixels.
func pixelsTime(n int64, each time.Duration) time.Duration { return time.Duration(n) * each }

const (
	// canonicalBytes is what canonicalise and the hashes allocate beside the
	// decoded picture: measured 5.2 MB for a turned one of 16 megapixels, and no
	// more for larger ones.
	canonicalBytes = 6 << 20

	// canonicalTime is for reading one pixel afterwards; deepTime for one of
	// 16 bits a sample or of CMYK, conversion included.
	canonicalTime = 10 * time.Nanosecond
	deepTime      = 25 * time.Nanosecond

	jpegBlockBytes = 64 * 4 // coefficients of a block, int32 each
	// A scan that finds nothing for a block still copies it out and in; at the
	// end each block is transformed.
	jpegVisitTime = 60 * time.Nanosecond
	jpegBlockTime = 300 * time.Nanosecond

	webpLossyTime    = 20 * time.Nanosecond  // per pixel; 7 without any data
	webpLossyByte    = 150 * time.Nanosecond // per byte of the frame, when every byte is a surprise
	webpLosslessTime = 60 * time.Nanosecond  // per pixel; 54 where the data ends early

	// Each group of prefix codes of a lossless WebP has five trees with up to
	// 280+2048, 256, 256, 256 and 40 symbols, two nodes of 8 bytes a symbol, and
	// a lookup table of 512 bytes each. At most 2600 are accepted, at most one a
	// tile of 4x4 pixels, and a byte of input can order no more than 3.5 KB.
	webpGroupBytes   = 53 << 10
	webpMaxGroups    = 2600
	webpGroupPerByte = 3500
)

func jpegCost(s jpegSurvey) cost {
	var c cost
	blocks := s.allBlocks()
	c.bytes = 64 * blocks
	pixels := s.width * s.height
	c.time = pixelsTime(pixels, canonicalTime)
	if len(s.components) == 4 {
		c.time = pixelsTime(pixels, deepTime)
	}
	if len(s.components) == 4 || s.rgb() {
		c.bytes += 4 * pixels
	}
	if s.progressive {
		c.bytes += jpegBlockBytes * blocks
		c.time += time.Duration(s.visits)*jpegVisitTime + time.Duration(blocks)*jpegBlockTime
	}
	return c
}

func pngCost(s pngSurvey, pixels int64) cost {
	samples, alpha := int64(1), false
	switch s.colour {
	case 2:
		samples = 4
	case 4, 6:
		samples, alpha = 4, true
	}
	if s.transparent && s.colour != 3 && !alpha {
		samples = 4
	}
	each := canonicalTime
	if s.depth == 16 {
		samples, each = 2*samples, deepTime
	}
	if s.interlaced {
		samples *= 2 // the seven passes together are once more the picture
	}
	return cost{samples * pixels, pixelsTime(pixels, each)}
}

// gifCost counts the frame, its copy when it is interlaced, and the screen.
func gifCost(pixels int64) cost { return cost{6 * pixels, pixelsTime(pixels, canonicalTime)} }

func webpCost(s webpSurvey, w, h int64) cost {
	pixels, padded := w*h, ceilDiv(w, 16)*ceilDiv(h, 16)*256
	c := cost{time: pixelsTime(pixels, canonicalTime)}
	if s.lossless == 0 {
		c.bytes = padded + padded/2 + padded/64 + s.lossy + 1<<19
		c.time += pixelsTime(pixels, webpLossyTime) + time.Duration(s.lossy)*webpLossyByte
	}
	if s.alpha > 0 {
		c.bytes += pixels
	}
	if n := max(s.lossless, s.alpha); s.packed || s.lossless > 0 {
		groups := min(webpMaxGroups, ceilDiv(w, 4)*ceilDiv(h, 4))
		c.bytes += 7*pixels + min(groups*webpGroupBytes, n*webpGroupPerByte)
		c.time += pixelsTime(pixels, webpLosslessTime)
	}
	return c
}

func bmpCost(pixels int64) cost { return cost{4 * pixels, pixelsTime(pixels, canonicalTime)} }

// tiffCost counts the picture and one unpacked strip or tile, which the
// decoder lets grow to 8 bytes a pixel and which doubles as it grows.
func tiffCost(b []byte, w, h int64) cost {
	d := firstDirectory(b)
	samples := int64(4)
	if depth, ok := d.value(tagBitsPerSample); !ok || depth != 8 {
		samples = 8 // 16 bits, or a list that stands elsewhere
	}
	c := cost{samples*w*h + 3*int64(len(b)), pixelsTime(w*h, deepTime)}
	if k, ok := d.value(tagCompression); !ok || k > 1 { // what is not understood is taken for packed
		block := w * h
		if rows, ok := d.value(tagRowsPerStrip); ok && rows > 0 {
			block = w * min(h, int64(rows))
		}
		if tw, ok := d.value(tagTileWidth); ok && tw > 0 {
			tl, _ := d.value(tagTileLength)
			block = min(int64(tw), w+1024) * min(int64(tl), h+1024)
		}
		c.bytes += 24 * block
	}
	return c
}

// scaledCost is the memory of decoding a JPEG at scale k: its samples of two bytes,
// twice where coefficients are kept beside them, and what does not depend on it.
func scaledCost(s jpegSurvey, k int) int64 {
	n := int64(0)
	for i, c := range s.components {
		samples := s.blocks(c)
		if i == 0 {
			samples *= int64(k * k)
		}
		n += 2 * samples
	}
	if s.progressive {
		n *= 2
	}
	return n + hasherBytes
}

// hasherBytes is what a Hasher takes beside the samples of a picture.
const hasherBytes = 2 << 20
