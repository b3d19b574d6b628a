package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/index"
)

// ofBank makes c a verb on references of one bank. The bank is the first
// argument, or stands in --bank; all other arguments are handed on, and want
// says how many there may be.
func (a *app) ofBank(c *cobra.Command, want cobra.PositionalArgs, do func(ctx context.Context, x *index.Index, bank string, args []string) error) *cobra.Command {
	var bank string
	c.Flags().StringVar(&bank, "bank", "", "the bank, instead of the first argument")
	split := func(args []string) (string, []string, error) {
		switch {
		case c.Flags().Changed("bank"):
			return bank, args, nil
		case len(args) == 0:
			return "", nil, errors.New("needs BANK, or --bank NAME")
		}
		return args[0], args[1:], nil
	}
	c.Args = func(cmd *cobra.Command, args []string) error {
		_, rest, err := split(args)
		if err != nil {
			return err
		}
		return want(cmd, rest)
	}
	c.RunE = a.verb(func(ctx context.Context, args []string) error {
		bank, rest, err := split(args)
		if err != nil {
			return err
		}
		return a.withStore(ctx, false, func(x *index.Index) error { return do(ctx, x, bank, rest) })
	})
	return c
}

func (a *app) getCommand() *cobra.Command {
	return a.ofBank(&cobra.Command{
		Use:   "get BANK|--bank BANK ID",
		Short: "Show one reference",
		Long: `Shows a reference: fingerprint, digest, opinion and metadata. The exit code is 4
if there is no such bank or reference.`,
		Example: "  touchstone get acme-fakes bags/123.jpg --json",
	}, cobra.ExactArgs(1), func(ctx context.Context, x *index.Index, bank string, args []string) error {
		ref, err := x.Get(ctx, bank, args[0])
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(ref)
		}
		return a.printLine(describe(ref))
	})
}

// describe is a reference for people, one field a line.
func describe(r index.Reference) string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name, printable(value))
		}
	}
	row("bank", r.Bank)
	row("id", r.ID)
	row("opinion", string(r.Opinion))
	row("sku", r.SKU)
	row("source", r.Source)
	row("note", r.Note)
	for _, k := range slices.Sorted(maps.Keys(r.Meta)) {
		row("meta "+k, r.Meta[k])
	}
	if r.SHA256 != (index.Digest{}) {
		row("sha256", fmt.Sprintf("%x", r.SHA256[:]))
	}
	row("added", r.AddedAt.UTC().Format(time.RFC3339))
	row("made by", r.MadeBy)
	row("quality", fmt.Sprint(r.Fingerprint.Quality()))
	row("fingerprint", r.Fingerprint.String())
	return strings.TrimSuffix(b.String(), "\n")
}

func (a *app) listCommand() *cobra.Command {
	var after string
	var limit uint
	c := &cobra.Command{
		Use:   "list BANK|--bank BANK [--after ID] [--limit N]",
		Short: "List the references of a bank",
		Long: `Lists references in the byte order of their ids: id, opinion, time of adding,
sku. To go on where a listing ended, give its last id to --after; it need not
exist any more.`,
		Example: "  touchstone list acme-fakes --limit 100 --after bags/123.jpg",
	}
	c.Flags().StringVar(&after, "after", "", "begin after this id")
	c.Flags().UintVar(&limit, "limit", 0, "largest number of references, 0 for all")
	return a.ofBank(c, cobra.NoArgs, func(ctx context.Context, x *index.Index, bank string, _ []string) error {
		return a.list(ctx, x, bank, after, limit)
	})
}

func (a *app) list(ctx context.Context, x *index.Index, bank, after string, limit uint) error {
	if _, err := x.Bank(ctx, bank); err != nil {
		return err
	}
	n := uint(0)
	for ref, err := range x.References(ctx, bank, after) {
		if err != nil {
			return err
		}
		if a.json {
			err = a.printJSON(ref)
		} else {
			err = a.printLine(fmt.Sprintf("%-40s %-10s %s  %s",
				printable(ref.ID), ref.Opinion, ref.AddedAt.UTC().Format(time.RFC3339), printable(ref.SKU)))
		}
		if err != nil {
			return err
		}
		if n++; n == limit {
			return nil
		}
	}
	return nil
}

