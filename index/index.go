package index

import "context"

// Index is an opened store: banks on disk and an immutable view of them in
// memory. Its methods may be called from any number of goroutines.
type Index struct{}

// Open opens the store in dir, making it if it is absent (unless
// Options.MustExist). nil options are good options.
func Open(ctx context.Context, dir string, o *Options) (*Index, error) { panic("unwritten") }

// Close waits for what is under way, then closes the store. Every later call
// returns ErrClosed.
func (x *Index) Close() error { panic("unwritten") }

// Check compares the rows on disk with one another and with memory, and joins
// all findings into one error; nil means clean.
func (x *Index) Check(ctx context.Context) error { panic("unwritten") }

// Seq returns the sequence number of the last change that queries see.
func (x *Index) Seq() uint64 { panic("unwritten") }
