package index

import (
	"context"

	"github.com/touchstone-go/touchstone/hash"
)

// A search is as fast as the planner of package radius makes it, and what that
// does depends on the data: on photos that are like thousands of others, on how
// much of a bank has an index yet. A trace shows it for one query, on the
// owner's own store. It searches as Near does, and stops where that would begin to
// read records.

// Trace says what a search compares.
type Trace struct {
	// Seq is that of the state which was searched.
	Seq   uint64      `json:"seq"`
	Banks []BankTrace `json:"banks"` // those that were searched, by name
}

// BankTrace is a search in one bank.
type BankTrace struct {
	Bank string `json:"bank"`
	// Codes are those of living references, one to three for each; Dead are codes
	// of removed ones that are still in memory. Parts are the sizes of the indexes,
	// and Tail is the number of codes that have none, dead ones included in both.
	Codes int   `json:"codes"`
	Dead  int   `json:"dead"`
	Parts []int `json:"parts"`
	Tail  int   `json:"tail"`
	// Queries is the number of codes that were searched for, Radius the distance
	// in bits within which.
	Queries int `json:"queries"`
	Radius  int `json:"radius"`
	// Indexed and Scanned count the queries that were answered by an index and by
	// a scan, once for each part and once for the tail.
	Indexed int `json:"indexed"`
	Scanned int `json:"scanned"`
	// Probes are the buckets of indexes that were looked at, Candidates the codes
	// in them, of which most are left out before they are compared. Compared are
	// the codes that were scanned, once however many queries share a scan.
	Probes     int `json:"probes"`
	Candidates int `json:"candidates"`
	Compared   int `json:"compared"`
	// Regions are the codes of regions that were scanned.
	Regions int `json:"regions"`
	// Found is the number of references within the radius, or of which a region is.
	Found int `json:"found"`
}

// Trace searches as Near does with these arguments, and says what was compared
// instead of what was found. It reads no records, so o.Limit means nothing, nor
// does o.SHA256. Its errors are those of Near.
func (x *Index) Trace(ctx context.Context, f hash.Fingerprint, o NearOptions) (Trace, error) {
	s := x.acquire()
	if s == nil {
		return Trace{}, ErrClosed
	}
	defer s.release()
	q, banks, err := s.prepare(f, o, nil)
	if err != nil {
		return Trace{}, err
	}
	with := s.searcher()
	defer s.giveBack(with)
	t := Trace{Seq: s.seq, Banks: []BankTrace{}}
	for _, b := range banks {
		if !f.Has(b.Main) {
			continue
		}
		found := newCollector(1)
		if err := q.search(ctx, with, b, 0, q.radius(b), found); err != nil {
			return Trace{}, err
		}
		t.Banks = append(t.Banks, q.trace(b, with, found.total))
	}
	return t, nil
}

func (q *query) trace(b *bankView, with *searcher, found int) BankTrace {
	set, plan := b.codes.Stats(), with.codes.Plan()
	t := BankTrace{
		Bank: b.Name, Codes: set.Codes, Dead: set.Dead, Parts: append([]int{}, set.Parts...), Tail: set.Tail,
		Queries: len(q.codesFor(b.Main)), Radius: q.radius(b),
		Indexed: plan.Indexed, Scanned: plan.Scanned,
		Probes: plan.Probes, Candidates: plan.Candidates, Compared: plan.Codes, Found: found,
	}
	if len(q.partCodes) > 0 {
		for _, c := range b.chunks {
			t.Regions += len(c.regions)
		}
	}
	return t
}
