package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"

	"github.com/touchstone-go/touchstone/hash"
)

// filled makes a closed store of n references in two banks.
func filled(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	x := mustOpen(t, dir, nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	mustAdd(t, x, featured(t, many(n))...)
	mustCheck(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func many(n int) (refs []Reference) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		ref := Reference{Bank: "fakes", ID: fmt.Sprintf("dir/%05d.jpg", i), Fingerprint: hash.FromCodes(anyCode(r), anyCode(r), 90), SHA256: Digest{1, byte(i), byte(i >> 8)}}
		if i%2 == 0 {
			ref.Bank = "real"
		}
		refs = append(refs, ref)
	}
	return refs
}

// featured gives features to the first and the third reference, of bank real.
func featured(t testing.TB, refs []Reference) []Reference {
	t.Helper()
	some := someFeatures(t)
	refs[0].Features, refs[2].Features = some[0], some[1]
	return refs
}

func one(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files[0]
}

func edit(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A process was killed and the log of its last changes damaged: the store must
// not open as if these had never been.
func TestDamagedLogOfACrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	x := mustOpen(t, dir, nil)
	mustCreate(t, x, "fakes", Fake)
	mustCreate(t, x, "real", Genuine)
	for _, r := range many(40) {
		mustAdd(t, x, r)
	}
	for _, c := range []struct {
		what   string
		damage func(path string, b []byte) error
		want   error
	}{
		{"nothing", func(string, []byte) error { return nil }, nil},
		{"a byte in the middle", func(path string, b []byte) error {
			b[len(bytes.TrimRight(b, "\x00"))/2] ^= 1
			return os.WriteFile(path, b, 0o666)
		}, ErrCorrupt},
		{"a byte at the end", func(path string, b []byte) error {
			b[len(bytes.TrimRight(b, "\x00"))-1] ^= 1
			return os.WriteFile(path, b, 0o666)
		}, ErrCorrupt},
		{"emptied", func(path string, b []byte) error { return os.WriteFile(path, nil, 0o666) }, ErrCorrupt},
		{"deleted", func(path string, b []byte) error { return os.Remove(path) }, ErrCorrupt},
	} {
		crashed := filepath.Join(t.TempDir(), "store")
		if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		log := one(t, filepath.Join(crashed, "*.mem"))
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.damage(log, b); err != nil {
			t.Fatal(err)
		}
		y, err := Open(t.Context(), crashed, testOptions())
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if err == nil {
			mustCheck(t, y)
			if b, _ := y.Bank(t.Context(), "fakes"); b.References != 20 {
				t.Errorf("%s: %d references of 20", c.what, b.References)
			}
			if err := y.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestDamagedFiles: whatever happens to a file, the store says so or has lost
// nothing.
func TestDamagedFiles(t *testing.T) {
	const n = 600
	for _, c := range []struct {
		what, file string
		f          func([]byte) []byte
		want       error // nil: opens, and nothing is lost
	}{
		{"table flipped at the front", "*.sst", func(b []byte) []byte { b[100] ^= 1; return b }, ErrCorrupt},
		{"table flipped in the middle", "*.sst", func(b []byte) []byte { b[len(b)/2] ^= 0x80; return b }, ErrCorrupt},
		{"length of a block's checksum flipped", "*.sst", func(b []byte) []byte { b[blockEnd(b)-1] ^= 1; return b }, ErrCorrupt},
		{"length of a block's checksum huge", "*.sst", func(b []byte) []byte { b[blockEnd(b)-4] ^= 0x40; return b }, ErrCorrupt},
		{"number of a block's entries huge", "*.sst", func(b []byte) []byte {
			end := blockEnd(b)
			b[end-4-int(binary.BigEndian.Uint32(b[end-4:]))-4] ^= 0x40
			return b
		}, ErrCorrupt},
		{"table cut in half", "*.sst", func(b []byte) []byte { return b[:len(b)/2] }, ErrCorrupt},
		{"end of a table zeroed", "*.sst", func(b []byte) []byte { clear(b[len(b)-47:]); return b }, ErrCorrupt},
		{"table of zeros", "*.sst", func(b []byte) []byte { clear(b); return b }, ErrCorrupt},
		{"table emptied", "*.sst", func(b []byte) []byte { return nil }, ErrCorrupt},
		{"manifest flipped", "MANIFEST", func(b []byte) []byte { b[len(b)-3] ^= 1; return b }, ErrCorrupt},
		{"manifest cut", "MANIFEST", func(b []byte) []byte { return b[:len(b)-5] }, ErrCorrupt},
		{"manifest emptied", "MANIFEST", func(b []byte) []byte { return nil }, ErrCorrupt},
		{"manifest cut to its head", "MANIFEST", func(b []byte) []byte { return b[:8] }, ErrCorrupt},
		{"manifest of others", "MANIFEST", func(b []byte) []byte { b[5]++; return b }, ErrFormat},
		{"mark flipped", markName, func(b []byte) []byte { b[12] ^= 1; return b }, ErrCorrupt},
		{"value log emptied", "*.vlog", func(b []byte) []byte { return nil }, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := filled(t, n)
			edit(t, one(t, filepath.Join(dir, c.file)), c.f)
			x, err := Open(t.Context(), dir, testOptions())
			if !errors.Is(err, c.want) {
				t.Fatalf("Open: %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			mustCheck(t, x)
			if b, _ := x.Bank(t.Context(), "fakes"); b.References != n/2 {
				t.Errorf("%d references, want %d", b.References, n/2)
			}
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// blockEnd returns the position behind the first block of a table: behind its
// entries come their number (4 bytes), a checksum and its length (4 bytes).
func blockEnd(b []byte) int {
	left := len(b)
	number := func() int {
		left -= 4
		return int(binary.BigEndian.Uint32(b[left:]))
	}
	left -= number()
	size := number()
	var block fb.BlockOffset
	fb.GetRootAsTableIndex(b[left-size:left], 0).Offsets(&block, 0)
	return int(block.Offset() + block.Len())
}

// TestEveryBit flips bits of a table, all of them at its end, where its lengths
// and checksums are.
func TestEveryBit(t *testing.T) {
	path := one(t, filepath.Join(filled(t, 600), "*.sst"))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var buf bytes.Buffer
	for i := range 1500 {
		bit := r.IntN(8 * len(whole))
		if i < 500 {
			bit = 8*len(whole) - 1 - i
		}
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := checkTable(path, &buf); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d of %d: %v, want ErrCorrupt", bit, 8*len(whole), err)
		}
	}
}

func TestManifestGone(t *testing.T) {
	dir := filled(t, 100)
	if err := os.Remove(filepath.Join(dir, "MANIFEST")); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	if _, err := Open(t.Context(), dir, testOptions()); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("Open: %v, want ErrCorrupt", err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("Open changed the directory: %s, before %s", after, before)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&s, e.Name(), info.Size(), info.ModTime())
	}
	return s.String()
}

func TestForeignDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), []byte("Dear"), 0o666); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	for _, path := range []string{dir, filepath.Join(dir, "letter.txt")} {
		if _, err := Open(t.Context(), path, testOptions()); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", path, err)
		}
	}
	if after := listing(t, dir); after != before {
		t.Errorf("Open changed the directory: %s, before %s", after, before)
	}
}

func TestForeignBadger(t *testing.T) {
	dir := t.TempDir()
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithValueLogFileSize(1 << 20).WithMemTableSize(1 << 20).WithValueThreshold(1000))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	if _, err := Open(t.Context(), dir, testOptions()); !errors.Is(err, ErrFormat) {
		t.Errorf("%v, want ErrFormat", err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("Open changed the directory: %s, before %s", after, before)
	}
}

// tamper changes rows behind the index's back.
func tamper(t *testing.T, dir string, f func(*badger.Txn) error) {
	t.Helper()
	o := (&Options{MinFree: -1}).withDefaults()
	db, err := badger.Open(badgerOptions(dir, &o))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func deleting(key []byte) func(*badger.Txn) error {
	return func(txn *badger.Txn) error { return txn.Delete(key) }
}

// TestDamagedRows: a row that is lost or changed is found, by Open where it
// would make a match less, by Check in any case.
func TestDamagedRows(t *testing.T) {
	refs := featured(t, many(10))
	f, err := packed(refs[0].Features)
	if err != nil {
		t.Fatal(err)
	}
	// Slots begin with 1, and the first reference is the first of bank real,
	// which was created second.
	col := columnOf(refs[0].Fingerprint, hash.PDQ)
	ref := refs[0]
	ref.Opinion, ref.AddedAt = Confirmed, start
	other := ref
	other.Fingerprint = refs[1].Fingerprint
	for _, c := range []struct {
		what string
		f    func(*badger.Txn) error
		open bool // found by Open
		say  string
	}{
		{"column lost", deleting(col.key(2, 1, hash.PDQ)), true, "bank real: expected 5 searchable references"},
		{"column of one bit more", func(txn *badger.Txn) error {
			changed := col
			changed.codes[hash.Full][0] ^= 1
			return errors.Join(txn.Delete(col.key(2, 1, hash.PDQ)), txn.Set(changed.key(2, 1, hash.PDQ), nil))
		}, true, "bank real: expected 5 searchable references"},
		{"column added", func(txn *badger.Txn) error { return txn.Set(col.key(2, 2, hash.PDQ), nil) }, true, "found 6"},
		{"column twice", func(txn *badger.Txn) error { return txn.Set(col.key(2, 9, hash.PDQ), nil) }, true, "another row has the same slot"},
		{"column of no bank", func(txn *badger.Txn) error { return txn.Set(col.key(7, 9, hash.PDQ), nil) }, true, "no bank 7"},
		{"column beyond the next slot", func(txn *badger.Txn) error { return txn.Set(col.key(2, 99, hash.PDQ), nil) }, true, "of bank real"},
		{"counts lost", deleting(countKey(2)), true, "counts of bank real"},
		{"bank lost", deleting(bankKey(2)), true, "no bank 2"},
		{"header lost", deleting([]byte(headerKey)), true, "no header"},
		{"numbers lost", deleting([]byte(nextKey)), true, "next numbers"},
		{"numbers turned back", func(txn *badger.Txn) error { return txn.Set([]byte(nextKey), encodeNext(11, 2)) }, true, "ends at change 1, but change 4 was acknowledged"},
		{"name lost", deleting(nameKey("real")), false, "2 banks and 1 names"},
		{"record lost", deleting(recordKey(1)), false, "row 10000000020000000000000001"},
		{"record changed", func(txn *badger.Txn) error {
			return txn.Set(recordKey(1), append([]byte{2}, encodeRecord(2, 1, ref)[1:]...))
		}, false, "checksum"},
		{"record of other codes", func(txn *badger.Txn) error { return txn.Set(recordKey(1), encodeRecord(2, 1, other)) }, false, "with other codes"},
		{"id lost", deleting(idKey(2, ref.ID)), false, "record of real/dir/00000.jpg"},
		{"id of another slot", func(txn *badger.Txn) error { return txn.Set(idKey(2, ref.ID), recordKey(3)[1:]) }, false, "is in slot"},
		{"id of nothing", func(txn *badger.Txn) error { return txn.Set(idKey(2, "x"), recordKey(1)[1:]) }, false, "not that reference"},
		{"digest lost", deleting(digestKey(ref.SHA256, 1)), false, "digest of real/dir/00000.jpg"},
		{"digest of nothing", func(txn *badger.Txn) error { return txn.Set(digestKey(Digest{9}, 1), nil) }, false, "other bytes"},
		{"thumbnail of nothing", func(txn *badger.Txn) error { return txn.Set(thumbnailKey(99), nil) }, false, "row 150000000000000063"},
		{"features lost", deleting(featuresKey(1)), true, "bank real: expected the features of 2 references, found 1"},
		{"features of another slot", func(txn *badger.Txn) error { return txn.Set(featuresKey(1), encodeFeatures(3, f.body)) }, false, "checksum"},
		{"other features", func(txn *badger.Txn) error {
			g, err := packed(refs[2].Features)
			return errors.Join(err, txn.Set(featuresKey(1), encodeFeatures(1, g.body)))
		}, false, "the regions of real/dir/00000.jpg are others"},
		{"features of no sense", func(txn *badger.Txn) error { return txn.Set(featuresKey(1), encodeFeatures(1, []byte("nonsense"))) }, false, "row 140000000000000001"},
		{"features of nothing", func(txn *badger.Txn) error { return txn.Set(featuresKey(99), encodeFeatures(99, f.body)) }, false, "row 140000000000000063"},
		{"features nobody counted", func(txn *badger.Txn) error { return txn.Set(featuresKey(5), encodeFeatures(5, f.body)) }, false, "features of real/dir/00004.jpg"},
		{"regions lost", deleting(regionsKey(2, 1)), true, "bank real: expected the regions of 2 references"},
		{"regions of one bit more", func(txn *badger.Txn) error {
			codes := slices.Clone(f.regions)
			codes[1][2] ^= 1
			return txn.Set(regionsKey(2, 1), encodeRegions(2, 1, codes))
		}, true, "bank real: expected the regions of 2 references"},
		{"regions of another slot", func(txn *badger.Txn) error { return txn.Set(regionsKey(2, 1), encodeRegions(2, 3, f.regions)) }, true, "checksum"},
		{"regions added", func(txn *badger.Txn) error { return txn.Set(regionsKey(2, 5), encodeRegions(2, 5, f.regions)) }, true, "found 3"},
		{"regions of no bank", func(txn *badger.Txn) error { return txn.Set(regionsKey(7, 1), encodeRegions(7, 1, f.regions)) }, true, "no bank 7"},
		{"regions of nothing", func(txn *badger.Txn) error { return txn.Set(regionsKey(2, 99), encodeRegions(2, 99, f.regions)) }, true, "no reference there"},
		{"regions under a longer key", func(txn *badger.Txn) error {
			return txn.Set(append(regionsKey(2, 1), 0), encodeRegions(2, 1, f.regions))
		}, true, "row 160000000200000000000000"},
		{"a format that has no features", func(txn *badger.Txn) error {
			return txn.Set([]byte(headerKey), header{format: 1, recipe: 1}.encode())
		}, true, "counts of 48 bytes"},
		{"change lost", deleting(changeKey(2)), false, "change 3 where 2 is due"},
		{"last change lost", deleting(changeKey(4)), false, "journal ends at 3"},
		{"unknown table", func(txn *badger.Txn) error { return txn.Set([]byte{0x42, 1}, nil) }, false, "no such table"},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			x := mustOpen(t, dir, nil)
			mustCreate(t, x, "fakes", Fake)
			mustCreate(t, x, "real", Genuine)
			mustAdd(t, x, refs...)
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			tamper(t, dir, c.f)
			x, err := Open(t.Context(), dir, testOptions())
			if (err != nil) != c.open {
				t.Fatalf("Open: %v, want an error: %t", err, c.open)
			}
			if err == nil {
				err = x.Check(t.Context())
				if err := x.Close(); err != nil {
					t.Error(err)
				}
			}
			if !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v, want ErrCorrupt alone with %q", err, c.say)
			}
		})
	}
}

// TestRegionsAgainstMemory: a search that finds other regions on disk than in
// memory fails instead of showing a match that is none.
func TestRegionsAgainstMemory(t *testing.T) {
	x := mustOpen(t, filled(t, 10), nil)
	some := someFeatures(t)
	part := hash.FromPDQ(flip(some[0].Regions()[1], 8), 90)
	ms, err := x.Near(t.Context(), part, NearOptions{Regions: true})
	if err != nil || len(ms) != 1 || ms[0].ID != many(1)[0].ID || ms[0].Check != CheckRegion || ms[0].Region.Window != 1 || ms[0].Region.Distance != 8 {
		t.Fatalf("%+v, %v", ms, err)
	}
	if ms, err := x.Near(t.Context(), part, NearOptions{}); err != nil || len(ms) != 0 {
		t.Errorf("without regions: %v, %v", ids(ms), err)
	}
	for _, change := range []func(*badger.Txn) error{
		func(txn *badger.Txn) error { return txn.Set(regionsKey(2, 1), encodeRegions(2, 1, some[1].Regions())) },
		deleting(regionsKey(2, 1)),
	} {
		if err := x.db.Update(change); err != nil {
			t.Fatal(err)
		}
		mustAdd(t, x, Reference{Bank: "fakes", ID: fmt.Sprint(x.Seq()), Fingerprint: hash.FromPDQ(hash.Code{1}, 90)}) // a snapshot that sees it
		if ms, err := x.Near(t.Context(), part, NearOptions{Regions: true}); !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound) {
			t.Errorf("%v, %v, want ErrCorrupt", ids(ms), err)
		}
	}
}

