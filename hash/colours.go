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

// Lanes of a pixel word: red, blue, green, and nothing of interest, from the
// lowest. Red and green are then the lanes of the even ones, blue of the odd.
const wideLanes = 0x0000ffff0000ffff // the lower half of each lane of 32 bits

// colours averages the colours of rows as they come, top to bottom.
type colours struct {
	inW, inH, outW, outH int
	y, outY              int  // next input and output row
	rows, most           int  // rows in the strip, and how many lanes can hold
	grey                 bool // the strip holds four grey pixels a word
	strip                []uint64
	pixels               []uint64 // of a grey strip
	spans                []span
	width                []uint64 // the strip, reduced in width: three channels
	sums                 []uint64 // of the output row being filled
	out                  *image.NRGBA
}

// reset begins another picture in the same room. The output is new.
func (c *colours) reset(inW, inH, outW, outH int, grey bool) {
	*c = colours{inW: inW, inH: inH, outW: outW, outH: outH, grey: grey,
		most:  int(min(math.MaxUint16/255, math.MaxUint32/(255*uint64(inW)))),
		strip: sized(c.strip, inW+1), pixels: c.pixels, spans: layOut(c.spans, inW, outW),
		width: sized(c.width, 3*outW), sums: sized(c.sums, 3*outW),
		out: image.NewNRGBA(image.Rect(0, 0, outW, outH))}
	if grey {
		c.pixels = sized(c.pixels, inW+4)
	}
	clear(c.strip)
	clear(c.sums)
}

// next returns the strip to which the next row is to be added.
func (c *colours) next() []uint64 {
	if c.cut() && c.rows > 0 {
		c.flush()
		c.weigh(c.outH)
	}
	return c.strip
}

// cut reports whether the next row lies in two rows of the output.
func (c *colours) cut() bool { return (c.y+1)*c.outH > (c.outY+1)*c.inH }

// added says that the row was added.
func (c *colours) added() {
	full, end := (c.outY+1)*c.inH, (c.y+1)*c.outH
	c.rows++
	switch {
	case c.cut():
		c.flush()
		c.weigh(full - c.y*c.outH)
		c.finish()
		c.weigh(end - full)
	case end == full:
		c.flush()
		c.weigh(c.outH)
		c.finish()
	case c.rows == c.most:
		c.flush()
		c.weigh(c.outH)
	}
	c.y++
}

// flush reduces the strip in width and empties it. Its lanes of 32 bits hold
// at most 255 * rows * inW.
func (c *colours) flush() {
	strip := c.strip
	if c.grey {
		strip = c.unfolded()
	}
	scale := uint64(c.outW)
	for i, s := range c.spans {
		run := strip[s.x : s.x+s.whole+2]
		var even, odd uint64
		for _, v := range run[1 : len(run)-1] {
			even += v & wideLanes
			odd += v >> 16 & wideLanes
		}
		first, last := run[0], run[len(run)-1]
		even = even*scale + (first&wideLanes)*s.first + (last&wideLanes)*s.last
		odd = odd*scale + (first>>16&wideLanes)*s.first + (last>>16&wideLanes)*s.last
		w := c.width[3*i : 3*i+3 : 3*i+3]
		w[0], w[1], w[2] = even&math.MaxUint32, even>>32, odd&math.MaxUint32
	}
	clear(c.strip)
	c.rows = 0
}

// unfolded makes pixel words of a grey strip.
func (c *colours) unfolded() []uint64 {
	const all = 0x0000000100010001
	for k := range (c.inW + 3) / 4 {
		v, p := c.strip[k], c.pixels[4*k:4*k+4:4*k+4]
		p[0], p[1], p[2], p[3] = (v&0xffff)*all, (v>>16&0xffff)*all, (v>>32&0xffff)*all, (v>>48)*all
	}
	return c.pixels
}

// weigh adds the reduced strip to the row being filled.
func (c *colours) weigh(part int) {
	sums := c.sums[:len(c.width)]
	for i, v := range c.width {
		sums[i] += v * uint64(part)
	}
}

// finish divides by the area.
func (c *colours) finish() {
	div := newDivider(uint64(c.inW) * uint64(c.inH))
	row := c.out.Pix[c.outY*c.out.Stride:][:4*c.outW]
	for i := range c.outW {
		p, s := row[4*i:4*i+4:4*i+4], c.sums[3*i:3*i+3:3*i+3]
		p[0], p[1], p[2], p[3] = byte(div.round(s[0])), byte(div.round(s[1])), byte(div.round(s[2])), 255
	}
	clear(c.sums)
	c.outY++
}
