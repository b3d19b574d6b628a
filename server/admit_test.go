package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/touchstone-go/touchstone/hash"
)

func admit(o Options) *admission {
	return newAdmission(o.withDefaults(), func(string) {})
}

func TestReceive(t *testing.T) {
	a := admit(Options{})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5*firstStep).Draw(t, "n")
		limit := rapid.IntRange(0, 5*firstStep).Draw(t, "limit")
		announced := rapid.SampledFrom([]int{-1, n}).Draw(t, "announced")
		body := bytes.Repeat([]byte("touchstone"), n/10+1)[:n]
		r := io.Reader(bytes.NewReader(body))
		if rapid.Bool().Draw(t, "EOF with the last bytes") {
			r = iotest.DataErrReader(r)
		}
		u, err := a.receive(context.Background(), r, int64(announced), int64(limit))
		if n > limit {
			if !errors.Is(err, errTooLarge) {
				t.Fatalf("%d bytes with limit %d: %v", n, limit, err)
			}
		} else {
			if err != nil || !bytes.Equal(u.b, body) {
				t.Fatalf("%d bytes with limit %d: %v", n, limit, err)
			}
			if held := a.held(); held != int64(cap(u.b)) || cap(u.b) > max(2*n, firstStep) {
				t.Fatalf("%d bytes: capacity %d, %d held", n, cap(u.b), held)
			}
			u.release()
		}
		if held := a.held(); held != 0 {
			t.Fatalf("%d bytes still held", held)
		}
	})
}

