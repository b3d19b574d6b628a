package hash

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
)

// Formats switches picture formats on that are off by default, because their
// decoders have a history of crashes and no shop needs them.
type Formats struct {
	BMP, TIFF bool
}

// Limits bound what one picture may cost. A field that is zero (or negative)
// takes its default, never "unlimited".
type Limits struct {
	MaxBytes  int64 // length of the file; 20 MB (20 * 2^20)
	MaxPixels int64 // width times height; 50 million
	MinSide   int   // shorter side in pixels; 16
	MaxSide   int   // longer side in pixels; 16384
	MaxScans  int   // scans of a JPEG; 64
	// MaxMemory is the most that decoding may be estimated to take, in bytes;
	// 256 MB (256 * 2^20). At the default this allows for example 50 megapixels
	// of an ordinary JPEG, 33 of a progressive JPEG with colour at half
	// resolution, 62 of an 8-bit RGBA PNG.
	MaxMemory int64
	// Timeout bounds decoding and what follows, from the moment in which the
	// decode memory is granted; 2 s. Work that cannot be interrupted must be
	// estimated at no more than half of it.
	Timeout time.Duration
	Formats Formats
	// Budget is shared by all pictures that are decoded at a time; nil means
	// that only MaxMemory bounds each.
	Budget *Budget
}

// DefaultLimits returns the defaults that zero fields take.
func DefaultLimits() Limits { return Limits{}.WithDefaults() }

// Budget is memory that concurrent decodings share: each takes its estimated
// bytes before it begins and waits while there are not enough.
type Budget struct {
	sem   *semaphore.Weighted
	total int64
}

// NewBudget makes a budget of n bytes; if n is not positive, of the default
// of Limits.MaxMemory. A picture that may take more than the whole budget (its
// MaxMemory is larger) takes all of it and is decoded alone.
func NewBudget(n int64) *Budget {
	if n <= 0 {
		n = DefaultLimits().MaxMemory
	}
	return &Budget{sem: semaphore.NewWeighted(n), total: n}
}

// acquire takes n bytes, at most all of them, and waits until ctx ends.
func (b *Budget) acquire(ctx context.Context, n int64) error {
	if b == nil {
		return ctx.Err()
	}
	return b.sem.Acquire(ctx, min(n, b.total))
}

// largeDecode is the decode memory, in bytes, that is worth a collection.
const largeDecode = 32 << 20

// release gives n bytes back. What a large picture took is garbage by now, but
// still resident; the next picture would come on top of it, and a soft memory
// limit does not hold against allocations of this size (eight hostile pictures
// at a time on a budget of 256 MB, GOMEMLIMIT 400 MiB: 490 MB resident at the
// peak, 402 MB with the collection). So it is collected first, which takes
// a small part of the time that the decoding took.
func (b *Budget) release(n int64) {
	if b == nil {
		return
	}
	if n >= largeDecode {
		runtime.GC()
	}
	b.sem.Release(min(n, b.total))
}

// The largest limits that arithmetic is safe with.
const (
	mostBytes = 1 << 40
	mostSide  = 1 << 20
)

// WithDefaults returns l as it is applied: fields that are zero or negative
// take their defaults, and limits beyond what can be computed with (a file of
// 2^40 bytes, sides of 2^20 pixels) are lowered to that.
func (l Limits) WithDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.MaxBytes, 20<<20)
	def(&l.MaxPixels, 50_000_000)
	def(&l.MaxMemory, 256<<20)
	for _, s := range []struct {
		v *int
		d int
	}{{&l.MinSide, 16}, {&l.MaxSide, 16384}, {&l.MaxScans, 64}} {
		if *s.v <= 0 {
			*s.v = s.d
		}
	}
	if l.Timeout <= 0 {
		l.Timeout = 2 * time.Second
	}
	l.MaxBytes, l.MaxSide = min(l.MaxBytes, mostBytes), min(l.MaxSide, mostSide)
	return l
}

// checkSize refuses pictures by their sides.
func (l Limits) checkSize(w, h int) error {
	switch {
	case w <= 0 || h <= 0:
		return unusable(Corrupt, "%d x %d pixels", w, h)
	case w > l.MaxSide || h > l.MaxSide:
		return unusable(TooLarge, "%d x %d pixels, sides are limited to %d", w, h, l.MaxSide)
	case int64(w)*int64(h) > l.MaxPixels:
		return unusable(TooLarge, "%d x %d pixels, the limit is %d in all", w, h, l.MaxPixels)
	case w < l.MinSide || h < l.MinSide:
		return unusable(TooSmall, "%d x %d pixels, sides are at least %d", w, h, l.MinSide)
	}
	return nil
}
