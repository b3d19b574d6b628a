package main

import (
	"slices"

	"github.com/spf13/cobra"
)

func (a *app) benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure on your own store",
		Long: `Measures what depends on the data, on the store that is there. Nothing is written
to it. The machine should have nothing else to do meanwhile.`,
		Example: "  touchstone bench near",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { _ = cmd.Help(); return exitWith(exitUsage) },
	}
	c.AddCommand(a.benchNearCommand())
	return c
}

// spread is how a figure is distributed over the queries. P50, P90 and P99 are
// percentiles by nearest rank, so each is a value that occurred.
type spread struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// spreadOf sorts the values, of which there is at least one.
func spreadOf(values []float64) spread {
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return spread{
		Mean: sum / float64(len(values)),
		P50:  percentile(values, 50), P90: percentile(values, 90), P99: percentile(values, 99),
		Max: values[len(values)-1],
	}
}

// percentile returns the least of the sorted values that is not below p percent
// of them, 0 < p <= 100.
func percentile(sorted []float64, p int) float64 {
	return sorted[(len(sorted)*p+99)/100-1]
}
