package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The rooms of this module and the arrows between them:
//
//	cmd/touchstone -> server -> index -> hash          benchmarks -> any
//
// Who imports what decides what a user pays for and what a change can break, so
// it is a test and not a habit. Test files are free.

const module = "github.com/touchstone-go/touchstone"

// rooms lists what each room may import of ours. A room is a folder with all
// below it; it may always import itself.
func rooms() map[string][]string {
	return map[string][]string{
		"hash":       {},
		"index":      {"hash"},
		"server":     {"index", "hash"},
		"cmd":        {"server", "index", "hash"},
		"benchmarks": {"server", "index", "hash"},
	}
}

// denial says that only some rooms import a package of their own will.
type denial struct {
	prefix string
	only   []string // rooms that may
	reason string
}

func denials() []denial {
	const pixels = "pictures are decoded behind the limits of hash and nowhere else"
	return []denial{
		{"github.com/corona10/goimagehash", []string{"hash", "benchmarks"}, "it panics on pictures that were not checked, and its types must not leak"},
		{"github.com/disintegration/imaging", []string{"hash", "benchmarks"}, pixels},
		{"golang.org/x/image", []string{"hash", "benchmarks"}, pixels},
		{"image/jpeg", []string{"hash", "benchmarks"}, pixels},
		{"image/png", []string{"hash", "benchmarks"}, pixels},
		{"image/gif", []string{"hash", "benchmarks"}, pixels},
		{"github.com/dgraph-io", []string{"index"}, "the store's engine, its types and errors are a private matter of index"},
		{"net/http", []string{"server", "cmd", "benchmarks"}, "library users who want no server get none"},
		{"github.com/prometheus", []string{"server"}, "metrics are the server's"},
		{"github.com/spf13", []string{"cmd"}, "flags are the command line's"},
		{"github.com/schollz", []string{"cmd", "benchmarks"}, "libraries do not print"},
		{"flag", []string{"benchmarks"}, "libraries have options, and the command line uses cobra"},
		{"C", nil, "the binary is static: no cgo"},
	}
}

// closures lists what must not be reachable from a room at all.
func closures() []denial {
	return []denial{
		{"github.com/dgraph-io", []string{"hash"}, "whoever only wants fingerprints must not pay for a database"},
		{"net/http", []string{"hash"}, "whoever only wants fingerprints must not pay for a web server"},
		{"github.com/prometheus", []string{"hash", "index"}, "metrics are the server's"},
		{"github.com/spf13", []string{"hash", "index", "server"}, "flags are the command line's"},
	}
}

type pkg struct {
	ImportPath    string
	Imports, Deps []string
}

// room returns the first folder of a package of ours, "" for the root, and
// whether it is ours.
func room(path string) (string, bool) {
	rest, ours := strings.CutPrefix(path, module)
	name, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	return name, ours && (rest == "" || rest[0] == '/')
}

func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func TestImports(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 5 {
		t.Fatalf("found %d packages only", len(packages))
	}
	for _, p := range packages {
		from, _ := room(p.ImportPath)
		allowed, known := rooms()[from]
		if !known {
			t.Errorf("%s: no room of that name, and the module has no package at its root", p.ImportPath)
		}
		for _, to := range p.Imports {
			if r, ours := room(to); ours && r != from && !slices.Contains(allowed, r) {
				t.Errorf("%s imports %s: %s may import %q of ours", p.ImportPath, to, from, allowed)
			}
			for _, d := range denials() {
				if within(to, d.prefix) && !slices.Contains(d.only, from) {
					t.Errorf("%s imports %s: %s", p.ImportPath, to, d.reason)
				}
			}
		}
		for _, to := range p.Deps {
			for _, d := range closures() {
				if within(to, d.prefix) && slices.Contains(d.only, from) {
					t.Errorf("%s reaches %s: %s", p.ImportPath, to, d.reason)
				}
			}
		}
	}
}

// listPackages asks the go command for our packages and what they reach.
func listPackages(t *testing.T) []pkg {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", module+"/...")
	c.Env = append(c.Environ(), "CGO_ENABLED=0")
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("go list: %v: %s", err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
