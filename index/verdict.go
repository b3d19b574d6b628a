package index

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
)

// How matches become a verdict. The simplest way is to let the nearest match
// decide. It is not enough: counterfeiters sell with the brand's own photos,
// so the same shot often stands in a genuine bank and in a fake one, a bit or
// two apart; and whichever happens to be nearer would then call a seller a
// criminal or wave him through. So close calls between the two kinds have an
// outcome of their own (Conflict), what is merely similar never decides
// (NearMiss), and what to do about it (Advice) is a separate statement that
// follows from the policy of the bank whose reference decided.
//
// Scores make distances of different hashes comparable. They are kept in
// thousandths from the first step on, so that a verdict which was written to
// JSON and read back decides as it did (see Replay).
//
// A reference may be found by several checks: its hash, a region of it, the
// geometry of its local features. Each has thresholds of its own, and the one
// that gives the best grade decides; the others stand beside it.
//
// What is deliberately not done: matches are not counted or averaged. Twenty
// near references of one shot are one piece of evidence. Neither are the checks
// of one reference added up: they look at the same pixels.

// Outcome is what a verdict says about a picture. None of them says that a
// product is genuine.
type Outcome string

// The outcomes. Sure matches are those of grade Exact or Strong.
const (
	// KnownFake: the photo is surely one of a fake bank, and not nearly as
	// surely one of a genuine bank.
	KnownFake Outcome = "known_fake"
	// KnownGenuine: the same with the kinds exchanged. The photo is the
	// brand's; whoever shows it may sell anything.
	KnownGenuine Outcome = "known_genuine"
	// Conflict: the photo is about as surely one of a fake bank as of a
	// genuine one.
	Conflict Outcome = "conflict"
	// NearMiss: there are weak matches only; similar, perhaps the same shot.
	NearMiss Outcome = "near"
	// None: nothing in the banks that were searched is similar.
	None Outcome = "none"
	// Unusable: nothing was searched, because the picture cannot be read or is
	// too plain; Verdict.Reason says which.
	Unusable Outcome = "unusable"
)

// Grade is how sure a match is.
type Grade string

// The grades.
const (
	Exact  Grade = "exact"  // the same file
	Strong Grade = "strong" // within the bank's strong threshold
	Weak   Grade = "weak"   // within the weak one: for a human to look at
)

// Relation is what a match means.
type Relation string

// The relations.
const (
	SamePhoto    Relation = "same_photo"
	SameTemplate Relation = "same_template" // never more than Weak
)

// Advice is what the banks' policies suggest. It is separate from the outcome,
// and the caller may ignore it.
type Advice string

// The advices.
const (
	Block       Advice = "block"
	Review      Advice = "review"
	AllowListed Advice = "allow_listed"
	NoAdvice    Advice = "none"
)

// Mode is how much of a picture was looked at.
type Mode string

// The modes.
const (
	// Fast compares the hashes of the whole picture with those of references and
	// of their regions. It finds recompressed, resized, mirrored, turned and framed
	// copies and parts of a reference that fill the picture.
	Fast Mode = "fast"
	// Thorough also looks for the picture inside the picture, and compares local
	// features. It finds crops, collages, screenshots and copies pasted into
	// another scene.
	Thorough Mode = "thorough"
)

// Check is what decided a match.
type Check string

// The checks.
const (
	CheckSHA256   Check = "sha256"   // the same file
	CheckHash     Check = "hash"     // the bank's main hash of the whole pictures
	CheckRegion   Check = "region"   // the hash of a region of the reference
	CheckGeometry Check = "geometry" // local features that agree on one affine map
)

// RegionHit is the evidence of CheckRegion: the picture, or a part of it, is
// like a region of the reference.
type RegionHit struct {
	// Distance is that of the two codes in bits, 0 to 256.
	Distance int
	// Window is the number of the region among hash.Features.Regions.
	Window int
	// Frame and Transform say as what the picture was compared: its whole or what
	// is inside its border, turned back by Transform.
	Frame     hash.Frame
	Transform hash.Transform
	// Query is the part of the picture that was compared: left, top, right and
	// bottom in pixels of the upright picture. Quad are the corners of the
	// reference in the picture (top left, top right, bottom right, bottom left of
	// the upright reference), which may lie outside of it. Both are zero if only
	// the fingerprint of the picture is known.
	Query [4]int
	Quad  [4][2]float64
}

