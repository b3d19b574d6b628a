package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// Several references may be made of one file that was moved. Each is completed
// and counted for itself; one that was removed meanwhile is none.
func TestReindexCountsEachReference(t *testing.T) {
	photos, dir := writePhotos(t, 1), filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	x, err := index.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	files, err := filepath.Glob(filepath.Join(photos, "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	photo, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	f, info, err := hash.Read(t.Context(), bytes.NewReader(photo), hash.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"second", "third"} {
		ref := index.Reference{Bank: "fakes", ID: id, Fingerprint: f, SHA256: info.SHA256}
		if _, err := x.Add(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &out}
	if err := a.setLimits(); err != nil {
		t.Fatal(err)
	}
	r := reindexing{
		app: a, index: x, from: photos, bar: &progress{}, found: map[index.Digest]bool{},
		wanted: map[index.Digest][]lostPhoto{info.SHA256: {
			{bank: "fakes", id: "removed"}, {bank: "fakes", id: "second"}, {bank: "fakes", id: "third"},
		}},
	}
	for range 2 { // as if there were two such files
		if err := r.tookFile(r.byDigest(t.Context(), source{path: files[0]})); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := x.Bank(t.Context(), "fakes"); err != nil || r.completed != 2 || r.refused != 0 || b.Featured != 2 {
		t.Errorf("%d completed, %d refused, %d with features, %v\n%s", r.completed, r.refused, b.Featured, err, &out)
	}
	// What is wrong with the picture is said of each.
	r.found, r.completed = map[index.Digest]bool{}, 0
	refused := digested{digest: info.SHA256, each: []completion{
		{path: "a"}, {path: "a", err: index.ErrNotFound}, {path: "a", err: &hash.UnusableError{Reason: hash.Corrupt, Err: errors.New("cut off")}},
	}}
	if err := r.tookFile(refused); err != nil || r.completed != 1 || r.refused != 1 {
		t.Errorf("%d completed, %d refused, %v", r.completed, r.refused, err)
	}
}

// TestReindexFromTheWrongFolder: a store is raised by the first photo that fits,
// so that the wrong folder shuts no older version out.
func TestReindexFromTheWrongFolder(t *testing.T) {
	dir := oldStore(t)
	var out, errs bytes.Buffer
	args := []string{"reindex", "--data", dir, "--from", t.TempDir()}
	if code := run(t.Context(), args, nil, &out, &errs, func(string) string { return "" }); code != exitRefused {
		t.Fatalf("exit code %d, %s", code, &errs)
	}
	x, err := index.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if x.Recipe() != hash.OldestRecipe {
		t.Errorf("recipe %d", x.Recipe())
	}
}

// oldStore unpacks the store of format 1.
func oldStore(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "banks", "1.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		file, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), file, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
