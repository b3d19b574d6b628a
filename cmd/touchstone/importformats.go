package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// The formats that an import reads; export.go tells how ours are made.

// maxLine bounds a line: a reference has at most a few KB of metadata.
const maxLine = 1 << 20

// rawLines yields lines of any length, those beyond maxLine cut off. A read
// error ends them: the line that it came in is not yielded, since half of a line
// may look like a whole one.
func rawLines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		b := bufio.NewReaderSize(r, 1<<16)
		for {
			line, err := readLine(b)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			if err == nil || len(line) > 0 {
				if !yield(line, nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		if len(line) < maxLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// syntax refuses a line that cannot be read.
func syntax(line int, err error) imported {
	if errors.Is(err, hash.ErrRecipe) {
		return imported{line: line, err: err}
	}
	return imported{line: line, err: &lineError{"syntax", err}}
}

// broken refuses the file as a whole.
func broken(line int, err error) imported {
	return imported{line: line, err: fmt.Errorf("line %d: %w", line, err), last: true}
}

// eachLine yields what parse makes of the lines.
func eachLine(r io.Reader, parse func(n int, line []byte) imported) iter.Seq[imported] {
	return func(yield func(imported) bool) {
		for l, err := range textLines(r) {
			if err != nil {
				yield(broken(l.n, err))
				return
			}
			if !yield(parse(l.n, l.text)) {
				return
			}
		}
	}
}

func readJSONL(r io.Reader) iter.Seq[imported] {
	return func(yield func(imported) bool) {
		header := false
		for l, err := range textLines(r) {
			if err == nil && !header {
				header = true
				if err = checkHeader(l.text); err == nil {
					continue
				}
			}
			if err != nil {
				yield(broken(l.n, err))
				return
			}
			if !yield(parseJSONL(l.n, l.text)) {
				return
			}
		}
		if !header {
			yield(imported{line: 1, err: errors.New("no header line: not an export"), last: true})
		}
	}
}

// checkHeader refuses what is no export, or one that this program would
// misread.
func checkHeader(line []byte) error {
	var h exportHeader
	if err := json.Unmarshal(line, &h); err != nil || h.Version == 0 {
		return errors.New("not the header line of an export")
	}
	if h.Version != exportVersion {
		return fmt.Errorf("export of version %d, this program reads %d", h.Version, exportVersion)
	}
	if h.Recipe < hash.OldestRecipe || h.Recipe > hash.Recipe {
		return withHint(fmt.Errorf("export of recipe %d, this program reads %d to %d: %w", h.Recipe, hash.OldestRecipe, hash.Recipe, index.ErrRecipe),
			"fingerprints of different recipes cannot be compared; register the photos again")
	}
	return nil
}

func parseJSONL(n int, line []byte) imported {
	var kind struct{ Type string }
	if err := json.Unmarshal(line, &kind); err != nil {
		return syntax(n, err)
	}
	switch kind.Type {
	case "bank":
		var b exportBank
		if err := strictJSON(line, &b); err != nil {
			return syntax(n, err)
		}
		main, err := hash.ParseKind(b.Hash)
		if err != nil {
			return syntax(n, err)
		}
		return imported{line: n, bank: index.Bank{Name: b.Name, Kind: b.Kind, Owner: b.Owner, Main: main, Policy: b.Policy, References: b.References}}
	case "reference":
		var ref exportReference
		if err := strictJSON(line, &ref); err != nil {
			return syntax(n, err)
		}
		if len(ref.Features) > 0 {
			ref.Reference.Features = new(hash.Features)
			if err := ref.Reference.Features.UnmarshalBinary(ref.Features); err != nil {
				return syntax(n, fmt.Errorf("features: %w", err))
			}
		}
		return imported{line: n, bank: index.Bank{Name: ref.Bank}, ref: &ref.Reference}
	}
	return syntax(n, fmt.Errorf("type %q, want bank or reference", kind.Type))
}

// strictJSON refuses fields that would be lost.
func strictJSON(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the object")
	}
	return nil
}

func readCSV(r io.Reader) iter.Seq[imported] {
	return func(yield func(imported) bool) {
		rows := newCSV(r)
		header, err := rows.Read()
		if err == nil {
			err = checkColumns(header)
		}
		if err != nil {
			yield(imported{line: 1, err: fmt.Errorf("header: %w", err), last: true})
			return
		}
		for {
			row, err := rows.Read()
			var parse *csv.ParseError
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &parse):
				if !yield(syntax(parse.StartLine, parse.Err)) {
					return
				}
				continue
			case err != nil:
				yield(imported{err: err, last: true})
				return
			}
			line, _ := rows.FieldPos(0)
			if !yield(parseCSV(line, header, row)) {
				return
			}
		}
	}
}

