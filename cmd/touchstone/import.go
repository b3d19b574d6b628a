package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// An import reads a list line by line and adds references in batches: one
// transaction for each reference would wait for the disk each time, and one
// for a whole list could not be held in memory. A line that is wrong is
// reported with its number and left out; only what is wrong with the store, or
// a list of another recipe, ends the import.

// importBatch is the number of references in one call of the index.
const importBatch = 1000

func (a *app) importCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import [--bank NAME] [--format jsonl|csv|pdq|imagehash] [--check] [--replace] FILE...",
		Short: "Read banks and references from files",
		Long: `Reads what "touchstone export" wrote, or lists of hashes of other programs. "-" is
standard input.

  jsonl      banks that are missing are created; a bank that is there must be of
             the same kind and hash. A bank without references takes the policy of
             the file, any other keeps its own. Features are taken where the file
             has them. A file of a recipe that is not known here is refused whole.
  csv        columns as exported (required: bank, id, fingerprint); missing banks
             are created by the columns kind and hash, with the default policy
  pdq        one code of 64 hexadecimal digits a line, or "pdq CODE"; blank lines
             and lines beginning with # are skipped; the id is the code
  imagehash  one 64-bit hash of goimagehash a line: p: (perception), d:
             (difference) or a: (average) and 16 hexadecimal digits, then
             optionally a comma and the id, which is else the digits. All lines
             must be of the kind by which the bank is searched.

pdq and imagehash need --bank; with --kind the bank is created if it is missing.
For jsonl and csv --bank reads the lines of this bank only.

The store has to exist; an empty folder is as good, and --create makes one.

A reference that is there and was made of the same file changes nothing, not the
metadata and the features either ("touchstone reindex" adds features that are
missing); one of another file is refused unless --replace. --check also refuses
what conflicts with a reference of the opposite kind by its digest or the hashes
of the whole picture. Features are trusted as fingerprints are: nothing shows that
they are of the same photo, so import files of those whom you trust. Each refused
line is reported as "FILE:LINE: reason: detail", the rest goes on, and the exit
code is 3.`,
		Example: `  touchstone import backup.jsonl
  touchstone import --bank shared --kind fake --format pdq list.txt`,
		Args: cobra.MinimumNArgs(1),
	}
	c.Flags().StringVar(&o.bank, "bank", "", "bank that receives a list of hashes; else the bank to read")
	c.Flags().StringVar(&o.format, "format", "jsonl", "jsonl, csv, pdq or imagehash")
	c.Flags().StringVar(&o.kind, "kind", "", "create the bank of a list of hashes with this kind: fake or genuine")
	c.Flags().BoolVar(&o.create, "create", false, "make the store if there is none")
	c.Flags().BoolVar(&o.add.Check, "check", false, "refuse what conflicts with a reference of the opposite kind")
	c.Flags().BoolVar(&o.add.Replace, "replace", false, "replace references that were made of other files")
	completes(c, "format", "jsonl", "csv", "pdq", "imagehash")
	completes(c, "kind", "fake", "genuine")
	c.RunE = a.verb(func(ctx context.Context, args []string) error {
		read, err := o.reader()
		if err != nil {
			return err
		}
		return a.withStore(ctx, o.create || emptyFolder(a.data), func(x *index.Index) error {
			if o.list() && o.kind == "" {
				if err := knownBanks(ctx, x, o.bank); err != nil {
					return err
				}
			}
			im := importer{app: a, index: x, options: o, banks: map[string]index.Bank{}, described: map[string]bool{}}
			return im.files(ctx, args, read)
		})
	})
	return c
}

type importOptions struct {
	bank, format, kind string
	create             bool
	add                index.RegisterOptions
}

// list reports whether the format knows neither banks nor ids of ours.
func (o importOptions) list() bool { return o.format == "pdq" || o.format == "imagehash" }

