package main

import (
	"encoding/csv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"
)

// The demo that is in the repository is the one that the recipe describes, and
// its expected verdicts are what comes of it.
func TestCommittedDemo(t *testing.T) {
	d := demo{to: filepath.Join("..", "..", "testdata")}
	rows, err := d.verdicts(t.Context())
	if err != nil {
		t.Error(err)
	}
	want, err := os.ReadFile(filepath.Join(d.to, "demo", "expected.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(table(rows)); got != string(want) {
		t.Errorf("expected.csv should be\n%s", got)
	}
}

// Nothing is in the demo that the recipe does not name, and it stays small.
func TestNothingLeftOver(t *testing.T) {
	named := map[string]bool{"banks.csv": true, "expected.csv": true}
	for _, r := range references {
		named["references/"+r.bank+"/"+r.name] = true
	}
	for _, u := range uploads {
		named["uploads/"+u.name] = true
	}
	var size int64
	err := fs.WalkDir(os.DirFS(filepath.Join("..", "..", "testdata", "demo")), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !named[name] {
			t.Errorf("%s is not in the recipe", name)
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if size > 6<<20 {
		t.Errorf("the demo has %d bytes", size)
	}
}

// Every photo of the small set may be passed on, says where it is from, and is
// in the manifest, and nothing else is there.
func TestSmallSet(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata")
	origin := make(map[string][]string)
	for _, r := range rowsOf(t, filepath.Join(dir, "attribution.csv")) {
		origin[r[0]] = r
	}
	var size int64
	named := map[string]bool{"manifest.csv": true}
	for _, r := range rowsOf(t, filepath.Join(dir, "accuracy", "manifest.csv"))[1:] {
		named[path.Base(r[0])] = true
		o := origin["accuracy/"+r[0]]
		if o == nil || o[2] != "MIT" && o[2] != "CC0-1.0" {
			t.Errorf("%s: origin %v", r[0], o)
		}
	}
	err := fs.WalkDir(os.DirFS(filepath.Join(dir, "accuracy")), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !named[path.Base(name)] {
			t.Errorf("%s is not in the manifest", name)
		}
		delete(named, path.Base(name))
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(named) > 0 || size > 2<<20 {
		t.Errorf("%d bytes; not there: %v", size, named)
	}
}

func rowsOf(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%s: %d rows, %v", file, len(rows), err)
	}
	return rows
}
