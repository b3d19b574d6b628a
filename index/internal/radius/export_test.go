package radius

import (
	"context"

	"github.com/touchstone-go/touchstone/hash"
)

// Due waits for tens of thousands of codes before it asks for an index. The tests
// that compare with a model want indexes over a handful of codes, and several of
// them: these are jobs that Due would not make, but could.

// forced returns a job that joins so many parts from the first-th on. If these
// are the last, or if there is none from the first-th on, that many blocks of the
// tail go with them; it may hold the last block, to which codes are still added.
func (v *View) forced(first, joined, tail int) *Job {
	from := 0
	for _, p := range v.parts[:first] {
		from += len(p.blocks)
	}
	end := from
	for _, p := range v.parts[first : first+joined] {
		end += len(p.blocks)
	}
	if first+joined == len(v.parts) {
		end = min(end+tail, len(v.blocks))
	}
	return &Job{view: v, first: from, old: v.blocks[from:end], parts: first, joined: joined}
}

// force runs a job, and makes an index of however few codes there are.
func (j *Job) force(ctx context.Context) error {
	if err := j.Run(ctx); err != nil || j.part != nil || len(j.blocks) == 0 {
		return err
	}
	p := newPart(j.blocks, j.view.shape, j.view.shape.tables(j.living()))
	if err := p.build(ctx); err != nil {
		return err
	}
	j.part = p
	return nil
}

// Permuted returns a code in the order in which it lies in memory.
func Permuted(c hash.Code) hash.Code { return permuted(c) }
