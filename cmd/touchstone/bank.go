package main

import (
	"context"
	"errors"
	"fmt"

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
}

func lineOfBank(b index.Bank) bankLine {
	if b.Main == 0 {
		b.Main = hash.PDQ
	}
	return bankLine{b.Name, b.Kind, b.Owner, b.Main.String(), b.Policy, b.References, b.Searchable}
}

func (a *app) printBank(b index.Bank) error {
	l := lineOfBank(b)
	if a.json {
		return a.printJSON(l)
	}
	return a.printLine(fmt.Sprintf("%-24s %-8s %-6s strong %-3d weak %-3d advise %-7s references %-8d searchable %-8d %s",
		l.Name, l.Kind, l.Hash, l.Policy.Strong, l.Policy.Weak, l.Policy.Advise, l.References, l.Searchable, printable(l.Owner)))
}

func (a *app) bankCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bank",
		Short: "Create, list and set banks",
		Long: `A bank is a named set of references of one kind, fake or genuine, with an owner
and a policy: the distances from which on its references match, and the most that
a match may advise.`,
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
weakly, and advises block for a fake bank, review for a genuine one.`,
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
		Long:    "Lists the banks with their policies and the number of their references, ordered by name. Searchable are those that are not withdrawn.",
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

func (a *app) bankSetCommand() *cobra.Command {
	var strong, weak int
	var advise string
	c := &cobra.Command{
		Use:   "set NAME [--strong N] [--weak N] [--advise block|review]",
		Short: "Change a bank's policy",
		Long: `Changes the thresholds of a bank, in bits of its main hash, and the most that a
known_fake of it may advise. What is not given stays. The next query follows it.`,
		Example: "  touchstone bank set acme-fakes --strong 27 --weak 40 --advise review",
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().IntVar(&strong, "strong", 0, "largest distance of grade strong")
	c.Flags().IntVar(&weak, "weak", 0, "largest distance that matches at all")
	c.Flags().StringVar(&advise, "advise", "", "block or review")
	c.MarkFlagsOneRequired("strong", "weak", "advise")
	completes(c, "advise", "block", "review")
	c.RunE = a.verb(func(ctx context.Context, args []string) error {
		return a.withStore(ctx, false, func(x *index.Index) error {
			b, err := x.Bank(ctx, args[0])
			if err != nil {
				return err
			}
			if c.Flags().Changed("strong") {
				b.Policy.Strong = strong
			}
			if c.Flags().Changed("weak") {
				b.Policy.Weak = weak
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
			return a.printBank(b)
		})
	})
	return c
}
