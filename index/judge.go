package index

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

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
	// Mode is how much of the picture is looked at; empty means Thorough. In a
	// store of recipe 1 it is always Fast.
	Mode Mode
}

func (o JudgeOptions) check() error {
	if o.Mode != "" && o.Mode != Fast && o.Mode != Thorough {
		return invalid("mode %q, want fast or thorough", clip(string(o.Mode)))
	}
	return nil
}

// Judge says what is known about the picture in r. All of it is judged on the
// state of one moment after r was read, whose sequence number the verdict
// carries. A picture whose very bytes are stored in any bank (searched or not,
// withdrawn or not), with all hashes that are needed, is not decoded again if
// the search is by hashes of the whole picture alone: in mode Fast, where no
// bank that is searched has regions. Otherwise it is decoded as any other, since
// a fingerprint does not say what else the picture shows, nor all the codes that
// regions are compared with; if that fails now, the verdict is that of mode Fast
// on the stored fingerprint.
//
// An unusable picture is a verdict, not an error. Errors: those of r, of ctx,
// ErrNotFound for an unknown bank, ErrInvalid for an unknown mode, ErrClosed,
// ErrCorrupt.
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

// JudgeFingerprint is Judge in mode Fast for a picture that is known by its
// fingerprint only. Banks whose main hash it lacks are searched only if they are
// named, which is ErrInvalid. It fails with ErrInvalid for the zero Fingerprint.
func (x *Index) JudgeFingerprint(ctx context.Context, f hash.Fingerprint, o JudgeOptions) (Verdict, error) {
	v, err := x.judge(ctx, o, func(s *snapshot, _ []*bankView) (Verdict, error) {
		f := f.AsRecipe(s.recipe)
		ms, more, err := s.near(ctx, f, s.fast(o.Banks))
		if err != nil {
			return Verdict{Fingerprint: f, Quality: f.Quality(), Mode: Fast}, err
		}
		return decide(f, ms, more, o, Fast), nil
	})
	if err != nil {
		return Verdict{}, fmt.Errorf("judge fingerprint: %w", err)
	}
	return v, nil
}

// judge chooses snapshot and banks, and makes a verdict of an unusable picture,
// of which f says the mode alone.
func (x *Index) judge(ctx context.Context, o JudgeOptions, f func(*snapshot, []*bankView) (Verdict, error)) (Verdict, error) {
	if err := errors.Join(ctx.Err(), o.check()); err != nil {
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
		v.Outcome, v.Reason, v.Advice = Unusable, u.Reason, NoAdvice
		v.Recipe, v.Authorised, err = s.recipe, o.Authorised, nil
	}
	v.Seq = s.seq
	return v, err
}

// fast are the options of a search in mode Fast. A store of recipe 1 has no
// regions.
func (s *snapshot) fast(banks []string) NearOptions {
	return NearOptions{Banks: banks, Regions: s.recipe > hash.OldestRecipe}
}

// mode is how a picture is looked at in s.
func (s *snapshot) mode(asked Mode) Mode {
	if s.recipe == hash.OldestRecipe {
		return Fast
	}
	return cmp.Or(asked, Thorough)
}

func (x *Index) judgePicture(ctx context.Context, s *snapshot, banks []*bankView, picture []byte, o JudgeOptions) (Verdict, error) {
	digest := Digest(sha256.Sum256(picture))
	n, mode := s.fast(o.Banks), s.mode(o.Mode)
	n.SHA256 = digest
	slot, known, err := s.sameBytes(ctx, digest, banks)
	if err != nil {
		return Verdict{}, err
	}
	judgeKnown := func() (Verdict, error) {
		ms, more, err := s.near(ctx, known.Fingerprint, n)
		return decide(known.Fingerprint, ms, more, o, Fast), err
	}
	if slot != 0 && mode == Fast && !slices.ContainsFunc(banks, (*bankView).hasRegions) {
		return judgeKnown()
	}
	f, info, err := x.read(ctx, picture, mode)
	if _, unusable := hash.IsUnusable(err); unusable && slot != 0 {
		return judgeKnown() // it was usable under other limits
	}
	if err != nil {
		return Verdict{Mode: mode}, err
	}
	f = f.AsRecipe(s.recipe)
	if !info.Exact() && !lacksMain(f, banks) {
		ms, more, err := s.nearWith(ctx, f, n, &info, func() hash.Fingerprint { return f })
		if err != nil || len(ms) == 0 {
			return decide(f, ms, more, o, mode), err
		}
	}
	// Now it seems to match, and is worth reading exactly. What is shown is what is found
	// after that: a small picture is near the truth, and can be made to lie.
	if err := info.Load(ctx); err != nil {
		if _, unusable := hash.IsUnusable(err); unusable && slot != 0 {
			return judgeKnown()
		}
		return Verdict{Mode: mode}, err
	}
	if g, ok := info.Loaded(); ok {
		f = g.AsRecipe(s.recipe)
	}
	// The other hashes are evidence for matches, or what a bank is searched by. Most
	// pictures need neither.
	complete := func() hash.Fingerprint {
		f = info.Complete(f, mains(banks)...)
		return f
	}
	if lacksMain(f, banks) {
		complete()
	}
	ms, more, err := s.nearWith(ctx, f, n, &info, complete)
	if err == nil && mode == Thorough {
		var added []Match
		added, err = s.thorough(ctx, banks, f, info, complete)
		ms = mergeMatches(append(ms, added...))
	}
	return decide(f, ms, more, o, mode), err
}

// read makes the fingerprint of a query; the thorough search needs the picture as well.
func (x *Index) read(ctx context.Context, picture []byte, mode Mode) (hash.Fingerprint, hash.Info, error) {
	h := x.hashers.Get().(*hash.Hasher)
	defer x.hashers.Put(h)
	if mode == Thorough {
		return h.QueryExactly(ctx, picture, x.options.Limits)
	}
	return h.Query(ctx, picture, x.options.Limits)
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

func decide(f hash.Fingerprint, ms []Match, more int, o JudgeOptions, mode Mode) Verdict {
	v := Decide(f, ms, DecideOptions{Authorised: o.Authorised, Limit: o.Limit, Mode: mode})
	v.More += more
	return v
}
