package hash

import (
	"context"
	"fmt"
	"image"
	"time"

	"github.com/touchstone-go/touchstone/hash/internal/scaledjpeg"
)

// The query path. A reference is read once and kept for years; its fingerprint is exact.
// A query is one of many, and most match nothing. Reading it exactly is 95 % decoding.
// So a query's JPEG is decoded small (scaled.go), and whatever makes that doubtful goes
// the exact path instead, the one and only judge of what is unusable:
//
//   - what internal/scaledjpeg does not read, damage above all, and what it knows too
//     coarsely;
//   - small pictures, of which little can be left out;
//   - plain ones, where a little noise turns many bits, and where the quality decides
//     whether there is a fingerprint at all;
//   - fine regular patterns, of which PDQ sees an alias that the small picture lacks:
//     they get a larger picture first;
//   - a border: where it ends is a matter of single lines of pixels. They are read
//     in full (border.go), if the file is a sequential one.
//
// Formats other than JPEG are read exactly.

// The margins by which a picture must be clear of doubt.
const (
	sureQuality = MinQuality + 5
	// patternBits is the distance of the smooth code from the full frame's from which on
	// the picture is not trusted at the largest scale; at others it is smoothBits.
	patternBits = 24
)

// Hasher makes fingerprints of queries and keeps its buffers from one picture to the
// next. The zero value is ready to use. It is for one goroutine at a time.
type Hasher struct {
	jpeg         scaledjpeg.Decoder
	tents, cells planeSampler
	samples      samples
	block        block
	borders      borderGrid
	exact        workspace

	// While a picture is read: the context, what is left of its time, and when that ends.
	ctx           context.Context
	left          time.Duration
	deadline      time.Time
	checkDeadline func() error // the method check, made once
}

// Query makes the fingerprint of a query from the bytes of a picture: as ReadQuery,
// without reading and, for a JPEG that need not be read exactly, without garbage but for
// some 2 KB that Info keeps. Info keeps the picture's bytes as well, for Info.Load; they
// must not change until it is no longer called.
func (h *Hasher) Query(ctx context.Context, picture []byte, l Limits) (Fingerprint, Info, error) {
	return h.query(picture, l, func(l Limits) (Fingerprint, Info, error) {
		f, info, took, err := h.scaled(ctx, picture, l)
		if f.IsZero() && err == nil {
			return readBytes(ctx, picture, l, &h.exact, took)
		}
		return f, info, err
	})
}

// QueryExactly is Query for those who need the picture itself, for Info.Scene and the
// like: it is read exactly at once, and what cannot be read so is unusable.
func (h *Hasher) QueryExactly(ctx context.Context, picture []byte, l Limits) (Fingerprint, Info, error) {
	return h.query(picture, l, func(l Limits) (Fingerprint, Info, error) {
		return readBytes(ctx, picture, l, &h.exact, 0)
	})
}

// query does what is common to queries: the length is checked, and the fingerprint says
// what it is.
func (h *Hasher) query(picture []byte, l Limits, read func(Limits) (Fingerprint, Info, error)) (Fingerprint, Info, error) {
	l = l.WithDefaults()
	if int64(len(picture)) > l.MaxBytes {
		return Fingerprint{}, Info{Bytes: int64(len(picture))}, unusable(TooLarge, "%d bytes, the limit is %d", len(picture), l.MaxBytes)
	}
	f, info, err := read(l)
	if err != nil {
		return Fingerprint{}, info, err
	}
	f.has |= fromQuery
	return f, info, nil
}

