package hash

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
)

// datasets returns a folder of data that is not part of the repository. It
// skips when TOUCHSTONE_DATASETS is unset, and fails when it is set but the
// folder is missing, so that a broken set-up is not taken for a pass.
func datasets(t testing.TB, name ...string) string {
	t.Helper()
	root := os.Getenv("TOUCHSTONE_DATASETS")
	if root == "" {
		t.Skip("TOUCHSTONE_DATASETS is not set: the data outside the repository is not looked at")
	}
	dir := filepath.Join(append([]string{root}, name...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readCSV returns the rows of a CSV file as maps from column to value.
func readCSV(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%s: %d rows, %v", path, len(rows), err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, v := range r {
			m[rows[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}
