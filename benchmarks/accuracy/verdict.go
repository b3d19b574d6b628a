package main

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/touchstone-go/touchstone/index"
)

// method is one way of judging.
type method int

const (
	thorough method = iota // both modes of this project
	fast
	phash // the rivals
	dhash
	pdq
	methods int = iota
)

var modes = []method{thorough, fast}

func (m method) String() string { return [...]string{"thorough", "fast", "phash", "dhash", "pdq"}[m] }

// label is the name with the threshold, if it has one.
func (m method) label() string {
	if t, ok := thresholds[m]; ok {
		return fmt.Sprintf("%v<=%d", m, t)
	}
	return m.String()
}

// grade orders the grades of index.
type grade int

const (
	unmatched grade = iota
	weak
	strong // or exact
)

func gradeOf(g index.Grade) grade {
	if g == index.Weak {
		return weak
	}
	return strong
}

// reading is what a method says about one copy of a photo, as far as it is
// right or wrong.
type reading struct {
	own      grade // of the match with the photo's own reference
	foreign  grade // of the surest match with another product
	nearest  string
	template bool // the own reference matched, but only as the same template
	unusable bool
	// ranked is set if there is an own or a foreign match, score is that of
	// the first of these, and first says that it is the own.
	ranked, first bool
	score         float64
	// offset is how far the found place is from the true one, as a share of
	// the true place's diagonal; NaN if the match has no place.
	offset float64
}

// add takes in matches with the own reference and with other products, in the
// order in which the method ranks them.
func (r *reading) add(own bool, g grade, score float64, id string) {
	if !r.ranked {
		r.ranked, r.first, r.score = true, own, score
	}
	switch {
	case own:
		r.own = g
	case g > r.foreign:
		r.foreign, r.nearest = g, id
	}
}

// judgeOptions are those of touchstone judge.
func judgeOptions(m method) index.JudgeOptions {
	if m == fast {
		return index.JudgeOptions{Mode: index.Fast}
	}
	return index.JudgeOptions{Mode: index.Thorough}
}

// placeOf returns the corners of the reference in the query, in pixels of the
// upright query, if the match tells them: by local features, or by the region
// that agrees.
func placeOf(m index.Match) (corners [4][2]float64, ok bool) {
	switch {
	case m.Geometry != nil:
		return m.Geometry.Quad, true
	case m.Region != nil && m.Region.Quad != [4][2]float64{}:
		return m.Region.Quad, true
	}
	return corners, false
}

// judge asks for a verdict on a copy of p and reads it. place is where the
// original lies in the copy, nil if that is not looked at.
func (b *bank) judge(ctx context.Context, m method, picture []byte, p photo, place *[4][2]float64) (reading, error) {
	v, err := b.index.Judge(ctx, bytes.NewReader(picture), judgeOptions(m))
	if err != nil {
		return reading{}, err
	}
	return b.read(v, p, place), nil
}

func (b *bank) read(v index.Verdict, p photo, place *[4][2]float64) reading {
	r := reading{unusable: v.Outcome == index.Unusable, offset: math.NaN()}
	for _, match := range v.Matches {
		own := match.ID == p.file
		if !own && b.products[match.ID] == p.product {
			continue
		}
		if match.Relation == index.SameTemplate {
			r.template = r.template || own
			continue
		}
		r.add(own, gradeOf(match.Grade), match.Score, match.ID)
		if corners, ok := placeOf(match); ok && own && place != nil {
			r.offset = offset(corners, *place)
		}
	}
	return r
}

// offset is the largest distance between corresponding corners, as a share of
// the longer diagonal of the true place.
func offset(got, want [4][2]float64) float64 {
	far := 0.0
	for i := range want {
		far = max(far, gap(got[i], want[i]))
	}
	return far / max(gap(want[0], want[2]), gap(want[1], want[3]))
}

func gap(a, b [2]float64) float64 { return math.Hypot(a[0]-b[0], a[1]-b[1]) }
