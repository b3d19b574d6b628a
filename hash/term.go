package hash

import "iter"

// Term is a local feature as an inverted file sees it: which word it is, how it
// is turned, and some bits of its descriptor, by which chance neighbours in the
// list of a word are told from the same corner (Jégou, Douze and Schmid,
// "Hamming embedding and weak geometric consistency", 2008).
type Term struct {
	// Word is a number below 1<<15.
	Word uint16
	// Angle is the direction of the feature in 64ths of a turn.
	Angle uint8
	// Signature is the first SignatureBits bits of the descriptor.
	Signature uint64
}

// SignatureBits is the length of a signature.
const SignatureBits = 44

func termOf(word uint16, angle uint8, c *Code) Term {
	return Term{word, angle, c[0] & (1<<SignatureBits - 1)}
}

// Terms yields the terms of the reference in ascending order of their words, at
// most MaxPoints.
func (f *Features) Terms() iter.Seq[Term] {
	return func(yield func(Term) bool) {
		for i := range f.points {
			p := &f.points[i]
			if !yield(termOf(p.word, p.angle, &p.code)) {
				return
			}
		}
	}
}

// Terms yields the terms of the query in ascending order of their words, up to
// three words for each local feature, and whether a term is that of the mirrored
// picture. A term of the reference with Angle r belongs to the same turn of the
// picture, or of the mirrored picture, as others with the same difference (or
// sum, if mirrored) of the angles.
func (s *Scene) Terms() iter.Seq2[Term, bool] {
	return func(yield func(Term, bool) bool) {
		for _, l := range s.index {
			if !yield(termOf(l.word, s.points[l.point].angle, s.code(int(l.point), l.mirror)), l.mirror) {
				return
			}
		}
	}
}
