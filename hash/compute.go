package hash

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	"strings"

	"github.com/corona10/goimagehash"
	"github.com/disintegration/imaging"
)

// fingerprint computes what a search needs: PDQ of the frames, quality and the
// colour signature. It fails with TooPlain.
func (c *canonical) fingerprint() (Fingerprint, error) {
	frame := image.Rect(0, 0, c.luma.w, c.luma.h)
	s := sample(c.luma, frame)
	q := s.quality()
	if q < MinQuality {
		return Fingerprint{}, unusable(TooPlain, "PDQ quality %d, at least %d is needed", q, MinQuality)
	}
	f := Fingerprint{recipe: Recipe, quality: uint8(q), has: fromPixels, colour: signature(c.colour)}
	if !f.setFrame(Full, s.dct()) {
		return Fingerprint{}, unusable(TooPlain, "most frequencies are equal, as of a symmetric drawing")
	}
	if box, ok := trim(c.colour); ok {
		if t := sample(c.luma, scaleBox(box, c.colour.Rect, frame)); t.quality() >= MinQuality {
			f.setFrame(Trimmed, t.dct())
		}
	}
	c.means = average(c.luma)
	f.setSmooth(c.means.dct())
	return f, nil
}

// setFrame gives f the codes of a frame, and reports whether they are telling ones,
// which alone are kept.
func (f *Fingerprint) setFrame(fr Frame, b *block) bool {
	codes := b.signs()
	if !codes[0].Telling() {
		return false
	}
	f.has |= frameParts[fr]
	f.frames[fr] = codes
	return true
}

// setSmooth keeps the smooth frame if it is worth its room.
func (f *Fingerprint) setSmooth(b *block) {
	if b.code().Distance(f.frames[Full][0]) >= smoothBits {
		f.setFrame(Smooth, b)
	}
}

// signature averages Cb and Cr over a 4x4 grid.
func signature(m *image.NRGBA) (sig [ColourCells]uint8) {
	w := m.Rect.Dx()
	r := newReducer[uint8](w, m.Rect.Dy(), 4, 4, 2)
	row := make([]byte, 2*w)
	for y := range m.Rect.Dy() {
		chromaRow(row, m.Pix[y*m.Stride:])
		r.add(row)
	}
	copy(sig[:], r.out)
	return sig
}

// chromaRow writes the Cb and Cr of pixels of 4 bytes, as color.RGBToYCbCr
// computes them: in 1/65536, with 128 and a half added. Both are in one word, 32
// bits each; neither is negative, and of the largest values, which round to 256,
// one is taken off.
func chromaRow(row, pix []uint8) {
	const (
		red   = 32768<<32 - 11056
		green = -27440<<32 - 21712
		blue  = -5328<<32 + 32768
		half  = (257 << 15) * (1<<32 + 1)
	)
	for x := 0; x+2 <= len(row); x += 2 {
		p, q := pix[2*x:2*x+3:2*x+3], row[x:x+2:x+2]
		v := uint64(int64(p[0])*red + int64(p[1])*green + int64(p[2])*blue + half)
		v -= v >> 8 & (1<<48 | 1<<16)
		q[0], q[1] = uint8(v>>16), uint8(v>>48)
	}
}

// Complete adds goimagehash's perception and difference hash, and those kinds
// that are asked for besides, of the picture that i is about to its
// fingerprint f. They corroborate a match, and are the way in for those who
// hold lists of such hashes. An Info that did not come with a fingerprint
// returns f as it is.
func (i Info) Complete(f Fingerprint, more ...Kind) Fingerprint {
	if i.canonical == nil {
		return f
	}
	g := i.canonical.word()
	for _, k := range append([]Kind{Perception, Difference}, more...) {
		if k < Perception || k > Average || f.Has(k) {
			continue
		}
		f.setWord(k, word(g, k))
	}
	return f
}

// word computes a 64-bit hash. The library panics on empty pictures, in a
// goroutine where nobody can recover; this one is always 64x64. Its errors are
// for nil pictures only.
func word(g *image.Gray, k Kind) uint64 {
	compute := goimagehash.DifferenceHash
	switch k {
	case Perception:
		return perception(g)
	case Average:
		compute = goimagehash.AverageHash
	}
	h, err := compute(g)
	if err != nil {
		return 0
	}
	return h.GetHash()
}

// The bounds of a thumbnail.
const (
	thumbnailSide  = 160     // pixels
	thumbnailBytes = 4 << 10 // length of the JPEG
)

// Thumbnail returns a JPEG of the upright picture for people to look at: long
// side at most 160 pixels, at most 4 KB. It is made of the reduced colour
// picture, never of the file's own bytes or its embedded thumbnail.
func (i Info) Thumbnail() ([]byte, error) {
	if i.canonical == nil {
		return nil, fmt.Errorf("thumbnail: no picture")
	}
	var b bytes.Buffer
	for side := thumbnailSide; side >= 16; side = side * 3 / 4 {
		small := imaging.Fit(i.canonical.colour, side, side, imaging.Box)
		// Opaque pixels are the same in both layouts; the encoder reads this one
		// without an allocation for each.
		opaque := &image.RGBA{Pix: small.Pix, Stride: small.Stride, Rect: small.Rect}
		for quality := 60; quality >= 30; quality -= 15 {
			b.Reset()
			if err := jpeg.Encode(&b, opaque, &jpeg.Options{Quality: quality}); err != nil {
				return nil, fmt.Errorf("thumbnail: %w", err)
			}
			if b.Len() <= thumbnailBytes {
				return b.Bytes(), nil
			}
		}
	}
	return nil, fmt.Errorf("thumbnail: %d bytes at the least, the limit is %d", b.Len(), thumbnailBytes)
}

// wordLetters are the letters by which goimagehash's text form names a kind.
const wordLetters = "pda"

// ParseWord reads the text form of goimagehash: "p:", "d:" or "a:" and 16
// hexadecimal digits. It fails with ErrSyntax. (The library's own reader takes
// fewer digits and anything behind them.)
func ParseWord(s string) (Kind, uint64, error) {
	letter, digits, _ := strings.Cut(s, ":")
	k := strings.Index(wordLetters, letter)
	w, err := hex.DecodeString(digits)
	if len(letter) != 1 || k < 0 || err != nil || len(w) != 8 {
		return 0, 0, fmt.Errorf("image hash %q, want p:, d: or a: and 16 hexadecimal digits: %w", clip(s), ErrSyntax)
	}
	return Perception + Kind(k), binary.BigEndian.Uint64(w), nil
}

// Telling reports whether about half of the bits are set, 112 to 144, as of every
// photo. A drawing that is symmetric has coefficients of zero, three of four if it
// is so in both directions; their bits are all alike, and its code is then near to
// that of any other such drawing. Such codes are not kept.
func (c Code) Telling() bool {
	n := c.Distance(Code{})
	return n >= 112 && n <= 144
}
