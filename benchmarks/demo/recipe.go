package main

import (
	"bytes"
	"image"
	"image/color"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/index"
)

// The recipe of the demo: which photos, in which bank, and which copies of
// them are uploaded. The photos show goods without faces and, as far as could
// be seen, without brands. Which bank a photo is in was chosen freely: it says
// nothing about the goods, their makers or the photographers.

const (
	genuine = "acme-genuine"
	fakes   = "acme-fakes"
)

// reference is a photo of the collection under the name that it has in a bank.
type reference struct {
	bank, name string
	photo      string // number in the collection: img/d_<photo>.jpg
	// edited, if set, makes the file; otherwise it is the photo's own.
	edited func(*image.NRGBA) []byte
}

var references = []reference{
	{bank: genuine, name: "backpack-red.jpg", photo: "00200"},
	{bank: genuine, name: "backpack-olive.jpg", photo: "00188"},
	{bank: genuine, name: "chalk-bag-blue.jpg", photo: "00208"},
	{bank: genuine, name: "compass.jpg", photo: "00246"},
	{bank: genuine, name: "down-jacket-red.jpg", photo: "00204"},
	{bank: genuine, name: "drill-orange.jpg", photo: "00961"},
	{bank: genuine, name: "espresso-machine.jpg", photo: "01007"},
	{bank: genuine, name: "goggles.jpg", photo: "00191"},
	{bank: genuine, name: "helmet-green.jpg", photo: "00183"},
	{bank: genuine, name: "helmet-red.jpg", photo: "00211"},
	{bank: genuine, name: "microwave.jpg", photo: "00948"},
	{bank: genuine, name: "multitool-blue.jpg", photo: "00965"},
	{bank: genuine, name: "rope.jpg", photo: "00202"},
	{bank: genuine, name: "winter-jacket-grey.jpg", photo: "00039"},
	{bank: genuine, name: "tee-slogan.jpg", photo: "00021"},
	{bank: genuine, name: "watch.jpg", photo: "00205"},
	{bank: genuine, name: "watering-can.jpg", photo: "00957"},

	{bank: fakes, name: "backpack-black.jpg", photo: "00226"},
	{bank: fakes, name: "boots-blue.jpg", photo: "00241"},
	{bank: fakes, name: "boots-brown.jpg", photo: "00185"},
	{bank: fakes, name: "dining-table.jpg", photo: "00967"},
	{bank: fakes, name: "dress-birds.jpg", photo: "00065"},
	{bank: fakes, name: "dress-floral.jpg", photo: "00040"},
	{bank: fakes, name: "drill-red.jpg", photo: "01011"},
	{bank: fakes, name: "duffel-brown.jpg", photo: "00235"},
	{bank: fakes, name: "gps.jpg", photo: "00229"},
	{bank: fakes, name: "jacket-sunset.jpg", photo: "00248"},
	{bank: fakes, name: "shoes-camouflage.jpg", photo: "00194"},
	{bank: fakes, name: "shoes-pink.jpg", photo: "00056"},
	{bank: fakes, name: "snowboard-purple.jpg", photo: "00209"},
	{bank: fakes, name: "top-striped.jpg", photo: "00069"},
	// The brand's own photo, found on an offer of fakes and registered there
	// as well: whoever uploads it is neither.
	{bank: fakes, name: "watering-can.jpg", photo: "00957", edited: jpeg(70)},
}

// upload is a picture to be judged, with what must come of it.
type upload struct {
	name  string
	photo string
	make  func(*image.NRGBA) []byte // nil: the photo's own file

	outcome   index.Outcome
	of        string // bank/id of the first match
	transform string
}

var (
	white = color.NRGBA{255, 255, 255, 255}
	glass = color.NRGBA{255, 255, 255, 150}
	smoke = color.NRGBA{128, 128, 128, 70}
)

const (
	isFake    = index.KnownFake
	isGenuine = index.KnownGenuine
)

