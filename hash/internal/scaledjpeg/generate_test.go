package scaledjpeg

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/jpegwriter"
)

// generated is a file of which everything is drawn by lot: size, sampling, kind of
// file, order of scans, tables, content.
type generated struct {
	data    []byte
	options jpegwriter.Options
	name    string
	// natural says that the content is a picture, not coefficients by lot.
	natural bool
	reach   int // the largest coefficient otherwise
}

// samplings are all that image/jpeg reads.
func samplings() (all []jpegwriter.Sampling) {
	for _, y := range []int{0x11, 0x12, 0x21, 0x22, 0x41, 0x42} {
		for _, c := range []int{0x11, 0x12, 0x21, 0x22, 0x41} {
			h, v := c>>4, c&15
			if (y>>4)%h == 0 && (y&15)%v == 0 && (y>>4)*(y&15)+2*h*v <= 10 {
				all = append(all, jpegwriter.Sampling(y<<16|c<<8|c))
			}
		}
	}
	return all
}

func generate(t testing.TB, seed uint64) generated {
	r := rand.New(rand.NewPCG(seed, 0))
	o := jpegwriter.Options{
		Quality: 1 + r.IntN(100), Sampling: pick(r, samplings()), Grey: r.IntN(5) == 0,
		Padding: jpegwriter.Padding(r.IntN(3)), OptimiseTables: r.IntN(2) == 0,
		JoinTables: r.IntN(4) == 0, WideTables: r.IntN(3) == 0,
	}
	switch r.IntN(5) {
	case 0:
		o.Extended = true
	case 1, 2:
		o.Progressive = true
	}
	o.SlotEach = (o.Extended || o.Progressive) && r.IntN(3) == 0
	if r.IntN(3) == 0 {
		o.RestartInterval = 1 + r.IntN(9)
	}
	if r.IntN(8) == 0 {
		o.Fill, o.Comment, o.Trailing = r.IntN(4), "a comment", []byte("\x00\xff\xd8 more")
	}
	if r.IntN(5) == 0 { // large files get larger tables
		o.Trailing = make([]byte, pick(r, []int{50_000, 300_000}))
	}
	if r.IntN(8) == 0 {
		o.NoJFIF, o.Adobe, o.AdobeTransform = true, true, 1
	}
	n := 3
	if o.Grey {
		n = 1
	}
	if o.Progressive && r.IntN(3) > 0 {
		o.Script = randomScript(r, n)
	} else if !o.Progressive && r.IntN(3) == 0 {
		o.Script = [][]jpegwriter.Scan{
			jpegwriter.Each(n, jpegwriter.Scan{}),
			{{Components: []int{0}}, {Components: []int{1, 2}}},
		}[r.IntN(min(n, 2))]
	}
	if o.Script != nil && r.IntN(2) == 0 {
		o.RestartInterval = 0 // few such files are read with restarts
	}
	g := generated{options: o, natural: r.IntN(2) == 0}
	w, h := 1+r.IntN(67), 1+r.IntN(67)
	g.name = fmt.Sprintf("seed %d: %dx%d %v, progressive %v, restarts %d, %d scans", seed, w, h, o.Sampling, o.Progressive, o.RestartInterval, len(o.Script))
	c := g.coefficients(t, r, w, h)
	var err error
	if g.data, err = c.Encode(o); err != nil {
		t.Fatalf("%s: %v", g.name, err)
	}
	return g
}

// smallSeeds are the kinds of file that differ in how damage shows.
var smallSeeds = []struct {
	name    string
	seed    uint64
	options jpegwriter.Options
}{
	{"baseline", 1, jpegwriter.Options{Quality: 60, Sampling: jpegwriter.S420}},
	{"baseline with large tables", 1, jpegwriter.Options{Quality: 60, Sampling: jpegwriter.S420, Trailing: make([]byte, 60_000)}},
	{"grey", 2, jpegwriter.Options{Quality: 30, Grey: true, OptimiseTables: true}},
	{"restarts", 3, jpegwriter.Options{Quality: 60, Sampling: jpegwriter.S422, RestartInterval: 2, OptimiseTables: true}},
	{"scans", 4, jpegwriter.Options{Quality: 60, Sampling: jpegwriter.S420, OptimiseTables: true, Extended: true, SlotEach: true, Script: jpegwriter.Each(3, jpegwriter.Scan{})}},
	{"progressive", 5, jpegwriter.Options{Quality: 60, Sampling: jpegwriter.S420, Progressive: true}},
	{"progressive with restarts", 6, jpegwriter.Options{Quality: 60, Sampling: jpegwriter.S444, Progressive: true, RestartInterval: 3}},
}

