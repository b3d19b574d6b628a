package main

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

// smallSet is the folder of photos that is always used, seen from the root of
// the repository.
const smallSet = "testdata/accuracy"

// datasetsVariable names the folder that may hold larger sets.
const datasetsVariable = "TOUCHSTONE_DATASETS"

// folders returns where photos come from: the small set, further, and products
// of the data sets if the environment names these.
func folders(further []string) ([]string, error) {
	dirs := append([]string{smallSet}, further...)
	if root := os.Getenv(datasetsVariable); root != "" {
		dirs = append(dirs, filepath.Join(root, "products"))
	}
	var clean []string
	for _, d := range dirs {
		abs, err := filepath.Abs(d)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(abs); err != nil {
			return nil, fmt.Errorf("folder of photos: %w", err)
		}
		if !slices.Contains(clean, abs) {
			clean = append(clean, abs)
		}
	}
	return clean, nil
}

// material is what pictures are made of: folders, the photos in them, and those
// of them that mosaics are made of.
func material(further []string) (dirs, paths []string, photos []*image.NRGBA, err error) {
	if dirs, err = folders(further); err != nil {
		return nil, nil, nil, err
	}
	if paths, err = jpegs(dirs); err != nil {
		return nil, nil, nil, err
	}
	photos, err = pool(paths)
	return dirs, paths, photos, err
}

// jpegs lists the JPEGs below some folders, in the order of their paths.
func jpegs(dirs []string) (paths []string, err error) {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch strings.ToLower(filepath.Ext(path)) {
			case ".jpg", ".jpeg", ".jpe", ".jfif":
				if d.Type().IsRegular() {
					paths = append(paths, path)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no JPEGs in %s", strings.Join(dirs, ", "))
	}
	return paths, nil
}

// drawn orders paths by the checksums of their names, so that the first n are
// the same ones for every n, wherever the folder lies.
func drawn(paths []string, seed string) []string {
	paths = slices.Clone(paths)
	key := func(p string) uint32 { return crc32.ChecksumIEEE([]byte(seed + filepath.Base(p))) }
	slices.SortStableFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(filepath.Base(a), filepath.Base(b)))
	})
	return paths
}

// maxPool is how many photos mosaics are made of.
const maxPool = 96

// pool loads photos for mosaics: none that is smaller than a tile may be high.
func pool(paths []string) ([]*image.NRGBA, error) {
	var photos []*image.NRGBA
	for _, p := range drawn(paths, "pool") {
		if len(photos) == maxPool {
			break
		}
		img, err := edit.Load(p)
		if err != nil {
			return nil, err
		}
		if b := img.Bounds(); min(b.Dx(), b.Dy()) >= maxTile {
			photos = append(photos, img)
		}
	}
	if len(photos) == 0 {
		return nil, errors.New("no photo is large enough for mosaics")
	}
	return photos, nil
}
