package index

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
)

// The JSON form of a verdict is made here and nowhere else, so that library,
// HTTP and command line give equal bytes. Keys come in this order:
//
//	{"outcome":"known_fake","reason":"","advice":"block","authorised":true,
//	 "mode":"thorough","quality":87,"seq":4711,"recipe":2,"fingerprint":"t2q:...",
//	 "matches":[
//	   {"bank":"acme-fakes","kind":"fake","id":"bags/123.jpg","grade":"strong",
//	    "relation":"same_photo","opinion":"confirmed","score":0.953,
//	    "check":"hash","main":"phash","distances":{"pdq":6,"phash":2,"dhash":3},
//	    "threshold":31,"advise":"block",
//	    "frames":{"query":"trimmed","reference":"full"},"transform":"mirror",
//	    "region":{"distance":20,"window":4,"frame":"full","transform":"none",
//	      "query":[0,0,640,480],"quad":[[-64,-48],[704,-48],[704,528],[-64,528]]},
//	    "geometry":{"evidence":92,"inliers":71,"spread":0.82,"agreement":0.9,
//	      "affine":[512,0,14,0,384,102],"quad":[[14,102],[526,102],[526,486],[14,486]]}}],
//	 "more":0}
//
// "region" and "geometry" are there where these checks found something (see
// RegionHit and hash.Alignment); "template":true, when geometry says so, and
// "query" and "quad" of a region, when the picture is known and not only its
// fingerprint. Both quads list top left, top right, bottom right and bottom left
// of the upright reference, x and y in pixels of the upright picture.
// threshold is in the unit of the check, and transform belongs to it; frames
// belong to the distance pdq.
//
// "authorised" is left out when false, "main" (the hash to which threshold and
// score belong) when it is pdq or when check is sha256. distances lists what was
// compared; phash, dhash and ahash compare upright pictures, so they are left
// out under another transform than none, unless they are main. score has at
// most three decimals. The colour distance is not shown: it never decides.

type verdictJSON struct {
	Outcome     Outcome          `json:"outcome"`
	Reason      hash.Reason      `json:"reason"`
	Advice      Advice           `json:"advice"`
	Authorised  bool             `json:"authorised,omitempty"`
	Mode        Mode             `json:"mode"`
	Quality     int              `json:"quality"`
	Seq         uint64           `json:"seq"`
	Recipe      int              `json:"recipe"`
	Fingerprint hash.Fingerprint `json:"fingerprint"`
	Matches     []matchJSON      `json:"matches"`
	More        int              `json:"more"`
}

type matchJSON struct {
	Bank      string        `json:"bank"`
	Kind      Kind          `json:"kind"`
	ID        string        `json:"id"`
	Grade     Grade         `json:"grade"`
	Relation  Relation      `json:"relation"`
	Opinion   Opinion       `json:"opinion"`
	Score     float64       `json:"score"`
	Check     Check         `json:"check"`
	Main      string        `json:"main,omitempty"`
	Distances distancesJSON `json:"distances"`
	Threshold int           `json:"threshold"`
	Advise    Advice        `json:"advise"`
	Frames    framesJSON    `json:"frames"`
	Transform string        `json:"transform"`
	Region    *regionJSON   `json:"region,omitempty"`
	Geometry  *geometryJSON `json:"geometry,omitempty"`
}

type regionJSON struct {
	Distance  int            `json:"distance"`
	Window    int            `json:"window"`
	Frame     string         `json:"frame"`
	Transform string         `json:"transform"`
	Query     *[4]int        `json:"query,omitempty"`
	Quad      *[4][2]float64 `json:"quad,omitempty"`
}

type geometryJSON struct {
	Evidence  int           `json:"evidence"`
	Inliers   int           `json:"inliers"`
	Spread    float64       `json:"spread"`
	Agreement float64       `json:"agreement"`
	Template  bool          `json:"template,omitempty"`
	Affine    [6]float64    `json:"affine"`
	Quad      [4][2]float64 `json:"quad"`
}

type distancesJSON struct {
	PDQ        *int `json:"pdq,omitempty"`
	Perception *int `json:"phash,omitempty"`
	Difference *int `json:"dhash,omitempty"`
	Average    *int `json:"ahash,omitempty"`
}

type framesJSON struct {
	Query     string `json:"query"`
	Reference string `json:"reference"`
}

