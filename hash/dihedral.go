package hash

import "fmt"

// A square picture has eight orientations. Counterfeiters mirror and turn
// photos because most matchers do not look. The query is asked in all eight,
// the reference is stored once.
//
// Let B be the 16x16 block of DCT coefficients that PDQ thresholds (row and
// column frequencies 1 to 16). Mirroring the picture left-right changes the
// sign of every odd column frequency, upside-down of every odd row frequency,
// and turning it over its main diagonal transposes B (Ahmed, Natarajan and
// Rao 1974 for the symmetry of the DCT; the PDQ paper, section on dihedral
// transforms). Transposition only moves bits, so four codes, one for each
// pattern of signs, give all eight.

// Transform is one of the eight ways to turn a picture. It is what turns the
// upright reference into the query.
type Transform uint8

// The transforms, in the order in which ties are broken. Turns are clockwise;
// a mirror is left-right and comes before the turn.
const (
	Upright Transform = iota
	Rot90
	Rot180
	Rot270
	Mirror
	MirrorRot90
	MirrorRot180
	MirrorRot270
)

// Transforms is the number of transforms.
const Transforms = 8

var transformNames = [Transforms]string{"none", "rot90", "rot180", "rot270", "mirror", "mirror_rot90", "mirror_rot180", "mirror_rot270"}

// String returns the word that verdicts use: none, rot90, rot180, rot270,
// mirror, mirror_rot90, mirror_rot180 or mirror_rot270.
func (t Transform) String() string {
	if int(t) >= len(transformNames) {
		return fmt.Sprintf("Transform(%d)", uint8(t))
	}
	return transformNames[t]
}

// ParseTransform reads what String writes. It fails with ErrSyntax.
func ParseTransform(s string) (Transform, error) {
	for i, n := range transformNames {
		if n == s {
			return Transform(i), nil
		}
	}
	return 0, fmt.Errorf("transform %q: %w", clip(s), ErrSyntax)
}

// A turn as a transposition followed by flips (bit 0 left-right, bit 1
// upside-down).
type turn struct {
	transpose bool
	flips     uint8
}

var turns = [Transforms]turn{
	Upright: {false, 0}, Rot90: {true, 1}, Rot180: {false, 3}, Rot270: {true, 2},
	Mirror: {false, 1}, MirrorRot90: {true, 3}, MirrorRot180: {false, 2}, MirrorRot270: {true, 0},
}

// inverse returns the transform that undoes t. All but the quarter turns undo
// themselves.
func (t Transform) inverse() Transform {
	switch t {
	case Rot90:
		return Rot270
	case Rot270:
		return Rot90
	}
	return t
}

// place says where the cell (x, y) goes in the turned grid of w x h cells.
func (u turn) place(x, y, w, h int) (int, int) {
	if u.transpose {
		x, y = y, x
	}
	if u.flips&1 != 0 {
		x = w - 1 - x
	}
	if u.flips&2 != 0 {
		y = h - 1 - y
	}
	return x, y
}

// Variant is one code under which a query is searched.
type Variant struct {
	Code      Code
	Frame     Frame
	Transform Transform
}

// Variants returns the codes under which f is searched: the eight orientations
// of each frame, 8 to 24, ordered by transform and then frame. Variant t is the
// code of the picture turned back by t, so that it equals the code of a
// reference which t turns into this query.
func (f Fingerprint) Variants() []Variant {
	vs := make([]Variant, 0, Frames*Transforms)
	var flipped [Frames]signs
	for fr := range f.frames {
		flipped[fr] = f.flipped(f.frames[fr])
	}
	for t := range Transform(Transforms) {
		for fr, bit := range frameParts {
			if f.has&bit != 0 {
				vs = append(vs, Variant{turns[t.inverse()].apply(flipped[fr]), Frame(fr), t})
			}
		}
	}
	return vs
}

// flipped completes the codes of the mirrored picture where f does not carry
// them: the coefficients of odd frequency are taken to have changed sides of
// the median.
func (f Fingerprint) flipped(s signs) signs {
	if f.has&fromPixels == 0 {
		for p := range s {
			for w := range s[p] {
				s[p][w] = s[0][w] ^ flipMasks[p][w]
			}
		}
	}
	return s
}

// apply gives the code of the turned picture out of the codes of the flipped
// ones. Flipping after a transposition is the same as the other flip before.
func (u turn) apply(s signs) Code {
	if !u.transpose {
		return s[u.flips]
	}
	return s[u.flips>>1|u.flips&1<<1].transpose()
}

// transpose moves bit 16*i+j to 16*j+i.
func (c Code) transpose() (d Code) {
	for i := range 16 {
		for j := range 16 {
			from, to := 16*i+j, 16*j+i
			d[to/64] |= c[from/64] >> (from % 64) & 1 << (to % 64)
		}
	}
	return d
}

// flipMasks has, for each pattern of flips, the bits whose coefficient changes
// its sign. Index 0 of B is frequency 1, so the even indices are the odd
// frequencies.
var flipMasks = func() (m signs) {
	for p := range m {
		for i := range 16 {
			for j := range 16 {
				if (p&1 != 0 && j%2 == 0) != (p&2 != 0 && i%2 == 0) {
					m[p][(16*i+j)/64] |= 1 << ((16*i + j) % 64)
				}
			}
		}
	}
	return m
}()
