package main

import (
	"cmp"
	"slices"
)

// recallBar is what the recall of a family, at any grade and in mode thorough,
// must be at least, and what it should be.
type recallBar struct {
	families  []string
	must, aim float64
}

// recallBars in the order in which the families are printed.
var recallBars = []recallBar{
	{[]string{"identity", "jpeg", "resize", "format", "tone", "colour", "filter", "aspect", "rescan", "mirror", "rot90"}, 0.99, 1},
	{[]string{"border"}, 0.97, 1},
	{[]string{"border_blur"}, 0.85, 1},
	{[]string{"watermark"}, 0.97, 1},
	{[]string{"banner"}, 0.88, 0.98},
	{[]string{"tag"}, 0.70, 0.88},
	{[]string{"perspective"}, 0.88, 0.99},
	{[]string{"rot_small"}, 0.80, 0.95},
	{[]string{"crop"}, 0.68, 0.90},
	{[]string{"combo"}, 0.75, 0.90},
	{[]string{"background"}, 0.65, 0.90},
	{[]string{"screenshot"}, 0.60, 0.90},
	{[]string{"collage"}, 0.60, 0.90},
	{[]string{"compose"}, 0.25, 0.60},
}

// allBars are those of all attacks together, by mode.
var allBars = map[method]recallBar{thorough: {must: 0.86, aim: 0.93}, fast: {must: 0.70, aim: 0.76}}

// alarmBars are the most false alarms by copies of strangers, in both modes.
var alarmBars = []struct {
	background  string
	siblings    bool
	strong, any float64 // 0: no bar
}{
	{"all", true, 0.005, 0.03},
	{"all", false, 0.001, 0.01},
	{"natural", true, 0, 0.003},
}

// Further bars, in mode thorough.
const (
	maxTemplate = 0.02  // share of copies whose own reference is the same template only
	minPlaced   = 0.90  // share of found screenshots and collages whose place is right
	maxQueryCPU = 60.0  // ms, mean, at 2,000 references
	maxDisk     = 16384 // bytes a reference
	maxMemory   = 1536  // bytes a reference in memory, the search by local features aside

	// minWeighed is how many references there must be for the last two: what a
	// store sets up once is spread over too few otherwise.
	minWeighed = 500
)

// placedBar are the families that minPlaced binds.
var placedBar = []string{"screenshot", "collage"}

// barResult is a figure beside its bar.
type barResult struct {
	Set    string  `json:"set,omitempty"`
	Figure string  `json:"figure"`
	Value  float64 `json:"value"`
	// Low and High are the interval of a rate; for other figures the value.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Must is the bar and Aim the next one, 0 if there is none. Least says
	// that the figure must not be below them, otherwise it must not be above.
	Must  float64 `json:"must"`
	Aim   float64 `json:"aim,omitempty"`
	Least bool    `json:"least,omitempty"`
	// Missed: the whole interval is on the wrong side. Beyond: the value is.
	Missed bool `json:"missed"`
	Beyond bool `json:"beyond,omitempty"`
}

// atLeast compares a rate of recall with its bar, atMost one of false alarms.
func atLeast(figure string, r rate, must, aim float64) barResult {
	return barResult{
		Figure: figure, Value: r.Share, Low: r.Low, High: r.High, Must: must, Aim: aim, Least: true,
		Missed: r.Of > 0 && r.High < must, Beyond: r.Of > 0 && r.Share < must,
	}
}

func atMost(figure string, r rate, must float64) barResult {
	return barResult{
		Figure: figure, Value: r.Share, Low: r.Low, High: r.High, Must: must,
		Missed: r.Low > must, Beyond: r.Share > must,
	}
}

// within compares a figure that has no interval.
func within(figure string, v, must float64) barResult {
	return barResult{Figure: figure, Value: v, Low: v, High: v, Must: must, Missed: v > must, Beyond: v > must}
}

// word says how a figure stands to its bar.
func (b barResult) word() string {
	switch {
	case b.Missed:
		return "MISSED"
	case b.Beyond && b.Least:
		return "held, under"
	case b.Beyond:
		return "held, over"
	case b.Aim > 0 && b.Value >= b.Aim:
		return "aim"
	}
	return "held"
}

// compare sets all figures beside their bars.
func (r *results) compare() (bars []barResult) {
	for i := range r.Sets {
		for _, b := range r.Sets[i].compare() {
			b.Set = r.Sets[i].Set
			bars = append(bars, b)
		}
	}
	if r.Bank.References >= minWeighed {
		bars = append(bars,
			within("bytes on disk a reference", r.Bank.DiskBytes, maxDisk),
			within("bytes in memory a reference", r.Bank.MemoryBytes, maxMemory))
	}
	if c := r.QueryCost[thorough.String()]; c != nil {
		bars = append(bars, within("CPU ms a query, thorough", c.Mean, maxQueryCPU))
	}
	return bars
}

func (s *setResults) compare() (bars []barResult) {
	for _, f := range s.families() {
		if must, aim, ok := barOf(f.Name); ok {
			bars = append(bars, atLeast(f.Name, f.Recall.Any, must, aim))
		}
	}
	for _, m := range modes {
		r := s.find(m)
		bars = append(bars, atLeast("all, "+r.Method, r.Recall.Any, allBars[m].must, allBars[m].aim))
	}
	for _, m := range modes {
		for _, a := range s.find(m).Alarms {
			bars = append(bars, a.compare(m)...)
		}
	}
	r := s.find(thorough)
	bars = append(bars, atMost("same template only", r.Template, maxTemplate))
	for _, p := range r.Places {
		if slices.Contains(placedBar, p.Family) {
			bars = append(bars, atLeast("place, "+p.Family, p.Right, minPlaced, 0))
		}
	}
	return bars
}

func (a alarms) compare(m method) (bars []barResult) {
	for _, b := range alarmBars {
		if b.background != a.Background || b.siblings != a.Siblings {
			continue
		}
		name := "false alarms, " + m.String() + ", " + a.name()
		if b.strong > 0 {
			bars = append(bars, atMost(name+", strong", a.Strong, b.strong))
		}
		if b.any > 0 {
			bars = append(bars, atMost(name+", any grade", a.Any, b.any))
		}
	}
	return bars
}

// families are those of mode thorough, in the order of the bars.
func (s *setResults) families() []family {
	fs := slices.Clone(s.find(thorough).Families)
	slices.SortStableFunc(fs, func(a, b family) int { return cmp.Compare(orderOf(a.Name), orderOf(b.Name)) })
	return fs
}

// orderOf is the place of a family in the table; those without a bar come last.
func orderOf(name string) int {
	i := 0
	for _, b := range recallBars {
		for _, f := range b.families {
			if f == name {
				return i
			}
			i++
		}
	}
	return i
}

func barOf(name string) (must, aim float64, ok bool) {
	for _, b := range recallBars {
		if slices.Contains(b.families, name) {
			return b.must, b.aim, true
		}
	}
	return 0, 0, false
}

// missed counts the bars of the binding set, and those of no set, that are
// missed.
func (r *results) missed() (n int) {
	for _, b := range r.Bars {
		if b.Missed && binds(b.Set) {
			n++
		}
	}
	return n
}
