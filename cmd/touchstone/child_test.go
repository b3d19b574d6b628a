package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/index"
)

// Tests of what only a process of its own can show: being killed, stopped, or
// left by its reader.

// child prepares touchstone as a process. TestMain has put it into the PATH.
func child(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), "touchstone", args...)
	c.Env = append(os.Environ(), "TOUCHSTONE_DATA=")
	return c
}

// storeWithBank makes a store with one fake bank.
func storeWithBank(t *testing.T, dir string) {
	t.Helper()
	withIndex(t, dir, func(x *index.Index) {
		if _, err := x.CreateBank(t.Context(), index.Bank{Name: "fakes", Kind: index.Fake}); err != nil {
			t.Fatal(err)
		}
	})
}

func withIndex(t *testing.T, dir string, do func(*index.Index)) {
	t.Helper()
	x, err := index.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}()
	do(x)
}

// writePhotos writes n small pictures and returns their folder.
func writePhotos(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		if err := writeJPEG(filepath.Join(dir, fmt.Sprintf("%d/%03d.jpg", i%3, i)), photo(i, 96, 72), 90); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A register that is killed loses nothing that it has printed and leaves
// nothing half-written; the next run completes it.
func TestKilledRegister(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a signal that cannot be caught")
	}
	kills := 50
	if testing.Short() {
		kills = 5
	}
	photos := writePhotos(t, 100)
	reference := filepath.Join(t.TempDir(), "store")
	storeWithBank(t, reference)
	start := time.Now()
	if out, err := child(t, "register", "--data", reference, "--bank", "fakes", photos).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	full := time.Since(start)
	want := stored(t, reference)
	if len(want) != 100 {
		t.Fatalf("%d references, want 100", len(want))
	}
	rnd := rand.New(rand.NewPCG(50, 9))
	dir, acknowledged, underWay := "", map[string]bool{}, 0
	for k := range kills {
		if k%2 == 0 {
			dir, acknowledged = filepath.Join(t.TempDir(), "store"), map[string]bool{}
			storeWithBank(t, dir)
		}
		// Every other kill waits for some lines, so that it surely hits a run
		// under way; the others also hit the opening and the end.
		wait, lines := time.Duration(rnd.Float64()*float64(full)), 0
		if k%2 == 0 {
			wait, lines = time.Duration(rnd.Float64()*float64(2*time.Millisecond)), 1+rnd.IntN(len(want)*3/4)
		}
		ids := registerUntil(t, dir, photos, wait, lines)
		for _, id := range ids {
			acknowledged[id] = true
		}
		if len(ids) < len(want) {
			underWay++
		}
		got := stored(t, dir)
		for id := range acknowledged {
			if _, ok := got[id]; !ok {
				t.Fatalf("kill %d: %s was acknowledged and is gone", k, id)
			}
		}
		for id, ref := range got {
			if ref.Fingerprint != want[id].Fingerprint || ref.SHA256 != want[id].SHA256 {
				t.Fatalf("kill %d: %s is not what was registered: %+v", k, id, ref)
			}
		}
		if k%2 == 1 || k == kills-1 {
			if out, err := child(t, "register", "--data", dir, "--bank", "fakes", photos).CombinedOutput(); err != nil {
				t.Fatalf("run after %d kills: %v\n%s", k+1, err, out)
			}
			if got := stored(t, dir); len(got) != len(want) {
				t.Fatalf("after completing, %d references of %d", len(got), len(want))
			}
		}
	}
	t.Logf("%d of %d kills came before the last line", underWay, kills)
	if underWay < kills/3 {
		t.Error("too few kills came while register was running: the test shows little")
	}
}

// registerUntil runs register, kills it some time after a number of lines, and
// returns the ids of all lines that it has printed.
func registerUntil(t *testing.T, dir, photos string, wait time.Duration, after int) []string {
	t.Helper()
	c := child(t, "register", "--json", "--data", dir, "--bank", "fakes", photos)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	lines := bufio.NewReader(out)
	for {
		if len(ids) == after {
			timer := time.AfterFunc(wait, func() { _ = c.Process.Kill() })
			defer timer.Stop()
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		var ack struct{ ID string }
		if err := json.Unmarshal([]byte(line), &ack); err != nil || ack.ID == "" {
			t.Fatalf("line %q: %v", line, err)
		}
		ids = append(ids, ack.ID)
	}
	_ = c.Wait() // it was killed
	return ids
}

// stored checks a store and returns its references.
func stored(t *testing.T, dir string) map[string]index.Reference {
	t.Helper()
	all := map[string]index.Reference{}
	withIndex(t, dir, func(x *index.Index) {
		if err := x.Check(t.Context()); err != nil {
			t.Fatalf("check: %v", err)
		}
		for ref, err := range x.References(t.Context(), "fakes", "") {
			if err != nil {
				t.Fatal(err)
			}
			all[ref.ID] = ref
		}
	})
	return all
}

// A server says where it listens, holds the store, and stops as asked: not
// ready first, then gone, with exit code 0.
func TestServeProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs SIGTERM")
	}
	dir := filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	c := child(t, "serve", "--data", dir, "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--drain", "1s", "--log", "warn")
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill() }()
	lines := bufio.NewScanner(errs)
	addr := after(t, lines, "touchstone: listening on ")
	metrics := after(t, lines, "touchstone: metrics on ")
	after(t, lines, "touchstone: ready")

	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(url string) (int, string) {
		r, err := client.Get(url)
		if err != nil {
			return 0, err.Error()
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(b)
	}
	for _, path := range []string{"/livez", "/readyz", "/v1/banks"} {
		if code, body := get(addr + path); code != 200 {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	r, err := client.Post(addr+"/v1/judge", "image/jpeg", bytes.NewReader(encodeJPEG(photo(1, 96, 72), 90)))
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("judge: %v %v", r, err)
	}
	r.Body.Close()
	if code, body := get(metrics + "/metrics"); code != 200 || !strings.Contains(body, `touchstone_verdicts_total{mode="thorough",outcome="none"} 1`) {
		t.Errorf("metrics: %d %s", code, body)
	}

	out, err := child(t, "bank", "list", "--data", dir).CombinedOutput()
	if exitOf(err) != exitFailure || !strings.Contains(string(out), "hint: ") || !strings.Contains(string(out), "HTTP") {
		t.Errorf("second process: %v\n%s", err, out)
	}

	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	unready := false
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		code, _ := get(addr + "/readyz")
		unready = unready || code == 503
		if code == 0 {
			break
		}
	}
	if !unready {
		t.Error("/readyz never said that the server is stopping")
	}
	rest, _ := io.ReadAll(errs)
	if err := c.Wait(); err != nil {
		t.Errorf("serve ended with %v\n%s", err, rest)
	}
	stored(t, dir)
}