// emptyFolder reports whether dir is there and has nothing in it: as good as a
// store without banks, and not a mistyped name.
func emptyFolder(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// reader checks the options and returns the reader of the format.
func (o importOptions) reader() (lineReader, error) {
	read := map[string]lineReader{
		"jsonl": readJSONL, "csv": readCSV, "pdq": readPDQ, "imagehash": readImageHash,
	}[o.format]
	switch {
	case read == nil:
		return nil, usagef("--format %q: want jsonl, csv, pdq or imagehash", o.format)
	case o.list() && o.bank == "":
		return nil, usagef("--format %s needs --bank", o.format)
	case !o.list() && o.kind != "":
		return nil, usagef("--kind is for pdq and imagehash: %s names the kind itself", o.format)
	case o.kind != "" && o.kind != string(index.Fake) && o.kind != string(index.Genuine):
		return nil, usagef("--kind %q: want fake or genuine", o.kind)
	}
	return read, nil
}

// imported is one line of a list: a bank, or a reference with the bank that it
// needs, or an error.
type imported struct {
	line int
	bank index.Bank // to be created if missing; without a kind it has to be there
	ref  *index.Reference
	err  error
	last bool // err concerns the whole file
}

// lineReader reads a list; lines without content are not yielded.
type lineReader func(r io.Reader) iter.Seq[imported]

// importer is one run.
type importer struct {
	app     *app
	index   *index.Index
	options importOptions

	banks map[string]index.Bank // those that were looked at
	// described are the banks of the file whose line was taken. A reference
	// says the name of its bank and no kind: without such a line, fakes could
	// become references of a genuine bank of that name.
	described map[string]bool
	batch     []imported
	file      string

	created, stored, refused int
}

func (im *importer) files(ctx context.Context, names []string, read lineReader) error {
	bar := im.app.newProgress("import", "lines", -1)
	defer bar.finish()
	var failed error
	for _, name := range names {
		im.file = name
		err := im.one(ctx, name, read, bar)
		if err == nil {
			continue
		}
		failed = fmt.Errorf("import %s: %w", printable(name), err)
		break
	}
	bar.finish()
	return errors.Join(im.summary(), failed, im.code(failed))
}

// code asks for exit code 3 if nothing graver has happened.
func (im *importer) code(failed error) error {
	if failed == nil && im.refused > 0 {
		return exitWith(exitRefused)
	}
	return nil
}

func (im *importer) one(ctx context.Context, name string, read lineReader, bar *progress) error {
	r, err := im.app.openSource(ctx, source{path: name})
	if err != nil {
		return err
	}
	defer r.Close()
	due := int64(0) // lines of references that the banks announced
	for l := range read(r) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if l.last {
			return errors.Join(im.flush(ctx), l.err)
		}
		if l.ref == nil && l.err == nil {
			due += l.bank.References
		} else {
			due--
		}
		bar.step("import", l.err != nil)
		if err := im.take(ctx, l); err != nil {
			return err
		}
	}
	if err := im.flush(ctx); err != nil || due <= 0 {
		return err
	}
	return fmt.Errorf("the file ends %d references before its end: it was cut off", due)
}

// take sees to the bank of a line and queues its reference.
func (im *importer) take(ctx context.Context, l imported) error {
	chosen := l.bank.Name == ""
	if chosen {
		l.bank.Name, l.bank.Kind = im.options.bank, index.Kind(im.options.kind)
	}
	if im.options.bank != "" && l.bank.Name != im.options.bank && l.err == nil {
		return nil
	}
	if l.err == nil && l.ref != nil && !chosen && l.bank.Kind == "" && !im.described[l.bank.Name] {
		l.err = &lineError{"bank", fmt.Errorf("bank %q: its line is missing or was refused", l.bank.Name)}
	}
	if l.err == nil {
		l.err = im.needBank(ctx, l.bank)
	}
	if l.err != nil {
		return im.refuse(l)
	}
	if l.ref == nil {
		im.described[l.bank.Name] = true
		return nil
	}
	l.ref.Bank = l.bank.Name
	im.batch = append(im.batch, l)
	if len(im.batch) == importBatch {
		return im.flush(ctx)
	}
	return nil
}

// needBank makes sure that there is a bank of that name, kind and hash.
func (im *importer) needBank(ctx context.Context, want index.Bank) error {
	have, known := im.banks[want.Name]
	if !known {
		var err error
		if have, err = im.findBank(ctx, want); err != nil {
			return err
		}
	}
	if err := sameBank(have, want); err != nil {
		return err
	}
	if !known {
		var err error
		if have, err = im.adopt(ctx, have, want.Policy); err != nil {
			return err
		}
		im.banks[want.Name] = have
	}
	return nil
}

