package scaledjpeg

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// What is left to image/jpeg, one file for each reason.

// segment is a marker, a length and a body.
func segment(marker byte, body ...byte) []byte {
	return append([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

// code is a Huffman table whose symbols are given by the length of their codes.
func code(class, slot byte, symbols [17][]byte) []byte {
	body := []byte{class<<4 | slot}
	for _, s := range symbols[1:] {
		body = append(body, byte(len(s)))
	}
	for _, s := range symbols[1:] {
		body = append(body, s...)
	}
	return segment(0xc4, body...)
}

// data is entropy coded data, written as bits; spaces do not count.
func data(bits string) (b []byte) {
	n := 0
	for _, c := range bits {
		if c == ' ' {
			continue
		}
		if n%8 == 0 {
			b = append(b, 0)
		}
		if c == '1' {
			b[len(b)-1] |= 0x80 >> (n % 8)
		}
		n++
	}
	for ; n%8 != 0; n++ {
		b[len(b)-1] |= 0x80 >> (n % 8)
	}
	return bytes.ReplaceAll(b, []byte{0xff}, []byte{0xff, 0})
}

// grey is a grey file of so many blocks in a row, whose tables and scans follow.
func grey(sof byte, blocks int, rest ...[]byte) []byte {
	head := [][]byte{
		{0xff, 0xd8},
		segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...),
		segment(sof, 8, 0, 8, byte(8*blocks>>8), byte(8*blocks), 1, 1, 0x11, 0),
	}
	return bytes.Join(append(append(head, rest...), []byte{0xff, 0xd9}), nil)
}

// The tables of the files below: the DC differences 0 (code 0) and 1 bit (10); AC is
// given with the file.
var meansCode = code(0, 0, [17][]byte{1: {0}, 2: {1}})

// all is the scan of all coefficients of the one component.
var all = segment(0xda, 1, 1, 0, 0, 63, 0)

func scanOf(from, to, before, bits byte) []byte {
	return segment(0xda, 1, 1, 0, from, to, before<<4|bits)
}

// written encodes a picture of 40 x 24 pixels.
func written(t *testing.T, o jpegwriter.Options, components int) []byte {
	t.Helper()
	if o.Sampling == 0 {
		o.Sampling = jpegwriter.S420
	}
	c, err := jpegwriter.NewCoefficients(40, 24, components, o.Sampling)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Components {
		if o.IDs != [3]byte{} {
			c.Components[i].ID = o.IDs[i]
		}
		for j := range c.Components[i].Blocks {
			b := &c.Components[i].Blocks[j]
			b[0], b[1], b[10] = int16(20*i+j), int16(9*j%50), -3
		}
	}
	b, err := c.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// patched changes bytes behind the first marker of its kind.
func patched(b []byte, marker byte, offset int, with ...byte) []byte {
	at := bytes.Index(b, []byte{0xff, marker})
	copy(b[at+offset:], with)
	return b
}

func script(scans ...jpegwriter.Scan) jpegwriter.Options {
	return jpegwriter.Options{Progressive: true, Sampling: jpegwriter.S444, Script: scans}
}

func TestLeftToImageJPEG(t *testing.T) {
	colours := []int{0, 1, 2}
	means := jpegwriter.Scan{Components: colours}
	luma := func(from, to, before, bits int) jpegwriter.Scan {
		return jpegwriter.Scan{Components: []int{0}, Ss: from, Se: to, Ah: before, Al: bits}
	}
	later := means
	later.Al = 3
	for name, c := range map[string]struct {
		file []byte
		why  refusal
		full bool // image/jpeg reads it
		from int  // the smallest scale that looks there
	}{
		"four components, two plus two": {written(t, jpegwriter.Options{Adobe: true, AdobeTransform: 2, Sampling: jpegwriter.S444}, 4), fourComponents, true, 1},
		"RGB by name":                   {written(t, jpegwriter.Options{NoJFIF: true, IDs: [3]byte{'R', 'G', 'B'}}, 3), codedRGB, true, 1},
		"RGB by Adobe":                  {written(t, jpegwriter.Options{NoJFIF: true, Adobe: true}, 3), codedRGB, true, 1},
		"RGB names, but JFIF":           {written(t, jpegwriter.Options{IDs: [3]byte{'R', 'G', 'B'}}, 3), "", true, 1},
		"grey with Adobe":               {written(t, jpegwriter.Options{NoJFIF: true, Adobe: true}, 1), "", true, 1},
		"Adobe RGB, but JFIF":           {written(t, jpegwriter.Options{Adobe: true}, 3), "", true, 1},
		"no columns":                    {patched(written(t, jpegwriter.Options{}, 1), 0xc0, 7, 0, 0), emptyPicture, true, 1},
		"no rows":                       {patched(written(t, jpegwriter.Options{}, 1), 0xc0, 5, 0, 0), emptyPicture, true, 1},
		"12 bits":                       {patched(written(t, jpegwriter.Options{}, 1), 0xc0, 4, 12), "frame", false, 1},
		"arithmetic coding":             {patched(written(t, jpegwriter.Options{}, 1), 0xc0, 1, 0xc9), "marker", false, 1},
		"lossless":                      {patched(written(t, jpegwriter.Options{}, 1), 0xc0, 1, 0xc3), "marker", false, 1},
		"12 blocks to a unit": {written(t, jpegwriter.Options{Sampling: 0x222222, Script: jpegwriter.Each(3, jpegwriter.Scan{})}, 3),
			manySamples, true, 1},
		"luma with restarts, alone": {written(t, jpegwriter.Options{RestartInterval: 1000, Script: jpegwriter.Each(3, jpegwriter.Scan{})}, 3),
			aloneSubsampled, true, 1},
		"chroma with two blocks to a unit, alone": {written(t, jpegwriter.Options{Sampling: 0x222121, Script: jpegwriter.Each(3, jpegwriter.Scan{})}, 3),
			aloneSubsampled, true, 1},
		"luma with several blocks to a unit, alone": {written(t, jpegwriter.Options{Script: jpegwriter.Each(3, jpegwriter.Scan{})}, 3), "", true, 1},
		"no chroma, sequential":                     {written(t, jpegwriter.Options{Script: []jpegwriter.Scan{{Components: []int{0}}}}, 3), missingPlane, true, 1},
		"no chroma, progressive":                    {written(t, script(luma(0, 0, 0, 0)), 3), missingPlane, true, 1},
		"three bits left of means":                  {written(t, script(later), 3), manyUnreadBits, true, 1},
		"three bits left of a band":                 {written(t, script(means, luma(1, 5, 0, 3)), 3), manyUnreadBits, true, 3},
		"means twice":                               {written(t, script(means, luma(0, 0, 0, 0)), 3), stray, true, 1},
		"a band twice":                              {written(t, script(means, luma(1, 5, 0, 0), luma(5, 9, 0, 0)), 3), stray, true, 3},
		"a band refined but not sent":               {written(t, script(means, luma(1, 5, 2, 1)), 3), stray, true, 3},
		"a band refined in bits that came":          {written(t, script(means, luma(1, 5, 0, 1), luma(1, 5, 1, 0), luma(1, 5, 2, 1)), 3), stray, true, 3},
		"means refined in bits that came":           {written(t, script(means, luma(0, 0, 8, 7)), 3), stray, true, 1},
		"a high band twice":                         {written(t, script(means, luma(1, 63, 0, 1), luma(60, 63, 0, 0)), 3), "", true, 1},

		"codes for more than there are": {grey(0xc0, 1, meansCode, code(1, 0, [17][]byte{1: {0, 1, 2}}), all, data("0 0")), overSubscribed, true, 1},
		"a run of blocks in a sequential scan": {grey(0xc1, 4, meansCode, code(1, 0, [17][]byte{1: {0x10}}), all, data("0 0 1 0 0 0 0 0 0")),
			runOfBlocks, true, 1},
		"a coefficient beyond 63": {grey(0xc0, 1, meansCode, code(1, 0, [17][]byte{1: {0xf0}, 2: {0x21, 0}}), all, data("0 0 0 0 0 101")),
			beyondBand, true, 1},
		"a coefficient beyond a band": {grey(0xc2, 1, meansCode, scanOf(0, 0, 0, 0), data("0"),
			code(1, 0, [17][]byte{1: {0x41}, 2: {0}}), scanOf(1, 4, 0, 0), data("01 10")), beyondBand, true, 3},
		"zeros beyond 63, to the walking table": {grey(0xc0, 1, meansCode, code(1, 0, [17][]byte{1: {0xf0}, 2: {0xe1}, 6: {0xd1, 0}}), all,
			data("0  000 1100001  000 101 0 110001")), beyondBand, true, 1},
		"63 coefficients without an end": {grey(0xc0, 1, meansCode, code(1, 0, [17][]byte{1: {0xf0}, 2: {0xe1}, 6: {0xd1, 0}}), all,
			data("0  000 101")), "", true, 1},
		"a run beyond the last block": {grey(0xc2, 2, meansCode, scanOf(0, 0, 0, 0), data("0 0"),
			code(1, 0, [17][]byte{1: {0x10}, 2: {0}}), scanOf(1, 1, 0, 0), data("01")), runBeyondScan, true, 3},
		"a run to the last block": {grey(0xc2, 2, meansCode, scanOf(0, 0, 0, 0), data("0 0"),
			code(1, 0, [17][]byte{1: {0x10}, 2: {0}}), scanOf(1, 1, 0, 0), data("00")), "", true, 1},
		"a run out of a scan that is jumped over": {grey(0xc2, 2, meansCode, scanOf(0, 0, 0, 0), data("0 0"),
			code(1, 0, [17][]byte{1: {0x10}, 2: {1}}), scanOf(63, 63, 0, 0), data("01"), scanOf(1, 1, 0, 0), data("101 100")), "", true, 1},
		"zero behind fill bytes": {grey(0xc0, 1, meansCode, code(1, 0, [17][]byte{1: {0}}), all, data("0 0"), []byte{0xff, 0xff, 0x00, 0, 2}),
			"marker", false, 1},
		"stray bytes and markers": {grey(0xc0, 1, meansCode, []byte{9, 0xff, 0, 0xff, 0xd3}, code(1, 0, [17][]byte{1: {0}}), all, data("0 0"),
			[]byte{1, 2, 0xff, 0, 0xff, 0xd5}), "", true, 1},
		"one bit too few":    {grey(0xc0, 4, meansCode, code(1, 0, [17][]byte{1: {0}, 2: {1}}), all, data("0 0 0 0 0 0 10")), "no more data", false, 1},
		"not a bit too many": {grey(0xc0, 4, meansCode, code(1, 0, [17][]byte{1: {0}, 2: {1}}), all, data("0 0 0 0 0 0 0 0")), "", true, 1},
		"two frames":         {grey(0xc0, 1, segment(0xc0, 8, 0, 8, 0, 8, 1, 1, 0x11, 0), meansCode, code(1, 0, [17][]byte{1: {0}}), all, data("0 0")), "second frame", false, 1},
		"a table after the means": {bytes.Replace(written(t, jpegwriter.Options{Progressive: true}, 1), []byte{0xff, markerSOS, 0, 8, 1, 1, 0, 1},
			append(segment(0xdb, bytes.Repeat([]byte{0}, 65)...), 0xff, markerSOS, 0, 8, 1, 1, 0, 1), 1), lateTable, true, 1},
		"no more than the name of a table": {grey(0xc0, 1, segment(0xdb, 1), meansCode, code(1, 0, [17][]byte{1: {0}}), all, data("0 0")), missingTable, true, 1},
		"half a table":                     {grey(0xc0, 1, segment(0xdb, make([]byte, 30)...), meansCode, code(1, 0, [17][]byte{1: {0}}), all, data("0 0")), "table", false, 1},
		"a table after the frame": {grey(0xc2, 1, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{9}, 64)...)...), meansCode, scanOf(0, 0, 0, 0), data("100")),
			"", true, 1},
		"a table before the second scan": {grey(0xc0, 1, meansCode, code(1, 0, [17][]byte{1: {0}}), all, data("100 0"),
			segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{9}, 64)...)...), all, data("0 0")), "", true, 1},
		"no tables":    {grey(0xc0, 1, all, data("0 0")), missingCode, false, 1},
		"stuffed data": {grey(0xc0, 2, code(0, 0, [17][]byte{1: {0}, 2: {7}}), code(1, 0, [17][]byte{1: {0}}), all, data("10 1111111 0 10 0000000 0")), "", true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var d Decoder
			for scale := c.from; scale <= MaxScale; scale++ {
				read, full := agree(t, &d, name, c.file, scale, 1<<20)
				_, why := readTwin(c.file, scale, 1<<20)
				if why != c.why || read != (c.why == "") || full != c.full {
					_, err := jpeg.Decode(bytes.NewReader(c.file))
					t.Errorf("at %d: read: %v, twin: %q, image/jpeg: %v; want %q", scale, read, why, err, c.why)
				}
			}
		})
	}
}

