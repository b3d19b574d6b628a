package index

import (
	"context"

	"github.com/touchstone-go/touchstone/hash"
)

// NearOptions narrow a search. The zero value searches all banks.
type NearOptions struct {
	// Banks are the names to search; none means all. An unknown name is
	// ErrNotFound.
	Banks []string
	// Radius, if not nil, replaces the banks' weak thresholds as the largest
	// distance (grades still follow the policies; what lies beyond the weak
	// threshold has grade Weak).
	Radius *int
	// Upright searches the upright codes of the fingerprint only, not its
	// eight orientations.
	Upright bool
	// SHA256, if not zero, finds references of the very same file as Exact.
	SHA256 Digest
}

// Near returns the references within the thresholds of their banks, graded,
// ordered by grade, score, bank, id. It sees every write that has returned.
// Withdrawn references never match. It fails with ErrRecipe if f was made by
// another recipe, and with ErrInvalid for the zero Fingerprint.
func (x *Index) Near(ctx context.Context, f hash.Fingerprint, o NearOptions) ([]Match, error) {
	panic("unwritten")
}
