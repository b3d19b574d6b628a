package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/index"
	"github.com/touchstone-go/touchstone/server"
)

// Opening a large store takes a while. A server that listens only afterwards
// looks dead to whatever watches it, and is restarted in a circle. So it
// listens at once, says that it lives but is not ready, and exchanges the
// handler when the store is open. Stopping is the same backwards: not ready
// first, so that nobody is sent here any more, then no new connections, then
// the requests under way, then the store.

const (
	defaultAddr        = "127.0.0.1:8080"
	defaultMetricsAddr = "127.0.0.1:9090"

	// stopWithin is how long a stop may take, the drain included. Supervisors
	// commonly kill after 30 s.
	stopWithin = 18 * time.Second
)

// serveFlags are the flags of serve.
type serveFlags struct {
	addr, metrics string
	drain         time.Duration
	log           slog.Level
	mode          index.Mode
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	var level, mode string
	c := &cobra.Command{
		Use:   "serve [--addr HOST:PORT] [--metrics-addr HOST:PORT] [--mode fast|thorough]",
		Short: "Answer over HTTP",
		Long: `Serves the HTTP interface: POST /v1/judge and others, described in /openapi.json.
It listens at once; /livez is 200 from then on, /readyz when the store is open. The
address is printed on standard error; port 0 takes a free one. Metrics for
Prometheus are served on an address of their own, which should not be public.

There are no keys and no TLS yet: on any but a loopback address everybody who
reaches it may judge, register and remove. Put a proxy in front.

SIGTERM or SIGINT stops it: /readyz goes to 503, after --drain no connection is
accepted any more, requests under way are answered, the store is closed. That takes
at most 20 s, and the exit code is 0. A second signal ends it at once. The memory
limit of the environment variable GOMEMLIMIT is respected.`,
		Example: `  touchstone serve --data /var/lib/touchstone
  curl --data-binary @photo.jpg http://127.0.0.1:8080/v1/judge`,
		Args: cobra.NoArgs,
	}
	f.addFlags(c, defaultMetricsAddr)
	c.Flags().StringVar(&level, "log", "info", "what to log: info (each request), warn or error")
	completes(c, "log", "info", "warn", "error")
	addMode(c, &mode, "how pictures are judged unless a request says otherwise: fast or thorough")
	c.RunE = a.verb(func(ctx context.Context, _ []string) (err error) {
		if f.mode, err = modeOf(mode); err != nil {
			return err
		}
		if err := f.log.UnmarshalText([]byte(level)); err != nil {
			return usagef("--log: %w", err)
		}
		var x *index.Index
		err = a.serveHTTP(ctx, f, func() (_ *index.Index, err error) {
			x, err = a.open(ctx, false)
			return x, err
		}, func(string) { a.note("touchstone: ready") })
		if x != nil {
			err = a.closeStore(x, err)
		}
		return err
	})
	return c
}

func (f *serveFlags) addFlags(c *cobra.Command, metrics string) {
	c.Flags().StringVar(&f.addr, "addr", defaultAddr, "address to listen on")
	c.Flags().StringVar(&f.metrics, "metrics-addr", metrics, "address of the metrics, empty for none")
	c.Flags().DurationVar(&f.drain, "drain", 500*time.Millisecond, "how long to answer on after /readyz went to 503")
}

// serveHTTP serves until ctx ends, which is no error, or something fails. It
// calls ready with the address when open has returned.
func (a *app) serveHTTP(ctx context.Context, f serveFlags, open func() (*index.Index, error), ready func(addr string)) error {
	log := a.logger(f.log)
	var doors, metrics server.Switch
	failed := make(chan error, 2)
	main, err := a.listen(ctx, "listening on", f.addr, &doors, log, failed)
	if err != nil {
		return err
	}
	defer main.close()
	warnPublic(log, f.addr)
	if f.metrics != "" {
		side, err := a.listen(ctx, "metrics on", f.metrics, &metrics, log, failed)
		if err != nil {
			return err
		}
		defer side.close()
	}
	x, err := open()
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped as asked, while opening
		}
		return err
	}
	s := server.New(x, server.Options{Logger: log, Limits: a.limits, Mode: f.mode})
	doors.Set(s)
	metrics.Set(s.Metrics())
	ready(main.addr)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return shutDown(main.srv, s, f.drain)
}

// listener is a server that listens.
type listener struct {
	srv   *http.Server
	addr  string
	ended chan struct{} // closed when nothing is accepted any more
}

// close cuts off what is left and waits for the goroutine of listen. Handlers
// that are cut off end with their connections; closing the store waits for
// those that use it.
func (l *listener) close() {
	_ = l.srv.Close()
	<-l.ended
}

// listen starts a server and prints its address. Its failure goes to failed.
func (a *app) listen(ctx context.Context, what, addr string, h http.Handler, log *slog.Logger, failed chan<- error) (*listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, withHint(fmt.Errorf("listen on %s: %w", addr, err), "choose another address with --addr or --metrics-addr; port 0 takes a free one")
	}
	srv := server.NewHTTPServer(h)
	srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	a.note("touchstone: %s http://%s", what, l.Addr())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.Serve(server.Limit(l)); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve on %s: %w", addr, err)
		}
	}()
	return &listener{srv, l.Addr().String(), ended}, nil
}

// shutDown stops accepting and waits for what is under way.
func shutDown(srv *http.Server, s *server.Server, drain time.Duration) error {
	s.Drain()
	time.Sleep(min(drain, stopWithin/2))
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin-min(drain, stopWithin/2))
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop: requests were cut off: %w", err)
	}
	return nil
}

func (a *app) logger(level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.stderr, o))
	}
	return slog.New(slog.NewTextHandler(a.stderr, o))
}

// warnPublic speaks up if others can reach the address.
func warnPublic(log *slog.Logger, addr string) {
	host, _, err := net.SplitHostPort(addr)
	if ip, perr := netip.ParseAddr(host); err == nil && (host == "localhost" || perr == nil && ip.IsLoopback()) {
		return
	}
	log.Warn("not a loopback address, and there is no authentication: everybody who reaches it may judge, register and remove", "addr", addr)
}
