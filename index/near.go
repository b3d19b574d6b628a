package index

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// A search has two steps. The first compares the codes of the query with those of
// the banks in memory and keeps the references within the radius: the
// candidates. The simplest way is to compare each with each; that is
// NearOptions.Exhaustive. Package radius finds the same with less (codes.go).
// Then the records of the best candidates are read, and package
// hash compares the two fingerprints once more and says which frames and which
// orientation agree. The two must find the same distance; if they do not, row
// 10 and row 11 of the reference contradict each other, and that is an error,
// not a match less.
//
// References that have features are also searched by their regions (region.go),
// if that is asked for.
//
// A popular photo may have thousands of copies in a bank, and a caller may ask
// with any radius. A record costs a read and a kilobyte, so they are read for
// the best candidates only: by default 1,000 of each kind of bank, so that fakes
// cannot crowd out a genuine reference that would make a conflict. Candidates
// are chosen by grade, score, bank and slot (the order in which they were
// added); ids, which order equal matches in the end, are in the records. So
// only among candidates of equal distance at the very end of the list is it the
// older ones that are taken.

// NearOptions narrow a search. The zero value searches all banks.
type NearOptions struct {
	// Banks are the names to search; none means all. An unknown name is
	// ErrNotFound.
	Banks []string
	// Radius, if not nil, replaces the banks' weak thresholds as the largest
	// distance (grades still follow the policies; what lies beyond the weak
	// threshold has grade Weak).
	Radius *int
	// Upright searches the upright codes of the fingerprint only, not its
	// eight orientations.
	Upright bool
	// Regions also finds references of which the picture shows a part only, by
	// the codes of their regions and the thresholds of the banks for these (Radius
	// does not change them).
	Regions bool
	// SHA256, if not zero, finds references of the very same file as Exact.
	SHA256 Digest
	// Limit is the largest number of matches of each kind (genuine and fake);
	// 0 means 1000, negative all of them. The best are kept; see Near.
	Limit int
	// Exhaustive compares with every code in plain loops, without indexes and
	// vector instructions. It finds the same, later: it is what to compare with.
	Exhaustive bool
}

const defaultNearLimit = 1000

// Near returns the references within the thresholds of their banks, graded,
// ordered by grade, score, bank, id. It sees every write that has returned.
// Withdrawn references never match. A bank whose main hash f lacks is skipped,
// unless it was asked for by name (ErrInvalid).
//
// Of each kind of bank the best o.Limit matches are returned; at the limit,
// among equal ones of a bank, those that were added first.
//
// It fails with ErrInvalid for the zero Fingerprint and a negative radius, with a
// *hash.UnusableError (TooPlain) if f has a quality below hash.MinQuality, and with
// ErrCorrupt if the store contradicts itself.
func (x *Index) Near(ctx context.Context, f hash.Fingerprint, o NearOptions) ([]Match, error) {
	s := x.acquire()
	if s == nil {
		return nil, ErrClosed
	}
	defer s.release()
	ms, _, err := s.near(ctx, f, o)
	return ms, err
}

// near also returns how many matches were left out.
func (s *snapshot) near(ctx context.Context, f hash.Fingerprint, o NearOptions) ([]Match, int, error) {
	return s.nearWith(ctx, f, o, nil, func() hash.Fingerprint { return f })
}

// nearWith calls complete when there are matches to be shown, for the
// fingerprint with all hashes. picture is nil if only the fingerprint is known.
func (s *snapshot) nearWith(ctx context.Context, f hash.Fingerprint, o NearOptions, picture *hash.Info, complete func() hash.Fingerprint) ([]Match, int, error) {
	q, banks, err := s.prepare(f, o, picture)
	if err != nil {
		return nil, 0, err
	}
	found := newCollector(o.Limit)
	slots, err := slotsOf(ctx, s.txn, o.SHA256, 0)
	if err != nil {
		return nil, 0, err
	}
	q.exact(banks, slots, found)
	with := s.searcher()
	defer s.giveBack(with)
	for _, b := range banks {
		if !f.Has(b.Main) {
			continue
		}
		if err := q.search(ctx, with, b, 0, q.radius(b), found); err != nil {
			return nil, 0, err
		}
	}
	if found.total > 0 {
		q.f = complete()
	}
	return q.matches(ctx, s.txn, found)
}

