package hash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Bytes from a stranger become pixels here. The simplest way is image.Decode
// with a recover around it. It is not enough: 54 bytes of BMP ask for 86 GB,
// which ends the process without a panic; 476 KB of progressive JPEG are two
// minutes of work, and Go's decoders cannot be cancelled.
//
// So a picture is inspected before it is decoded, and inspecting never
// allocates by what the file claims: format by magic bytes (sniff.go), sides
// by the decoder's DecodeConfig, then everything that the work to come depends
// on (jpegscan.go, chunks.go, cost.go). Only what fits the limits is decoded,
// by a decoder that reads through a deadline: it gets at most 512 bytes at a
// time, and an error as soon as time is up. What a decoder does without asking
// for bytes cannot be stopped; cost.go keeps that short.
//
// Truncated files are judged as the decoders judge them, as corrupt: half a
// picture would get a fingerprint of its own.
//
// Pixels are made in two other ways: of common PNGs row by row (pngrows.go), and of
// JPEGs that are queries at a fraction of their size (hasher.go). What either leaves
// comes here.
//
// Deliberately not done: decoding in a child process (the only answer to a
// fatal error that nobody has found yet), and animations beyond the first
// frame of a GIF. x/image does not decode animated WebP at all.

// readChunk is how many bytes a decoder gets at a time; small enough that the
// deadline is looked at often.
const readChunk = 512

// header is what is known of a picture before it is decoded.
type header struct {
	format        string
	width, height int           // as stored
	orientation   int           // EXIF, 1 to 8
	cost          int64         // bytes that decoding takes at most, the file included
	time          time.Duration // estimate of the work that cannot be interrupted
}

// inspect says what b is and whether it may be decoded. It allocates next to
// nothing whatever b claims. If it fails, with an *UnusableError, the header
// holds what was known by then.
func inspect(b []byte, l Limits) (header, error) {
	h := header{orientation: 1}
	format, decodable := sniff(b)
	if format == "" {
		return h, unusable(NotImage, "%d bytes that begin like no picture", len(b))
	}
	if !decodable || format == formatBMP && !l.Formats.BMP || format == formatTIFF && !l.Formats.TIFF {
		return h, unusable(UnsupportedFormat, "format %s", format)
	}
	h.format = format
	c, err := readConfig(b, format)
	if err != nil {
		return h, err
	}
	h.width, h.height = c.Width, c.Height
	if err := l.checkSize(c.Width, c.Height); err != nil {
		return h, err
	}
	return h, h.survey(b, l)
}

// survey fills in orientation and cost, and refuses what costs too much.
func (h *header) survey(b []byte, l Limits) error {
	var c cost
	w, ht := int64(h.width), int64(h.height)
	switch h.format {
	case formatJPEG:
		s := surveyJPEG(b)
		h.orientation, c = orientation(s.exif), jpegCost(s)
		if s.scans > l.MaxScans {
			return unusable(TooCostly, "%d scans, the limit is %d", s.scans, l.MaxScans)
		}
	case formatPNG:
		s := surveyPNG(b)
		h.orientation, c = orientation(s.exif), pngCost(s, w*ht)
	case formatGIF:
		c = gifCost(w * ht)
	case formatWebP:
		s := surveyWebP(b)
		if s.animated {
			return unusable(UnsupportedFormat, "animated webp")
		}
		if s.torn {
			return unusable(Corrupt, "a chunk leads out of the file")
		}
		h.orientation, c = orientation(s.exif), webpCost(s, w, ht)
	case formatBMP:
		c = bmpCost(w * ht)
	case formatTIFF:
		h.orientation, c = orientation(b), tiffCost(b, w, ht)
	}
	h.cost, h.time = c.bytes+int64(len(b))+canonicalBytes, c.time
	if h.cost > l.MaxMemory {
		return unusable(TooCostly, "decoding takes up to %d bytes, the limit is %d", h.cost, l.MaxMemory)
	}
	if c.time > l.Timeout/2 {
		return unusable(TooCostly, "decoding is estimated at %v, half of the time limit is %v", c.time.Round(time.Millisecond), l.Timeout/2)
	}
	return nil
}

// readConfig asks the decoder of the format for the sides.
func readConfig(b []byte, format string) (c image.Config, err error) {
	defer recoverCorrupt(&err)
	r := bytes.NewReader(b)
	switch format {
	case formatJPEG:
		c, err = jpeg.DecodeConfig(r)
	case formatPNG:
		c, err = png.DecodeConfig(r)
	case formatGIF:
		c, err = gif.DecodeConfig(r)
	case formatWebP:
		c, err = webp.DecodeConfig(r)
	case formatBMP:
		c, err = bmp.DecodeConfig(r)
	case formatTIFF:
		c, err = tiff.DecodeConfig(r)
	}
	if err != nil {
		return c, decoderError(err)
	}
	return c, nil
}

