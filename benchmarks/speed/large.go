package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
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

// The peak of memory for a picture of 100 megapixels. Its pixels would take
// longer to make than to read, so it is put together from blocks of coefficients:
// windows of a smaller picture, enlarged, since parts of photos as they are would
// be a fine pattern in one of this size. They lie at random, since a picture that
// repeats itself has frequencies with nothing in them.
//
// Memory is that of a process of its own, as the kernel counts it: the program,
// the file and all that the query needs.

const (
	largeSide  = 10_000
	sourceSide = 2400 // of the picture that windows are taken from
	enlarging  = 4

	maxPeak = 40 << 20 // bytes
)

// memoryKnown says whether this system tells the peak.
const memoryKnown = runtime.GOOS == "linux"

// largePicture puts the picture together, 4:2:0.
func largePicture(photos []*image.NRGBA) (*jpegwriter.Coefficients, error) {
	source := imaging.Resize(mosaic(photos, sourceSide/enlarging, sourceSide/enlarging, 0), sourceSide, sourceSide, imaging.Linear)
	indoors.add(source, 0)
	from, err := jpegwriter.FromImage(source, jpegwriter.Options{Quality: 88})
	if err != nil {
		return nil, err
	}
	to, err := jpegwriter.NewCoefficients(largeSide, largeSide, 3, jpegwriter.S420)
	if err != nil {
		return nil, err
	}
	to.Tables = from.Tables
	const rows = largeSide / 16 // and columns: MCUs
	draw := rand.New(rand.NewPCG(0, 0))
	side := func() int { return (minTile + draw.IntN(maxTile-minTile+1)) * enlarging / 16 }
	for y := 0; y < rows; {
		h := side()
		for x := 0; x < rows; {
			w := side()
			fx, fy := draw.IntN(sourceSide/16-w+1), draw.IntN(sourceSide/16-h+1)
			window(to, from, x, y, min(w, rows-x), min(h, rows-y), fx, fy)
			x += w
		}
		y += h
	}
	return to, nil
}

// window copies w x h MCUs from (fx, fy) to (x, y).
func window(to, from *jpegwriter.Coefficients, x, y, w, h, fx, fy int) {
	for i := range to.Components {
		t, f := &to.Components[i], &from.Components[i]
		for row := range h * t.V {
			at, source := (y*t.V+row)*t.Stride+x*t.H, (fy*f.V+row)*f.Stride+fx*f.H
			copy(t.Blocks[at:at+w*t.H], f.Blocks[source:])
		}
	}
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
	picture, err := largePicture(photos)
	if err != nil {
		return nil, fmt.Errorf("a large picture: %w", err)
	}
	var bars []bar
	for _, kind := range []string{"baseline", progressiveKind} {
		file, err := picture.Encode(jpegwriter.Options{Progressive: kind == progressiveKind})
		if err != nil {
			return nil, fmt.Errorf("a large %s file: %w", kind, err)
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
			Figure: fmt.Sprintf("peak for 100 megapixels, %s, a file of %.1f MB: MB", kind, float64(len(file))/(1<<20)),
			Value:  peak / (1 << 20), Bar: maxPeak >> 20,
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
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
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
