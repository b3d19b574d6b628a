package hash

import (
	"image"
	"math"
)

// The colour picture is small, 192 pixels on the long side, so each of its
// pixels is the mean of some twenty. Three channels reduced like luma are the
// dearest part of making a picture canonical. So pixels are added as words of
// four lanes of 16 bits, one word for all channels: first whole rows upon each
// other, then the sums along the row, where lanes are widened to 32 bits.
//
// Rows that one row of the output covers wholly have the same weight, and are
// added without it. A row that the edge between two rows of the output cuts
// stands alone, is reduced in width once, and counts in both. Either is called
// a strip.

const (
	wideLanes = 0x0000ffff0000ffff     // the lower half of each lane of 32 bits
	laneSums  = math.MaxUint16 / 255   // how many bytes a lane of 16 bits can hold
	wideSums  = (1<<32 - 1) / (1 << 8) // the same of 32 bits
)

// colours averages the colours of rows as they come, top to bottom.
type colours struct {
	inW, inH, outW, outH int
	y, outY              int // next input and output row
	rows, most           int // rows in the strip, and how many it may have
	least                int // pixels between two edges, or one less
	edges                []edge
	grey                 bool     // the strip holds four grey pixels a word
	strip                []uint64 // one word beyond the last pixel
	pixels               []uint64 // of a grey strip
	sums, next           []uint64 // of the output row being filled and the one after, channel by channel
	out                  *image.NRGBA
}

// edge is the right edge of an output pixel: it lies in the input pixel x, part
// outW-ths from that pixel's left.
type edge struct {
	x    int
	part uint64
}

// reset begins another picture in the same room. The output is new.
func (c *colours) reset(inW, inH, outW, outH int, grey bool) {
	n := 3 * outW
	if grey {
		n = outW
	}
	*c = colours{inW: inW, inH: inH, outW: outW, outH: outH, grey: grey, least: inW / outW,
		edges: sized(c.edges, outW), strip: sized(c.strip, inW+1), pixels: sized(c.pixels, inW+4),
		sums: sized(c.sums, n), next: sized(c.next, n), out: image.NewNRGBA(image.Rect(0, 0, outW, outH))}
	for i := range c.edges {
		right := (i + 1) * inW
		c.edges[i] = edge{right / outW, uint64(right % outW)}
	}
	c.most = max(1, min(laneSums/(c.least+1), wideSums/inW))
	clear(c.strip)
	clear(c.sums)
}

// room returns the strip to which the next row is to be added.
func (c *colours) room() []uint64 {
	if c.rows > 0 && (c.y+1)*c.outH > (c.outY+1)*c.inH {
		c.flush(c.outH, 0)
	}
	return c.strip
}

// added says that the row was added.
func (c *colours) added() {
	top, full, bottom := c.y*c.outH, (c.outY+1)*c.inH, (c.y+1)*c.outH
	c.y++
	c.rows++
	switch {
	case bottom > full:
		c.flush(full-top, bottom-full)
		c.finish()
	case bottom == full:
		c.flush(c.outH, 0)
		c.finish()
	case c.rows == c.most:
		c.flush(c.outH, 0)
	}
}

// flush adds the strip, reduced in width, to the row being filled with the weight
// part, and to the one after with the weight over. The strip is then empty.
func (c *colours) flush(part, over int) {
	switch {
	case c.grey:
		c.flushGrey(uint64(part), uint64(over))
	case c.least >= laneSums:
		c.flushLong(uint64(part), uint64(over))
	default:
		c.flushWords(uint64(part), uint64(over))
	}
	clear(c.strip)
	c.rows = 0
}

// flushWords sums the pixels from edge to edge, least or one more, so that no
// branch depends on which. What lies left of the left edge is taken off, what
// lies left of the right one added.
func (c *colours) flushWords(part, over uint64) {
	scale, least := uint64(c.outW), c.least
	sums, next := c.sums[:3*len(c.edges)], c.next[:3*len(c.edges)]
	var left, leftBlue uint64 // red and green, blue
	x := 0
	for i, e := range c.edges {
		run := c.strip[x : x+least+1 : x+least+1]
		var sum uint64
		for _, v := range run[:least] {
			sum += v
		}
		sum += run[least] & -uint64(e.x-x-least)
		v := c.strip[e.x]
		right, rightBlue := (v&wideLanes)*e.part, (v>>16&wideLanes)*e.part
		even, odd := (sum&wideLanes)*scale+right-left, (sum>>16&wideLanes)*scale+rightBlue-leftBlue
		x, left, leftBlue = e.x, right, rightBlue
		red, green, blue := even&math.MaxUint32, even>>32, odd&math.MaxUint32
		s, n := sums[3*i:3*i+3:3*i+3], next[3*i:3*i+3:3*i+3]
		s[0], s[1], s[2] = s[0]+red*part, s[1]+green*part, s[2]+blue*part
		n[0], n[1], n[2] = red*over, green*over, blue*over
	}
}

// flushLong is flushWords of rows so long that the pixels between two edges do
// not fit lanes of 16 bits.
func (c *colours) flushLong(part, over uint64) {
	scale := uint64(c.outW)
	var left, leftBlue uint64
	x := 0
	for i, e := range c.edges {
		var even, odd uint64
		for _, v := range c.strip[x:e.x] {
			even += v & wideLanes
			odd += v >> 16 & wideLanes
		}
		v := c.strip[e.x]
		right, rightBlue := (v&wideLanes)*e.part, (v>>16&wideLanes)*e.part
		even, odd = even*scale+right-left, odd*scale+rightBlue-leftBlue
		x, left, leftBlue = e.x, right, rightBlue
		for j, w := range [3]uint64{even & math.MaxUint32, even >> 32, odd & math.MaxUint32} {
			c.sums[3*i+j] += w * part
			c.next[3*i+j] = w * over
		}
	}
}

// flushGrey is flushWords of one channel.
func (c *colours) flushGrey(part, over uint64) {
	for k := range (c.inW + 3) / 4 {
		v, p := c.strip[k], c.pixels[4*k:4*k+4:4*k+4]
		p[0], p[1], p[2], p[3] = v&0xffff, v>>16&0xffff, v>>32&0xffff, v>>48
	}
	scale, least := uint64(c.outW), c.least
	sums, next := c.sums[:len(c.edges)], c.next[:len(c.edges)]
	var left uint64
	x := 0
	for i, e := range c.edges {
		run := c.pixels[x : x+least+1 : x+least+1]
		var sum uint64
		for _, v := range run[:least] {
			sum += v
		}
		sum += run[least] & -uint64(e.x-x-least)
		right := c.pixels[e.x] * e.part
		w := sum*scale + right - left
		x, left = e.x, right
		sums[i] += w * part
		next[i] = w * over
	}
}

// finish divides by the area.
func (c *colours) finish() {
	div := newDivider(uint64(c.inW) * uint64(c.inH))
	row := c.out.Pix[c.outY*c.out.Stride:][:4*c.outW]
	for i := range c.outW {
		p := row[4*i : 4*i+4 : 4*i+4]
		if c.grey {
			v := byte(div.round(c.sums[i]))
			p[0], p[1], p[2], p[3] = v, v, v, 255
			continue
		}
		s := c.sums[3*i : 3*i+3 : 3*i+3]
		p[0], p[1], p[2], p[3] = byte(div.round(s[0])), byte(div.round(s[1])), byte(div.round(s[2])), 255
	}
	c.sums, c.next = c.next, c.sums
	c.outY++
}
