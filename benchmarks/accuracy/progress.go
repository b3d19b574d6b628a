package main

import (
	"io"
	"os"
	"sync/atomic"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is a bar on standard error, and nothing if no person looks at it.
type progress struct {
	w    io.Writer
	show bool
	bar  atomic.Pointer[progressbar.ProgressBar]
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, show: ok && term.IsTerminal(int(f.Fd()))}
}

// begin starts a bar for total steps.
func (p *progress) begin(what string, total int) {
	p.end()
	if !p.show {
		return
	}
	p.bar.Store(progressbar.NewOptions(total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100e6),
		progressbar.OptionSetWidth(24),
		progressbar.OptionClearOnFinish(),
	))
}

// step counts one more.
func (p *progress) step() {
	if bar := p.bar.Load(); bar != nil {
		_ = bar.Add(1)
	}
}

// end takes the bar away.
func (p *progress) end() {
	if bar := p.bar.Swap(nil); bar != nil {
		_ = bar.Finish()
		_ = bar.Clear()
	}
}
