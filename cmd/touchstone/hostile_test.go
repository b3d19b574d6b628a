//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
	"github.com/touchstone-go/touchstone/index"
)

const (
	maxResident = 512 << 20 // bytes
	maxTook     = 3000      // milliseconds for one picture
)

// Whatever strangers send, judging ends with a line for each file: the process
// neither dies nor hangs nor swells, and pictures between are judged rightly.
func TestHostileFiles(t *testing.T) {
	crafted := t.TempDir()
	for _, f := range hostile.Files() {
		if err := os.WriteFile(filepath.Join(crafted, f.Name), f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("crafted", func(t *testing.T) { judgeHostile(t, crafted) })
	t.Run("collected", func(t *testing.T) {
		sets := os.Getenv("TOUCHSTONE_DATASETS")
		if sets == "" {
			t.Skip("TOUCHSTONE_DATASETS is not set: the collected files are outside the repository")
		}
		judgeHostile(t, filepath.Join(sets, "hostile", "files"))
	})
}

// judgeHostile judges all files of a folder, each preceded by a healthy one.
func judgeHostile(t *testing.T, folder string) {
	store := filepath.Join(t.TempDir(), "store")
	withIndex(t, store, func(*index.Index) {})
	control := filepath.Join(t.TempDir(), "control.jpg")
	if err := writeJPEG(control, photo(1, 256, 192), 90); err != nil {
		t.Fatal(err)
	}
	var paths []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, control, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files in %s: %v", len(paths), folder, err)
	}
	c := child(t, slices.Concat([]string{"judge", "--json", "--data", store}, paths)...)
	c.Env = append(c.Env, "GOMEMLIMIT=400MiB")
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	if code := exitOf(err); code != exitUnusable && code != exitOK || errs.Len() > 0 {
		t.Fatalf("exit code %d, %v\n%s", code, err, &errs)
	}
	for _, slow := range checkHostileLines(t, &out, paths, control) {
		judgeAlone(t, store, slow)
	}
	peak := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" {
		peak *= 1024 // elsewhere the unit is KB
	}
	t.Logf("%d files, peak resident memory %d MB", len(paths)/2, peak>>20)
	if peak > maxResident {
		t.Errorf("peak resident memory %d MB, the limit is %d MB", peak>>20, maxResident>>20)
	}
}

// judgeAlone judges again what took too long while it shared memory and cores
// with others, and other tests.
func judgeAlone(t *testing.T, store, file string) {
	t.Helper()
	c := child(t, "judge", "--json", "--data", store, file)
	c.Env = append(c.Env, "GOMEMLIMIT=400MiB")
	out, err := c.Output()
	var v struct {
		Took float64 `json:"took_ms"`
	}
	if jerr := json.Unmarshal(out, &v); jerr != nil || v.Took > maxTook {
		t.Errorf("%s alone took %v ms: %v %v", file, v.Took, err, jerr)
	}
}

// checkHostileLines returns the files whose verdict took too long.
func checkHostileLines(t *testing.T, out *bytes.Buffer, paths []string, control string) (slow []string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	slowest, unusable, n := 0.0, 0, 0
	for ; lines.Scan(); n++ {
		var v struct {
			File            string
			Took            float64 `json:"took_ms"`
			Outcome, Reason string
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil || n >= len(paths) || v.File != paths[n] {
			t.Fatalf("line %d: %v: %s", n+1, err, lines.Text())
		}
		if v.File == control && v.Outcome != "none" {
			t.Errorf("the healthy picture was judged %s %s", v.Outcome, v.Reason)
		}
		if v.Outcome != "none" && (v.Outcome != "unusable" || v.Reason == "") {
			t.Errorf("%s: %s %q", v.File, v.Outcome, v.Reason)
		}
		if v.Took > maxTook {
			slow = append(slow, v.File)
		}
		if v.Outcome == "unusable" {
			unusable++
		}
		slowest = max(slowest, v.Took)
	}
	if n != len(paths) {
		t.Errorf("%d lines for %d files", n, len(paths))
	}
	t.Logf("%d unusable, slowest %.0f ms", unusable, slowest)
	return slow
}
