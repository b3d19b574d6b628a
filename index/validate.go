package index

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/touchstone-go/touchstone/hash"
)

// What comes in is looked at once, here, before it reaches the writer.

const (
	maxOwner = 256
	maxID    = 512
	maxText  = 1 << 10
	maxMeta  = 4 << 10
	// maxFeatures is generous: package hash keeps 11.2 KB at most.
	maxFeatures = 32 << 10
	// maxWeakPDQ keeps a bank from matching everything. Codes of unrelated
	// pictures are 128 bits apart with a standard deviation of about 8 (half
	// of 256 fair bits, as the measured ones nearly are): at 96, four
	// deviations below, with up to 72 pairs of codes tried per reference (24 of
	// the query, 3 of the reference), chance begins to match.
	maxWeakPDQ = 96
	// maxWeakWord is the same for 64-bit hashes: 32 bits apart with a standard
	// deviation of 4, three of which are 12.
	maxWeakWord = 20
	// maxWeakRegion is the same for regions, of which each pair of pictures tries
	// a hundred: some regions of product photos are smooth, and then their codes
	// are far less random than 128 bits in the mean.
	maxWeakRegion = 64
	// minGeometry keeps geometry from accusing by chance: strangers agree on some
	// points and some grey levels.
	minGeometry = 40
	// maxEvidence is the surest that geometry can be; a threshold of one more is
	// never reached.
	maxEvidence = 100
	maxGeometry = maxEvidence + 1
)

func invalid(f string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(f, args...), ErrInvalid)
}

// checkBankName allows [a-z0-9][a-z0-9._-]{0,63}.
func checkBankName(s string) error {
	ok := len(s) >= 1 && len(s) <= 64
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		ok = alnum || i > 0 && (c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return invalid("bank name %q, want 1 to 64 of a-z 0-9 . _ - beginning with a letter or digit", clip(s))
	}
	return nil
}

func checkID(s string) error {
	if len(s) < 1 || len(s) > maxID {
		return invalid("id of %d bytes, want 1 to %d", len(s), maxID)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return invalid("id %q, want UTF-8 without control characters", clip(s))
	}
	for seg := range strings.SplitSeq(s, "/") {
		if seg == "" || seg == "." || seg == ".." {
			return invalid("id %q has an empty, \".\" or \"..\" segment", clip(s))
		}
	}
	return nil
}

func checkOpinion(o Opinion) error {
	switch o {
	case Confirmed, Seed, Disputed, Withdrawn:
		return nil
	}
	return invalid("opinion %q, want confirmed, seed, disputed or withdrawn", clip(string(o)))
}

// check looks at everything but the fingerprint.
func (ref Reference) check() error {
	if err := checkBankName(ref.Bank); err != nil {
		return err
	}
	if err := checkID(ref.ID); err != nil {
		return err
	}
	if err := checkOpinion(ref.Opinion); err != nil {
		return err
	}
	for _, t := range []struct{ name, text string }{
		{"sku", ref.SKU}, {"source", ref.Source}, {"note", ref.Note}, {"made_by", ref.MadeBy},
	} {
		if len(t.text) > maxText || !utf8.ValidString(t.text) {
			return invalid("%s of %d bytes, want UTF-8 of at most %d", t.name, len(t.text), maxText)
		}
	}
	n := 0
	for k, v := range ref.Meta {
		if k == "" || !utf8.ValidString(k) || !utf8.ValidString(v) {
			return invalid("metadata %q, want UTF-8 with a key", clip(k))
		}
		n += len(k) + len(v)
	}
	if n > maxMeta {
		return invalid("metadata of %d bytes, want at most %d", n, maxMeta)
	}
	return nil
}

// checkFingerprint says whether f can be a reference in a bank of the main
// hash main.
func checkFingerprint(f hash.Fingerprint, main hash.Kind) error {
	switch {
	case f.IsZero():
		return invalid("no fingerprint")
	case f.Fast():
		return invalid("a fingerprint of the query path cannot be a reference")
	case !f.Has(main):
		return invalid("the fingerprint has no %v, by which the bank is searched", main)
	case main == hash.PDQ && f.Quality() < hash.MinQuality:
		return invalid("fingerprint of quality %d, want at least %d", f.Quality(), hash.MinQuality)
	}
	return nil
}

func (p Policy) check(main hash.Kind) error {
	limit := maxWeakPDQ
	if main.Bits() == 64 {
		limit = maxWeakWord
	}
	if p.Strong < 0 || p.Weak < p.Strong || p.Weak > limit {
		return invalid("thresholds strong %d and weak %d, want 0 <= strong <= weak <= %d", p.Strong, p.Weak, limit)
	}
	if p.Advise != Block && p.Advise != Review {
		return invalid("advice %q, want block or review", clip(string(p.Advise)))
	}
	if main != hash.PDQ {
		if p != p.ofHash(main) {
			return invalid("thresholds of regions or geometry for a bank of %v", main)
		}
		return nil
	}
	if p.RegionStrong < 1 || p.RegionWeak < p.RegionStrong || p.RegionWeak > maxWeakRegion {
		return invalid("thresholds region_strong %d and region_weak %d, want 1 <= strong <= weak <= %d",
			p.RegionStrong, p.RegionWeak, maxWeakRegion)
	}
	if p.GeometryWeak < minGeometry || p.GeometryStrong < p.GeometryWeak || p.GeometryStrong > maxGeometry {
		return invalid("thresholds geometry_strong %d and geometry_weak %d, want %d >= strong >= weak >= %d",
			p.GeometryStrong, p.GeometryWeak, maxGeometry, minGeometry)
	}
	return nil
}

func (b Bank) check() error {
	if err := checkBankName(b.Name); err != nil {
		return err
	}
	if b.Kind != Genuine && b.Kind != Fake {
		return invalid("kind %q, want genuine or fake", clip(string(b.Kind)))
	}
	if len(b.Owner) > maxOwner || !utf8.ValidString(b.Owner) {
		return invalid("owner of %d bytes, want UTF-8 of at most %d", len(b.Owner), maxOwner)
	}
	if b.Main < hash.PDQ || b.Main > hash.Average {
		return invalid("unknown main hash %v", b.Main)
	}
	return b.Policy.check(b.Main)
}

// clip shortens what is quoted in an error.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
