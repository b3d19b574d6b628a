package index

import (
	"errors"
	"fmt"
	"slices"

	"github.com/touchstone-go/touchstone/hash"
)

// ErrReplay is wrapped by Replay's error: a verdict contradicts itself.
var ErrReplay = errors.New("verdict does not follow from its own record")

// Replay checks a stored verdict against its own record, without an index:
// every match must follow from its evidence and threshold, the matches must
// stand in the order of a verdict, and Decide on them must give the same
// outcome and advice. The error names the first contradiction and is an
// ErrReplay. What was left out of the list (Verdict.More) did not decide, so
// nothing is missing. For an unusable verdict only its reason is looked at.
func Replay(v Verdict) error {
	if v.Outcome == Unusable {
		return replayUnusable(v)
	}
	if v.Reason != "" {
		return contradiction("outcome %s with reason %q", v.Outcome, v.Reason)
	}
	for i, m := range v.Matches {
		if err := m.replay(); err != nil {
			return err
		}
		if i > 0 && compareMatches(v.Matches[i-1], m) >= 0 {
			return contradiction("match %d, %s/%s, is out of order", i+1, m.Bank, m.ID)
		}
	}
	if v.More < 0 || v.More > 0 && len(v.Matches) == 0 {
		return contradiction("%d more matches than %d", v.More, len(v.Matches))
	}
	if f := v.Fingerprint; !f.IsZero() && (f.Quality() != v.Quality || f.Recipe() != v.Recipe) {
		return contradiction("quality %d and recipe %d, the fingerprint has %d and %d", v.Quality, v.Recipe, f.Quality(), f.Recipe())
	}
	again := Decide(v.Fingerprint, v.Matches, DecideOptions{Authorised: v.Authorised, Limit: len(v.Matches)})
	if again.Outcome != v.Outcome || again.Advice != v.Advice {
		return contradiction("outcome %s and advice %s, the matches give %s and %s", v.Outcome, v.Advice, again.Outcome, again.Advice)
	}
	return nil
}

func replayUnusable(v Verdict) error {
	switch {
	case !slices.Contains(reasons(), v.Reason):
		return contradiction("unusable for the unknown reason %q", v.Reason)
	case v.Advice != NoAdvice || len(v.Matches) > 0 || v.More != 0:
		return contradiction("unusable with advice %s and %d matches", v.Advice, len(v.Matches)+v.More)
	}
	return nil
}

// replay checks that the grade and the score of a match follow from its
// evidence and threshold.
func (m Match) replay() error {
	fail := func(format string, args ...any) error {
		return contradiction("match %s/%s: %s", m.Bank, m.ID, fmt.Sprintf(format, args...))
	}
	switch {
	case m.Opinion == Withdrawn:
		return fail("it is withdrawn")
	case m.Relation == SameTemplate && m.Grade != Weak:
		return fail("relation %s with grade %s", m.Relation, m.Grade)
	case m.Relation == SameTemplate && (m.Geometry == nil || !m.Geometry.Template):
		return fail("relation %s where geometry found no template", m.Relation)
	case m.Check == CheckSHA256:
		if m.Grade != Exact && m.Relation != SameTemplate || thousandths(m.Score) != 1000 {
			return fail("the same file with grade %s and score %v", m.Grade, m.Score)
		}
		return nil
	case m.Check != CheckHash && m.Check != CheckRegion && m.Check != CheckGeometry,
		m.Main < hash.PDQ || m.Main > hash.Average:
		return fail("unknown check %q by %v", m.Check, m.Main)
	case m.Grade != Strong && m.Grade != Weak:
		return fail("grade %s by %s", m.Grade, m.Check)
	case m.Geometry != nil && m.Geometry.Template && m.Relation != SameTemplate && m.Check != CheckHash:
		return fail("relation %s where geometry found a template", m.Relation)
	}
	n, ok := m.Found()
	if !ok {
		return fail("no evidence of check %s", m.Check)
	}
	// What is like a template only need not reach the threshold of a copy.
	if template := m.Check == CheckGeometry && m.Geometry.Template; !template && !m.Check.within(n, m.Threshold) {
		return fail("%s found %d with threshold %d", m.Check, n, m.Threshold)
	}
	if thousandths(m.Score) != thousandths(scoreOf(m.Check, m.Main, n)) {
		return fail("%s found %d with score %v", m.Check, n, m.Score)
	}
	return nil
}

func contradiction(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrReplay, fmt.Sprintf(format, args...))
}
