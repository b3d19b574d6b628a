package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The bars hold on the demo's photos, which everybody has.
func TestDemoPhotos(t *testing.T) {
	check(t, filepath.Join("..", "..", "testdata", "demo"), 1)
}

// The bars hold on a sample of a larger collection, if there is one. The
// whole collection is for make accuracy.
func TestProductPhotos(t *testing.T) {
	root := os.Getenv("TOUCHSTONE_DATASETS")
	if root == "" {
		t.Skip("TOUCHSTONE_DATASETS is not set: no product photos")
	}
	n := 16
	if testing.Short() {
		n = 40
	}
	check(t, filepath.Join(root, "products"), n)
}

func check(t *testing.T, dir string, every int) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-every", fmt.Sprint(every), dir}, &out, &errs); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if t.Failed() || testing.Verbose() {
		t.Logf("%s%s", out.String(), errs.String())
	}
}

// A bar that is missed must be seen.
func TestReportCountsMissedBars(t *testing.T) {
	found := answer{photo: photo{file: "in.jpg", product: inProduct(t, true)}, own: 2}
	m := measurement{products: map[string]string{"in.jpg": "x"}}
	for _, a := range attacks() {
		found.family, found.attack = a.family, a.name
		m.answers = append(m.answers, found)
	}
	stranger := answer{photo: photo{file: "out.jpg", product: inProduct(t, false)}}
	m.answers = append(m.answers, stranger)
	var out strings.Builder
	if n := m.report(&out); n != 0 {
		t.Fatalf("%d bars missed where all is found\n%s", n, out.String())
	}
	m.answers[0].own = 0
	m.answers[len(m.answers)-1].foreign = 1
	out.Reset()
	// One family, and false alarms of both kinds of pictures.
	if n := m.report(&out); n != 3 {
		t.Errorf("%d bars missed, want 3\n%s", n, out.String())
	}
	for _, want := range []string{"not found: in.jpg", "false alarm: out.jpg"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, out.String())
		}
	}
}

// inProduct finds a product on a side of the split.
func inProduct(t *testing.T, in bool) string {
	for i := range 100 {
		if p := (photo{product: fmt.Sprint(i)}); p.in() == in {
			return p.product
		}
	}
	t.Fatal("the split puts all on one side")
	return ""
}
