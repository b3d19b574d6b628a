package hash

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/hostile"
)

// TestBox finds the part inside a white margin, in pixels of the full picture.
func TestBox(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 400, 300))
	draw.Draw(m, m.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	inside := image.Rect(100, 50, 300, 250)
	draw.Draw(m, inside, hostile.Texture(200, 200), image.Point{}, draw.Src)
	_, info, err := Read(context.Background(), bytes.NewReader(encodePNG(t, m)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for fr, want := range map[Frame]image.Rectangle{Full: m.Rect, Smooth: m.Rect, Trimmed: inside} {
		got := info.Box(fr)
		if d := got.Min.Sub(want.Min); max(d.X, -d.X, d.Y, -d.Y) > 3 {
			t.Errorf("%v: %v, want %v", fr, got, want)
		}
		if d := got.Max.Sub(want.Max); max(d.X, -d.X, d.Y, -d.Y) > 3 {
			t.Errorf("%v: %v, want %v", fr, got, want)
		}
	}
	if got := (Info{}).Box(Full); !got.Empty() {
		t.Errorf("of nothing: %v", got)
	}
	vs := info.RegionVariants()
	if len(vs) != 16 || vs[1].Frame != Trimmed || vs[14].Transform != MirrorRot270 {
		t.Errorf("%d variants", len(vs))
	}
	if got := (Info{}).RegionVariants(); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
