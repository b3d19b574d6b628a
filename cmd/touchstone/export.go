package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// An export is what a store knows, in a form that outlives it: no thumbnails,
// no order of writing, nothing of how rows lie on disk. Exporting, importing
// into an empty store and exporting again gives the same bytes, because lines
// are ordered by (bank, id) and each field has one way of being written.
//
// JSON lines:
//
//	{"touchstone_export":1,"recipe":2,"algorithms":{...}}
//	{"type":"bank","name":...,"kind":...,"owner":...,"hash":...,"policy":{...}}     all banks, by name
//	{"type":"reference","bank":...,"id":...,"fingerprint":...,...}                  all references, by bank and id
//
// A reference that has features carries their binary form in base64, as the last
// field. Recipe is that of the store; the hashes of recipes 1 and 2 are the same,
// so either is read.
//
// CSV has a header line and one row for each reference. It loses what belongs
// to banks: owner, policy, and banks without references. Line ends CR LF
// within a note become LF.
//
// pdq is the upright code of the full frame, 64 hexadecimal digits a line, as
// other platforms exchange it. References without PDQ and withdrawn ones are
// left out: a bare code cannot say that it is withdrawn.

// exportVersion is the version of the line formats above.
const exportVersion = 1

type exportHeader struct {
	Version    int                  `json:"touchstone_export"`
	Recipe     int                  `json:"recipe"`
	Algorithms map[string]algorithm `json:"algorithms"`
}

// algorithm says how a hash is made, for readers other than this program.
type algorithm struct {
	Bits       int    `json:"bits"`
	Luma       string `json:"luma"`
	Input      string `json:"input"`
	MinQuality int    `json:"min_quality,omitempty"`
	Library    string `json:"library,omitempty"`
}

// recipeAlgorithms describes recipe 2. A new recipe has to be described anew.
func recipeAlgorithms() map[string]algorithm {
	const _ = uint(2 - hash.Recipe) // does not compile with a later recipe
	const small = "64x64 by area average"
	goimagehash := func() algorithm {
		return algorithm{Bits: 64, Luma: "bt601", Input: small, Library: "goimagehash v1.1.0"}
	}
	return map[string]algorithm{
		"pdq":   {Bits: hash.PDQ.Bits(), Luma: "bt601", Input: "long side at most 1024 by area average", MinQuality: hash.MinQuality},
		"phash": goimagehash(),
		"dhash": goimagehash(),
	}
}

type exportBank struct {
	Type   string       `json:"type"`
	Name   string       `json:"name"`
	Kind   index.Kind   `json:"kind"`
	Owner  string       `json:"owner"`
	Hash   string       `json:"hash"`
	Policy index.Policy `json:"policy"`
	// References is how many lines of references follow, so that a file that
	// was cut off is noticed.
	References int64 `json:"references"`
}

type exportReference struct {
	Type string `json:"type"`
	index.Reference
	// Features is the binary form of hash.Features, in base64.
	Features []byte `json:"features,omitempty"`
}

// csvColumns are the columns of the CSV form.
func csvColumns() []string {
	return []string{"bank", "kind", "hash", "id", "fingerprint", "sha256", "opinion", "sku", "source", "note", "meta", "added_at", "made_by"}
}

func (a *app) exportCommand() *cobra.Command {
	var banks []string
	var format, out string
	var noFeatures bool
	c := &cobra.Command{
		Use:   "export [--bank NAME]... [--format jsonl|csv|pdq] [--no-features] [-o FILE]",
		Short: "Write banks and references to a file",
		Long: `Writes banks and their references, ordered by bank and id, to standard output or
atomically to a file (-o).

  jsonl  everything but thumbnails: a header with recipe and algorithms, then
         banks, then references. Exporting, importing into an empty store and
         exporting again gives the same bytes. A line has 15 to 16 KB, of which
         --no-features leaves 1 KB; without features a reference is found by its
         hashes only, until "touchstone reindex" computes them again.
  csv    the references with kind and hash of their bank; owner and policy of the
         banks, empty banks and features are lost, and CR LF within a note becomes
         LF
  pdq    one code of 64 hexadecimal digits a line, as other platforms exchange
         it; ids, metadata and withdrawn references are left out`,
		Example: `  touchstone export -o backup.jsonl
  touchstone export --bank acme-fakes --format pdq > acme-fakes.txt`,
		Args: cobra.NoArgs,
		RunE: a.verb(func(ctx context.Context, _ []string) error {
			write := map[string]func(context.Context, *index.Index, []index.Bank, io.Writer) error{
				"jsonl": exportJSONL, "csv": exportCSV, "pdq": exportPDQ,
			}[format]
			if write == nil {
				return usagef("--format %q: want jsonl, csv or pdq", format)
			}
			if noFeatures && format == "jsonl" {
				write = exportPlainJSONL
			}
			return a.withStore(ctx, false, func(x *index.Index) error {
				chosen, err := chooseBanks(ctx, x, banks)
				if err != nil {
					return err
				}
				return a.writeOut(out, func(w io.Writer) error { return write(ctx, x, chosen, w) })
			})
		}),
	}
	c.Flags().StringArrayVar(&banks, "bank", nil, "export this bank only (repeatable; default all)")
	c.Flags().StringVar(&format, "format", "jsonl", "jsonl, csv or pdq")
	c.Flags().BoolVar(&noFeatures, "no-features", false, "leave out what is kept beside fingerprints (jsonl)")
	c.Flags().StringVarP(&out, "output", "o", "", "file to write, replaced when complete; default standard output")
	completes(c, "format", "jsonl", "csv", "pdq")
	return c
}

