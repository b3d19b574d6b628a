package main

import (
	"cmp"
	"context"
	"hash/crc32"
	"path"
	"slices"
)

// The small set: photos on which make accuracy runs for everybody. They are
// drawn by checksum, half on white or plain background and half on a natural
// one, from the collections that the demo is from. Photos with brands on them
// that were drawn were left out and replaced by the next.

// smallHalf is how many photos of each kind of background the set has.
const smallHalf = 30

var smallSources = []string{"alexeygrigorev/clothing-dataset", "dotnet/eShop", "microsoft/ContosoTraders"}

// notSmall are the photos that were left out.
var notSmall = []string{
	"00031", "00054", "00062", "00063", "00077", "00082", "00100", "00115", "00153",
	"01020", "01021", "01022", "01028", "01029", "01034", "01035", "01044", "01047", "01050", "01051", "01058", "01059",
}

// smallSet returns the numbers of the photos, in the order of the collection.
func (c *collection) smallSet() (numbers []string) {
	var all []string
	for n, p := range c.photos {
		if slices.Contains(smallSources, p.source) && !slices.Contains(notSmall, n) {
			all = append(all, n)
		}
	}
	draw := func(n string) uint32 { return crc32.ChecksumIEEE([]byte("small|" + c.photos[n].file)) }
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(draw(a), draw(b)), cmp.Compare(a, b)) })
	var taken [2]int
	for _, n := range all {
		kind := 0
		if c.photos[n].background == "natural" {
			kind = 1
		}
		if taken[kind] < smallHalf {
			taken[kind]++
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

func smallName(number string) string { return "photos/" + number + ".jpg" }

// small writes the photos, as they are in the collection, and the manifest by
// which the accuracy check reads them.
func (d *demo) small(context.Context) error {
	manifest := [][]string{{"file", "product_id", "background"}}
	for _, n := range d.smallSet() {
		b, err := d.make(n, nil)
		if err != nil {
			return err
		}
		if err := d.save(path.Join("accuracy", smallName(n)), b); err != nil {
			return err
		}
		manifest = append(manifest, []string{smallName(n), d.photos[n].product, d.photos[n].background})
	}
	return d.save("accuracy/manifest.csv", table(manifest))
}
