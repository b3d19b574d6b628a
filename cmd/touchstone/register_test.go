package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// A file that is stored already is not decoded again: the second run would
// refuse every picture, if it looked at one.
func TestRegisterDecodesOnce(t *testing.T) {
	photos, dir := writePhotos(t, 5), filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	for i, limits := range []hash.Limits{{}, {MaxPixels: 1}} {
		x, err := index.Open(t.Context(), dir, &index.Options{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		a := &app{stdout: &out, stderr: &errs}
		if err := a.setLimits(); err != nil {
			t.Fatal(err)
		}
		flags := registerFlags{bank: "fakes"}
		list, err := flags.entries([]string{photos})
		if err != nil {
			t.Fatal(err)
		}
		r := registration{app: a, index: x}
		if err := r.run(t.Context(), "fakes", list); err != nil {
			t.Fatal(err)
		}
		if want := []int{5, 0}[i]; r.added != want || r.unchanged != 5-want || r.refused != 0 {
			t.Errorf("run %d: %d added, %d unchanged, %d refused\n%s", i+1, r.added, r.unchanged, r.refused, &errs)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// An error of the store ends the run; it is not taken for a bad file.
func TestRegisterStopsOnStoreErrors(t *testing.T) {
	photos, dir := writePhotos(t, 5), filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	var free atomic.Uint64
	free.Store(1 << 40)
	x, err := index.Open(t.Context(), dir, &index.Options{FreeSpace: func(string) (uint64, error) { return free.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	free.Store(0)
	var errs bytes.Buffer
	a := &app{stdout: &errs, stderr: &errs}
	if err := a.setLimits(); err != nil {
		t.Fatal(err)
	}
	flags := registerFlags{bank: "fakes"}
	list, err := flags.entries([]string{photos})
	if err != nil {
		t.Fatal(err)
	}
	r := registration{app: a, index: x}
	if err = r.run(t.Context(), "fakes", list); !errors.Is(err, index.ErrNoSpace) || r.refused > 0 {
		t.Errorf("%v, %d refused", err, r.refused)
	}
}

// Ids are remembered only where they can come twice.
func TestRepeatedIDs(t *testing.T) {
	photos := writePhotos(t, 2)
	for _, c := range []struct {
		args  []string
		twice int
	}{{[]string{photos}, 0}, {[]string{photos, photos}, 2}} {
		flags := registerFlags{bank: "fakes"}
		list, err := flags.entries(c.args)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // a list can be walked again
			twice := 0
			list(func(e entry) bool {
				if e.reason == "duplicate_id" {
					twice++
				}
				return true
			})
			if twice != c.twice {
				t.Errorf("%d folders: %d ids came twice, want %d", len(c.args), twice, c.twice)
			}
		}
	}
}
