package hash

import (
	"context"
	"image"
	"slices"
	"time"

	"github.com/touchstone-go/touchstone/hash/internal/scaledjpeg"
)

// The query path. A reference is read once and kept for years; its fingerprint is exact.
// A query is one of many, and most match nothing. Reading it exactly is 95 % decoding.
// So a query's JPEG is decoded small (scaled.go), and whatever makes that doubtful goes
// the exact path instead, the one and only judge of what is unusable:
//
//   - what internal/scaledjpeg does not read, damage above all;
//   - small pictures, of which little can be left out;
//   - plain ones, where a little noise turns many bits, and where the quality decides
//     whether there is a fingerprint at all;
//   - fine regular patterns, of which PDQ sees an alias that the small picture lacks;
//   - a border: where it ends is a matter of single lines of pixels.
//
// Formats other than JPEG are read exactly.

// The margins by which a picture must be clear of doubt.
const (
	sureQuality = MinQuality + 5
	// patternBits is the distance of the smooth code from the full frame's beyond which
	// the small picture is not trusted.
	patternBits = 24
)

// Hasher makes fingerprints of queries and keeps its buffers from one picture to the
// next. The zero value is ready to use. It is for one goroutine at a time.
type Hasher struct {
	jpeg          scaledjpeg.Decoder
	tents, cells  planeSampler
	samples       samples
	block         block
	levels        []int16
	ctx           context.Context
	deadline      time.Time
	checkDeadline func() error
}

// Query makes the fingerprint of a query from the bytes of a picture: as ReadQuery,
// without reading and, for a JPEG that need not be read exactly, without garbage but for
// some 2 KB that Info keeps. The bytes must not change as long as Info.Load may
// be called.
func (h *Hasher) Query(ctx context.Context, picture []byte, l Limits) (Fingerprint, Info, error) {
	l = l.WithDefaults()
	if int64(len(picture)) > l.MaxBytes {
		return Fingerprint{}, Info{Bytes: int64(len(picture))}, unusable(TooLarge, "%d bytes, the limit is %d", len(picture), l.MaxBytes)
	}
	f, info, err := h.scaled(ctx, picture, l)
	if f.IsZero() && err == nil {
		f, info, err = readBytes(ctx, picture, l)
	}
	if err != nil {
		return Fingerprint{}, info, err
	}
	f.has |= fromQuery
	return f, info, nil
}

// scaled makes a fingerprint of a JPEG that is decoded small. It returns none, and no
// error, if the exact path has to decide.
func (h *Hasher) scaled(ctx context.Context, b []byte, l Limits) (f Fingerprint, info Info, err error) {
	if !has(b, 0, "\xff\xd8\xff") {
		return f, info, nil
	}
	s := surveyJPEG(b)
	w, ht := int(s.width), int(s.height)
	k := scaleFor(w, ht)
	if k == 0 || s.scans > l.MaxScans || l.checkSize(w, ht) != nil {
		return f, info, nil
	}
	cost := scaledCost(s, k) + int64(len(b))
	if cost > l.MaxMemory {
		return f, info, nil
	}
	if err := l.Budget.acquire(ctx, cost); err != nil {
		return f, info, err
	}
	defer l.Budget.release(cost)
	h.begin(ctx, l)
	pic, err := h.jpeg.Decode(b, k, h.checkDeadline)
	if err != nil || pic.Width != w || pic.Height != ht {
		if err == scaledjpeg.ErrOdd {
			err = nil
		}
		return f, info, err
	}
	info = Info{Format: formatJPEG, Width: w, Height: ht, Orientation: orientation(s.exif), Bytes: int64(len(b))}
	if info.Orientation >= 5 {
		info.Width, info.Height = ht, w
	}
	f, info.averaged = h.fingerprint(pic, orientations[info.Orientation].t)
	info.source = &source{b, l}
	return f, info, nil
}

// begin starts the time of a picture.
func (h *Hasher) begin(ctx context.Context, l Limits) {
	h.ctx, h.deadline = ctx, time.Now().Add(l.Timeout)
	if h.checkDeadline == nil {
		h.checkDeadline = h.check
	}
}

// check ends decoding with the context or the deadline.
func (h *Hasher) check() error {
	r := deadlineReader{ctx: h.ctx, deadline: h.deadline}
	return r.check()
}

// fingerprint makes the fingerprint of a small picture that t turns upright, and the
// coefficients of its cells; none if there is any doubt.
func (h *Hasher) fingerprint(pic *scaledjpeg.Picture, t Transform) (f Fingerprint, averaged *block) {
	if h.mayHaveBorder(pic) {
		return f, nil
	}
	w, ht := pic.Width, pic.Height
	if turns[t].transpose {
		w, ht = ht, w
	}
	lw, lh := fit(w, ht, lumaSide)
	whole := image.Rect(0, 0, lw, lh)
	s, b := &h.samples, &h.block
	h.tents.sample(s, pic, t, byTent, whole)
	q := s.quality()
	if q < sureQuality {
		return Fingerprint{}, nil
	}
	f = Fingerprint{recipe: Recipe, quality: uint8(q), has: fromPixels}
	if !f.setFrame(Full, s.dctTo(b)) {
		return Fingerprint{}, nil
	}
	h.cells.sample(s, pic, t, byCells, whole)
	averaged = s.dctTo(new(block))
	f.setSmooth(averaged)
	if averaged.code().Distance(f.frames[Full][0]) >= patternBits {
		return Fingerprint{}, nil
	}
	f.colour = chromaSignature(pic, t)
	return f, averaged
}

// How far a sample of a line may be from the median for the line to look like one of
// a border, and how many may be farther. Both are wider than for a border itself
// (trim.go), since the small picture is blurred.
const (
	doubtLevels = 24 << scaledjpeg.Fraction
	doubtOdd    = 6 // percent
)

// mayHaveBorder reports whether luma is nearly uniform along one of the four edges. A
// border is uniform in all channels, so it is in luma.
func (h *Hasher) mayHaveBorder(pic *scaledjpeg.Picture) bool {
	p := &pic.Luma
	w, ht := 3*pic.Width/p.SpanX, 3*pic.Height/p.SpanY // whole samples
	row := func(y int) bool { return h.plain(p.Pix[y*p.Stride:], 1, w) }
	column := func(x int) bool { return h.plain(p.Pix[x:], p.Stride, ht) }
	return row(0) || row(ht-1) || column(0) || column(w-1)
}

// plain reports whether n samples at a distance of step are nearly uniform.
func (h *Hasher) plain(pix []int16, step, n int) bool {
	h.levels = h.levels[:0]
	for i := range n {
		h.levels = append(h.levels, pix[i*step])
	}
	line := h.levels
	slices.Sort(line)
	median := line[n/2]
	lo, _ := slices.BinarySearch(line, median-doubtLevels)
	hi, _ := slices.BinarySearch(line, median+doubtLevels+1)
	return 100*(n-(hi-lo)) <= doubtOdd*n
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

// Load reads the picture exactly if ReadQuery has not done so: which is what Scene,
// Inner, Features, Thumbnail, Box and the values that Complete adds are made of. It does
// nothing if they are there already, or if i is about no usable picture. Errors
// are those of Read, and i is then as before.
func (i *Info) Load(ctx context.Context) error {
	if i.canonical != nil || i.source == nil {
		return nil
	}
	_, info, err := readBytes(ctx, i.source.bytes, i.source.limits)
	if err != nil {
		return err
	}
	i.canonical = info.canonical
	return nil
}