// Match is one reference that a picture matches, with the evidence.
type Match struct {
	Bank     string
	Kind     Kind
	ID       string
	Grade    Grade
	Relation Relation
	Opinion  Opinion
	// Score is 1 for Exact and 1 - distance/128 for PDQ (1 - distance/32 for
	// 64-bit hashes): 0 is what unrelated pictures have. Other checks give scores
	// that mean the same rate of false alarms. In a Verdict it is rounded to
	// thousandths.
	Score float64
	// Check is what decided.
	Check Check
	// Main is the hash by which the bank is searched, the one that decided if
	// Check is CheckHash.
	Main     hash.Kind
	Distance hash.Distance
	// Region and Geometry are the evidence of these checks; nil if the check found
	// nothing, or was not made because a surer one had decided.
	Region   *RegionHit
	Geometry *hash.Alignment
	// Threshold is what the bank's policy has for a match of this check and
	// grade, in the unit of the check: the largest distance in bits for hashes and
	// regions, the least evidence for geometry. For Exact it is Policy.Strong. A
	// caller's own radius does not change it.
	Threshold int
	// Advise is the policy of the bank: the most that it may advise.
	Advise Advice
}

// Verdict is a statement about one picture, with all that is needed to check
// it again.
type Verdict struct {
	Outcome Outcome
	Reason  hash.Reason // set if Outcome is Unusable
	Advice  Advice
	// Mode is how the picture was looked at: Fast where only a fingerprint is
	// known, and in a store of recipe 1, whatever was asked for.
	Mode Mode
	// Quality is that of the fingerprint, 0 to 100: how much structure PDQ found.
	// Below hash.MinQuality a picture is too plain to be searched.
	Quality int
	// Seq is the sequence number of the last change that was seen.
	Seq uint64
	// Recipe is that of the store that was searched; see Index.Recipe.
	Recipe      int
	Authorised  bool // what the caller stated
	Fingerprint hash.Fingerprint
	// Matches are in the order of Decide.
	Matches []Match
	More    int // matches that are not listed
}

// DecideOptions are the caller's part of a decision.
type DecideOptions struct {
	Authorised bool
	Limit      int  // largest number of listed matches; 0 means 20
	Mode       Mode // how the picture was looked at; empty means Thorough
}

// defaultLimit is how many matches a verdict lists unless told otherwise.
const defaultLimit = 20

// conflictMargin is the largest difference of scores, in thousandths, at which
// matches of both kinds contradict each other: 0.0625, that is 8 bits of PDQ or
// 2 of a 64-bit hash. After rounding, 8 bits differ by 62 or 63 thousandths and
// 9 bits by 70 or 71.
const conflictMargin = 63

// Decide makes a verdict out of graded matches. It is pure: equal matches in
// any order give an equal verdict, and Seq is left to the caller. Each reference
// comes once (see mergeMatches for those of several checks).
//
// Withdrawn matches are dropped, and matches of relation SameTemplate are Weak
// whatever grade they carry. The rest is ordered by grade, score (descending),
// bank and id. Exact and strong matches are sure. If there are sure matches of
// both kinds and the best scores differ by at most 0.0625, the outcome is
// Conflict; otherwise the kind with the higher best score decides. Only weak
// matches give NearMiss, none give None.
//
// KnownFake advises what the bank of the first confirmed sure fake match
// advises, but Review if a disputed one comes before it or has the same score,
// or if all are seeds. KnownGenuine advises Review (reusing the brand's photo
// is what counterfeiters do), or AllowListed if the caller states that the
// seller is authorised, unless a part of the picture surely is a fake. Conflict and NearMiss advise Review.
//
// At most o.Limit matches are listed, and beyond it those that decided: the
// best sure match of each kind, and the one that gave the advice. More counts
// the rest.
func Decide(f hash.Fingerprint, matches []Match, o DecideOptions) Verdict {
	ms := ranked(matches)
	v := Verdict{
		Mode: cmp.Or(o.Mode, Thorough), Quality: f.Quality(), Recipe: cmp.Or(f.Recipe(), hash.Recipe),
		Authorised: o.Authorised, Fingerprint: f,
	}
	fake, genuine := bestSure(ms, Fake), bestSure(ms, Genuine)
	adviser := -1
	v.Outcome = outcomeOf(ms, fake, genuine)
	switch v.Outcome {
	case None:
		v.Advice = NoAdvice
	case KnownFake:
		v.Advice, adviser = fakeAdvice(ms)
	case KnownGenuine:
		v.Advice = Review
		if o.Authorised && !slices.ContainsFunc(ms, Match.fakeElsewhere) {
			v.Advice = AllowListed
		}
	default:
		v.Advice = Review
	}
	v.Matches, v.More = listed(ms, o.Limit, fake, genuine, adviser)
	return v
}

