package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
	"github.com/touchstone-go/touchstone/hash"
)

// The peak of memory for a picture of 100 megapixels. Encoding one takes a
// minute and a gigabyte; but with a restart interval the coded data of a strip
// depend on nothing before, so a strip of some height is encoded once and its
// scans are written several times under each other. That works for any kind of
// file whose scans each have a multiple of eight intervals a strip (the markers
// between them are numbered modulo eight).
//
// Memory is that of a process of its own, as the kernel counts it: the program,
// the file and all that the query needs.

const (
	largeWidth  = 10_000
	stripHeight = 1_024
	strips      = 10
	// interval is a row of MCUs of 16x16 pixels, and half or all of a row of
	// blocks of one component.
	interval = largeWidth / 16

	maxPeak = 40 << 20 // bytes
)

// memoryKnown says whether this system tells the peak.
const memoryKnown = runtime.GOOS == "linux"

// largeFile writes a JPEG of 10,000 x 10,240 pixels. Its tiles are enlarged four
// times: as they are they would be a fine pattern in a picture of this size.
func largeFile(photos []*image.NRGBA, progressive bool) ([]byte, error) {
	strip := imaging.Resize(mosaic(photos, largeWidth/4, stripHeight/4, 0), largeWidth, stripHeight, imaging.Linear)
	daylight.add(strip, 0)
	b, err := jpegwriter.Encode(strip, jpegwriter.Options{Quality: 75, Progressive: progressive, RestartInterval: interval})
	if err != nil {
		return nil, err
	}
	return repeatScans(b, strips)
}

// repeatScans makes a JPEG n times as high whose parts are all as b, which has
// restart intervals.
func repeatScans(b []byte, n int) ([]byte, error) {
	out := append([]byte(nil), b[:2]...)
	for i := 2; i+4 <= len(b); {
		marker := b[i+1]
		if b[i] != 0xff {
			return nil, errors.New("no marker where one must be")
		}
		end := i + 2 + int(binary.BigEndian.Uint16(b[i+2:]))
		segment := len(out)
		out = append(out, b[i:end]...)
		switch marker {
		case 0xc0, 0xc1, 0xc2: // frame header: length, precision, height
			height := binary.BigEndian.Uint16(b[i+5:])
			binary.BigEndian.PutUint16(out[segment+5:], height*uint16(n))
		case 0xda:
			coded, restarts := codedData(b[end:])
			if restarts%8 != 7 {
				return nil, fmt.Errorf("%d restart intervals, not a multiple of eight", restarts+1)
			}
			for k := range n {
				if k > 0 {
					out = append(out, 0xff, 0xd7)
				}
				out = append(out, coded...)
			}
			end += len(coded)
		}
		i = end
	}
	return append(out, 0xff, 0xd9), nil
}

// codedData is what comes before the next marker that is not one between restart
// intervals, and how many of those there are.
func codedData(b []byte) (coded []byte, restarts int) {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != 0xff || b[i+1] == 0 {
			continue
		}
		if b[i+1]&^7 != 0xd0 {
			return b[:i], restarts
		}
		restarts++
	}
	return b, restarts
}

// peakVariable makes this program the child that looks at a large file.
const peakVariable = "TOUCHSTONE_SPEED_LARGE"

// peaks measures both kinds.
func peaks(ctx context.Context, photos []*image.NRGBA) ([]bar, error) {
	dir, err := os.MkdirTemp("", "touchstone-speed-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var bars []bar
	for _, kind := range []string{"baseline", progressiveKind} {
		file, err := largeFile(photos, kind == progressiveKind)
		if err != nil {
			return nil, fmt.Errorf("a large file: %w", err)
		}
		path := filepath.Join(dir, kind+".jpg")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			return nil, err
		}
		peak, err := peakOf(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("a large %s file: %w", kind, err)
		}
		b := bar{
			Figure: fmt.Sprintf("peak for 102 megapixels, %s, a file of %.1f MB: MB", kind, float64(len(file))/(1<<20)),
			Value:  rounded(peak / (1 << 20)), Bar: maxPeak >> 20,
		}
		if memoryKnown {
			b.Of = 1
		}
		bars = append(bars, b)
	}
	return bars, nil
}

// peakOf has a child look at a file and returns its largest resident size.
func peakOf(ctx context.Context, path string) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), peakVariable+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// lookAtLarge is what the child does: it prints its own peak in bytes.
func lookAtLarge(ctx context.Context, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	l := limits
	l.MaxPixels, l.MaxBytes = 200_000_000, 100<<20
	var h hash.Hasher
	f, info, err := h.Query(ctx, file, l)
	if err != nil {
		return err
	}
	if readExactly(f, info) {
		return errors.New("the exact path read it")
	}
	peak, err := peakResident()
	fmt.Println(peak)
	return err
}

// peakResident is the largest resident size of this process so far, in bytes; 0
// where the system does not tell.
func peakResident() (float64, error) {
	if !memoryKnown {
		return 0, nil
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 64)
			return kb * 1024, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