// A restart marker is looked for behind stray bytes, and must be the one whose turn
// it is.
func TestRestartMarkers(t *testing.T) {
	b := written(t, jpegwriter.Options{Sampling: jpegwriter.S444, RestartInterval: 4}, 3)
	at := bytes.Index(b, []byte{0xff, 0xd0})
	for name, c := range map[string]struct {
		instead []byte
		read    bool
	}{
		"as it was":    {[]byte{0xff, 0xd0}, true},
		"fill bytes":   {[]byte{0xff, 0xff, 0xff, 0xd0}, true},
		"stray bytes":  {[]byte{1, 2, 0xff, 0, 3, 0xff, 0xd0}, true},
		"another turn": {[]byte{0xff, 0xd1}, false},
		"none":         {nil, false},
		"two":          {[]byte{0xff, 0xd0, 0xff, 0xd1}, false},
		"a comment":    {[]byte{0xff, 0xfe, 0, 2, 0xff, 0xd0}, false},
	} {
		var d Decoder
		file := bytes.Join([][]byte{b[:at], c.instead, b[at+2:]}, nil)
		if read, _ := agree(t, &d, name, file, 1, 1<<20); read != c.read {
			t.Errorf("%s: read %v", name, read)
		}
	}
}

// TestLongestBlocks makes each code and each value as long as they can be, of nothing
// but zeros, and ends the data where the decoder's buffer ends: what stands behind it is
// zeros, too.
func TestLongestBlocks(t *testing.T) {
	long(t)
	tables := [][]byte{
		code(0, 0, [17][]byte{16: {16}}),
		code(1, 0, [17][]byte{16: {15}}),
	}
	const bits = 16 + 16 + 63*(16+15)
	var d Decoder
	for blocks := chunk*8/bits - 1; blocks <= chunk*8/bits+2; blocks++ {
		for n := chunk - unitSlack - 10; n <= chunk+2*unitSlack; n += 7 {
			b := grey(0xc0, blocks, tables[0], tables[1], all, make([]byte, n))
			read, _ := agree(t, &d, fmt.Sprintf("%d blocks in %d bytes", blocks, n), b, 1+n%MaxScale, 1<<20)
			if read != (blocks*bits <= 8*n) {
				t.Errorf("%d blocks of %d bits in %d bytes: read %v", blocks, bits, n, read)
			}
		}
	}
}