// fakeElsewhere reports a sure match with a fake that is a part of the picture,
// or of which the picture is a part. Beside a genuine photo it is another thing in
// the same picture, so being less sure of it does not speak against it.
func (m Match) fakeElsewhere() bool {
	return m.Kind == Fake && m.sure() && (m.Check == CheckGeometry || m.Check == CheckRegion)
}

// outcomeOf compares the best sure matches of the two kinds, which are
// positions in ms, or -1.
func outcomeOf(ms []Match, fake, genuine int) Outcome {
	switch {
	case fake >= 0 && genuine >= 0:
		lead := thousandths(ms[fake].Score) - thousandths(ms[genuine].Score)
		if lead > conflictMargin {
			return KnownFake
		}
		if lead < -conflictMargin {
			return KnownGenuine
		}
		return Conflict
	case fake >= 0:
		return KnownFake
	case genuine >= 0:
		return KnownGenuine
	case len(ms) > 0:
		return NearMiss
	}
	return None
}

// fakeAdvice says what a known fake advises, and which match says so (-1 if
// none does).
func fakeAdvice(ms []Match) (Advice, int) {
	adviser := -1
	for i, m := range ms {
		if m.Kind != Fake || !m.sure() || m.Opinion != Confirmed && m.Opinion != Disputed {
			continue
		}
		if adviser < 0 || m.Score > ms[adviser].Score ||
			m.Score == ms[adviser].Score && m.Opinion == Disputed && ms[adviser].Opinion == Confirmed {
			adviser = i
		}
	}
	if adviser >= 0 && ms[adviser].Opinion == Confirmed && ms[adviser].Advise == Block {
		return Block, adviser
	}
	return Review, adviser
}

// ranked returns a copy of the matches that count, with the grades and scores
// that a verdict shows, in the order of a verdict.
func ranked(matches []Match) []Match {
	ms := make([]Match, 0, len(matches))
	for _, m := range matches {
		if m.Opinion == Withdrawn {
			continue
		}
		if m.Relation == SameTemplate {
			m.Grade = Weak
		}
		m.Score = float64(thousandths(m.Score)) / 1000
		ms = append(ms, m)
	}
	slices.SortStableFunc(ms, compareMatches)
	return ms
}

// compareMatches orders by grade, score (descending), bank and id.
func compareMatches(a, b Match) int {
	return cmp.Or(
		cmp.Compare(a.Grade.rank(), b.Grade.rank()),
		cmp.Compare(b.Score, a.Score),
		cmp.Compare(a.Bank, b.Bank),
		cmp.Compare(a.ID, b.ID),
	)
}

// rank is 0 for the surest grade.
func (g Grade) rank() int {
	switch g {
	case Exact:
		return 0
	case Strong:
		return 1
	}
	return 2
}

// sure reports whether m may decide.
func (m Match) sure() bool { return m.Grade == Exact || m.Grade == Strong }

// bestSure returns the position of the sure match of kind k with the highest
// score, or -1.
func bestSure(ms []Match, k Kind) int {
	best := -1
	for i, m := range ms {
		if m.Kind == k && m.sure() && (best < 0 || m.Score > ms[best].Score) {
			best = i
		}
	}
	return best
}

// listed cuts ms to the limit but keeps the positions in deciding (those that
// are not -1). The second result counts what was left out.
func listed(ms []Match, limit int, deciding ...int) ([]Match, int) {
	if limit <= 0 {
		limit = defaultLimit
	}
	if len(ms) == 0 {
		return nil, 0
	}
	out := make([]Match, 0, min(len(ms), limit)+len(deciding))
	for i, m := range ms {
		if i < limit || slices.Contains(deciding, i) {
			out = append(out, m)
		}
	}
	return out, len(ms) - len(out)
}

// thousandths is how scores are compared. What is not a number counts as 0.
func thousandths(score float64) int {
	if math.IsNaN(score) {
		return 0
	}
	return int(math.Round(min(max(score, -10), 10) * 1000))
}

// scoreOf is the score of the number n that a check found: distance in bits of
// the hash k, or of a region, or evidence of geometry. This is the one place where
// the checks are made comparable: equal scores shall mean equal rates of false
// alarms.
func scoreOf(c Check, k hash.Kind, n int) float64 {
	switch c {
	case CheckSHA256:
		return 1
	case CheckRegion:
		return 0.95 - float64(n)/128
	case CheckGeometry:
		return float64(0.0118*float64(n)) - 0.351
	}
	return 1 - 2*float64(n)/float64(k.Bits())
}

