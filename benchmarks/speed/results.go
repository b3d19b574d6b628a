package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// run says when, on what and on which photos a run was made.
type run struct {
	Date    string   `json:"date"`
	Machine string   `json:"machine"`
	Folders []string `json:"folders"` // names alone
	Seconds float64  `json:"seconds"`
}

func newRun(dirs []string, start time.Time) run {
	r := run{Date: start.UTC().Format(time.DateOnly), Machine: machine(), Seconds: rounded(time.Since(start).Seconds())}
	for _, d := range dirs {
		r.Folders = append(r.Folders, filepath.Base(d))
	}
	return r
}

// from names the folders in words.
func (r run) from() string { return strings.Join(r.Folders, " and ") }

// machine is the processor, as far as it can be told.
func machine() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return name
	}
	if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`).FindSubmatch(b); m != nil {
		name += ", " + strings.TrimSpace(string(m[1]))
	}
	return name
}

// rounded keeps four digits.
func rounded(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// save writes results to a file.
func save(path string, results any) error {
	b, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
