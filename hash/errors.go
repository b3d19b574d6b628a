package hash

import (
	"errors"
	"fmt"
)

// Reason says why a picture cannot be fingerprinted. The words are part of
// the contract of every door (library, HTTP, command line) and never change.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	// NotImage: the first bytes are those of no picture format known here.
	NotImage Reason = "not_image"
	// UnsupportedFormat: a picture format that is not decoded here, or one
	// that is switched off (see Limits.Formats).
	UnsupportedFormat Reason = "unsupported_format"
	// Corrupt: the decoder gave up, or the header contradicts itself.
	Corrupt Reason = "corrupt"
	// TooLarge: more bytes, more pixels or a longer side than the limits allow.
	TooLarge Reason = "too_large"
	// TooSmall: a side shorter than Limits.MinSide.
	TooSmall Reason = "too_small"
	// TooPlain: PDQ quality below MinQuality, for example a blank page. Such
	// pictures all hash alike, so they never match and are never registered.
	TooPlain Reason = "too_plain"
	// TooCostly: decoding would take more memory, JPEG scans or time than the
	// limits allow.
	TooCostly Reason = "too_costly"
)

// UnusableError says that a picture cannot be fingerprinted, and why. It is a
// statement about the picture, not about this package: the same bytes give
// the same reason again (TooCostly by time excepted).
type UnusableError struct {
	Reason Reason
	Err    error // the cause in detail; may be nil
}

// Error names the reason, then the cause.
func (e *UnusableError) Error() string {
	if e.Err == nil {
		return "picture unusable: " + string(e.Reason)
	}
	return fmt.Sprintf("picture unusable: %s: %v", e.Reason, e.Err)
}

// Unwrap returns the cause.
func (e *UnusableError) Unwrap() error { return e.Err }

func unusable(r Reason, format string, args ...any) error {
	return &UnusableError{Reason: r, Err: fmt.Errorf(format, args...)}
}

var (
	// ErrRecipe is returned when a fingerprint was made by a recipe that this
	// package does not make, or when two fingerprints of different recipes
	// would be compared.
	ErrRecipe = errors.New("fingerprint of another recipe")
	// ErrSyntax is returned when a text or binary form cannot be read.
	ErrSyntax = errors.New("not a fingerprint")
)
