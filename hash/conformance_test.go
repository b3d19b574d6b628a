package hash

import (
	"bytes"
	"context"
	"encoding/hex"
	"image"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// decodeStored decodes a file as its pixels are stored: the reference values
// ignore EXIF orientation.
func decodeStored(t *testing.T, path string) *canonical {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := inspect(b, DefaultLimits())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	h.orientation = 1
	c, err := decodeCanonical(context.Background(), b, h, time.Now().Add(time.Minute), new(workspace))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return c
}

// frameCodes returns the codes and the quality of the full frame, also of a
// picture that is too plain for a fingerprint.
func (c *canonical) frameCodes() (signs, int) {
	s := sample(c.luma, image.Rect(0, 0, c.luma.w, c.luma.h))
	return s.dct().signs(), s.quality()
}

func TestPDQConformance(t *testing.T) {
	dir := datasets(t, "conformance", "pdq")
	bars := map[string]int{"cpp": 8, "python-test": 12, "wasm-test": 10}
	worst, rows := map[string]int{}, map[string]int{}
	for _, row := range readCSV(t, filepath.Join(dir, "expected.csv")) {
		codes, q := decodeStored(t, filepath.Join(dir, row["file"])).frameCodes()
		want, err := ParseCode(row["hash"])
		if err != nil {
			t.Fatal(err)
		}
		if row["quality"] != "" {
			if wantQ, _ := strconv.Atoi(row["quality"]); q-wantQ > 5 || wantQ-q > 5 {
				t.Errorf("%s: quality %d, the reference has %d", row["file"], q, wantQ)
			}
		}
		if q < 80 {
			continue
		}
		ref := row["reference"]
		d := codes[0].Distance(want)
		rows[ref]++
		worst[ref] = max(worst[ref], d)
		if d > bars[ref] {
			t.Errorf("%s: %d bits from %s, at most %d allowed", row["file"], d, ref, bars[ref])
		}
	}
	for ref, n := range rows {
		t.Logf("%s: %d pictures, at most %d bits (bar %d)", ref, n, worst[ref], bars[ref])
	}
}

func TestPDQConformanceUpright(t *testing.T) {
	dir := datasets(t, "conformance", "pdq")
	for _, row := range readCSV(t, filepath.Join(dir, "expected-exif-upright.csv")) {
		b, err := os.ReadFile(filepath.Join(dir, row["file"]))
		if err != nil {
			t.Fatal(err)
		}
		f, info, err := Read(context.Background(), bytes.NewReader(b), Limits{Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		want, _ := ParseCode(row["hash_upright"])
		got, _ := f.Code(Full)
		if d := got.Distance(want); d > 10 || strconv.Itoa(info.Orientation) != row["orientation"] {
			t.Errorf("%s: %d bits, orientation %d, want at most 10 and %s", row["file"], d, info.Orientation, row["orientation"])
		}
	}
}

// The folder dih holds one picture in its eight orientations, each a JPEG of
// its own: what we derive must be what we get.
func TestDihedralConformance(t *testing.T) {
	dir := datasets(t, "conformance", "pdq", "reg-test-input", "dih")
	original := fingerprintOf(t, filepath.Join(dir, "bridge-1-original.jpg"))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 8 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	seen := map[Transform]string{}
	for _, e := range entries {
		d, err := Compare(fingerprintOf(t, filepath.Join(dir, e.Name())), original)
		if err != nil {
			t.Fatal(err)
		}
		if d.PDQ > 16 {
			t.Errorf("%s: %d bits", e.Name(), d.PDQ)
		}
		seen[d.Transform] = e.Name()
		t.Logf("%s: %s, %d bits", e.Name(), d.Transform, d.PDQ)
	}
	if len(seen) != Transforms {
		t.Errorf("%d of 8 transforms told apart: %v", len(seen), seen)
	}
}

func fingerprintOf(t testing.TB, path string) Fingerprint {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := Read(context.Background(), bytes.NewReader(b), Limits{Timeout: time.Minute})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return f
}

// The next two tests compute other people's hashes from our canonical picture.
// None of them takes part in the product: they check decoding, flattening and
// reduction against values that we did not make.

// imagehash.average_hash is a bit for each of 8x8 cells brighter than their
// mean. The library reduces with a Lanczos filter, so cells near the mean may differ;
// a picture decoded wrongly would be 32 bits away.
func TestImagehashVectors(t *testing.T) {
	dir := datasets(t, "conformance", "imagehash")
	for _, row := range readCSV(t, filepath.Join(dir, "expected.csv")) {
		want, err := strconv.ParseUint(row["ahash"], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		cells := reducedLuma(decodeStored(t, filepath.Join(dir, row["image"])), 8)
		sum := 0
		for _, v := range cells {
			sum += int(v)
		}
		var got uint64
		for _, v := range cells {
			got <<= 1
			if int(v)*len(cells) > sum {
				got |= 1
			}
		}
		d := bits.OnesCount64(got ^ want)
		t.Logf("%s: average hash %016x, imagehash has %016x", row["image"], got, want)
		if d > 8 {
			t.Errorf("%s: %d bits of 64 differ from imagehash", row["image"], d)
		}
	}
}

func reducedLuma(c *canonical, side int) []uint16 {
	r := newReducer[uint16](c.luma.w, c.luma.h, side, side, 1)
	for y := range c.luma.h {
		r.add(c.luma.pix[y*c.luma.w:][:c.luma.w])
	}
	return r.out
}

// blockhash (Yang, Gu and Niu, "Block mean value based image perceptual
// hashing", 2006; the exact method of commonsmachinery/blockhash): the sum of
// R, G and B over 16x16 cells, a bit where it exceeds the median of its band of
// four rows.
func TestBlockhashVectors(t *testing.T) {
	dir := datasets(t, "conformance", "blockhash")
	close, files := 0, 0
	for _, row := range readCSV(t, filepath.Join(dir, "expected.csv")) {
		want, err := hex.DecodeString(row["exact"])
		if err != nil {
			t.Fatal(err)
		}
		got := blockhash(decodeStored(t, filepath.Join(dir, row["file"])))
		d := 0
		for i := range want {
			d += bits.OnesCount8(want[i] ^ got[i])
		}
		t.Logf("%s: %d bits", row["file"], d)
		files++
		if d <= 4 {
			close++
		}
		// Pictures with large flat parts have many cells at the median.
		if d > 32 {
			t.Errorf("%s: %d bits of 256 differ from blockhash", row["file"], d)
		}
	}
	if close < files-2 {
		t.Errorf("only %d of %d pictures within 4 bits of blockhash", close, files)
	}
}

func blockhash(c *canonical) []byte {
	m := c.colour
	r := newReducer[uint16](m.Rect.Dx(), m.Rect.Dy(), 16, 16, 1)
	row := make([]uint16, m.Rect.Dx())
	for y := range m.Rect.Dy() {
		for x := range row {
			p := m.Pix[y*m.Stride+4*x:]
			row[x] = (uint16(p[0]) + uint16(p[1]) + uint16(p[2])) << 6
		}
		r.add(row)
	}
	out := make([]byte, 32)
	for band := range 4 {
		cells := r.out[64*band : 64*band+64]
		sorted := slices.Sorted(slices.Values(cells))
		median := (int(sorted[31]) + int(sorted[32])) / 2
		for i, v := range cells {
			// Cells within a level of the median count as brighter if the
			// median itself is in the upper half of the range.
			level := int(v) - median
			if level > 1<<6 || max(level, -level) <= 1<<6 && median > 765<<6/2 {
				out[8*band+i/8] |= 0x80 >> (i % 8)
			}
		}
	}
	return out
}
