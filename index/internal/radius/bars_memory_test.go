//go:build linux

package radius_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/touchstone-go/touchstone/benchmarks/codes"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index/internal/radius"
)

// Memory is what the system counts as resident and anonymous, measured in a
// process of its own: Go's figures leave out pages that were touched and not
// given back, and those that the system gave in pieces of two megabytes. The
// codes that the set is made from lie outside of Go's heap, as a store's would:
// they are there before and after, and do not make the collector lazier.

// footprint is what a set of codes takes. Sizes are in bytes, times in seconds.
type footprint struct {
	Codes, Tables    int
	Resident, Peak   int64 // beyond what there was before; the peak since then
	Counted          int64 // by radius.Stats
	Adding, Indexing float64
}

// memory measures sets with the usual number of tables, and with 13.
func (b *bench) memory() {
	for _, c := range []struct {
		tables int
		bytes  *bar
	}{{0, most(135)}, {13, most(105)}} {
		if c.tables != 0 && b.n < 10_000_000 {
			continue
		}
		b.say("memory: building with %s", tableWord(c.tables))
		f, err := inChild(b.n, c.tables)
		if err != nil {
			b.t.Error(err)
			continue
		}
		b.footprintLines(f, at(b.n, nil, c.bytes))
	}
}

func tableWord(n int) string {
	if n == 0 {
		return "the usual number of tables"
	}
	return fmt.Sprintf("%d tables", n)
}

func (b *bench) footprintLines(f footprint, bound *bar) {
	name := fmt.Sprintf("memory, %d tables: ", f.Tables)
	perCode := float64(f.Resident) / float64(f.Codes)
	b.table.add(line{
		Name: name + "resident, a code", Value: perCode, Unit: "bytes", Bar: bound,
		Note: fmt.Sprintf("counted %.1f", float64(f.Counted)/float64(f.Codes)),
	})
	b.table.add(line{
		Name: name + "peak while building", Value: float64(f.Peak) / float64(f.Codes), Unit: "bytes",
		Ratio: float64(f.Peak) / float64(f.Resident), To: "resident", Bar: at(b.n, most(1.6), most(1.6)),
	})
	million := float64(f.Codes) / 1e6
	b.table.add(line{
		Name: name + "build, a million", Value: (f.Adding + f.Indexing) / million, Unit: "s", Bar: at(b.n, most(1), most(1)),
		Note: fmt.Sprintf("adding %.2f, indexing %.2f", f.Adding/million, f.Indexing/million),
	})
}

// inChild runs measureMemory in another process.
func inChild(n, tables int) (f footprint, err error) {
	c := exec.Command(os.Args[0], "-test.run=^TestBars$", "-bars", fmt.Sprintf("-bars.n=%d", n), fmt.Sprintf("-bars.child=%d", tables))
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return f, fmt.Errorf("measuring memory: %w: %s", err, out)
	}
	report, _, _ := strings.Cut(string(out), "\n")
	return f, json.Unmarshal([]byte(report), &f)
}

// measureMemory builds a set of n codes and prints its footprint.
func measureMemory(n, tables int) {
	c := corpus{codes: outside(codes.Make(codes.Box, n, storedSeed))}
	debug.FreeOSMemory()
	before, err := resident()
	if err != nil {
		panic(err)
	}
	// From here on the peak is counted anew.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		panic(err)
	}
	v, adding, indexing := build(c, radius.Options{Tables: tables})
	debug.FreeOSMemory()
	after, err := resident()
	if err != nil {
		panic(err)
	}
	s := v.Stats()
	f := footprint{
		Codes: n, Resident: after.anonymous - before.anonymous, Peak: after.peak - before.all,
		Counted: s.Bytes, Adding: adding.Seconds(), Indexing: indexing.Seconds(),
	}
	if len(s.Tables) > 0 {
		f.Tables = s.Tables[0]
	}
	runtime.KeepAlive(v)
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		panic(err)
	}
}

// outside copies codes to memory that Go's collector does not count.
func outside(from []hash.Code) []hash.Code {
	b, err := unix.Mmap(-1, 0, max(len(from), 1)*int(unsafe.Sizeof(hash.Code{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	to := unsafe.Slice((*hash.Code)(unsafe.Pointer(&b[0])), len(from))
	copy(to, from)
	return to
}

// occupied is resident memory of this process in bytes.
type occupied struct{ anonymous, all, peak int64 }

func resident() (occupied, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return occupied{}, err
	}
	return parseStatus(string(b))
}

func parseStatus(s string) (o occupied, err error) {
	for name, to := range map[string]*int64{"RssAnon": &o.anonymous, "VmRSS": &o.all, "VmHWM": &o.peak} {
		m := regexp.MustCompile(`(?m)^` + name + `:\s*(\d+) kB$`).FindStringSubmatch(s)
		if m == nil {
			return o, errors.New("/proc/self/status does not tell " + name)
		}
		kb, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return o, err
		}
		*to = kb << 10
	}
	return o, nil
}
