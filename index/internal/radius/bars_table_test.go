//go:build linux

package radius_test

import (
	"bytes"
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
		return ten.eased(*barFloor)
	case n >= 1_000_000:
		return million.eased(*barFloor)
	}
	return nil
}

// eased returns the bar at a part of itself.
func (b *bar) eased(floor float64) *bar {
	switch {
	case b == nil:
		return nil
	case b.Least:
		return least(b.Limit * floor)
	}
	return most(b.Limit / floor)
}

// table prints lines as they come and keeps them.
type table struct {
	w     io.Writer
	run   run
	lines []line
}

// run says when and where a table was made, and of how many codes.
type run struct {
	Date    string  `json:"date"`
	CPU     string  `json:"cpu"`
	Cores   int     `json:"cores"`
	Go      string  `json:"go"`
	Kernels string  `json:"kernels"`
	Codes   int     `json:"codes"`
	Seconds float64 `json:"seconds"`
}

func newTable(w io.Writer, n int, start time.Time) *table {
	return &table{w: w, run: run{
		Date: start.UTC().Format(time.DateOnly), CPU: processor(), Cores: runtime.GOMAXPROCS(0),
		Go: runtime.Version(), Kernels: hamming.Best().String(), Codes: n,
	}}
}

const columns = "%-46s %9s %-8s %8s %-14s %-8s %10s %8s %7s  %s\n"

func (t *table) head() {
	fmt.Fprintf(t.w, "%d codes; %s, %d cores, %s, kernels %s\n\n", t.run.Codes, t.run.CPU, t.run.Cores, t.run.Go, t.run.Kernels)
	fmt.Fprintf(t.w, columns, "", "", "", "ratio", "to", "bar", "candidates", "probes", "recall", "")
}

func (t *table) add(l line) {
	l.Missed = l.missed()
	t.lines = append(t.lines, l)
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
	for _, l := range t.lines {
		if l.Missed {
			n++
		}
	}
	return n
}

// save writes the table as JSON, each line on a line of its own so that two runs
// can be compared.
func (t *table) save(path string) error {
	var b bytes.Buffer
	head, err := json.Marshal(t.run)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "{\"run\": %s,\n\"lines\": [", head)
	for i, l := range t.lines {
		text, err := json.Marshal(l.short())
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n%s", text)
	}
	b.WriteString("\n]}\n")
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// short keeps four digits of what is measured; a recall is kept whole.
func (l line) short() line {
	l.Value, l.Ratio = rounded(l.Value), rounded(l.Ratio)
	for _, v := range []**float64{&l.Candidates, &l.Probes} {
		if *v != nil {
			r := rounded(**v)
			*v = &r
		}
	}
	return l
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
