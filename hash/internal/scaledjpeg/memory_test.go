package scaledjpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// A picture of 100 megapixels is decoded in a process of its own, so that nothing but
// the file and the decoder counts. The file is made of a strip of two rows of
// blocks with a restart marker between them: the data of the first is repeated.

// memoryChild is the variable that turns this test binary into that process; its
// value is the file.
const memoryChild = "TOUCHSTONE_TEST_MEMORY_CHILD"

const (
	vastSide   = 10_000
	mostMemory = 40 << 10 // resident, in KB, with the bytes of the file
)

func TestMemoryOfVastPictures(t *testing.T) {
	long(t)
	for name, o := range map[string]jpegwriter.Options{
		"baseline 4:4:4":    {Quality: 60, Sampling: jpegwriter.S444},
		"baseline 4:2:0":    {Quality: 75, Sampling: jpegwriter.S420},
		"progressive 4:4:4": {Quality: 60, Sampling: jpegwriter.S444, Progressive: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := vast(t, o)
			path := filepath.Join(t.TempDir(), "vast.jpg")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestMemoryChild$", "-test.count=1", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), memoryChild+"="+path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			_, line, found := strings.Cut(string(out), "VmHWM:")
			if !found {
				t.Skip("this system does not tell the peak of memory")
			}
			peak, err := strconv.Atoi(strings.Fields(line)[0])
			if err != nil {
				t.Fatal(err)
			}
			took, _, _ := strings.Cut(string(out), "\n")
			t.Logf("%.1f MB of file (%.2f bits per pixel): peak resident %.1f MB, %s", float64(len(b))/(1<<20),
				float64(len(b))*8/vastSide/vastSide, float64(peak)/(1<<10), took)
			if peak > mostMemory {
				t.Errorf("peak resident memory is %d KB, at most %d KB is allowed", peak, mostMemory)
			}
		})
	}
}

// TestMemoryChild is the other half of TestMemoryOfVastPictures.
func TestMemoryChild(t *testing.T) {
	path := os.Getenv(memoryChild)
	if path == "" {
		t.Skip("only as the child of TestMemoryOfVastPictures")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var d Decoder
	p, err := d.Decode(b, 1, never)
	if err != nil || p.Luma.W != vastSide/8 || p.Luma.H != vastSide/8 {
		t.Fatalf("%d bytes: %v", len(b), err)
	}
	fmt.Printf("decoded in %v\n", time.Since(begin).Round(time.Millisecond))
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return // not Linux
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmHWM:") {
			fmt.Print(line)
		}
	}
}

// vast makes the file.
func vast(t *testing.T, o jpegwriter.Options) []byte {
	t.Helper()
	_, v := o.Sampling.Factors(0)
	h, _ := o.Sampling.Factors(0)
	o.RestartInterval, o.OptimiseTables = vastSide/8/h, true
	strip := encodeScene(t, 1, vastSide, 2*8*v, o)
	rows := vastSide / 8 / v
	var b []byte
	for len(strip) > 0 {
		// A segment, and what follows it up to the next one.
		n := 2
		if m := strip[1]; m != 0xd8 && m != markerEOI {
			n += int(binary.BigEndian.Uint16(strip[2:]))
		}
		if m := strip[1]; m == markerSOF0 || m == markerSOF2 {
			binary.BigEndian.PutUint16(strip[5:], vastSide)
		}
		b = append(b, strip[:n]...)
		marker := strip[1]
		strip = strip[n:]
		if marker != markerSOS {
			continue
		}
		first := bytes.Index(strip, []byte{0xff, markerRST0})
		for row := range rows {
			if b = append(b, strip[:first]...); row < rows-1 {
				b = append(b, 0xff, markerRST0+byte(row%8))
			}
		}
		for strip = strip[first+2:]; strip[0] != 0xff || strip[1] == 0; strip = strip[1:] {
		}
	}
	return b
}
