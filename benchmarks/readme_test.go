package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What the README shows is run here. A console block is a transcript: a line
// that begins with "$ " is a command, the lines up to the next one are what it
// prints on both streams, and "..." in them stands for anything. All blocks
// follow one another in one store; the server listens on a free port instead
// of the usual one.

func TestReadmeTranscripts(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			lacking(t, "the commands of the README need %s: %v", tool, err)
		}
	}
	c := newConsole(t)
	blocks := fenced(t, "console")
	if len(blocks) != 2 {
		t.Fatalf("%d console blocks in the README, want 2", len(blocks))
	}
	for _, b := range blocks {
		for _, s := range steps(b) {
			c.run(s)
		}
	}
}

// lacking skips on a developer's machine that has not all that the README's
// commands need, and fails where everything has to be checked.
func lacking(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// The README's library example is the one that is compiled and run in index.
func TestReadmeExample(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "index", "example_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range fenced(t, "go") {
		if !strings.Contains(string(source), b) {
			t.Errorf("index/example_test.go does not hold\n%s", b)
		}
	}
}

// The README's verdict is a real one.
func TestReadmeVerdict(t *testing.T) {
	blocks := fenced(t, "json")
	if len(blocks) != 1 {
		t.Fatalf("%d json blocks, want 1", len(blocks))
	}
	c := newConsole(t)
	c.run(step{command: "touchstone bank create acme-fakes --kind fake && touchstone register --bank acme-fakes testdata/demo/references/acme-fakes", want: "..."})
	out, err := c.shell(`touchstone judge --json testdata/demo/uploads/turned-shoes-90.jpg | sed 's/"file":[^,]*,"took_ms":[^,]*,//'`)
	if err != nil {
		t.Fatal(err)
	}
	// Line breaks and indents are the README's own, and the number of changes
	// depends on how writes were gathered.
	want := regexp.MustCompile(`\n\s*`).ReplaceAllString(blocks[0], "")
	seq := regexp.MustCompile(`"seq":\d+`)
	if !like(seq.ReplaceAllString(want, ""), seq.ReplaceAllString(out, "")) {
		t.Errorf("the README shows\n%s\nthe real one is\n%s", want, out)
	}
}

// fenced returns the code blocks of a language in the README.
func fenced(t *testing.T, language string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(b, -1) {
		blocks = append(blocks, string(m[1]))
	}
	return blocks
}

// step is a command of a transcript and what it must print.
type step struct{ command, want string }

func steps(block string) (all []step) {
	for _, line := range strings.SplitAfter(block, "\n") {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, step{command: strings.TrimSpace(command)})
		} else if len(all) > 0 {
			all[len(all)-1].want += line
		}
	}
	return all
}

// like reports whether got is pattern with something for every "...".
func like(pattern, got string) bool {
	parts := strings.Split(strings.TrimSpace(pattern), "...")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(strings.TrimSpace(parts[i]))
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, `.*`) + `$`).MatchString(strings.TrimSpace(got))
}

// console runs commands at the root of the repository, with a store and a
// built program of its own.
type console struct {
	t    *testing.T
	dir  string
	env  []string
	code int    // of the command before
	addr string // of the server, once it runs
}

func newConsole(t *testing.T) *console {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin")+string(filepath.Separator), "../cmd/touchstone")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// Files that a transcript writes land in dir; what it reads is linked.
	if err := os.Symlink(filepath.Join(root, "testdata"), filepath.Join(dir, "testdata")); err != nil {
		lacking(t, "no symbolic links: %v", err)
	}
	path := filepath.Join(dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	return &console{t: t, dir: dir, env: append(os.Environ(), "PATH="+path, "TOUCHSTONE_DATA="+filepath.Join(dir, "data"))}
}

// usual is the address that the README writes.
const usual = "127.0.0.1:8080"

func (c *console) run(s step) {
	c.t.Helper()
	switch {
	case s.command == "touchstone serve &":
		c.serve()
		return
	case strings.HasPrefix(s.command, "export "):
		return // the console has a store and a PATH of its own
	}
	out, err := c.shell(s.command)
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		c.t.Fatalf("%s: %v", s.command, err)
	}
	if !like(s.want, out) {
		c.t.Errorf("$ %s\n%s\nthe README says\n%s", s.command, out, s.want)
	}
}

// shell runs one command in which $? is the exit code of the one before.
func (c *console) shell(command string) (string, error) {
	if c.addr != "" {
		command = strings.ReplaceAll(command, usual, c.addr)
	}
	cmd := exec.CommandContext(c.t.Context(), "bash", "-c", fmt.Sprintf("(exit %d)\n%s", c.code, command))
	cmd.Dir, cmd.Env = c.dir, c.env
	out, err := cmd.CombinedOutput()
	c.code = cmd.ProcessState.ExitCode()
	return string(out), err
}

// serve starts the server on a free port; it is stopped when the test ends.
func (c *console) serve() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, filepath.Join(c.dir, "bin", "touchstone"), "serve", "--addr", "127.0.0.1:0", "--metrics-addr", "", "--log", "error")
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	logs, err := cmd.StderrPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // ended by us
	})
	var said bytes.Buffer
	for s := bufio.NewScanner(io.TeeReader(logs, &said)); s.Scan(); {
		if _, addr, ok := strings.Cut(s.Text(), "listening on http://"); ok {
			c.addr = strings.TrimSpace(addr)
		}
		if strings.Contains(s.Text(), "ready") {
			break
		}
	}
	if c.addr == "" {
		c.t.Fatalf("the server does not say where it listens:\n%s", said.String())
	}
	go io.Copy(io.Discard, logs)
}
