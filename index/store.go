package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
)

// Badger is opened here and nowhere else. Its defaults are made for servers
// that have the machine to themselves; ours are smaller (same read speed, a
// ninth of the heap), synced, and careful:
//
//   - A directory is looked at before Badger may touch it. Badger makes its
//     files wherever it is pointed to, and, if its MANIFEST is gone, deletes the
//     tables that it then knows nothing of. The MANIFEST begins with a number
//     for the application (storeMagic here), so a store is recognised by
//     reading eight bytes.
//   - All checksums of all tables are verified before Badger opens them, by
//     checkTable. Badger's modes that verify (v4.9.6) do that in goroutines of
//     their own, and one flipped bit in the lengths of a block, or for those
//     that verify single blocks in any byte of it, makes them panic there.
//   - Opening is tried twice: a kill in the moment in which a log file is made
//     leaves an empty file, on which the first Open fails and which it removes.
//   - Any other panic while opening a damaged store is an error.
//   - Tables are not compressed, since codes do not shrink. They are mapped, so
//     there is no need for a block cache either: the page cache is one.
//
// Badger's errors do not leave this package as such: they would tie callers to
// its types. Their text does.

// storeMagic is the application's number in Badger's MANIFEST ("ts").
const storeMagic = 0x7473

const memTableSize = 16 << 20

func badgerOptions(dir string, o *Options) badger.Options {
	if o.InMemory {
		dir = ""
	}
	b := badger.DefaultOptions(dir).
		WithInMemory(o.InMemory).
		WithReadOnly(o.ReadOnly).
		WithSyncWrites(!o.InMemory).
		WithDetectConflicts(false).
		WithMemTableSize(memTableSize).
		WithNumMemtables(2).
		WithBlockCacheSize(0).
		WithIndexCacheSize(16 << 20).
		WithValueLogFileSize(64 << 20).
		WithNumCompactors(2).
		WithNumGoroutines(1).
		WithCompression(options.None).
		WithChecksumVerificationMode(options.NoVerification).
		WithMetricsEnabled(false).
		WithExternalMagic(storeMagic).
		WithLogger(badgerLogger{o.Logger})
	return b
}

// inspectDir says whether dir holds a store, without writing to it. A
// directory that is absent or empty is fresh.
func inspectDir(dir string) (fresh bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		if info, e := os.Stat(dir); e == nil && !info.IsDir() {
			return false, fmt.Errorf("%s is not a directory: %w", dir, ErrFormat)
		}
		return false, err
	}
	fresh = true
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "MANIFEST":
			return false, checkManifest(filepath.Join(dir, name))
		case strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".mem") || name == "KEYREGISTRY":
			// Badger makes its MANIFEST first, so a store once had one.
			err = fmt.Errorf("%s holds %s but no MANIFEST; restore it from a copy: %w", dir, name, ErrCorrupt)
		case name == "LOCK" || name == "MANIFEST-REWRITE" || name == "lost+found":
			// A making that was interrupted, or a fresh file system.
		default:
			fresh = false
		}
	}
	if err == nil && !fresh {
		err = fmt.Errorf("%s holds other files: %w", dir, ErrFormat)
	}
	return fresh, err
}

// checkManifest reads the head of Badger's MANIFEST ("Bdgr", the application's
// number, Badger's version) and the tables that it names.
func checkManifest(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 8)
	if _, err := f.ReadAt(head, 0); err == io.EOF {
		return fmt.Errorf("%s is cut off; restore the store from a copy: %w", path, ErrCorrupt)
	} else if err != nil {
		return err
	}
	if string(head[:4]) != "Bdgr" || binary.BigEndian.Uint16(head[4:]) != storeMagic {
		return fmt.Errorf("%s belongs to something else: %w", path, ErrFormat)
	}
	m, _, err := badger.ReplayManifestFile(f, storeMagic, badger.Options{})
	if err != nil {
		return fmt.Errorf("%s: %w", path, storeError(err))
	}
	var buf bytes.Buffer
	for id := range m.Tables {
		if err := checkTable(filepath.Join(filepath.Dir(path), table.IDToFilename(id)), &buf); err != nil {
			return err
		}
	}
	return nil
}

// checkTable reads a whole table and verifies its checksums, with Badger's code
// but in this goroutine, where a panic can be caught: for want of sense in a
// block that code slices out of range or dereferences nil. The lengths at the end
// of the table (of the index and of its checksum) are looked at first, because it
// ends the process if they are wrong. A table that is missing is left to Badger:
// a process that has the store open may have removed it in this moment. buf is
// used for all tables in turn.
func checkTable(path string, buf *bytes.Buffer) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	buf.Reset()
	buf.Grow(int(info.Size()) + bytes.MinRead) // ReadFrom alone would double it again and again
	if _, err := buf.ReadFrom(f); err != nil {
		return err
	}
	if !hasIndex(buf.Bytes()) {
		return fmt.Errorf("%s is cut off; restore the store from a copy: %w", path, ErrCorrupt)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		if err != nil {
			err = fmt.Errorf("%s: %v; restore the store from a copy: %w", path, err, ErrCorrupt)
		}
	}()
	t, err := table.OpenInMemoryTable(buf.Bytes(), 0, &table.Options{})
	if err != nil {
		return err
	}
	return t.VerifyChecksum()
}

