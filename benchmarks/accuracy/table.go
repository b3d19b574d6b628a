package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
)

// binds says whether the bars bind a set of attacks. Of another one they are
// printed for comparison.
func binds(set string) bool { return set == "" || set == attack.Published.String() }

// print writes the tables and returns how many bars were missed.
func (r *results) print(w io.Writer, verbose bool) int {
	p := r.Protocol
	fmt.Fprintf(w, "%s: %d photos, %d registered, %d refused; copies of %d photos; %d strangers, each as it is and edited %d times; %d photos for tiles and scenes\n",
		r.Dataset, p.Photos, p.Registered, len(p.Refused), len(p.Originals), p.Strangers, p.Edited, p.Pool)
	for _, s := range p.Refused {
		fmt.Fprintf(w, "  refused: %s\n", s)
	}
	for i := range r.Sets {
		s := &r.Sets[i]
		s.printFamilies(w, r.barsOf(s.Set))
		s.printMethods(w)
		s.printPlaces(w)
		if verbose {
			s.printAttacks(w)
			s.printLists(w)
		}
	}
	r.printCosts(w)
	return r.printBars(w)
}

// barsOf are those of a set, by figure.
func (r *results) barsOf(set string) map[string]barResult {
	bars := make(map[string]barResult)
	for _, b := range r.Bars {
		if b.Set == set {
			bars[b.Figure] = b
		}
	}
	return bars
}

func table(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
}

// printFamilies is the main table: recall by family, and false alarms of
// strangers that were edited in the same way.
func (s *setResults) printFamilies(w io.Writer, bars map[string]barResult) {
	note := ""
	if !binds(s.Set) {
		note = "; bars for comparison"
	}
	fmt.Fprintf(w, "\n%s attacks: recall (interval at any grade), and false alarms in %% of strangers edited so%s\n", s.Set, note)
	t := table(w)
	fmt.Fprintln(t, "\t\tthorough\t\t\tfast\t\tphash\tdhash\tpdq\t%\t%\t%\t%\t%\t\t\t\t")
	fmt.Fprintln(t, "family\tcopies\tany\tinterval\tstrong\tany\tstrong\t<=10\t<=10\t<=31\tthor.\tfast\tphash\tdhash\tpdq\tmust\taim\t\t")
	for _, f := range s.families() {
		b, ok := bars[f.Name]
		s.row(t, f.Name, b, ok, func(r *methodResults) (grades, rate) {
			for _, g := range r.Families {
				if g.Name == f.Name {
					return g.Recall, g.Alarms
				}
			}
			return grades{}, rate{}
		})
	}
	all := func(r *methodResults) (grades, rate) { return r.Recall, r.Alarms[0].Any }
	s.row(t, "all", bars["all, "+thorough.String()], true, all)
	t.Flush()
	b := bars["all, "+fast.String()]
	fmt.Fprintf(w, "all, fast: %.3f [%.3f, %.3f], must %.2f, aim %.2f: %s\n", b.Value, b.Low, b.High, b.Must, b.Aim, b.word())
}

func (s *setResults) row(w io.Writer, name string, b barResult, barred bool, of func(*methodResults) (grades, rate)) {
	g, _ := of(s.find(thorough))
	h, _ := of(s.find(fast))
	fmt.Fprintf(w, "%s\t%d\t%.3f\t%.2f-%.2f\t%.3f\t%.3f\t%.3f\t", name, g.Any.Of, g.Any.Share, g.Any.Low, g.Any.High, g.Strong.Share, h.Any.Share, h.Strong.Share)
	for _, m := range []method{phash, dhash, pdq} {
		g, _ := of(s.find(m))
		fmt.Fprintf(w, "%.3f\t", g.Any.Share)
	}
	for m := range method(methods) {
		_, alarms := of(s.find(m))
		if alarms.Of == 0 {
			fmt.Fprint(w, "-\t")
			continue
		}
		fmt.Fprintf(w, "%.1f\t", 100*alarms.Share)
	}
	if barred {
		fmt.Fprintf(w, "%.2f\t%.2f\t%s\t\n", b.Must, b.Aim, b.word())
	} else {
		fmt.Fprint(w, "\t\t\t\n")
	}
}

// name says in words which strangers a row is about.
func (a alarms) name() string {
	if a.Siblings {
		return a.Background
	}
	return a.Background + " without siblings"
}

// printMethods is the table of what is not about families.
func (s *setResults) printMethods(w io.Writer) {
	t := table(w)
	fmt.Fprintf(t, "\n%s attacks\tqueries\t", s.Set)
	for m := range method(methods) {
		fmt.Fprintf(t, "%s\t", m.label())
	}
	fmt.Fprintln(t)
	for i, a := range s.Methods[0].Alarms {
		s.alarmRow(t, "false alarms, "+a.name(), i, method(methods), func(a alarms) rate { return a.Any })
		s.alarmRow(t, "strong", i, phash, func(a alarms) rate { return a.Strong })
	}
	line := func(name string, f func(methodResults) string) {
		fmt.Fprintf(t, "%s\t%d\t", name, s.Methods[0].Recall.Any.Of)
		for _, m := range s.Methods {
			fmt.Fprintf(t, "%s\t", f(m))
		}
		fmt.Fprintln(t)
	}
	line("own reference first", func(m methodResults) string { return fmt.Sprintf("%.3f", m.Rank1.Share) })
	line("micro-AP", func(m methodResults) string { return fmt.Sprintf("%.3f", m.MicroAP) })
	line("same template only", func(m methodResults) string { return fmt.Sprintf("%.2f %%", 100*m.Template.Share) })
	line("unusable", func(m methodResults) string { return fmt.Sprint(m.Unusable) })
	t.Flush()
}

