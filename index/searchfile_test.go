package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/touchstone-go/touchstone/hash"
)

// searched returns the ids of what is near to the code of reference i.
func searched(t *testing.T, x *Index, i int) (ids []string) {
	t.Helper()
	ms, err := x.Near(context.Background(), hash.FromPDQ(codeOf(i), 100), NearOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		ids = append(ids, m.Bank+"/"+m.ID)
	}
	return ids
}

// reopened closes a store and opens it again, with a search file however few
// codes there are.
func reopened(t *testing.T, x *Index, dir string, o *Options) *Index {
	t.Helper()
	x.searchFrom = 1
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x, err := Open(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSearchFile(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, searchName)
	x, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range []Kind{Fake, Genuine} {
		if _, err := x.CreateBank(ctx, Bank{Name: string(kind), Kind: kind}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			addCodes(t, x, string(kind), 0, 66_000)
		}
	}
	addCodes(t, x, string(Genuine), 65_990, 66_100)
	if err := x.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	want := searched(t, x, 65_995)
	if len(want) != 2 {
		t.Fatalf("found %q", want)
	}

	x = reopened(t, x, dir, nil)
	if x.searchFile == nil {
		t.Fatal("the file of the very state was not taken")
	}
	if parts := x.current.Load().banks[0].codes.Stats().Parts; len(parts) == 0 {
		t.Error("the index was not in the file")
	}
	if got := searched(t, x, 65_995); !slices.Equal(got, want) {
		t.Errorf("found %q with the file, %q before", got, want)
	}
	if err := x.Check(ctx); err != nil {
		t.Error(err)
	}
	stale, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	// It grows and shrinks on, and the next file is of that.
	addCodes(t, x, string(Genuine), 70_000, 70_010)
	if err := x.Remove(ctx, string(Fake), idOf(65_995)); err != nil {
		t.Fatal(err)
	}
	want = searched(t, x, 65_995)
	x = reopened(t, x, dir, nil)
	if got := searched(t, x, 65_995); x.searchFile == nil || len(got) != 1 || !slices.Equal(got, want) {
		t.Errorf("found %q, want %q; file taken: %v", got, want, x.searchFile != nil)
	}
	if got := searched(t, x, 70_005); len(got) != 1 {
		t.Errorf("found %q of what was added", got)
	}
	if err := x.Check(ctx); err != nil {
		t.Error(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	flipped := slices.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	future := slices.Clone(whole[:len(whole)-8])
	const heads = len(searchMagic) + 12 + 2*20 // then the first set: 8 bytes of magic, its version
	future[heads+8]++
	future = binary.LittleEndian.AppendUint64(future, xxhash.Sum64(future))
	for name, content := range map[string][]byte{
		"stale": stale, "flipped": flipped, "cut": whole[:len(whole)/3], "head only": whole[:30], "empty": {},
		"another version": future,
	} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		x, err := Open(ctx, dir, &Options{ReadOnly: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := searched(t, x, 65_995); x.searchFile != nil || !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q; file taken: %v", name, got, want, x.searchFile != nil)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSearchFileKept: a store that was only read keeps its file as it is, and a
// full disk costs the file and nothing else.
func TestSearchFileKept(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	x, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.CreateBank(ctx, Bank{Name: "a", Kind: Fake}); err != nil {
		t.Fatal(err)
	}
	addCodes(t, x, "a", 0, 100)
	x = reopened(t, x, dir, nil)
	before := stamped(t, filepath.Join(dir, searchName))
	path := filepath.Join(dir, searchName)
	free := uint64(1 << 40)
	x = reopened(t, x, dir, &Options{FreeSpace: func(string) (uint64, error) { return free, nil }})
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file was written anew without a change (%v)", err)
	}
	// A change that touches no codes makes another state.
	p := DefaultPolicy(Fake, hash.PDQ)
	p.Strong--
	if err := x.SetPolicy(ctx, "a", p); err != nil {
		t.Fatal(err)
	}
	if x = reopened(t, x, dir, &Options{FreeSpace: func(string) (uint64, error) { return free, nil }}); x.searchFile == nil {
		t.Error("the file was not written anew after a change of policy")
	}
	addCodes(t, x, "a", 100, 101)
	free = 1 << 20
	x = reopened(t, x, dir, nil)
	if _, err := os.Stat(path); err == nil || x.searchFile != nil {
		t.Error("a file was written to a full disk")
	}
	if got := searched(t, x, 100); len(got) != 1 {
		t.Errorf("found %q", got)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

// stamped makes a file old, so that a later write shows.
func stamped(t *testing.T, path string) os.FileInfo {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// ends is a context that ends when it has been asked some times.
type ends struct {
	context.Context
	after int
}

func (e *ends) Err() error {
	if e.after--; e.after < 0 {
		return context.Canceled
	}
	return nil
}

// TestSearchFileStopped: reading ends with the context, while the file is summed
// and while it is taken up.
func TestSearchFileStopped(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	x, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.CreateBank(ctx, Bank{Name: "a", Kind: Fake}); err != nil {
		t.Fatal(err)
	}
	addCodes(t, x, "a", 0, 100)
	x = reopened(t, x, dir, nil)
	path, state := filepath.Join(dir, searchName), &x.current.Load().state
	const sum = 2 // reads: all, and that there is no more
	for n := range sum + 1 {
		if _, err := readSearch(&ends{ctx, n}, path, state); !errors.Is(err, context.Canceled) {
			t.Errorf("ended at read %d: %v", n, err)
		}
	}
	if _, err := readSearch(&ends{ctx, sum + 1}, path, state); err != nil {
		t.Errorf("not ended: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if x.takeSearch(stopped, &loader{state: *state}) {
		t.Error("the file was taken although the context had ended")
	}
}

// TestSearchFileLeft: what a process that was killed had written of a file goes
// with the next one, or when there is none any more.
func TestSearchFileLeft(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	left := filepath.Join(dir, searchNew)
	for _, from := range []int{1, minSearchFile} {
		x, err := Open(ctx, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.CreateBank(ctx, Bank{Name: fmt.Sprint("bank", from), Kind: Fake}); err != nil {
			t.Fatal(err)
		}
		addCodes(t, x, fmt.Sprint("bank", from), 0, 10)
		if err := os.WriteFile(left, []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
		x.searchFrom = from
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("with files from %d codes on: %v", from, err)
		}
		if _, err := os.Stat(filepath.Join(dir, searchName)); (err == nil) != (from == 1) {
			t.Errorf("with files from %d codes on: %v", from, err)
		}
	}
}

// TestSearchFileComesLast: the store is closed, and cleanly, before the file is
// begun, so that who is killed meanwhile loses nothing else.
func TestSearchFileComesLast(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	closing, asked := false, 0
	x, err := Open(ctx, dir, &Options{FreeSpace: func(string) (uint64, error) {
		if closing { // it asks whether there is room for the file
			asked++
			y, err := Open(ctx, dir, &Options{ReadOnly: true})
			if err != nil {
				t.Error(err)
				return 1 << 40, nil
			}
			if got := searched(t, y, 7); len(got) != 1 {
				t.Errorf("found %q", got)
			}
			if err := y.Close(); err != nil {
				t.Error(err)
			}
		}
		return 1 << 40, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.CreateBank(ctx, Bank{Name: "a", Kind: Fake}); err != nil {
		t.Fatal(err)
	}
	addCodes(t, x, "a", 0, 100)
	closing = true
	x = reopened(t, x, dir, nil)
	if asked != 1 || x.searchFile == nil {
		t.Errorf("asked %d times; file taken: %v", asked, x.searchFile != nil)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

// codeOf is the code of reference i, always the same.
func codeOf(i int) hash.Code { return anyCode(rand.New(rand.NewPCG(uint64(i), 5))) }

func idOf(i int) string { return fmt.Sprintf("%06d.jpg", i) }

// addCodes adds the references from one number to another, of one code each.
func addCodes(t *testing.T, x *Index, bank string, from, to int) {
	t.Helper()
	for from < to {
		var refs []Reference
		for ; from < to && len(refs) < 5000; from++ {
			refs = append(refs, Reference{Bank: bank, ID: idOf(from), Fingerprint: hash.FromPDQ(codeOf(from), 100)})
		}
		mustAdd(t, x, refs...)
	}
}
