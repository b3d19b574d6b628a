package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// tally counts answers of one row of a table.
type tally struct{ n, strong, any int }

func (t *tally) add(g grade) {
	t.n++
	if g >= 1 {
		t.any++
	}
	if g >= 2 {
		t.strong++
	}
}

func share(k, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}

// report prints both tables and the failures, and returns how many bars were
// missed.
func (m *measurement) report(w io.Writer) (missed int) {
	fmt.Fprintf(w, "%d photos registered, %d refused\n", len(m.products)-len(m.refused), len(m.refused))
	for _, r := range m.refused {
		fmt.Fprintf(w, "  refused: %s\n", r)
	}
	missed = m.reportRecall(w) + m.reportAlarms(w)
	m.reportFailures(w)
	return missed
}

func (m *measurement) reportRecall(w io.Writer) (missed int) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "\nrecall\tcopies\tstrong\tany\tbar\t\t\n")
	for _, family := range slices.Compact(families()) {
		var t tally
		for _, a := range m.answers {
			if a.photo.in() && a.family == family {
				t.add(a.own)
			}
		}
		held := "-\t"
		if bar, ok := bars[family]; ok {
			held = fmt.Sprintf("%.2f\theld", bar)
			if t.n > 0 && share(t.any, t.n) < bar {
				held, missed = fmt.Sprintf("%.2f\tMISSED", bar), missed+1
			}
		}
		fmt.Fprintf(tw, "%s\t%d\t%.4f\t%.4f\t%s\t\n", family, t.n, share(t.strong, t.n), share(t.any, t.n), held)
	}
	tw.Flush()
	return missed
}

func families() (names []string) {
	for _, a := range attacks() {
		names = append(names, a.family)
	}
	return names
}

func (m *measurement) reportAlarms(w io.Writer) (missed int) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "\nfalse alarms\tpictures\tstrong\tany\tbars\t\t\n")
	for _, row := range []struct {
		name  string
		bar   bool
		count func(answer) bool
	}{
		{"files as they are", true, func(a answer) bool { return a.family == "" }},
		{"files and edited copies", true, func(a answer) bool { return true }},
		{"files, no template siblings", false, func(a answer) bool { return a.family == "" && !a.photo.sibling }},
		{"all, no template siblings", false, func(a answer) bool { return !a.photo.sibling }},
	} {
		var t tally
		for _, a := range m.answers {
			if !a.photo.in() && row.count(a) {
				t.add(a.foreign)
			}
		}
		strong, any := share(t.strong, t.n), share(t.any, t.n)
		verdict := ""
		if row.bar {
			verdict = "held"
			if strong > barStrong || any > barAny {
				verdict, missed = "MISSED", missed+1
			}
			verdict = fmt.Sprintf("%.3f / %.3f\t%s", barStrong, barAny, verdict)
		} else {
			verdict = "\t"
		}
		fmt.Fprintf(tw, "%s\t%d\t%.4f\t%.4f\t%s\t\n", row.name, t.n, strong, any, verdict)
	}
	tw.Flush()
	return missed
}

// shown is how many failures of a family are listed.
const shown = 15

func (m *measurement) reportFailures(w io.Writer) {
	lists := make(map[string][]string)
	for _, a := range m.answers {
		if a.photo.in() && a.own == 0 {
			lists[a.family] = append(lists[a.family], fmt.Sprintf("not found: %s, %s, distance %d", a.photo.file, a.attack, a.distance))
		}
		if !a.photo.in() && a.foreign > 0 {
			lists[alarms] = append(lists[alarms], fmt.Sprintf("false alarm: %s, %s: %s (%s) at %d",
				a.photo.file, a.attack, a.nearest.ID, a.nearest.Grade, a.nearest.Distance.PDQ))
		}
	}
	for _, name := range append(slices.Compact(families()), alarms) {
		list := lists[name]
		if len(list) > 0 {
			fmt.Fprintf(w, "\n%s\n", name)
		}
		for _, s := range list[:min(shown, len(list))] {
			fmt.Fprintf(w, "  %s\n", s)
		}
		if len(list) > shown {
			fmt.Fprintf(w, "  and %d more\n", len(list)-shown)
		}
	}
	fmt.Fprintln(w)
}

// alarms stands beside the names of families.
const alarms = "false alarms"