// hasIndex reports whether the lengths at the end of a table make sense: of the
// checksum (which comes before its length) and of the index (before that).
func hasIndex(b []byte) bool {
	const maxChecksum = 64
	left := int64(len(b)) - 4
	if left < 0 {
		return false
	}
	sum := int64(binary.BigEndian.Uint32(b[left:]))
	if left -= sum + 4; sum > maxChecksum || left < 0 {
		return false
	}
	return int64(binary.BigEndian.Uint32(b[left:])) <= left
}

// openStore opens Badger, twice if need be.
func openStore(ctx context.Context, b badger.Options) (*badger.DB, error) {
	db, err := guardedOpen(b)
	if err == nil || isLocked(err) || ctx.Err() != nil {
		return db, storeError(err)
	}
	b.Logger.Warningf("opening failed, trying once more: %v", err)
	db, err = guardedOpen(b)
	return db, storeError(err)
}

func guardedOpen(b badger.Options) (db *badger.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("%v", p)
		}
	}()
	return badger.Open(b)
}

func isLocked(err error) bool {
	return err != nil && strings.Contains(err.Error(), "Another process is using this Badger database")
}

// says reports whether one of causes is behind err. Badger wraps only the text
// of most errors.
func says(err error, causes ...error) bool {
	return slices.ContainsFunc(causes, func(c error) bool {
		return errors.Is(err, c) || strings.Contains(err.Error(), c.Error())
	})
}

// storeError turns an error of opening into one of ours. What the operating
// system refuses is told as it is: the store may be whole. All else is damage.
func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case isLocked(err):
		return fmt.Errorf("%w; use the HTTP endpoint of the process that has it open", ErrLocked)
	case says(err, syscall.ENOSPC, syscall.EDQUOT):
		return fmt.Errorf("%v: %w", err, ErrNoSpace)
	case says(err, fs.ErrPermission, syscall.EACCES, syscall.EPERM, syscall.EROFS,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO):
		return fmt.Errorf("%v", err)
	case says(err, badger.ErrTruncateNeeded):
		return fmt.Errorf("the store was not closed cleanly; open it once for writing (%v): %w", err, ErrReadOnly)
	}
	return fmt.Errorf("%v; restore the store from a copy: %w", err, ErrCorrupt)
}

// badgerLogger passes on what Badger says. Its chatter about levels and
// compactions is debugging here.
type badgerLogger struct{ to *slog.Logger }

func (l badgerLogger) log(level slog.Level, f string, args []any) {
	if l.to.Enabled(context.Background(), level) {
		l.to.Log(context.Background(), level, "badger: "+strings.TrimSpace(fmt.Sprintf(f, args...)))
	}
}

func (l badgerLogger) Errorf(f string, args ...any)   { l.log(slog.LevelError, f, args) }
func (l badgerLogger) Warningf(f string, args ...any) { l.log(slog.LevelWarn, f, args) }
func (l badgerLogger) Infof(f string, args ...any)    { l.log(slog.LevelDebug, f, args) }
func (l badgerLogger) Debugf(f string, args ...any)   { l.log(slog.LevelDebug, f, args) }

// get reads one row; absent rows are ErrNotFound.
func get(txn *badger.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read row %x: %v: %w", key, err, ErrCorrupt)
	}
	v, err := item.ValueCopy(nil)
	if err != nil {
		return nil, fmt.Errorf("read row %x: %v: %w", key, err, ErrCorrupt)
	}
	return v, nil
}

// scan calls f with each row whose key begins with prefix, from the key from
// on (nil: the first), in order of the keys, until f fails. Keys, and values
// (nil unless wanted), are valid during the call.
func scan(ctx context.Context, txn *badger.Txn, prefix, from []byte, values bool, f func(key, value []byte) error) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix, PrefetchValues: values, PrefetchSize: 100})
	defer it.Close()
	if from == nil {
		from = prefix
	}
	n := 0
	for it.Seek(from); it.Valid(); it.Next() {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var err error
		if !values {
			err = f(it.Item().Key(), nil)
		} else if e := it.Item().Value(func(v []byte) error { err = f(it.Item().Key(), v); return nil }); e != nil {
			err = fmt.Errorf("read row %x: %v: %w", it.Item().Key(), e, ErrCorrupt)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