// encodeScene makes a picture with given options.
func encodeScene(t testing.TB, seed uint64, w, h int, o jpegwriter.Options) []byte {
	t.Helper()
	b, err := jpegwriter.Encode(scene(rand.New(rand.NewPCG(seed, 1)), w, h), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// coefficients are of a picture, smooth or with noise, or any at all.
func (g *generated) coefficients(t testing.TB, r *rand.Rand, w, h int) *jpegwriter.Coefficients {
	if g.natural {
		c, err := jpegwriter.FromImage(scene(r, w, h), g.options)
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		return c
	}
	n := 3
	s := g.options.Sampling
	if g.options.Grey {
		n = 1
	}
	c, err := jpegwriter.NewCoefficients(w, h, n, s)
	if err != nil {
		t.Fatalf("%s: %v", g.name, err)
	}
	g.fill(r, c)
	return c
}

// fill draws divisors and coefficients: few or many, and small, as large as those of
// a picture can be, or as large as a file can hold.
func (g *generated) fill(r *rand.Rand, c *jpegwriter.Coefficients) {
	largest := 255
	if g.options.WideTables {
		largest = pick(r, []int{255, 1000, 65535})
	}
	for i := range c.Tables {
		for j := range c.Tables[i] {
			c.Tables[i][j] = uint16(1 + r.IntN(largest))
		}
	}
	reach, share := pick(r, []int{2, 30, 1000}), r.Float64()*r.Float64()
	if g.options.OptimiseTables || g.options.Progressive {
		reach = pick(r, []int{2, 30, 1000, 1000, 16000})
	}
	g.reach = reach
	for i := range c.Components {
		for j := range c.Components[i].Blocks {
			b := &c.Components[i].Blocks[j]
			for k := range b {
				if r.Float64() < share {
					b[k] = int16(r.IntN(2*reach+1) - reach)
				}
			}
		}
	}
}

// scene is a picture with slopes, an edge and, in some, noise.
func scene(r *rand.Rand, w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	noise := pick(r, []int{1, 1, 20, 255})
	fx, fy, edge := 0.2*r.Float64(), 0.2*r.Float64(), r.IntN(w)
	for y := range h {
		for x := range w {
			v := 128 + 100*math.Sin(fx*float64(x)+fy*float64(y))
			if x > edge {
				v = 255 - v
			}
			level := func() uint8 { return uint8(min(max(int(v)+r.IntN(noise)-noise/2, 0), 255)) }
			m.SetRGBA(x, y, color.RGBA{level(), level(), uint8(3 * x), 255})
		}
	}
	return m
}

// randomScript draws an order of scans in which each band is sent from its upper bits
// to its lower ones; of some the last bits never come.
func randomScript(r *rand.Rand, n int) (script []jpegwriter.Scan) {
	var queues [][]jpegwriter.Scan
	bits := func(s jpegwriter.Scan) (q []jpegwriter.Scan) {
		s.Al = r.IntN(3)
		q = append(q, s)
		for s.Al > 0 && r.IntN(6) > 0 {
			s.Ah, s.Al = s.Al, s.Al-1
			q = append(q, s)
		}
		return q
	}
	all := []int{0, 1, 2}[:n]
	means := bits(jpegwriter.Scan{Components: all})
	if r.IntN(4) == 0 {
		means = nil
		for _, i := range all {
			means = append(means, bits(jpegwriter.Scan{Components: []int{i}})...)
		}
	}
	for _, i := range all {
		for from := 1; from < 64; {
			to := min(63, from+r.IntN(1<<r.IntN(7)))
			if r.IntN(10) > 0 { // else the band is never sent
				queues = append(queues, bits(jpegwriter.Scan{Components: []int{i}, Ss: from, Se: to}))
			}
			from = to + 1
		}
	}
	for len(queues) > 0 {
		i := r.IntN(len(queues))
		script = append(script, queues[i][0])
		if queues[i] = queues[i][1:]; len(queues[i]) == 0 {
			queues = slices.Delete(queues, i, i+1)
		}
	}
	// The means first: T.81 has it so (G.1.1.1.1).
	return append(means, script...)
}
