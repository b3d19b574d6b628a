package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// judgeFlags are the flags of judge and search.
type judgeFlags struct {
	banks      []string
	authorised bool
	limit      int
	mode       string // of judge alone
}

func (f *judgeFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.banks, "bank", nil, "search this bank only (repeatable; default all)")
	c.Flags().BoolVar(&f.authorised, "authorised", false, "the seller may use the brand's photos: known_genuine advises allow_listed")
	c.Flags().IntVar(&f.limit, "limit", 0, "matches to list, 0 for 20; those that decided are always listed")
}

func (f *judgeFlags) options() (index.JudgeOptions, error) {
	if f.limit < 0 {
		return index.JudgeOptions{}, usagef("--limit %d is negative", f.limit)
	}
	mode, err := modeOf(f.mode)
	return index.JudgeOptions{Banks: f.banks, Authorised: f.authorised, Limit: f.limit, Mode: mode}, err
}

// addMode adds the flag --mode.
func addMode(c *cobra.Command, mode *string, usage string) {
	c.Flags().StringVar(mode, "mode", string(index.Thorough), usage)
	completes(c, "mode", string(index.Fast), string(index.Thorough))
}

// modeOf reads the flag --mode; empty where a verb has none.
func modeOf(s string) (index.Mode, error) {
	m := index.Mode(s)
	if m != "" && m != index.Fast && m != index.Thorough {
		return "", usagef("--mode %q: want fast or thorough", s)
	}
	return m, nil
}

func (a *app) judgeCommand() *cobra.Command {
	var flags judgeFlags
	c := &cobra.Command{
		Use:   "judge [--mode fast|thorough] [--bank NAME]... [--authorised] [--limit N] PATH...",
		Short: "Say what is known about pictures",
		Long: `Judges pictures: one line for each, in the order walked. A folder is walked in
lexical order, hidden files and symbolic links left out; every file in it is
judged, whatever its name ends with. "-" is standard input.

Mode thorough looks for the picture inside the picture and compares local features
too; mode fast compares hashes, in a fraction of the time. A store of recipe 1 is
searched in mode fast only (see "touchstone reindex").

A line shows file, outcome, advice, then of the first match grade, bank/id, what
was found and its threshold (6/31: a distance by hash in bits; "region 20/40": by
a region; "geometry 97/94": the evidence of geometry, where more is surer) and
transform, then milliseconds. Outcomes:

  known_fake     the photo is a registered photo of a known fake
  known_genuine  the photo is the brand's own. Counterfeiters use such photos:
                 it says nothing about the product
  conflict       equally near to a fake and to a genuine reference
  near           only weak matches: for a human to look at
  none           not seen before
  unusable       not a picture that can be judged; the reason follows

With --json a line is the verdict of the HTTP interface and of the library, byte
for byte, with "file" and "took_ms" before it. "touchstone replay" reads it.

A file that cannot be read is reported on standard error and the rest goes on.
The exit code is the gravest of: 10 a known_fake, 1 a failure, 11 near, conflict
or known_genuine, 12 something unusable, 0 nothing found.`,
		Example: `  touchstone judge uploads
  touchstone judge --bank acme-fakes --json photo.jpg
  curl -s https://example.com/photo.jpg | touchstone judge -`,
		Args: cobra.MinimumNArgs(1),
	}
	flags.register(c)
	addMode(c, &flags.mode, "fast or thorough")
	c.RunE = a.verb(func(ctx context.Context, args []string) error {
		o, err := flags.options()
		if err != nil {
			return err
		}
		return a.withStore(ctx, false, func(x *index.Index) error {
			if err := knownBanks(ctx, x, o.Banks...); err != nil {
				return err
			}
			var tally tally
			err := a.judgeAll(ctx, x, args, o, func(j judged) error {
				tally.add(j)
				return a.printJudged(j)
			})
			if err != nil {
				return err
			}
			return exitWith(tally.code())
		})
	})
	return c
}

