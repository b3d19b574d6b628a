package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// A store that was made by an older version, or by an import of fingerprints,
// lacks what only the photos can give. The simplest way to it is to register them
// all again, in a new store: opinions, dates and references without a photo are
// lost. So each reference is completed where it is.
//
// Its photo is looked for under its id first, as register would have found it.
// Where another file is, or none, the photo may have moved: then all files of
// the folder are digested, once, and those that some reference was made of are
// taken. A reference whose digest nobody knows (a list of fingerprints) can only
// be found by its id, and only its hashes can say that it is the same photo.
//
// Nothing is remembered between runs: what is complete is in the store.

func (a *app) reindexCommand() *cobra.Command {
	var from string
	var banks []string
	c := &cobra.Command{
		Use:   "reindex --from PHOTOS [--bank NAME]...",
		Short: "Complete references from their photos",
		Long: `Raises a store to the recipe of this program, and computes what its references
lack beside their fingerprints: region hashes and local features, by which crops,
collages and screenshots are found. Until then they are found by the hashes of the
whole picture, as before. Versions of touchstone that know recipe 1 only cannot
open the store from the first completed reference on.

The photo of a reference is the file of its id in the folder PHOTOS, or any file
there, if it has the same SHA-256. Where the digest is unknown it is the file of
its id, if its hashes are those of the reference. Banks that are searched by
64-bit hashes need nothing.

What is complete is passed over: a run that was interrupted is simply repeated. A
photo that is not found, or that differs, is reported on standard error, the rest
goes on, and the exit code is 3.`,
		Example: "  touchstone reindex --data /var/lib/touchstone --from photos",
		Args:    cobra.NoArgs,
	}
	c.Flags().StringVar(&from, "from", "", "folder of the photos (required)")
	c.Flags().StringArrayVar(&banks, "bank", nil, "complete this bank only (repeatable; default all)")
	_ = c.MarkFlagRequired("from")
	_ = c.MarkFlagDirname("from")
	c.RunE = a.verb(func(ctx context.Context, _ []string) error {
		if i, err := os.Stat(from); err != nil || !i.IsDir() {
			return usagef("--from %s: no such folder", from)
		}
		return a.withStore(ctx, false, func(x *index.Index) error {
			chosen, err := chooseBanks(ctx, x, banks)
			if err != nil {
				return err
			}
			r := reindexing{app: a, index: x, from: from, wanted: map[index.Digest][]lostPhoto{}, found: map[index.Digest]bool{}}
			return r.run(ctx, chosen)
		})
	})
	return c
}

// lostPhoto is a reference whose photo is not where its id says.
type lostPhoto struct {
	bank, id string
	digest   index.Digest // zero if unknown
	differs  bool         // another file is there
}

// reindexing is one run.
type reindexing struct {
	app   *app
	index *index.Index
	from  string
	bar   *progress

	lost   []lostPhoto
	wanted map[index.Digest][]lostPhoto // those whose digest is known
	found  map[index.Digest]bool        // of these

	completed, complete, missing, differing, refused int
}

func (r *reindexing) run(ctx context.Context, banks []index.Bank) error {
	left := int64(0)
	for _, b := range banks {
		r.complete += int(b.Featured)
		if b.Main == hash.PDQ {
			left += b.References - b.Featured
		}
	}
	// Otherwise the first photo that fits raises the store: the wrong folder does
	// not.
	if left == 0 {
		if err := r.index.Raise(ctx); err != nil {
			return err
		}
	}
	r.bar = r.app.newProgress("reindex", "references", left)
	defer r.bar.finish()
	err := inOrder(ctx, 2*workers(), r.incomplete(ctx, banks), r.byID, r.tookReference)
	if err == nil && len(r.wanted) > 0 {
		err = inOrder(ctx, 2*workers(), r.files, r.byDigest, r.tookFile)
	}
	if err == nil {
		r.reportLost()
	}
	r.bar.finish()
	if err = errors.Join(err, r.summary()); err == nil && r.missing+r.differing+r.refused > 0 {
		return exitWith(exitRefused)
	}
	return err
}

// completion is what became of one reference.
type completion struct {
	ref  index.Reference
	path string
	lost bool // the file of the id is not there or, if err is set, another one
	err  error
}

// digested is what became of the references that were made of one file.
type digested struct {
	digest index.Digest
	each   []completion // of each reference in turn: path and err
	err    error        // ends the run
}

