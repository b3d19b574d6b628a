package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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

// The program works, at a size that takes no time.
// Only what does not depend on the machine is looked at: that all searches found
// what they should, or there would be an error, and that nothing is left behind.
func TestMeasure(t *testing.T) {
	for _, b := range []bars{barsFor(false), barsFor(true)} {
		var out strings.Builder
		dir := t.TempDir()
		tab := table{w: &out}
		if err := measure(t.Context(), dir, 5000, b, &tab); err != nil {
			t.Fatal(err)
		}
		want := []string{"add ", "insert, ", "open, from rows: ready ", "open, from rows: anonymous ", "open, with the file"}
		if !b.startOnly {
			want = append(want, "near, 1 codes within 31 bits ", "near / bare loop", "near, 24 codes within 46 bits ")
		}
		for _, name := range want {
			if !strings.Contains(out.String(), name) {
				t.Errorf("no figure %q in\n%s", name, out.String())
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// A store without what is searched for is an error in every part that searches.
func TestPartsFailWithoutTheReferences(t *testing.T) {
	dir := t.TempDir()
	if _, err := add(t.Context(), dir, 200); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]func(context.Context, string, int) (result, error){"open": open, "near": near, "insert": insert} {
		if _, err := part(t.Context(), dir, 2000); err == nil {
			t.Errorf("%s finds references that are not there", name)
		}
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	tab := table{w: &out}
	tab.add("a", 1, "s", most(1))
	tab.add("b", 2, "s", most(1))
	tab.add("c", 2, "/s", least(2))
	tab.add("d", 1, "/s", least(2))
	tab.add("e", 7, "s", bar{})
	if tab.missed != 2 || strings.Count(out.String(), "MISSED") != 2 || strings.Count(out.String(), "held") != 2 {
		t.Errorf("%d bars missed, printed\n%s", tab.missed, out.String())
	}
	path := filepath.Join(t.TempDir(), "figures.json")
	if err := tab.save(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []figure
	if err := json.Unmarshal(b, &got); err != nil || !slices.Equal(got, tab.figures) || !got[1].Missed || got[1].Bar != "<= 1" {
		t.Errorf("%v, read %+v, want %+v", err, got, tab.figures)
	}
}

// The shortest times and the largest memory stay.
func TestBest(t *testing.T) {
	a := result{Ready: 1, ReadyCPU: 2, First: 5, Wait: 1, Indexed: 5, Close: 1, Peak: 5, PeakAnonymous: 1, Anonymous: 1, Resident: 5}
	b := result{Ready: 2, ReadyCPU: 1, First: 4, Wait: 2, Indexed: 4, Close: 2, Peak: 4, PeakAnonymous: 2, Anonymous: 2, Resident: 4}
	want := result{Ready: 1, ReadyCPU: 1, First: 4, Wait: 1, Indexed: 4, Close: 1, Peak: 5, PeakAnonymous: 2, Anonymous: 2, Resident: 5}
	if got := best([]result{a, b}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
