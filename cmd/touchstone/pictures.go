package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Verbs that read pictures take files, folders and "-". The simplest way is to
// list all of them, work on them one by one and print. A million pictures make
// that list long and one core does the work; many cores in turn would print in
// whatever order they finish, and the same command would give other output
// each time. So: walk yields one source after the other, inOrder works on
// several at a time and hands on the results in the order of the walk, with a
// bounded number under way. A slow picture holds its successors' lines back,
// not their work.

// source is one picture to be read.
type source struct {
	path string // as given or found; "-" is standard input
	id   string // slash path relative to the folder, or the base name
	err  error  // why it could not be reached
}

// walk yields the pictures of the arguments in their order. A folder is walked
// in lexical order of each directory; what is hidden (begins with a dot) or no
// regular file is skipped, symbolic links too. What is named itself is taken as
// it is. What cannot be reached is yielded with err. It stops when yield
// returns false.
func walk(args []string, yield func(source) bool) {
	for _, arg := range args {
		if arg == "-" {
			if !yield(source{path: arg, id: arg}) {
				return
			}
			continue
		}
		fi, err := os.Stat(arg)
		if err == nil && fi.IsDir() {
			if !walkFolder(arg, yield) {
				return
			}
			continue
		}
		if !yield(source{path: arg, id: filepath.Base(arg), err: err}) {
			return
		}
	}
}

// walkFolder reports whether the walk goes on.
func walkFolder(root string, yield func(source) bool) bool {
	// The separator makes a link to a folder, given as an argument, be followed.
	err := filepath.WalkDir(root+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		rel, rerr := filepath.Rel(root, path)
		if rerr != nil {
			return rerr
		}
		switch {
		case err != nil:
			if !yield(source{path: path, id: filepath.ToSlash(rel), err: err}) {
				return errStopWalk
			}
			return nil
		case rel == ".":
			return nil
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		if !yield(source{path: path, id: filepath.ToSlash(rel)}) {
			return errStopWalk
		}
		return nil
	})
	return err == nil
}

var errStopWalk = fmt.Errorf("walk stopped")

// inOrder calls work on up to n inputs at a time and emit on the results, one
// at a time, in the order in which produce yields the inputs. The first error
// of emit, or the end of ctx, ends it; all that it started has then returned.
func inOrder[T, R any](ctx context.Context, n int, produce func(yield func(T) bool), work func(context.Context, T) R, emit func(R) error) error {
	ctx, cancel := context.WithCancel(ctx)
	type job struct {
		input  T
		result chan R
	}
	jobs, order := make(chan job), make(chan job, 8*n)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(jobs)
		defer close(order)
		produce(func(input T) bool {
			j := job{input, make(chan R, 1)}
			for _, c := range []chan job{order, jobs} {
				select {
				case c <- j:
				case <-ctx.Done():
					return false
				}
			}
			return true
		})
	})
	for range n {
		wg.Go(func() {
			for j := range jobs {
				j.result <- work(ctx, j.input)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	for j := range order {
		select {
		case r := <-j.result:
			if err := emit(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// openSource opens a picture for reading.
func (a *app) openSource(ctx context.Context, s source) (io.ReadCloser, error) {
	switch {
	case s.err != nil:
		return nil, s.err
	case s.path == "-":
		return io.NopCloser(&interruptible{ctx: ctx, r: a.stdin}), nil
	}
	if i, err := os.Stat(s.path); err == nil && i.Mode()&fs.ModeNamedPipe != 0 {
		return openPipe(ctx, s.path)
	}
	return os.Open(s.path)
}

// openPipe opens a named pipe. That waits for somebody to write, as does every
// read; both end with ctx. What still waits below them ends with the process.
func openPipe(ctx context.Context, path string) (io.ReadCloser, error) {
	type result struct {
		f   *os.File
		err error
	}
	done := make(chan result, 1)
	go func() {
		f, err := os.Open(path)
		done <- result{f, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		return struct {
			io.Reader
			io.Closer
		}{&interruptible{ctx: ctx, r: r.f}, r.f}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// interruptible ends a read when ctx ends. The read below it cannot be ended: a
// terminal or a pipe as standard input has no deadline. So the goroutine of that
// one read, at most one, may outlive it and wait until a line comes or the
// process ends. It has a buffer of its own, and nobody waits for it. An
// interruptible may not be used again then.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	type result struct {
		b   []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		b := make([]byte, len(p))
		n, err := i.r.Read(b)
		done <- result{b[:n], err}
	}()
	select {
	case r := <-done:
		return copy(p, r.b), r.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}
