package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
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

// Judge says what is known about the picture in r. All of it is judged on the
// state of one moment after r was read, whose sequence number the verdict
// carries. A picture whose very bytes are stored in any bank (searched or not,
// withdrawn or not), with all hashes that are needed, is not decoded again; the
// search goes on as with any other.
//
// An unusable picture is a verdict, not an error. Errors: those of r, of ctx,
// ErrNotFound for an unknown bank, ErrClosed, ErrCorrupt.
func (x *Index) Judge(ctx context.Context, r io.Reader, o JudgeOptions) (Verdict, error) {
	if x.current.Load() == nil {
		return Verdict{}, fmt.Errorf("judge picture: %w", ErrClosed)
	}
	picture, err := x.readPicture(ctx, r)
	if err != nil {
		return Verdict{}, fmt.Errorf("judge picture: %w", err)
	}
	v, err := x.judge(ctx, o, func(s *snapshot, banks []*bankView) (Verdict, error) {
		return x.judgePicture(ctx, s, banks, picture, o)
	})
	if err != nil {
		return Verdict{}, fmt.Errorf("judge picture: %w", err)
	}
	return v, nil
}

// JudgeFingerprint is Judge for a picture that is known by its fingerprint
// only. Banks whose main hash it lacks are searched only if they are named,
// which is ErrInvalid. It fails with ErrRecipe for a fingerprint of another
// recipe, and with ErrInvalid for the zero Fingerprint.
func (x *Index) JudgeFingerprint(ctx context.Context, f hash.Fingerprint, o JudgeOptions) (Verdict, error) {
	v, err := x.judge(ctx, o, func(s *snapshot, _ []*bankView) (Verdict, error) {
		ms, more, err := s.near(ctx, f, NearOptions{Banks: o.Banks})
		if err != nil {
			return Verdict{Fingerprint: f, Quality: f.Quality()}, err
		}
		return decide(f, ms, more, o), nil
	})
	if err != nil {
		return Verdict{}, fmt.Errorf("judge fingerprint: %w", err)
	}
	return v, nil
}

// judge chooses snapshot and banks, and makes a verdict of an unusable picture.
func (x *Index) judge(ctx context.Context, o JudgeOptions, f func(*snapshot, []*bankView) (Verdict, error)) (Verdict, error) {
	if err := ctx.Err(); err != nil {
		return Verdict{}, err
	}
	s := x.acquire()
	if s == nil {
		return Verdict{}, ErrClosed
	}
	defer s.release()
	banks, err := s.choose(o.Banks)
	if err != nil {
		return Verdict{}, err
	}
	v, err := f(s, banks)
	var u *hash.UnusableError
	if errors.As(err, &u) {
		v.Outcome, v.Reason, v.Advice, v.Mode = Unusable, u.Reason, NoAdvice, "fast"
		v.Recipe, v.Authorised, err = hash.Recipe, o.Authorised, nil
	}
	v.Seq = s.seq
	return v, err
}

func (x *Index) judgePicture(ctx context.Context, s *snapshot, banks []*bankView, picture []byte, o JudgeOptions) (Verdict, error) {
	digest := Digest(sha256.Sum256(picture))
	slot, known, err := s.sameBytes(ctx, digest, banks)
	if err != nil {
		return Verdict{}, err
	}
	f, n := known.Fingerprint, NearOptions{Banks: o.Banks, SHA256: digest}
	if slot != 0 {
		ms, more, err := s.near(ctx, f, n)
		return decide(f, ms, more, o), err
	}
	f, info, err := hash.ReadQuery(ctx, bytes.NewBuffer(picture), x.options.Limits)
	if err != nil {
		return Verdict{}, err
	}
	// The other hashes are evidence for matches, or what a bank is searched by.
	// Most pictures need neither.
	complete := func() hash.Fingerprint {
		f = info.Complete(f, mains(banks)...)
		return f
	}
	if lacksMain(f, banks) {
		complete()
	}
	ms, more, err := s.nearWith(ctx, f, n, complete)
	return decide(f, ms, more, o), err
}

// mains returns the main hashes of the banks.
func mains(banks []*bankView) (ks []hash.Kind) {
	for _, b := range banks {
		ks = append(ks, b.Main)
	}
	return ks
}

// lacksMain reports whether a bank is searched by a hash that f lacks.
func lacksMain(f hash.Fingerprint, banks []*bankView) bool {
	for _, b := range banks {
		if !f.Has(b.Main) {
			return true
		}
	}
	return false
}

func decide(f hash.Fingerprint, ms []Match, more int, o JudgeOptions) Verdict {
	v := Decide(f, ms, DecideOptions{Authorised: o.Authorised, Limit: o.Limit})
	v.More += more
	return v
}
