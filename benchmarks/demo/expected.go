package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/touchstone-go/touchstone/index"
)

// expected writes expected.csv, if all is as the recipe says.
func (d *demo) expected(ctx context.Context) error {
	rows, err := d.verdicts(ctx)
	if err != nil {
		return err
	}
	return d.save("demo/expected.csv", table(rows))
}

// verdicts registers the references and judges the uploads: the rows of
// expected.csv. The error names all that is not as the recipe says.
func (d *demo) verdicts(ctx context.Context) ([][]string, error) {
	x, err := index.Open(ctx, "", &index.Options{InMemory: true, NoThumbnails: true})
	if err != nil {
		return nil, err
	}
	defer x.Close()
	for _, b := range []index.Bank{{Name: genuine, Kind: index.Genuine}, {Name: fakes, Kind: index.Fake}} {
		if _, err := x.CreateBank(ctx, b); err != nil {
			return nil, err
		}
	}
	for _, r := range references {
		if err := d.register(ctx, x, r); err != nil {
			return nil, fmt.Errorf("%s/%s: %w", r.bank, r.name, err)
		}
	}
	rows := [][]string{{"file", "outcome", "advice", "grade", "match", "distance", "transform"}}
	var wrong []error
	for _, u := range uploads {
		row, err := d.judge(ctx, x, u)
		wrong = append(wrong, err)
		rows = append(rows, row)
	}
	return rows, errors.Join(wrong...)
}

func (d *demo) register(ctx context.Context, x *index.Index, r reference) error {
	f, err := os.Open(filepath.Join(d.to, "demo", "references", r.bank, r.name))
	if err != nil {
		return err
	}
	defer f.Close()
	// The photo in both banks is wanted here.
	_, err = x.Register(ctx, index.Reference{Bank: r.bank, ID: r.name}, f, index.RegisterOptions{Force: true})
	return err
}

// judge returns the row of an upload, and an error if it is not what the recipe
// says.
func (d *demo) judge(ctx context.Context, x *index.Index, u upload) ([]string, error) {
	f, err := os.Open(filepath.Join(d.to, "demo", "uploads", u.name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	v, err := x.Judge(ctx, f, index.JudgeOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.name, err)
	}
	row := []string{u.name, string(v.Outcome), string(v.Advice), "", "", "", ""}
	of, transform := "", ""
	if len(v.Matches) > 0 {
		m := v.Matches[0]
		of, transform = m.Bank+"/"+m.ID, m.Transform().String()
		found := strconv.Itoa(m.Distance.PDQ)
		if n, ok := m.Found(); ok && m.Check != index.CheckHash {
			found = fmt.Sprintf("%s %d", m.Check, n)
		}
		copy(row[3:], []string{string(m.Grade), of, found, transform})
	}
	if v.Outcome != u.outcome || of != u.of || transform != u.transform {
		return row, fmt.Errorf("%s: %v, want %s %s %s", u.name, row, u.outcome, u.of, u.transform)
	}
	return row, nil
}
