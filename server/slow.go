package server

import (
	"io"
	"net/http"
	"time"
)

// The time-outs of net/http bound a request as a whole, so they have to suit
// the largest one: a client that sends a byte a second holds its memory for as
// long as an honest one needs for 20 MB. Here are the two ends of a connection
// at which a client can be slow, and what it may hold meanwhile.

const (
	// minRate is the average at which a body has to arrive, in bytes per
	// second, after a grace for connections that begin slowly or stall once.
	minRate = 64 << 10
	grace   = 2 * time.Second
)

// arrival is the body of a request as it comes in. Its deadline moves with the
// bytes that have come. Only the time spent on waiting for the sender counts,
// not that in which the server was busy with what it had.
type arrival struct {
	r       *http.Request
	control *http.ResponseController
	last    time.Time // when all has to be there
	n       int64
	waited  time.Duration
	err     error
}

// arriving returns the body of r, which has to be there by last.
func arriving(w http.ResponseWriter, r *http.Request, last time.Time) *arrival {
	return &arrival{r: r, control: http.NewResponseController(w), last: last}
}

// Read implements io.Reader. After the end of the body the deadline is left
// alone: net/http has lifted it by then.
func (a *arrival) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	begun := time.Now()
	if a.r.Body != http.NoBody { // of which net/http awaits the next request already
		slowest := grace + time.Duration(a.n)*time.Second/minRate
		// Recorders in tests have no deadlines.
		_ = a.control.SetReadDeadline(earlier(begun.Add(slowest-a.waited), a.last))
	}
	var n int
	n, a.err = a.r.Body.Read(p)
	a.n += int64(n)
	a.waited += time.Since(begun)
	return n, a.err
}

// Close implements io.Closer.
func (a *arrival) Close() error { return a.r.Body.Close() }

// drain reads on for a while without keeping anything: a client that is still
// sending when the connection closes may never see the answer. One that waits
// for leave to send is not given it.
func (a *arrival) drain(most int64) {
	if a.r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, a, most)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// reply is an answer that grows in admitted memory. The first freeReply bytes
// are free, so that ordinary answers are never refused. There is no waiting for
// more, since what is there would be held meanwhile.
type reply struct {
	a    *admission
	b    []byte
	held int64
}

func (a *admission) reply() *reply { return &reply{a: a} }

// add appends b, or fails with errBusy.
func (p *reply) add(b []byte) error {
	if need := len(p.b) + len(b); need > cap(p.b) {
		size := max(need, 2*cap(p.b))
		if need > freeReply {
			more := int64(size) - p.held
			if !p.a.replies.try(more) {
				return p.a.busy("replies")
			}
			p.held += more
		}
		p.b = append(make([]byte, 0, size), p.b...)
	}
	p.b = append(p.b, b...)
	return nil
}

// release gives the memory back; the bytes must not be used afterwards.
func (p *reply) release() {
	p.a.replies.give(p.held)
	p.b, p.held = nil, 0
}

// send writes the reply. A reader who takes longer for it than a sender may
// take for a body is cut off.
func (s *Server) send(w http.ResponseWriter, p *reply) error {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.o.BodyTimeout))
	writeBytes(w, http.StatusOK, "application/json", p.b)
	return nil
}
