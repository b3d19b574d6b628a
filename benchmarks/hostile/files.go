package hostile

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
)

func notImages() []File {
	return []File{
		{"empty.jpg", NotAnImage, nil},
		{"one-byte.png", NotAnImage, []byte{0x89}},
		{"html.jpg", NotAnImage, []byte("<!DOCTYPE html><html><body><img src=x></body></html>")},
		{"text.bmp", NotAnImage, []byte("BMW and other words that begin like a bitmap")},
		{"archive.jpg", NotAnImage, zipped("photo.jpg", Control()[:200])},
		{"png.png.gz", NotAnImage, gzipped(encodePNG(Texture(16, 16)))},
		{"random.bin", NotAnImage, noise(4096)},
		{"zeros.bin", NotAnImage, make([]byte, 4096)},
		{"commands.png", NotAnImage, []byte("push graphic-context\nviewbox 0 0 640 480\nfill 'url(http://127.0.0.1:1/)'\npop graphic-context\n")},
		{"film.jpg", NotAnImage, []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2mp41")},
		{"sound.webp", NotAnImage, []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00")},
	}
}

func otherFormats() []File {
	const svg = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "%s">]><svg xmlns="http://www.w3.org/2000/svg"><text>&a;</text></svg>`
	return []File{
		{"entity.svg", Unsupported, fmt.Appendf(nil, svg, `lol&#38;b;`)},
		{"external.svg", Unsupported, []byte(`<svg xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="http://127.0.0.1:1/"/></svg>`)},
		{"picture.avif", Unsupported, []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf")},
		{"picture.heic", Unsupported, []byte("\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic")},
		{"layers.psd", Unsupported, join([]byte("8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03"), []byte("\x00\x00\x75\x30\x00\x00\x75\x30\x00\x08\x00\x03"))},
		{"icon.ico", Unsupported, join([]byte("\x00\x00\x01\x00\x01\x00"), make([]byte, 16))},
		{"wave.jp2", Unsupported, []byte("\x00\x00\x00\x0cjP  \r\n\x87\n\x00\x00\x00\x14ftypjp2 ")},
		{"wave.j2k", Unsupported, []byte("\xff\x4f\xff\x51\x00\x29\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff")},
		{"script.eps", Unsupported, []byte("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n{} loop\n")},
		{"page.pdf", Unsupported, []byte("%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>endobj\n")},
		{"plain.ppm", Unsupported, []byte("P6\n99999 99999\n255\n")},
	}
}

func polyglots() []File {
	p := encodePNG(Texture(64, 64))
	return []File{
		{"png-then-zip.png", Polyglot, join(p, zipped("x", []byte("y")))},
		{"png-then-html.png", Polyglot, join(p, []byte("<script>alert(1)</script>"))},
		{"jpeg-then-png.jpg", Polyglot, join(Control(), p)},
		{"jpeg-comment-html.jpg", Polyglot, join(Control()[:2], segment(0xfe, []byte("<script>alert(1)</script>")), Control()[2:])},
		// The width is "/*" and the file a script that runs.
		{"gif-script.gif", Polyglot, []byte("GIF89a/*\x01\x00\x00\x00\x00*/=1;alert(1)//;")},
		{"png-inside-riff.webp", Polyglot, join([]byte("RIFF"), le32(uint32(len(p))), []byte("WEBP"), p)},
	}
}

// truncated cuts valid pictures off where it hurts.
func truncated() []File {
	var fs []File
	for _, v := range []struct {
		ending string
		data   []byte
	}{
		{"jpg", Control()},
		{"progressive.jpg", progressive(256, 256, 3, 4).bytes()},
		{"png", encodePNG(Texture(64, 64))},
		{"gif", encodeGIF(Texture(64, 64))},
		{"webp", WebP(Texture(64, 64))},
	} {
		for _, cut := range []int{12, len(v.data) / 4, len(v.data) / 2, len(v.data) * 3 / 4, len(v.data) - 1} {
			fs = append(fs, File{fmt.Sprintf("first-%d-bytes.%s", cut, v.ending), Truncated, v.data[:cut]})
		}
	}
	return fs
}

func zipped(name string, data []byte) []byte {
	return encoded(func(b *bytes.Buffer) error {
		w := zip.NewWriter(b)
		f, err := w.Create(name)
		if err != nil {
			return err
		}
		if _, err := f.Write(data); err != nil {
			return err
		}
		return w.Close()
	})
}

func gzipped(data []byte) []byte {
	return encoded(func(b *bytes.Buffer) error {
		w := gzip.NewWriter(b)
		if _, err := w.Write(data); err != nil {
			return err
		}
		return w.Close()
	})
}
