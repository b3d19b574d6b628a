package hash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
)

// What a class of hostile files may come to at the inspection.
func TestInspectRefusesHostileFiles(t *testing.T) {
	allowed := map[hostile.Class][]Reason{
		hostile.NotAnImage:  {NotImage},
		hostile.Unsupported: {UnsupportedFormat, ""}, // "": the decoder finds out
		hostile.BombHeader:  {TooLarge, Corrupt},
		hostile.BombScans:   {TooCostly, ""},
		hostile.Bomb:        {TooCostly, TooLarge, ""},
		hostile.Truncated:   {Corrupt, ""},
		hostile.Exif:        {""},
		hostile.BombMeta:    {""},
	}
	l := DefaultLimits()
	for _, f := range hostileFiles() {
		_, err := inspect(f.Data, l)
		reason, ok := IsUnusable(err)
		if err != nil && !ok {
			t.Errorf("%s: %v is not an UnusableError", f.Name, err)
		}
		if offByDefault(f.Name) {
			if reason != UnsupportedFormat {
				t.Errorf("%s: %v, the format is switched off", f.Name, err)
			}
			continue
		}
		if want, ok := allowed[f.Class]; ok && !slices.Contains(want, reason) {
			t.Errorf("%s (%s): %q, want one of %q: %v", f.Name, f.Class, reason, want, err)
		}
	}
}

func offByDefault(name string) bool {
	return strings.HasSuffix(name, ".tif") || strings.HasSuffix(name, ".bmp") && name != "text.bmp"
}

func TestInspectAllocatesNothingByClaims(t *testing.T) {
	l := Limits{Formats: Formats{BMP: true, TIFF: true}}.WithDefaults()
	for _, f := range hostileFiles() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = inspect(f.Data, l)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20+2*uint64(len(f.Data)) {
			t.Errorf("%s: %d bytes of %d were inspected with %d bytes of memory", f.Name, len(f.Data), len(f.Data), n)
		}
	}
}

// The variable that turns this test binary into the child below; its value is
// a folder of more files, or "-".
const hostileChild = "TOUCHSTONE_TEST_HOSTILE_CHILD"

// slowest is the longest that an answer may take, in seconds. Tests run beside
// other tests, so what took longer is asked once more, alone.
const slowest = 3

// answer is one line of the child.
type answer struct {
	Name, Reason, Err string
	Seconds           float64
	Healthy           bool // every control asked meanwhile was answered rightly
}

// TestHostileFilesAtOnce sends all hostile files through Read in a process of
// its own with little memory, eight at a time on one budget.
func TestHostileFilesAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	more := "-"
	if os.Getenv("TOUCHSTONE_DATASETS") != "" {
		more = filepath.Join(datasets(t, "hostile"), "files")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHostileChild$", "-test.count=1", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), hostileChild+"="+more, "GOMEMLIMIT=400MiB")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the process died: %v\n%s", err, out[max(0, len(out)-4000):])
	}
	var as []answer
	peak := 0
	for line := range strings.Lines(string(out)) {
		var a answer
		if json.Unmarshal([]byte(line), &a) == nil && a.Name != "" {
			as = append(as, a)
		}
		if s, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			peak, _ = strconv.Atoi(strings.Fields(s)[0])
		}
	}
	checkAnswers(t, as)
	t.Logf("%d files, peak resident memory %d MB", len(as), peak>>10)
	if peak>>10 > 512 {
		t.Errorf("peak resident memory %d MB, at most 512 MB is allowed", peak>>10)
	}
}

func checkAnswers(t *testing.T, as []answer) {
	t.Helper()
	if len(as) < len(hostileFiles()) {
		t.Fatalf("%d answers for %d files", len(as), len(hostileFiles()))
	}
	busy := 0
	for _, a := range as {
		if a.Seconds > slowest {
			t.Errorf("%s: answered after %.1f s", a.Name, a.Seconds)
		}
		if a.Reason == "busy" {
			busy++
		} else if a.Err != "" && a.Reason == "" {
			t.Errorf("%s: refused without a reason: %s", a.Name, a.Err)
		}
		if !a.Healthy {
			t.Errorf("a healthy picture was not recognised beside %s", a.Name)
		}
	}
	slices.SortFunc(as, func(a, b answer) int { return int(1000 * (b.Seconds - a.Seconds)) })
	for _, a := range as[:8] {
		t.Logf("%.2f s  %s  %s %s", a.Seconds, a.Name, a.Reason, a.Err)
	}
	t.Logf("%d of %d gave up waiting for decode memory", busy, len(as))
}

// TestHostileChild is the other half of TestHostileFilesAtOnce.
func TestHostileChild(t *testing.T) {
	more := os.Getenv(hostileChild)
	if more == "" {
		t.Skip("only as the child of TestHostileFilesAtOnce")
	}
	files := hostileFiles()
	if more != "-" {
		files = append(files, readFiles(t, more)...)
	}
	want, _, err := Read(context.Background(), bytes.NewReader(hostile.Control()), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	l := Limits{Budget: NewBudget(256 << 20)}
	control := hostile.Control()
	queue := make(chan hostile.File)
	var mu sync.Mutex
	answers := map[string]answer{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for f := range queue {
				a := ask(f, l)
				got, _, err := Read(context.Background(), bytes.NewReader(control), l)
				a.Healthy = err == nil && got == want
				mu.Lock()
				answers[f.Name] = a
				mu.Unlock()
			}
		})
	}
	for _, f := range files {
		queue <- f
	}
	close(queue)
	wg.Wait()
	for _, f := range files {
		a := answers[f.Name]
		if a.Seconds > slowest { // the machine's load, or the file's doing?
			a.Seconds = ask(f, l).Seconds
		}
		line, _ := json.Marshal(a)
		fmt.Printf("%s\n", line)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return // not Linux: no peak
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmHWM:") {
			fmt.Print(line)
		}
	}
}

// ask has the patience of a server: who cannot be served in time is told so.
func ask(f hostile.File, l Limits) answer {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	begin := time.Now()
	_, _, err := Read(ctx, bytes.NewReader(f.Data), l)
	a := answer{Name: f.Name, Seconds: time.Since(begin).Seconds()}
	if err != nil {
		reason, _ := IsUnusable(err)
		a.Reason, a.Err = string(reason), err.Error()
		if errors.Is(err, context.DeadlineExceeded) {
			a.Reason = "busy"
		}
	}
	return a
}

func readFiles(t *testing.T, dir string) (fs []hostile.File) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fs = append(fs, hostile.File{Name: e.Name(), Data: b})
	}
	return fs
}
