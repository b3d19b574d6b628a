package scaledjpeg

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// every thins out what takes long: of the folders outside the repository each n-th
// file is read.
var every = flag.Int("every", 12, "read each n-th picture of the folders of TOUCHSTONE_DATASETS")

// long skips what takes seconds where tests are wanted short: that is under the race
// detector, which takes ten times as long, and more memory.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
}

// repository is where the pictures of the repository lie.
const repository = "../../../testdata"

// folders are those with pictures, by name: of the repository, and of the folder that
// TOUCHSTONE_DATASETS names if it is set.
func folders(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{"repository": repository}
	root := os.Getenv("TOUCHSTONE_DATASETS")
	if root == "" {
		t.Log("TOUCHSTONE_DATASETS is not set: the pictures outside the repository are not looked at")
		return all
	}
	for _, name := range []string{"products", "conformance", "hostile"} {
		all[name] = filepath.Join(root, name)
		if _, err := os.Stat(all[name]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// jpegs calls f with the JPEGs below a folder; see every.
func jpegs(t testing.TB, dir string, f func(name string, b []byte)) {
	t.Helper()
	n, seen := *every, 0
	if dir == repository || filepath.Base(dir) == "hostile" {
		n = 1
	}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !isJPEG(path) {
			return nil
		}
		if seen++; seen%n != 0 {
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil {
			f(strings.TrimPrefix(path, dir+"/"), b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isJPEG(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 3)
	_, err = f.Read(head)
	return err == nil && bytes.Equal(head, []byte{0xff, 0xd8, 0xff})
}
