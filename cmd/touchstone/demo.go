package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/index"
)

// The demo is the whole way once, on photos that come with the source: make
// banks, register, judge, compare with what is expected, serve. It uses the
// same code as the verbs, so what it shows is what a user gets. The folder:
//
//	banks.csv            name,kind,owner
//	references/BANK/...  photos of each bank
//	uploads/...          pictures to judge
//	expected.csv         file,outcome,advice,grade,match,distance,transform
//
// References are registered in spite of conflicts: one photo stands in a fake
// and in a genuine bank on purpose, so that an upload shows a conflict.

func (a *app) demoCommand() *cobra.Command {
	var d demo
	c := &cobra.Command{
		Use:   "demo [--dir DIR] [--addr HOST:PORT] [--no-serve]",
		Short: "Show the whole way on the demo photos",
		Long: `Opens the store, on the first run creates the banks of DIR/banks.csv and registers
the photos of DIR/references, judges DIR/uploads, prints a table, compares it with
DIR/expected.csv (a difference is shown and ends with exit code 1), then serves
HTTP and prints a curl line to try. A second run finds everything in place.`,
		Example: "  touchstone demo --no-serve",
		Args:    cobra.NoArgs,
	}
	c.Flags().StringVar(&d.dir, "dir", filepath.Join("testdata", "demo"), "folder of the demo")
	d.serve.log = slog.LevelWarn
	d.serve.addFlags(c, "")
	c.Flags().BoolVar(&d.quiet, "no-serve", false, "end after the comparison")
	c.RunE = a.verb(func(ctx context.Context, _ []string) error {
		d.app = a
		return a.withStore(ctx, true, func(x *index.Index) error { return d.run(ctx, x) })
	})
	return c
}

// demo is one run.
type demo struct {
	*app
	dir   string
	serve serveFlags
	quiet bool
}

func (d *demo) run(ctx context.Context, x *index.Index) error {
	banks, err := d.banks()
	if err != nil {
		return err
	}
	for _, b := range banks {
		if err := d.fill(ctx, x, b); err != nil {
			return err
		}
	}
	rows, err := d.judge(ctx, x)
	if err != nil {
		return err
	}
	expected := filepath.Join(d.dir, "expected.csv")
	if err := d.compare(expected, rows); err != nil || d.quiet {
		return err
	}
	return d.serveHTTP(ctx, d.serve, func() (*index.Index, error) { return x, nil }, d.invite(rows))
}

// banks reads banks.csv.
func (d *demo) banks() ([]index.Bank, error) {
	rows, err := readTable(filepath.Join(d.dir, "banks.csv"), "name", "kind", "owner")
	if err != nil {
		return nil, err
	}
	var banks []index.Bank
	for _, r := range rows {
		b, err := newBank(r[0], r[1], r[2], "pdq")
		if err != nil {
			return nil, err
		}
		banks = append(banks, b)
	}
	return banks, nil
}

// readTable reads a CSV file whose header must be the given columns.
func readTable(name string, columns ...string) ([][]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, withHint(err, "run this in the folder of the source, or give --dir")
	}
	defer f.Close()
	rows, err := newCSV(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		return nil, fmt.Errorf("read %s: want the header %s", name, strings.Join(columns, ","))
	}
	return rows[1:], nil
}

// fill creates a bank and registers its photos, where that is not done yet.
func (d *demo) fill(ctx context.Context, x *index.Index, b index.Bank) error {
	if _, err := x.CreateBank(ctx, b); err != nil && !errors.Is(err, index.ErrExists) {
		return err
	}
	flags := registerFlags{bank: b.Name}
	list, err := flags.entries([]string{filepath.Join(d.dir, "references", b.Name)})
	if err != nil {
		return err
	}
	quiet := *d.app
	quiet.json = false // the lines of the demo are those of its table
	r := registration{app: &quiet, index: x, options: index.RegisterOptions{Force: true}}
	err = r.run(ctx, b.Name, list)
	r.summary(b.Name)
	if err == nil && r.refused > 0 {
		return fmt.Errorf("%d photos of bank %s were refused", r.refused, b.Name)
	}
	return err
}

