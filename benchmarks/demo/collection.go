package main

import (
	"encoding/csv"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

// collection is the folder of photos. Photos are known by their number.
type collection struct {
	from   string
	photos map[string]photo
	used   []string
}

type photo struct{ file, source, licence, path, product, background string }

// openCollection reads manifest.csv and keeps the photos that may be passed on.
func openCollection(dir string) (*collection, error) {
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("manifest.csv: %d rows: %w", len(rows), err)
	}
	column := func(row []string, name string) string {
		if i := slices.Index(rows[0], name); i >= 0 {
			return row[i]
		}
		return ""
	}
	c := &collection{from: dir, photos: make(map[string]photo)}
	for _, r := range rows[1:] {
		if column(r, "vendor") != "yes" {
			continue
		}
		file := column(r, "file")
		number := strings.TrimSuffix(strings.TrimPrefix(file, "img/d_"), ".jpg")
		c.photos[number] = photo{file, column(r, "source"), column(r, "licence"), column(r, "source_path"), column(r, "product_id"), column(r, "background")}
	}
	return c, nil
}

// make makes one file of a photo ("" for none). Without f it is the photo's
// own file.
func (c *collection) make(number string, f func(*image.NRGBA) []byte) ([]byte, error) {
	if number == "" {
		return f(nil), nil
	}
	p, ok := c.photos[number]
	if !ok {
		return nil, fmt.Errorf("photo %s is not in the collection, or may not be passed on", number)
	}
	c.used = append(c.used, number)
	b, err := os.ReadFile(filepath.Join(c.from, filepath.FromSlash(p.file)))
	if err != nil || f == nil {
		return b, err
	}
	img, err := edit.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.file, err)
	}
	return f(img), nil
}
