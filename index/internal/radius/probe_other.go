//go:build !amd64 || noasm

package radius

import "github.com/touchstone-go/touchstone/index/internal/hamming"

func prefetches(hamming.Level) bool { return false }

func prefetchRecords([]record, []uint32, uint32) {}

func prefetchIDs([]uint32, []span) {}
