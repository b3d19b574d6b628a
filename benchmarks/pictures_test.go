package benchmarks

import (
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

var demo = filepath.Join("..", "testdata", "demo")

// photo is one of the demo's references, brought to a longer side and given
// seeded noise, so that enlarging does not make it easier to decode.
func photo(b *testing.B, side int) *image.NRGBA {
	b.Helper()
	img, err := edit.Load(filepath.Join(demo, "references", "acme-fakes", "jacket-sunset.jpg"))
	if err != nil {
		b.Fatal(err)
	}
	f := float64(side) / float64(max(img.Bounds().Dx(), img.Bounds().Dy()))
	img = edit.Scale(img, f, f)
	r := rand.New(rand.NewPCG(1, uint64(side)))
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = uint8(min(max(int(img.Pix[i])+r.IntN(9)-4, 0), 255))
		}
	}
	return img
}

// files reads all files below a folder of the demo.
func files(b *testing.B, pattern string) [][]byte {
	b.Helper()
	names, err := filepath.Glob(filepath.Join(demo, pattern))
	if err != nil || len(names) == 0 {
		b.Fatalf("%s: %d files, %v", pattern, len(names), err)
	}
	var all [][]byte
	for _, n := range names {
		f, err := os.ReadFile(n)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}
