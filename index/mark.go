package index

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Badger's MANIFEST is a log of which tables there are. If its end is cut off,
// Badger takes that for a crash, forgets the last tables and deletes them: the
// store opens as an older state that agrees with itself, counts and sums
// included. So Close writes the last sequence number into a file of its own,
// and Open refuses a store that has not come that far. After a crash the file
// is merely old, which proves less but nothing wrong.

const markName = "SEQUENCE"

func encodeMark(seq uint64) []byte {
	line := fmt.Appendf(nil, "touchstone %d", seq)
	return fmt.Appendf(line, " %08x\n", checksum(line, nil))
}

func (x *Index) writeMark(seq uint64) error {
	if x.options.InMemory || x.options.ReadOnly {
		return nil
	}
	path := filepath.Join(x.dir, markName)
	if err := writeSynced(path+".new", encodeMark(seq)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func (x *Index) checkMark(seq uint64) error {
	if x.options.InMemory {
		return nil
	}
	path := filepath.Join(x.dir, markName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var mark uint64
	if n, _ := fmt.Sscanf(string(b), "touchstone %d", &mark); n != 1 || !bytes.Equal(b, encodeMark(mark)) {
		return fmt.Errorf("%s is damaged; remove it if the store is known to be whole: %w", path, ErrCorrupt)
	}
	if seq < mark {
		return fmt.Errorf("the store ends at change %d but was closed at %d: the last changes were lost, restore it from a copy: %w", seq, mark, ErrCorrupt)
	}
	return nil
}
