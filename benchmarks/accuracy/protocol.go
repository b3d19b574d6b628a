package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
)

// The protocol.
//
//  1. Products are split by a checksum of their id: six tenths are in, the rest
//     is out. It goes by product, never by photo, so that no view of a
//     registered product is taken for a stranger.
//  2. All photos that are in are registered in one bank with the default
//     policy, in a store on disk.
//  3. Positives: all attacks on some of these, half on a white or plain
//     background and half on a natural one.
//  4. Negatives: every photo that is out, as it is and edited by some attacks.
//     They show other products of the same catalogues, so they are hard ones.
//  5. Each copy is made once and judged in both modes with the default options,
//     as touchstone judge does.
//
// A match with another photo of the same product is neither right nor wrong,
// and so is one of relation same_template, which says that it may be another
// product. Products named in template-siblings.txt share printed artwork or a
// studio shot with another one and cannot be told from it by pixels; false
// alarms are given with and without them.
//
// Collages and scenes need other photos. They come from products that are out,
// so that none of them is registered, and never from template siblings: a
// picture that contains one would rightly match its registered sibling.
//
// Whatever is chosen is chosen by checksums of names. The first n of a choice
// are the same for every n, so a smaller run asks a part of what a larger one
// does.

// protocol is what a run asks for.
type protocol struct {
	dir       string // folder of the photos
	sets      []attack.Set
	positives int // originals that are copied; 0: see chosen
	negatives int // edited copies of each stranger
	every     int // ask with every n-th stranger
	fill      int // references for each photo that is in, when queries are timed
}

// maxPositives is how many originals are copied unless told otherwise, and
// inPerPositive how many registered photos there are for each of them at least.
const (
	maxPositives  = 40
	inPerPositive = 8
)

// poolSize is how many photos tiles and scenes are made of: half on white or
// plain background, as far as there are.
const poolSize = 48

// photo is one row of manifest.csv.
type photo struct {
	file    string // slash path below the folder; also the id of the reference
	product string // photos with the same product show the same thing
	plain   bool   // white or plain background
	sibling bool   // shares artwork or a studio shot with other products
}

// in says on which side of the split a product lies.
func (p photo) in() bool { return sum("in"+p.product)%10 < 6 }

func sum(s string) uint32 { return crc32.ChecksumIEEE([]byte(s)) }

// photos reads the manifest and the siblings of a folder.
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
	if len(rows) < 2 {
		return nil, errors.New("manifest.csv has no rows")
	}
	var columns [3]int
	for i, name := range []string{"file", "product_id", "background"} {
		if columns[i] = slices.Index(rows[0], name); columns[i] < 0 {
			return nil, fmt.Errorf("manifest.csv has no column %s", name)
		}
	}
	siblings, err := siblingProducts(filepath.Join(dir, "template-siblings.txt"))
	if err != nil {
		return nil, err
	}
	var ps []photo
	for _, r := range rows[1:] {
		p := photo{file: r[columns[0]], product: r[columns[1]], sibling: siblings[r[columns[1]]]}
		switch r[columns[2]] {
		case "white", "plain":
			p.plain = true
		case "natural":
		default:
			return nil, fmt.Errorf("manifest.csv: background %q of %s, want white, plain or natural", r[columns[2]], p.file)
		}
		ps = append(ps, p)
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

// split parts the photos into those that are registered and the strangers.
func split(ps []photo) (in, out []photo) {
	for _, p := range ps {
		if p.in() {
			in = append(in, p)
		} else {
			out = append(out, p)
		}
	}
	return in, out
}

// chosen returns n of the photos, half of them on plain background as far as
// there are enough of both, in an order drawn by seed.
func chosen(ps []photo, n int, seed string) []photo {
	var kinds [2][]photo
	for _, p := range drawn(ps, func(p photo) string { return seed + "|" + p.file }) {
		if p.plain {
			kinds[0] = append(kinds[0], p)
		} else {
			kinds[1] = append(kinds[1], p)
		}
	}
	var got []photo
	for len(got) < n && len(kinds[0])+len(kinds[1]) > 0 {
		k := len(got) % 2
		if len(kinds[k]) == 0 {
			k = 1 - k
		}
		got, kinds[k] = append(got, kinds[k][0]), kinds[k][1:]
	}
	return got
}

// drawn orders a list by the checksums of its members' names.
func drawn[T any](list []T, name func(T) string) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(sum(name(a)), sum(name(b))) })
	return list
}

// originals are the photos whose copies must be found. Registered are those
// that were not refused.
func (o protocol) originals(registered []photo) []photo {
	n := o.positives
	if n == 0 {
		n = min(maxPositives, max(1, len(registered)/inPerPositive))
	}
	return chosen(registered, n, "positive")
}

// strangers are the photos that must match nothing.
func (o protocol) strangers(out []photo) (kept []photo) {
	for i := 0; i < len(out); i += o.every {
		kept = append(kept, out[i])
	}
	return kept
}

// fitting are the attacks that can be made on a photo.
func fitting(as []attack.Attack, p photo) []attack.Attack {
	return slices.DeleteFunc(slices.Clone(as), func(a attack.Attack) bool { return a.PlainOnly && !p.plain })
}

// some picks n of the attacks for a stranger.
func some(as []attack.Attack, n int, p photo) []attack.Attack {
	as = drawn(fitting(as, p), func(a attack.Attack) string { return p.file + "|" + a.Name })
	return as[:min(n, len(as))]
}

// tiles chooses the photos for collages and scenes.
func (o protocol) tiles(out []photo) []photo {
	free := slices.DeleteFunc(slices.Clone(out), func(p photo) bool { return p.sibling })
	return chosen(free, poolSize, "pool")
}

// pool loads them.
func (o protocol) pool(out []photo) (imgs []*image.NRGBA, err error) {
	for _, p := range o.tiles(out) {
		img, err := o.load(p)
		if err != nil {
			return nil, err
		}
		imgs = append(imgs, img)
	}
	return imgs, nil
}

func (o protocol) read(p photo) ([]byte, error) {
	return os.ReadFile(filepath.Join(o.dir, filepath.FromSlash(p.file)))
}

func (o protocol) load(p photo) (*image.NRGBA, error) {
	f, err := os.Open(filepath.Join(o.dir, filepath.FromSlash(p.file)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.file, err)
	}
	return imaging.Clone(img), nil
}
