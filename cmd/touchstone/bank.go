package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// bankLine is a bank as the command line prints it.
type bankLine struct {
	Name       string       `json:"name"`
	Kind       index.Kind   `json:"kind"`
	Owner      string       `json:"owner"`
	Hash       string       `json:"hash"`
	Policy     index.Policy `json:"policy"`
	References int64        `json:"references"`
	Searchable int64        `json:"searchable"`
	Featured   int64        `json:"featured"`
}

func lineOfBank(b index.Bank) bankLine {
	if b.Main == 0 {
		b.Main = hash.PDQ
	}
	return bankLine{b.Name, b.Kind, b.Owner, b.Main.String(), b.Policy, b.References, b.Searchable, b.Featured}
}

func (a *app) printBank(b index.Bank) error {
	l := lineOfBank(b)
	if a.json {
		return a.printJSON(l)
	}
	return a.printLine(fmt.Sprintf("%-24s %-8s %-6s strong %-3d weak %-3d advise %-7s references %-8d searchable %-8d featured %-8d %s",
		l.Name, l.Kind, l.Hash, l.Policy.Strong, l.Policy.Weak, l.Policy.Advise, l.References, l.Searchable, l.Featured, printable(l.Owner)))
}

func (a *app) bankCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bank",
		Short: "Create, list and set banks",
		Long: `A bank is a named set of references of one kind, fake or genuine, with an owner
and a policy: from when on its references match by each of three checks (the hash
of the whole picture, that of a region, the geometry of local features), and the
most that a match may advise.`,
		Example: "  touchstone bank list",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { _ = cmd.Help(); return exitWith(exitUsage) },
	}
	c.AddCommand(a.bankCreateCommand(), a.bankListCommand(), a.bankSetCommand())
	return c
}

func (a *app) bankCreateCommand() *cobra.Command {
	var kind, owner, main string
	c := &cobra.Command{
		Use:   "create NAME --kind fake|genuine [--owner BRAND]",
		Short: "Create a bank, and the store if there is none",
		Long: `Creates an empty bank. NAME is up to 64 characters of a-z, 0-9, dot, underscore
and hyphen, beginning with a letter or digit. If the directory of the store does
not exist, it is made.

--hash names the hash by which the bank is searched. Everything but pdq is for
imported lists of 64-bit hashes (see "touchstone import").

The policy of a new bank matches at up to 31 of 256 bits strongly and at up to 46
weakly (a region of a reference at up to 40 and 54, geometry from 94 and 84 of 100
points), and advises block for a fake bank, review for a genuine one. With --json
all thresholds are shown; "touchstone bank set" changes them.`,
		Example: "  touchstone bank create acme-fakes --kind fake --owner ACME",
		Args:    cobra.ExactArgs(1),
		RunE: a.verb(func(ctx context.Context, args []string) error {
			b, err := newBank(args[0], kind, owner, main)
			if err != nil {
				return err
			}
			return a.withStore(ctx, true, func(x *index.Index) error {
				b, err := x.CreateBank(ctx, b)
				if errors.Is(err, index.ErrInvalid) {
					return withCode(exitUsage, err)
				}
				if err != nil {
					return err
				}
				return a.printBank(b)
			})
		}),
	}
	c.Flags().StringVar(&kind, "kind", "", "what the references show: fake or genuine (required)")
	c.Flags().StringVar(&owner, "owner", "", "who answers for the bank, for example the brand")
	c.Flags().StringVar(&main, "hash", "pdq", "hash by which the bank is searched: pdq, phash, dhash or ahash")
	_ = c.MarkFlagRequired("kind")
	completes(c, "kind", "fake", "genuine")
	completes(c, "hash", "pdq", "phash", "dhash", "ahash")
	return c
}

// newBank checks what was typed.
func newBank(name, kind, owner, main string) (index.Bank, error) {
	k, err := hash.ParseKind(main)
	if err != nil {
		return index.Bank{}, usagef("--hash: %w", err)
	}
	if kind != string(index.Fake) && kind != string(index.Genuine) {
		return index.Bank{}, usagef("--kind %q: want fake or genuine", kind)
	}
	return index.Bank{Name: name, Kind: index.Kind(kind), Owner: owner, Main: k}, nil
}

func (a *app) bankListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the banks",
		Long:    "Lists the banks with their policies and the number of their references, ordered by name. Searchable are those that are not withdrawn, featured those that mode thorough can verify (see touchstone reindex). With --json all thresholds are shown.",
		Example: "  touchstone bank list --json",
		Args:    cobra.NoArgs,
		RunE: a.verb(func(ctx context.Context, _ []string) error {
			return a.withStore(ctx, false, func(x *index.Index) error {
				banks, err := x.Banks(ctx)
				if err != nil {
					return err
				}
				for _, b := range banks {
					if err := a.printBank(b); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
}

// thresholdFlags are the flags of bank set and the thresholds that they change.
func thresholdFlags(p *index.Policy) map[string]*int {
	return map[string]*int{
		"strong": &p.Strong, "weak": &p.Weak, "region-strong": &p.RegionStrong, "region-weak": &p.RegionWeak,
		"geometry-strong": &p.GeometryStrong, "geometry-weak": &p.GeometryWeak,
	}
}

func (a *app) bankSetCommand() *cobra.Command {
	var given index.Policy
	var advise string
	c := &cobra.Command{
		Use:   "set NAME [--strong N] [--weak N] [--advise block|review] [--region-strong N]...",
		Short: "Change a bank's policy",
		Long: `Changes the thresholds of a bank and the most that a known_fake of it may advise.
What is not given stays. The next query follows it.

--strong and --weak are the largest distances in bits of the bank's main hash,
--region-strong and --region-weak those of a region of the reference. The
evidence of geometry goes from 0 to 100, and more is surer: --geometry-strong and
--geometry-weak are the least (101 is never reached). 0 for one of these four is
the default.`,
		Example: "  touchstone bank set acme-fakes --strong 27 --weak 40 --advise review",
		Args:    cobra.ExactArgs(1),
	}
	for name, usage := range map[string]string{
		"strong": "largest distance of grade strong", "weak": "largest distance that matches at all",
		"region-strong": "the same of a region", "region-weak": "the same of a region",
		"geometry-strong": "least evidence of geometry of grade strong", "geometry-weak": "least evidence of geometry that matches at all",
	} {
		c.Flags().IntVar(thresholdFlags(&given)[name], name, 0, usage)
	}
	c.Flags().StringVar(&advise, "advise", "", "block or review")
	c.MarkFlagsOneRequired(append(slices.Sorted(maps.Keys(thresholdFlags(&given))), "advise")...)
	completes(c, "advise", "block", "review")
	c.RunE = a.verb(func(ctx context.Context, args []string) error {
		return a.withStore(ctx, false, func(x *index.Index) error {
			b, err := x.Bank(ctx, args[0])
			if err != nil {
				return err
			}
			for name, n := range thresholdFlags(&b.Policy) {
				if c.Flags().Changed(name) {
					*n = *thresholdFlags(&given)[name]
				}
			}
			if c.Flags().Changed("advise") {
				b.Policy.Advise = index.Advice(advise)
			}
			err = x.SetPolicy(ctx, b.Name, b.Policy)
			if errors.Is(err, index.ErrInvalid) {
				return withCode(exitUsage, err)
			}
			if err != nil {
				return err
			}
			if b, err = x.Bank(ctx, b.Name); err != nil {
				return err
			}
			return a.printBank(b)
		})
	})
	return c
}
