package jpegwriter

import (
	"fmt"
	"image"
)

// Options says what kind of file is made. The zero value is the most usual
// one: baseline, 4:2:0, quality 85, with a JFIF segment.
type Options struct {
	// The first group is about FromImage.

	// Quality is 1 to 100 in the scale of the Independent JPEG Group: 50 are
	// the tables of annex K, 100 is division by one. 0 means 85.
	Quality int
	// Tables replaces the tables of Quality: the divisors of the first
	// component and those of the others, row by row of frequencies (not in
	// zig-zag order), each at least 1. Above 255 they need WideTables.
	Tables *[2][64]uint16
	// Sampling is how many samples each component has; 0 means 4:2:0. A grey
	// picture takes the factors of the first component, and 1 x 1 for 0.
	Sampling Sampling
	// Grey writes one component, the luma, whatever the image is. An
	// *image.Gray is always written so.
	Grey bool
	// RGB codes red, green and blue as they are. A decoder takes them for
	// that only with NoJFIF and either IDs "RGB" or Adobe with transform 0.
	RGB bool
	// IDs are the identifiers of the components; all zero means 1, 2, 3.
	IDs [3]byte
	// Padding is what lies beyond the right and the lower edge, up to the
	// whole number of blocks that is coded.
	Padding Padding

	// The second group is about Encode.

	// Extended writes an extended sequential frame (SOF1), Progressive a
	// progressive one (SOF2). Neither means baseline (SOF0).
	Extended, Progressive bool
	// Script is the scans in their order; nil means ProgressiveScript in a
	// progressive file and one scan of all components otherwise. Only a
	// progressive file heeds what a scan says beside its components.
	Script []Scan
	// RestartInterval is the number of MCUs between restart markers, up to
	// 65,535; 0 means none. An MCU of a scan of one component is one block.
	RestartInterval int
	// OptimiseTables makes Huffman tables for each scan (annex K.2) in place
	// of those of annex K.3. Progressive files always have such tables.
	OptimiseTables bool
	// SlotEach gives each component its own Huffman tables, 0, 1, 2 and so
	// on, in place of one for the first and one for all others. A baseline
	// file has only two places and is refused with more than two components.
	SlotEach bool

	// The third group is about segments and bytes between them.

	// NoJFIF leaves out the JFIF segment.
	NoJFIF bool
	// Adobe writes an Adobe segment with AdobeTransform: 0 means RGB (or
	// CMYK), 1 YCbCr, 2 YCCK.
	Adobe          bool
	AdobeTransform byte
	// Orientation, if not 0, is written as the EXIF orientation (1 to 8 have a
	// meaning).
	Orientation int
	// Comment, if not empty, is written as a comment segment.
	Comment string
	// WideTables writes divisors with 16 bits in place of 8.
	WideTables bool
	// JoinTables writes tables that stand together as one segment in place of
	// one segment each.
	JoinTables bool
	// Fill is how many fill bytes 0xFF precede each marker but the first.
	Fill int
	// Trailing is what follows the end-of-image marker.
	Trailing []byte
}

// Sampling is the factors of three components as six hexadecimal digits:
// horizontal and vertical of the first, the second and the third. Each is 1 to
// 4; a component has H/Hmax x V/Vmax of the picture's samples.
type Sampling uint32

// The samplings that have names.
const (
	S444 Sampling = 0x111111
	S422 Sampling = 0x211111
	S440 Sampling = 0x121111
	S420 Sampling = 0x221111
	S411 Sampling = 0x411111
	S410 Sampling = 0x421111
)

// Factors returns the horizontal and vertical factor of component i, 0 to 2.
func (s Sampling) Factors(i int) (h, v int) {
	if s == 0 {
		s = S420
	}
	return int(s >> (20 - 8*i) & 15), int(s >> (16 - 8*i) & 15)
}

// String returns the six digits in pairs, such as 22-11-11.
func (s Sampling) String() string {
	h0, v0 := s.Factors(0)
	h1, v1 := s.Factors(1)
	h2, v2 := s.Factors(2)
	return fmt.Sprintf("%d%d-%d%d-%d%d", h0, v0, h1, v1, h2, v2)
}

// Padding is a way to fill what is coded beyond the edges of a picture. A
// decoder throws it away, but a block at the edge holds some of it.
type Padding uint8

const (
	PadEdge  Padding = iota // the last sample again, as most writers do
	PadBlack                // 0
	PadNoise                // 0 or 255, by the position
)

// Scan is one pass over some components (T.81, sections B.2.3 and G.1.1).
type Scan struct {
	Components []int // indices, ascending; a scan with Ss > 0 has one
	Ss, Se     int   // first and last coefficient in zig-zag order; 0, 0 is the DC
	Ah, Al     int   // lowest bit that earlier scans sent (0: this is the first), lowest bit sent now
}

