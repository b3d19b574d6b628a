package main

import (
	"io/fs"
	"os"
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
	named := map[string]bool{"banks.csv": true, "expected.csv": true, "manifest.csv": true}
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
