package attack

import (
	"image"
	"math"
)

// Tones and colours: what one pixel becomes depends on that pixel alone. Where a
// channel does not depend on the others it is a table of 256 values.

// clip cuts to 0..255 and drops the fraction.
func clip(x float64) uint8 { return uint8(min(max(x, 0), 255)) }

// clip32 is clip for the loops over pixels.
func clip32(x float32) uint8 { return uint8(min(max(x, 0), 255)) }

// curve gives each channel value a new one, the same for all channels.
func curve(f func(x float64) float64) step { return curves(f, f, f) }

// curves has a curve for each channel.
func curves(r, g, b func(x float64) float64) step {
	var table [3][256]uint8
	for x := range 256 {
		table[0][x], table[1][x], table[2][x] = clip(r(float64(x))), clip(g(float64(x))), clip(b(float64(x)))
	}
	return func(j *job) {
		out := image.NewNRGBA(j.img.Rect)
		for i := 0; i < len(out.Pix); i += 4 {
			p, q := j.img.Pix[i:i+4:i+4], out.Pix[i:i+4:i+4]
			q[0], q[1], q[2], q[3] = table[0][p[0]], table[1][p[1]], table[2][p[2]], 255
		}
		j.img = out
	}
}

// linear is x times k plus d.
func linear(k, d float64) func(float64) float64 {
	return func(x float64) float64 { return x*k + d }
}

func bright(d float64) step { return curve(linear(1, d)) }

// contrast spreads the values about the middle.
func contrast(k float64) step { return curve(linear(k, 128-128*k)) }

func gamma(g float64) step {
	return curve(func(x float64) float64 { return math.Round(255 * math.Pow(x/255, g)) })
}

// balance multiplies the channels.
func balance(r, g, b float64) step { return curves(linear(r, 0), linear(g, 0), linear(b, 0)) }

// saturate multiplies the distance of each channel from BT.601 luma.
func saturate(s float32) step { return saturateAbout(s, 0.299, 0.587, 0.114) }

// saturateAbout does so for a luma of other weights.
func saturateAbout(s, wr, wg, wb float32) step {
	return func(j *job) {
		out := image.NewNRGBA(j.img.Rect)
		for i := 0; i < len(out.Pix); i += 4 {
			p, q := j.img.Pix[i:i+4:i+4], out.Pix[i:i+4:i+4]
			r, g, b := float32(p[0]), float32(p[1]), float32(p[2])
			y := wr*r + wg*g + wb*b
			q[0], q[1], q[2], q[3] = clip32(y+(r-y)*s), clip32(y+(g-y)*s), clip32(y+(b-y)*s), 255
		}
		j.img = out
	}
}

// hue turns the hue of HSV and keeps saturation and value.
func hue(degrees float32) step {
	return func(j *job) { j.img = turnHue(j.img, degrees) }
}

func turnHue(img *image.NRGBA, degrees float32) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	for i := 0; i < len(out.Pix); i += 4 {
		p, q := img.Pix[i:i+4:i+4], out.Pix[i:i+4:i+4]
		q[0], q[1], q[2] = shifted(p[0], p[1], p[2], degrees/60)
		q[3] = 255
	}
	return out
}

// shifted turns one colour by a number of sixths of the circle, 0 to 6.
func shifted(r, g, b uint8, by float32) (uint8, uint8, uint8) {
	top, low := max(r, g, b), min(r, g, b)
	if top == low {
		return r, g, b
	}
	fr, fg, fb, span := float32(r), float32(g), float32(b), float32(top-low)
	var at float32
	switch top {
	case r:
		at = (fg - fb) / span
	case g:
		at = 2 + (fb-fr)/span
	default:
		at = 4 + (fr-fg)/span
	}
	at += by
	if at < 0 {
		at += 6
	}
	if at >= 6 {
		at -= 6
	}
	sixth := int(at)
	rising := at - float32(sixth)
	if sixth%2 == 1 {
		rising = 1 - rising
	}
	mid := uint8(float32(low) + span*rising + 0.5)
	switch sixth {
	case 0:
		return top, mid, low
	case 1:
		return mid, top, low
	case 2:
		return low, top, mid
	case 3:
		return low, mid, top
	case 4:
		return mid, low, top
	}
	return top, low, mid
}
