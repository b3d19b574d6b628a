package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
)

type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Recipe   int    `json:"recipe"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func readVersion() versionInfo {
	v := versionInfo{Version: "(devel)", Recipe: hash.Recipe, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if b.Main.Version != "" {
		v.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func versionText() string {
	v := readVersion()
	return fmt.Sprintf("touchstone %s recipe %d %s %s/%s", v.Version, v.Recipe, v.Go, v.OS, v.Arch)
}

// madeBy is what new references say of their origin.
func madeBy() string { return "touchstone " + readVersion().Version }

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print version, recipe and build",
		Long:    "Prints the version of this program, the recipe of its fingerprints, and what it was built with.",
		Example: "  touchstone version --json",
		Args:    cobra.NoArgs,
		RunE: a.verb(func(_ context.Context, _ []string) error {
			if a.json {
				return a.printJSON(readVersion())
			}
			return a.printLine(versionText())
		}),
	}
}
