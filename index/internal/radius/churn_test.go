package radius

import (
	"testing"

	"github.com/touchstone-go/touchstone/hash"
)

// Tags that lie far apart need blocks of their own, into which more codes would
// fit. That is no reason to pack them again and again.
func TestFarTags(t *testing.T) {
	e := New(Options{}).Edit()
	for i := range uint64(6) {
		e.Add(i<<32, hash.Code{i})
	}
	v := e.View()
	for range 3 {
		j := v.Due()
		if j == nil {
			return
		}
		if err := j.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := v.Edit()
		if !e.Install(j) {
			t.Fatal("a job does not fit the view that it was made of")
		}
		v = e.View()
	}
	t.Errorf("jobs are due for ever: %+v", v.Stats())
}
