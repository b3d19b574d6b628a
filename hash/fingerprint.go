package hash

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// A fingerprint is what is kept of a picture. It is a plain comparable value:
// no pointers, no pixels, no way back to the photo's content.
//
// PDQ of a turned or mirrored picture can be had from the same 16x16 DCT by
// transposing it and by flipping signs. Transposing moves bits, so it can be
// done on the finished code. Flipping signs cannot: the code holds only
// "above the median or not", and the median of the flipped coefficients is
// another one (about ten bits of 256 would be wrong, a third of the strong
// threshold). A fingerprint made from pixels therefore carries four codes per
// frame, one for each pattern of signs; the eight orientations follow from
// these exactly. A fingerprint that came as a bare code (a PDQ list of another
// platform) has one, and its orientations are approximations.
//
// Binary form, recipes 1 and 2 (integers big-endian):
//
//	offset  bytes  content
//	0       1      recipe
//	1       1      what it has (bit 0 full frame, 1 trimmed frame, 2 made from
//	               pixels, 3 phash, 4 dhash, 5 ahash, 6 smooth frame, 7 made
//	               by the query path)
//	2       1      PDQ quality of the full frame, 0 to 100
//	3       ...    full frame: 32 bytes, or 4 x 32 if made from pixels (upright,
//	               left-right mirrored, upside-down mirrored, both)
//	...     ...    trimmed frame, then smooth frame: the same
//	...     8      phash, then dhash, then ahash, those that it has
//	...     32     colour signature, if made from pixels
//
// Text form: "t", the recipe, "q" if made by the query path, ":", then the
// binary form from offset 1 in unpadded base64url.
//
// Ledger of this form. Recipe 1 is the first. Recipe 2 computes the same codes
// in the same way and lays them out alike; what it adds is Features, which lie
// beside a fingerprint and not in it. So fingerprints of both are compared, and
// only the number tells them apart.

// Recipe is the version of the whole way from bytes to what is kept of a
// picture that this package follows; OldestRecipe is the oldest whose
// fingerprints mean the same, so that they are read and compared. Those of any
// other recipe never are.
const (
	Recipe       = 2
	OldestRecipe = 1
)

// MinQuality is the PDQ quality below which a picture is TooPlain to be
// matched (the threshold that PDQ's authors recommend; Facebook, "The TMK+PDQF
// Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019).
const MinQuality = 50

// Kind is one of the hashes that a fingerprint can hold.
type Kind uint8

// The kinds of hashes.
const (
	// PDQ has 256 bits; it decides.
	PDQ Kind = iota + 1
	// Perception is goimagehash's perception hash, 64 bits.
	Perception
	// Difference is goimagehash's difference hash, 64 bits.
	Difference
	// Average is goimagehash's average hash, 64 bits. It is only read from
	// lists and computed for queries against such lists.
	Average
)

var kindNames = [...]string{PDQ: "pdq", Perception: "phash", Difference: "dhash", Average: "ahash"}

