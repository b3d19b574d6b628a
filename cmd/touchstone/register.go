package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// Registering a folder must survive being stopped at any moment. The index
// sees to one file: it is durable when Register returns. So a line is printed
// only after that, and a second run asks by the digest of each file whether it
// is stored already: reading and digesting a file is some hundred times
// cheaper than decoding it. No list of finished files is kept beside the
// store, which could disagree with it.

type registerFlags struct {
	bank, csv, opinion string
	replace, force     bool
}

func (a *app) registerCommand() *cobra.Command {
	var flags registerFlags
	c := &cobra.Command{
		Use:   "register --bank NAME [--csv FILE] [--replace] [--force] [--opinion O] PATH...",
		Short: "Register pictures as references of a bank",
		Long: `Registers pictures. A folder is walked, hidden files and symbolic links left out;
the id of a file is its slash path relative to the folder, with extension. The id
of a file that is named itself is its base name.

The same id with the same bytes changes nothing, not the metadata either, and the
file is not decoded again: a run that was interrupted is simply repeated. The same
id with other bytes is refused unless --replace. A picture within the strong
threshold of a reference of the opposite kind is refused unless --force.

--csv FILE is a list of what to register, in UTF-8 with a header line. Columns:
path (required, relative to PATH, which is one folder, by default that of FILE),
id (default: path), sku, source, note, opinion. All other columns become free
key-values of the reference; empty cells are left out. Files that are not listed
are not registered.

On a terminal a bar shows rate, remaining time and failures. With --json one line
is printed for each reference once it is durable:
  {"bank":"acme-fakes","id":"a/1.jpg","status":"added","file":"photos/a/1.jpg",...}
status is added, replaced or unchanged. A file that is refused is reported on
standard error as "path: reason: detail", the rest goes on, and the exit code is
3. Reasons are those of unusable pictures (not_image, unsupported_format, corrupt,
too_large, too_small, too_plain, too_costly) and exists, conflict, invalid,
duplicate_id (twice in this run), unreadable, csv.`,
		Example: `  touchstone register --bank acme-fakes photos/fakes
  touchstone register --bank acme-genuine --csv catalogue.csv photos/catalogue`,
	}
	c.Flags().StringVar(&flags.bank, "bank", "", "bank that receives the references (required)")
	c.Flags().StringVar(&flags.csv, "csv", "", "list of files with metadata")
	c.Flags().StringVar(&flags.opinion, "opinion", "", "confirmed (default), seed, disputed or withdrawn")
	c.Flags().BoolVar(&flags.replace, "replace", false, "replace references of the same id and other bytes")
	c.Flags().BoolVar(&flags.force, "force", false, "register in spite of a reference of the opposite kind")
	_ = c.MarkFlagRequired("bank")
	completes(c, "opinion", "confirmed", "seed", "disputed", "withdrawn")
	c.RunE = a.verb(func(ctx context.Context, args []string) error {
		list, err := flags.entries(args)
		if err != nil {
			return err
		}
		return a.withStore(ctx, false, func(x *index.Index) error {
			if err := knownBanks(ctx, x, flags.bank); err != nil {
				return err
			}
			r := registration{app: a, index: x, options: index.RegisterOptions{Replace: flags.replace, Force: flags.force}}
			err := r.run(ctx, flags.bank, list)
			r.summary(flags.bank)
			if err == nil && r.refused > 0 {
				return exitWith(exitRefused)
			}
			return err
		})
	})
	return c
}

// entry is one file to be registered.
type entry struct {
	source
	reference index.Reference // bank, id and metadata
	reason    string          // why it is refused already, with source.err
}

// entries returns what is to be registered as a sequence that can be walked
// more than once.
func (f *registerFlags) entries(args []string) (func(yield func(entry) bool), error) {
	blank := index.Reference{Bank: f.bank, Opinion: index.Opinion(f.opinion)}
	if err := checkOpinion(f.opinion); f.opinion != "" && err != nil {
		return nil, err
	}
	if f.csv != "" {
		list, err := csvEntries(f.csv, args, blank)
		if err != nil {
			return nil, err
		}
		return withoutRepeats(list), nil
	}
	if len(args) == 0 {
		return nil, usagef("register needs a PATH, or --csv FILE")
	}
	if slices.Contains(args, "-") {
		return nil, usagef("register does not read standard input, which has no id")
	}
	list := func(yield func(entry) bool) {
		walk(args, func(s source) bool {
			ref := blank
			ref.ID = s.id
			return yield(entry{source: s, reference: ref})
		})
	}
	if len(args) == 1 { // its paths differ, and so do the ids
		return list, nil
	}
	return withoutRepeats(list), nil
}