var uploads = []upload{
	{"untouched-compass.jpg", "00246", nil, isGenuine, genuine + "/compass.jpg", "none"},
	{"untouched-shoes-pink.jpg", "00056", nil, isFake, fakes + "/shoes-pink.jpg", "none"},

	{"recompressed-boots-40.jpg", "00185", jpeg(40), isFake, fakes + "/boots-brown.jpg", "none"},
	{"recompressed-microwave-60.jpg", "00948", jpeg(60), isGenuine, genuine + "/microwave.jpg", "none"},
	{"recompressed-drill-palette.gif", "01011", half(edit.GIF), isFake, fakes + "/drill-red.jpg", "none"},
	{"recompressed-gps.webp", "00229", stored, isFake, fakes + "/gps.jpg", "none"},

	{"resized-snowboard-half.jpg", "00209", scaled(0.5), isFake, fakes + "/snowboard-purple.jpg", "none"},
	{"resized-espresso-quarter.png", "01007", png(scale(0.25)), isGenuine, genuine + "/espresso-machine.jpg", "none"},
	{"resized-gps-larger.jpg", "00229", scaled(1.5), isFake, fakes + "/gps.jpg", "none"},

	{"mirrored-duffel.jpg", "00235", jpegOf(edit.Mirror), isFake, fakes + "/duffel-brown.jpg", "mirror"},
	{"mirrored-watch.jpg", "00205", jpegOf(edit.Mirror), isGenuine, genuine + "/watch.jpg", "mirror"},
	{"mirrored-bordered-dress.jpg", "00065", jpegOf(edit.Mirror, border(white, 0.08)), isFake, fakes + "/dress-birds.jpg", "mirror"},

	{"turned-shoes-90.jpg", "00194", jpegOf(turn(1)), isFake, fakes + "/shoes-camouflage.jpg", "rot90"},
	{"turned-dress-270.png", "00040", png(scale(0.5), turn(3)), isFake, fakes + "/dress-floral.jpg", "rot270"},
	// Stored lying on its side, with the note to turn it: upright for whoever
	// looks at it.
	{"turned-helmet-exif.jpg", "00211", lying, isGenuine, genuine + "/helmet-red.jpg", "none"},

	{"bordered-table-white.jpg", "00967", jpegOf(border(white, 0.1)), isFake, fakes + "/dining-table.jpg", "none"},
	{"bordered-goggles-black.jpg", "00191", jpegOf(border(color.Black, 0.15)), isGenuine, genuine + "/goggles.jpg", "none"},

	{"watermarked-jacket-corner.jpg", "00248", jpegOf(corner), isFake, fakes + "/jacket-sunset.jpg", "none"},
	{"watermarked-tee-tiled.jpg", "00021", jpegOf(tiled), isGenuine, genuine + "/tee-slogan.jpg", "none"},

	{"other-backpack.jpg", "00231", nil, index.None, "", ""},
	{"other-boots.jpg", "00182", nil, index.None, "", ""},
	{"other-dress.jpg", "00047", nil, index.None, "", ""},
	{"other-drill.jpg", "01015", nil, index.None, "", ""},
	{"other-helmet.jpg", "00245", nil, index.None, "", ""},

	{"conflict-watering-can.jpg", "00957", scaled(0.5), index.Conflict, fakes + "/watering-can.jpg", "none"},

	// Cropped farther than a hash of the whole picture can bear.
	{"cropped-duffel.jpg", "00235", jpegOf(crop(0.15)), isFake, fakes + "/duffel-brown.jpg", "none"},
	{"cropped-rope.jpg", "00202", jpegOf(crop(0.2)), isGenuine, genuine + "/rope.jpg", "none"},

	{"unusable-blank.png", "", blank, index.Unusable, "", ""},
	{"unusable-cut-off.jpg", "00183", cutOff, index.Unusable, "", ""},
	{"unusable-text.jpg", "", text, index.Unusable, "", ""},
}

