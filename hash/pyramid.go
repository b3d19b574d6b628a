package hash

// Local features are looked for on a pyramid: the same picture in several
// sizes, so that a corner of a photo is also found where the photo was pasted
// smaller. Each level is 1.2 times smaller than the one before, as in ORB
// (Rublee et al. 2011), and made from it by bilinear interpolation.

// grey is a picture of 8-bit grey levels, row by row.
type grey struct {
	w, h int
	pix  []uint8
}

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

// pyramid returns the levels, the picture itself first.
func pyramid(g grey) []grey {
	levels := []grey{g}
	for l := 1; l < pyramidLevels; l++ {
		w, h := (g.w*4096+scales[l]/2)/scales[l], (g.h*4096+scales[l]/2)/scales[l]
		if min(w, h) < pyramidLeast {
			break
		}
		levels = append(levels, levels[l-1].shrunk(w, h))
	}
	return levels
}

// step is a position between two pixels, the second with the weight part/256.
type step struct{ at, part int }

// steps lays the middles of n pixels over m, which is at least 2.
func steps(n, m int) []step {
	s := make([]step, n)
	for i := range s {
		p := max(0, (2*i+1)*m*128/n-128)
		s[i] = step{p >> 8, p & 255}
		if s[i].at > m-2 {
			s[i] = step{m - 2, 256}
		}
	}
	return s
}

// shrunk interpolates bilinearly in fixed point.
func (g grey) shrunk(w, h int) grey {
	out := grey{w, h, make([]uint8, w*h)}
	xs := steps(w, g.w)
	for y, s := range steps(h, g.h) {
		a, b := g.pix[s.at*g.w:][:g.w], g.pix[(s.at+1)*g.w:][:g.w]
		row := out.pix[y*w:][:w]
		for x, t := range xs {
			u := int(a[t.at])<<8 + (int(a[t.at+1])-int(a[t.at]))*t.part
			v := int(b[t.at])<<8 + (int(b[t.at+1])-int(b[t.at]))*t.part
			row[x] = uint8((u<<8 + (v-u)*s.part + 1<<15) >> 16)
		}
	}
	return out
}

// blurred convolves with the binomial 1 4 6 4 1 in both directions; pixels
// beyond the edges are those at the edges.
func (g grey) blurred() grey {
	wide := make([]uint16, g.w*g.h)
	for y := range g.h {
		g.blurRow(wide[y*g.w:][:g.w], g.pix[y*g.w:][:g.w])
	}
	out := grey{g.w, g.h, make([]uint8, g.w*g.h)}
	row := func(y int) []uint16 { return wide[min(max(y, 0), g.h-1)*g.w:][:g.w] }
	for y := range g.h {
		a, b, c, d, e := row(y-2), row(y-1), row(y), row(y+1), row(y+2)
		dst := out.pix[y*g.w:][:g.w]
		for x := range dst {
			dst[x] = uint8((uint32(a[x]) + uint32(e[x]) + 4*(uint32(b[x])+uint32(d[x])) + 6*uint32(c[x]) + 128) >> 8)
		}
	}
	return out
}

func (g grey) blurRow(dst []uint16, src []uint8) {
	clamped := func(x int) uint16 { return uint16(src[min(max(x, 0), len(src)-1)]) }
	for x := range dst {
		if x < 2 || x+2 >= len(src) {
			dst[x] = clamped(x-2) + clamped(x+2) + 4*(clamped(x-1)+clamped(x+1)) + 6*clamped(x)
			continue
		}
		s := src[x-2 : x+3 : x+3]
		dst[x] = uint16(s[0]) + uint16(s[4]) + 4*(uint16(s[1])+uint16(s[3])) + 6*uint16(s[2])
	}
}
