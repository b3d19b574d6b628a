package index

import (
	"context"
	"io"

	"github.com/touchstone-go/touchstone/hash"
)

// JudgeOptions narrow a judgement. The zero value is a good one.
type JudgeOptions struct {
	// Banks are the names to search; none means all.
	Banks []string
	// Authorised states that the seller may use the brand's photos.
	Authorised bool
	// Limit is the largest number of matches in the verdict; 0 means 20.
	// Matches that decided are listed beyond it.
	Limit int
}

// Judge says what is known about the picture in r. An unusable picture is a
// verdict, not an error. Errors: those of r, of ctx, ErrNotFound for an
// unknown bank, ErrClosed, ErrCorrupt.
func (x *Index) Judge(ctx context.Context, r io.Reader, o JudgeOptions) (Verdict, error) {
	panic("unwritten")
}

// JudgeFingerprint is Judge for a picture that is known by its fingerprint only.
func (x *Index) JudgeFingerprint(ctx context.Context, f hash.Fingerprint, o JudgeOptions) (Verdict, error) {
	panic("unwritten")
}
