package main

import (
	"image"
	"image/color"
	"math"

	"github.com/disintegration/imaging"
	"golang.org/x/image/vector"
)

// What a drawn example looks like: two pictures of one height side by side, in
// pixels. Where the place of the reference reaches beyond the copy, the copy
// gets an edge that shows it.
const (
	sheetWidth  = 640
	sheetHeight = 420 // at most
	sheetGap    = 16
	lineWidth   = 4
	mostEdge    = 0.6 // of the longer side of the copy
)

var (
	foundInk  = color.NRGBA{0, 190, 70, 255}
	missedInk = color.NRGBA{255, 120, 0, 255}
	edgeInk   = color.NRGBA{225, 225, 225, 255}
)

// pair draws the copy with a quadrilateral, beside the reference.
func pair(copied *image.NRGBA, quad [4][2]float64, ink color.NRGBA, reference *image.NRGBA) image.Image {
	left, quad := withEdge(copied, quad)
	height := min(sheetHeight, float64(sheetWidth-sheetGap)/(aspect(left)+aspect(reference)))
	scale := height / float64(left.Rect.Dy())
	left = imaging.Resize(left, 0, int(height), imaging.Lanczos)
	for i := range quad {
		outline(left, quad[i], quad[(i+1)%4], scale, ink)
	}
	disc(left, quad[0], scale, ink)
	right := imaging.Resize(reference, 0, int(height), imaging.Lanczos)
	sheet := imaging.New(sheetWidth, int(height), color.White)
	x := (sheetWidth - sheetGap - left.Rect.Dx() - right.Rect.Dx()) / 2
	sheet = imaging.Paste(sheet, left, image.Pt(x, 0))
	return imaging.Paste(sheet, right, image.Pt(x+left.Rect.Dx()+sheetGap, 0))
}

func aspect(img *image.NRGBA) float64 { return float64(img.Rect.Dx()) / float64(img.Rect.Dy()) }

// withEdge returns a picture with an edge, if the quadrilateral reaches beyond
// it, and the quadrilateral in it.
func withEdge(img *image.NRGBA, quad [4][2]float64) (*image.NRGBA, [4][2]float64) {
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	most := mostEdge * max(w, h)
	x0, y0, x1, y1 := 0.0, 0.0, w, h
	for _, p := range quad {
		x0, x1 = min(x0, max(p[0]-lineWidth, -most)), max(x1, min(p[0]+lineWidth, w+most))
		y0, y1 = min(y0, max(p[1]-lineWidth, -most)), max(y1, min(p[1]+lineWidth, h+most))
	}
	if beyond := max(-x0, -y0, x1-w, y1-h); beyond <= 0.03*max(w, h) {
		return img, quad // the line shows that
	}
	at := image.Pt(int(math.Ceil(-x0)), int(math.Ceil(-y0)))
	sheet := imaging.New(at.X+int(math.Ceil(x1)), at.Y+int(math.Ceil(y1)), edgeInk)
	for i := range quad {
		quad[i][0] += float64(at.X)
		quad[i][1] += float64(at.Y)
	}
	return imaging.Paste(sheet, img, at), quad
}

// outline draws a line between two points of a picture that is scaled.
func outline(img *image.NRGBA, p, q [2]float64, scale float64, ink color.NRGBA) {
	dx, dy := q[0]-p[0], q[1]-p[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	nx, ny := -dy/length*lineWidth/2, dx/length*lineWidth/2
	fillPath(img, ink, [][2]float64{
		{p[0]*scale + nx, p[1]*scale + ny}, {q[0]*scale + nx, q[1]*scale + ny},
		{q[0]*scale - nx, q[1]*scale - ny}, {p[0]*scale - nx, p[1]*scale - ny},
	})
}

// disc marks a point of a picture that is scaled.
func disc(img *image.NRGBA, p [2]float64, scale float64, ink color.NRGBA) {
	var round [][2]float64
	for i := range 32 {
		s, c := math.Sincos(float64(i) * math.Pi / 16)
		round = append(round, [2]float64{p[0]*scale + 2*lineWidth*c, p[1]*scale + 2*lineWidth*s})
	}
	fillPath(img, ink, round)
}

func fillPath(img *image.NRGBA, ink color.NRGBA, path [][2]float64) {
	r := vector.NewRasterizer(img.Rect.Dx(), img.Rect.Dy())
	r.MoveTo(float32(path[0][0]), float32(path[0][1]))
	for _, p := range path[1:] {
		r.LineTo(float32(p[0]), float32(p[1]))
	}
	r.ClosePath()
	r.Draw(img, img.Rect, image.NewUniform(ink), image.Point{})
}