// MarshalJSON writes the one JSON form of a verdict (see the head of this
// file), without a line break and with <, > and & as they are. json.Marshal
// would escape these three; call MarshalJSON, or use a json.Encoder with
// SetEscapeHTML(false), where equal bytes matter.
func (v Verdict) MarshalJSON() ([]byte, error) {
	w := verdictJSON{
		Outcome: v.Outcome, Reason: v.Reason, Advice: v.Advice, Authorised: v.Authorised,
		Mode: v.Mode, Quality: v.Quality, Seq: v.Seq, Recipe: v.Recipe,
		Fingerprint: v.Fingerprint, Matches: make([]matchJSON, len(v.Matches)), More: v.More,
	}
	for i, m := range v.Matches {
		w.Matches[i] = m.wire()
	}
	return encodeWire(w)
}

// MarshalJSON writes m as it stands in a verdict.
func (m Match) MarshalJSON() ([]byte, error) { return encodeWire(m.wire()) }

func encodeWire(w any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil {
		return nil, fmt.Errorf("write verdict: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON reads what MarshalJSON wrote. Keys that it does not know are
// passed over. It fails if a word is unknown or a number out of its range;
// whether the verdict is consistent is for Replay to say.
func (v *Verdict) UnmarshalJSON(b []byte) error {
	var w verdictJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("read verdict: %w", err)
	}
	if err := w.check(); err != nil {
		return fmt.Errorf("read verdict: %w", err)
	}
	u := Verdict{
		Outcome: w.Outcome, Reason: w.Reason, Advice: w.Advice, Authorised: w.Authorised,
		Mode: w.Mode, Quality: w.Quality, Seq: w.Seq, Recipe: w.Recipe,
		Fingerprint: w.Fingerprint, More: w.More,
	}
	for _, m := range w.Matches {
		match, err := m.match()
		if err != nil {
			return fmt.Errorf("read verdict: match %q/%q: %w", m.Bank, m.ID, err)
		}
		u.Matches = append(u.Matches, match)
	}
	*v = u
	return nil
}

func (w verdictJSON) check() error {
	if err := oneOf("outcome", w.Outcome, KnownFake, KnownGenuine, Conflict, NearMiss, None, Unusable); err != nil {
		return err
	}
	if err := oneOf("advice", w.Advice, Block, Review, AllowListed, NoAdvice); err != nil {
		return err
	}
	if err := oneOf("mode", w.Mode, Fast, Thorough); err != nil {
		return err
	}
	if w.Reason != "" || w.Outcome == Unusable {
		if err := oneOf("reason", w.Reason, reasons()...); err != nil {
			return err
		}
	}
	if w.Quality < 0 || w.Quality > 100 || w.More < 0 || w.Recipe < 0 {
		return fmt.Errorf("quality %d, recipe %d, more %d: %w", w.Quality, w.Recipe, w.More, ErrInvalid)
	}
	return nil
}

func reasons() []hash.Reason {
	return []hash.Reason{
		hash.NotImage, hash.UnsupportedFormat, hash.Corrupt, hash.TooLarge,
		hash.TooSmall, hash.TooPlain, hash.TooCostly,
	}
}

// wire is the shape of m in JSON.
func (m Match) wire() matchJSON {
	w := matchJSON{
		Bank: m.Bank, Kind: m.Kind, ID: m.ID, Grade: m.Grade, Relation: m.Relation,
		Opinion: m.Opinion, Score: float64(thousandths(m.Score)) / 1000, Check: m.Check,
		Threshold: m.Threshold, Advise: m.Advise,
		Frames:    framesJSON{m.Distance.QueryFrame.String(), m.Distance.ReferenceFrame.String()},
		Transform: m.Transform().String(),
	}
	if m.Check == CheckHash && m.Main != hash.PDQ {
		w.Main = m.Main.String()
	}
	if r := m.Region; r != nil {
		w.Region = &regionJSON{Distance: r.Distance, Window: r.Window, Frame: r.Frame.String(), Transform: r.Transform.String()}
		if r.Query != ([4]int{}) {
			w.Region.Query, w.Region.Quad = &r.Query, &r.Quad
		}
	}
	if g := m.Geometry; g != nil {
		w.Geometry = &geometryJSON{g.Evidence, g.Inliers, g.Spread, g.Agreement, g.Template, g.Affine, g.Quad}
	}
	for k, p := range w.Distances.fields() {
		d := m.Distance.Of(k)
		upright := m.Distance.Transform == hash.Upright && m.Transform() == hash.Upright
		if d >= 0 && (k == hash.PDQ || upright || k.String() == w.Main) {
			*p = &d
		}
	}
	return w
}

func (d *distancesJSON) fields() map[hash.Kind]**int {
	return map[hash.Kind]**int{
		hash.PDQ: &d.PDQ, hash.Perception: &d.Perception, hash.Difference: &d.Difference, hash.Average: &d.Average,
	}
}

// match is the way back from wire.
func (w matchJSON) match() (Match, error) {
	m := Match{
		Bank: w.Bank, Kind: w.Kind, ID: w.ID, Grade: w.Grade, Relation: w.Relation,
		Opinion: w.Opinion, Score: float64(thousandths(w.Score)) / 1000, Check: w.Check,
		Main: hash.PDQ, Threshold: w.Threshold, Advise: w.Advise,
	}
	if err := w.checkWords(); err != nil {
		return m, err
	}
	if w.Threshold < 0 || w.Threshold > hash.PDQ.Bits() || w.Score > 1 || w.Score < scoreOf(CheckHash, hash.Average, 256) {
		return m, fmt.Errorf("threshold %d, score %v: %w", w.Threshold, w.Score, ErrInvalid)
	}
	var err error
	if m.Region, err = w.Region.hit(); err != nil {
		return m, err
	}
	if m.Geometry, err = w.Geometry.alignment(); err != nil {
		return m, err
	}
	if w.Main != "" {
		k, err := hash.ParseKind(w.Main)
		if err != nil {
			return m, err
		}
		m.Main = k
	}
	d, err := w.distance()
	m.Distance = d
	return m, err
}

func (w matchJSON) checkWords() error {
	for _, err := range []error{
		oneOf("kind", w.Kind, Genuine, Fake),
		oneOf("grade", w.Grade, Exact, Strong, Weak),
		oneOf("relation", w.Relation, SamePhoto, SameTemplate),
		oneOf("opinion", w.Opinion, Confirmed, Seed, Disputed, Withdrawn),
		oneOf("check", w.Check, CheckSHA256, CheckHash, CheckRegion, CheckGeometry),
		oneOf("advise", w.Advise, Block, Review),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// hit is the way back from wire; nil gives nil.
func (w *regionJSON) hit() (*RegionHit, error) {
	if w == nil {
		return nil, nil
	}
	r := &RegionHit{Distance: w.Distance, Window: w.Window}
	if w.Distance < 0 || w.Distance > hash.PDQ.Bits() || w.Window < 0 || w.Window >= hash.MaxRegions || (w.Query == nil) != (w.Quad == nil) {
		return nil, fmt.Errorf("region %d at distance %d: %w", w.Window, w.Distance, ErrInvalid)
	}
	if w.Query != nil {
		r.Query, r.Quad = *w.Query, *w.Quad
	}
	var err [2]error
	r.Frame, err[0] = hash.ParseFrame(w.Frame)
	r.Transform, err[1] = hash.ParseTransform(w.Transform)
	return r, errors.Join(err[:]...)
}

// alignment is the way back from wire; nil gives nil.
func (w *geometryJSON) alignment() (*hash.Alignment, error) {
	if w == nil {
		return nil, nil
	}
	if w.Evidence < 0 || w.Evidence > maxEvidence || w.Inliers < 0 || w.Spread < 0 || w.Spread > 1 || w.Agreement < 0 || w.Agreement > 1 {
		return nil, fmt.Errorf("evidence %d, inliers %d, spread %v, agreement %v: %w", w.Evidence, w.Inliers, w.Spread, w.Agreement, ErrInvalid)
	}
	return &hash.Alignment{
		Evidence: w.Evidence, Inliers: w.Inliers, Spread: w.Spread, Agreement: w.Agreement,
		Template: w.Template, Affine: w.Affine, Quad: w.Quad,
	}, nil
}

func (w matchJSON) distance() (hash.Distance, error) {
	d := hash.Distance{PDQ: -1, Perception: -1, Difference: -1, Average: -1, Colour: -1}
	to := map[hash.Kind]*int{
		hash.PDQ: &d.PDQ, hash.Perception: &d.Perception, hash.Difference: &d.Difference, hash.Average: &d.Average,
	}
	for k, p := range w.Distances.fields() {
		if *p == nil {
			continue
		}
		if **p < 0 || **p > k.Bits() {
			return d, fmt.Errorf("%v distance %d of %d bits: %w", k, **p, k.Bits(), ErrInvalid)
		}
		*to[k] = **p
	}
	var err [3]error
	d.QueryFrame, err[0] = hash.ParseFrame(w.Frames.Query)
	d.ReferenceFrame, err[1] = hash.ParseFrame(w.Frames.Reference)
	d.Transform, err[2] = hash.ParseTransform(w.Transform)
	return d, errors.Join(err[:]...)
}

func oneOf[T ~string](what string, got T, known ...T) error {
	if slices.Contains(known, got) {
		return nil
	}
	return fmt.Errorf("%s %q is none of %q: %w", what, got, known, ErrInvalid)
}
