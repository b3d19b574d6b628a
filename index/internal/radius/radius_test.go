package radius

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// model is what a set should hold.
type model struct {
	tags  []uint64
	codes map[uint64]hash.Code
}

func (m *model) within(q Query) (hits []Hit) {
	for _, tag := range m.tags {
		for i, c := range q.Codes {
			if d := c.Distance(m.codes[tag]); d <= q.Radius && tag >= q.From {
				hits = append(hits, Hit{tag, int32(i), int32(d)})
			}
		}
	}
	return hits
}

func randomCode(r *rand.Rand) hash.Code {
	return hash.Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
}

// heavy returns a random code of weight 128.
func balanced(r *rand.Rand) (c hash.Code) {
	for _, i := range r.Perm(256)[:128] {
		c[i/64] |= 1 << (i % 64)
	}
	return c
}

// moved flips n ones and n zeros.
func moved(r *rand.Rand, c hash.Code, n int) hash.Code {
	ones, zeros := n, n
	for _, i := range r.Perm(256) {
		bit := uint64(1) << (i % 64)
		switch {
		case c[i/64]&bit != 0 && ones > 0:
			ones--
			c[i/64] ^= bit
		case c[i/64]&bit == 0 && zeros > 0:
			zeros--
			c[i/64] ^= bit
		}
	}
	return c
}

func runJobs(t testing.TB, v *View) *View {
	for {
		j := v.Due()
		if j == nil {
			return v
		}
		if err := j.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		e := v.Edit()
		if !e.Install(j) {
			t.Fatal("a job does not fit the view that it was made of")
		}
		v = e.View()
	}
}

func search(t testing.TB, s *Searcher, v *View, q Query) (hits []Hit) {
	err := s.Within(context.Background(), v, q, func(h []Hit) error {
		hits = append(hits, h...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

func TestLarge(t *testing.T) {
	for _, words := range []bool{false, true} {
		r := rand.New(rand.NewPCG(1, 2))
		v := New(Options{Words: words})
		m := model{codes: map[uint64]hash.Code{}}
		e := v.Edit()
		n := 100_000
		if words {
			n = minWords + 5*blockSize
		}
		for i := range n {
			c := balanced(r)
			if words {
				c = hash.Code{r.Uint64()}
			}
			tag := uint64(3 * i)
			e.Add(tag, c)
			m.tags = append(m.tags, tag)
			m.codes[tag] = c
		}
		v = runJobs(t, e.View())
		t.Logf("%+v", v.Stats())
		s := NewSearcher(hamming.Best())
		for i := range 18 {
			var q Query
			for range []int{1, 3, 9}[i%3] {
				c := moved(r, m.codes[m.tags[r.IntN(n)]], r.IntN(18))
				if words {
					c = hash.Code{m.codes[m.tags[r.IntN(n)]][0] ^ 1<<r.IntN(64)}
				}
				q.Codes = append(q.Codes, c)
			}
			q.Radius = []int{0, 5, 13, 30, 31, 48}[i%6]
			if words {
				q.Radius = min(q.Radius, 12)
			}
			want := m.within(q)
			for _, method := range []Method{Auto, Scan, Index} {
				q.Method = method
				if got := search(t, s, v, q); !slices.Equal(got, want) {
					t.Fatalf("words %v, case %d, method %d: got %d hits, want %d\n%v\n%v", words, i, method, len(got), len(want), got, want)
				}
			}
		}
	}
}

func TestFile(t *testing.T) {
	for _, o := range []Options{{}, {Tables: 13}, {Words: true}} {
		r := rand.New(rand.NewPCG(3, 4))
		e := New(o).Edit()
		n := 150_000
		if o.Words {
			n = 1_100_000
		}
		var codes []hash.Code
		for i := range n {
			c := balanced(r)
			if o.Words {
				c = hash.Code{r.Uint64()}
			}
			codes = append(codes, c)
			e.Add(uint64(i)*7, c)
		}
		v := runJobs(t, e.View())
		e = v.Edit()
		for i := range 300 {
			e.Remove(uint64(r.IntN(n)) * 7)
			e.Add(uint64(n+i)*7, codes[i])
		}
		v = e.View()
		var buf bytes.Buffer
		size, err := v.WriteTo(&buf)
		if err != nil || size != int64(buf.Len()) {
			t.Fatal(size, buf.Len(), err)
		}
		whole := buf.Bytes()
		got, err := Read(bytes.NewReader(whole), size, o)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := got.Stats(), v.Stats(); a.Codes != b.Codes || a.Dead != b.Dead || !slices.Equal(a.Parts, b.Parts) || a.Tail != b.Tail {
			t.Fatalf("read %+v, wrote %+v", a, b)
		}
		s := NewSearcher(hamming.Best())
		for i := range 20 {
			q := Query{Codes: codes[i*50 : i*50+1+i%3], Radius: 10 + i, Method: Method(i % 2 * int(Index))}
			a := search(t, s, got, q)
			q.Method = Plain
			if b := search(t, s, v, q); !slices.Equal(a, b) {
				t.Fatalf("case %d: %d hits, want %d", i, len(a), len(b))
			}
		}
		// Both grow on.
		e = got.Edit()
		e.Add(uint64(n+300)*7, codes[0])
		if hits := search(t, s, e.View(), Query{Codes: codes[:1]}); len(hits) < 2 {
			t.Fatalf("after reading and adding: %v", hits)
		}
		for _, cut := range []int{0, 7, 30, 39, 100, len(whole) / 2, len(whole) - 1} {
			if _, err := Read(bytes.NewReader(whole[:cut]), int64(cut), o); err == nil {
				t.Fatalf("a file cut at %d of %d was read", cut, len(whole))
			}
		}
		for range 200 { // heads that lie
			bad := slices.Clone(whole[:4096])
			bad[r.IntN(200)] ^= 1 << r.IntN(8)
			_, _ = Read(bytes.NewReader(bad), int64(len(bad)), o)
		}
		other := o
		other.Words = !o.Words
		if _, err := Read(bytes.NewReader(whole), size, other); err == nil {
			t.Fatal("a file of other codes was read")
		}
	}
}