// ProgressiveScript returns the scans that libjpeg writes for n components:
// DC without its lowest bit, then AC in bands, then the bits left out.
func ProgressiveScript(n int) []Scan {
	if n != 3 {
		s := []Scan{{all(n), 0, 0, 0, 1}}
		for _, band := range []Scan{{nil, 1, 5, 0, 2}, {nil, 6, 63, 0, 2}, {nil, 1, 63, 2, 1}} {
			s = append(s, Each(n, band)...)
		}
		s = append(s, Scan{all(n), 0, 0, 1, 0})
		return append(s, Each(n, Scan{nil, 1, 63, 1, 0})...)
	}
	return []Scan{
		{all(3), 0, 0, 0, 1},
		{[]int{0}, 1, 5, 0, 2}, {[]int{2}, 1, 63, 0, 1}, {[]int{1}, 1, 63, 0, 1}, {[]int{0}, 6, 63, 0, 2},
		{[]int{0}, 1, 63, 2, 1},
		{all(3), 0, 0, 1, 0},
		{[]int{2}, 1, 63, 1, 0}, {[]int{1}, 1, 63, 1, 0}, {[]int{0}, 1, 63, 1, 0},
	}
}

// Each returns the scan s once for each of n components, alone. With the zero
// Scan it is the script of a sequential file that is not interleaved.
func Each(n int, s Scan) []Scan {
	scans := make([]Scan, n)
	for i := range scans {
		scans[i] = s
		scans[i].Components = []int{i}
	}
	return scans
}

// all returns 0 to n-1.
func all(n int) []int {
	c := make([]int, n)
	for i := range c {
		c[i] = i
	}
	return c
}

// Encode returns img as a JPEG: FromImage, then its Encode.
func Encode(img image.Image, o Options) ([]byte, error) {
	c, err := FromImage(img, o)
	if err != nil {
		return nil, err
	}
	return c.Encode(o)
}

// script returns the scans of a file of n components, sequential ones with
// the bounds that they must have, checked.
func (o Options) script(n int) ([]Scan, error) {
	scans := o.Script
	switch {
	case scans == nil && o.Progressive:
		scans = ProgressiveScript(n)
	case scans == nil:
		scans = []Scan{{Components: all(n)}}
	}
	out := make([]Scan, len(scans))
	for i, s := range scans {
		if !o.Progressive {
			s = Scan{Components: s.Components, Se: 63}
		}
		if err := s.check(n, o.Progressive); err != nil {
			return nil, fmt.Errorf("jpegwriter: scan %d: %w", i, err)
		}
		out[i] = s
	}
	return out, nil
}

// check says what of s cannot be coded in a file of n components.
func (s Scan) check(n int, progressive bool) error {
	if len(s.Components) == 0 || len(s.Components) > n {
		return fmt.Errorf("%d components of %d", len(s.Components), n)
	}
	for i, c := range s.Components {
		if c < 0 || c >= n || i > 0 && c <= s.Components[i-1] {
			return fmt.Errorf("components %v are not ascending indices below %d", s.Components, n)
		}
	}
	if !progressive {
		return nil
	}
	switch {
	case s.Ss < 0 || s.Se > 63 || s.Ss > s.Se || s.Ss == 0 && s.Se != 0:
		return fmt.Errorf("coefficients %d to %d", s.Ss, s.Se)
	case s.Ss > 0 && len(s.Components) > 1:
		return fmt.Errorf("AC coefficients of %d components", len(s.Components))
	case s.Al < 0 || s.Al > 13 || s.Ah != 0 && s.Ah != s.Al+1:
		return fmt.Errorf("bits from %d to %d", s.Ah, s.Al)
	}
	return nil
}

// check says what of o no file can hold.
func (o Options) check(components int) error {
	switch {
	case o.Extended && o.Progressive:
		return fmt.Errorf("jpegwriter: both extended sequential and progressive")
	case o.RestartInterval < 0 || o.RestartInterval > 65535:
		return fmt.Errorf("jpegwriter: restart interval %d", o.RestartInterval)
	case o.SlotEach && components > 2 && !o.Extended && !o.Progressive:
		return fmt.Errorf("jpegwriter: a baseline file has two places for tables, not %d", components)
	case o.Orientation < 0 || o.Orientation > 65535:
		return fmt.Errorf("jpegwriter: orientation %d", o.Orientation)
	case len(o.Comment) > 65533:
		return fmt.Errorf("jpegwriter: a comment of %d bytes", len(o.Comment))
	case o.Fill < 0:
		return fmt.Errorf("jpegwriter: %d fill bytes", o.Fill)
	}
	return nil
}
