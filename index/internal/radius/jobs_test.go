package radius

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
)

// grower adds random codes under tags from 1 on.
type grower struct {
	testing.TB
	r    *rand.Rand
	next uint64
}

func newGrower(t testing.TB) *grower { return &grower{t, rand.New(rand.NewPCG(1, 2)), 1} }

func (g *grower) add(e *Edit, n int) {
	for range n {
		e.Add(g.next, hash.Code{g.r.Uint64(), g.r.Uint64(), g.r.Uint64(), g.r.Uint64()})
		g.next++
	}
}

// reread writes a set and reads it again.
func (g *grower) reread(v *View, o Options) *View {
	var b bytes.Buffer
	if _, err := v.WriteTo(&b); err != nil {
		g.Fatal(err)
	}
	v, err := Read(&b, int64(b.Len()), o)
	if err != nil {
		g.Fatal(err)
	}
	return v
}

func (g *grower) install(v *View, j *Job) (*View, bool) {
	if err := j.Run(g.Context()); err != nil {
		g.Fatal(err)
	}
	e := v.Edit()
	ok := e.Install(j)
	return e.View(), ok
}

// TestPackingEnds: 64-bit codes, too few for an index, in full blocks of one slab
// between two that are half empty. Packing must join these two over what lies
// between, or it is due for ever.
func TestPackingEnds(t *testing.T) {
	o := Options{Words: true}
	g := newGrower(t)
	e := New(o).Edit()
	g.add(e, 40*blockSize)
	v := g.reread(e.View(), o)
	e = v.Edit()
	for tag := range uint64(8000) {
		e.Remove(1 + tag)
	}
	last := g.next
	g.add(e, blockSize+1)
	for tag := range uint64(8384) {
		e.Remove(last + tag)
	}
	v = e.View()
	for n := 0; v.Due() != nil; n++ {
		if n == 3 {
			t.Fatalf("still due after %d jobs: %+v", n, v.Stats())
		}
		v, _ = g.install(v, v.Due())
	}
}

// TestStaleJobWithoutPart: a part has shrunk to nearly nothing, and the job that
// makes tail of it is installed when another part has come behind it.
func TestStaleJobWithoutPart(t *testing.T) {
	g := newGrower(t)
	e := New(Options{}).Edit()
	g.add(e, 20*blockSize)
	v := runJobs(t, e.View())
	e = v.Edit()
	for tag := range uint64(19*blockSize + 100) {
		e.Remove(1 + tag)
	}
	v = e.View()
	stale := v.Due()
	if err := stale.Run(t.Context()); err != nil || stale.part != nil {
		t.Fatal(err, stale.part)
	}
	e = v.Edit()
	g.add(e, 4*blockSize+1)
	v = e.View()
	v, ok := g.install(v, v.Due())
	if !ok {
		t.Fatal("a job does not fit the view that it was made of")
	}
	e = v.Edit()
	if e.Install(stale) {
		t.Error("a stale job was installed")
	}
	v = e.View()
	n := 0
	for _, p := range v.parts {
		for i, b := range p.blocks {
			if !b.sameCodes(v.blocks[n+i]) {
				t.Fatalf("block %d of a part is not that of the view", i)
			}
		}
		n += len(p.blocks)
	}
}

// TestMemoryAfterReading: what is read from a file is given up part by part.
func TestMemoryAfterReading(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a large set")
	}
	o := Options{Tables: 16}
	g := newGrower(t)
	e := New(o).Edit()
	g.add(e, 30*blockSize)
	e = runJobs(t, e.View()).Edit()
	g.add(e, 5*blockSize)
	v := runJobs(t, e.View())
	if len(v.parts) != 2 {
		t.Fatalf("%+v", v.Stats())
	}
	v = g.reread(v, o)
	before := heap() - v.Stats().Bytes
	e = v.Edit()
	for tag := uint64(1); tag <= 30*blockSize; tag += 20 {
		e.Remove(tag)
	}
	v = runJobs(t, e.View())
	if held, counted := heap()-before, v.Stats().Bytes; 100*held > 105*counted {
		t.Errorf("%d bytes are held, %d counted", held, counted)
	}
	if v.Len() == 0 {
		t.Error("nothing is left") // and v is in use until here
	}
}