func (a *app) searchCommand() *cobra.Command {
	var flags judgeFlags
	c := &cobra.Command{
		Use:   "search FINGERPRINT",
		Short: "Say what is known about a fingerprint",
		Long: `Judges a picture that is known by its fingerprint only, as "touchstone
fingerprint" prints it. Lines and exit codes are those of "touchstone judge",
without a file. Grade exact needs the file's bytes, so it never occurs here.`,
		Example: "  touchstone search \"$(touchstone fingerprint --json photo.jpg | jq -r .fingerprint)\"",
		Args:    cobra.ExactArgs(1),
	}
	flags.register(c)
	c.RunE = a.verb(func(ctx context.Context, args []string) error {
		o, err := flags.options()
		if err != nil {
			return err
		}
		f, err := hash.Parse(args[0])
		if err != nil {
			return withCode(exitUsage, withHint(err, "touchstone fingerprint PATH prints one"))
		}
		return a.withStore(ctx, false, func(x *index.Index) error {
			if err := knownBanks(ctx, x, o.Banks...); err != nil {
				return err
			}
			start := time.Now()
			v, err := x.JudgeFingerprint(ctx, f, o)
			if err != nil {
				return err
			}
			j := judged{verdict: v, took: time.Since(start)}
			var tally tally
			tally.add(j)
			if err := a.printJudged(j); err != nil {
				return err
			}
			return exitWith(tally.code())
		})
	})
	return c
}

// judged is the result for one picture: a verdict or an error.
type judged struct {
	file    string // "" from search
	verdict index.Verdict
	took    time.Duration
	err     error
}

// judgeAll judges all pictures of the arguments and emits the results in the
// order walked.
func (a *app) judgeAll(ctx context.Context, x *index.Index, args []string, o index.JudgeOptions, emit func(judged) error) error {
	judge := func(ctx context.Context, s source) judged { return a.judgeOne(ctx, x, s, o) }
	return inOrder(ctx, workers(), func(yield func(source) bool) { walk(args, yield) }, judge,
		func(j judged) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return emit(j)
		})
}

func (a *app) judgeOne(ctx context.Context, x *index.Index, s source, o index.JudgeOptions) judged {
	start := time.Now()
	r, err := a.openSource(ctx, s)
	if err != nil {
		return judged{file: s.path, err: err}
	}
	defer r.Close()
	v, err := x.Judge(ctx, r, o)
	return judged{file: s.path, verdict: v, took: time.Since(start), err: err}
}

// printJudged writes the line of one picture; an error goes to standard error.
func (a *app) printJudged(j judged) error {
	if j.err != nil {
		a.complain(fmt.Errorf("judge %s: %w", printable(j.file), cause(j.err)))
		return nil
	}
	if !a.json {
		return a.printLine(j.String())
	}
	line, err := j.jsonLine()
	if err != nil {
		return err
	}
	return a.printLine(string(line))
}

// jsonLine puts file and time before the verdict's own bytes.
func (j judged) jsonLine() ([]byte, error) {
	verdict, err := j.verdict.MarshalJSON()
	if err != nil {
		return nil, err
	}
	head, err := marshal(struct {
		File string  `json:"file,omitempty"`
		Took float64 `json:"took_ms"`
	}{j.file, millis(j.took)})
	if err != nil {
		return nil, err
	}
	return append(append(head[:len(head)-1], ','), verdict[1:]...), nil
}

// String is the line for people.
func (j judged) String() string {
	v := j.verdict
	grade, ref, distance, transform := "-", "-", "-", "-"
	if len(v.Matches) > 0 {
		m := v.Matches[0]
		grade, ref, transform = string(m.Grade), printable(m.Bank+"/"+m.ID), m.Transform().String()
		distance = foundText(m)
	}
	if v.Outcome == index.Unusable {
		ref = string(v.Reason)
	}
	return fmt.Sprintf("%-32s %-13s %-12s %-6s %-40s %-7s %-13s %8.1f ms",
		printable(j.file), v.Outcome, v.Advice, grade, ref, distance, transform, millis(j.took))
}

// foundText is what the deciding check found and its threshold. Where equal bytes
// decided it is the distance, 0 unless recipes changed, or "-".
func foundText(m index.Match) string {
	n, ok := m.Found()
	switch {
	case ok && m.Check != index.CheckHash:
		return fmt.Sprintf("%s %d/%d", m.Check, n, m.Threshold)
	case !ok:
		n = m.Distance.Of(m.Main)
	}
	if n < 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d", n, m.Threshold)
}

// tally remembers the gravest result.
type tally struct{ fake, failure, review, unusable bool }

func (t *tally) add(j judged) {
	switch {
	case j.err != nil:
		t.failure = true
	case j.verdict.Outcome == index.KnownFake:
		t.fake = true
	case j.verdict.Outcome == index.Unusable:
		t.unusable = true
	case j.verdict.Outcome != index.None:
		t.review = true
	}
}

// code is the exit code (see exitHelp).
func (t tally) code() int {
	switch {
	case t.fake:
		return exitKnownFake
	case t.failure:
		return exitFailure
	case t.review:
		return exitReview
	case t.unusable:
		return exitUnusable
	}
	return exitOK
}
