//go:build linux

package radius_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// line is one line of the table: a value, perhaps its ratio to something of the
// same run, and what is asked of it.
type line struct {
	Name       string   `json:"name"`
	Value      float64  `json:"value"`
	Unit       string   `json:"unit"`
	Ratio      float64  `json:"ratio,omitempty"`
	To         string   `json:"to,omitempty"` // what the ratio is to
	Bar        *bar     `json:"bar,omitempty"`
	Candidates *float64 `json:"candidates,omitempty"` // per call
	Probes     *float64 `json:"probes,omitempty"`     // per call
	Recall     *float64 `json:"recall,omitempty"`
	Note       string   `json:"note,omitempty"`
	Missed     bool     `json:"missed,omitempty"`
}

// bar is a bound of a line's ratio, or of its value where it has no ratio.
type bar struct {
	Limit float64 `json:"limit"`
	Least bool    `json:"least"` // the limit is the least that will do, else the most
}

func least(limit float64) *bar { return &bar{limit, true} }
func most(limit float64) *bar  { return &bar{limit, false} }

func (b *bar) String() string {
	if b == nil {
		return ""
	}
	sign := "<= "
	if b.Least {
		sign = ">= "
	}
	return sign + number(b.Limit)
}

// missed reports whether the line's bar or its recall is missed.
func (l *line) missed() bool {
	if l.Recall != nil && *l.Recall < 1 {
		return true
	}
	if l.Bar == nil {
		return false
	}
	v := l.Value
	if l.To != "" {
		v = l.Ratio
	}
	if l.Bar.Least {
		return !(v >= l.Bar.Limit)
	}
	return !(v <= l.Bar.Limit)
}

// at returns the bar of a number of codes: those of a million, from ten millions
// on those of ten, and none below a million.
func at(n int, million, ten *bar) *bar {
	switch {
	case n >= 10_000_000:
		return ten
	case n >= 1_000_000:
		return million
	}
	return nil
}

// table prints lines as they come and keeps them.
type table struct {
	w      io.Writer
	Date   string  `json:"date"`
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Go     string  `json:"go"`
	Kernel string  `json:"kernels"`
	Codes  int     `json:"codes"`
	Took   float64 `json:"seconds"`
	Lines  []line  `json:"lines"`
}

func newTable(w io.Writer, n int, start time.Time) *table {
	return &table{
		w: w, Date: start.UTC().Format(time.DateOnly), CPU: processor(), Cores: runtime.GOMAXPROCS(0),
		Go: runtime.Version(), Kernel: hamming.Best().String(), Codes: n,
	}
}

const columns = "%-46s %9s %-8s %8s %-14s %-8s %10s %8s %7s  %s\n"

func (t *table) head() {
	fmt.Fprintf(t.w, "%d codes; %s, %d cores, %s, kernels %s\n\n", t.Codes, t.CPU, t.Cores, t.Go, t.Kernel)
	fmt.Fprintf(t.w, columns, "", "", "", "ratio", "to", "bar", "candidates", "probes", "recall", "")
}

func (t *table) add(l line) {
	l.Missed = l.missed()
	t.Lines = append(t.Lines, l)
	ratio, word := "", ""
	if l.To != "" {
		ratio = number(l.Ratio)
	}
	switch {
	case l.Missed:
		word = "MISSED"
	case l.Bar != nil:
		word = "ok"
	}
	if l.Note != "" {
		word = strings.TrimSpace(word + "  " + l.Note)
	}
	fmt.Fprintf(t.w, columns, l.Name, number(l.Value), l.Unit, ratio, l.To, l.Bar, count(l.Candidates), count(l.Probes), share(l.Recall), word)
}

func (t *table) missed() (n int) {
	for _, l := range t.Lines {
		if l.Missed {
			n++
		}
	}
	return n
}

func (t *table) save(path string) error {
	for i := range t.Lines {
		l := &t.Lines[i]
		l.Value, l.Ratio = rounded(l.Value), rounded(l.Ratio)
	}
	b, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// number writes three digits, and all of large numbers.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func count(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.0f", *v)
}

// share writes four decimals, and 1.0000 only for all.
func share(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.4f", math.Floor(*v*1e4)/1e4)
}

// rounded keeps four digits.
func rounded(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// processor is the model of the processor, as far as it can be told.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`).FindSubmatch(b); m != nil {
		return strings.TrimSpace(string(m[1]))
	}
	return runtime.GOARCH
}