// demoRow is a row of the table and of expected.csv.
type demoRow struct {
	judged
	cells []string // the columns of expected.csv
}

func demoColumns() []string {
	return []string{"file", "outcome", "advice", "grade", "match", "distance", "transform"}
}

const demoFormat = "%-30s %-13s %-7s %-7s %-36s %12s  %-13s"

// judge judges the uploads and prints the table.
func (d *demo) judge(ctx context.Context, x *index.Index) ([]demoRow, error) {
	uploads := filepath.Join(d.dir, "uploads")
	heads := make([]any, 0, len(demoColumns()))
	for _, c := range demoColumns() {
		heads = append(heads, c)
	}
	if !d.json {
		if err := d.printLine(fmt.Sprintf(demoFormat+" %7s", append(heads, "ms")...)); err != nil {
			return nil, err
		}
	}
	var rows []demoRow
	err := d.judgeAll(ctx, x, []string{uploads}, index.JudgeOptions{}, func(j judged) error {
		if j.err != nil {
			return fmt.Errorf("judge %s: %w", j.file, j.err)
		}
		row := demoRow{judged: j, cells: demoCells(uploads, j)}
		rows = append(rows, row)
		return d.printRow(row)
	})
	return rows, err
}

func (d *demo) printRow(r demoRow) error {
	if d.json {
		return d.printJudged(r.judged)
	}
	cells := make([]any, 0, len(r.cells)+1)
	for _, c := range r.cells {
		cells = append(cells, printable(c))
	}
	if r.verdict.Outcome == index.Unusable {
		cells[4] = r.verdict.Reason
	}
	return d.printLine(fmt.Sprintf(demoFormat+" %7.1f", append(cells, millis(r.took))...))
}

// demoCells are what must be the same on every machine.
func demoCells(uploads string, j judged) []string {
	v := j.verdict
	file, err := filepath.Rel(uploads, j.file)
	if err != nil {
		file = j.file
	}
	cells := []string{filepath.ToSlash(file), string(v.Outcome), string(v.Advice), "", "", "", ""}
	if len(v.Matches) > 0 {
		m := v.Matches[0]
		cells[3], cells[4], cells[6] = string(m.Grade), m.Bank+"/"+m.ID, m.Transform().String()
		cells[5], _, _ = strings.Cut(foundText(m), "/")
	}
	return cells
}

// compare shows each row that is not as expected.
func (d *demo) compare(file string, rows []demoRow) error {
	want, err := readTable(file, demoColumns()...)
	if err != nil {
		return err
	}
	got := map[string][]string{}
	for _, r := range rows {
		got[r.cells[0]] = r.cells
	}
	different := 0
	differ := func(expected, found []string) {
		different++
		d.note("expected %s\n     got %s", strings.Join(expected, ","), strings.Join(found, ","))
	}
	for _, w := range want {
		if g := got[w[0]]; !slices.Equal(w, g) {
			differ(w, g)
		}
		delete(got, w[0])
	}
	for _, r := range rows {
		if g, left := got[r.cells[0]]; left {
			differ(nil, g)
		}
	}
	if different > 0 {
		return fmt.Errorf("%d of %d results are not as expected in %s (a store that other commands have changed gives other results; the demo can start anew in an empty --data directory)", different, len(rows), file)
	}
	d.note("all %d results as expected", len(rows))
	return nil
}

// invite returns what to print once the server listens.
func (d *demo) invite(rows []demoRow) func(addr string) {
	file := ""
	for _, r := range rows {
		if file == "" || r.verdict.Outcome == index.KnownFake {
			file = r.file
		}
	}
	return func(addr string) {
		path, err := filepath.Abs(file)
		if file == "" || err != nil {
			return
		}
		_ = d.printLine(fmt.Sprintf("curl --data-binary %s http://%s/v1/judge", shellQuote("@"+path), addr))
	}
}

// shellQuote makes s one word of a shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
