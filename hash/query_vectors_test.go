package hash_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
	"github.com/touchstone-go/touchstone/hash"
)

// The query path must give these fingerprints on every processor, or verdicts would
// hang on it. Nobody stores them, so a better version may give others.
func TestQueryVectors(t *testing.T) {
	root := filepath.Join("..", "testdata")
	file := filepath.Join(root, "vectors", "queries.csv")
	got := make(map[string][]string)
	var h hash.Hasher
	small := 0
	for name, b := range queries(t, root) {
		f, info, err := h.Query(t.Context(), b, hash.Limits{Timeout: time.Minute})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !info.Complete(f).Has(hash.Perception) {
			small++
		}
		got[name] = []string{name, strconv.Itoa(f.Quality()), f.String()}
	}
	if small < len(got)*3/4 {
		t.Errorf("%d of %d pictures are read small", small, len(got))
	}
	if *update {
		writeVectors(t, file, got)
		return
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows)-1 != len(got) {
		t.Errorf("%d vectors for %d pictures", len(rows)-1, len(got))
	}
	for _, want := range rows[1:] {
		if g := got[want[0]]; !slices.Equal(g, want) {
			t.Errorf("%s:\n got %v\nwant %v\n%s", want[0], g, want, difference(g, want))
		}
	}
}

// queries are photos as they are, and one written in several ways.
func queries(t *testing.T, root string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, pattern := range []string{"accuracy/photos/000*.jpg", "demo/uploads/bordered-*.jpg", "demo/uploads/turned-*.jpg", "demo/uploads/mirrored-*.jpg", "pictures/large.jpg"} {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(name)] = b
		}
	}
	img, err := edit.Load(filepath.Join(root, "demo", "references", "acme-genuine", "winter-jacket-grey.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]jpegwriter.Options{
		"progressive":       {Progressive: true},
		"progressive 4:4:4": {Progressive: true, Sampling: jpegwriter.S444, Orientation: 7},
		"grey":              {Grey: true, Orientation: 5},
		"4:1:1, restarts":   {Sampling: jpegwriter.S411, RestartInterval: 5, Orientation: 8},
	} {
		b, err := jpegwriter.Encode(img, o)
		if err != nil {
			t.Fatal(err)
		}
		all["winter-jacket-grey.jpg, "+name] = b
	}
	return all
}
