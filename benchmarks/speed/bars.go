package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// bar is a figure beside what it must be.
type bar struct {
	Figure string  `json:"figure"`
	Value  float64 `json:"value"`
	Bar    float64 `json:"bar"`
	Least  bool    `json:"least,omitempty"` // the value must not be below the bar
	Of     int     `json:"of"`              // how many it is about; 0: it is not held against the bar
}

func (b bar) held() bool {
	if b.Of == 0 || b.Value == b.Bar {
		return true
	}
	return b.Value > b.Bar == b.Least
}

// MarshalJSON rounds, which held must not.
func (b bar) MarshalJSON() ([]byte, error) {
	type plain bar
	p := plain(b)
	p.Value, p.Bar = rounded(b.Value), rounded(b.Bar)
	return json.Marshal(p)
}

func (b bar) word() string {
	if b.held() {
		return "ok"
	}
	return "MISSED"
}

// least is a share with its bar.
func least(figure string, n, of int, must float64) bar {
	b := bar{Figure: figure, Bar: must, Least: true, Of: of}
	if of > 0 {
		b.Value = float64(n) / float64(of)
	}
	return b
}

func table(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
}

// printBars writes figures beside their bars and counts those missed.
func printBars(w io.Writer, bars []bar) (missed int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, b := range bars {
		if !b.held() {
			missed++
		}
		if b.Of == 0 {
			fmt.Fprintf(t, "%s\t%.4g\t\t\t\n", b.Figure, b.Value)
			continue
		}
		sign := "<="
		if b.Least {
			sign = ">="
		}
		fmt.Fprintf(t, "%s\t%.4g\t%s %.4g\tof %d\t%s\n", b.Figure, b.Value, sign, b.Bar, b.Of, b.word())
	}
	t.Flush()
	return missed
}
