package main

import "fmt"

// maxTrimmed is how many bits the trimmed frames may be apart in all but one of
// a hundred pictures, maxMixed those between a query and a reference of another
// size in all but one of a thousand.
const (
	maxTrimmed = 16
	maxMixed   = 24
)

// fidelityBars are those on the full frame, by the square root of the number of
// pixels.
var fidelityBars = []struct {
	name  string
	below int // sides from here on belong to the next
	mean  float64
	max   int
}{
	{"500x500", 700, 6, 20},
	{"1000x1000", 1400, 5, 18},
	{"above", 1 << 20, 4, 16},
}

// compareFidelity sets what was seen beside the bars.
func compareFidelity(pairs, mixed []pair) (bars []bar) {
	from := 0
	for _, b := range fidelityBars {
		var part []pair
		for _, p := range pairs {
			if n := p.width * p.height; n >= from*from && n < b.below*b.below {
				part = append(part, p)
			}
		}
		from = b.below
		r := summarise("", part)
		bars = append(bars,
			bar{Figure: fmt.Sprintf("full frame, %s: mean bits", b.name), Value: r.Mean, Bar: b.mean, Of: r.Scaled},
			bar{Figure: fmt.Sprintf("full frame, %s: most bits", b.name), Value: float64(r.Max), Bar: float64(b.max), Of: r.Scaled})
	}
	r := summarise("", pairs)
	near := 0
	for _, p := range mixed {
		if p.full >= 0 && p.full <= maxMixed {
			near++
		}
	}
	return append(bars,
		least(fmt.Sprintf("trimmed frame: share within %d bits", maxTrimmed), r.Trimmed-r.Far, r.Trimmed, 0.99),
		least("share with the same trim decision", r.Files-r.OtherTrim, r.Files, 0.995),
		least(fmt.Sprintf("mixed sizes: share within %d bits", maxMixed), near, len(mixed), 0.999))
}