// alarmRow has a cell for each method before end.
func (s *setResults) alarmRow(w io.Writer, name string, i int, end method, of func(alarms) rate) {
	fmt.Fprintf(w, "%s\t%d\t", name, of(s.Methods[0].Alarms[i]).Of)
	for m := range end {
		r := of(s.find(m).Alarms[i])
		fmt.Fprintf(w, "%d: %.2f %% (%.2f-%.2f)\t", r.Count, 100*r.Share, 100*r.Low, 100*r.High)
	}
	fmt.Fprintln(w)
}

func (s *setResults) printPlaces(w io.Writer) {
	t := table(w)
	fmt.Fprintf(t, "\nplace, thorough\tfound\twith a place\twithin %.0f %%\tshare\tinterval\t\n", 100*maxOffset)
	for _, p := range s.find(thorough).Places {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%.3f\t%.2f-%.2f\t\n", p.Family, p.Found, p.Placed, p.Right.Count, p.Right.Share, p.Right.Low, p.Right.High)
	}
	t.Flush()
}

func (s *setResults) printAttacks(w io.Writer) {
	t := table(w)
	fmt.Fprintf(t, "\n%s attacks\tcopies\tthorough\tstrong\tfast\tstrong\tphash<=10\tdhash<=10\tpdq<=31\t\n", s.Set)
	for i, a := range s.find(thorough).Attacks {
		fmt.Fprintf(t, "%s\t%d\t", a.Name, a.Copies)
		share := func(n int) { fmt.Fprintf(t, "%.3f\t", float64(n)/math.Max(1, float64(a.Copies))) }
		for _, m := range modes {
			share(s.find(m).Attacks[i].Any)
			share(s.find(m).Attacks[i].Strong)
		}
		for _, m := range []method{phash, dhash, pdq} {
			share(s.find(m).Attacks[i].Any)
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

func (s *setResults) printLists(w io.Writer) {
	for _, m := range modes {
		r := s.find(m)
		fmt.Fprintf(w, "\n%s attacks, %s\n", s.Set, r.Method)
		for _, name := range r.Missed {
			fmt.Fprintf(w, "  not found: %s\n", name)
		}
		for _, name := range r.Accused {
			fmt.Fprintf(w, "  false alarm: %s\n", name)
		}
	}
}

func (r *results) printCosts(w io.Writer) {
	t := table(w)
	fmt.Fprint(t, "\nCPU ms a query, alone\treferences\tqueries\tmean\tmedian\t95 %\t\n")
	for m := range method(methods) {
		c := r.QueryCost[m.String()]
		fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t\n", m.label(), c.References, c.Queries, c.Mean, c.Median, c.P95)
	}
	t.Flush()
	b := r.Bank
	fmt.Fprintf(w, "at %d references, each: %.0f bytes on disk (thumbnails included), %.0f in memory and %.0f more for the search by local features; registered in %.1f ms CPU (%.1f ms)\n",
		b.References, b.DiskBytes, b.MemoryBytes, b.LocalBytes, b.RegisterCPU, b.RegisterWall)
}

// printBars lists the bars that are missed, or whose value is on the wrong
// side.
func (r *results) printBars(w io.Writer) int {
	fmt.Fprintln(w)
	for _, b := range r.Bars {
		if !b.Missed && !b.Beyond {
			continue
		}
		sign, set := "<=", b.Set
		if b.Least {
			sign = ">="
		}
		if !binds(b.Set) {
			set += ", not binding"
		}
		if set != "" {
			set = " (" + set + ")"
		}
		fmt.Fprintf(w, "%-11s %s%s: %s, must be %s %s\n", b.word(), b.Figure, set, b.figures(), sign, short(b.Must))
	}
	missed := r.missed()
	if missed > 0 {
		fmt.Fprintf(w, "%d of %d bars missed\n", missed, r.binding())
	} else {
		fmt.Fprintf(w, "all %d bars held\n", r.binding())
	}
	return missed
}

func (r *results) binding() (n int) {
	for _, b := range r.Bars {
		if binds(b.Set) {
			n++
		}
	}
	return n
}

// figures are the value and, if there is one, its interval.
func (b barResult) figures() string {
	if b.Low == b.High {
		return short(b.Value)
	}
	return fmt.Sprintf("%s [%s, %s]", short(b.Value), short(b.Low), short(b.High))
}

// short writes a share with four digits and anything larger with one.
func short(v float64) string {
	if math.Abs(v) > 1 {
		return fmt.Sprintf("%.1f", v)
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.4f", v), "0"), ".")
}
