package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/index"
)

func (a *app) replayCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replay FILE",
		Short: "Check that stored verdicts follow from their own evidence",
		Long: `Reads stored verdicts, decides again on nothing but the matches and thresholds
that they carry, and prints outcome and advice as stored and as decided again. It
needs no store. FILE (or "-") holds one verdict a line: what "touchstone judge
--json" printed, what POST /v1/judge answered, or arrays of these.

A line that contradicts itself, or that cannot be read, is reported with its number
and cause, and the exit code is 1.`,
		Example: `  touchstone judge --json uploads > verdicts.jsonl
  touchstone replay verdicts.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: a.verb(func(ctx context.Context, args []string) error {
			r, err := a.openSource(ctx, source{path: args[0]})
			if err != nil {
				return err
			}
			defer r.Close()
			return a.replay(ctx, r)
		}),
	}
}

// replayed is the result for one verdict.
type replayed struct {
	Line   int      `json:"line"`
	File   string   `json:"file,omitempty"`
	Stored decision `json:"stored"`
	Again  decision `json:"again"`
	Agrees bool     `json:"agrees"`
	Cause  string   `json:"cause,omitempty"`
}

type decision struct {
	Outcome index.Outcome `json:"outcome"`
	Advice  index.Advice  `json:"advice"`
}

func (a *app) replay(ctx context.Context, r io.Reader) error {
	lines := bufio.NewReader(r)
	code := exitOK
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		results, perr := replayLine(n, line)
		if perr != nil {
			code = exitFailure
			a.complain(fmt.Errorf("line %d: %w", n, perr))
		}
		for _, p := range results {
			if !p.Agrees {
				code = exitFailure
				a.complain(fmt.Errorf("line %d: %s", n, p.Cause))
			}
			if err := a.printReplayed(p); err != nil {
				return err
			}
		}
		if err != nil {
			return exitWith(code)
		}
	}
}

// replayLine replays the verdict of a line, or the array of verdicts.
func replayLine(n int, line []byte) ([]replayed, error) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return nil, nil
	}
	raw := []json.RawMessage{line}
	if line[0] == '[' {
		if err := json.Unmarshal(line, &raw); err != nil {
			return nil, err
		}
	}
	var all []replayed
	for _, one := range raw {
		var named struct{ File string }
		var v index.Verdict
		if err := json.Unmarshal(one, &named); err != nil {
			return all, err
		}
		if err := json.Unmarshal(one, &v); err != nil {
			return all, err
		}
		all = append(all, replayOne(n, named.File, v))
	}
	return all, nil
}

func replayOne(n int, file string, v index.Verdict) replayed {
	stored := decision{v.Outcome, v.Advice}
	p := replayed{Line: n, File: file, Stored: stored, Again: stored, Agrees: true}
	if v.Outcome != index.Unusable {
		again := index.Decide(v.Fingerprint, v.Matches, index.DecideOptions{Authorised: v.Authorised, Limit: len(v.Matches)})
		p.Again = decision{again.Outcome, again.Advice}
	}
	if err := index.Replay(v); err != nil {
		p.Agrees, p.Cause = false, err.Error()
	}
	return p
}

func (a *app) printReplayed(p replayed) error {
	if a.json {
		return a.printJSON(p)
	}
	word := "agrees"
	if !p.Agrees {
		word = "CONTRADICTS"
	}
	return a.printLine(fmt.Sprintf("%6d  %-11s  stored %s/%s  again %s/%s  %s",
		p.Line, word, p.Stored.Outcome, p.Stored.Advice, p.Again.Outcome, p.Again.Advice, printable(p.File)))
}