func TestReceiveReportsReader(t *testing.T) {
	a := admit(Options{})
	for _, c := range []struct{ err, want error }{
		{io.ErrUnexpectedEOF, errIncomplete}, {&http.MaxBytesError{}, errTooLarge}, {errors.New("x"), errBody},
		{&net.OpError{Err: context.DeadlineExceeded}, errBody},
	} {
		if _, err := a.receive(context.Background(), iotest.ErrReader(c.err), -1, 100); !errors.Is(err, c.want) {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
	if held := a.held(); held != 0 {
		t.Errorf("%d bytes still held", held)
	}
}

// Bodies that have only been announced hold little; what is there holds all,
// and what no longer fits is refused.
func TestMemoryIsBounded(t *testing.T) {
	o := Options{MaxWait: time.Millisecond, Limits: hash.Limits{MaxBytes: 1 << 20}, MaxHeld: 3 << 20}
	a := admit(o)
	ctx := t.Context()
	first, err := a.receive(ctx, bytes.NewReader(make([]byte, 1<<20)), 1<<20, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.receive(ctx, bytes.NewReader(make([]byte, 1<<20)), 1<<20, 1<<20); !errors.Is(err, errBusy) {
		t.Errorf("a second one while it grows: %v", err)
	}
	if held := a.held(); held != 1<<20 {
		t.Errorf("%d bytes held", held)
	}
	first.release()
	announcing, err := a.receive(ctx, bytes.NewReader(nil), 1<<20, 1<<20)
	if err != nil || a.held() != firstStep {
		t.Fatalf("%v, %d bytes held by a body of none, want %d", err, a.held(), firstStep)
	}
	announcing.release()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := a.bodies.take(ctx, 3<<20-3<<18); err != nil {
		t.Fatal(err)
	}
	if _, err := a.receive(gone, bytes.NewReader(nil), -1, 1<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("the client has gone: %v", err)
	}
}

// A small body finds room when large ones have taken all of theirs.
func TestSmallBodiesHaveAShare(t *testing.T) {
	a := admit(Options{MaxWait: time.Millisecond})
	if err := a.bodies.take(t.Context(), 96<<20); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, smallBody} {
		u, err := a.receive(t.Context(), bytes.NewReader(make([]byte, n)), int64(n), 20<<20)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		u.release()
	}
	for _, announced := range []int64{-1, smallBody + 1} {
		if _, err := a.receive(t.Context(), bytes.NewReader(nil), announced, 20<<20); !errors.Is(err, errBusy) {
			t.Errorf("announced %d: %v", announced, err)
		}
	}
	if held := a.small.held.Load(); held != 0 {
		t.Errorf("%d bytes still held", held)
	}
	// Without a share left they are bodies like others.
	a.bodies.give(96 << 20)
	if err := a.small.take(t.Context(), 32<<20); err != nil {
		t.Fatal(err)
	}
	u, err := a.receive(t.Context(), bytes.NewReader(make([]byte, 100)), 100, 20<<20)
	if err != nil || len(u.b) != 100 {
		t.Fatalf("the share is taken: %v", err)
	}
	u.release()
}

func TestLimitsAreNormalised(t *testing.T) {
	d := hash.DefaultLimits()
	for _, n := range []int64{0, -1} {
		o := Options{Limits: hash.Limits{MaxBytes: n, MaxMemory: n}, MaxHeld: n}.withDefaults()
		if o.Limits.MaxBytes != d.MaxBytes || o.Limits.MaxMemory != d.MaxMemory || o.MaxHeld != 128<<20 {
			t.Errorf("%d: %+v", n, o)
		}
	}
	s, _ := start(t, Options{Limits: hash.Limits{MaxBytes: -1}})
	want(t, ask(t, s, "POST", "/v1/fingerprint", photo(1, 90)), 200)
}

func TestSlots(t *testing.T) {
	causes := map[string]int{}
	var mu sync.Mutex
	a := newAdmission(Options{Slots: 2, Queue: 1, MaxWait: 20 * time.Millisecond}.withDefaults(), func(c string) {
		mu.Lock()
		defer mu.Unlock()
		causes[c]++
	})
	var leave []func()
	for range 2 {
		l, err := a.enter(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	queued := make(chan error)
	go func() {
		_, err := a.enter(context.Background(), false)
		queued <- err
	}()
	for a.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := a.enter(t.Context(), false); !errors.Is(err, errBusy) {
		t.Errorf("the queue is full: %v", err)
	}
	if err := <-queued; !errors.Is(err, errBusy) {
		t.Errorf("after the longest wait: %v", err)
	}
	if causes["queue"] != 1 || causes["slot"] != 1 {
		t.Errorf("counted %v", causes)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.enter(gone, false); !errors.Is(err, context.Canceled) {
		t.Errorf("the client has gone: %v", err)
	}
	go func() {
		_, err := a.enter(context.Background(), false)
		queued <- err
	}()
	for a.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	leave[0]()
	if err := <-queued; err != nil {
		t.Errorf("a slot was free: %v", err)
	}
	if a.waiting.Load() != 0 || len(a.slots) != 2 {
		t.Errorf("%d waiting, %d slots taken", a.waiting.Load(), len(a.slots))
	}
}

// Large pictures leave a slot to the others, whatever their number.
func TestLargePicturesQueueBehindThemselves(t *testing.T) {
	a := newAdmission(Options{Slots: 2, MaxWait: 10 * time.Millisecond}.withDefaults(), func(string) {})
	leave, err := a.enter(t.Context(), large(largeMemory, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.enter(t.Context(), large(0, largeTime)); !errors.Is(err, errBusy) {
		t.Errorf("a second large picture: %v", err)
	}
	light, err := a.enter(t.Context(), large(largeMemory-1, largeTime-1))
	if err != nil {
		t.Fatalf("an ordinary picture: %v", err)
	}
	if _, err := a.enter(t.Context(), false); !errors.Is(err, errBusy) {
		t.Errorf("more than slots: %v", err)
	}
	// A large picture that gets no slot does not keep its place among them.
	leave()
	other, err := a.enter(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.enter(t.Context(), true); !errors.Is(err, errBusy) {
		t.Errorf("a large picture without a slot: %v", err)
	}
	light()
	if leave, err = a.enter(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	leave()
	other()
	if len(a.slots)+len(a.large) != 0 {
		t.Errorf("%d slots and %d places of large pictures are still taken", len(a.slots), len(a.large))
	}
}

func TestBusyIs429(t *testing.T) {
	s, _ := start(t, Options{Slots: 1, MaxWait: time.Millisecond})
	leave, err := s.admit.enter(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	f := hash.FromPDQ(hash.Code{}, 100).String()
	body, ct := form(t, [2]string{"1", string(photo(1, 90))})
	for _, w := range []*httptest.ResponseRecorder{
		ask(t, s, "POST", "/v1/judge", photo(1, 90)),
		ask(t, s, "POST", "/v1/judge", body, "Content-Type", ct),
		ask(t, s, "POST", "/v1/fingerprint", photo(1, 90)),
		ask(t, s, "POST", "/v1/search", []byte(`{"fingerprint":"`+f+`"}`)),
		ask(t, s, "PUT", "/v1/banks/fakes/references/a", photo(1, 90)),
		ask(t, s, "GET", "/v1/banks/fakes/references", nil),
	} {
		wantProblem(t, w, 429, "busy")
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
	}
	want(t, ask(t, s, "GET", "/v1/banks", nil), 200) // no picture, no slot
	leave()
	want(t, ask(t, s, "POST", "/v1/judge", photo(1, 90)), 200)
	if held := s.admit.held(); held != 0 {
		t.Errorf("%d bytes still held", held)
	}
}

func TestWorkThatTakesTooLong(t *testing.T) {
	s, _ := start(t, Options{MaxWork: time.Nanosecond})
	wantProblem(t, ask(t, s, "POST", "/v1/judge", photo(1, 90)), 429, "busy")
}

// A body that trickles is cut off, and meanwhile holds neither a slot nor more
// memory than a step.
func TestTricklingBody(t *testing.T) {
	s, _ := start(t, Options{Slots: 1, BodyTimeout: 300 * time.Millisecond})
	addr := serve(t, s)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/judge HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\nslow")
	for deadline := time.Now().Add(5 * time.Second); s.admit.held() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the body never began")
		}
	}
	if held := s.admit.held(); held != firstStep {
		t.Errorf("%d bytes held", held)
	}
	resp, err := http.Post("http://"+addr+"/v1/judge", "", bytes.NewReader(photo(1, 90)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != 200 {
		t.Errorf("another client: status %d", resp.StatusCode)
	}
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	slow, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	slow.Body.Close()
	if slow.StatusCode != 408 {
		t.Errorf("status %d, want 408", slow.StatusCode)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Errorf("the connection was not closed: %v", err)
	}
	if held := s.admit.held(); held != 0 {
		t.Errorf("%d bytes still held", held)
	}
}

// The deadline of a body does not end the work on it, nor the next request on
// the connection.
func TestBodyDeadlineIsLifted(t *testing.T) {
	s, _ := start(t, Options{Slots: 1, BodyTimeout: 100 * time.Millisecond})
	addr := serve(t, s)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for range 2 {
		leave, err := s.admit.enter(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(300*time.Millisecond, leave)
		resp, err := client.Post("http://"+addr+"/v1/judge", "", bytes.NewReader(photo(1, 90)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}
