package index

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Badger takes a MANIFEST or a log whose end is cut off or damaged for the trace
// of a crash, and forgets what came after: the store opens as an older state
// that agrees with itself, counts and sums included. So the number of the last
// change is kept in a file of its own, and Open refuses a store that has not
// come that far.
//
// The number is written after each commit, without waiting for the disk, and
// once more, synced, by Close. When the process is killed the system still has
// it; when the power fails it may be older than the store, which proves less
// but nothing wrong. It is 40 bytes at the start of a file, far less than the
// sector that a disk writes whole.

const markName = "SEQUENCE"

func encodeMark(seq uint64) []byte {
	line := fmt.Appendf(nil, "touchstone %020d", seq)
	return fmt.Appendf(line, " %08x\n", checksum(line, nil))
}

// openMark checks the mark against the store, which has come to seq, and keeps
// the file for writing.
func (x *Index) openMark(seq uint64) error {
	if x.options.InMemory {
		return nil
	}
	path := filepath.Join(x.dir, markName)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := checkMark(path, b, seq); err != nil || x.options.ReadOnly {
		return err
	}
	x.mark, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	return err
}

// checkMark reads what the mark says. A file that was made and not yet written
// says nothing.
func checkMark(path string, b []byte, seq uint64) error {
	if len(b) == 0 {
		return nil
	}
	var mark uint64
	if n, _ := fmt.Sscanf(string(b), "touchstone %d", &mark); n != 1 || !bytes.Equal(b, encodeMark(mark)) {
		return fmt.Errorf("%s is damaged; remove it if the store is known to be whole: %w", path, ErrCorrupt)
	}
	if seq < mark {
		return fmt.Errorf("the store ends at change %d, but change %d was acknowledged: the last changes were lost, restore it from a copy: %w", seq, mark, ErrCorrupt)
	}
	return nil
}

// setMark notes that all changes up to seq are durable.
func (x *Index) setMark(seq uint64) error {
	if x.mark == nil {
		return nil
	}
	_, err := x.mark.WriteAt(encodeMark(seq), 0)
	return err
}

// closeMark writes the last number for good.
func (x *Index) closeMark(seq uint64) error {
	if x.mark == nil {
		return nil
	}
	return errors.Join(x.setMark(seq), x.mark.Sync(), x.mark.Close())
}
