package server

import (
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/net/netutil"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// Options are how a Server behaves. The zero value is a good one.
type Options struct {
	// Logger receives one line per request and what went wrong inside; nil
	// discards it.
	Logger *slog.Logger
	// Limits bound the pictures. Give the same value, with the same Budget, to
	// index.Options, so that all decoding shares one memory. A nil Budget is
	// replaced by one of Limits.MaxMemory for fingerprints only.
	Limits hash.Limits
	// Mode is how pictures are judged unless a request says otherwise; empty means
	// index.Thorough.
	Mode index.Mode
	// Slots is the number of pictures that are worked on at a time; 0 means
	// GOMAXPROCS.
	Slots int
	// Queue is the number of requests that may wait for a slot; 0 means 64.
	// Further ones are answered 429 at once.
	Queue int
	// MaxWait is how long a request may wait for a slot or for memory before it
	// is answered 429; 0 means 1 s.
	MaxWait time.Duration
	// MaxWork is how long the work on one picture may take, its wait for a slot
	// included, before the request is answered 429; 0 means 2 s. What is decoded by
	// then is finished, so an answer takes a little longer.
	MaxWork time.Duration
	// MaxHeld is the memory in bytes that request bodies may hold together; 0
	// means 128 MB. A quarter of it is for bodies of up to 256 KB. It is at least
	// three times Limits.MaxBytes, so that one large body can grow. Answers of
	// more than 16 KB hold up to 32 MB besides.
	MaxHeld int64
	// BodyTimeout is how long a body, or one part of a multipart body, may take
	// to arrive, and an answer to leave; 0 means 10 s. A body that arrives at less
	// than 64 KB a second is given up after 2 s.
	BodyTimeout time.Duration
	// MaxParts is the largest number of parts in a multipart body; 0 means 64.
	MaxParts int
}

// maxBatch is the longest that a request of several pictures may take. It
// leaves time to write the answer before the write time-out of NewHTTPServer.
const maxBatch = 25 * time.Second

func (o Options) withDefaults() Options {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	span := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&o.Slots, runtime.GOMAXPROCS(0))
	def(&o.Queue, 64)
	def(&o.MaxParts, 64)
	span(&o.MaxWait, time.Second)
	span(&o.MaxWork, 2*time.Second)
	span(&o.BodyTimeout, 10*time.Second)
	o.Limits = o.Limits.WithDefaults()
	if o.Limits.Budget == nil {
		o.Limits.Budget = hash.NewBudget(o.Limits.MaxMemory)
	}
	if o.Mode == "" {
		o.Mode = index.Thorough
	}
	if o.MaxHeld <= 0 {
		o.MaxHeld = 128 << 20
	}
	o.MaxHeld = max(o.MaxHeld, 3*o.Limits.MaxBytes)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// MaxConns is the number of connections that Limit lets in at a time.
const MaxConns = 2048

// Limit caps l at MaxConns connections; more wait in the operating system.
func Limit(l net.Listener) net.Listener { return netutil.LimitListener(l, MaxConns) }

// NewHTTPServer returns a server for h whose time-outs and sizes suit uploads
// from strangers: headers within 5 s and 16 KB, a request within 15 s (bodies of
// pictures have a deadline of their own, Options.BodyTimeout), an answer within
// 30 s, 60 s of idling.
func NewHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}