// findBank returns the bank of that name, making it if its kind is known.
func (im *importer) findBank(ctx context.Context, want index.Bank) (index.Bank, error) {
	have, err := im.index.Bank(ctx, want.Name)
	if !errors.Is(err, index.ErrNotFound) {
		return have, err
	}
	if want.Kind == "" {
		return have, &lineError{"bank", fmt.Errorf("there is no bank %q, and nothing says of which kind it is", want.Name)}
	}
	if have, err = im.index.CreateBank(ctx, want); err == nil {
		im.created++
	}
	return have, err
}

// sameBank compares what a line says of its bank with the bank here.
func sameBank(have, want index.Bank) error {
	if want.Kind != "" && want.Kind != have.Kind {
		return &lineError{"bank", fmt.Errorf("bank %s is %s, the line says %s", want.Name, have.Kind, want.Kind)}
	}
	if haveHash := lineOfBank(have).Hash; want.Main != 0 && want.Main.String() != haveHash {
		return &lineError{"bank", fmt.Errorf("bank %s is searched by %s, the line says %v", want.Name, haveHash, want.Main)}
	}
	return nil
}

// adopt gives a bank without references the policy of the file, if that has one.
func (im *importer) adopt(ctx context.Context, have index.Bank, p index.Policy) (index.Bank, error) {
	if p == (index.Policy{}) || p == have.Policy || have.References > 0 {
		return have, nil
	}
	have.Policy = p
	return have, im.index.SetPolicy(ctx, have.Name, p)
}

// flush adds what is queued, going on after each line that is refused.
func (im *importer) flush(ctx context.Context) error {
	for len(im.batch) > 0 {
		refs := make([]index.Reference, len(im.batch))
		for i, l := range im.batch {
			refs[i] = *l.ref
		}
		n, err := im.index.AddWith(ctx, im.options.add, refs...)
		im.stored += n
		if err == nil {
			break
		}
		if n >= len(im.batch) {
			return err
		}
		l := im.batch[n]
		l.err = err
		if err := im.refuse(l); err != nil {
			return err
		}
		im.batch = slices.Delete(im.batch, 0, n+1)
	}
	im.batch = im.batch[:0]
	return nil
}

// lineError says for which reason a line is refused.
type lineError struct {
	reason string
	err    error
}

// Error is the detail without the reason.
func (e *lineError) Error() string { return e.err.Error() }

// Unwrap returns the detail.
func (e *lineError) Unwrap() error { return e.err }

// refuse reports a line, or returns its error if that is not about the line.
func (im *importer) refuse(l imported) error {
	var le *lineError
	reason := refusal(l.err)
	switch {
	case errors.As(l.err, &le):
		reason = le.reason
	case errors.Is(l.err, index.ErrRecipe), errors.Is(l.err, hash.ErrRecipe):
		reason = "recipe"
	}
	if reason == "" {
		return fmt.Errorf("line %d: %w", l.line, l.err)
	}
	im.refused++
	im.app.note("%s:%d: %s: %v", printable(im.file), l.line, reason, l.err)
	return nil
}

func (im *importer) summary() error {
	if im.app.json {
		return im.app.printJSON(struct {
			Stored  int `json:"stored"`
			Refused int `json:"refused"`
			Banks   int `json:"banks_created"`
		}{im.stored, im.refused, im.created})
	}
	im.app.note("%d references stored or there already, %d refused, %d banks created", im.stored, im.refused, im.created)
	return nil
}

// textLine is a line with its number.
type textLine struct {
	n    int
	text []byte
}

// textLines yields the lines of r without blank ones and comments. An error is
// the last, with the number of the line that could not be read.
func textLines(r io.Reader) iter.Seq2[textLine, error] {
	return func(yield func(textLine, error) bool) {
		n := 0
		for line, err := range rawLines(r) {
			n++
			line = bytes.TrimSpace(line)
			if (err != nil || len(line) > 0 && line[0] != '#') && !yield(textLine{n, line}, err) {
				return
			}
		}
	}
}
