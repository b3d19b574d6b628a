package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
)

// results is what a run found, as it is written to a file. Shares are of 1,
// sizes in bytes, times in milliseconds unless the name says otherwise.
type results struct {
	Dataset   string                `json:"dataset"` // name of the folder
	Date      string                `json:"date"`
	Machine   string                `json:"machine"`
	Seconds   float64               `json:"seconds"`
	Protocol  counts                `json:"protocol"`
	Bank      bankCost              `json:"bank"`
	QueryCost map[string]*queryCost `json:"query_cpu"`
	Bars      []barResult           `json:"bars"`
	Sets      []setResults          `json:"sets"`
}

// counts say how large a run was.
type counts struct {
	Photos     int      `json:"photos"`
	Registered int      `json:"registered"`
	Refused    []string `json:"refused,omitempty"`
	Originals  []string `json:"originals"`
	Strangers  int      `json:"strangers"`
	Edited     int      `json:"edited_copies_per_stranger"`
	Pool       int      `json:"pool"`
}

// setResults is about one set of attacks.
type setResults struct {
	Set     string          `json:"set"`
	Methods []methodResults `json:"methods"`
}

type methodResults struct {
	Method   string   `json:"method"`
	Recall   grades   `json:"recall"`
	Families []family `json:"families"`
	Attacks  []single `json:"attacks"`
	Alarms   []alarms `json:"false_alarms"`
	Rank1    rate     `json:"rank_1"`
	MicroAP  float64  `json:"micro_ap"`
	// Template are the copies whose own reference matched only as the same
	// template.
	Template rate    `json:"same_template_only"`
	Unusable int     `json:"unusable"`
	Places   []place `json:"places,omitempty"`
	// Missed are the copies that were not found at any grade, Accused those
	// of strangers that matched, and what: file|attack.
	Missed  []string `json:"missed,omitempty"`
	Accused []string `json:"accused,omitempty"`
}

// family is about a family of attacks.
type family struct {
	Name   string `json:"name"`
	Recall grades `json:"recall"`
	Alarms rate   `json:"false_alarms"` // of strangers edited in this way, at any grade
}

// single is about one attack.
type single struct {
	Name   string `json:"name"`
	Copies int    `json:"copies"`
	Strong int    `json:"strong"`
	Any    int    `json:"any"`
}

// alarms are rates of false alarms among the strangers of one background.
type alarms struct {
	Background string `json:"background"` // all, white (or plain), natural
	Siblings   bool   `json:"template_siblings"`
	grades
}

// place tells how well the place of an original was found.
type place struct {
	Family string `json:"family"`
	Found  int    `json:"found"`  // copies that matched
	Placed int    `json:"placed"` // of these, matches that tell a place
	Right  rate   `json:"right"`  // of those found: within maxOffset
}

// maxOffset is how far a corner may be from its true place, as a share of the
// place's diagonal.
const maxOffset = 0.03

func (m *measurement) results() *results {
	r := &results{
		Dataset: filepath.Base(m.dir), Date: time.Now().UTC().Format(time.DateOnly),
		Machine: fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), runtime.Version()),
		Protocol: counts{
			Photos: len(m.photos), Registered: len(m.bank.registered), Refused: m.bank.refused,
			Strangers: len(m.out), Edited: m.negatives, Pool: m.pool,
		},
		Bank: m.bank.cost, QueryCost: make(map[string]*queryCost),
	}
	for _, p := range m.asked {
		r.Protocol.Originals = append(r.Protocol.Originals, p.file)
	}
	for i, c := range m.cost {
		r.QueryCost[method(i).String()] = &c
	}
	for _, set := range m.sets {
		s := setResults{Set: set.String()}
		for i := range methods {
			s.Methods = append(s.Methods, m.resultsOf(set, method(i)))
		}
		r.Sets = append(r.Sets, s)
	}
	r.Bars = r.compare()
	return r
}

// answersOf returns the answers for copies of one set, those for the strangers'
// own files included: positives, then negatives.
func (m *measurement) answersOf(set attack.Set) (positives, negatives []answer) {
	for _, a := range m.answers {
		switch {
		case a.photo.in() && a.set == set:
			positives = append(positives, a)
		case !a.photo.in() && (a.set == set || a.attack.Name == ""):
			negatives = append(negatives, a)
		}
	}
	return positives, negatives
}

