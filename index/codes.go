package index

import (
	"context"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// The codes of whole pictures of a bank are one set (package radius). The
// simplest way is to keep them beside the references, an array for each frame,
// and to scan them; for a million references of two codes, under all variants of a
// picture, that takes some tens of milliseconds. The set answers by an index what
// an index is good for, and scans the rest.
//
// Each code has a tag, from which its reference follows: the slot and, in the
// two lowest bits, the frame. Slots of a bank grow, and so do tags. A reference
// has up to three codes and a query up to 24, so a reference may be hit many
// times; what counts is its nearest pair.
//
// The set holds what lives and nothing else. While a batch is written its changes
// gather in one edit for each bank. To make them visible takes a copy of the list
// of blocks, so that is not done for each reference, but when the batch is
// published, and before that if it looks for conflicts or for what it has added
// itself.

// frameBits are the bits of a tag that hold the frame.
const frameBits = 2

// A frame has room in its bits.
const _ = uint(1<<frameBits - hash.Frames)

// maxSlot is the largest slot that a tag has room for.
const maxSlot = 1<<(64-frameBits) - 1

func tagOf(slot uint64, fr hash.Frame) uint64 { return slot<<frameBits | uint64(fr) }

func slotOf(tag uint64) uint64 { return tag >> frameBits }

func frameOf(tag uint64) hash.Frame { return hash.Frame(tag & (1<<frameBits - 1)) }

// noCodes is the empty set for a bank of the main hash k.
func noCodes(k hash.Kind) *radius.View { return radius.New(radius.Options{Words: k != hash.PDQ}) }

// pushCodes adds the codes of a reference to a set.
func pushCodes(e *radius.Edit, slot uint64, col column, main hash.Kind) {
	if main != hash.PDQ {
		e.Add(tagOf(slot, hash.Full), hash.Code{col.word})
		return
	}
	e.Add(tagOf(slot, hash.Full), col.codes[hash.Full])
	for fr, code := range col.more {
		e.Add(tagOf(slot, fr), code)
	}
}

// column returns what memory holds of a slot.
func (b *bankView) column(slot uint64) (col column, ok bool) {
	if _, _, ok := b.find(slot); !ok {
		return col, false
	}
	full, ok := b.codes.Code(tagOf(slot, hash.Full))
	if b.Main != hash.PDQ {
		col.word = full[0]
		return col, ok
	}
	col.codes[hash.Full] = full
	for fr := hash.Trimmed; fr < hash.Frames; fr++ {
		if code, has := b.codes.Code(tagOf(slot, fr)); has {
			col.set(fr, code)
		}
	}
	return col, ok
}

// change is what a draft does to the codes of a bank.
type change struct {
	edit  *radius.Edit
	shown bool // the bank's view has all of it
}

// editOf returns the edit of the codes of a bank that the draft owns.
func (d *draft) editOf(b *bankView) *radius.Edit {
	c := d.edits[b.id]
	if c == nil {
		c = &change{edit: b.codes.Edit()}
		d.edits[b.id] = c
	}
	c.shown = false
	return c.edit
}

func (d *draft) addCodes(b *bankView, slot uint64, col column) {
	pushCodes(d.editOf(b), slot, col, b.Main)
}

func (d *draft) removeCodes(b *bankView, slot uint64, col column) {
	e := d.editOf(b)
	e.Remove(tagOf(slot, hash.Full))
	for fr := range col.more {
		e.Remove(tagOf(slot, fr))
	}
}

// showCodes makes what was done to codes visible in the banks.
func (d *draft) showCodes() {
	for _, b := range d.banks {
		if c := d.edits[b.id]; c != nil && !c.shown {
			b.codes, c.shown = c.edit.View(), true
		}
	}
}

// column is that of a bank as the draft has it.
func (d *draft) column(b *bankView, slot uint64) (column, bool) {
	if slot >= d.first {
		if _, ok := b.codes.Code(tagOf(slot, hash.Full)); !ok {
			d.showCodes()
		}
	}
	return b.column(slot)
}

// searcher holds the buffers of a query.
type searcher struct {
	codes *radius.Searcher
	level hamming.Level
	pairs []hamming.Pair
	whole []hit // of a chunk; see joiner
	part  []hit
}

func newSearcher() *searcher {
	l := hamming.Best()
	return &searcher{codes: radius.NewSearcher(l), level: l}
}

// searcher returns one for a query, which gives it back.
func (s *state) searcher() *searcher { return s.searchers.Get().(*searcher) }

func (s *state) giveBack(r *searcher) { s.searchers.Put(r) }

// pair is a code of a reference and one of the query that are near each other.
type pair struct {
	slot  uint64
	frame hash.Frame // of the reference
	query int
	dist  int
}

// each calls visit with the references of b that have a code within r of one of
// codes, in the order of their slots; each with its nearest pair, and of equal
// ones that of the first code of the query, then of the first frame. Slots before
// since are left out.
func (s *searcher) each(ctx context.Context, b *bankView, codes []hash.Code, r int, since uint64, m radius.Method, visit func(pair) error) error {
	var last pair // its hits may go on in the next call
	held := false // there is one
	q := radius.Query{Codes: codes, Radius: min(r, b.Main.Bits()), From: tagOf(since, 0), Method: m}
	err := s.codes.Within(ctx, b.codes, q, func(hits []radius.Hit) error {
		for _, h := range hits {
			n := pair{slotOf(h.Tag), frameOf(h.Tag), int(h.Query), int(h.Dist)}
			switch {
			case held && n.slot == last.slot:
				if n.dist < last.dist || n.dist == last.dist && n.query < last.query {
					last = n
				}
				continue
			case held:
				if err := visit(last); err != nil {
					return err
				}
			}
			last, held = n, true
		}
		return nil
	})
	if err == nil && held {
		err = visit(last)
	}
	return err
}
