package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// sender is a body of which a piece arrives after each pause, and the
// connection with its deadline.
type sender struct {
	http.ResponseWriter
	pause    time.Duration
	piece, n int
	deadline time.Time
}

func (s *sender) SetReadDeadline(t time.Time) error { s.deadline = t; return nil }
func (s *sender) Close() error                      { return nil }

func (s *sender) Read(p []byte) (int, error) {
	if s.n == 0 {
		return 0, io.EOF
	}
	if wait := time.Until(s.deadline); wait < s.pause {
		time.Sleep(wait)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(s.pause)
	n := min(s.piece, s.n, len(p))
	s.n -= n
	return n, nil
}

// A sender that is slower than minRate is cut off early, whatever time there
// is; the server's own pauses are not held against it.
func TestLeastRate(t *testing.T) {
	for name, c := range map[string]struct {
		s    sender
		own  time.Duration // pause of the server after each piece
		want error
		by   time.Duration
	}{
		"stops":         {s: sender{pause: time.Hour, n: 1}, want: errTooSlow, by: grace},
		"too slow":      {s: sender{pause: time.Second, piece: minRate / 2, n: 20 << 20}, want: errTooSlow, by: 2 * grace},
		"just enough":   {s: sender{pause: time.Second, piece: minRate, n: 9 * minRate}, by: 9 * time.Second},
		"stalls once":   {s: sender{pause: grace - 1, piece: 100, n: 100}, by: grace},
		"at its end":    {s: sender{pause: time.Second, piece: minRate, n: 11 * minRate}, want: errTooSlow, by: 10 * time.Second},
		"server pauses": {s: sender{piece: 1, n: 3}, own: 3 * time.Second, by: 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				r := &http.Request{Body: &c.s}
				in := arriving(&c.s, r, begun.Add(10*time.Second))
				b := make([]byte, minRate)
				var err error
				for err == nil {
					if _, err = in.Read(b); err == nil {
						time.Sleep(c.own)
					}
				}
				if err == io.EOF {
					err = nil
				} else {
					err = bodyError(err)
				}
				if took := time.Since(begun); !errors.Is(err, c.want) || took > c.by {
					t.Errorf("after %v: %v, want %v within %v", took, err, c.want, c.by)
				}
			})
		})
	}
}

// longReferences makes n references of some 7 KB each for the bank fakes.
func longReferences(n int) []index.Reference {
	refs := make([]index.Reference, n)
	for i := range refs {
		refs[i] = index.Reference{
			Bank: "fakes", ID: fmt.Sprintf("%04d", i), Fingerprint: hash.FromPDQ(hash.Code{uint64(i), 1, 2, 3}, 100),
			SKU: strings.Repeat("s", 1000), Source: strings.Repeat("s", 1000), Note: strings.Repeat("n", 1000),
			Meta: map[string]string{"k": strings.Repeat("v", 4000)},
		}
	}
	return refs
}

func addLong(t testing.TB, ix *index.Index, n int) {
	t.Helper()
	if _, err := ix.Add(t.Context(), longReferences(n)...); err != nil {
		t.Fatal(err)
	}
}

// A page ends by its length too, and the next one goes on behind it.
func TestLongPages(t *testing.T) {
	s, ix := start(t, Options{})
	const n = 300
	addLong(t, ix, n)
	after, pages, got := "", 0, 0
	for {
		w := want(t, ask(t, s, "GET", "/v1/banks/fakes/references?limit=1000&after="+url.QueryEscape(after), nil), 200)
		if w.Body.Len() > pageBytes+16<<10 {
			t.Errorf("a page of %d bytes", w.Body.Len())
		}
		page := pageOf(t, w)
		for _, r := range page.References {
			if r.ID != fmt.Sprintf("%04d", got) {
				t.Fatalf("reference %d is %s", got, r.ID)
			}
			got++
		}
		pages++
		if after = page.Next; after == "" {
			break
		}
	}
	if got != n || pages != 3 {
		t.Errorf("%d references on %d pages", got, pages)
	}
	if held := s.admit.replies.held.Load(); held != 0 {
		t.Errorf("%d bytes still held", held)
	}
}

// stuck is a client that does not read.
type stuck struct {
	*httptest.ResponseRecorder
	writing, read chan struct{}
}

func (s stuck) Write(b []byte) (int, error) {
	s.writing <- struct{}{}
	<-s.read
	return s.ResponseRecorder.Write(b)
}

// Answers that nobody fetches hold memory of their own pool, and no slot.
func TestSlowReadersHoldNoSlot(t *testing.T) {
	s, ix := start(t, Options{Slots: 1})
	addLong(t, ix, 200)
	s.admit.replies = newPool(4 << 20)
	const target = "/v1/banks/fakes/references?limit=1000"
	writing, read := make(chan struct{}), make(chan struct{})
	var clients sync.WaitGroup
	for range 2 { // each holds more than 1 MB, at most 2
		clients.Go(func() {
			s.ServeHTTP(stuck{httptest.NewRecorder(), writing, read}, httptest.NewRequest("GET", target, nil))
		})
	}
	<-writing
	<-writing
	if held := s.admit.replies.held.Load(); held < 2*pageBytes || held > 4<<20 {
		t.Errorf("%d bytes held", held)
	}
	wantProblem(t, ask(t, s, "GET", target, nil), 429, "busy")
	want(t, ask(t, s, "GET", "/v1/banks/fakes/references?limit=1", nil), 200)
	want(t, ask(t, s, "POST", "/v1/judge", photo(1, 90)), 200)
	close(read)
	clients.Wait()
	want(t, ask(t, s, "GET", target, nil), 200)
	if held := s.admit.replies.held.Load(); held != 0 {
		t.Errorf("%d bytes still held", held)
	}
}

// What a long verdict holds is released when it is refused, too.
func TestLongVerdicts(t *testing.T) {
	s, ix := start(t, Options{})
	f, _, err := hash.Read(t.Context(), strings.NewReader(string(photo(1, 90))), hash.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if _, err := ix.Add(t.Context(), index.Reference{Bank: "fakes", ID: fmt.Sprint(i), Fingerprint: f}); err != nil {
			t.Fatal(err)
		}
	}
	body, ct := form(t, [2]string{"1", string(photo(1, 90))}, [2]string{"2", string(photo(1, 80))})
	for _, room := range []int64{1 << 20, 1 << 10} {
		s.admit.replies = newPool(room)
		one := ask(t, s, "POST", "/v1/judge?limit=1000", photo(1, 90))
		many := ask(t, s, "POST", "/v1/judge?limit=1000", body, "Content-Type", ct)
		if room == 1<<10 {
			wantProblem(t, one, 429, "busy")
			wantProblem(t, many, 429, "busy")
		} else if want(t, one, 200).Body.Len() < freeReply || want(t, many, 200).Body.Len() < 2*freeReply {
			t.Errorf("the verdicts are short: the test shows nothing")
		}
		if held := s.admit.replies.held.Load(); held != 0 {
			t.Errorf("%d bytes still held", held)
		}
	}
	want(t, ask(t, s, "POST", "/v1/judge", photo(1, 90)), 200) // an ordinary verdict always goes
}
