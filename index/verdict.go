package index

import "github.com/touchstone-go/touchstone/hash"

// Outcome is what a verdict says about a picture. None of them says that a
// product is genuine.
type Outcome string

// The outcomes.
const (
	KnownFake    Outcome = "known_fake"
	KnownGenuine Outcome = "known_genuine"
	Conflict     Outcome = "conflict"
	NearMiss     Outcome = "near"
	None         Outcome = "none"
	Unusable     Outcome = "unusable"
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

// Match is one reference that a picture matches, with the evidence.
type Match struct {
	Bank     string
	Kind     Kind
	ID       string
	Grade    Grade
	Relation Relation
	Opinion  Opinion
	// Score is 1 for Exact and 1 - distance/128 for PDQ (1 - distance/32 for
	// 64-bit hashes): 0 is what unrelated pictures have.
	Score float64
	// Check names what decided: "sha256" or "hash".
	Check string
	// Main is the hash whose distance decided.
	Main      hash.Kind
	Distance  hash.Distance
	Threshold int
	// Advise is the policy of the bank: the most that it may advise.
	Advise Advice
}

// Verdict is a statement about one picture, with all that is needed to check
// it again.
type Verdict struct {
	Outcome     Outcome
	Reason      hash.Reason // set if Outcome is Unusable
	Advice      Advice
	Mode        string // "fast"
	Quality     int
	Seq         uint64 // sequence number of the last change that was seen
	Recipe      int
	Authorised  bool // what the caller stated
	Fingerprint hash.Fingerprint
	Matches     []Match
	More        int // matches that are not listed
}

// DecideOptions are the caller's part of a decision.
type DecideOptions struct {
	Authorised bool
	Limit      int // 0 means 20
}

// Decide makes a verdict out of graded matches; it is pure.
func Decide(f hash.Fingerprint, matches []Match, o DecideOptions) Verdict { panic("unwritten") }

// evidence says in a few words what a match rests on.
func (m Match) evidence() string { panic("unwritten") }
