package hash_test

import (
	"context"
	"encoding/csv"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/hash"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors with what this version computes")

// Recipes 1 and 2 must give these fingerprints for ever, on every processor: stored
// references were made by them. A change here is a new recipe, or a mistake.
func TestVectors(t *testing.T) {
	root := filepath.Join("..", "testdata")
	file := filepath.Join(root, "vectors", "fingerprints.csv")
	got := make(map[string][]string)
	for _, dir := range []string{"demo/references", "pictures"} {
		for name, row := range fingerprints(t, os.DirFS(root), dir) {
			got[name] = row
		}
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

// fingerprints reads all pictures below dir: file, quality, text form.
func fingerprints(t *testing.T, root fs.FS, dir string) map[string][]string {
	t.Helper()
	rows := make(map[string][]string)
	err := fs.WalkDir(root, dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		fp, _, err := hash.Read(context.Background(), f, hash.Limits{Timeout: time.Minute})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		rows[name] = []string{name, strconv.Itoa(fp.Quality()), fp.String()}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// difference tells how far apart two rows are, for whoever reads the failure.
func difference(got, want []string) string {
	if got == nil {
		return "no such picture"
	}
	a, err := hash.Parse(got[2])
	if err != nil {
		return err.Error()
	}
	b, err := hash.Parse(want[2])
	if err != nil {
		return err.Error()
	}
	d, err := hash.Compare(a, b)
	if err != nil {
		return err.Error()
	}
	return "distance " + strconv.Itoa(d.PDQ)
}

func writeVectors(t *testing.T, file string, rows map[string][]string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	_ = w.Write([]string{"file", "quality", "fingerprint"})
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		_ = w.Write(rows[name])
	}
	w.Flush()
	if err := w.Error(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
