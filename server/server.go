package server

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	_ "embed"

	"github.com/touchstone-go/touchstone/index"
)

// Server answers for one index. It is an http.Handler.
type Server struct {
	ix       *index.Index
	o        Options
	admit    *admission
	metrics  *metrics
	mux      *http.ServeMux
	draining atomic.Bool
}

// New returns a server for ix. It starts no goroutines and does not close ix.
func New(ix *index.Index, o Options) *Server {
	o = o.withDefaults()
	s := &Server{ix: ix, o: o, mux: http.NewServeMux()}
	s.metrics = newMetrics(ix)
	s.admit = newAdmission(o, s.metrics.refused)
	s.metrics.watch(s.admit)
	s.handle()
	return s
}

// Metrics returns the handler of the Prometheus metrics. Serve it on a private
// address: it names the banks.
func (s *Server) Metrics() http.Handler { return s.metrics.handler() }

// Drain makes /readyz answer 503 from now on, so that no new clients are sent
// here, while everything else is still answered.
func (s *Server) Drain() { s.draining.Store(true) }

// route is one entry of the contract. openapi.json says the same in full, and a
// test compares the two.
type route struct {
	method, path string
	query        []string // the parameters that are known
	do           func(*Server, http.ResponseWriter, *http.Request) error
}

const (
	bankPath       = "/v1/banks/{bank}"
	referencesPath = bankPath + "/references"
	referencePath  = referencesPath + "/{id...}"
)

func routes() []route {
	judging := []string{"bank", "authorised", "limit", "mode"}
	return []route{
		{"POST", "/v1/judge", judging, (*Server).judge},
		{"POST", "/v1/fingerprint", nil, (*Server).fingerprint},
		{"POST", "/v1/search", nil, (*Server).search},
		{"GET", "/v1/banks", nil, (*Server).listBanks},
		{"GET", bankPath, nil, (*Server).getBank},
		{"PUT", bankPath, nil, (*Server).putBank},
		{"GET", referencesPath, []string{"after", "limit"}, (*Server).listReferences},
		{"GET", referencePath, nil, (*Server).getReference},
		{"PUT", referencePath, []string{"replace", "force", "opinion"}, (*Server).putReference},
		{"DELETE", referencePath, nil, (*Server).deleteReference},
		{"GET", "/livez", nil, (*Server).live},
		{"GET", "/readyz", nil, (*Server).ready},
		{"GET", "/openapi.json", nil, (*Server).description},
	}
}

// handle fills the mux. Every path also gets an entry without a method and the
// root one for the rest, so that wrong methods and paths become problems, and so
// that the mux finds no reason to redirect.
func (s *Server) handle() {
	allow := map[string][]string{}
	for _, r := range routes() {
		allow[r.path] = append(allow[r.path], r.method)
		s.mux.Handle(r.method+" "+r.path, s.endpoint(r))
	}
	for path, methods := range allow {
		if slices.Contains(methods, "GET") {
			methods = append(methods, "HEAD")
		}
		slices.Sort(methods)
		s.mux.Handle(path, s.endpoint(route{path: path, do: func(_ *Server, w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			return errMethod
		}}))
	}
	s.mux.Handle("/", s.endpoint(route{path: "other", do: func(*Server, http.ResponseWriter, *http.Request) error {
		return errRoute
	}}))
}

// endpoint turns a route into a handler.
func (s *Server) endpoint(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := w.(*answer); ok {
			a.route = rt.path
		}
		err := checkQuery(r, rt)
		if err == nil {
			err = rt.do(s, w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// fail answers with a problem and logs what the client is not told, unless it
// has gone.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if p := problemOf(err); p.status >= 500 && r.Context().Err() == nil {
		s.o.Logger.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("id", w.Header().Get(requestID)), slog.Int("status", p.status), slog.String("error", err.Error()))
	}
	writeProblem(w, err)
}

// requestID is the header that names a request in the log.
const requestID = "X-Request-Id"

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	a := &answer{ResponseWriter: w, route: "other"}
	h := w.Header()
	h.Set(requestID, idOf(r))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s.metrics.inFlight.Inc()
	defer func() {
		s.metrics.inFlight.Dec()
		s.recovered(a, r, recover())
		s.record(a, r, time.Since(begun))
	}()
	if err := checkPath(r.URL); err != nil {
		s.fail(a, r, err)
		return
	}
	s.mux.ServeHTTP(a, r)
}

// recovered answers for a panic of a handler. The way that net/http provides to
// give up a connection is left alone.
func (s *Server) recovered(a *answer, r *http.Request, p any) {
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.o.Logger.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("id", a.Header().Get(requestID)), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	if a.status == 0 {
		writeProblem(a, fmt.Errorf("panic: %v", p))
	}
}

// record counts and logs a request that was answered.
func (s *Server) record(a *answer, r *http.Request, took time.Duration) {
	s.metrics.request(a.route, r.Method, a.status, took)
	s.o.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("id", a.Header().Get(requestID)), slog.String("remote", r.RemoteAddr),
		slog.String("method", r.Method), slog.String("path", r.URL.EscapedPath()), slog.String("route", a.route),
		slog.Int("status", a.status), slog.Int64("bytes", a.bytes), slog.Duration("took", took))
}

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	route  string
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// idOf returns the client's name for the request if it is short and plain, or
// a random one of 16 hexadecimal digits.
func idOf(r *http.Request) string {
	id := r.Header.Get(requestID)
	plain := func(c rune) bool {
		return c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("-_.", c))
	}
	if id != "" && len(id) <= 64 && strings.IndexFunc(id, func(c rune) bool { return !plain(c) }) < 0 {
		return id
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// checkPath refuses every path that somebody might clean, so that a proxy and
// this server never mean two things by it. It looks at the path decoded once,
// which is what ids are made of.
func checkPath(u *url.URL) error {
	p := u.Path
	if p == "/" {
		return nil
	}
	if !strings.HasPrefix(p, "/") || !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl) {
		return errPath
	}
	for segment := range strings.SplitSeq(p[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return errPath
		}
	}
	return nil
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, statusJSON{"live"})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	if s.draining.Load() {
		return errStopping
	}
	if _, err := s.ix.Banks(r.Context()); err != nil {
		return fmt.Errorf("ready: %w", err)
	}
	return writeJSON(w, http.StatusOK, statusJSON{"ready"})
}

//go:embed openapi.json
var openAPI []byte

func (s *Server) description(w http.ResponseWriter, _ *http.Request) error {
	writeBytes(w, http.StatusOK, "application/json", openAPI)
	return nil
}

// Loading returns what answers while the index is being opened: /livez 200,
// everything else, /readyz included, 503 with Retry-After.
func Loading() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if r.URL.Path == "/livez" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			_ = writeJSON(w, http.StatusOK, statusJSON{"live"})
			return
		}
		writeProblem(w, errStarting)
	})
}

// Switch is a handler that can be exchanged while requests come in: Loading
// first, then the server. The zero value answers like Loading.
type Switch struct{ current atomic.Pointer[http.Handler] }

// Set makes h answer from the next request on.
func (s *Switch) Set(h http.Handler) { s.current.Store(&h) }

// ServeHTTP answers by the handler that was set last.
func (s *Switch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := s.current.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	Loading().ServeHTTP(w, r)
}
