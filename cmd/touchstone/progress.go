package main

import (
	"fmt"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on standard error, and nothing if no person looks at it.
type progress struct {
	bar      *progressbar.ProgressBar // nil: silent
	failures int
}

// newProgress makes a bar for total steps of what unit names, in the plural; -1
// means that nobody knows how many.
func (a *app) newProgress(what, unit string, total int64) *progress {
	if !terminal(a.stderr) {
		return &progress{}
	}
	return &progress{bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(unit),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100e6),
		progressbar.OptionSetWidth(24),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // without a total it would turn by a goroutine of its own
	)}
}

// step counts one more; the bar shows how many failed.
func (p *progress) step(what string, failed bool) {
	if failed {
		p.failures++
	}
	if p.bar == nil {
		return
	}
	if p.failures > 0 {
		p.bar.Describe(fmt.Sprintf("%s (%d failed)", what, p.failures))
	}
	_ = p.bar.Add(1)
}

// clear makes room for a line.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// finish takes the bar away.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
		_ = p.bar.Clear()
	}
}
