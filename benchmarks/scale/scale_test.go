package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain lets this binary be the child that measure starts.
func TestMain(m *testing.M) {
	if part := os.Getenv(partVariable); part != "" {
		if err := runPart(context.Background(), part, os.Args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The program works, at a size that takes no time. Only the figure that does
// not depend on the machine is looked at: a match is found through every part.
func TestMeasure(t *testing.T) {
	var out strings.Builder
	if _, err := measure(t.Context(), t.TempDir(), 5000, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"add ", "open ", "anonymous, per reference", "near / bare loop"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no figure %q in\n%s", want, out.String())
		}
	}
}

func TestTableCountsMissedBars(t *testing.T) {
	var out strings.Builder
	tab := table{w: &out}
	tab.figure("a", 1, "s", true, "<= 1")
	tab.figure("b", 2, "s", false, "<= 1")
	if tab.missed != 1 || !strings.Contains(out.String(), "MISSED") {
		t.Errorf("%d bars missed, printed\n%s", tab.missed, out.String())
	}
}