// gradeOf is the grade that a policy gives to the number n of a check, and the
// threshold that gave it. What is beyond the weak threshold has grade Weak all
// the same: it was asked for.
func (p Policy) gradeOf(c Check, n int) (Grade, int) {
	strong, weak := p.Strong, p.Weak
	switch c {
	case CheckSHA256:
		return Exact, p.Strong
	case CheckRegion:
		strong, weak = p.RegionStrong, p.RegionWeak
	case CheckGeometry:
		if n >= p.GeometryStrong {
			return Strong, p.GeometryStrong
		}
		return Weak, p.GeometryWeak
	}
	if n <= strong {
		return Strong, strong
	}
	return Weak, weak
}

// Found returns the number by which the deciding check found the match, in the
// unit of its threshold, and whether there is one: there is none for the same
// file.
func (m Match) Found() (int, bool) {
	switch m.Check {
	case CheckHash:
		d := m.Distance.Of(m.Main)
		return d, d >= 0
	case CheckRegion:
		if m.Region != nil {
			return m.Region.Distance, true
		}
	case CheckGeometry:
		if m.Geometry != nil {
			return m.Geometry.Evidence, true
		}
	}
	return 0, false
}

// Transform says what turns the upright reference into the query, by the check
// that decided. Geometry knows any turn; it gives the nearest of the eight.
func (m Match) Transform() hash.Transform {
	switch {
	case m.Check == CheckRegion && m.Region != nil:
		return m.Region.Transform
	case m.Check == CheckGeometry && m.Geometry != nil:
		return nearestTransform(m.Geometry.Affine)
	}
	return m.Distance.Transform
}

// nearestTransform looks at where the sides of the reference point.
func nearestTransform(a [6]float64) hash.Transform {
	right, down := a[0] < 0, a[4] < 0
	turns := [4]hash.Transform{hash.Upright, hash.Mirror, hash.MirrorRot180, hash.Rot180}
	if math.Abs(a[0])+math.Abs(a[4]) < math.Abs(a[1])+math.Abs(a[3]) {
		right, down = a[1] < 0, a[3] < 0
		turns = [4]hash.Transform{hash.MirrorRot270, hash.Rot90, hash.Rot270, hash.MirrorRot90}
	}
	i := 0
	if right {
		i++
	}
	if down {
		i += 2
	}
	return turns[i]
}

// within reports whether n reaches a threshold of the check.
func (c Check) within(n, threshold int) bool {
	if c == CheckGeometry {
		return n >= threshold
	}
	return n <= threshold
}

// mergeMatches makes one match of those that several checks gave for one
// reference: the best by grade and then score decides, and the evidence of the
// others stands beside it. Where geometry says that only a template agrees, it
// overrules a match by region, which may well lie in the part that agrees, but
// none by the hash of the whole. The matches come in the order of a verdict.
func mergeMatches(ms []Match) []Match {
	ms = slices.Clone(ms)
	for i := range ms {
		ms[i].demoteTemplate()
	}
	slices.SortStableFunc(ms, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Bank, b.Bank), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Grade.rank(), b.Grade.rank()),
			cmp.Compare(a.Relation, b.Relation), compareMatches(a, b))
	})
	merged := ms[:0]
	for _, m := range ms {
		n := len(merged)
		if n == 0 || merged[n-1].Bank != m.Bank || merged[n-1].ID != m.ID {
			merged = append(merged, m)
			continue
		}
		best := &merged[n-1]
		best.Region = cmp.Or(best.Region, m.Region)
		best.Geometry = cmp.Or(best.Geometry, m.Geometry)
		best.demoteTemplate()
	}
	slices.SortStableFunc(merged, compareMatches)
	return merged
}

// demoteTemplate makes the match one of a template if geometry says so and the
// hash of the whole does not speak against it.
func (m *Match) demoteTemplate() {
	byHash := m.Check == CheckHash || m.Check == CheckSHA256
	if m.Geometry != nil && m.Geometry.Template && !byHash {
		m.Relation, m.Grade = SameTemplate, Weak
	}
}

// evidence says in a few words what a match rests on, for example
// "pdq 6 of 31 (strong, mirror)".
func (m Match) evidence() string {
	n, _ := m.Found()
	name, turned := string(m.Check), ""
	switch m.Check {
	case CheckSHA256:
		return "sha256 (the same file)"
	case CheckHash:
		name = m.Main.String()
	}
	if t := m.Transform(); t != hash.Upright {
		turned = ", " + t.String()
	}
	return fmt.Sprintf("%s %d of %d (%s%s)", name, n, m.Threshold, m.Grade, turned)
}