// String returns "pdq", "phash", "dhash" or "ahash".
func (k Kind) String() string {
	if k < PDQ || k > Average {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// Bits returns the length of the hash in bits: 256 or 64.
func (k Kind) Bits() int {
	if k == PDQ {
		return 256
	}
	return 64
}

// ParseKind reads what String writes. It fails with ErrSyntax.
func ParseKind(s string) (Kind, error) {
	for k := PDQ; k <= Average; k++ {
		if kindNames[k] == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("hash kind %q: %w", s, ErrSyntax)
}

// Code is a 256-bit PDQ code. Bit 16*i+j of PDQ's definition is bit (16*i+j)%64
// of word (16*i+j)/64.
type Code [4]uint64

// String writes the 64 hexadecimal digits that PDQ's tools exchange, most
// significant word first.
func (c Code) String() string {
	var b [32]byte
	putCode(b[:], c)
	return hex.EncodeToString(b[:])
}

// ParseCode reads 64 hexadecimal digits. It fails with ErrSyntax.
func ParseCode(s string) (Code, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return Code{}, fmt.Errorf("PDQ code %q, want 64 hexadecimal digits: %w", clip(s), ErrSyntax)
	}
	return getCode(b), nil
}

// Distance is the number of bits in which two codes differ, 0 to 256.
func (c Code) Distance(d Code) int {
	return bits.OnesCount64(c[0]^d[0]) + bits.OnesCount64(c[1]^d[1]) +
		bits.OnesCount64(c[2]^d[2]) + bits.OnesCount64(c[3]^d[3])
}

func putCode(b []byte, c Code) {
	for i, w := range c {
		binary.BigEndian.PutUint64(b[8*(3-i):], w)
	}
}

func getCode(b []byte) (c Code) {
	for i := range c {
		c[i] = binary.BigEndian.Uint64(b[8*(3-i):])
	}
	return c
}

// Frame is one of the views of a picture that get a PDQ code of their own.
type Frame uint8

// The frames. A fingerprint that has any has the full one.
const (
	Full    Frame = iota // the whole picture
	Trimmed              // without its uniform border
	Smooth               // the whole picture averaged, where PDQ's filter leaves fine patterns
)

// Frames is the number of frames.
const Frames = 3

var frameNames = [Frames]string{"full", "trimmed", "smooth"}

// String returns "full", "trimmed" or "smooth".
func (f Frame) String() string {
	if int(f) >= len(frameNames) {
		return fmt.Sprintf("Frame(%d)", uint8(f))
	}
	return frameNames[f]
}

// ParseFrame reads what String writes. It fails with ErrSyntax.
func ParseFrame(s string) (Frame, error) {
	for i, n := range frameNames {
		if n == s {
			return Frame(i), nil
		}
	}
	return 0, fmt.Errorf("frame %q: %w", clip(s), ErrSyntax)
}

type parts uint8

const (
	hasFull parts = 1 << iota
	hasTrimmed
	fromPixels // codes of the mirrored picture and a colour signature
	hasPerception
	hasDifference
	hasAverage
	hasSmooth
	fromQuery
)

var frameParts = [Frames]parts{hasFull, hasTrimmed, hasSmooth}

// signs holds the codes of one frame, indexed by the pattern of flips: bit 0
// left-right, bit 1 upside-down.
type signs [4]Code

// ColourCells is the length of a colour signature: the mean Cb and Cr (BT.601,
// 128 is neutral) of the cells of a 4x4 grid, row by row.
const ColourCells = 32

// Fingerprint is what is kept of a picture: recipe, quality and hashes. It is
// comparable with ==; the zero value means none.
type Fingerprint struct {
	recipe  uint8
	has     parts
	quality uint8
	frames  [Frames]signs
	words   [3]uint64 // perception, difference, average
	colour  [ColourCells]uint8
}

// FromPDQ makes a fingerprint that holds a bare PDQ code, as lists of other
// platforms carry it. Quality is 0 to 100, 100 where the list does not say.
func FromPDQ(c Code, quality int) Fingerprint {
	f := Fingerprint{recipe: Recipe, has: hasFull, quality: uint8(min(max(quality, 0), 100))}
	f.frames[Full][0] = c
	return f
}

// FromCodes makes a fingerprint of a full and a trimmed PDQ code, without the
// codes of the mirrored picture. It is meant for lists and for load tests.
func FromCodes(full, trimmed Code, quality int) Fingerprint {
	return FromPDQ(full, quality).With(Trimmed, trimmed)
}

// With returns f with a bare code for a further frame. A fingerprint made from
// pixels, or without a full frame, is returned as it is.
func (f Fingerprint) With(fr Frame, c Code) Fingerprint {
	if fr < Frames && f.has&fromPixels == 0 && f.has&hasFull != 0 {
		f.has |= frameParts[fr]
		f.frames[fr][0] = c
	}
	return f
}

// FromWord makes a fingerprint that holds one 64-bit hash of goimagehash. It
// returns the zero Fingerprint if k is not a 64-bit kind.
func FromWord(k Kind, w uint64) Fingerprint {
	if k < Perception || k > Average {
		return Fingerprint{}
	}
	f := Fingerprint{recipe: Recipe, quality: 100}
	f.setWord(k, w)
	return f
}

func (f *Fingerprint) setWord(k Kind, w uint64) {
	f.words[k-Perception] = w
	f.has |= hasPerception << (k - Perception)
}

// IsZero reports whether f is no fingerprint at all.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// Recipe returns the recipe by which f was made; 0 for the zero Fingerprint.
func (f Fingerprint) Recipe() int { return int(f.recipe) }

// AsRecipe returns f as a fingerprint of another recipe, whose codes mean the
// same: how one is written into a store of that recipe, and told apart from
// nothing by ==. The zero Fingerprint, and any f if the recipe is not one from
// OldestRecipe to Recipe, is returned as it is.
func (f Fingerprint) AsRecipe(recipe int) Fingerprint {
	if knownRecipe(int(f.recipe)) && knownRecipe(recipe) {
		f.recipe = uint8(recipe)
	}
	return f
}

func knownRecipe(r int) bool { return r >= OldestRecipe && r <= Recipe }

// Quality returns the PDQ quality of the full frame, 0 to 100.
func (f Fingerprint) Quality() int { return int(f.quality) }

// Fast reports whether f was made by the query path (ReadQuery). Such a
// fingerprint cannot become a reference.
func (f Fingerprint) Fast() bool { return f.has&fromQuery != 0 }

// Has reports whether f holds a hash of kind k.
func (f Fingerprint) Has(k Kind) bool {
	switch k {
	case PDQ:
		return f.has&hasFull != 0
	case Perception, Difference, Average:
		return f.has&(hasPerception<<(k-Perception)) != 0
	}
	return false
}

// Code returns the upright PDQ code of a frame, and whether f has it.
func (f Fingerprint) Code(fr Frame) (Code, bool) {
	if fr >= Frames {
		return Code{}, false
	}
	return f.frames[fr][0], f.has&frameParts[fr] != 0
}

// Word returns the 64-bit hash of kind k, and whether f has it.
func (f Fingerprint) Word(k Kind) (uint64, bool) {
	if k == PDQ || !f.Has(k) {
		return 0, false
	}
	return f.words[k-Perception], true
}

// Colour returns the colour signature (see ColourCells), and whether f has it.
func (f Fingerprint) Colour() ([ColourCells]uint8, bool) { return f.colour, f.has&fromPixels != 0 }

// AppendBinary appends the binary form (see the head of this file).
func (f Fingerprint) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, f.recipe, byte(f.has), f.quality)
	for fr, bit := range frameParts {
		if f.has&bit == 0 {
			continue
		}
		for _, c := range f.frames[fr][:f.codesPerFrame()] {
			b = append(b, make([]byte, 32)...)
			putCode(b[len(b)-32:], c)
		}
	}
	for i, w := range f.words {
		if f.has&(hasPerception<<i) != 0 {
			b = binary.BigEndian.AppendUint64(b, w)
		}
	}
	if f.has&fromPixels != 0 {
		b = append(b, f.colour[:]...)
	}
	return b, nil
}