// scaled makes a fingerprint of a JPEG that is decoded small. It returns none, and no
// error, if the exact path has to decide; and how long it took.
func (h *Hasher) scaled(ctx context.Context, b []byte, l Limits) (f Fingerprint, info Info, took time.Duration, err error) {
	if !has(b, 0, "\xff\xd8\xff") {
		return f, info, 0, nil
	}
	s := surveyJPEG(b)
	w, height := int(s.width), int(s.height)
	k := scaleFor(w, height)
	if k == 0 || s.scans > l.MaxScans || l.checkSize(w, height) != nil {
		return f, info, 0, nil
	}
	info = Info{Format: formatJPEG, Width: w, Height: height, Orientation: orientation(s.exif), Bytes: int64(len(b))}
	if info.Orientation >= 5 {
		info.Width, info.Height = height, w
	}
	q := smallQuery{Hasher: h, file: b, survey: &s, limits: l, turn: orientations[info.Orientation].t}
	h.ctx, h.left = ctx, l.Timeout
	defer func() { h.ctx = nil }()
	f, info.glimpse, err = q.read(k)
	l.Budget.release(q.held)
	if q.held > mostKept {
		h.jpeg = scaledjpeg.Decoder{}
	}
	if err == scaledjpeg.ErrOdd {
		err = nil
	}
	if !f.IsZero() {
		info.source = &source{bytes: b, limits: l}
	}
	return f, info, l.Timeout - h.left, err
}

// mostUnread is how much may be unknown of a coefficient of a progressive file: 16 grey
// levels of a mean. Coarse quantisation can hide a whole pattern in two bits.
const mostUnread = 16 * 8

// mostKept is the decode memory of one picture, in bytes, beyond which its buffers are not
// kept for the next.
const mostKept = 32 << 20

// smallQuery is a JPEG that is read small.
type smallQuery struct {
	*Hasher
	file   []byte
	survey *jpegSurvey
	limits Limits
	held   int64 // of the decode memory
	turn   Transform
	pic    *scaledjpeg.Picture
	grid   image.Rectangle // the whole of the grid, upright
	box    image.Rectangle // the part of it inside the border
}

// glimpse is what is kept of a picture that is read small, beside its fingerprint.
type glimpse struct {
	full    block  // of the means of 64x64 cells of the full frame
	trimmed *block // and of the trimmed one, if there is one
	// The upright grid on which the border was found, and what is inside.
	grid, box image.Rectangle
}

// read makes the fingerprint at scale k, or at a larger one if there is any doubt; none,
// and no error or ErrOdd, if the exact path has to decide. So it has if anything
// panics here.
func (q *smallQuery) read(k int) (f Fingerprint, r *glimpse, err error) {
	defer func() {
		if recover() != nil {
			q.jpeg = scaledjpeg.Decoder{}
			f, r, err = Fingerprint{}, nil, scaledjpeg.ErrOdd
		}
	}()
	if err = q.decode(k, nil); err != nil {
		return f, nil, err
	}
	if mayHaveBorder(q.pic) {
		var ok bool
		if k, ok, err = q.border(k); !ok || err != nil {
			return f, nil, err
		}
	}
	for {
		f, r, pattern := q.fingerprint(k)
		if !pattern || k == scaledjpeg.MaxScale {
			return f, r, nil
		}
		k = min(2*k, scaledjpeg.MaxScale)
		if err = q.decode(k, nil); err != nil {
			return Fingerprint{}, nil, err
		}
	}
}

// decode decodes at scale k, and clips luma. A block may be far brighter than white, and
// white all the same to whoever looks at it.
func (q *smallQuery) decode(k int, detail scaledjpeg.Detail) (err error) {
	if err := q.hold(scaledCost(*q.survey, k) + int64(len(q.file))); err != nil {
		return err
	}
	began := time.Now()
	q.deadline = began.Add(q.left)
	if q.checkDeadline == nil {
		q.checkDeadline = q.check
	}
	q.pic, err = q.jpeg.DecodeDetail(q.file, k, detail, q.checkDeadline)
	q.left -= time.Since(began)
	if err != nil {
		return err
	}
	if q.pic.Unread > mostUnread {
		return scaledjpeg.ErrOdd
	}
	const white = 255 << scaledjpeg.Fraction
	for i, v := range q.pic.Luma.Pix {
		if uint16(v) > white {
			q.pic.Luma.Pix[i] = min(max(v, 0), white)
		}
	}
	return nil
}

// hold takes n bytes of the decode memory in all. It is ErrOdd if that is more than one
// picture may take.
func (q *smallQuery) hold(n int64) error {
	if n <= q.held {
		return nil
	}
	if n > q.limits.MaxMemory {
		return scaledjpeg.ErrOdd
	}
	q.limits.Budget.release(q.held)
	q.held = 0
	if err := q.limits.Budget.acquire(q.ctx, n); err != nil {
		return fmt.Errorf("wait for %d bytes of decode memory: %w", n, err)
	}
	q.held = n
	return nil
}

