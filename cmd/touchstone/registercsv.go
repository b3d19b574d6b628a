package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/touchstone-go/touchstone/index"
)

// csvEntries are the rows of a list of files. The list is the plan: what it
// does not name is not registered.
func csvEntries(file string, args []string, blank index.Reference) (func(yield func(entry) bool), error) {
	folder := filepath.Dir(file)
	switch len(args) {
	case 0:
	case 1:
		folder = args[0]
	default:
		return nil, usagef("--csv takes one folder as PATH, got %d", len(args))
	}
	if fi, err := os.Stat(folder); err != nil || !fi.IsDir() {
		return nil, usagef("--csv needs a folder as PATH, %s is none", folder)
	}
	header, err := csvHeader(file)
	if err != nil {
		return nil, err
	}
	return func(yield func(entry) bool) {
		f, err := os.Open(file)
		if err != nil {
			yield(entry{source: source{path: file, err: err}})
			return
		}
		defer f.Close()
		rows := newCSV(f)
		_, _ = rows.Read()
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(csvEntry(file, folder, header, row, err, blank)) {
				return
			}
			if stop := new(csv.ParseError); err != nil && !errors.As(err, &stop) {
				return
			}
		}
	}, nil
}

// newCSV reads a table, without the byte order mark that spreadsheets put
// before it.
func newCSV(r io.Reader) *csv.Reader {
	b := bufio.NewReader(r)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) {
		_, _ = b.Discard(3)
	}
	return csv.NewReader(b)
}

func csvHeader(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	defer f.Close()
	header, err := newCSV(f).Read()
	if err != nil {
		return nil, usagef("read header of %s: %w", file, err)
	}
	if !slices.Contains(header, "path") {
		return nil, usagef("%s: no column path in the header %q", file, header)
	}
	for i, name := range header {
		if name == "" || slices.Contains(header[:i], name) {
			return nil, usagef("%s: column %d has the name %q, which is empty or taken", file, i+1, name)
		}
	}
	return header, nil
}

// csvEntry makes an entry of one row, or one that is refused already.
func csvEntry(file, folder string, header, row []string, err error, blank index.Reference) entry {
	if err != nil {
		return entry{source: source{path: file, err: err}, reason: "csv"}
	}
	cells := map[string]string{}
	for i, name := range header {
		cells[name] = row[i]
	}
	take := func(name string) string {
		v := cells[name]
		delete(cells, name)
		return v
	}
	path, ref := take("path"), blank
	if ref.ID = take("id"); ref.ID == "" {
		ref.ID = filepath.ToSlash(filepath.Clean(path))
	}
	ref.SKU, ref.Source, ref.Note = take("sku"), take("source"), take("note")
	if o := take("opinion"); o != "" {
		ref.Opinion = index.Opinion(o)
	}
	maps.DeleteFunc(cells, func(_, v string) bool { return v == "" })
	if len(cells) > 0 {
		ref.Meta = cells
	}
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return entry{source: source{path: path, err: fmt.Errorf("path leaves the folder %s", folder)}, reference: ref, reason: "csv"}
	}
	return entry{source: source{path: filepath.Join(folder, filepath.FromSlash(path)), id: ref.ID}, reference: ref}
}
