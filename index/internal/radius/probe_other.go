//go:build !amd64 || noasm

package radius

import "github.com/touchstone-go/touchstone/index/internal/hamming"

// Without assembly plain Go does everything.

func (r request) probeFast(_ hamming.Level, spans []span, _ request) ([]span, int, bool) {
	return spans, 0, false
}

func prefetchRecords(hamming.Level, request) bool { return false }

func (s *signs) gatherFast(_ hamming.Level, ids []uint32, _ []span) ([]uint32, int) { return ids, 0 }

func (g *group) probeFast(hamming.Level) (held int, odd, ok bool) { return 0, false, false }

func (g *group) gatherFast(_ hamming.Level, ids []uint32, _ *signs, _ *[1 << fourBits]uint32) ([]uint32, bool) {
	return ids, false
}
