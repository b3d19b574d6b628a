package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
)

func (a *app) fingerprintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fingerprint PATH...",
		Short: "Print the fingerprints of pictures",
		Long: `Prints the fingerprint that a reference of the picture would have: text form,
PDQ quality, size, format and file. It needs no store. Folders and "-" are read as
by "touchstone judge". With --json the single hashes are given too, "pdq" in the 64
digits that other tools exchange.

A picture that cannot be used gives its reason instead, and exit code 12.`,
		Example: `  touchstone fingerprint photo.jpg
  touchstone fingerprint --json photos | jq -r .pdq`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.verb(a.fingerprints),
	}
}

// printed is the fingerprint of one file, as --json shows it.
type printed struct {
	File        string           `json:"file"`
	Fingerprint hash.Fingerprint `json:"fingerprint"`
	Recipe      int              `json:"recipe,omitempty"`
	Quality     int              `json:"quality"`
	Reason      hash.Reason      `json:"reason,omitempty"`
	Detail      string           `json:"detail,omitempty"`
	Format      string           `json:"format"`
	Width       int              `json:"width"`
	Height      int              `json:"height"`
	Bytes       int64            `json:"bytes"`
	SHA256      string           `json:"sha256"`
	PDQ         string           `json:"pdq,omitempty"`
	PDQTrimmed  string           `json:"pdq_trimmed,omitempty"`
	PDQSmooth   string           `json:"pdq_smooth,omitempty"`
	PHash       string           `json:"phash,omitempty"`
	DHash       string           `json:"dhash,omitempty"`
	Took        float64          `json:"took_ms"`

	err error
}

func (a *app) fingerprints(ctx context.Context, args []string) error {
	code := exitOK
	produce := func(yield func(source) bool) { walk(args, yield) }
	work := func(ctx context.Context, s source) printed { return a.fingerprintOne(ctx, s) }
	err := inOrder(ctx, workers(), produce, work, func(p printed) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case p.err != nil:
			code = exitFailure
			a.complain(fmt.Errorf("fingerprint %s: %w", printable(p.File), cause(p.err)))
			return nil
		case p.Reason != "" && code == exitOK:
			code = exitUnusable
		}
		if a.json {
			return a.printJSON(p)
		}
		return a.printLine(p.String())
	})
	if err != nil {
		return err
	}
	return exitWith(code)
}

// String is the line for people.
func (p printed) String() string {
	if p.Reason != "" {
		return fmt.Sprintf("unusable: %s  %s", p.Reason, printable(p.File))
	}
	return fmt.Sprintf("%s  quality %d  %dx%d %s  %s", p.Fingerprint, p.Quality, p.Width, p.Height, p.Format, printable(p.File))
}

func (a *app) fingerprintOne(ctx context.Context, s source) printed {
	start := time.Now()
	r, err := a.openSource(ctx, s)
	if err != nil {
		return printed{File: s.path, err: err}
	}
	defer r.Close()
	f, info, err := hash.Read(ctx, r, a.limits)
	p := printed{
		File: s.path, Fingerprint: f, Recipe: f.Recipe(), Quality: f.Quality(), Format: info.Format,
		Width: info.Width, Height: info.Height, Bytes: info.Bytes, SHA256: hex.EncodeToString(info.SHA256[:]),
		Took: millis(time.Since(start)), err: err,
	}
	if reason, ok := hash.IsUnusable(err); ok {
		p.Reason, p.Detail, p.err = reason, cause(err).Error(), nil
	}
	for fr, field := range []*string{hash.Full: &p.PDQ, hash.Trimmed: &p.PDQTrimmed, hash.Smooth: &p.PDQSmooth} {
		if c, ok := f.Code(hash.Frame(fr)); ok {
			*field = c.String()
		}
	}
	p.PHash, p.DHash = wordText(f, hash.Perception), wordText(f, hash.Difference)
	return p
}

// wordText is a 64-bit hash in hexadecimal digits, "" if f lacks it.
func wordText(f hash.Fingerprint, k hash.Kind) string {
	w, ok := f.Word(k)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%016x", w)
}

func (a *app) compareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compare A B",
		Short: "Show how far two pictures are apart",
		Long: `Compares two pictures or fingerprints (A and B are text forms or paths, in any
mixture) and prints the distance of each hash in bits, the pair of frames that gave
the PDQ distance, and the transform that turns B upright into A. It needs no store
and knows no policy: whether a distance is a match is for a bank to say.`,
		Example: "  touchstone compare photo.jpg copy.jpg",
		Args:    cobra.ExactArgs(2),
		RunE:    a.verb(a.compare),
	}
}

// compared is a distance, as --json shows it. A hash that one of the two lacks
// is left out.
type compared struct {
	PDQ       *int   `json:"pdq,omitempty"`
	PHash     *int   `json:"phash,omitempty"`
	DHash     *int   `json:"dhash,omitempty"`
	AHash     *int   `json:"ahash,omitempty"`
	Colour    *int   `json:"colour,omitempty"`
	Frames    frames `json:"frames"`
	Transform string `json:"transform"`
}

type frames struct {
	Query     string `json:"query"`
	Reference string `json:"reference"`
}

func (a *app) compare(ctx context.Context, args []string) error {
	var prints [2]hash.Fingerprint
	for i, arg := range args {
		f, err := a.fingerprintOf(ctx, arg)
		if _, bad := hash.IsUnusable(err); bad {
			return withCode(exitUnusable, fmt.Errorf("%s: %w", printable(arg), err))
		}
		if err != nil {
			return err
		}
		prints[i] = f
	}
	d, err := hash.Compare(prints[0], prints[1])
	if err != nil {
		return err
	}
	c := compared{Frames: frames{d.QueryFrame.String(), d.ReferenceFrame.String()}, Transform: d.Transform.String()}
	text := ""
	for _, h := range []struct {
		name     string
		distance int
		to       **int
		of       int
	}{
		{"pdq", d.PDQ, &c.PDQ, 256}, {"phash", d.Perception, &c.PHash, 64}, {"dhash", d.Difference, &c.DHash, 64},
		{"ahash", d.Average, &c.AHash, 64}, {"colour", d.Colour, &c.Colour, 255},
	} {
		if h.distance >= 0 {
			*h.to = &h.distance
			text += fmt.Sprintf("%-10s %3d of %d\n", h.name, h.distance, h.of)
		}
	}
	if a.json {
		return a.printJSON(c)
	}
	return a.printLine(text + fmt.Sprintf("%-10s %s of A, %s of B\n%-10s %s", "frames", c.Frames.Query, c.Frames.Reference, "transform", c.Transform))
}

// fingerprintOf reads a text form, or the picture at a path.
func (a *app) fingerprintOf(ctx context.Context, arg string) (hash.Fingerprint, error) {
	f, err := hash.Parse(arg)
	if !errors.Is(err, hash.ErrSyntax) {
		return f, err
	}
	r, oerr := a.openSource(ctx, source{path: arg})
	if errors.Is(oerr, os.ErrNotExist) {
		return f, usagef("%s is neither a file nor a fingerprint", printable(arg))
	}
	if oerr != nil {
		return f, oerr
	}
	defer r.Close()
	f, _, err = hash.Read(ctx, r, a.limits)
	return f, err
}
