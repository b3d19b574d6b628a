package index

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"time"
)

// The journal holds every change in order, without gaps: an audit trail, and
// what a replica would follow. What the index holds is a function of it: the
// references that were added and not yet removed, under the last policies.
//
// The simplest journal has a row per reference. For a bulk import that is a
// quarter more rows that say nothing new, so what one transaction adds to one
// bank is one change, which names slots; the records say the rest. A change
// that takes something away names the id, since the record is gone with it.

// Op is what a change did.
type Op string

// The operations.
const (
	BankCreated    Op = "bank_created"
	PolicySet      Op = "policy_set"
	Added          Op = "added"
	Replaced       Op = "replaced"
	Removed        Op = "removed"
	OpinionChanged Op = "opinion_changed"
	FeaturesAdded  Op = "features_added"
	RecipeRaised   Op = "recipe_raised"
)

var opBytes = []Op{"", BankCreated, PolicySet, Added, Replaced, Removed, OpinionChanged, FeaturesAdded, RecipeRaised}

// SlotRange names Count slots beginning with First. A slot is the place of a
// reference in the store; it is never used again.
type SlotRange struct {
	First, Count uint64
}

// Change is one entry of the journal.
type Change struct {
	Seq  uint64 // without gaps, from 1
	Time time.Time
	Op   Op
	Bank string // empty for RecipeRaised, which is about the store
	// Slots are what was Added, or what FeaturesAdded is about.
	Slots []SlotRange
	// ID is the reference that was Replaced, Removed or that changed its
	// opinion; Was its slot before, Slot afterwards (0 if Removed). A
	// reference that comes back from Withdrawn gets a new slot.
	ID        string
	Slot, Was uint64
	// Opinion is the new one, for OpinionChanged.
	Opinion Opinion
	// Policy is the new one, for PolicySet and BankCreated. Entries of a store of
	// recipe 1 have the thresholds of the main hash alone.
	Policy Policy
	// Recipe is that of the store from here on, for RecipeRaised.
	Recipe int
}

// encode is the value of row 20:
//
//	added            number of ranges varint, then first and count of each, varints
//	features added   the same
//	replaced         id, slot u64, was u64
//	removed          id, was u64
//	opinion changed  id, slot u64, was u64, opinion u8
//	policy set       policy, see appendPolicy
//	bank created     the same
//	recipe raised    recipe varint; bank is 0
func (c *Change) encode(format uint16, bank uint32) []byte {
	b := []byte{versionOf(format), wordByte(opBytes, c.Op)}
	b = binary.BigEndian.AppendUint64(b, uint64(c.Time.Unix()))
	b = binary.BigEndian.AppendUint32(b, bank)
	switch c.Op {
	case Added, FeaturesAdded:
		b = binary.AppendUvarint(b, uint64(len(c.Slots)))
		for _, s := range c.Slots {
			b = binary.AppendUvarint(binary.AppendUvarint(b, s.First), s.Count)
		}
	case BankCreated, PolicySet:
		b = appendPolicy(b, versionOf(format), c.Policy)
	case RecipeRaised:
		b = binary.AppendUvarint(b, uint64(c.Recipe))
	default:
		b = appendText(b, c.ID)
		if c.Op != Removed {
			b = binary.BigEndian.AppendUint64(b, c.Slot)
		}
		b = binary.BigEndian.AppendUint64(b, c.Was)
		if c.Op == OpinionChanged {
			b = append(b, wordByte(opinionBytes, c.Opinion))
		}
	}
	return seal(b, changeKey(c.Seq))
}

// decodeChange leaves the name of the bank to the caller.
func decodeChange(seq uint64, v []byte) (bank uint32, c Change, err error) {
	r := open(v, changeKey(seq))
	version := r.version(policyVersion)
	c.Seq, c.Op = seq, byteWord(r, opBytes)
	c.Time = r.time()
	bank = uint32(r.fixed(4))
	switch c.Op {
	case Added, FeaturesAdded:
		for range r.uvarint(uint64(len(r.b))) {
			c.Slots = append(c.Slots, SlotRange{r.uvarint(1 << 63), r.uvarint(1 << 63)})
		}
	case BankCreated, PolicySet:
		c.Policy = r.policy(version)
	case RecipeRaised:
		c.Recipe = int(r.uvarint(math.MaxUint8))
	default:
		c.ID = r.text()
		if c.Op != Removed {
			c.Slot = r.fixed(8)
		}
		c.Was = r.fixed(8)
		if c.Op == OpinionChanged {
			c.Opinion = byteWord(r, opinionBytes)
		}
	}
	return bank, c, r.close("change")
}

// journal stages a change. Additions that came before it are written first.
func (b *batch) journal(bank uint32, c Change) {
	b.journalGathered()
	b.enter(bank, c)
}

func (b *batch) enter(bank uint32, c Change) {
	b.seq++
	c.Seq, c.Time = b.seq, b.now
	b.set(changeKey(c.Seq), c.encode(b.format, bank))
}

// gathered names changes that become one: what was done to slots of a bank.
type gathered struct {
	op   Op
	bank uint32
}

// journalSlot notes what was done to a slot (Added, FeaturesAdded) for the change
// that journalGathered will write.
func (b *batch) journalSlot(op Op, bank uint32, slot uint64) {
	k := gathered{op, bank}
	runs, known := b.slots[k]
	if !known {
		b.order = append(b.order, k)
	}
	if n := len(runs); n > 0 && runs[n-1].First+runs[n-1].Count == slot {
		runs[n-1].Count++
	} else {
		runs = append(runs, SlotRange{slot, 1})
	}
	b.slots[k] = runs
}

func (b *batch) journalGathered() {
	for _, k := range b.order {
		b.enter(k.bank, Change{Op: k.op, Slots: b.slots[k]})
	}
	clear(b.slots)
	b.order = nil
}

// Changes iterates over the journal in order, beginning after the sequence
// number after (0 for all), up to the last change that queries see when the
// iteration begins; beyond that there is none. The sequence may be used again,
// and ends with an error if one occurs. Until it ends, Close waits.
func (x *Index) Changes(ctx context.Context, after uint64) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		s := x.acquire()
		if s == nil {
			yield(Change{}, ErrClosed)
			return
		}
		defer s.release()
		if after >= s.seq {
			return
		}
		last := after
		from := changeKey(last + 1)
		err := scan(ctx, s.txn, []byte{tabChange}, from, true, func(key, v []byte) error {
			c, err := s.change(key, v)
			if err != nil {
				return err
			}
			if last++; c.Seq != last {
				return fmt.Errorf("journal: change %d follows %d: %w", c.Seq, last-1, ErrCorrupt)
			}
			if !yield(c, nil) {
				return errStop
			}
			return nil
		})
		if err == nil && last < s.seq {
			err = fmt.Errorf("journal ends at %d, want %d: %w", last, s.seq, ErrCorrupt)
		}
		if err != nil && err != errStop {
			yield(Change{}, err)
		}
	}
}

func (s *state) change(key, v []byte) (Change, error) {
	if len(key) != 9 {
		return Change{}, fmt.Errorf("row %x: %w", key, ErrCorrupt)
	}
	bank, c, err := decodeChange(binary.BigEndian.Uint64(key[1:]), v)
	if err != nil {
		return c, fmt.Errorf("row %x: %w", key, err)
	}
	if c.Op == RecipeRaised && bank == 0 {
		return c, nil
	}
	b, ok := s.bankByID(bank)
	if !ok {
		return c, fmt.Errorf("row %x: no bank %d: %w", key, bank, ErrCorrupt)
	}
	c.Bank = b.Name
	return c, nil
}
