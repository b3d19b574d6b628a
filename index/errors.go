package index

import (
	"errors"
	"fmt"
)

// Errors are about this index and its caller; what is wrong with a picture is
// a Verdict with outcome Unusable, or hash.UnusableError from Register.
// All are wrapped with what was attempted and on which id; test with errors.Is.
var (
	// ErrNotFound: there is no such bank, reference, thumbnail or store. A row
	// that should be there and is not is ErrCorrupt instead.
	ErrNotFound = errors.New("not found")
	// ErrExists: the name of a bank, or the id in a bank, is taken, by other
	// bytes where it is a reference's.
	ErrExists = errors.New("already exists")
	// ErrConflict: the picture lies within the strong threshold of a reference
	// in a bank of the opposite kind. See ConflictError.
	ErrConflict = errors.New("conflicts with a reference of the opposite kind")
	// ErrInvalid: a name, an id, a policy or metadata breaks the rules.
	ErrInvalid = errors.New("invalid")
	// ErrClosed: Close was called; nothing was done.
	ErrClosed = errors.New("index is closed")
	// ErrReadOnly: a write to an index that was opened with Options.ReadOnly,
	// or a store that must be opened for writing first, since it was not
	// closed cleanly.
	ErrReadOnly = errors.New("index is read-only")
	// ErrLocked: another process holds the directory.
	ErrLocked = errors.New("store is in use by another process")
	// ErrFormat: the directory holds something else, or a format of the future.
	ErrFormat = errors.New("not a store of a known format")
	// ErrRecipe: a fingerprint or a store of another recipe.
	ErrRecipe = errors.New("another recipe")
	// ErrDiffers: Complete was given another picture than the one that the
	// reference was made of.
	ErrDiffers = errors.New("another picture")
	// ErrCorrupt: the store contradicts itself.
	ErrCorrupt = errors.New("store is damaged")
	// ErrNoSpace: free space is below Options.MinFree, or the disk or a quota
	// is full, so nothing is written.
	ErrNoSpace = errors.New("not enough free disk space")
)

// ConflictError carries the match that stands against a registration. It is
// an ErrConflict.
type ConflictError struct {
	Match Match // the nearest reference of the opposite kind
}

// Error names the reference and the distance.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%v: %s/%s (%s) at %s", ErrConflict, e.Match.Bank, e.Match.ID, e.Match.Kind, e.Match.evidence())
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