func (f Fingerprint) codesPerFrame() int {
	if f.has&fromPixels != 0 {
		return len(signs{})
	}
	return 1
}

// MarshalBinary returns the binary form; it never fails.
func (f Fingerprint) MarshalBinary() ([]byte, error) { return f.AppendBinary(nil) }

// UnmarshalBinary reads what MarshalBinary wrote. It fails with ErrRecipe if
// the recipe is not known here, and with ErrSyntax otherwise.
func (f *Fingerprint) UnmarshalBinary(b []byte) error {
	if len(b) < 3 {
		return fmt.Errorf("%d bytes: %w", len(b), ErrSyntax)
	}
	if !knownRecipe(int(b[0])) {
		return fmt.Errorf("recipe %d, this package reads %d to %d: %w", b[0], OldestRecipe, Recipe, ErrRecipe)
	}
	g := Fingerprint{recipe: b[0], has: parts(b[1]), quality: b[2]}
	if want := g.binaryLen(); want != len(b) || !g.sound() {
		return fmt.Errorf("%d bytes, want %d: %w", len(b), want, ErrSyntax)
	}
	b = b[3:]
	for fr, bit := range frameParts {
		for i := 0; g.has&bit != 0 && i < g.codesPerFrame(); i++ {
			g.frames[fr][i] = getCode(b)
			b = b[32:]
		}
	}
	for i := range g.words {
		if g.has&(hasPerception<<i) != 0 {
			g.words[i] = binary.BigEndian.Uint64(b)
			b = b[8:]
		}
	}
	if g.has&fromPixels != 0 {
		copy(g.colour[:], b)
	}
	*f = g
	return nil
}