// pictures are small files of formats that the demo does not have, for the
// fingerprints that must never change.
var pictures = []struct {
	name, photo string
	make        func(*image.NRGBA) []byte
}{
	{"alpha.png", "00957", small(func(i *image.NRGBA) []byte { return edit.PNG(withAlpha(i)) })},
	{"cmyk.jpg", "00248", small(cmyk)},
	{"exif-5.jpg", "00235", small(func(i *image.NRGBA) []byte { return edit.JPEGOriented(edit.JPEG(edit.Mirror(edit.Turn(i, 1)), 85), 5) })},
	{"exif-8.png", "00205", small(func(i *image.NRGBA) []byte { return edit.PNGOriented(edit.PNG(edit.Turn(i, 1)), 8) })},
	{"grey.jpg", "00185", small(func(i *image.NRGBA) []byte { return greyJPEG(i) })},
	{"grey16.png", "00229", small(func(i *image.NRGBA) []byte { return edit.PNG(grey16(i)) })},
	{"large.jpg", "00967", func(i *image.NRGBA) []byte { return edit.JPEG(edit.Scale(i, 2.7, 2.1), 60) }},
	{"narrow.jpg", "00209", func(i *image.NRGBA) []byte { return edit.JPEG(edit.Scale(i, 0.11, 0.9), 85) }},
	{"palette.gif", "00065", small(func(i *image.NRGBA) []byte { return edit.GIF(i) })},
	{"palette.png", "00065", small(func(i *image.NRGBA) []byte { return edit.PNG(paletted(i)) })},
	{"rgb16.png", "01007", small(func(i *image.NRGBA) []byte { return edit.PNG(rgb16(i)) })},
	{"exif-6.webp", "00205", stored},
	{"lossless-alpha.webp", "00957", stored},
	{"lossy.webp", "00229", stored},
	{"lossy-alpha.webp", "00957", stored},
	{"tiny.png", "00961", func(i *image.NRGBA) []byte { return edit.PNG(edit.Scale(i, 0.05, 0.05)) }},
}

// stored marks files that another program made (see testdata/README.md). They
// are kept as they are.
func stored(*image.NRGBA) []byte { return nil }

type change = func(*image.NRGBA) *image.NRGBA

func jpeg(q int) func(*image.NRGBA) []byte {
	return func(img *image.NRGBA) []byte { return edit.JPEG(img, q) }
}

func jpegOf(cs ...change) func(*image.NRGBA) []byte {
	return func(img *image.NRGBA) []byte { return edit.JPEG(changed(img, cs), 85) }
}

func png(cs ...change) func(*image.NRGBA) []byte {
	return func(img *image.NRGBA) []byte { return edit.PNG(changed(img, cs)) }
}

func changed(img *image.NRGBA, cs []change) *image.NRGBA {
	for _, c := range cs {
		img = c(img)
	}
	return img
}

func scale(f float64) change {
	return func(img *image.NRGBA) *image.NRGBA { return edit.Scale(img, f, f) }
}

func scaled(f float64) func(*image.NRGBA) []byte { return jpegOf(scale(f)) }

func turn(quarters int) change {
	return func(img *image.NRGBA) *image.NRGBA { return edit.Turn(img, quarters) }
}

func border(c color.Color, share float64) change {
	return func(img *image.NRGBA) *image.NRGBA { return edit.Border(img, c, share) }
}

func corner(img *image.NRGBA) *image.NRGBA {
	return edit.Stamp(img, "@shop24", glass, 0.62, 0.88, img.Bounds().Dx()/11)
}

func tiled(img *image.NRGBA) *image.NRGBA { return edit.Tile(img, "SAMPLE", smoke, 32) }

// crop cuts a share off the left and the top, and half of it off the others.
func crop(share float64) change {
	return func(img *image.NRGBA) *image.NRGBA { return edit.Crop(img, share, share, 1-share/2, 1-share/2) }
}

func half(enc func(image.Image) []byte) func(*image.NRGBA) []byte {
	return func(img *image.NRGBA) []byte { return enc(edit.Scale(img, 0.5, 0.5)) }
}

func small(enc func(*image.NRGBA) []byte) func(*image.NRGBA) []byte {
	return func(img *image.NRGBA) []byte { return enc(edit.Scale(img, 0.4, 0.4)) }
}

func lying(img *image.NRGBA) []byte {
	return edit.JPEGOriented(edit.JPEG(edit.Turn(img, 3), 85), 6)
}

func blank(*image.NRGBA) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, 400, 300))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	return edit.PNG(img)
}

// cutOff ends in the middle of the header.
func cutOff(img *image.NRGBA) []byte { return edit.JPEG(img, 85)[:150] }

func text(*image.NRGBA) []byte {
	return bytes.Repeat([]byte("This is not a picture, whatever its name says.\n"), 8)
}

func cmyk(img *image.NRGBA) []byte {
	b, err := edit.JPEGInCMYK(img, 85)
	if err != nil {
		panic(err) // only if the encoder of the standard library changes its layout
	}
	return b
}
