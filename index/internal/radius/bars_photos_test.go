//go:build linux

package radius_test

import (
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/touchstone-go/touchstone/benchmarks/codes"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// photos compares real photos with drawn codes by what a multi-index would look
// at: 13 chunks, radius 30, leave-one-out, per million codes. Some photos of a
// shop are near copies of others; with one of each family left the rest says
// what a large set of strangers would cost.
func (b *bench) photos() {
	dir := photoFolder()
	if dir == "" {
		b.say("photos: left out, TOUCHSTONE_DATASETS is not set")
		return
	}
	b.say("photos: reading")
	read, err := readPhotos(dir)
	if err != nil {
		b.t.Error(err)
		return
	}
	b.candidateLines("photos", read)
	b.candidateLines("box", codes.Make(codes.Box, 1_000_000, storedSeed)[:len(read)])
	b.candidateLines("uniform", codes.Make(codes.Uniform, 1_000_000, storedSeed)[:len(read)])
}

func (b *bench) candidateLines(name string, set []hash.Code) {
	strangers := onePerFamily(set)
	for _, s := range []struct {
		name string
		set  []hash.Code
	}{{"all", set}, {"one per family", strangers}} {
		for _, order := range []struct {
			name string
			set  []hash.Code
		}{{"natural order", s.set}, {"permuted", permutedSet(s.set)}} {
			b.table.add(line{
				Name:  name + ", " + s.name + ", " + order.name,
				Value: codes.Candidates(order.set, 13, 30), Unit: "of 1M",
				Note: number(float64(len(s.set))) + " codes",
			})
		}
	}
}

// permutedSet are the codes in the order of bits that searches rest on.
func permutedSet(set []hash.Code) []hash.Code {
	p := make([]hash.Code, len(set))
	for i, c := range set {
		p[i] = radius.Permuted(c)
	}
	return p
}

// familyRadius is the distance within which photos are of one family.
const familyRadius = 64

// onePerFamily keeps the codes that are far from all kept before.
func onePerFamily(set []hash.Code) (kept []hash.Code) {
	for _, c := range set {
		if !slices.ContainsFunc(kept, func(k hash.Code) bool { return c.Distance(k) <= familyRadius }) {
			kept = append(kept, c)
		}
	}
	return kept
}

// readPhotos returns the codes of the full frames of the photos that a folder's
// manifest names; those that are too plain have none.
func readPhotos(dir string) ([]hash.Code, error) {
	names, err := manifest(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		return nil, err
	}
	found := make([]*hash.Code, len(names))
	g, ctx := errgroup.WithContext(context.Background())
	g.SetLimit(2)
	for i, name := range names {
		g.Go(func() (err error) {
			found[i], err = readPhoto(ctx, filepath.Join(dir, name))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all []hash.Code
	for _, c := range found {
		if c != nil {
			all = append(all, *c)
		}
	}
	return all, nil
}

// readPhoto returns a photo's code, or nil if there is none.
func readPhoto(ctx context.Context, path string) (*hash.Code, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fp, _, err := hash.Read(ctx, f, hash.Limits{})
	if u, ok := errors.AsType[*hash.UnusableError](err); ok && u.Reason == hash.TooPlain {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, ok := fp.Code(hash.Full)
	if !ok {
		return nil, nil
	}
	return &c, nil
}

// manifest returns the files that a manifest names in its column "file".
func manifest(path string) (names []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	column := -1
	for i, row := range rows {
		if i == 0 {
			column = slices.Index(row, "file")
		}
		if column < 0 {
			return nil, errors.New(path + ": no column of files")
		}
		if i > 0 {
			names = append(names, row[column])
		}
	}
	return names, nil
}