// decode turns b, which inspect has let pass, into pixels in one of the
// layouts of package image. It fails with an *UnusableError if b is broken or
// the deadline passes, and with the context's error if that ends.
func decode(ctx context.Context, b []byte, h header, deadline time.Time) (image.Image, error) {
	r := &deadlineReader{ctx: ctx, deadline: deadline, data: b}
	img, err := decodePixels(r, h)
	if r.failed != nil {
		return nil, r.failed
	}
	if err != nil {
		return nil, err
	}
	if s := img.Bounds().Size(); s.X != h.width || s.Y != h.height {
		return nil, unusable(Corrupt, "header says %d x %d, the picture is %d x %d", h.width, h.height, s.X, s.Y)
	}
	return img, nil
}

func decodePixels(r *deadlineReader, h header) (img image.Image, err error) {
	defer recoverCorrupt(&err)
	switch h.format {
	case formatJPEG:
		img, err = jpeg.Decode(r)
	case formatPNG:
		img, err = png.Decode(r)
	case formatGIF:
		img, err = gif.Decode(r)
	case formatWebP:
		img, err = webp.Decode(r)
	case formatBMP:
		img, err = bmp.Decode(r)
	case formatTIFF:
		img, err = tiff.Decode(r)
	default:
		return nil, unusable(UnsupportedFormat, "format %q", h.format)
	}
	if err != nil {
		return nil, decoderError(err)
	}
	if p, ok := img.(*image.Paletted); ok && h.format == formatGIF {
		img = onScreen(p, image.Rect(0, 0, h.width, h.height))
	}
	return img, nil
}

// onScreen puts a GIF's first frame where it belongs on the logical screen;
// what it does not cover is transparent.
func onScreen(frame *image.Paletted, screen image.Rectangle) image.Image {
	if frame.Rect == screen {
		return frame
	}
	var colours [256][4]uint8
	for i, c := range frame.Palette[:min(len(frame.Palette), 256)] {
		r, g, b, a := c.RGBA() // opaque, or nothing at all
		colours[i] = [4]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}
	}
	img := image.NewNRGBA(screen)
	for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
		row := img.Pix[img.PixOffset(frame.Rect.Min.X, y):]
		for x, i := range frame.Pix[frame.PixOffset(frame.Rect.Min.X, y):][:frame.Rect.Dx()] {
			copy(row[4*x:4*x+4], colours[i][:])
		}
	}
	return img
}

// decoderError tells what a decoder cannot do from what is broken.
func decoderError(err error) error {
	var j jpeg.UnsupportedError
	var t tiff.UnsupportedError
	switch {
	case errors.As(err, &j) && j != "excessive DC component",
		errors.As(err, &t), errors.Is(err, bmp.ErrUnsupported):
		return &UnusableError{UnsupportedFormat, err}
	}
	return &UnusableError{Corrupt, err}
}

// recoverCorrupt turns a decoder's panic into the error that it should have
// been.
func recoverCorrupt(err *error) {
	if p := recover(); p != nil {
		*err = unusable(Corrupt, "decoder panicked: %v", p)
	}
}

// deadlineReader hands out data in small pieces until time is up. It is an
// io.ReaderAt as well because the TIFF decoder would otherwise copy the file.
// The failure is kept: some decoders replace the error that they were given.
type deadlineReader struct {
	ctx      context.Context
	deadline time.Time
	data     []byte
	at       int
	failed   error
}

// check reports whether reading must end.
func (r *deadlineReader) check() error {
	if r.failed != nil {
		return r.failed
	}
	if err := r.ctx.Err(); err != nil {
		r.failed = fmt.Errorf("decode picture: %w", err)
	} else if time.Now().After(r.deadline) {
		r.failed = unusable(TooCostly, "not decoded in time, after %d of %d bytes", r.at, len(r.data))
	}
	return r.failed
}

func (r *deadlineReader) Read(p []byte) (int, error) {
	if err := r.check(); err != nil {
		return 0, err
	}
	if r.at == len(r.data) {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), readChunk)], r.data[r.at:])
	r.at += n
	return n, nil
}

// ReadAt is io.ReaderAt.
func (r *deadlineReader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.check(); err != nil {
		return 0, err
	}
	if off < 0 || off >= int64(len(r.data)) {
		return 0, io.EOF
	}
	n := copy(p, r.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
