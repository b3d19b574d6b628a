package hostile

import (
	"bytes"
	"image/jpeg"
	"slices"
	"testing"
	"time"
)

func TestFilesAreManySmallAndAlwaysTheSame(t *testing.T) {
	begin := time.Now()
	fs, total := Files(), 0
	took := time.Since(begin)
	seen := map[string]bool{}
	for _, f := range fs {
		if seen[f.Name] {
			t.Errorf("%s twice", f.Name)
		}
		seen[f.Name] = true
		total += len(f.Data)
	}
	t.Logf("%d files, %d bytes, made in %v", len(fs), total, took)
	if len(fs) < 60 || total > 12<<20 {
		t.Errorf("%d files of %d bytes together", len(fs), total)
	}
	same := slices.EqualFunc(fs, Files(), func(a, b File) bool { return a.Name == b.Name && bytes.Equal(a.Data, b.Data) })
	if !same {
		t.Error("a second call gave other files")
	}
}

func TestControlIsHealthy(t *testing.T) {
	m, err := jpeg.Decode(bytes.NewReader(Control()))
	if err != nil || m.Bounds().Dx() != 256 {
		t.Fatalf("%v, %v", m, err)
	}
}
