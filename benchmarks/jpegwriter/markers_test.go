package jpegwriter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
)

// layout returns the markers of b with what matters of their segments, restart
// markers counted, and what follows the last one.
func layout(b []byte) string {
	var words []string
	restarts := 0
	for i := 0; i+1 < len(b); i++ {
		if b[i] != 0xff || b[i+1] == 0 || b[i+1] == 0xff {
			continue
		}
		m := b[i+1]
		if m >= markerRST0 && m < markerRST0+8 {
			restarts++
			continue
		}
		words = append(words, fmt.Sprintf("%x", m))
		i++
		switch {
		case m == markerEOI:
			return fmt.Sprintf("%s, %d restarts, then %q", strings.Join(words, " "), restarts, b[i+1:])
		case m != markerSOI:
			i += int(b[i+1])<<8 | int(b[i+2])
		}
	}
	return "no end"
}

func TestLayout(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, `d8 e0 db db c0 c4 c4 c4 c4 da d9, 0 restarts, then ""`},
		{Options{Grey: true}, `d8 e0 db c0 c4 c4 da d9, 0 restarts, then ""`},
		{Options{NoJFIF: true, JoinTables: true, Extended: true, Trailing: []byte("more")}, `d8 db c1 c4 da d9, 0 restarts, then "more"`},
		{Options{Adobe: true, Orientation: 3, Comment: "so", RestartInterval: 1}, `d8 e0 e1 ee fe db db c0 c4 c4 c4 c4 dd da d9, 5 restarts, then ""`},
		{Options{Fill: 5, SlotEach: true, Extended: true}, `d8 e0 db db c1 c4 c4 c4 c4 c4 c4 da d9, 0 restarts, then ""`},
		{Options{Script: Each(3, Scan{}), OptimiseTables: true}, `d8 e0 db db c0 c4 c4 da c4 c4 da c4 c4 da d9, 0 restarts, then ""`},
		{Options{Progressive: true, Sampling: S444, RestartInterval: 9}, `d8 e0 db db c2 c4 c4 dd da c4 da c4 da c4 da c4 da c4 da da c4 da c4 da c4 da d9, 10 restarts, then ""`},
	} {
		b, err := Encode(texture(40, 20), tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := layout(b); got != tt.want {
			t.Errorf("%+v:\n got %s\nwant %s", tt.o, got, tt.want)
		}
	}
}

// The orientation is one that others find.
func TestOrientation(t *testing.T) {
	img := texture(40, 16)
	for o := range 9 {
		b, err := Encode(img, Options{Orientation: o})
		if err != nil {
			t.Fatal(err)
		}
		got, err := imaging.Decode(bytes.NewReader(b), imaging.AutoOrientation(true))
		if err != nil {
			t.Fatal(err)
		}
		if turned := got.Bounds().Dx() == 16; turned != (o >= 5) {
			t.Errorf("orientation %d: %v", o, got.Bounds())
		}
	}
}

// The bytes of a file depend on nothing but the picture and the options.
func TestBytesStay(t *testing.T) {
	digest := sha256.New()
	for _, s := range samplings() {
		for _, f := range forms(3) {
			f.o.Sampling = s
			b, err := Encode(texture(70, 52), f.o)
			if err != nil {
				t.Fatal(err)
			}
			digest.Write(b)
		}
	}
	const want = "5bc2f85b04ae80a3"
	if got := hex.EncodeToString(digest.Sum(nil)[:8]); got != want {
		t.Errorf("the files have the digest %s, want %s", got, want)
	}
}