func checkColumns(header []string) error {
	for i, name := range header {
		if !slices.Contains(csvColumns(), name) || slices.Contains(header[:i], name) {
			return fmt.Errorf("column %q is unknown or given twice, known are %q", name, csvColumns())
		}
	}
	for _, name := range []string{"bank", "id", "fingerprint"} {
		if !slices.Contains(header, name) {
			return fmt.Errorf("no column %s", name)
		}
	}
	return nil
}

func parseCSV(n int, header, row []string) imported {
	cell := map[string]string{}
	for i, name := range header {
		cell[name] = row[i]
	}
	b := index.Bank{Name: cell["bank"], Kind: index.Kind(cell["kind"])}
	ref := &index.Reference{
		ID: cell["id"], Opinion: index.Opinion(cell["opinion"]), SKU: cell["sku"],
		Source: cell["source"], Note: cell["note"], MadeBy: cell["made_by"],
	}
	for _, field := range []struct {
		name string
		read func(string) error
	}{
		{"fingerprint", func(s string) error { return ref.Fingerprint.UnmarshalText([]byte(s)) }},
		{"hash", func(s string) (err error) { b.Main, err = hash.ParseKind(s); return err }},
		{"sha256", func(s string) error { return ref.SHA256.UnmarshalText([]byte(s)) }},
		{"meta", func(s string) error { return json.Unmarshal([]byte(s), &ref.Meta) }},
		{"added_at", func(s string) (err error) { ref.AddedAt, err = time.Parse(time.RFC3339, s); return err }},
	} {
		if cell[field.name] == "" {
			continue
		}
		if err := field.read(cell[field.name]); err != nil {
			return syntax(n, fmt.Errorf("column %s: %w", field.name, err))
		}
	}
	return imported{line: n, bank: b, ref: ref}
}

func readPDQ(r io.Reader) iter.Seq[imported] { return eachLine(r, parsePDQ) }

func parsePDQ(n int, line []byte) imported {
	fields := bytes.Fields(line)
	if len(fields) == 2 && bytes.EqualFold(fields[0], []byte("pdq")) {
		fields = fields[1:]
	}
	c, err := hash.ParseCode(string(fields[0]))
	if len(fields) != 1 || err != nil {
		return syntax(n, errors.New("want 64 hexadecimal digits"))
	}
	return imported{line: n, bank: index.Bank{Main: hash.PDQ},
		ref: &index.Reference{ID: c.String(), Fingerprint: hash.FromPDQ(c, 100)}}
}

func readImageHash(r io.Reader) iter.Seq[imported] { return eachLine(r, parseImageHash) }

func parseImageHash(n int, line []byte) imported {
	text, id, named := bytes.Cut(line, []byte(","))
	kind, w, err := hash.ParseWord(string(bytes.TrimSpace(text)))
	if err != nil {
		return syntax(n, errors.New("want p:, d: or a: and 16 hexadecimal digits"))
	}
	ref := &index.Reference{ID: fmt.Sprintf("%016x", w), Fingerprint: hash.FromWord(kind, w)}
	if named {
		ref.ID = string(bytes.TrimSpace(id))
	}
	return imported{line: n, bank: index.Bank{Main: kind}, ref: ref}
}