func (m *measurement) resultsOf(set attack.Set, by method) methodResults {
	positives, negatives := m.answersOf(set)
	own := func(a answer) grade { return a.by[by].own }
	foreign := func(a answer) grade { return a.by[by].foreign }
	r := methodResults{
		Method: by.String(), Recall: gradesOf(positives, own),
		Rank1:    count(positives, func(a answer) bool { return a.by[by].ranked && a.by[by].first }),
		MicroAP:  rounded(microAP(slices.Concat(positives, negatives), by, len(positives))),
		Template: count(positives, func(a answer) bool { return a.by[by].template && own(a) == unmatched }),
	}
	as := attack.All(set)
	for _, name := range families(as) {
		is := func(a answer) bool { return a.attack.Family == name }
		r.Families = append(r.Families, family{
			Name:   name,
			Recall: gradesOf(filter(positives, is), own),
			Alarms: gradesOf(filter(negatives, is), foreign).Any,
		})
	}
	for _, at := range as {
		g := gradesOf(filter(positives, func(a answer) bool { return a.attack.Name == at.Name }), own)
		r.Attacks = append(r.Attacks, single{at.Name, g.Any.Of, g.Strong.Count, g.Any.Count})
	}
	r.Alarms = alarmsOf(negatives, foreign)
	if by == thorough {
		r.Places = placesOf(positives)
	}
	r.list(by, positives, negatives)
	return r
}

// families lists the families of attacks in the order in which they come.
func families(as []attack.Attack) (names []string) {
	for _, a := range as {
		if !slices.Contains(names, a.Family) {
			names = append(names, a.Family)
		}
	}
	return names
}

func filter[T any](list []T, keep func(T) bool) (kept []T) {
	for _, v := range list {
		if keep(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func alarmsOf(negatives []answer, foreign func(answer) grade) (rows []alarms) {
	for _, siblings := range []bool{true, false} {
		for _, background := range []struct {
			name string
			is   func(photo) bool
		}{
			{"all", func(photo) bool { return true }},
			{"white", func(p photo) bool { return p.plain }},
			{"natural", func(p photo) bool { return !p.plain }},
		} {
			some := filter(negatives, func(a answer) bool { return background.is(a.photo) && (siblings || !a.photo.sibling) })
			rows = append(rows, alarms{background.name, siblings, gradesOf(some, foreign)})
		}
	}
	return rows
}

func placesOf(positives []answer) (rows []place) {
	for _, name := range placedFamilies {
		p := place{Family: name}
		right := 0
		for _, a := range positives {
			if !a.placed || a.attack.Family != name || a.by[thorough].own == unmatched {
				continue
			}
			p.Found++
			if !math.IsNaN(a.by[thorough].offset) {
				p.Placed++
			}
			if a.by[thorough].offset <= maxOffset {
				right++
			}
		}
		p.Right = rateOf(right, p.Found)
		rows = append(rows, p)
	}
	return rows
}

// list names what was wrong; of the rivals it only counts.
func (r *methodResults) list(by method, positives, negatives []answer) {
	for _, a := range slices.Concat(positives, negatives) {
		if a.by[by].unusable {
			r.Unusable++
		}
		if !slices.Contains(modes, by) {
			continue
		}
		switch {
		case a.photo.in() && a.by[by].own == unmatched:
			r.Missed = append(r.Missed, a.name())
		case !a.photo.in() && a.by[by].foreign != unmatched:
			name := a.name() + " = " + a.by[by].nearest
			if a.by[by].foreign == strong {
				name += " (strong)"
			}
			r.Accused = append(r.Accused, name)
		}
	}
}

// find returns the rows of a method; nil if it is not there.
func (s *setResults) find(m method) *methodResults {
	for i := range s.Methods {
		if s.Methods[i].Method == m.String() {
			return &s.Methods[i]
		}
	}
	return nil
}

func (r *results) save(file string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(onLines(b), '\n'), 0o644)
}

// flat is an object without others in it.
var flat = regexp.MustCompile(`\{[^{}\[\]]*\}`)

// onLines puts each object without others in it on a line of its own, so that
// the file can be read, and compared line by line.
func onLines(b []byte) []byte {
	return flat.ReplaceAllFunc(b, func(b []byte) []byte {
		var line bytes.Buffer
		if json.Compact(&line, b) != nil {
			return b // braces in a string
		}
		return line.Bytes()
	})
}

// load reads what save wrote.
func load(file string) (*results, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(results)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}
