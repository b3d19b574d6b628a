package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/touchstone-go/touchstone/index"
)

// Half a line before a read error may look like a whole one; it is not taken.
func TestReadErrorEndsImport(t *testing.T) {
	broken := errors.New("broken")
	code := strings.Repeat("0123456789abcdef", 4)
	bad := &os.PathError{Op: "read", Path: "list", Err: broken}
	for name, c := range map[string]struct {
		read lineReader
		text string
		good int // lines before the error
	}{
		"pdq":                  {readPDQ, code + "\n" + code, 1},
		"imagehash":            {readImageHash, "p:0123456789abcdef,a\np:0123456789abcdef,b", 1},
		"jsonl":                {readJSONL, `{"touchstone_export":1,"recipe":1}` + "\n" + `{"type":"bank","name":"a","kind":"fake","hash":"pdq"}`, 0},
		"jsonl, in its header": {readJSONL, `{"touchstone_export":1,"recipe":1}`, 0},
		"csv":                  {readCSV, "bank,id,fingerprint\na,b,\na,c,", 1},
	} {
		var got []imported
		for l := range c.read(io.MultiReader(strings.NewReader(c.text), iotest.ErrReader(bad))) {
			got = append(got, l)
		}
		if len(got) != c.good+1 || !got[c.good].last || !errors.Is(got[c.good].err, broken) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestStrictJSON(t *testing.T) {
	for line, ok := range map[string]bool{
		`{"name":"a"} `: true, `{"name":"a"}}`: false, `{"name":"a"}]`: false, `{"name":"a"} {}`: false, `{"nome":"a"}`: false,
	} {
		if err := strictJSON([]byte(line), &exportBank{}); (err == nil) != ok {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// A store that is full fails the import; no line is to blame.
func TestImportStopsOnStoreErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte(strings.Repeat("0123456789abcdef", 4)+"\nno code\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var free atomic.Uint64
	free.Store(1 << 40)
	x, err := index.Open(t.Context(), dir, &index.Options{FreeSpace: func(string) (uint64, error) { return free.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	free.Store(0)
	for _, kind := range []string{"", "fake"} { // with a kind the bank is to be made first
		var out bytes.Buffer
		a := &app{stdout: &out, stderr: &out, started: true}
		im := importer{app: a, index: x, options: importOptions{bank: "fakes" + kind, kind: kind, format: "pdq"},
			banks: map[string]index.Bank{}, described: map[string]bool{}}
		err = im.files(t.Context(), []string{list}, readPDQ)
		if code := a.exitCode(t.Context(), err); !errors.Is(err, index.ErrNoSpace) || code != exitFailure || im.refused > 1 {
			t.Errorf("exit code %d, %d refused: %v", code, im.refused, err)
		}
	}
}
