package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

// photo is one row of manifest.csv.
type photo struct {
	file    string // slash path below the folder; also the id of the reference
	product string // photos with the same product show the same thing
	sibling bool   // shares artwork or a studio shot with other products
}

// in says on which side of the split a product lies. It goes by product, never
// by photo, so that no view of a registered product is taken for a stranger.
func (p photo) in() bool { return crc32.ChecksumIEEE([]byte("in"+p.product))%10 < 6 }

// photos reads manifest.csv (columns file and product_id are looked at) and,
// if it is there, template-siblings.txt (one product_id a line).
func photos(dir string) ([]photo, error) {
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("manifest.csv: %w", err)
	}
	siblings, err := siblingProducts(filepath.Join(dir, "template-siblings.txt"))
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 {
		return nil, errors.New("manifest.csv has no rows")
	}
	file, product := slices.Index(rows[0], "file"), slices.Index(rows[0], "product_id")
	if file < 0 || product < 0 {
		return nil, errors.New("manifest.csv: want columns file and product_id")
	}
	var ps []photo
	for _, r := range rows[1:] {
		ps = append(ps, photo{file: r[file], product: r[product], sibling: siblings[r[product]]})
	}
	return ps, nil
}

func siblingProducts(path string) (map[string]bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	set := make(map[string]bool)
	for _, p := range strings.Fields(string(b)) {
		set[p] = true
	}
	return set, nil
}

// attack is one way to copy a photo.
type attack struct {
	family string
	name   string
	make   func(*image.NRGBA) []byte
}

// quality is the JPEG quality of copies that are not about compression.
const quality = 85

// bars are the least recall of a family at any grade. Families without one are
// measured and printed.
var bars = map[string]float64{"jpeg": 1, "scale": 1, "mirror": 0.99, "turn": 0.99, "border": 0.95}

// Bars of false alarms, as shares of pictures of products that are not
// registered.
const (
	barStrong = 0.005
	barAny    = 0.015
)

// attacks lists the copies that recall is measured on.
func attacks() []attack {
	var as []attack
	add := func(family, name string, q int, f func(*image.NRGBA) *image.NRGBA) {
		as = append(as, attack{family, name, func(img *image.NRGBA) []byte { return edit.JPEG(f(img), q) }})
	}
	same := func(img *image.NRGBA) *image.NRGBA { return img }
	for _, q := range []int{40, 50, 60, 70, 80, 90} {
		add("jpeg", fmt.Sprintf("jpeg q=%d", q), q, same)
	}
	for _, s := range []float64{0.25, 0.375, 0.5, 0.75, 1} {
		add("scale", fmt.Sprintf("scale %v", s), quality, func(img *image.NRGBA) *image.NRGBA { return edit.Scale(img, s, s) })
	}
	add("mirror", "mirror", quality, edit.Mirror)
	for n := 1; n <= 3; n++ {
		add("turn", fmt.Sprintf("turn %d", 90*n), quality, func(img *image.NRGBA) *image.NRGBA { return edit.Turn(img, n) })
	}
	for _, c := range []struct {
		name  string
		color color.Color
	}{{"white", color.White}, {"black", color.Black}} {
		for _, share := range []float64{0.05, 0.1, 0.15, 0.2} {
			add("border", fmt.Sprintf("%s border %v", c.name, share), quality,
				func(img *image.NRGBA) *image.NRGBA { return edit.Border(img, c.color, share) })
		}
	}
	for _, f := range []struct {
		name   string
		filter imaging.ResampleFilter
	}{{"nearest", imaging.NearestNeighbor}, {"bilinear", imaging.Linear}, {"bicubic", imaging.CatmullRom}} {
		for _, s := range []float64{0.25, 0.5} {
			add("filter", fmt.Sprintf("%s %v", f.name, s), quality, func(img *image.NRGBA) *image.NRGBA {
				return imaging.Resize(img, int(s*float64(img.Bounds().Dx())), 0, f.filter)
			})
		}
	}
	for _, t := range [][2]float64{{1.25, 0}, {0.75, 0}, {0.8, 40}} {
		add("tone", fmt.Sprintf("tone x%v +%v", t[0], t[1]), quality,
			func(img *image.NRGBA) *image.NRGBA { return edit.Tone(img, t[0], t[1]) })
	}
	add("stamp", "stamp in a corner", quality, func(img *image.NRGBA) *image.NRGBA {
		return edit.Stamp(img, "SHOP 4711", color.NRGBA{255, 255, 255, 200}, 0.55, 0.9, 32)
	})
	add("stamp", "stamps all over", quality, func(img *image.NRGBA) *image.NRGBA {
		return edit.Tile(img, "SHOP 4711", color.NRGBA{255, 255, 255, 80}, 20)
	})
	return as
}

// some picks n attacks for a photo, always the same ones.
func some(as []attack, n int, file string) []attack {
	as = slices.Clone(as)
	draw := func(a attack) uint32 { return crc32.ChecksumIEEE([]byte(file + "|" + a.name)) }
	slices.SortFunc(as, func(a, b attack) int { return cmp.Compare(draw(a), draw(b)) })
	return as[:min(n, len(as))]
}