// border finds the border (see border.go) on the picture at scale k, and reads it again at
// the scale that the part inside needs. It reports false if the exact path has to
// decide.
func (q *smallQuery) border(k int) (scale int, ok bool, err error) {
	g := &q.borders
	if !g.begin(q.pic, q.turn) {
		return k, true, nil
	}
	q.grid, q.box = g.upright.Rect, g.box()
	for range 3 {
		inside := scaleBox(q.box, q.grid, image.Rectangle{Max: uprightSize(q.pic, q.turn)})
		if min(inside.Dx(), inside.Dy()) < leastInside {
			return 0, false, nil
		}
		if k = max(k, scaleFor(inside.Dx(), inside.Dy())); min(inside.Dx(), inside.Dy())*k < 8*leastSide {
			k = scaledjpeg.MaxScale
		}
		if !g.want(q.box) {
			return k, true, nil
		}
		g.read()
		if err = q.decode(k, g); err != nil {
			return 0, false, err
		}
		g.finish()
		if q.box = g.box(); g.sure(q.box) {
			return k, true, nil
		}
	}
	return 0, false, nil
}

func uprightSize(pic *scaledjpeg.Picture, t Transform) image.Point {
	if turns[t].transpose {
		return image.Pt(pic.Height, pic.Width)
	}
	return image.Pt(pic.Width, pic.Height)
}

// check ends decoding with the context or the deadline.
func (h *Hasher) check() error {
	if err := h.ctx.Err(); err != nil {
		return fmt.Errorf("decode picture: %w", err)
	}
	if time.Now().After(h.deadline) {
		return unusable(TooCostly, "not decoded in time")
	}
	return nil
}

// fingerprint makes the fingerprint of the picture at scale k; none if there is doubt. It
// reports whether that is because of a fine pattern, which a larger scale may see.
func (q *smallQuery) fingerprint(k int) (f Fingerprint, r *glimpse, pattern bool) {
	size := uprightSize(q.pic, q.turn)
	w, h := fit(size.X, size.Y, lumaSide)
	whole := image.Rect(0, 0, w, h)
	q.tents.sample(&q.samples, q.pic, q.turn, byTent, whole)
	quality := q.samples.quality()
	if quality < sureQuality {
		return f, nil, false
	}
	f = Fingerprint{recipe: Recipe, quality: uint8(quality), has: fromPixels, colour: chromaSignature(q.pic, q.turn)}
	if !f.setFrame(Full, q.samples.dctTo(&q.block)) {
		return Fingerprint{}, nil, false
	}
	q.cells.sample(&q.samples, q.pic, q.turn, byCells, whole)
	if q.patterned(k, f.frames[Full][0]) {
		return Fingerprint{}, nil, true
	}
	f.setSmooth(&q.block)
	r = &glimpse{full: q.block, grid: q.grid, box: q.box}
	if q.box != q.grid {
		var sure bool
		if sure, pattern = q.trimmed(k, &f, r, whole); !sure {
			return Fingerprint{}, nil, pattern
		}
	}
	return f, r, false
}

// patterned transforms the means of the cells, and reports whether their code is too far
// from the one of PDQ's samples for the scale k to be trusted.
func (q *smallQuery) patterned(k int, code Code) bool {
	most := smoothBits
	if k == scaledjpeg.MaxScale {
		most = patternBits
	}
	return q.samples.dctTo(&q.block).code().Distance(code) >= most
}

// trimmed adds the trimmed frame. It reports whether that is beyond doubt, and if not,
// whether because of a fine pattern.
func (q *smallQuery) trimmed(k int, f *Fingerprint, r *glimpse, whole image.Rectangle) (sure, pattern bool) {
	box := scaleBox(q.box, q.grid, whole)
	q.tents.sample(&q.samples, q.pic, q.turn, byTent, box)
	quality := q.samples.quality()
	if quality < 2*MinQuality-sureQuality {
		return true, false
	}
	if quality < sureQuality || !f.setFrame(Trimmed, q.samples.dctTo(&q.block)) {
		return false, false
	}
	q.cells.sample(&q.samples, q.pic, q.turn, byCells, box)
	if q.patterned(k, f.frames[Trimmed][0]) {
		return false, true
	}
	r.trimmed = new(block)
	*r.trimmed = q.block
	return true, false
}