// prepare makes the query, and chooses the banks.
func (s *state) prepare(f hash.Fingerprint, o NearOptions, picture *hash.Info) (*query, []*bankView, error) {
	q, err := newQuery(f, o)
	if err != nil {
		return nil, nil, err
	}
	banks, err := s.choose(o.Banks)
	if err != nil {
		return nil, nil, err
	}
	if len(o.Banks) > 0 {
		for _, b := range banks {
			if !f.Has(b.Main) {
				return nil, nil, invalid("the fingerprint has no %v, by which bank %s is searched", b.Main, b.Name)
			}
		}
	}
	if o.Regions && slices.ContainsFunc(banks, (*bankView).hasRegions) {
		q.setParts(picture)
	}
	return q, banks, nil
}

// choose returns the banks of these names, or all, by name.
func (s *state) choose(names []string) ([]*bankView, error) {
	if len(names) == 0 {
		return s.banks, nil
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	banks := make([]*bankView, 0, len(names))
	for _, n := range names {
		b, ok := s.bank(n)
		if !ok {
			return nil, fmt.Errorf("bank %q: %w", clip(n), ErrNotFound)
		}
		banks = append(banks, b)
	}
	return banks, nil
}

// query is a fingerprint that is searched.
type query struct {
	f     hash.Fingerprint
	o     NearOptions
	codes []hash.Code
	seen  map[uint64]bool // slots that are exact

	parts     []hash.Variant // what regions are compared with,
	partCodes []hash.Code    // its codes,
	picture   *hash.Info     // and what they are of; nil if only the fingerprint is known
}

func newQuery(f hash.Fingerprint, o NearOptions) (*query, error) {
	switch {
	case f.IsZero():
		return nil, invalid("search for no fingerprint")
	case f.Has(hash.PDQ) && f.Quality() < hash.MinQuality:
		return nil, tooPlain(f)
	case o.Radius != nil && *o.Radius < 0:
		return nil, invalid("radius %d", *o.Radius)
	}
	q := &query{f: f, o: o}
	if !o.Upright {
		for _, v := range f.Variants() {
			q.codes = append(q.codes, v.Code)
		}
		return q, nil
	}
	for fr := range hash.Frame(hash.Frames) {
		if c, ok := f.Code(fr); ok {
			q.codes = append(q.codes, c)
		}
	}
	return q, nil
}

func tooPlain(f hash.Fingerprint) error {
	return &hash.UnusableError{Reason: hash.TooPlain, Err: fmt.Errorf("quality %d, want at least %d", f.Quality(), hash.MinQuality)}
}

func (q *query) radius(b *bankView) int {
	if q.o.Radius != nil {
		return *q.o.Radius
	}
	return b.Policy.Weak
}

// candidate is a reference that was found, not yet read.
type candidate struct {
	bank  *bankView
	slot  uint64
	grade Grade
	score float64
	check Check
	dist  int // by the bank's main hash; -1 if that is not within the radius
	// What the other checks found. A region that the search found is only a number
	// until the candidate is read.
	part      int // distance of the nearest region; -1 if none is within the threshold
	region    *RegionHit
	alignment *hash.Alignment
}

// newCandidate grades what a check found: n is in the unit of the check.
func newCandidate(b *bankView, slot uint64, c Check, n int) candidate {
	grade, _ := b.Policy.gradeOf(c, n)
	return candidate{bank: b, slot: slot, grade: grade, score: scoreOf(c, b.Main, n), check: c, dist: -1, part: -1}
}

func compareCandidates(a, b candidate) int {
	return cmp.Or(
		cmp.Compare(a.grade.rank(), b.grade.rank()),
		cmp.Compare(b.score, a.score),
		cmp.Compare(a.bank.Name, b.bank.Name),
		cmp.Compare(a.slot, b.slot),
	)
}

// collector keeps the best candidates of each kind of bank.
type collector struct {
	limit int // negative: all
	kinds map[Kind][]candidate
	total int
}

func newCollector(limit int) *collector {
	limit = min(limit, math.MaxInt32) // so that twice as many are a number
	return &collector{limit: cmp.Or(limit, defaultNearLimit), kinds: map[Kind][]candidate{}}
}

func (c *collector) add(n candidate) {
	c.total++
	list := append(c.kinds[n.bank.Kind], n)
	if c.limit >= 0 && len(list) >= 2*c.limit+1024 {
		list = c.cut(list)
	}
	c.kinds[n.bank.Kind] = list
}

func (c *collector) cut(list []candidate) []candidate {
	slices.SortFunc(list, compareCandidates)
	if c.limit >= 0 && len(list) > c.limit {
		list = list[:c.limit]
	}
	return list
}

// best returns what is kept, in order, and how many candidates are not.
func (c *collector) best() ([]candidate, int) {
	var all []candidate
	for _, list := range c.kinds {
		all = append(all, c.cut(list)...)
	}
	slices.SortFunc(all, compareCandidates)
	return all, c.total - len(all)
}

// exact collects those references of the banks that are in the slots of the very
// same file. Which bank a slot is in memory knows; records are read later, for
// the best.
func (q *query) exact(banks []*bankView, slots []uint64, found *collector) {
	q.seen = make(map[uint64]bool, len(slots))
	for _, slot := range slots {
		for _, b := range banks {
			if _, _, ok := b.find(slot); ok {
				q.seen[slot] = true
				found.add(newCandidate(b, slot, CheckSHA256, 0))
				break
			}
		}
	}
}

// slotsOf returns the slots from since on that hold a digest; none for the
// zero one.
func slotsOf(ctx context.Context, txn *badger.Txn, d Digest, since uint64) (slots []uint64, err error) {
	if d == (Digest{}) {
		return nil, nil
	}
	err = scan(ctx, txn, digestPrefix(d), digestKey(d, since), false, func(key, _ []byte) error {
		if len(key) != 1+len(d)+8 {
			return fmt.Errorf("row %x: %w", key, ErrCorrupt)
		}
		slots = append(slots, binary.BigEndian.Uint64(key[1+len(d):]))
		return nil
	})
	return slots, err
}

// record reads row 11 and gives the reference the name of its bank.
func (s *state) record(txn *badger.Txn, slot uint64) (*bankView, Reference, error) {
	v, err := get(txn, recordKey(slot))
	if err != nil {
		return nil, Reference{}, fmt.Errorf("record of slot %d: %v: %w", slot, err, ErrCorrupt)
	}
	id, ref, err := decodeRecord(slot, v)
	if err != nil {
		return nil, Reference{}, fmt.Errorf("slot %d: %w", slot, err)
	}
	b, ok := s.bankByID(id)
	if !ok {
		return nil, Reference{}, fmt.Errorf("record of slot %d: no bank %d: %w", slot, id, ErrCorrupt)
	}
	ref.Bank = b.Name
	ref.Fingerprint = ref.Fingerprint.AsRecipe(s.recipe)
	return b, ref, nil
}

// search collects the references of a bank within the radius whose slot is at
// least since.
func (q *query) search(ctx context.Context, with *searcher, b *bankView, since uint64, radius int, found *collector) error {
	j := newJoiner(q, with, b, since, found)
	err := with.each(ctx, b, q.codesFor(b.Main), radius, since, q.method(), func(p pair) error { return j.add(ctx, p) })
	if err != nil {
		return err
	}
	return j.end(ctx)
}

// codesFor are the codes that a bank of the main hash k is searched by.
func (q *query) codesFor(k hash.Kind) []hash.Code {
	if k == hash.PDQ {
		return q.codes
	}
	w, _ := q.f.Word(k)
	return []hash.Code{{w}}
}

func (q *query) method() radius.Method {
	if q.o.Exhaustive {
		return radius.Plain
	}
	return radius.Auto
}

// matches reads the records of the best candidates and verifies them.
func (q *query) matches(ctx context.Context, txn *badger.Txn, found *collector) ([]Match, int, error) {
	best, more := found.best()
	ms := make([]Match, 0, len(best))
	for i, c := range best {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		m, err := q.verify(txn, c)
		if err != nil {
			return nil, 0, err
		}
		ms = append(ms, m)
	}
	slices.SortFunc(ms, compareMatches)
	return ms, more, nil
}

// verify reads the record of a candidate and compares.
func (q *query) verify(txn *badger.Txn, c candidate) (Match, error) {
	v, err := get(txn, recordKey(c.slot))
	if err != nil {
		return Match{}, fmt.Errorf("record of slot %d of bank %s: %v: %w", c.slot, c.bank.Name, err, ErrCorrupt)
	}
	id, ref, err := decodeRecord(c.slot, v)
	if err != nil {
		return Match{}, fmt.Errorf("slot %d of bank %s: %w", c.slot, c.bank.Name, err)
	}
	d, err := q.compare(ref.Fingerprint)
	if err != nil {
		return Match{}, fmt.Errorf("%s/%s: %w", c.bank.Name, ref.ID, err)
	}
	if c.grade == Exact && ref.SHA256 != q.o.SHA256 {
		return Match{}, fmt.Errorf("%s/%s: slot %d has another digest: %w", c.bank.Name, ref.ID, c.slot, ErrCorrupt)
	}
	if id != c.bank.id || c.dist >= 0 && d.Of(c.bank.Main) != c.dist {
		return Match{}, fmt.Errorf("%s/%s: the search column of slot %d says distance %d, the record %d: %w",
			c.bank.Name, ref.ID, c.slot, c.dist, d.Of(c.bank.Main), ErrCorrupt)
	}
	m := Match{
		Bank: c.bank.Name, Kind: c.bank.Kind, ID: ref.ID, Grade: c.grade, Relation: SamePhoto, Opinion: ref.Opinion,
		Score: c.score, Check: c.check, Main: c.bank.Main, Distance: d, Region: c.region, Geometry: c.alignment,
		Advise: c.bank.Policy.Advise,
	}
	if c.part >= 0 {
		if m.Region, err = q.verifyPart(txn, c); err != nil {
			return Match{}, fmt.Errorf("%s/%s: %w", c.bank.Name, ref.ID, err)
		}
	}
	n, _ := m.Found()
	_, m.Threshold = c.bank.Policy.gradeOf(c.check, n)
	return m, nil
}

// compare is hash.Compare, but for the upright orientation alone if that was
// asked for.
func (q *query) compare(ref hash.Fingerprint) (hash.Distance, error) {
	d, err := hash.Compare(q.f, ref)
	if err != nil || !q.o.Upright || d.Transform == hash.Upright {
		return d, err
	}
	d.PDQ, d.Transform, d.Colour = -1, hash.Upright, -1
	for qf := range hash.Frame(hash.Frames) {
		for rf := range hash.Frame(hash.Frames) {
			a, ok1 := q.f.Code(qf)
			b, ok2 := ref.Code(rf)
			if n := a.Distance(b); ok1 && ok2 && (d.PDQ < 0 || n < d.PDQ) {
				d.PDQ, d.QueryFrame, d.ReferenceFrame = n, qf, rf
			}
		}
	}
	return d, nil
}
