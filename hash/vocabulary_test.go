package hash

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var updateWords = flag.Bool("update-words", false, "write words.bin anew, which makes another recipe")

// TestVocabulary makes words.bin once more from the photos that it was made of:
// every other one that may be passed on, by the collection's manifest.
func TestVocabulary(t *testing.T) {
	if testing.Short() {
		t.Skip("describes 350 photos")
	}
	dir := filepath.Join(datasets(t), "products")
	b := vocabularyOf(photosToPassOn(t, dir))
	if *updateWords {
		if err := os.WriteFile("words.bin", b, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b, wordsFile) {
		t.Error("words.bin is not what these photos give")
	}
}

// photosToPassOn yields the descriptors of the photos, in the order of the
// manifest.
func photosToPassOn(t *testing.T, dir string) (pool []Code) {
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range rows[1:] {
		if r[len(r)-1] != "yes" {
			continue
		}
		if n++; n%2 == 0 {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r[0])))
		if err != nil {
			t.Fatal(err)
		}
		_, info, err := Read(t.Context(), bytes.NewBuffer(b), Limits{})
		if _, plain := IsUnusable(err); plain {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		ps, _ := detect(info.canonical.working(referenceSide), MaxPoints, referenceFall, false)
		for i := range ps {
			pool = append(pool, ps[i].code)
		}
	}
	return pool
}

// vocabularyOf draws branches and words from a pool (see words.go).
func vocabularyOf(pool []Code) []byte {
	const size = 1 << 14
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	var leaves [branches][]Code
	for _, c := range pool[branches : branches+size] {
		near := 0
		for i := range leaves {
			if c.Distance(pool[i]) < c.Distance(pool[near]) {
				near = i
			}
		}
		leaves[near] = append(leaves[near], c)
	}
	var b []byte
	for i, l := range leaves {
		b = appendCode(binary.BigEndian.AppendUint16(b, uint16(len(l))), pool[i])
	}
	for _, l := range leaves {
		for _, c := range l {
			b = appendCode(b, c)
		}
	}
	return b
}
