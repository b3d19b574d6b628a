// Touchstone judges product photos against banks of known-genuine and
// known-fake references. Run "touchstone --help".
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// main is the only function that touches the process: streams, environment,
// signals, exit code. Everything below run works on what it is given, so that
// tests can call it.
func main() {
	ctx, stop := withSignals(context.Background())
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}

// stopped is the cause of a context that ended by a signal.
type stopped struct{ sig syscall.Signal }

// Error names the signal.
func (s stopped) Error() string { return fmt.Sprintf("stopped by signal: %v", s.sig) }

// withSignals ends the context at the first SIGINT or SIGTERM. The second one
// has its usual effect, so that a process that does not stop can be ended.
//
// A broken pipe is taken as an error of the write instead of the death of the
// process: the store is then closed as usual.
func withSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	signal.Ignore(syscall.SIGPIPE)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case s := <-signals:
			signal.Stop(signals)
			sig, _ := s.(syscall.Signal)
			cancel(stopped{sig})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-finished
		signal.Stop(signals)
	}
}

// run executes one command line and returns the exit code. It prints data on
// stdout and everything else on stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	root := a.rootCommand()
	root.SetArgs(args)
	return a.exitCode(ctx, root.ExecuteContext(ctx))
}
