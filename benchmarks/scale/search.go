package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/seeded"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// searches are the medians of searches of one kind, in seconds.
type searches struct {
	Codes, Radius    int
	Near, Exhaustive float64
	Bare             float64 // 0 if there was none
}

// rounds is how often each kind of search is done.
const rounds = 11

// settled opens a store and waits for its indexes.
func settled(ctx context.Context, dir string) (*index.Index, error) {
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	if err := x.Settled(ctx); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// near times searches of all kinds.
func near(ctx context.Context, dir string, n int) (r result, err error) {
	x, err := settled(ctx, dir)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	codes := make([]hash.Code, 0, 2*n)
	for i := range n {
		codes = append(codes, seeded.Code(i, hash.Full), seeded.Code(i, hash.Trimmed))
	}
	for _, radius := range []int{31, 46} {
		for _, frames := range []int{0, 2, 3} {
			s, err := search(ctx, x, codes, frames, radius)
			if err != nil {
				return result{}, err
			}
			r.Searches = append(r.Searches, s)
		}
	}
	return r, nil
}

// search times searches by all codes of a picture of some frames; for 0 by its
// upright one alone. The references that are searched for are at distances from
// 0 to beyond the smaller radius.
func search(ctx context.Context, x *index.Index, codes []hash.Code, frames, radius int) (searches, error) {
	s := searches{Codes: max(1, frames*hash.Transforms), Radius: radius}
	o := index.NearOptions{Radius: &radius, Upright: frames == 0}
	var nears, exhaustives, bares []float64
	for r := range rounds {
		i, far := r*len(codes)/2/rounds, 4*r
		f := picture(i, far, frames)
		want := 0
		if far <= radius {
			want = 1
		}
		o.Exhaustive = false
		found, took, err := timed(ctx, x, f, o)
		if err != nil {
			return s, err
		}
		nears = append(nears, took)
		o.Exhaustive = true
		all, took, err := timed(ctx, x, f, o)
		if err != nil {
			return s, err
		}
		exhaustives = append(exhaustives, took)
		if len(found) != want || !reflect.DeepEqual(found, all) {
			return s, fmt.Errorf("%d codes within %d bits for reference %d, %d bits off: %d matches, exhaustively %d", s.Codes, radius, i, far, len(found), len(all))
		}
		if frames > 0 {
			continue
		}
		start := time.Now()
		if n := bare(codes, seeded.Query(i, far), radius); n != want {
			return s, fmt.Errorf("bare loop within %d bits for reference %d, %d bits off: %d matches", radius, i, far, n)
		}
		bares = append(bares, time.Since(start).Seconds())
	}
	s.Near, s.Exhaustive = median(nears), median(exhaustives)
	if frames == 0 {
		s.Bare = median(bares)
	}
	return s, nil
}

// picture is the fingerprint of one with so many frames (0 means 1), of which the
// full one is so many bits from that of reference i, and the others are of
// nothing.
func picture(i, far, frames int) hash.Fingerprint {
	f := hash.FromPDQ(seeded.Query(i, far), 100)
	for fr := hash.Trimmed; int(fr) < frames; fr++ {
		f = f.With(fr, seeded.Code(-1-i, fr))
	}
	return f
}

func timed(ctx context.Context, x *index.Index, f hash.Fingerprint, o index.NearOptions) ([]index.Match, float64, error) {
	start := time.Now()
	ms, err := x.Near(ctx, f, o)
	return ms, time.Since(start).Seconds(), err
}

// bare counts the codes within a radius of q.
func bare(codes []hash.Code, q hash.Code, radius int) (found int) {
	for _, c := range codes {
		if q.Distance(c) <= radius {
			found++
		}
	}
	return found
}

// inserts are medians over single references that were added, in seconds.
type inserts struct {
	Add   float64 // that Add took
	New   float64 // from its return until a search had found the reference
	Old   float64 // a search for one that was there before
	Later float64 // New less Old
	Worst float64 // of New
}

// inserted is how many references insert adds.
const inserted = 101

// insert adds references one by one and searches for each at once.
func insert(ctx context.Context, dir string, n int) (r result, err error) {
	x, err := settled(ctx, dir)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	var adds, news, olds, later []float64
	for i := range inserted {
		ref := seeded.Reference(n + i)
		start := time.Now()
		if _, err := x.Add(ctx, ref); err != nil {
			return result{}, err
		}
		added := time.Now()
		if err := answers(ctx, x, n+i); err != nil {
			return result{}, err
		}
		seen := time.Now()
		if err := answers(ctx, x, i*(n/inserted)); err != nil {
			return result{}, err
		}
		adds = append(adds, added.Sub(start).Seconds())
		news = append(news, seen.Sub(added).Seconds())
		olds = append(olds, time.Since(seen).Seconds())
		later = append(later, news[i]-olds[i])
	}
	worst := slices.Max(news)
	return result{Insert: inserts{median(adds), median(news), median(olds), median(later), worst}}, nil
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
