package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/seeded"
	"github.com/touchstone-go/touchstone/index"
)

// stores is the directory of the seeded stores. They are made when they are
// first asked for, and used by several benchmarks.
var stores string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "touchstone-benchmarks-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	stores = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// store returns the directory of a closed store of n seeded references.
func store(b *testing.B, n int) string {
	b.Helper()
	if n >= 1_000_000 && testing.Short() {
		b.Skip("a million references take a minute to store")
	}
	dir := filepath.Join(stores, fmt.Sprint(n))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := fill(b.Context(), dir, n); err != nil {
		os.RemoveAll(dir)
		b.Fatal(err)
	}
	return dir
}

func fill(ctx context.Context, dir string, n int) error {
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return err
	}
	err = seeded.Fill(ctx, x, n)
	if err == nil {
		err = x.Settled(ctx) // so that Close writes the indexes too
	}
	return errors.Join(err, x.Close())
}

// open opens a store for the length of the benchmark, and waits for its indexes.
func open(b *testing.B, dir string) *index.Index {
	b.Helper()
	x, err := index.Open(b.Context(), dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := x.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := x.Settled(b.Context()); err != nil {
		b.Fatal(err)
	}
	return x
}
