package hash

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Hashes say whether two whole frames look alike. They are blind to what
// counterfeiters do next: cut the photo, put a tag on it, set it into a page
// or a scene. For those, recipe 2 keeps more of a reference than its codes:
//
//   - codes of parts of the frame (region.go), compared like any other code;
//   - local features: corners with a descriptor each, a few hundred, which
//     survive cuts, covers, turns and scales (corner.go, descriptor.go);
//   - cells: 32x32 mean grey levels, by which an alignment that the local
//     features suggest is checked (residual.go).
//
// The query keeps nothing. It becomes a Scene (scene.go), and a Scene is
// aligned with the Features of candidates (align.go).
//
// Binary form (integers big-endian):
//
//	offset  bytes  content
//	0       1      version, 1
//	1       2, 2   width and height of the working picture, pixels, 1 to 400
//	5       8      edges of the trimmed frame, left, top, right, bottom: 0 to
//	               65535 over the side; the whole frame if nothing was trimmed
//	13      1024   grey cells, row by row
//	1037    1      number of region codes, 0 to MaxRegions
//	1038    32 n   region codes
//	...     2      number of local features, 0 to MaxPoints
//	...     38 m   local features in the order of their words, each of
//	               6      place, 48 bits: x and y in 1/8 pixel of the working
//	                      picture, 12 each; level, 3; angle, 6; word, 15
//	               32     descriptor

// MaxPoints is the largest number of local features of a reference.
const MaxPoints = 240

// MaxRegions is the largest number of region codes of a reference.
const MaxRegions = 32

const (
	featuresVersion = 1
	featuresHead    = 1 + 4 + 8 + gridSide*gridSide
	pointLen        = 6 + 32
	wordBits        = 15
)

// Features is what recipe 2 keeps of a reference beside its fingerprint. It is
// immutable; nil means none.
type Features struct {
	w, h    int       // of the working picture
	box     [4]uint16 // of the trimmed frame
	grey    cells
	regions []Code
	points  []point
}

// Features computes the features of the picture that i is about; nil if it is
// unusable. They are a few milliseconds of work and 11.2 KB at most
// in the binary form.
func (i Info) Features() *Features {
	if i.canonical == nil {
		return nil
	}
	c := i.canonical
	g := c.working(referenceSide)
	f := &Features{w: g.w, h: g.h, grey: cellsOf(g), regions: c.regions(), box: c.trimBox()}
	f.points, _ = detect(g, MaxPoints, referenceFall, false)
	v := words()
	for k := range f.points {
		f.points[k].word = v.nearest(&f.points[k].code)
	}
	slices.SortStableFunc(f.points, func(a, b point) int { return cmp.Compare(a.word, b.word) })
	return f
}

// trimBox returns the edges of the trimmed frame; of the full one if nothing was
// trimmed.
func (c *canonical) trimBox() [4]uint16 {
	r := c.colour.Rect
	if box, ok := trim(c.colour); ok {
		r = box
	}
	at := func(v, n int) uint16 { return uint16(v * math.MaxUint16 / n) }
	w, h := c.colour.Rect.Dx(), c.colour.Rect.Dy()
	return [4]uint16{at(r.Min.X, w), at(r.Min.Y, h), at(r.Max.X, w), at(r.Max.Y, h)}
}

// Regions returns the codes of the reference's regions, at most MaxRegions. The
// caller does not change them.
func (f *Features) Regions() []Code { return f.regions }

// Points returns the number of local features.
func (f *Features) Points() int { return len(f.points) }

// AppendBinary appends the binary form (see the head of this file).
func (f *Features) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, featuresVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(f.w))
	b = binary.BigEndian.AppendUint16(b, uint16(f.h))
	for _, e := range f.box {
		b = binary.BigEndian.AppendUint16(b, e)
	}
	b = append(b, f.grey[:]...)
	b = append(b, byte(len(f.regions)))
	for _, c := range f.regions {
		b = appendCode(b, c)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.points)))
	for _, p := range f.points {
		place := uint64(p.x)<<36 | uint64(p.y)<<24 | uint64(p.level)<<21 | uint64(p.angle)<<15 | uint64(p.word)
		b = appendCode(append(b, byte(place>>40), byte(place>>32), byte(place>>24), byte(place>>16), byte(place>>8), byte(place)), p.code)
	}
	return b, nil
}

func appendCode(b []byte, c Code) []byte {
	b = append(b, make([]byte, 32)...)
	putCode(b[len(b)-32:], c)
	return b
}

// MarshalBinary returns the binary form; it never fails.
func (f *Features) MarshalBinary() ([]byte, error) {
	return f.AppendBinary(make([]byte, 0, featuresHead+3+32*len(f.regions)+pointLen*len(f.points)))
}

// UnmarshalBinary reads what MarshalBinary wrote. It fails with ErrSyntax.
func (f *Features) UnmarshalBinary(b []byte) error {
	g, err := parseFeatures(b)
	if err != nil {
		return fmt.Errorf("features of %d bytes: %v: %w", len(b), err, ErrSyntax)
	}
	*f = *g
	return nil
}

func parseFeatures(b []byte) (*Features, error) {
	if len(b) < featuresHead+3 {
		return nil, fmt.Errorf("too short")
	}
	if b[0] != featuresVersion {
		return nil, fmt.Errorf("version %d, want %d", b[0], featuresVersion)
	}
	f := &Features{w: int(binary.BigEndian.Uint16(b[1:])), h: int(binary.BigEndian.Uint16(b[3:]))}
	for i := range f.box {
		f.box[i] = binary.BigEndian.Uint16(b[5+2*i:])
	}
	if f.w < 1 || f.h < 1 || max(f.w, f.h) > referenceSide || f.box[0] >= f.box[2] || f.box[1] >= f.box[3] {
		return nil, fmt.Errorf("a frame of %d x %d, trimmed to %v", f.w, f.h, f.box)
	}
	b = b[13+copy(f.grey[:], b[13:]):]
	n := int(b[0])
	if b = b[1:]; n > MaxRegions || len(b) < 32*n+2 {
		return nil, fmt.Errorf("%d regions", n)
	}
	for ; n > 0; n-- {
		f.regions = append(f.regions, getCode(b))
		b = b[32:]
	}
	n = int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n > MaxPoints || len(b) != pointLen*n {
		return nil, fmt.Errorf("%d points in %d bytes", n, len(b))
	}
	f.points = make([]point, n)
	for i := range f.points {
		if err := f.points[i].parse(b[pointLen*i:], f.w, f.h); err != nil {
			return nil, err
		}
		if i > 0 && f.points[i].word < f.points[i-1].word {
			return nil, fmt.Errorf("points not in the order of their words")
		}
	}
	return f, nil
}

// parse reads one point of a working picture of w x h pixels.
func (p *point) parse(b []byte, w, h int) error {
	place := uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
	*p = point{
		x: uint16(place >> 36), y: uint16(place >> 24 & 0xfff), level: uint8(place >> 21 & 7),
		angle: uint8(place >> 15 & 63), word: uint16(place & (1<<wordBits - 1)), code: getCode(b[6:]),
	}
	if int(p.x) > 8*w || int(p.y) > 8*h || int(p.word) >= words().len() {
		return fmt.Errorf("point at %d, %d, word %d", p.x, p.y, p.word)
	}
	return nil
}
