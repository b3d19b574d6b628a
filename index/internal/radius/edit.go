package radius

import (
	"fmt"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
)

// Edit is the next View in the making. It belongs to one goroutine. Views that
// were made before stay as they are; an Edit may be thrown away.
type Edit struct {
	view  View
	tail  int             // the first block without an index
	owned bool            // the list of blocks is a copy
	fresh map[*block]bool // blocks that are copies, with bitmaps of their own if they have one
}

// Edit begins a change. Of all edits of a set only one may end in a View that
// is edited further: they append to the same arrays.
func (v *View) Edit() *Edit {
	return &Edit{view: *v, tail: v.tail(), fresh: map[*block]bool{}}
}

// View ends the change.
func (e *Edit) View() *View {
	v := e.view
	e.owned, e.fresh = false, map[*block]bool{}
	return &v
}

func (e *Edit) own() {
	if !e.owned {
		// Room for one more, which is what most changes need.
		e.view.blocks = append(make([]*block, 0, len(e.view.blocks)+1), e.view.blocks...)
		e.owned = true
	}
}

// Add adds a code. It panics if the tag is not above all that the set holds,
// removed ones in memory included: that is a mistake of the caller, and the order
// is what all searches rest on.
func (e *Edit) Add(tag uint64, c hash.Code) {
	if !e.view.shape.Words {
		c = permuted(c)
	}
	e.push(tag, c)
}

func (e *Edit) push(tag uint64, c hash.Code) {
	e.own()
	last := len(e.view.blocks) - 1
	if last >= 0 && tag <= e.view.blocks[last].last() {
		panic(fmt.Sprintf("radius: tag %d after %d", tag, e.view.blocks[last].last()))
	}
	if last < e.tail || !e.view.blocks[last].takes(tag) {
		room := 0
		if last >= 0 {
			room = blockSize // the set is large: a block of it will be full
		}
		b := newBlock(room, e.view.shape.Options)
		e.view.blocks = append(e.view.blocks, b)
		e.fresh[b] = true
		last++
	}
	b := e.view.blocks[last]
	if !e.fresh[b] {
		c := *b
		b = &c
		if b.dead != nil {
			b = c.grave()
		}
		e.view.blocks[last] = b
		e.fresh[b] = true
	}
	b.push(tag, c, e.view.shape.Words)
	e.view.living++
}

// Remove removes a code, and reports whether there was one. It sets a bit; a
// block without index of which more than half is dead is written anew.
func (e *Edit) Remove(tag uint64) bool {
	i, pos, ok := e.view.find(tag)
	if !ok {
		return false
	}
	e.own()
	b := e.view.blocks[i]
	if !e.fresh[b] || b.dead == nil {
		b = b.grave()
		e.view.blocks[i] = b
		e.fresh[b] = true
	}
	b.bury(pos)
	e.view.living--
	if i >= e.tail && 2*b.nDead > len(b.tags) {
		e.compact(i)
	}
	return true
}

// compact writes the living codes of a block of the tail anew.
func (e *Edit) compact(i int) {
	b := e.view.blocks[i]
	n := newBlock(len(b.tags)-b.nDead, e.view.shape.Options)
	for pos := range b.tags {
		if !b.isDead(pos) {
			n.push(b.tag(pos), b.raw(pos), e.view.shape.Words)
		}
	}
	if len(n.tags) == 0 {
		e.view.blocks = slices.Delete(e.view.blocks, i, i+1)
		return
	}
	e.view.blocks[i] = n
	e.fresh[n] = true
}
