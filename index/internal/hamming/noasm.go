//go:build !amd64 || noasm

package hamming

// Available reports whether this machine runs the level.
func (l Level) Available() bool { return l == Generic }

// Without assembly no kernel does anything, and plain Go does the rest.

func (l Level) halves(found []uint32, _ []Half, _ *Half, _ int) ([]uint32, int) { return found, 0 }

func (l Level) halvesOf8(found []Pair, _ []Half, _ *[Lanes]Half, _ *[Lanes]int) ([]Pair, int) {
	return found, 0
}

func (l Level) codes(found []uint32, _, _ []Half, _ *Row, _ int) ([]uint32, int) { return found, 0 }

func (l Level) codesOf8(found []Pair, _, _ []Half, _ *[Lanes]Row, _ *[Lanes]int) ([]Pair, int) {
	return found, 0
}

func (l Level) rowsOf8(found []Pair, _ []Row, _ *[Lanes]Row, _ *[Lanes]int) ([]Pair, int) {
	return found, 0
}

func (l Level) words(found []uint32, _ []uint64, _ uint64, _ int) ([]uint32, int) { return found, 0 }

func (l Level) at(found []uint32, _ []*Half, _ []uint32, _ *Half, _ int) ([]uint32, int) {
	return found, 0
}
