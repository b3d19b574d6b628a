package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain also lets this test binary be the touchstone command, for scripts
// and for tests that kill it.
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"touchstone": main})
}

type leakChecked struct{ m *testing.M }

// Run looks for goroutines that are left at the end. An Open of Badger that
// fails, as the first one does after some kills, leaves those that are ignored;
// the ones of an index that was not closed are others too.
func (l leakChecked) Run() int {
	const badger, ristretto = "github.com/dgraph-io/badger/v4", "github.com/dgraph-io/ristretto/v2"
	code := l.m.Run()
	err := goleak.Find(
		goleak.IgnoreTopFunction(badger+".(*DB).monitorCache"),
		goleak.IgnoreTopFunction(badger+".(*DB).updateSize"),
		goleak.IgnoreTopFunction(badger+"/y.(*WaterMark).process"),
		goleak.IgnoreTopFunction(ristretto+"/z.(*AllocatorPool).freeupAllocators"),
		goleak.IgnoreTopFunction(ristretto+".(*Cache[...]).processItems"),
		goleak.IgnoreTopFunction(ristretto+".(*defaultPolicy[...]).processItems"),
	)
	if err != nil && code == 0 {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return code
}

// TestScripts runs testdata/script: each file is one story of a user. Besides
// the commands of testscript they have
//
//	exits CODE COMMAND...   runs a command that must end with that exit code
//	photo FILE SEED         writes a picture; another seed is another picture
//	edit HOW IN OUT         writes a copy: recompress, half, mirror, turn, near
//	blank FILE              writes a picture too plain to be judged
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"photo": func(ts *testscript.TestScript, _ bool, args []string) {
				seed, err := strconv.Atoi(args[1])
				ts.Check(err)
				ts.Check(writeJPEG(ts.MkAbs(args[0]), photo(seed, 256, 192), 90))
			},
			"edit": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(edit(args[0], ts.MkAbs(args[1]), ts.MkAbs(args[2])))
			},
			"blank": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(writeJPEG(ts.MkAbs(args[0]), blank(160, 120), 90))
			},
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}
