package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/touchstone-go/touchstone/index"
)

// nearResult is what bench near prints.
type nearResult struct {
	Seq        uint64     `json:"seq"`
	Queries    int        `json:"queries"`
	Seed       uint64     `json:"seed"`
	Upright    bool       `json:"upright"`
	Settled    bool       `json:"settled"` // all indexes were built
	Banks      []nearBank `json:"banks"`
	Time       spread     `json:"time_us"`
	Codes      spread     `json:"query_codes"`
	Probes     spread     `json:"probes"`
	Candidates spread     `json:"candidates"`
	Scanned    spread     `json:"codes_scanned"`
	Share      spread     `json:"candidates_of_n"`
	Found      spread     `json:"found_besides"`
	Plans      plans      `json:"plans"`
	Recall     *float64   `json:"recall,omitempty"` // with --check
}

// nearBank is a bank as the searches found it.
type nearBank struct {
	Bank       string `json:"bank"`
	Hash       string `json:"hash"`
	References int64  `json:"references"` // that are not withdrawn
	Searches   int    `json:"searches"`   // none if no query has the hash; then what follows is unknown
	Radius     int    `json:"radius"`
	Codes      int    `json:"codes"`
	Dead       int    `json:"dead"`
	Tail       int    `json:"tail"`
	Parts      []int  `json:"parts"`
}

// plans counts queries by what answered them.
type plans struct {
	Index int `json:"index"`
	Scan  int `json:"scan"`
	Both  int `json:"both"`
}

func (p *plans) add(t index.Trace) {
	parts, indexed, scanned := 0, 0, 0
	for _, b := range t.Banks {
		parts += len(b.Parts)
		indexed += b.Indexed
		scanned += b.Scanned
		if b.Tail > 0 {
			scanned -= b.Queries
		}
	}
	switch {
	case parts == 0 || indexed == 0 && scanned > 0:
		p.Scan++
	case scanned == 0:
		p.Index++
	default:
		p.Both++
	}
}

// nearFigures gathers the figures of the searches, of all banks together.
type nearFigures struct {
	seq                                                      uint64
	banks                                                    []nearBank
	at                                                       map[string]*nearBank
	time, codes, probes, candidates, scanned, share, besides []float64
	plans                                                    plans
}

func newNearFigures(banks []index.Bank) *nearFigures {
	m := &nearFigures{banks: make([]nearBank, len(banks)), at: map[string]*nearBank{}}
	for i, b := range banks {
		l := lineOfBank(b)
		m.banks[i] = nearBank{Bank: l.Name, Hash: l.Hash, References: l.Searchable, Parts: []int{}}
		m.at[b.Name] = &m.banks[i]
	}
	return m
}

// add returns how many references were found.
func (m *nearFigures) add(t index.Trace, took time.Duration) int {
	var sum index.BankTrace
	pairs := 0 // what a comparison of each with each would compare
	for _, b := range t.Banks {
		k := m.at[b.Bank]
		k.Searches++
		k.Radius, k.Codes, k.Dead, k.Tail = b.Radius, b.Codes, b.Dead, b.Tail
		k.Parts = append(k.Parts[:0], b.Parts...) // of JSON: never null
		sum.Queries = max(sum.Queries, b.Queries)
		sum.Probes += b.Probes
		sum.Candidates += b.Candidates
		sum.Compared += b.Compared
		sum.Found += b.Found
		pairs += b.Queries * b.Codes
	}
	m.seq = t.Seq
	m.time = append(m.time, float64(took.Nanoseconds())/1000)
	m.codes = append(m.codes, float64(sum.Queries))
	m.probes = append(m.probes, float64(sum.Probes))
	m.candidates = append(m.candidates, float64(sum.Candidates))
	m.scanned = append(m.scanned, float64(sum.Compared))
	m.share = append(m.share, float64(sum.Candidates)/float64(max(pairs, 1)))
	m.besides = append(m.besides, float64(sum.Found-1))
	m.plans.add(t)
	return sum.Found
}

func (m *nearFigures) result() nearResult {
	return nearResult{
		Seq: m.seq, Banks: m.banks, Plans: m.plans, Time: spreadOf(m.time), Codes: spreadOf(m.codes),
		Probes: spreadOf(m.probes), Candidates: spreadOf(m.candidates), Scanned: spreadOf(m.scanned),
		Share: spreadOf(m.share), Found: spreadOf(m.besides),
	}
}

func (a *app) printNear(r nearResult) error {
	if a.json {
		return a.printJSON(r)
	}
	return a.printLine(r.String())
}

// String is the table for people.
func (r nearResult) String() string {
	var b strings.Builder
	for _, k := range r.Banks {
		fmt.Fprintln(&b, k)
	}
	fmt.Fprintf(&b, "%d queries at change %d\n\n%-16s %10s %10s %10s %10s %10s\n", r.Queries, r.Seq, "", "mean", "p50", "p90", "p99", "max")
	row := func(name string, s spread, mean, each int) {
		fmt.Fprintf(&b, "%-16s %10.*f", name, mean, s.Mean)
		for _, v := range []float64{s.P50, s.P90, s.P99, s.Max} {
			fmt.Fprintf(&b, " %10.*f", each, v)
		}
		b.WriteByte('\n')
	}
	row("time in us", r.Time, 1, 1)
	row("codes of a query", r.Codes, 1, 0)
	row("probes", r.Probes, 1, 0)
	row("candidates", r.Candidates, 1, 0)
	row("codes scanned", r.Scanned, 1, 0)
	row("candidates of n", r.Share, 6, 6)
	row("found besides", r.Found, 1, 0)
	percent := func(n int) float64 { return 100 * float64(n) / float64(r.Queries) }
	fmt.Fprintf(&b, "\nanswered by indexes %.1f %%, by scans %.1f %%, by both %.1f %%",
		percent(r.Plans.Index), percent(r.Plans.Scan), percent(r.Plans.Both))
	if r.Recall != nil {
		fmt.Fprintf(&b, "\nrecall %.4f", *r.Recall)
	}
	return b.String()
}

// String is the line for people.
func (k nearBank) String() string {
	head := fmt.Sprintf("%-24s %-6s references %-8d", k.Bank, k.Hash, k.References)
	if k.Searches == 0 {
		return head + " searched by no query"
	}
	return fmt.Sprintf("%s radius %-3d codes %-8d dead %-8d tail %-8d parts %s", head, k.Radius, k.Codes, k.Dead, k.Tail, sizes(k.Parts))
}

// sizes writes the sizes of parts, "-" if there are none.
func sizes(parts []int) string {
	if len(parts) == 0 {
		return "-"
	}
	text := make([]string, len(parts))
	for i, n := range parts {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, "+")
}
