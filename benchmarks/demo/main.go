// Demo makes testdata/demo, testdata/pictures and testdata/accuracy out of a
// folder of product photos:
//
//	go run ./benchmarks/demo [-to testdata] FOLDER
//
// The folder has a manifest.csv with the columns file, source, licence,
// product_id, background and vendor, the photos that it names, and the licence texts in
// licences/. Only photos whose vendor column is yes are taken. What is made,
// and what must come of it, is listed in recipe.go; expected.csv is written
// from real verdicts, after each was compared with that list.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	to := flag.String("to", "testdata", "`folder` that receives demo, pictures, accuracy and licences")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: demo [-to testdata] FOLDER")
		os.Exit(2)
	}
	if err := write(context.Background(), flag.Arg(0), *to); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// write makes everything anew. A file that the recipe does not name any more
// is left; remove it by hand.
func write(ctx context.Context, from, to string) error {
	c, err := openCollection(from)
	if err != nil {
		return err
	}
	d := demo{collection: c, to: to}
	for _, step := range []func(context.Context) error{d.banks, d.references, d.uploads, d.pictures, d.small, d.attribution, d.expected} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type demo struct {
	*collection
	to string
}

func (d *demo) banks(context.Context) error {
	return d.save("demo/banks.csv", table([][]string{
		{"name", "kind", "owner"},
		{genuine, "genuine", "Acme"},
		{fakes, "fake", "Acme"},
	}))
}

func (d *demo) references(context.Context) error {
	for _, r := range references {
		b, err := d.make(r.photo, r.edited)
		if err != nil {
			return err
		}
		if err := d.save("demo/references/"+r.bank+"/"+r.name, b); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) uploads(context.Context) error {
	for _, u := range uploads {
		b, err := d.make(u.photo, u.make)
		if err != nil {
			return err
		}
		if err := d.save("demo/uploads/"+u.name, b); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) pictures(context.Context) error {
	for _, p := range pictures {
		b, err := d.make(p.photo, p.make)
		if err != nil {
			return err
		}
		if err := d.save("pictures/"+p.name, b); err != nil {
			return err
		}
	}
	return nil
}

// attribution writes the origin of every file that shows a photo, and the
// licence texts.
func (d *demo) attribution(context.Context) error {
	origin := [][]string{{"file", "source", "licence", "source_path"}}
	add := func(file, number string) {
		if p, ok := d.photos[number]; ok {
			origin = append(origin, []string{file, p.source, p.licence, p.path})
		}
	}
	for _, r := range references {
		add("demo/references/"+r.bank+"/"+r.name, r.photo)
	}
	for _, u := range uploads {
		add("demo/uploads/"+u.name, u.photo)
	}
	for _, p := range pictures {
		add("pictures/"+p.name, p.photo)
	}
	for _, n := range d.smallSet() {
		add("accuracy/"+smallName(n), n)
	}
	return errors.Join(d.save("attribution.csv", table(origin)), d.licences())
}

func (d *demo) licences() error {
	slices.Sort(d.used)
	for _, photo := range slices.Compact(d.used) {
		name := strings.ReplaceAll(d.photos[photo].source, "/", "+") + ".txt"
		b, err := os.ReadFile(filepath.Join(d.from, "licences", name))
		if err != nil {
			return err
		}
		if err := d.save("licences/"+name, b); err != nil {
			return err
		}
	}
	return nil
}

// save writes a file below the target folder; of a stored one it only looks
// whether it is there.
func (d *demo) save(name string, b []byte) error {
	path := filepath.Join(d.to, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if b == nil {
		_, err := os.Stat(path)
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

func table(rows [][]string) []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.WriteAll(rows) // a strings.Builder does not fail
	return []byte(b.String())
}