// doubtOdd is the percentage of a line that may be farther from the rest for the line to
// look like one of a border. It is more than for a border itself (trim.go), and so are
// the levels, since the small picture is blurred.
const doubtOdd = 6

// leastInside is the least side, in pixels, of what is inside a border for the small
// picture to be trusted with it.
const leastInside = 150

// mayHaveBorder reports whether luma is nearly uniform along one of the four edges. A
// border is uniform in all channels, so it is in luma.
func mayHaveBorder(pic *scaledjpeg.Picture) bool {
	p := &pic.Luma
	w, ht := 3*pic.Width/p.SpanX, 3*pic.Height/p.SpanY // whole samples
	row := func(y int) bool { return mostlyEven(p.Pix[y*p.Stride:], 1, w) }
	column := func(x int) bool { return mostlyEven(p.Pix[x:], p.Stride, ht) }
	return row(0) || row(ht-1) || column(0) || column(w-1)
}

// mostlyEven reports whether n samples at a distance of step may be nearly uniform: all
// but a few lie in six neighbours of 40 classes of eight levels.
func mostlyEven(pix []int16, step, n int) bool {
	var count [40]int
	for i := range n {
		class := int(pix[i*step])>>(3+scaledjpeg.Fraction) + 4
		count[min(max(class, 0), len(count)-1)]++
	}
	in := 0
	for i, c := range count {
		if in += c; i >= 6 {
			in -= count[i-6]
		}
		if 100*(n-in) <= doubtOdd*n {
			return true
		}
	}
	return false
}

// chromaSignature averages the chroma planes over a 4x4 grid of the upright picture.
func chromaSignature(pic *scaledjpeg.Picture, t Transform) (sig [ColourCells]uint8) {
	for c := range pic.Chroma {
		p := &pic.Chroma[c]
		for j := range 4 {
			for i := range 4 {
				x, y := turns[t].place(i, j, 4, 4)
				sig[2*(4*y+x)+c] = cellMean(p, i, j)
			}
		}
	}
	return sig
}

// cellMean is the mean of cell (i, j) of 4x4, rounded; 128 of a plane that is not there.
func cellMean(p *scaledjpeg.Plane, i, j int) uint8 {
	if p.W == 0 {
		return 128
	}
	x0, x1 := i*p.W/4, max((i+1)*p.W/4, i*p.W/4+1)
	y0, y1 := j*p.H/4, max((j+1)*p.H/4, j*p.H/4+1)
	sum := 0
	for y := y0; y < y1; y++ {
		for _, v := range p.Pix[y*p.Stride+x0 : y*p.Stride+x1] {
			sum += int(v)
		}
	}
	n := (x1 - x0) * (y1 - y0) << scaledjpeg.Fraction
	return uint8(min(max((2*sum+n)/(2*n), 0), 255))
}

// source is what a picture is read from again.
type source struct {
	bytes  []byte
	limits Limits
}

// Exact reports whether the picture was read exactly. It is false of one that is unusable,
// or that Query has read small and Load has not loaded.
func (i Info) Exact() bool { return i.canonical != nil }

// Load reads the picture exactly if a query has not done so: which is what Scene, Inner,
// Features, Thumbnail and the values that Complete adds are made of. It does nothing if
// they are there already, or if i is about no usable picture. Copies of i that were
// made before are not loaded. Errors are those of Read, and i is then as before.
func (i *Info) Load(ctx context.Context) error {
	if i.canonical != nil || i.source == nil {
		return nil
	}
	f, info, err := readBytes(ctx, i.source.bytes, i.source.limits, new(workspace), 0)
	if err != nil {
		return err
	}
	f.has |= fromQuery
	i.canonical, i.loaded = info.canonical, &f
	return nil
}

// Loaded returns the fingerprint that Load has found, and whether it had to read the
// picture. It takes the place of the one that the query had, which was a little off, or of
// another picture if the file was made to deceive.
func (i Info) Loaded() (Fingerprint, bool) {
	if i.loaded == nil {
		return Fingerprint{}, false
	}
	return *i.loaded, true
}
