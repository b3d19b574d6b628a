package index

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/touchstone-go/touchstone/hash"
)

// Opinion is how sure the owner is of a reference.
type Opinion string

// The opinions.
const (
	Confirmed Opinion = "confirmed" // the default
	Seed      Opinion = "seed"      // not verified: never leads to Block
	Disputed  Opinion = "disputed"  // contested: caps the advice at Review
	Withdrawn Opinion = "withdrawn" // kept for the record, never matches
)

// Reference is a registered photo: its fingerprint, its id in its bank and
// what the owner says about it.
type Reference struct {
	Bank string `json:"bank"`
	// ID is UTF-8, 1 to 512 bytes, without control characters and without an
	// empty, "." or ".." segment between slashes.
	ID          string           `json:"id"`
	Fingerprint hash.Fingerprint `json:"fingerprint"`
	// SHA256 is the digest of the photo's file, by which the very same file is
	// recognised; zero if unknown.
	SHA256  Digest  `json:"sha256,omitzero"`
	Opinion Opinion `json:"opinion"`
	// SKU, Source and Note are free text of up to 1 KB each.
	SKU    string `json:"sku,omitempty"`
	Source string `json:"source,omitempty"`
	Note   string `json:"note,omitempty"`
	// Meta holds free key-value pairs, up to 4 KB together.
	Meta map[string]string `json:"meta,omitempty"`
	// AddedAt is when the reference was first added, UTC, to the second.
	AddedAt time.Time `json:"added_at"`
	// MadeBy names the software that made the fingerprint.
	MadeBy string `json:"made_by,omitempty"`
}

// Digest is a SHA-256 digest; its text form is 64 lower-case hexadecimal digits.
type Digest [32]byte

// RegisterOptions are the ways in which Register and AddWith may be told to go on.
// The zero value is the careful one.
type RegisterOptions struct {
	// Replace lets a reference of the same id and other bytes be replaced;
	// otherwise it is ErrExists.
	Replace bool
	// Force registers in spite of a ConflictError.
	Force bool
	// Check looks for conflicts. Register always checks, AddWith only if this
	// is set.
	Check bool
}

// Register fingerprints the picture in r and stores it as a reference. ref
// carries bank, id and metadata; an empty Opinion means Confirmed. When it
// returns, the reference is durable and visible to the next query.
//
// The same id with the same bytes changes nothing and returns what is stored.
// Bytes that are stored under another id, in any bank, are not decoded again.
// Errors: *hash.UnusableError, ErrExists, *ConflictError, ErrNotFound (bank),
// ErrInvalid, ErrNoSpace and those of the index.
func (x *Index) Register(ctx context.Context, ref Reference, r io.Reader, o RegisterOptions) (Reference, error) {
	panic("unwritten")
}

// Seen returns the stored reference (bank, id) if it was made of a file with
// this digest, so that an interrupted registration need not read it again.
func (x *Index) Seen(ctx context.Context, bank, id string, sha Digest) (Reference, bool, error) {
	panic("unwritten")
}

// Add stores references that are already fingerprinted, without looking for
// conflicts. Each is stored whole or not at all; all of one call that fit go
// into one transaction. It stops at the first error and says how many were
// stored before it. A fingerprint of the query path is refused (ErrInvalid).
// An identical reference that exists already changes nothing.
func (x *Index) Add(ctx context.Context, refs ...Reference) (int, error) { panic("unwritten") }

// AddWith is Add with options.
func (x *Index) AddWith(ctx context.Context, o RegisterOptions, refs ...Reference) (int, error) {
	panic("unwritten")
}

// Get returns one reference, or ErrNotFound.
func (x *Index) Get(ctx context.Context, bank, id string) (Reference, error) { panic("unwritten") }

// Remove deletes references; their ids are free again. It fails with
// ErrNotFound, and then removes nothing, if one of the ids is absent.
func (x *Index) Remove(ctx context.Context, bank string, ids ...string) error { panic("unwritten") }

// SetOpinion changes the opinion of a reference; the next query follows it.
func (x *Index) SetOpinion(ctx context.Context, bank, id string, o Opinion) error { panic("unwritten") }

// References iterates over a bank's references in the byte order of their
// ids, beginning after the id after ("" for all). The sequence ends with an
// error if one occurs.
func (x *Index) References(ctx context.Context, bank, after string) iter.Seq2[Reference, error] {
	panic("unwritten")
}

// Thumbnail returns the JPEG thumbnail of a reference (long side at most 160
// pixels, at most 4 KB), or ErrNotFound if there is none.
func (x *Index) Thumbnail(ctx context.Context, bank, id string) ([]byte, error) { panic("unwritten") }