// incomplete yields the references without features. An error is the last.
func (r *reindexing) incomplete(ctx context.Context, banks []index.Bank) func(yield func(completion) bool) {
	return func(yield func(completion) bool) {
		for _, b := range banks {
			for ref, err := range r.index.Incomplete(ctx, b.Name, "") {
				if !yield(completion{ref: ref, err: err}) || err != nil {
					return
				}
			}
		}
	}
}

// byID completes a reference from the file of its id.
func (r *reindexing) byID(ctx context.Context, c completion) completion {
	local := filepath.FromSlash(c.ref.ID)
	c.path = filepath.Join(r.from, local)
	if c.err != nil {
		return c
	}
	if i, err := os.Stat(c.path); err != nil || !i.Mode().IsRegular() || !filepath.IsLocal(local) {
		c.lost = true
		return c
	}
	var content []byte
	if content, c.err = r.read(ctx, source{path: c.path}); c.err == nil {
		_, c.err = r.index.Complete(ctx, c.ref.Bank, c.ref.ID, bytes.NewBuffer(content))
	}
	c.lost = errors.Is(c.err, index.ErrDiffers)
	return c
}

// read returns the bytes of a file, of one that is too large just enough of them
// to be refused.
func (r *reindexing) read(ctx context.Context, s source) ([]byte, error) {
	f, err := r.app.openSource(ctx, s)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, r.app.limits.MaxBytes+1))
}

// tookReference counts what byID did. A photo that is lost may be found by its
// digest.
func (r *reindexing) tookReference(c completion) error {
	if c.lost {
		l := lostPhoto{c.ref.Bank, c.ref.ID, c.ref.SHA256, c.err != nil}
		r.lost = append(r.lost, l)
		if l.digest != (index.Digest{}) {
			r.wanted[l.digest] = append(r.wanted[l.digest], l)
		} else {
			r.bar.step("reindex", true)
		}
		return nil
	}
	return r.count(c)
}

// count counts a reference that was completed, or refused.
func (r *reindexing) count(c completion) error {
	var p *os.PathError
	reason := refusal(c.err)
	switch {
	case c.err == nil:
		r.completed++
	case errors.Is(c.err, index.ErrNotFound): // removed meanwhile
	case errors.As(c.err, &p) && p.Path == c.path:
		reason = "unreadable"
		fallthrough
	case reason != "":
		r.refused++
		r.bar.clear()
		r.app.note("%s: %s: %v", printable(c.path), reason, cause(c.err))
	default:
		return c.err
	}
	r.bar.step("reindex", c.err != nil)
	return nil
}

// files yields the files of the folder.
func (r *reindexing) files(yield func(source) bool) { walk([]string{r.from}, yield) }

// byDigest completes the references that were made of a file. What cannot be read
// is passed over: nobody knows whether a reference was made of it.
func (r *reindexing) byDigest(ctx context.Context, s source) digested {
	content, err := r.read(ctx, s)
	if err != nil {
		return digested{err: ctx.Err()}
	}
	d := digested{digest: sha256.Sum256(content)}
	for _, l := range r.wanted[d.digest] {
		_, err := r.index.Complete(ctx, l.bank, l.id, bytes.NewBuffer(content))
		d.each = append(d.each, completion{path: s.path, err: err})
	}
	return d
}

// tookFile counts what byDigest did, once for all files of the same bytes.
func (r *reindexing) tookFile(d digested) error {
	if len(d.each) == 0 || r.found[d.digest] {
		return d.err
	}
	r.found[d.digest] = true
	for _, c := range d.each {
		if err := r.count(c); err != nil {
			return err
		}
	}
	return nil
}

// reportLost names the references whose photo was found nowhere.
func (r *reindexing) reportLost() {
	for _, l := range r.lost {
		what := "not_found: there is no photo of this reference"
		switch {
		case r.found[l.digest]:
			continue
		case l.differs:
			what = "differs: the file of this id is another photo"
			r.differing++
		default:
			r.missing++
		}
		r.bar.clear()
		r.app.note("%s/%s: %s", l.bank, printable(l.id), what)
	}
}

func (r *reindexing) summary() error {
	if r.app.json {
		return r.app.printJSON(struct {
			Completed int `json:"completed"`
			Complete  int `json:"complete"`
			Missing   int `json:"not_found"`
			Differing int `json:"differing"`
			Refused   int `json:"refused"`
		}{r.completed, r.complete, r.missing, r.differing, r.refused})
	}
	r.app.note("%d references completed, %d complete already, %d without their photo, %d with another one, %d refused",
		r.completed, r.complete, r.missing, r.differing, r.refused)
	return nil
}
