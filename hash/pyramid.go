package hash

import (
	"encoding/binary"
	"slices"
)

// Local features are looked for on a pyramid: the same picture in several
// sizes, so that a corner of a photo is also found where the photo was pasted
// smaller. Each level is 1.2 times smaller than the one before, as in ORB
// (Rublee et al. 2011), and made from it by bilinear interpolation.
//
// All pixels of all levels are interpolated, blurred and tested for a corner
// (corner.go); pixel by pixel that takes several times as long as decoding the
// photo. So these passes take eight pixels at a time, as two words of four
// 16-bit lanes: the even pixels and the odd ones. All sums fit their lanes and
// nothing is rounded on the way, so the results are those of the plain loops,
// which stay in the tests.

// grey is a picture of 8-bit grey levels, row by row.
type grey struct {
	w, h int
	pix  []uint8
}

// Four lanes of 16 bits.
const (
	lanes    = 0x0001000100010001 // 1 in each
	lowBytes = 0x00ff00ff00ff00ff // the lower half of each
	tops     = 0x8000800080008000 // the highest bit of each
)

// slack is the number of bytes that may be read and written behind the last
// pixel of a level, since rows are taken by eight pixels.
const slack = 8

const (
	pyramidLevels = 8
	pyramidLeast  = 36 // the least side of a level, pixels
)

// scales are 1.2^level in 1/4096.
var scales = [pyramidLevels]int{4096, 4915, 5898, 7078, 8493, 10192, 12231, 14677}

// working reduces the luma plane to a long side of at most side pixels, 8 bits.
func (c *canonical) working(side int) grey {
	w, h := fit(c.luma.w, c.luma.h, side)
	r := newReducer[uint16](c.luma.w, c.luma.h, w, h, 1)
	for y := range c.luma.h {
		r.add(c.luma.pix[y*c.luma.w:][:c.luma.w])
	}
	g := grey{w, h, make([]uint8, w*h)}
	for i, v := range r.out {
		g.pix[i] = uint8(min(255, (int(v)+1<<(lumaBits-1))>>lumaBits))
	}
	return g
}

// size of a level, pixels.
type size struct{ w, h int }

// levelSizes returns the sizes of the levels of a picture of w x h pixels, the
// picture itself first.
func levelSizes(w, h int) []size {
	sizes := []size{{w, h}}
	for _, s := range scales[1:] {
		l := size{(w*4096 + s/2) / s, (h*4096 + s/2) / s}
		if min(l.w, l.h) < pyramidLeast {
			break
		}
		sizes = append(sizes, l)
	}
	return sizes
}

// between is a position between two pixels, the second with the weight part/256.
type between struct{ at, part uint32 }

// layBetween lays the middles of n pixels over m, which are more.
func layBetween(dst []between, n, m int) []between {
	dst = dst[:0]
	for i := range n {
		p := (2*i+1)*m*128/n - 128
		dst = append(dst, between{uint32(p >> 8), uint32(p & 255)})
	}
	return dst
}

// smoother makes levels and blurs them. It keeps its buffers from one level to
// the next.
type smoother struct {
	across, down []between
	mixed        []uint16
	line         []byte // a row of pixels with two more at each end
	wide         [5][]uint64
}

// shrunk interpolates bilinearly in fixed point, first between two rows, then
// along them. Both pictures have slack.
func (s *smoother) shrunk(dst []uint8, g grey, to size) grey {
	s.across, s.down = layBetween(s.across, to.w, g.w), layBetween(s.down, to.h, g.h)
	s.mixed = slices.Grow(s.mixed[:0], g.w+slack)[:g.w+slack]
	for y, t := range s.down {
		s.mix(g.pix[int(t.at)*g.w:], g.w, uint64(t.part))
		s.along(dst[y*to.w:][:to.w])
	}
	return grey{to.w, to.h, dst[:to.w*to.h+slack]}
}

// along interpolates the mixed row.
func (s *smoother) along(row []uint8) {
	mixed := s.mixed
	for x, t := range s.across[:len(row)] {
		u, v := uint32(mixed[t.at]), uint32(mixed[t.at+1])
		row[x] = uint8((u*(256-t.part) + v*t.part + 1<<15) >> 16)
	}
}

// mix adds two rows of n pixels, the second with the weight part/256, and keeps
// the fraction: at most 255 * 256.
func (s *smoother) mix(rows []uint8, n int, part uint64) {
	for x := 0; x < n; x += 8 {
		a, b := binary.LittleEndian.Uint64(rows[x:]), binary.LittleEndian.Uint64(rows[n+x:])
		even := (a&lowBytes)*(256-part) + (b&lowBytes)*part
		odd := (a>>8&lowBytes)*(256-part) + (b>>8&lowBytes)*part
		m := s.mixed[x:][:8]
		m[0], m[2], m[4], m[6] = uint16(even), uint16(even>>16), uint16(even>>32), uint16(even>>48)
		m[1], m[3], m[5], m[7] = uint16(odd), uint16(odd>>16), uint16(odd>>32), uint16(odd>>48)
	}
}

// grown returns a buffer of n bytes of any content.
func grown(b []byte, n int) []byte { return slices.Grow(b[:0], n)[:n] }

// blurred convolves with the binomial 1 4 6 4 1 in both directions; pixels
// beyond the edges are those at the edges. dst has slack.
func (s *smoother) blurred(dst []uint8, g grey) grey {
	n := 2 * ((g.w + 7) / 8) // words of a row
	for i := range s.wide {
		s.wide[i] = slices.Grow(s.wide[i][:0], n)[:n]
	}
	s.line = grown(s.line, g.w+4+slack)
	next := 0
	for y := range g.h {
		for ; next <= min(y+2, g.h-1); next++ {
			s.widen(s.wide[next%5], g.pix[next*g.w:][:g.w])
		}
		row := func(y int) []uint64 { return s.wide[min(max(y, 0), g.h-1)%5][:n] }
		a, b, c, d, e := row(y-2), row(y-1), row(y), row(y+1), row(y+2)
		to := dst[y*g.w:]
		for i := 0; i+1 < n; i += 2 {
			even := binomial(a[i], b[i], c[i], d[i], e[i]) + 128*lanes
			odd := binomial(a[i+1], b[i+1], c[i+1], d[i+1], e[i+1]) + 128*lanes
			binary.LittleEndian.PutUint64(to[4*i:], even>>8&lowBytes|odd&^lowBytes)
		}
	}
	return grey{g.w, g.h, dst[:g.w*g.h+slack]}
}

// binomial weighs five times four lanes. Twice in succession it makes at most
// 255 * 256 of pixels.
func binomial(a, b, c, d, e uint64) uint64 { return a + e + (b+c+d)<<2 + c<<1 }

// widen convolves a row: the even and the odd pixels of each eight.
func (s *smoother) widen(dst []uint64, src []uint8) {
	n := len(src)
	s.line[0], s.line[1] = src[0], src[0]
	copy(s.line[2:], src)
	s.line[n+2], s.line[n+3] = src[n-1], src[n-1]
	for i := 0; i+1 < len(dst); i += 2 {
		line := s.line[4*i:][:12]
		p, q, r := binary.LittleEndian.Uint64(line), binary.LittleEndian.Uint64(line[2:]), binary.LittleEndian.Uint64(line[4:])
		p0, p1, q0, q1, r0, r1 := p&lowBytes, p>>8&lowBytes, q&lowBytes, q>>8&lowBytes, r&lowBytes, r>>8&lowBytes
		dst[i] = binomial(p0, p1, q0, q1, r0)
		dst[i+1] = binomial(p1, q0, q1, r0, r1)
	}
}
