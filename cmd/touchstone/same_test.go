package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/index"
	"github.com/touchstone-go/touchstone/server"
)

// Library, HTTP and command line give the same verdict, byte for byte.
func TestSameVerdictEverywhere(t *testing.T) {
	uploads := t.TempDir()
	for i := range 50 {
		writeUpload(t, filepath.Join(uploads, fmt.Sprintf("%02d.jpg", i)), i)
	}
	dir := filepath.Join(t.TempDir(), "store")
	library, overHTTP := map[string]string{}, map[string]string{}
	withIndex(t, dir, func(x *index.Index) {
		fillBanks(t, x)
		web := httptest.NewServer(server.New(x, server.Options{}))
		defer web.Close()
		for i := range 50 {
			name := fmt.Sprintf("%02d.jpg", i)
			content, err := os.ReadFile(filepath.Join(uploads, name))
			if err != nil {
				t.Fatal(err)
			}
			v, err := x.Judge(t.Context(), bytes.NewReader(content), index.JudgeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			b, err := v.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			library[name] = string(b)
			overHTTP[name] = post(t, web.URL+"/v1/judge", content)
		}
	})
	code, out, errs := runHere(t, "judge", "--json", "--data", dir, uploads)
	if code != exitKnownFake || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 50 {
		t.Fatalf("%d lines, want 50", len(lines))
	}
	added := regexp.MustCompile(`^{"file":"[^"]*","took_ms":[0-9.]+,`)
	outcomes := map[string]int{}
	for i, line := range lines {
		name := fmt.Sprintf("%02d.jpg", i)
		if !strings.HasPrefix(line, `{"file":"`+filepath.Join(uploads, name)+`"`) {
			t.Fatalf("line %d is of another file: %s", i, line)
		}
		if got := added.ReplaceAllString(line, "{"); got != library[name] {
			t.Errorf("%s: command line\n%s\nlibrary\n%s", name, got, library[name])
		}
		if overHTTP[name] != library[name] {
			t.Errorf("%s: HTTP\n%s\nlibrary\n%s", name, overHTTP[name], library[name])
		}
		outcomes[strings.SplitN(library[name], `"`, 5)[3]]++
	}
	for _, o := range []string{"known_fake", "known_genuine", "conflict", "none", "unusable"} {
		if outcomes[o] == 0 {
			t.Errorf("no picture gave %s: %v", o, outcomes)
		}
	}
}

// writeUpload writes one of five sorts of pictures.
func writeUpload(t *testing.T, file string, i int) {
	t.Helper()
	img, quality := photo(i, 200, 150), 60
	var err error
	switch i % 5 {
	case 3:
		img = blank(200, 150)
	case 4:
		err = os.WriteFile(file, []byte("no picture <&>"), 0o644)
		if i%2 == 0 {
			err = writeJPEG(file, photo(1000+i, 200, 150), quality)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := writeJPEG(file, img, quality); err != nil {
		t.Fatal(err)
	}
}

// fillBanks registers pictures 0, 5, 10... as fake, 1, 6... as genuine, and
// 2, 7... as both.
func fillBanks(t *testing.T, x *index.Index) {
	t.Helper()
	for _, b := range []index.Bank{{Name: "fakes", Kind: index.Fake}, {Name: "genuine", Kind: index.Genuine}} {
		if _, err := x.CreateBank(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		for _, bank := range map[int][]string{0: {"fakes"}, 1: {"genuine"}, 2: {"fakes", "genuine"}}[i%5] {
			ref := index.Reference{Bank: bank, ID: fmt.Sprintf("<%d> & more.jpg", i)}
			picture := bytes.NewReader(encodeJPEG(photo(i, 200, 150), 95))
			if _, err := x.Register(t.Context(), ref, picture, index.RegisterOptions{Force: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func post(t *testing.T, url string, content []byte) string {
	t.Helper()
	r, err := http.Post(url, "application/octet-stream", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s %v: %s", r.Status, err, b)
	}
	return string(b)
}

// The demo of the source gives what it expects, the second time without
// registering again, and says so if it does not.
func TestDemo(t *testing.T) {
	demo := filepath.Join("..", "..", "testdata", "demo")
	data := filepath.Join(t.TempDir(), "store")
	code, out, errs := runHere(t, "demo", "--no-serve", "--dir", demo, "--data", data)
	if code != exitOK || !strings.Contains(errs, "results as expected") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	code, again, errs := runHere(t, "demo", "--no-serve", "--dir", demo, "--data", data)
	if code != exitOK || strings.Count(errs, " 0 added, 0 replaced, ") != 2 {
		t.Fatalf("second run: exit code %d\n%s", code, errs)
	}
	times := regexp.MustCompile(` +[0-9.]+\n`)
	if times.ReplaceAllString(again, "\n") != times.ReplaceAllString(out, "\n") {
		t.Errorf("another table the second time:\n%s\n%s", out, again)
	}

	forged := t.TempDir()
	if err := os.CopyFS(forged, os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	expected := filepath.Join(forged, "expected.csv")
	b, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte("known_genuine"), []byte("known_fake"), 1)
	if err := os.WriteFile(expected, b, 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs = runHere(t, "demo", "--no-serve", "--dir", forged, "--data", data)
	if code != exitFailure || !strings.Contains(errs, "1 of ") || !strings.Contains(errs, "expected ") {
		t.Errorf("a difference gave exit code %d\n%s", code, errs)
	}
}

// inOrder hands on results in the order of the items, ends at the first error,
// and has stopped all work when it returns.
func TestInOrder(t *testing.T) {
	count := func(n int) func(func(int) bool) {
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	}
	slowFirst := func(_ context.Context, i int) int {
		time.Sleep(time.Duration(7-i%7) * time.Millisecond)
		return i
	}
	var got []int
	err := inOrder(t.Context(), 4, count(100), slowFirst, func(i int) error { got = append(got, i); return nil })
	if err != nil || len(got) != 100 || !slices.IsSorted(got) {
		t.Errorf("%v, %v", err, got)
	}

	full := errors.New("full")
	n := 0
	err = inOrder(t.Context(), 4, count(1<<30), slowFirst, func(int) error {
		if n++; n == 10 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || n != 10 {
		t.Errorf("%v after %d", err, n)
	}

	ctx, cancel := context.WithCancel(t.Context())
	err = inOrder(ctx, 4, count(1<<30), func(ctx context.Context, i int) int {
		if i == 20 {
			cancel()
		}
		return i
	}, func(int) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
