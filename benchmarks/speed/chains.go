package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"runtime"
	"slices"
	"time"

	"github.com/corona10/goimagehash"

	"github.com/touchstone-go/touchstone/hash"
)

// The ways from the bytes of a file to hashes that are timed. The two rivals
// share one decoding in each turn: a chain's time is that of image/jpeg and of
// its hash, with nothing between.
const (
	ours     = iota // hash.Hasher.Query
	rival           // image/jpeg, then goimagehash.PerceptionHash, 64 bits
	rivalExt        // image/jpeg, then goimagehash.ExtPerceptionHash(16, 16), 256 bits
	exact           // hash.Read
	chains
)

// turns is how often our own way is timed on each file; the slow ways are timed
// in some of these turns.
const turns = 10

// limits are the default ones but for time: a busy machine must not refuse.
var limits = hash.Limits{Timeout: time.Minute}

// input is a file in memory.
type input struct {
	name    string
	data    []byte
	w, h    int
	quality int // 0: not known
}

func (f input) bitsPerPixel() float64 { return bitsPerPixel(f.data, f.w, f.h) }

// times are the medians of one file, for each chain.
type times [chains]time.Duration

func (t times) ratio(chain int) float64 { return float64(t[chain]) / float64(t[ours]) }

// stopwatch times chains on files, one core. It keeps a Hasher.
type stopwatch struct {
	h hash.Hasher
}

// measure times the ways on each file, in turns, so that whatever else the
// machine does hits all of them; slow is in how many turns the slow ways take
// part. It says which files the exact path had to read.
//
// Garbage of the slow ways is collected before ours begins, and the file that
// comes last is read once first: ours leaves no garbage, and in a stream of
// queries its own tables are in the cache, not the pixels of a rival.
func (s *stopwatch) measure(ctx context.Context, files []input, slow int) (medians []times, exactly []bool, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	all := make([][chains][]time.Duration, len(files))
	exactly = make([]bool, len(files))
	for turn := range turns {
		runtime.GC()
		if err := s.query(ctx, files[len(files)-1].data); err != nil {
			return nil, nil, err
		}
		for i, f := range files {
			took, read, err := s.time(ctx, f)
			if err != nil {
				return nil, nil, err
			}
			all[i][ours] = append(all[i][ours], took)
			exactly[i] = read
		}
		if !takesPart(turn, slow) {
			continue
		}
		for i, f := range files {
			if err := timeSlow(ctx, f, &all[i]); err != nil {
				return nil, nil, err
			}
		}
	}
	medians = make([]times, len(files))
	for i := range all {
		for c := range all[i] {
			medians[i][c] = median(all[i][c])
		}
	}
	return medians, exactly, nil
}

// takesPart says whether the slow ways are timed in a turn: in n of them, evenly.
func takesPart(turn, n int) bool { return turn*n%turns < n }

func (s *stopwatch) query(ctx context.Context, data []byte) error {
	_, _, err := s.h.Query(ctx, data, limits)
	return err
}

// time times our way, and says whether the exact path read the file.
func (s *stopwatch) time(ctx context.Context, f input) (took time.Duration, read bool, err error) {
	start := clock()
	fp, info, err := s.h.Query(ctx, f.data, limits)
	took = clock() - start
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w", f.name, err)
	}
	if _, ok := fp.Code(hash.Full); !ok || !fp.Fast() {
		return 0, false, fmt.Errorf("%s: not the fingerprint of a query", f.name)
	}
	return took, readExactly(fp, info), nil
}

// timeSlow times the other ways.
func timeSlow(ctx context.Context, f input, all *[chains][]time.Duration) error {
	start := clock()
	img, err := jpeg.Decode(bytes.NewReader(f.data))
	decoding := clock() - start
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	for i, hashing := range []func(image.Image) error{perception, extPerception} {
		start = clock()
		if err := hashing(img); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		all[rival+i] = append(all[rival+i], decoding+clock()-start)
	}
	start = clock()
	if _, _, err := hash.Read(ctx, bytes.NewBuffer(f.data), limits); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	all[exact] = append(all[exact], clock()-start)
	return nil
}

func perception(img image.Image) error {
	_, err := goimagehash.PerceptionHash(img)
	return err
}

func extPerception(img image.Image) error {
	_, err := goimagehash.ExtPerceptionHash(img, 16, 16)
	return err
}

// median returns the median of a list that is not empty, which it sorts: of an even
// number, what lies midway between the middle two.
func median[T float64 | time.Duration](d []T) T {
	slices.Sort(d)
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}