func (a *app) removeCommand() *cobra.Command {
	return a.ofBank(&cobra.Command{
		Use:   "remove BANK|--bank BANK ID...",
		Short: "Remove references",
		Long: `Removes references; when it returns they match no more and their ids are free. If
one of the ids is absent nothing is removed and the exit code is 4. To keep a
reference for the record but stop it from matching, use "touchstone opinion BANK
ID withdrawn".`,
		Example: `  touchstone remove acme-fakes bags/123.jpg
  touchstone remove --bank acme-fakes bags/123.jpg bags/124.jpg`,
	}, cobra.MinimumNArgs(1), func(ctx context.Context, x *index.Index, bank string, ids []string) error {
		if err := x.Remove(ctx, bank, ids...); err != nil {
			return err
		}
		for _, id := range ids {
			if err := a.printChange(bank, id, "removed"); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) opinionCommand() *cobra.Command {
	return a.ofBank(&cobra.Command{
		Use:   "opinion BANK|--bank BANK ID confirmed|seed|disputed|withdrawn",
		Short: "Say how sure the owner is of a reference",
		Long: `Sets the opinion of a reference; the next query follows it.

  confirmed  sure (the default of register)
  seed       not verified: a match advises review at most
  disputed   contested: caps the advice at review
  withdrawn  kept for the record, never matches`,
		Example: "  touchstone opinion acme-fakes bags/123.jpg disputed",
	}, cobra.ExactArgs(2), func(ctx context.Context, x *index.Index, bank string, args []string) error {
		id, opinion := args[0], args[1]
		if err := checkOpinion(opinion); err != nil {
			return err
		}
		if err := x.SetOpinion(ctx, bank, id, index.Opinion(opinion)); err != nil {
			return err
		}
		return a.printChange(bank, id, opinion)
	})
}

// checkOpinion refuses unknown words.
func checkOpinion(s string) error {
	switch index.Opinion(s) {
	case index.Confirmed, index.Seed, index.Disputed, index.Withdrawn:
		return nil
	}
	return usagef("opinion %q: want confirmed, seed, disputed or withdrawn", s)
}

// printChange says what became of a reference.
func (a *app) printChange(bank, id, status string) error {
	if !a.json {
		return a.printLine(fmt.Sprintf("%s %s", printable(bank+"/"+id), status))
	}
	return a.printJSON(struct {
		Bank   string `json:"bank"`
		ID     string `json:"id"`
		Status string `json:"status"`
	}{bank, id, status})
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Compare the store with itself",
		Long: `Reads the whole store and compares its rows with one another and with what is in
memory. Findings are printed and the exit code is 1; a clean store gives 0.`,
		Example: "  touchstone check --data /var/lib/touchstone",
		Args:    cobra.NoArgs,
		RunE: a.verb(func(ctx context.Context, _ []string) error {
			return a.withStore(ctx, false, func(x *index.Index) error { return a.check(ctx, x) })
		}),
	}
}

func (a *app) check(ctx context.Context, x *index.Index) error {
	report := struct {
		Clean    bool     `json:"clean"`
		Findings []string `json:"findings"`
	}{true, []string{}}
	if err := x.Check(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report.Clean, report.Findings = false, strings.Split(err.Error(), "\n") // as errors.Join writes them
	}
	text := strings.Join(report.Findings, "\n")
	if report.Clean {
		text = "clean"
	}
	print := func() error { return a.printLine(text) }
	if a.json {
		print = func() error { return a.printJSON(report) }
	}
	if err := print(); err != nil || report.Clean {
		return err
	}
	return exitWith(exitFailure)
}
