package hash

import (
	"bytes"
	"image"
	"image/color"
	"testing"
)

// TestSymmetricDrawings: drawings that are symmetric in both directions have
// codes of few ones, which are near to one another. They are refused, or keep
// none of those codes.
func TestSymmetricDrawings(t *testing.T) {
	for _, side := range []int{128, 512} {
		for name, dark := range map[string]func(x, y int) bool{
			"rings":  func(x, y int) bool { return (x*x+y*y)/(side*side/64)%2 == 0 },
			"cross":  func(x, y int) bool { return max(x, -x) < side/8 || max(y, -y) < side/8 },
			"disc":   func(x, y int) bool { return x*x+y*y < side*side/9 },
			"checks": func(x, y int) bool { return (max(x, -x)/(side/8)+max(y, -y)/(side/8))%2 == 0 },
		} {
			m := image.NewGray(image.Rect(0, 0, side, side))
			for i := range m.Pix {
				if x, y := 2*(i%side)-side+1, 2*(i/side)-side+1; !dark(x/2, y/2) {
					m.SetGray(i%side, i/side, color.Gray{255})
				}
			}
			f, info, err := Read(t.Context(), bytes.NewBuffer(encodePNG(t, m)), Limits{})
			if reason, is := IsUnusable(err); is && reason == TooPlain {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			codes := info.Features().Regions()
			for _, v := range append(f.Variants(), info.RegionVariants()...) {
				codes = append(codes, v.Code)
			}
			for _, c := range codes {
				if n := c.Distance(Code{}); n > 0 && n < 100 {
					t.Errorf("%s of %d pixels keeps the code %v", name, side, c)
				}
			}
		}
	}
}