// TestColumnAgainstRecord: a search that finds a contradiction fails instead of
// showing a match that is none.
func TestColumnAgainstRecord(t *testing.T) {
	dir := filled(t, 10)
	refs := many(10)
	ref, other := refs[0], refs[0]
	other.Fingerprint, other.Opinion = refs[1].Fingerprint, Confirmed
	tamper(t, dir, func(txn *badger.Txn) error {
		return errors.Join(txn.Set(recordKey(1), encodeRecord(2, 1, other)), txn.Set(digestKey(Digest{9}, 3), nil))
	})
	x := mustOpen(t, dir, nil)
	if ms, err := x.Near(t.Context(), ref.Fingerprint, NearOptions{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("other codes: %v, %v, want ErrCorrupt", ms, err)
	}
	if ms, err := x.Near(t.Context(), many(3)[2].Fingerprint, NearOptions{SHA256: Digest{9}}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another digest: %v, %v, want ErrCorrupt", ms, err)
	}
}

// TestDamageStaysAlone: a reference whose rows contradict one another cannot be
// removed or replaced, which would spoil the sums. Others that come at the same
// time can.
func TestDamageStaysAlone(t *testing.T) {
	dir := filled(t, 10)
	refs := many(10)
	other := refs[0]
	other.Fingerprint, other.Opinion = refs[1].Fingerprint, Confirmed
	withdrawn := refs[2]
	withdrawn.Opinion = Withdrawn
	tamper(t, dir, func(txn *badger.Txn) error {
		return errors.Join(txn.Set(recordKey(1), encodeRecord(2, 1, other)), txn.Set(recordKey(3), encodeRecord(2, 3, withdrawn)),
			txn.Set(featuresKey(9), encodeFeatures(9, []byte("of a reference that had none"))))
	})
	x := mustOpen(t, dir, nil)
	fresh := many(11)[10]
	errs := together(t, x,
		func() error { return x.Remove(t.Context(), "real", refs[6].ID, refs[0].ID) },
		func() error { return x.SetOpinion(t.Context(), "real", refs[2].ID, Confirmed) },
		func() error { return x.Remove(t.Context(), "real", refs[8].ID) },
		func() error { _, err := x.Add(t.Context(), fresh); return err },
		func() error { return x.Remove(t.Context(), "real", refs[4].ID) },
	)
	for i, want := range []error{ErrCorrupt, ErrCorrupt, ErrCorrupt, nil, nil} {
		if !errors.Is(errs[i], want) {
			t.Errorf("request %d: %v, want %v", i, errs[i], want)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := mustOpen(t, dir, nil).Bank(t.Context(), "real"); err != nil || b.Searchable != 5 {
		t.Errorf("%d searchable references, %v; want 5", b.Searchable, err)
	}
}

// TestSystemErrors: what the system refuses says nothing about the store.
func TestSystemErrors(t *testing.T) {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EACCES, syscall.EPERM, syscall.EROFS,
	} {
		cause := &os.PathError{Op: "open", Path: "000001.sst", Err: e}
		for _, err := range []error{cause, fmt.Errorf("while opening: %w", cause), fmt.Errorf("while opening err: %+v", cause)} {
			got := storeError(err)
			full := e == syscall.ENOSPC || e == syscall.EDQUOT
			if errors.Is(got, ErrCorrupt) || errors.Is(got, ErrNoSpace) != full || !strings.Contains(got.Error(), e.Error()) || strings.Contains(got.Error(), "restore") {
				t.Errorf("%v: %v", err, got)
			}
		}
	}
	if err := storeError(errors.New("checksum differs")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damage: %v", err)
	}
}

// TestEmptyLogFiles is what a kill in the moment in which Badger makes a file
// leaves behind.
func TestEmptyLogFiles(t *testing.T) {
	for _, name := range []string{"00002.mem", "000002.vlog"} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t, 100)
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
				t.Fatal(err)
			}
			x := mustOpen(t, dir, nil)
			mustCheck(t, x)
			if b, _ := x.Bank(t.Context(), "real"); b.References != 50 {
				t.Errorf("%d references, want 50", b.References)
			}
		})
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, dir, nil)
	began := time.Now()
	_, err := Open(t.Context(), dir, testOptions())
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "HTTP") {
		t.Errorf("%v, want ErrLocked and what to do", err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("took %v", d)
	}
}

