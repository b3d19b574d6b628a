package main

// Bars of both runs, on two cores.
const (
	minAddRate      = 20_000     // references a second, for a million of them
	maxPerReference = 2*135 + 20 // bytes
	maxSettledWait  = 0.05       // seconds that Settled takes when the indexes are there
	maxAddPeak      = 1.5 * gb   // bytes, for a million references
	maxNearRatio    = 0.3        // to the bare loop, for one code
	maxUnseen       = 1e-3       // seconds that a search finds a new reference later than an old one

	gb = 1 << 30
	mb = 1 << 20
)

// bars are those that depend on what is run. 0 means none.
type bars struct {
	rows float64 // seconds until a store answers without the search file
	file float64 // seconds until one with it has its indexes
	// startOnly leaves out searches, and the bars of adding.
	startOnly bool
}

// barsFor returns those for a million references, or those for starting with
// five millions, which are ten million codes.
func barsFor(start bool) bars {
	if start {
		return bars{rows: 8, file: 3, startOnly: true}
	}
	return bars{rows: 1.5}
}