// after returns what follows prefix on the next line.
func after(t *testing.T, lines *bufio.Scanner, prefix string) string {
	t.Helper()
	lines.Scan()
	rest, ok := strings.CutPrefix(lines.Text(), prefix)
	if !ok {
		t.Fatalf("line %q, want %q", lines.Text(), prefix)
	}
	return rest
}

func exitOf(err error) int {
	if e, ok := err.(*exec.ExitError); ok {
		return e.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// A signal ends every other verb with 128 plus its number.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs signals")
	}
	dir := filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		c := child(t, "judge", "--json", "--data", dir, filepath.Join(writePhotos(t, 1), "0/000.jpg"), "-")
		in, err := c.StdinPipe() // never written to: judge waits
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		c.Stderr = &errs
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatalf("first line %q: %v", line, err)
		}
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if got := exitOf(c.Wait()); got != want {
			t.Errorf("%v: exit code %d, want %d: %s", sig, got, want, &errs)
		}
		in.Close()
		stored(t, dir)
	}
}

// A register that is stopped ends after the files under way, and is completed
// by the same command.
func TestStoppedRegister(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs signals")
	}
	photos, dir := writePhotos(t, 60), filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	c := child(t, "register", "--json", "--data", dir, "--bank", "fakes", photos)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines)
	printed := 1 + bytes.Count(rest, []byte("\n"))
	if got := exitOf(c.Wait()); got != 130 && !(got == 0 && printed == 60) {
		t.Errorf("exit code %d after %d lines", got, printed)
	}
	if got := len(stored(t, dir)); got < printed {
		t.Errorf("%d lines printed, %d references stored", printed, got)
	}
	code, again, errs := runHere(t, "register", "--json", "--data", dir, "--bank", "fakes", photos)
	if code != exitOK || strings.Count(again, "\n") != 60 || strings.Count(again, `"unchanged"`) < printed {
		t.Errorf("second run: exit code %d\n%s", code, errs)
	}
}

// A reader that goes away ends a verb quietly, and the store is closed.
func TestBrokenPipe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs broken pipes")
	}
	dir := filepath.Join(t.TempDir(), "store")
	storeWithBank(t, dir)
	for _, verb := range []string{"export", "bank list", "register --json --bank fakes " + writePhotos(t, 3)} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		c := child(t, append(strings.Fields(verb), "--data", dir)...)
		var errs bytes.Buffer
		c.Stdout, c.Stderr = w, &errs
		if got := exitOf(c.Run()); got != exitBrokenPipe || strings.Contains(errs.String(), "pipe") {
			t.Errorf("%s: exit code %d, want %d: %s", verb, got, exitBrokenPipe, &errs)
		}
		w.Close()
	}
	stored(t, dir)
}

// One call of run, in this process.
func runHere(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &errs, func(string) string { return "" })
	return code, out.String(), errs.String()
}

// A reindex that is killed leaves a store that is whole; the next run goes on
// where it stopped.
func TestKilledReindex(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a signal that cannot be caught")
	}
	const n, kills = 60, 6
	photos, dir := writePhotos(t, n), filepath.Join(t.TempDir(), "store")
	x, err := index.Open(t.Context(), dir, &index.Options{NoFeatures: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.CreateBank(t.Context(), index.Bank{Name: "fakes", Kind: index.Fake})
	walk([]string{photos}, func(s source) bool {
		var b []byte
		if b, err = os.ReadFile(s.path); err == nil {
			_, err = x.Register(t.Context(), index.Reference{Bank: "fakes", ID: s.id}, bytes.NewBuffer(b), index.RegisterOptions{})
		}
		return err == nil
	})
	if err = errors.Join(err, x.Close()); err != nil {
		t.Fatal(err)
	}
	featured := func() (done int64) {
		withIndex(t, dir, func(x *index.Index) {
			b, err := x.Bank(t.Context(), "fakes")
			if err = errors.Join(err, x.Check(t.Context())); err != nil {
				t.Fatal(err)
			}
			done = b.Featured
		})
		return done
	}
	last, midway := int64(0), false
	for k := range kills {
		c := child(t, "reindex", "--data", dir, "--from", photos)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(40+20*k) * time.Millisecond)
		_ = c.Process.Kill()
		_ = c.Wait()
		done := featured()
		if done < last {
			t.Fatalf("kill %d: %d references have features, before it had %d", k, done, last)
		}
		last, midway = done, midway || done > 0 && done < n
	}
	if !midway {
		t.Log("no kill came midway: the test shows little here")
	}
	if out, err := child(t, "reindex", "--data", dir, "--from", photos).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if done := featured(); done != n {
		t.Errorf("%d references have features, want %d", done, n)
	}
}
