package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
)

// figure is a line of the table.
type figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit,omitempty"`
	Bar    string  `json:"bar,omitempty"`
	Missed bool    `json:"missed,omitempty"`
}

// bar is a bound of a figure; a limit of 0 is none.
type bar struct {
	limit float64
	least bool // the limit is the least that will do, else the most
}

func least(limit float64) bar { return bar{limit, true} }
func most(limit float64) bar  { return bar{limit, false} }

func (b bar) String() string {
	if b.limit == 0 {
		return ""
	}
	sign := "<= "
	if b.least {
		sign = ">= "
	}
	return sign + strconv.FormatFloat(b.limit, 'f', -1, 64)
}

func (b bar) held(v float64) bool {
	return b.limit == 0 || b.least && v >= b.limit || !b.least && v <= b.limit
}

// table prints figures and counts missed bars.
type table struct {
	w       io.Writer
	figures []figure
	missed  int
}

// add prints a figure. Its bar is in the same unit.
func (t *table) add(name string, v float64, unit string, b bar) {
	f := figure{name, v, unit, b.String(), !b.held(v)}
	t.figures = append(t.figures, f)
	verdict := ""
	switch {
	case f.Missed:
		verdict = "MISSED"
		t.missed++
	case f.Bar != "":
		verdict = "held"
	}
	digits := 2
	switch {
	case v >= 1000:
		digits = 0
	case v < 0.1:
		digits = 4
	}
	t.line(name, strconv.FormatFloat(v, 'f', digits, 64), unit, f.Bar, verdict)
}

// counted adds a figure that only some systems can tell.
func (t *table) counted(name string, v float64, unit string, b bar) {
	if !countsKnown {
		t.line(name, "n/a", unit, b.String(), "")
		return
	}
	t.add(name, v, unit, b)
}

func (t *table) line(name, v, unit, bar, verdict string) {
	fmt.Fprintf(t.w, "%-42s %10s %-13s %-9s %s\n", name, v, unit, bar, verdict)
}

// save writes the figures to a file.
func (t *table) save(path string) error {
	b, err := json.MarshalIndent(t.figures, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
