package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/touchstone-go/touchstone/index"
)

// Exit codes are a contract: scripts branch on them. They are told once, in
// the help of the root command (see exitHelp), and given here.
//
// A verb returns an error; exitCode turns it into a code and prints it. A
// verdict such as known_fake is not an error, yet has a code of its own: it
// travels as a codeError without a message.

const (
	exitOK         = 0
	exitFailure    = 1
	exitUsage      = 2
	exitRefused    = 3
	exitAbsent     = 4
	exitKnownFake  = 10
	exitReview     = 11
	exitUnusable   = 12
	exitBrokenPipe = 128 + int(syscall.SIGPIPE)
	exitSignal     = 128 // plus the number of the signal
)

const exitHelp = `Exit codes (of several the gravest, in this order where a verb gives verdicts):
  10  judge, search: a known_fake is among the pictures
   1  something failed (judge and register go on with the other files);
      check: the store has findings; replay: a line contradicts itself;
      demo: a result differs from expected.csv; bench near --check: a search
      differs from the plain loop
  11  judge, search: near, conflict or known_genuine: somebody should look
  12  judge, fingerprint, compare: a picture is unusable
   0  done; judge, search: nothing found
   2  usage: flags, arguments, an unknown bank in a flag, or a missing store
   3  register, import: some files or lines were refused, the rest was stored;
      reindex: some references have no photo
   4  get, list, set, remove, opinion: there is no such bank, in a flag either, or
      reference
 130  stopped by SIGINT, 143 by SIGTERM (serve: a stop as asked is 0)
 141  the reader of standard output went away`

// codeError asks for an exit code. Without err nothing is printed.
type codeError struct {
	code int
	err  error
}

// Error is the message that is printed.
func (e *codeError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the cause.
func (e *codeError) Unwrap() error { return e.err }

// withCode attaches an exit code to an error.
func withCode(code int, err error) error { return &codeError{code, err} }

// exitWith ends a verb with a code and no message.
func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return &codeError{code: code}
}

// usagef is an error of whoever typed the command.
func usagef(format string, args ...any) error {
	return withCode(exitUsage, fmt.Errorf(format, args...))
}

// hintError adds a line that says what to do about an error.
type hintError struct {
	err  error
	hint string
}

// Error is the error without the hint.
func (e *hintError) Error() string { return e.err.Error() }

// Unwrap returns the error without the hint.
func (e *hintError) Unwrap() error { return e.err }

func withHint(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// exitCode prints err, unless it only carries a code, and returns the code of
// the process.
func (a *app) exitCode(ctx context.Context, err error) int {
	var sig stopped
	var coded *codeError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, syscall.EPIPE):
		return exitBrokenPipe
	case errors.As(context.Cause(ctx), &sig):
		a.complain(sig)
		return exitSignal + int(sig.sig)
	case errors.As(err, &coded):
		if coded.err != nil {
			a.complain(err)
		}
		return coded.code
	case !a.started: // cobra refused the command line
		a.complain(withHint(err, "see touchstone --help"))
		return exitUsage
	case errors.Is(err, index.ErrNotFound):
		a.complain(err)
		return exitAbsent
	default:
		a.complain(err)
		return exitFailure
	}
}

// complain prints an error and its hint.
func (a *app) complain(err error) {
	fmt.Fprintf(a.stderr, "touchstone: %v\n", err)
	var h *hintError
	if errors.As(err, &h) {
		fmt.Fprintf(a.stderr, "hint: %s\n", h.hint)
	}
}
