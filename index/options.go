package index

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/touchstone-go/touchstone/hash"
)

// Options are how an Index is opened. The zero value is a good one.
type Options struct {
	// InMemory keeps nothing on disk; dir is ignored.
	InMemory bool
	// ReadOnly opens a cleanly closed store without writing to it.
	ReadOnly bool
	// MustExist makes Open fail with ErrNotFound instead of making a store.
	MustExist bool
	// Limits bound the pictures that Register and Judge read. A nil Budget is
	// replaced by one of Limits.MaxMemory that all calls share.
	Limits hash.Limits
	// MinFree is the free disk space in bytes below which writes fail with
	// ErrNoSpace; 0 means 256 MB, negative switches the check off.
	MinFree int64
	// NoThumbnails switches off the thumbnails that Register keeps.
	NoThumbnails bool
	// NoFeatures makes Register and Add keep fingerprints alone: a kilobyte for
	// each reference instead of sixteen, and some 200 bytes of memory instead of
	// 1.3 KB (8 for a reference and 36 for each code, and 50 to 60 more for each
	// that is indexed: this is a reference of two codes).
	// Such references are found by the hashes of the whole picture only.
	NoFeatures bool
	// LocalFeatures is the largest number of local features that are held in
	// memory, eight bytes each, so that a thorough search finds references by
	// them; a reference has up to hash.MaxPoints. 0 means 24 million, that is
	// 100,000 references and 192 MB; negative means none. Beyond it those that
	// came first are found; the others are verified by their local features only
	// if a hash leads to them.
	LocalFeatures int
	// MadeBy is written into new references that do not say it themselves.
	MadeBy string
	// Logger receives what the store has to say; nil discards it.
	Logger *slog.Logger
	// Now replaces the clock and FreeSpace the disk's probe, for tests.
	Now       func() time.Time
	FreeSpace func(dir string) (uint64, error)
}

const defaultLocalFeatures = 100_000 * hash.MaxPoints

func (o *Options) localFeatures() int { return max(0, cmp.Or(o.LocalFeatures, defaultLocalFeatures)) }
