package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

const (
	// slowest is the longest that any answer may take.
	slowest = 3 * time.Second
	// maxResident is the most memory that the process may ever have resident.
	maxResident = 512 << 20
	// childMode in the environment makes the test binary a server.
	childMode = "TOUCHSTONE_TEST_SERVER"
)

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

// target is a server in a process of its own, whose memory can be told from
// that of the attackers.
type target struct {
	*exec.Cmd
	addr string
	in   io.WriteCloser
	out  *bufio.Reader
}

// startTarget starts a server with 1,000 long references and the control.
func startTarget(t *testing.T) *target {
	t.Helper()
	if testing.Short() {
		t.Skip("moves hundreds of megabytes")
	}
	c := &target{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childMode+"=1", "GOMEMLIMIT=400MiB")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		c.in, err = c.StdinPipe()
	}
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // if it has not ended yet
		_ = c.Wait()
	})
	c.out = bufio.NewReader(out)
	if c.addr, err = c.out.ReadString('\n'); err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	c.addr = strings.TrimSpace(c.addr)
	return c
}

// stop ends the server and checks what it held at the end and at most.
func (c *target) stop(t *testing.T) (peak string) {
	t.Helper()
	peak = c.checkPeak(t)
	c.in.Close()
	rest, err := io.ReadAll(c.out)
	if err = errors.Join(err, c.Wait()); err != nil || len(rest) > 0 {
		t.Errorf("the server ended with %v %s", err, rest)
	}
	return peak
}

// checkPeak compares the most memory that the process had resident with its
// limit, where the system tells it.
func (c *target) checkPeak(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		return "unknown on " + runtime.GOOS
	}
	var kb int
	for line := range bytes.Lines(b) {
		if n, _ := fmt.Sscanf(string(line), "VmHWM: %d kB", &kb); n == 1 {
			if kb<<10 > maxResident {
				t.Errorf("peak resident memory %d MB, the limit is %d MB", kb>>10, maxResident>>20)
			}
			return fmt.Sprintf("%d MB", kb>>10)
		}
	}
	t.Error("no VmHWM")
	return "unknown"
}

// serveChild is the process of a target. It ends with its standard input, and
// says then what it still holds.
func serveChild() error {
	limits := hash.Limits{Budget: hash.NewBudget(hash.DefaultLimits().MaxMemory)}
	ix, err := index.Open(context.Background(), "", &index.Options{InMemory: true, Limits: limits})
	if err != nil {
		return err
	}
	for name, kind := range map[string]index.Kind{"fakes": index.Fake, "genuines": index.Genuine} {
		_, berr := ix.CreateBank(context.Background(), index.Bank{Name: name, Kind: kind})
		err = errors.Join(err, berr)
	}
	_, aerr := ix.Add(context.Background(), longReferences(1000)...)
	_, rerr := ix.Register(context.Background(), index.Reference{Bank: "genuines", ID: "control"},
		bytes.NewBuffer(hostile.Control()), index.RegisterOptions{})
	if err = errors.Join(err, aerr, rerr); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := New(ix, Options{Limits: limits})
	srv := NewHTTPServer(s)
	go func() { _ = srv.Serve(Limit(l)) }()
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	err = errors.Join(srv.Shutdown(ctx), ix.Close())
	a := s.admit
	if a.held() != 0 || a.replies.held.Load() != 0 || len(a.slots) != 0 {
		fmt.Printf("%d bytes of bodies, %d of replies and %d slots are still held\n", a.held(), a.replies.held.Load(), len(a.slots))
	}
	return err
}

// attack uploads all files, eight at a time, as fast as they are answered, and
// meanwhile one healthy picture again and again.
func attack(t *testing.T, files map[string][]byte) {
	server := startTarget(t)
	control := hostile.Control()
	a := attacker{t: t, url: "http://" + server.addr + "/v1/judge", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
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
	a.again(files)
	if a.controls.Load() == 0 {
		t.Error("the healthy picture was never answered")
	}
	a.client.CloseIdleConnections()
	t.Logf("%d files, slowest %v (%s); %d control answers, slowest %v; %d refusals; peak %s",
		len(files), a.worst, a.worstName, a.controls.Load(), a.worstControl, a.refusals.Load(), server.stop(t))
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
	slow                []string // the names of what took too long
}

// again uploads alone what took too long, since other programs may have kept
// the machine busy.
func (a *attacker) again(files map[string][]byte) {
	slow := a.slow
	for _, name := range slow {
		data, ok := files[name]
		if !ok {
			data = hostile.Control()
		}
		a.slow = nil
		a.hostile(name, data)
		if len(a.slow) > 0 {
			a.t.Errorf("%s: too slow alone as well", name)
		}
	}
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
	if err != nil || resp.StatusCode != 200 && resp.StatusCode != 429 {
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
	if took > slowest {
		a.slow = append(a.slow, name)
	}
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

// connect opens n connections and writes the same bytes to each. What comes
// back is not read, and there is next to no room for it.
func connect(t *testing.T, addr string, n int, b []byte) (conns []net.Conn) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		err = errors.Join(c.(*net.TCPConn).SetReadBuffer(4<<10), c.SetDeadline(time.Now().Add(20*time.Second)))
		if _, werr := c.Write(b); errors.Join(err, werr) != nil {
			t.Fatal(err, werr)
		}
		conns = append(conns, c)
	}
	return conns
}

// A thousand senders that stop half way do not keep others out: not small
// pictures at all, and others not for long.
func TestSlowSenders(t *testing.T) {
	server := startTarget(t)
	body := slices.Concat([]byte("POST /v1/judge HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"), make([]byte, 70<<10))
	slow := connect(t, server.addr, 1100, body)
	a := attacker{t: t, url: "http://" + server.addr + "/v1/judge", client: &http.Client{}}
	defer a.client.CloseIdleConnections()
	picture := hostile.Control()
	if status, b := a.post("88 KB", append(picture, make([]byte, 88<<10-len(picture))...)); status != 200 {
		t.Errorf("a small picture: %d %s", status, b)
	}
	a.control(append(picture, make([]byte, 1<<20)...))
	for i, c := range slow {
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("slow sender %d: %v", i, err)
		}
		resp.Body.Close()
		if resp.StatusCode != 408 && resp.StatusCode != 429 {
			t.Errorf("slow sender %d: status %d", i, resp.StatusCode)
		}
		c.Close()
	}
	a.client.CloseIdleConnections()
	t.Logf("control at once or after %d refusals; peak %s", a.refusals.Load(), server.stop(t))
}

// Hundreds of readers that do not read their long answers neither fill the
// memory nor keep others out.
func TestSlowReaders(t *testing.T) {
	server := startTarget(t)
	request := []byte("GET /v1/banks/fakes/references?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
	readers := connect(t, server.addr, 300, bytes.Repeat(request, 20)) // those that are refused come again
	a := attacker{t: t, url: "http://" + server.addr + "/v1/judge", client: &http.Client{}}
	defer a.client.CloseIdleConnections()
	for begun := time.Now(); time.Since(begun) < 3*time.Second; {
		a.control(hostile.Control())
	}
	for _, c := range readers {
		c.Close()
	}
	a.client.CloseIdleConnections()
	t.Logf("%d controls, slowest %v; %d refusals; peak %s", a.controls.Load(), a.worstControl, a.refusals.Load(), server.stop(t))
}
