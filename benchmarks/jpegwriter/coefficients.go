package jpegwriter

import "fmt"

// Block is the quantised coefficients of 8x8 samples: v*8+u has horizontal
// frequency u and vertical frequency v.
type Block [64]int16

// Component is one plane of a picture.
type Component struct {
	ID   byte // the identifier in the file
	H, V int  // sampling factors, 1 to 4
	// Table is which of the tables of Coefficients divides it.
	Table int
	// Blocks is Rows rows of Stride blocks, enough for whole MCUs of a scan
	// of all components. A scan of this component alone codes only those that
	// hold samples of the picture: the first Across of the first Down rows.
	Blocks       []Block
	Stride, Rows int
	Across, Down int
}

// At returns the block in column bx and row by.
func (c *Component) At(bx, by int) *Block { return &c.Blocks[by*c.Stride+bx] }

// Coefficients is a picture before entropy coding.
type Coefficients struct {
	Width, Height int         // 1 to 65,535
	Components    []Component // one to four
	// Tables are the divisors, row by row of frequencies; up to four.
	Tables [][64]uint16
}

// NewCoefficients returns a picture of that size whose coefficients are 0,
// with n components that have the factors of s, and two tables of ones. One
// component is grey, three are YCbCr, a fourth has the factors of the first.
func NewCoefficients(width, height, n int, s Sampling) (*Coefficients, error) {
	if width < 1 || height < 1 || width > 65535 || height > 65535 {
		return nil, fmt.Errorf("jpegwriter: %d x %d pixels", width, height)
	}
	if n < 1 || n > 4 {
		return nil, fmt.Errorf("jpegwriter: %d components", n)
	}
	c := &Coefficients{Width: width, Height: height, Components: make([]Component, n), Tables: make([][64]uint16, 2)}
	for t := range c.Tables {
		for i := range c.Tables[t] {
			c.Tables[t][i] = 1
		}
	}
	for i := range c.Components {
		h, v := s.Factors(i % 3)
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return nil, fmt.Errorf("jpegwriter: sampling factors %v", s)
		}
		c.Components[i] = Component{ID: byte(i + 1), H: h, V: v, Table: min(i%3, 1)}
	}
	hmax, vmax := c.maxFactors()
	for i := range c.Components {
		p := &c.Components[i]
		p.Across, p.Down = ceil(ceil(width*p.H, hmax), 8), ceil(ceil(height*p.V, vmax), 8)
		p.Stride, p.Rows = ceil(width, 8*hmax)*p.H, ceil(height, 8*vmax)*p.V
		p.Blocks = make([]Block, p.Stride*p.Rows)
	}
	return c, nil
}

// maxFactors returns the largest sampling factors.
func (c *Coefficients) maxFactors() (h, v int) {
	for i := range c.Components {
		h, v = max(h, c.Components[i].H), max(v, c.Components[i].V)
	}
	return h, v
}

// ceil returns a/b rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }
