package index

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/touchstone-go/touchstone/hash"
)

// Kind says what a bank's references show.
type Kind string

// The kinds of banks.
const (
	Genuine Kind = "genuine" // photos of the brand itself
	Fake    Kind = "fake"    // photos of known fakes
)

// Policy says from when on a bank's references match, and what the bank's owner
// wants done about it. Each check (see Check) has two thresholds.
type Policy struct {
	// Strong is the largest distance of grade strong, in bits of the bank's main
	// hash: 0 to 256 for PDQ, 0 to 64 otherwise. Weak is the largest distance
	// that is a match at all; it is at least Strong.
	Strong int `json:"strong"`
	Weak   int `json:"weak"`
	// RegionStrong and RegionWeak are the same for a region of the reference, in
	// bits of 256. 0 means the default.
	RegionStrong int `json:"region_strong,omitempty"`
	RegionWeak   int `json:"region_weak,omitempty"`
	// GeometryStrong and GeometryWeak are the least evidence of geometry
	// (hash.Alignment.Evidence, 0 to 100) of these grades; more is surer, so
	// GeometryStrong is at least GeometryWeak. 101 is never reached. 0 means the
	// default.
	GeometryStrong int `json:"geometry_strong,omitempty"`
	GeometryWeak   int `json:"geometry_weak,omitempty"`
	// Advise is the most that a known_fake may advise: Block or Review.
	Advise Advice `json:"advise"`
}

// DefaultPolicy returns the starting values for banks of the main hash k: for
// PDQ strong 31 and weak 46 of 256 bits (31 is what PDQ's authors recommend;
// 46 was measured to accuse 1 % of the hardest innocent uploads), regions 40 and
// 54 bits, geometry 94 and 84 points; for 64-bit hashes strong 4 and weak 8 of
// 64 and nothing else, since they are searched by that hash alone. Fake banks
// advise Block, genuine ones Review.
func DefaultPolicy(k Kind, main hash.Kind) Policy {
	p := Policy{Strong: 4, Weak: 8, Advise: Review}
	if main == hash.PDQ {
		p = Policy{
			Strong: 31, Weak: 46, RegionStrong: 40, RegionWeak: 54,
			GeometryStrong: 94, GeometryWeak: 84, Advise: Review,
		}
	}
	if k == Fake {
		p.Advise = Block
	}
	return p
}

// withDefaults fills in the thresholds of regions and geometry that are not
// given. Those of the main hash may be 0.
func (p Policy) withDefaults(main hash.Kind) Policy {
	d := DefaultPolicy(Genuine, main)
	p.RegionStrong, p.RegionWeak = cmp.Or(p.RegionStrong, d.RegionStrong), cmp.Or(p.RegionWeak, d.RegionWeak)
	p.GeometryStrong, p.GeometryWeak = cmp.Or(p.GeometryStrong, d.GeometryStrong), cmp.Or(p.GeometryWeak, d.GeometryWeak)
	return p
}

// ofHash is p with the default thresholds for what is not the main hash: all
// that a store of format 1 can hold.
func (p Policy) ofHash(main hash.Kind) Policy {
	return Policy{Strong: p.Strong, Weak: p.Weak, Advise: p.Advise}.withDefaults(main)
}

// Bank is a named set of references of one kind.
type Bank struct {
	// Name is [a-z0-9][a-z0-9._-]{0,63}.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Owner is free text of up to 256 bytes, for example the brand.
	Owner  string `json:"owner"`
	Policy Policy `json:"policy"`
	// Main is the hash by which the bank is searched. The zero value means
	// hash.PDQ; a 64-bit kind is for imported lists of such hashes.
	Main hash.Kind `json:"-"`
	// References counts all references; Searchable those not withdrawn; Featured
	// those that have features (see hash.Features). All are set by Banks and
	// ignored by CreateBank.
	References int64 `json:"references"`
	Searchable int64 `json:"searchable"`
	Featured   int64 `json:"featured"`
}

// CreateBank makes an empty bank. A zero Policy means DefaultPolicy. It fails
// with ErrExists if there is a bank of that name, and with ErrInvalid (see
// SetPolicy).
func (x *Index) CreateBank(ctx context.Context, b Bank) (Bank, error) {
	if b.Main == 0 {
		b.Main = hash.PDQ
	}
	if b.Policy == (Policy{}) {
		b.Policy = DefaultPolicy(b.Kind, b.Main)
	}
	b.Policy = b.Policy.withDefaults(b.Main)
	b.References, b.Searchable, b.Featured = 0, 0, 0
	if err := b.check(); err != nil {
		return Bank{}, fmt.Errorf("create bank: %w", err)
	}
	_, err := x.submit(ctx, func(w *batch, _ *request) error { return w.createBank(b) })
	if err != nil {
		return Bank{}, fmt.Errorf("create bank %s: %w", b.Name, err)
	}
	return b, nil
}

func (w *batch) createBank(b Bank) error {
	if _, ok := w.bank(b.Name); ok {
		return ErrExists
	}
	if err := w.canHold(b.Policy, b.Main); err != nil {
		return err
	}
	if err := w.room(4, 2<<10); err != nil {
		return err
	}
	v := &bankView{Bank: b, id: 1, codes: noCodes(b.Main)}
	for _, o := range w.banks {
		v.id = max(v.id, o.id+1)
	}
	w.insert(v)
	w.rules++
	w.dirty[v.id] = true
	w.set(bankKey(v.id), encodeBank(w.format, v.id, b, w.now))
	w.set(nameKey(b.Name), binary.BigEndian.AppendUint32(nil, v.id))
	w.journal(v.id, Change{Op: BankCreated, Policy: b.Policy})
	return nil
}

// Bank returns one bank, or ErrNotFound.
func (x *Index) Bank(ctx context.Context, name string) (Bank, error) {
	if err := ctx.Err(); err != nil {
		return Bank{}, err
	}
	s := x.acquire()
	if s == nil {
		return Bank{}, ErrClosed
	}
	defer s.release()
	b, ok := s.bank(name)
	if !ok {
		return Bank{}, fmt.Errorf("bank %q: %w", clip(name), ErrNotFound)
	}
	return b.described(), nil
}

// Banks returns all banks, ordered by name.
func (x *Index) Banks(ctx context.Context) ([]Bank, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := x.acquire()
	if s == nil {
		return nil, ErrClosed
	}
	defer s.release()
	all := make([]Bank, 0, len(s.banks))
	for _, b := range s.banks {
		all = append(all, b.described())
	}
	return all, nil
}

// SetPolicy replaces a bank's policy; the next query follows it. Thresholds of
// regions and geometry that are 0 become the default. It fails with ErrNotFound,
// and with ErrInvalid unless 0 <= Strong <= Weak <= 96 (20 for 64-bit hashes),
// 1 <= RegionStrong <= RegionWeak <= 64 and 101 >= GeometryStrong >=
// GeometryWeak >= 40 (64-bit hashes have none of them). A store of recipe 1
// takes the default ones only.
func (x *Index) SetPolicy(ctx context.Context, bank string, p Policy) error {
	_, err := x.submit(ctx, func(w *batch, _ *request) error { return w.setPolicy(bank, p) })
	if err != nil {
		return fmt.Errorf("set policy of bank %q: %w", clip(bank), err)
	}
	return nil
}

func (w *batch) setPolicy(bank string, p Policy) error {
	v, err := w.need(bank)
	if err != nil {
		return err
	}
	p = p.withDefaults(v.Main)
	if err := errors.Join(p.check(v.Main), w.canHold(p, v.Main)); err != nil {
		return err
	}
	if p == v.Policy {
		return nil
	}
	old, err := get(w.txn, bankKey(v.id))
	if err != nil {
		return err
	}
	_, created, err := decodeBank(v.id, old)
	if err != nil {
		return err
	}
	if err := w.room(2, 2<<10); err != nil {
		return err
	}
	v = w.own(v)
	v.Policy = p
	w.rules++
	w.set(bankKey(v.id), encodeBank(w.format, v.id, v.Bank, created))
	w.journal(v.id, Change{Op: PolicySet, Policy: p})
	return nil
}

// canHold refuses a policy that the rows of an old store have no room for.
func (w *batch) canHold(p Policy, main hash.Kind) error {
	if w.format == oldestFormat && p != p.ofHash(main) {
		return invalid("thresholds of regions and geometry in a store of format %d; reindex it first", w.format)
	}
	return nil
}