// sound reports whether the header could have been written by this package.
func (f Fingerprint) sound() bool {
	if f.quality > 100 || f.has&(hasFull|hasPerception|hasDifference|hasAverage) == 0 {
		return false
	}
	return f.has&hasFull != 0 || f.has&(hasTrimmed|hasSmooth|fromPixels|fromQuery) == 0
}

func (f Fingerprint) binaryLen() int {
	n := 3
	frames := bits.OnesCount8(uint8(f.has & (hasFull | hasTrimmed | hasSmooth)))
	n += 32 * frames * f.codesPerFrame()
	n += 8 * bits.OnesCount8(uint8(f.has&(hasPerception|hasDifference|hasAverage)))
	if f.has&fromPixels != 0 {
		n += ColourCells
	}
	return n
}

// String returns the text form, for example "t2:..." or, from the query path,
// "t2q:...". The zero Fingerprint gives "".
func (f Fingerprint) String() string {
	if f.IsZero() {
		return ""
	}
	b, _ := f.MarshalBinary()
	q := ""
	if f.Fast() {
		q = "q"
	}
	return "t" + strconv.Itoa(int(f.recipe)) + q + ":" + base64.RawURLEncoding.EncodeToString(b[1:])
}

// MarshalText returns String; it never fails.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a text form; "" gives the zero Fingerprint. It fails
// with ErrRecipe or ErrSyntax like Parse.
func (f *Fingerprint) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*f = Fingerprint{}
		return nil
	}
	g, err := Parse(string(b))
	if err != nil {
		return err
	}
	*f = g
	return nil
}

// Parse reads the text form of a fingerprint. It fails with ErrRecipe if the
// text begins with a recipe that is not known here, and with ErrSyntax otherwise.
func Parse(s string) (Fingerprint, error) {
	head, body, ok := strings.Cut(s, ":")
	head, tagged := strings.CutSuffix(head, "q")
	digits, isT := strings.CutPrefix(head, "t")
	recipe, err := strconv.ParseUint(digits, 10, 8)
	if !ok || !isT || err != nil || digits != strconv.FormatUint(recipe, 10) {
		return Fingerprint{}, fmt.Errorf("%q does not begin with a recipe such as t%d: %w", clip(s), Recipe, ErrSyntax)
	}
	if !knownRecipe(int(recipe)) {
		return Fingerprint{}, fmt.Errorf("%q, this package reads recipes %d to %d: %w", clip(s), OldestRecipe, Recipe, ErrRecipe)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || strings.ContainsAny(body, "\r\n") {
		return Fingerprint{}, fmt.Errorf("%q: not base64url: %w", clip(s), ErrSyntax)
	}
	var f Fingerprint
	if err := f.UnmarshalBinary(append([]byte{byte(recipe)}, b...)); err != nil {
		return Fingerprint{}, fmt.Errorf("%q: %w", clip(s), err)
	}
	if f.Fast() != tagged {
		return Fingerprint{}, fmt.Errorf("%q: the tag q contradicts the content: %w", clip(s), ErrSyntax)
	}
	return f, nil
}

// clip shortens what is quoted in an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