func TestMustExist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for _, o := range []Options{{MustExist: true}, {ReadOnly: true}} {
		if _, err := Open(t.Context(), dir, &o); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("the directory was made")
		}
	}
}

func TestReadOnly(t *testing.T) {
	dir := filled(t, 10)
	before := listing(t, dir)
	o := testOptions()
	o.ReadOnly = true
	x := mustOpen(t, dir, o)
	y := mustOpen(t, dir, o) // readers share
	mustCheck(t, y)
	if err := x.Remove(t.Context(), "real", "dir/00000.jpg"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Remove: %v", err)
	}
	if _, err := x.Register(t.Context(), Reference{Bank: "real", ID: "a"}, bytes.NewReader(nil), RegisterOptions{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Register: %v", err)
	}
	if got := near(t, x, many(1)[0].Fingerprint, NearOptions{}); len(got) != 1 {
		t.Errorf("Near: %v", got)
	}
	_, _ = x.Close(), y.Close()
	if after := listing(t, dir); after != before {
		t.Errorf("the directory changed: %s, before %s", after, before)
	}
}

func TestNoSpace(t *testing.T) {
	free := uint64(1 << 40)
	o := testOptions()
	o.MinFree, o.FreeSpace = 1<<30, func(string) (uint64, error) { return free, nil }
	dir := t.TempDir()
	x := mustOpen(t, dir, o)
	mustCreate(t, x, "real", Genuine)
	mustCreate(t, x, "fakes", Fake)
	refs := many(10)
	mustAdd(t, x, refs[:5]...)
	free = 1<<30 - 1
	if n, err := x.Add(t.Context(), refs[5:]...); n != 0 || !errors.Is(err, ErrNoSpace) {
		t.Errorf("Add: %d, %v, want ErrNoSpace", n, err)
	}
	if got := near(t, x, refs[0].Fingerprint, NearOptions{}); len(got) != 1 {
		t.Errorf("Near: %v", got)
	}
	mustCheck(t, x)
	free = 1 << 40
	mustAdd(t, x, refs[5:]...)
	mustCheck(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	free = 1 << 20
	if _, err := Open(t.Context(), dir, o); !errors.Is(err, ErrNoSpace) {
		t.Errorf("Open: %v, want ErrNoSpace", err)
	}
}

// TestNoSpaceComesFirst: what was not written for want of space is told before
// what was wrong with a later reference.
func TestNoSpaceComesFirst(t *testing.T) {
	free := uint64(1 << 40)
	o := testOptions()
	o.MinFree, o.FreeSpace = 1<<30, func(string) (uint64, error) { return free, nil }
	x := mustOpen(t, t.TempDir(), o)
	mustCreate(t, x, "real", Genuine)
	mustCreate(t, x, "fakes", Fake)
	refs := many(4)
	mustAdd(t, x, refs[3])
	refs[2].Bank, refs[2].ID = refs[3].Bank, refs[3].ID // other bytes
	free = 1
	n, err := x.Add(t.Context(), refs[:3]...)
	if n != 0 || !errors.Is(err, ErrNoSpace) || errors.Is(err, ErrExists) || !strings.Contains(err.Error(), refs[0].ID) {
		t.Errorf("%d, %v; want ErrNoSpace about the first", n, err)
	}
	// Where nothing waits to be written, the reference is to blame.
	if n, err := x.Add(t.Context(), refs[2]); n != 0 || !errors.Is(err, ErrExists) {
		t.Errorf("%d, %v; want ErrExists", n, err)
	}
}

func TestClosed(t *testing.T) {
	x := mustOpen(t, t.TempDir(), nil)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	f := hash.FromPDQ(hash.Code{1}, 90)
	for what, call := range map[string]func() error{
		"Bank":        func() error { _, err := x.Bank(ctx, "a"); return err },
		"Banks":       func() error { _, err := x.Banks(ctx); return err },
		"CreateBank":  func() error { _, err := x.CreateBank(ctx, Bank{Name: "a", Kind: Fake}); return err },
		"SetPolicy":   func() error { return x.SetPolicy(ctx, "a", Policy{}) },
		"Register":    func() error { _, err := x.Register(ctx, Reference{}, nil, RegisterOptions{}); return err },
		"Add":         func() error { _, err := x.Add(ctx); return err },
		"Get":         func() error { _, err := x.Get(ctx, "a", "b"); return err },
		"Seen":        func() error { _, _, err := x.Seen(ctx, "a", "b", Digest{}); return err },
		"Remove":      func() error { return x.Remove(ctx, "a", "b") },
		"SetOpinion":  func() error { return x.SetOpinion(ctx, "a", "b", Seed) },
		"Thumbnail":   func() error { _, err := x.Thumbnail(ctx, "a", "b"); return err },
		"Near":        func() error { _, err := x.Near(ctx, f, NearOptions{}); return err },
		"Judge":       func() error { _, err := x.Judge(ctx, bytes.NewReader(nil), JudgeOptions{}); return err },
		"Fingerprint": func() error { _, err := x.JudgeFingerprint(ctx, f, JudgeOptions{}); return err },
		"Check":       func() error { return x.Check(ctx) },
		"Close":       x.Close,
		"References": func() (err error) {
			for _, err = range x.References(ctx, "a", "") {
			}
			return err
		},
		"Changes": func() (err error) {
			for _, err = range x.Changes(ctx, 0) {
			}
			return err
		},
	} {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", what, err)
		}
	}
	if x.Seq() != 0 {
		t.Errorf("Seq: %d", x.Seq())
	}
}

func TestCancelled(t *testing.T) {
	x := shop(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Bank(ctx, "real"); !errors.Is(err, context.Canceled) {
		t.Errorf("Bank: %v", err)
	}
	if _, err := x.Banks(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Banks: %v", err)
	}
}
