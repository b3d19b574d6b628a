package hash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/touchstone-go/touchstone/hash/internal/scaledjpeg"
)

// Info is what was learned about a picture on the way to its fingerprint.
type Info struct {
	// Format is "jpeg", "png", "gif", "webp", "bmp" or "tiff"; empty from Of.
	Format string
	// Width and Height are of the upright full picture, in pixels.
	Width, Height int
	// Orientation is the EXIF orientation that was undone, 1 to 8.
	Orientation int
	// Bytes is the length of the file, SHA256 its digest.
	Bytes  int64
	SHA256 [32]byte

	canonical *canonical   // nil if the picture is unusable, or not read exactly so far
	glimpse   *glimpse     // what is known if it was not
	source    *source      // what to read then
	loaded    *Fingerprint // what Load made of it
}

// Read turns the bytes of a picture into its exact fingerprint: what
// references are made of. It reads all of r, up to the limits, and looks at
// ctx between stages. A *bytes.Buffer is used in place, without a copy.
//
// The error is an *UnusableError if it is about the picture; Info then holds
// what was known so far. Other errors come from r, from ctx or from waiting
// for Limits.Budget.
func Read(ctx context.Context, r io.Reader, l Limits) (Fingerprint, Info, error) {
	f, info, err := read(ctx, r, l)
	if err != nil {
		return Fingerprint{}, info, err
	}
	return info.Complete(f), info, nil
}

// ReadQuery is the way of queries: a fingerprint that is nearly that of Read, for a
// small part of the work. It says that it is a query's (see Fingerprint.Fast) and cannot
// become a reference; goimagehash's hashes are added by Info.Complete, after Info.Load.
// A JPEG is decoded at a fraction of its size where that is sure to do; its full
// frame is then within some bits of 256 of the exact one (see scaled.go). Info.SHA256
// is left out, and Info keeps the file, for Info.Load. Errors are those of Read. Those
// who ask often keep a Hasher.
func ReadQuery(ctx context.Context, r io.Reader, l Limits) (Fingerprint, Info, error) {
	b, err := readAll(r, l.WithDefaults().MaxBytes)
	if err != nil {
		return Fingerprint{}, Info{Bytes: int64(len(b))}, err
	}
	if _, ok := r.(*bytes.Buffer); ok {
		b = bytes.Clone(b) // which is kept, and the buffer may be used again
	}
	return new(Hasher).Query(ctx, b, l)
}

// Of fingerprints a picture that the caller has decoded. It is made canonical
// and checked like any other (sides, pixels, plainness); limits are the
// default ones. The caller sees to its orientation.
func Of(img image.Image) (f Fingerprint, err error) {
	if img == nil {
		return Fingerprint{}, unusable(NotImage, "nil image")
	}
	// Not even Bounds of a stranger's type can be trusted.
	defer func() {
		if p := recover(); p != nil {
			f, err = Fingerprint{}, unusable(Corrupt, "read pixels: %v", p)
		}
	}()
	b := img.Bounds()
	if err := DefaultLimits().checkSize(b.Dx(), b.Dy()); err != nil {
		return Fingerprint{}, err
	}
	c, err := canonicalise(img, 1, func() error { return nil })
	if err != nil {
		return Fingerprint{}, err
	}
	if f, err = c.fingerprint(); err != nil {
		return Fingerprint{}, err
	}
	return Info{canonical: c}.Complete(f), nil
}

func read(ctx context.Context, r io.Reader, l Limits) (Fingerprint, Info, error) {
	l = l.WithDefaults()
	b, err := readAll(r, l.MaxBytes)
	if err != nil {
		return Fingerprint{}, Info{Bytes: int64(len(b))}, err
	}
	f, info, err := readBytes(ctx, b, l, new(workspace), 0)
	info.SHA256 = sha256.Sum256(b)
	return f, info, err
}

// readBytes is the exact path. Of the time limit so much is gone already.
func readBytes(ctx context.Context, b []byte, l Limits, ws *workspace, gone time.Duration) (Fingerprint, Info, error) {
	info := Info{Bytes: int64(len(b))}
	h, err := inspect(b, l)
	info.Format, info.Width, info.Height, info.Orientation = h.format, h.width, h.height, h.orientation
	if h.orientation >= 5 {
		info.Width, info.Height = h.height, h.width
	}
	if err != nil {
		return Fingerprint{}, info, err
	}
	if err := l.Budget.acquire(ctx, h.cost); err != nil {
		return Fingerprint{}, info, fmt.Errorf("wait for %d bytes of decode memory: %w", h.cost, err)
	}
	defer l.Budget.release(h.cost)
	info.canonical, err = decodeCanonical(ctx, b, h, time.Now().Add(l.Timeout-gone), ws)
	if err != nil {
		return Fingerprint{}, info, err
	}
	f, err := info.canonical.fingerprint()
	if err != nil {
		info.canonical = nil // unusable
	}
	return f, info, err
}

// decodeCanonical keeps the full-size picture, if there is one, alive no longer
// than it takes to make it canonical.
func decodeCanonical(ctx context.Context, b []byte, h header, deadline time.Time, ws *workspace) (*canonical, error) {
	check := func() error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read pixels: %w", err)
		}
		if time.Now().After(deadline) {
			return unusable(TooCostly, "pixels not read in time")
		}
		return nil
	}
	if h.format == formatPNG {
		c, err := ws.readPNG(b, check)
		if err != nil {
			return nil, err
		}
		if c != nil {
			c.turn(h.orientation)
			return c, nil
		}
	}
	img, err := decode(ctx, b, h, deadline)
	if err != nil {
		return nil, err
	}
	return ws.canonicalise(img, h.orientation, check)
}

// Cost returns what decoding the picture b takes at most, estimated from its
// header without decoding anything: memory in bytes, and the time of what cannot
// be interrupted. A JPEG that is too costly for Read, but may be read small as a query,
// has the memory of that. Both are 0 for what is refused at the sight of it. Callers
// who admit pictures to a queue can tell costly ones by it.
func Cost(b []byte, l Limits) (memory int64, busy time.Duration) {
	l = l.WithDefaults()
	h, err := inspect(b, l)
	if reason, _ := IsUnusable(err); reason == TooCostly && h.format == formatJPEG {
		// A query may read it small.
		return min(scaledCost(surveyJPEG(b), scaledjpeg.MaxScale)+int64(len(b)), l.MaxMemory), 0
	}
	if err != nil {
		return 0, 0
	}
	return h.cost, h.time
}

// readAll reads at most limit bytes, and says TooLarge if there are more.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	if r == nil {
		return nil, errors.New("read picture: nil reader")
	}
	if buf, ok := r.(*bytes.Buffer); ok && buf != nil {
		b := buf.Bytes()
		if int64(len(b)) > limit {
			return nil, unusable(TooLarge, "%d bytes, the limit is %d", len(b), limit)
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, unusable(TooLarge, "more than %d bytes", limit)
	}
	return b, nil
}

// IsUnusable returns the reason if err says that a picture is unusable.
func IsUnusable(err error) (Reason, bool) {
	var u *UnusableError
	if errors.As(err, &u) {
		return u.Reason, true
	}
	return "", false
}