// chooseBanks returns the named banks, or all, ordered by name.
func chooseBanks(ctx context.Context, x *index.Index, names []string) ([]index.Bank, error) {
	if err := knownBanks(ctx, x, names...); err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	all, err := x.Banks(ctx)
	var chosen []index.Bank
	for _, b := range all {
		if len(names) == 0 || wanted[b.Name] {
			chosen = append(chosen, b)
		}
	}
	return chosen, err
}

// writeOut gives write a buffered standard output, or a new file that takes
// its name only when all is written and on disk.
func (a *app) writeOut(name string, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		w := bufio.NewWriterSize(a.stdout, 1<<16)
		if err := write(w); err != nil {
			return err
		}
		return w.Flush()
	}
	name, special := target(name)
	if special {
		return writeInto(name, write)
	}
	f, err := createBeside(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	err = write(w)
	if err == nil {
		err = errors.Join(w.Flush(), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// target follows links, and says whether what is there is no regular file: a
// device or a pipe must not be replaced by one.
func target(name string) (string, bool) {
	if to, err := filepath.EvalSymlinks(name); err == nil {
		name = to
	}
	i, err := os.Stat(name)
	return name, err == nil && !i.Mode().IsRegular()
}

// writeInto writes into what is there.
func writeInto(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	return errors.Join(err, f.Close())
}

// createBeside makes a new file in the folder of name. It may be read by whom
// the umask lets, as a file that a shell makes, or by whom the file may be read
// that it is to replace.
func createBeside(name string) (*os.File, error) {
	hidden := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+rand.Text())
	f, err := os.OpenFile(hidden, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	if old, err := os.Stat(name); err == nil {
		_ = f.Chmod(old.Mode().Perm()) // where the system has modes
	}
	return f, nil
}

func exportJSONL(ctx context.Context, x *index.Index, banks []index.Bank, w io.Writer) error {
	return exportLines(ctx, x, banks, w, func(ref index.Reference) ([]byte, error) {
		f, err := x.Features(ctx, ref.Bank, ref.ID)
		if errors.Is(err, index.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return f.MarshalBinary()
	})
}

func exportPlainJSONL(ctx context.Context, x *index.Index, banks []index.Bank, w io.Writer) error {
	return exportLines(ctx, x, banks, w, func(index.Reference) ([]byte, error) { return nil, nil })
}

func exportLines(ctx context.Context, x *index.Index, banks []index.Bank, w io.Writer, features func(index.Reference) ([]byte, error)) error {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(exportHeader{exportVersion, x.Recipe(), recipeAlgorithms()}); err != nil {
		return err
	}
	for _, b := range banks {
		l := lineOfBank(b)
		if err := lines.Encode(exportBank{"bank", l.Name, l.Kind, l.Owner, l.Hash, l.Policy, l.References}); err != nil {
			return err
		}
	}
	return eachReference(ctx, x, banks, func(_ index.Bank, ref index.Reference) error {
		b, err := features(ref)
		if err != nil {
			return err
		}
		return lines.Encode(exportReference{"reference", ref, b})
	})
}

func exportCSV(ctx context.Context, x *index.Index, banks []index.Bank, w io.Writer) error {
	rows := csv.NewWriter(w)
	if err := rows.Write(csvColumns()); err != nil {
		return err
	}
	err := eachReference(ctx, x, banks, func(b index.Bank, ref index.Reference) error {
		var sha, meta []byte
		var err error
		if ref.SHA256 != (index.Digest{}) {
			sha = fmt.Appendf(nil, "%x", ref.SHA256[:])
		}
		if len(ref.Meta) > 0 {
			if meta, err = marshal(ref.Meta); err != nil {
				return err
			}
		}
		return rows.Write([]string{
			ref.Bank, string(b.Kind), lineOfBank(b).Hash, ref.ID, ref.Fingerprint.String(), string(sha), string(ref.Opinion),
			ref.SKU, ref.Source, ref.Note, string(meta), ref.AddedAt.UTC().Format(time.RFC3339), ref.MadeBy,
		})
	})
	rows.Flush()
	return errors.Join(err, rows.Error())
}

func exportPDQ(ctx context.Context, x *index.Index, banks []index.Bank, w io.Writer) error {
	return eachReference(ctx, x, banks, func(_ index.Bank, ref index.Reference) error {
		code, ok := ref.Fingerprint.Code(hash.Full)
		if !ok || ref.Opinion == index.Withdrawn {
			return nil
		}
		_, err := fmt.Fprintln(w, code)
		return err
	})
}

// eachReference visits the references of the banks in order.
func eachReference(ctx context.Context, x *index.Index, banks []index.Bank, visit func(index.Bank, index.Reference) error) error {
	for _, b := range banks {
		for ref, err := range x.References(ctx, b.Name, "") {
			if err != nil {
				return fmt.Errorf("export bank %s: %w", b.Name, err)
			}
			if err := visit(b, ref); err != nil {
				return err
			}
		}
	}
	return nil
}
