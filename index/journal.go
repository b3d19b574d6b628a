package index

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
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
)

var opBytes = []Op{"", BankCreated, PolicySet, Added, Replaced, Removed, OpinionChanged}

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
	Bank string
	// Slots are what was Added.
	Slots []SlotRange
	// ID is the reference that was Replaced, Removed or that changed its
	// opinion; Was its slot before, Slot afterwards (0 if Removed). A
	// reference that comes back from Withdrawn gets a new slot.
	ID        string
	Slot, Was uint64
	// Opinion is the new one, for OpinionChanged.
	Opinion Opinion
	// Policy is the new one, for PolicySet and BankCreated.
	Policy Policy
}

// encode is the value of row 20:
//
//	added            number of ranges varint, then first and count of each, varints
//	replaced         id, slot u64, was u64
//	removed          id, was u64
//	opinion changed  id, slot u64, was u64, opinion u8
//	policy set       strong varint, weak varint, advise u8
//	bank created     the same
func (c *Change) encode(bank uint32) []byte {
	b := []byte{rowVersion, wordByte(opBytes, c.Op)}
	b = binary.BigEndian.AppendUint64(b, uint64(c.Time.Unix()))
	b = binary.BigEndian.AppendUint32(b, bank)
	switch c.Op {
	case Added:
		b = binary.AppendUvarint(b, uint64(len(c.Slots)))
		for _, s := range c.Slots {
			b = binary.AppendUvarint(binary.AppendUvarint(b, s.First), s.Count)
		}
	case BankCreated, PolicySet:
		b = appendPolicy(b, c.Policy)
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
	r.version()
	c.Seq, c.Op = seq, byteWord(r, opBytes)
	c.Time = r.time()
	bank = uint32(r.fixed(4))
	switch c.Op {
	case Added:
		for range r.uvarint(uint64(len(r.b))) {
			c.Slots = append(c.Slots, SlotRange{r.uvarint(1 << 63), r.uvarint(1 << 63)})
		}
	case BankCreated, PolicySet:
		c.Policy = r.policy()
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
	b.journalAdded()
	b.enter(bank, c)
}

func (b *batch) enter(bank uint32, c Change) {
	b.seq++
	c.Seq, c.Time = b.seq, b.now
	b.set(changeKey(c.Seq), c.encode(bank))
}

// journalSlot notes an addition for the change that journalAdded will write.
func (b *batch) journalSlot(bank uint32, slot uint64) {
	runs, known := b.added[bank]
	if !known {
		b.order = append(b.order, bank)
	}
	if n := len(runs); n > 0 && runs[n-1].First+runs[n-1].Count == slot {
		runs[n-1].Count++
	} else {
		runs = append(runs, SlotRange{slot, 1})
	}
	b.added[bank] = runs
}

func (b *batch) journalAdded() {
	for _, bank := range b.order {
		b.enter(bank, Change{Op: Added, Slots: b.added[bank]})
	}
	clear(b.added)
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
	b, ok := s.bankByID(bank)
	if !ok {
		return c, fmt.Errorf("row %x: no bank %d: %w", key, bank, ErrCorrupt)
	}
	c.Bank = b.Name
	return c, nil
}
