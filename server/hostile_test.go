package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// slowest is the longest that any answer may take.
const slowest = 3 * time.Second

// crafted are the files of this repository's own generator.
func crafted() map[string][]byte {
	files := map[string][]byte{}
	for _, f := range hostile.Files() {
		files["crafted/"+f.Name] = f.Data
	}
	return files
}

// collected are the files of the collection outside the repository.
func collected(t *testing.T) map[string][]byte {
	t.Helper()
	root, ok := os.LookupEnv("TOUCHSTONE_DATASETS")
	if !ok || root == "" {
		t.Skip("TOUCHSTONE_DATASETS is not set: it names the folder with the collection of hostile files")
	}
	dir := filepath.Join(root, "hostile", "files")
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("TOUCHSTONE_DATASETS is set, but %s has %d files: %v", dir, len(files), err)
	}
	return files
}

func TestHostileCrafted(t *testing.T)   { attack(t, crafted()) }
func TestHostileCollected(t *testing.T) { attack(t, collected(t)) }

// attack uploads all files, eight at a time, as fast as they are answered, and
// meanwhile one healthy picture again and again.
func attack(t *testing.T, files map[string][]byte) {
	if testing.Short() {
		t.Skip("decodes hundreds of megabytes")
	}
	limits := hash.Limits{Budget: hash.NewBudget(hash.DefaultLimits().MaxMemory)}
	s, _ := start(t, Options{Limits: limits})
	control := hostile.Control()
	want(t, ask(t, s, "PUT", "/v1/banks/fakes/references/control", photo(1, 90)), 201)
	want(t, ask(t, s, "PUT", "/v1/banks/genuines/references/control", control), 201)
	a := attacker{t: t, url: "http://" + serve(t, s) + "/v1/judge", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	defer a.client.CloseIdleConnections()

	work := make(chan string)
	var uploads sync.WaitGroup
	for range 8 {
		uploads.Go(func() {
			for name := range work {
				a.hostile(name, files[name])
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var healthy sync.WaitGroup
	healthy.Go(func() {
		for ctx.Err() == nil {
			a.control(control)
		}
	})
	for name := range files {
		work <- name
	}
	close(work)
	uploads.Wait()
	cancel()
	healthy.Wait()
	if held := s.admit.held(); held != 0 || len(s.admit.slots) != 0 {
		t.Errorf("%d bytes and %d slots still held", held, len(s.admit.slots))
	}
	if a.controls.Load() == 0 {
		t.Error("the healthy picture was never answered")
	}
	t.Logf("%d files, slowest %v (%s); %d control answers, slowest %v; %d refusals; peak %s",
		len(files), a.worst, a.worstName, a.controls.Load(), a.worstControl, a.refusals.Load(), peak())
}

type attacker struct {
	t        *testing.T
	url      string
	client   *http.Client
	controls atomic.Int64
	refusals atomic.Int64

	mu                  sync.Mutex // guards what follows
	worst, worstControl time.Duration
	worstName           string
}

// post uploads one file and checks what holds for every answer.
func (a *attacker) post(name string, data []byte) (int, []byte) {
	begun := time.Now()
	resp, err := a.client.Post(a.url, "image/jpeg", bytes.NewReader(data))
	if err != nil {
		a.t.Errorf("%s: %v", name, err)
		return 0, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	took := time.Since(begun)
	if err != nil || took > slowest || resp.StatusCode != 200 && resp.StatusCode != 429 {
		a.t.Errorf("%s: status %d after %v: %v %s", name, resp.StatusCode, took, err, body)
	}
	if resp.StatusCode == 429 {
		a.refusals.Add(1)
		if resp.Header.Get("Retry-After") == "" {
			a.t.Errorf("%s: 429 without Retry-After", name)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if name == "control" {
		a.worstControl = max(a.worstControl, took)
	} else if took > a.worst {
		a.worst, a.worstName = took, name
	}
	return resp.StatusCode, body
}

func (a *attacker) hostile(name string, data []byte) {
	status, body := a.post(name, data)
	if status != 200 {
		return
	}
	var v index.Verdict
	if err := json.Unmarshal(body, &v); err != nil {
		a.t.Errorf("%s: %v: %s", name, err, body)
	}
	if err := index.Replay(v); err != nil {
		a.t.Errorf("%s: %v", name, err)
	}
}

// control uploads the healthy picture; if it is told to come back, it does.
func (a *attacker) control(data []byte) {
	for range 5 {
		status, body := a.post("control", data)
		if status == 429 {
			time.Sleep(retryAfter * time.Second)
			continue
		}
		a.controls.Add(1)
		if !bytes.HasPrefix(body, []byte(`{"outcome":"known_genuine"`)) {
			a.t.Errorf("control: status %d: %s", status, body)
		}
		return
	}
	a.t.Error("control: refused five times")
}

// peak is the most memory that the process had resident, where the system says.
func peak() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown on " + runtime.GOOS
	}
	var kb int
	for line := range bytes.Lines(b) {
		if n, _ := fmt.Sscanf(string(line), "VmHWM: %d kB", &kb); n == 1 {
			return fmt.Sprintf("%d MB", kb>>10)
		}
	}
	return "unknown"
}