// withoutRepeats refuses entries whose id has come before. It remembers all ids.
func withoutRepeats(list func(yield func(entry) bool)) func(yield func(entry) bool) {
	return func(yield func(entry) bool) {
		seen := map[string]string{} // id to path
		list(func(e entry) bool {
			if first, twice := seen[e.reference.ID]; twice && e.err == nil {
				e.reason, e.err = "duplicate_id", fmt.Errorf("%s has the id %q in this run", first, e.reference.ID)
			} else {
				seen[e.reference.ID] = e.path
			}
			return yield(e)
		})
	}
}

// registration is one run.
type registration struct {
	app     *app
	index   *index.Index
	options index.RegisterOptions
	start   time.Time

	added, replaced, unchanged, refused int
}

// registered is the result for one file.
type registered struct {
	entry
	status string // added, replaced, unchanged; "" if refused
	stored index.Reference
	reason string
	err    error
}

// run registers the entries. An error is about the store or the context; what
// is wrong with files is counted and reported.
func (r *registration) run(ctx context.Context, bank string, list func(yield func(entry) bool)) error {
	r.start = time.Now()
	bar := r.app.newProgress(bank, "files", r.count(list))
	defer bar.finish()
	// Twice the cores: while one file waits for the disk, another is decoded.
	return inOrder(ctx, 2*workers(), list, r.register, func(g registered) error {
		if g.err != nil && g.reason == "" {
			return fmt.Errorf("register %s: %w", printable(g.path), g.err)
		}
		bar.step(bank, g.reason != "")
		if g.reason != "" || r.app.json {
			bar.clear()
		}
		return r.report(g)
	})
}

// count walks ahead where a bar needs to know the total.
func (r *registration) count(list func(yield func(entry) bool)) (n int64) {
	if terminal(r.app.stderr) {
		list(func(entry) bool { n++; return true })
	}
	return n
}

func (r *registration) register(ctx context.Context, e entry) registered {
	g := registered{entry: e, reason: e.reason, err: e.err}
	if g.err != nil {
		if g.reason == "" {
			g.reason = "unreadable"
		}
		return g
	}
	content, err := r.read(ctx, e)
	if err != nil {
		g.reason, g.err = "unreadable", err
		if ctx.Err() != nil {
			g.reason, g.err = "", ctx.Err()
		}
		return g
	}
	g.status, g.stored, g.err = r.store(ctx, e.reference, content)
	g.reason = refusal(g.err)
	return g
}

// read returns the bytes of a file, of a file that is too large just enough of
// them to be refused.
func (r *registration) read(ctx context.Context, e entry) ([]byte, error) {
	f, err := r.app.openSource(ctx, e.source)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, r.app.limits.MaxBytes+1))
}

func (r *registration) store(ctx context.Context, ref index.Reference, content []byte) (string, index.Reference, error) {
	stored, ok, err := r.index.Seen(ctx, ref.Bank, ref.ID, sha256.Sum256(content))
	if err != nil || ok {
		return "unchanged", stored, err
	}
	status := "added"
	if _, err := r.index.Get(ctx, ref.Bank, ref.ID); err == nil {
		status = "replaced"
	}
	stored, err = r.index.Register(ctx, ref, bytes.NewBuffer(content), r.options)
	return status, stored, err
}

// refusal says for which reason a file, and not the run, failed; "" otherwise.
func refusal(err error) string {
	if reason, ok := hash.IsUnusable(err); ok {
		return string(reason)
	}
	switch {
	case errors.Is(err, index.ErrExists):
		return "exists"
	case errors.Is(err, index.ErrConflict):
		return "conflict"
	case errors.Is(err, index.ErrInvalid):
		return "invalid"
	}
	return ""
}

// report counts a result and prints its line.
func (r *registration) report(g registered) error {
	if g.reason != "" {
		r.refused++
		r.app.note("%s: %s: %v", printable(g.path), g.reason, cause(g.err))
		return nil
	}
	switch g.status {
	case "added":
		r.added++
	case "replaced":
		r.replaced++
	default:
		r.unchanged++
	}
	if !r.app.json {
		return nil
	}
	return r.app.printJSON(struct {
		Bank        string           `json:"bank"`
		ID          string           `json:"id"`
		Status      string           `json:"status"`
		File        string           `json:"file"`
		SHA256      index.Digest     `json:"sha256,omitzero"`
		Quality     int              `json:"quality"`
		Fingerprint hash.Fingerprint `json:"fingerprint"`
	}{g.stored.Bank, g.stored.ID, g.status, g.path, g.stored.SHA256, g.stored.Fingerprint.Quality(), g.stored.Fingerprint})
}

// cause shortens what the reason has said already.
func cause(err error) error {
	var u *hash.UnusableError
	if errors.As(err, &u) && u.Err != nil {
		return u.Err
	}
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (r *registration) summary(bank string) {
	r.app.note("%s: %d added, %d replaced, %d unchanged, %d refused in %v",
		bank, r.added, r.replaced, r.unchanged, r.refused, time.Since(r.start).Round(time.Millisecond))
}
