package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
	"github.com/touchstone-go/touchstone/index"
)

// A table of shares does not tell what a copy looks like that was found, or one
// that was not. Pictures do, and are easily chosen to please. So those of
// ACCURACY.md are drawn by this program: the bank and the copies are those of
// the protocol on the small set, judged anew by mode thorough, and drawing fails
// if one is found that is shown as missed, or the other way round.
//
// Each picture shows the copy with the place of the reference in it, beside the
// reference. The place is what the match says (green, a disc at the reference's
// top left corner) or, if there is no match, where it truly is (orange).

// example is one copy to draw.
type example struct {
	name   string // of the picture
	set    attack.Set
	file   string
	attack string
	found  bool
}

var examples = []example{
	{"found-shop-page", attack.Published, "photos/00137.jpg", "shot_shop", true},
	{"found-collage", attack.Published, "photos/00122.jpg", "collage_4", true},
	{"found-scene", attack.Published, "photos/00999.jpg", "compose_30", true},
	{"found-crop", attack.Published, "photos/00967.jpg", "crop_40", true},
	{"found-tag", attack.Published, "photos/00237.jpg", "tag_30", true},
	{"found-background", attack.Second, "photos/00972.jpg", "bg_sunset", true},
	{"missed-crop", attack.Published, "photos/00048.jpg", "crop_40", false},
	{"missed-tag", attack.Published, "photos/01001.jpg", "tag_30", false},
	{"missed-background", attack.Published, "photos/00964.jpg", "bg_photo", false},
}

// gallery draws examples.
type gallery struct {
	protocol
	bank    *bank
	tiles   []photo // for collages and scenes
	pool    []*image.NRGBA
	sources map[string][]string // rows of the list of sources, by file
	out     string              // folder
	w       io.Writer
}

// drawExamples writes the pictures of all examples, and where the photos in
// them come from, to a folder.
func drawExamples(ctx context.Context, o protocol, folder string, w io.Writer, bar *progress) error {
	sources, err := sourcesOf(o.dir)
	if err != nil {
		return err
	}
	all, err := photos(o.dir)
	if err != nil {
		return err
	}
	in, out := split(all)
	bar.begin("register", len(in))
	b, err := fill(ctx, o, in, bar.step)
	bar.end()
	if err != nil {
		return err
	}
	defer b.close()
	g := &gallery{protocol: o, bank: b, tiles: o.tiles(out), sources: sources, out: folder, w: w}
	if g.pool, err = o.pool(out); err != nil {
		return err
	}
	var shown [][]string
	for _, e := range examples {
		rows, err := g.draw(ctx, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		shown = append(shown, rows...)
	}
	return writeSources(filepath.Join(folder, "attribution.csv"), shown)
}

// draw writes one picture and returns the sources of the photos in it.
func (g *gallery) draw(ctx context.Context, e example) (rows [][]string, err error) {
	i := slices.IndexFunc(g.bank.registered, func(p photo) bool { return p.file == e.file })
	if i < 0 {
		return nil, fmt.Errorf("%s is not registered", e.file)
	}
	reference, err := g.load(g.bank.registered[i])
	if err != nil {
		return nil, err
	}
	c, err := attack.NewStudio(e.set, g.pool).Copy(attack.Attack{Name: e.attack}, e.file, reference)
	if err != nil {
		return nil, err
	}
	v, err := g.bank.index.Judge(ctx, bytes.NewReader(c.Bytes), judgeOptions(thorough))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(g.w, "%s: %s|%s: %s\n", e.name, e.file, e.attack, said(v))
	at, quad, err := e.place(v, c)
	if err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(c.Bytes))
	if err != nil {
		return nil, err
	}
	sheet := pair(imaging.Clone(img), quad, at, reference)
	if err := imaging.Save(sheet, filepath.Join(g.out, e.name+".jpg"), imaging.JPEGQuality(75)); err != nil {
		return nil, err
	}
	return g.credits(e, reference, c)
}

// said describes a verdict in a line.
func said(v index.Verdict) string {
	s := string(v.Outcome)
	for _, m := range v.Matches {
		s += fmt.Sprintf("; %s %s %s by %s, threshold %d, PDQ %d", m.ID, m.Grade, m.Relation, m.Check, m.Threshold, m.Distance.PDQ)
		if m.Geometry != nil {
			s += fmt.Sprintf(", evidence %d of %d inliers", m.Geometry.Evidence, m.Geometry.Inliers)
		}
	}
	return s
}

// place is the one to draw, and in what colour.
func (e example) place(v index.Verdict, c attack.Copy) (color.NRGBA, [4][2]float64, error) {
	i := slices.IndexFunc(v.Matches, func(m index.Match) bool { return m.ID == e.file && m.Relation == index.SamePhoto })
	switch {
	case e.found && i < 0:
		return color.NRGBA{}, [4][2]float64{}, errors.New("is not found")
	case !e.found && i >= 0:
		return color.NRGBA{}, [4][2]float64{}, errors.New("is found")
	case !e.found:
		return missedInk, *c.Place, nil
	}
	quad, ok := placeOf(v.Matches[i])
	if !ok {
		return color.NRGBA{}, quad, errors.New("the match has no place")
	}
	return foundInk, quad, nil
}

// credits lists the photos in a picture. A photo of the pool is in it if the
// copy is another one without it.
func (g *gallery) credits(e example, reference *image.NRGBA, c attack.Copy) (rows [][]string, err error) {
	files := []string{e.file}
	for i, p := range g.tiles {
		pool := slices.Clone(g.pool)
		pool[i] = image.NewNRGBA(pool[i].Rect)
		other, err := attack.NewStudio(e.set, pool).Copy(attack.Attack{Name: e.attack}, e.file, reference)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(other.Bytes, c.Bytes) {
			files = append(files, p.file)
		}
	}
	for _, f := range files {
		source, ok := g.sources[f]
		if !ok {
			return nil, fmt.Errorf("nothing says where %s comes from", f)
		}
		rows = append(rows, append([]string{e.name + ".jpg"}, source...))
	}
	return rows, nil
}

// sourcesOf reads the list of sources beside a folder of photos: attribution.csv
// with the columns file, source, licence and source_path, files being relative
// to the list.
func sourcesOf(dir string) (map[string][]string, error) {
	f, err := os.Open(filepath.Join(dir, "..", "attribution.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("attribution.csv: %w", err)
	}
	of := make(map[string][]string)
	for _, r := range rows {
		if file, ok := bytes.CutPrefix([]byte(r[0]), []byte(filepath.Base(dir)+"/")); ok && len(r) == len(sourceColumns) {
			of[string(file)] = r[1:]
		}
	}
	return of, nil
}

var sourceColumns = []string{"file", "source", "licence", "source_path"}

func writeSources(file string, rows [][]string) error {
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(append([][]string{sourceColumns}, rows...)); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}
