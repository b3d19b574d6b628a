//go:build !noasm

package radius

import "github.com/touchstone-go/touchstone/index/internal/hamming"

// prefetches reports whether a level has the functions below. PREFETCHT0 is on
// every amd64; Generic is plain Go all the same.
func prefetches(l hamming.Level) bool { return l != hamming.Generic }

// prefetchRecords asks for the cache lines of records[first^l] for all l of
// lines. Nothing is read, so nothing need be in range.
//
//go:noescape
func prefetchRecords(records []record, lines []uint32, first uint32)

// prefetchIDs asks for the cache lines of the first and the last number of each
// span.
//
//go:noescape
func prefetchIDs(ids []uint32, spans []span)
