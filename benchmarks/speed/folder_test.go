package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

func TestKindOf(t *testing.T) {
	img := mosaic(drawings(), 40, 40, 0)
	for _, c := range []struct {
		o    jpegwriter.Options
		want string
	}{
		{jpegwriter.Options{}, "4:2:0"},
		{jpegwriter.Options{Sampling: jpegwriter.S444, Fill: 2}, "4:4:4"},
		{jpegwriter.Options{Sampling: jpegwriter.S422}, "4:2:2"},
		{jpegwriter.Options{Sampling: jpegwriter.S411}, "other"},
		{jpegwriter.Options{Grey: true}, "grey"},
		{jpegwriter.Options{Grey: true, Progressive: true}, "progressive"},
		{jpegwriter.Options{Extended: true, Orientation: 6}, "4:2:0"},
	} {
		file, err := jpegwriter.Encode(img, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := kindOf(file); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
	for _, b := range []string{"", "\xff\xd8", "\xff\xd8\xff\xc0\xff\xff", "\xff\xd8\xff\xe0\x00\x02\x00"} {
		if got := kindOf([]byte(b)); got != "other" {
			t.Errorf("%q: %s", b, got)
		}
	}
}

// The files of a folder are grouped by size and kind, smallest first; those that
// cannot be read are counted; of many, some are taken.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	img := mosaic(drawings(), 300, 300, 0)
	small, err := encode(img, kinds[0], 80)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxInGroup + 3 {
		write(fmt.Sprintf("a/%d.jpg", i), small)
	}
	large, err := encode(mosaic(drawings(), 510, 500, 0), kinds[2], 80)
	if err != nil {
		t.Fatal(err)
	}
	write("b/c/large.JPEG", large)
	write("text.jpg", []byte("not a picture"))
	write("cut.jpg", small[:len(small)/2])
	write("other.txt", small)

	groups, refused, err := folderGroups(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, g := range groups {
		got += fmt.Sprintf("%s %s: %d of %d; ", className(g.size), g.kind, len(g.files), g.of)
	}
	if want := "smaller 4:2:0: 24 of 27; 500x500 progressive: 1 of 1; "; got != want {
		t.Errorf("groups %q, want %q", got, want)
	}
	if len(refused) != 2 || refused["refused by image/jpeg"] != 1 || refused["corrupt"] != 1 {
		t.Errorf("refused: %v", refused)
	}

	// The whole program: small files have no bars, and JSON says what was printed.
	for _, dirs := range []string{"a", "b"} {
		if err := os.RemoveAll(filepath.Join(dir, dirs)); err != nil {
			t.Fatal(err)
		}
	}
	write("one.jpg", small)
	var out, errs strings.Builder
	file := filepath.Join(t.TempDir(), "results.json")
	if code := start(t.Context(), []string{"-files", dir, "-check", "-json", file}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r folderResults
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Lines) != 1 || r.Lines[0].Files != 1 || r.Lines[0].Of != 1 || r.Lines[0].A.Ratio <= 0 || r.Date == "" {
		t.Errorf("results: %+v", r)
	}
	if !strings.Contains(out.String(), "smaller") || !strings.Contains(out.String(), "1 files refused: corrupt") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestFlags(t *testing.T) {
	for _, args := range []string{"-files a b", "-files a -fidelity", "-all", "-nothing", "-floor 0.5 -check", "-files a -floor 0.5"} {
		if code := start(t.Context(), strings.Fields(args), new(strings.Builder), new(strings.Builder)); code != 2 {
			t.Errorf("%s: exit code %d, want 2", args, code)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		check  bool
		missed int
		want   int
	}{{false, 3, 0}, {true, 0, 0}, {true, 3, 1}} {
		if got := (options{check: c.check}).exitCode(c.missed, 0); got != c.want {
			t.Errorf("%+v: exit code %d", c, got)
		}
	}
}

// A data set that is named and missing is an error, not fewer photos.
func TestFolders(t *testing.T) {
	t.Chdir("../..")
	t.Setenv(datasetsVariable, "")
	dirs, err := folders([]string{"testdata/accuracy", "testdata"})
	if err != nil || len(dirs) != 2 || filepath.Base(dirs[0]) != "accuracy" {
		t.Errorf("folders %v, error %v", dirs, err)
	}
	t.Setenv(datasetsVariable, t.TempDir())
	if _, err := folders(nil); err == nil {
		t.Error("no error of data sets without products")
	}
}

func TestFloor(t *testing.T) {
	r := speedResults{
		Lines:   []line{{A: versus{Ratio: 8, Bar: 16}, Ext: versus{Ratio: 12.4, Bar: 25}, Read: versus{Ratio: 3}}},
		Further: []bar{{Value: 8, Bar: 5, Of: 1}, {Value: 11, Bar: 5, Of: 1}, {Value: 0.8, Bar: 1.8, Least: true, Of: 1}, {Value: 0.8, Bar: 1.8, Least: true}},
	}
	for share, want := range map[float64]int{0.4: 0, 0.5: 3, 0.6: 4, 1: 5} {
		if got := r.below(share); got != want {
			t.Errorf("%d figures are worse than %g of their bars, want %d", got, share, want)
		}
	}
	if (options{floor: 0.5}).exitCode(3, 0) != 0 || (options{floor: 0.5}).exitCode(0, 1) != 1 {
		t.Error("the exit code does not say what is below the floor")
	}
}
