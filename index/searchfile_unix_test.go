//go:build unix

package index

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSearchFileIsPipe: opening a pipe would wait for somebody to write into it.
func TestSearchFileIsPipe(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	x, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, searchName)
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Skip(err)
	}
	opened := make(chan error, 1)
	go func() {
		x, err := Open(ctx, dir, &Options{ReadOnly: true})
		if err == nil {
			err = x.Close()
		}
		opened <- err
	}()
	select {
	case err = <-opened:
	case <-time.After(5 * time.Second):
		t.Error("Open waits for the pipe")
		if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			f.Close()
		}
		err = <-opened
	}
	if err != nil {
		t.Error(err)
	}
}
