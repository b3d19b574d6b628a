package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// app is what all verbs share: the streams, and the flags of the root command.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string

	data    string
	json    bool
	formats []string

	started bool        // a verb runs: later errors are not about the command line
	limits  hash.Limits // of pictures; set when a verb begins
	locals  int         // references that are found by their local features
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "touchstone",
		Short: "Judge product photos against banks of known-genuine and known-fake references",
		Long: `Touchstone says whether a photo was seen before: it compares product photos with
banks of references, each bank holding known-genuine or known-fake ones. A match
says "this photo is known", never "this product is genuine".

A store is a directory (--data, or the variable TOUCHSTONE_DATA). "bank create"
makes it; one process at a time may have it open. Data goes to standard output,
everything else to standard error. With --json each line is one object.

` + exitHelp,
		Example: `  touchstone bank create acme-fakes --kind fake --owner ACME
  touchstone register --bank acme-fakes photos/fakes
  touchstone judge --json uploads/*.jpg`,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return exitWith(exitUsage)
		},
		Args: cobra.NoArgs,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return withCode(exitUsage, withHint(err, "see %s --help", cmd.CommandPath()))
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.data, "data", a.defaultData(), "directory of the store, also by TOUCHSTONE_DATA")
	flags.IntVar(&a.locals, "local-features", defaultLocals, "`references` of which the local features are held in memory, 2 KB each, for the thorough search")
	flags.BoolVar(&a.json, "json", false, "print one JSON object a line")
	flags.StringSliceVar(&a.formats, "formats", nil, "also decode these formats, off by default: bmp, tiff")
	_ = root.MarkPersistentFlagDirname("data")
	completes(root, "formats", "bmp", "tiff")
	root.AddCommand(
		a.bankCommand(), a.registerCommand(), a.judgeCommand(), a.searchCommand(),
		a.getCommand(), a.listCommand(), a.removeCommand(), a.opinionCommand(),
		a.compareCommand(), a.fingerprintCommand(), a.replayCommand(), a.checkCommand(), a.benchCommand(),
		a.exportCommand(), a.importCommand(), a.reindexCommand(), a.serveCommand(), a.demoCommand(), a.versionCommand(),
	)
	withoutFlagsWord(root)
	return root
}

// withoutFlagsWord keeps cobra from adding "[flags]" to what names them.
func withoutFlagsWord(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	for _, sub := range c.Commands() {
		withoutFlagsWord(sub)
	}
}

// defaultLocals is the default of package index, in references.
const defaultLocals = 100_000

func (a *app) defaultData() string {
	if dir := a.env("TOUCHSTONE_DATA"); dir != "" {
		return dir
	}
	return "./data"
}

// completes tells the shell's completion which values a flag takes.
func completes(c *cobra.Command, flag string, values ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// verb makes RunE of a command. Whatever fails before it is an error of usage.
func (a *app) verb(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		if a.locals < 0 {
			return usagef("--local-features %d is negative", a.locals)
		}
		if err := a.setLimits(); err != nil {
			return err
		}
		return do(cmd.Context(), args)
	}
}

// setLimits makes the limits that all decoding of this process shares.
func (a *app) setLimits() error {
	a.limits = hash.DefaultLimits()
	a.limits.Budget = hash.NewBudget(a.limits.MaxMemory)
	for _, f := range a.formats {
		switch f {
		case "bmp":
			a.limits.Formats.BMP = true
		case "tiff":
			a.limits.Formats.TIFF = true
		default:
			return usagef("--formats %q: want bmp or tiff", f)
		}
	}
	return nil
}

// open opens the store. Only makeStore makes one that is absent.
func (a *app) open(ctx context.Context, makeStore bool) (*index.Index, error) {
	x, err := index.Open(ctx, a.data, &index.Options{
		MustExist: !makeStore,
		Limits:    a.limits,
		MadeBy:    madeBy(),
		Logger:    a.logger(slog.LevelWarn),
		// None is not the default.
		LocalFeatures: cmp.Or(min(a.locals, math.MaxInt/hash.MaxPoints)*hash.MaxPoints, -1),
	})
	return x, a.openError(err)
}

// openRead opens a store that is there without writing to it, and without what
// only judging needs. Badger cannot do that on Windows: there it is opened as
// usual.
func (a *app) openRead(ctx context.Context) (*index.Index, error) {
	x, err := index.Open(ctx, a.data, &index.Options{
		MustExist:     true,
		ReadOnly:      runtime.GOOS != "windows",
		Limits:        a.limits,
		Logger:        a.logger(slog.LevelWarn),
		LocalFeatures: -1,
	})
	if errors.Is(err, index.ErrReadOnly) {
		// The log of a store that was not closed looks cut off.
		return nil, withHint(err, "if the store was not closed cleanly, this puts it right: touchstone check --data %s", a.data)
	}
	return x, a.openError(err)
}

// openError says what to do about an error of opening.
func (a *app) openError(err error) error {
	switch {
	case errors.Is(err, index.ErrNotFound):
		return withCode(exitUsage, withHint(fmt.Errorf("no store in %s", a.data),
			"make one with: touchstone bank create NAME --kind fake|genuine --data %s", a.data))
	case errors.Is(err, index.ErrLocked):
		return withHint(err, "a store has one process at a time; ask the one that has it over HTTP (touchstone serve, POST /v1/judge)")
	}
	return err
}

// withStore runs do on the opened store and closes it.
func (a *app) withStore(ctx context.Context, makeStore bool, do func(*index.Index) error) error {
	x, err := a.open(ctx, makeStore)
	if err != nil {
		return err
	}
	return a.withOpened(x, do)
}

// withOpened runs do on an index and closes it.
func (a *app) withOpened(x *index.Index, do func(*index.Index) error) (err error) {
	defer func() { err = a.closeStore(x, err) }()
	return do(x)
}

// closeStore closes the store behind a verb that ended with err. A store that
// cannot be closed is a failure, unless something graver has happened.
func (a *app) closeStore(x *index.Index, err error) error {
	cerr := x.Close()
	if cerr == nil {
		return err
	}
	a.complain(fmt.Errorf("close store %s: %w", a.data, cerr))
	var coded *codeError
	if err == nil || errors.As(err, &coded) && coded.err == nil && coded.code != exitKnownFake {
		return exitWith(exitFailure)
	}
	return err
}

// knownBanks refuses unknown banks in flags before any work begins.
func knownBanks(ctx context.Context, x *index.Index, names ...string) error {
	for _, n := range names {
		_, err := x.Bank(ctx, n)
		if errors.Is(err, index.ErrNotFound) {
			return withCode(exitUsage, withHint(fmt.Errorf("no bank %q", n),
				"touchstone bank list shows them, touchstone bank create %s --kind fake|genuine makes one", n))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// printLine writes one line to standard output, at once.
func (a *app) printLine(s string) error {
	if _, err := io.WriteString(a.stdout, s+"\n"); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

// printJSON writes v as one line.
func (a *app) printJSON(v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	return a.printLine(string(b))
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// note prints a remark that is no error.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.stderr, format+"\n", args...)
}

// terminal reports whether a person looks at w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// workers is how many pictures are worked on at a time.
func workers() int { return runtime.GOMAXPROCS(0) }

// printable quotes text that could confuse a terminal: file names come from
// strangers.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.ToValidUTF8(s, "") != s {
		return strconv.Quote(s)
	}
	return s
}

// millis is a duration in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
