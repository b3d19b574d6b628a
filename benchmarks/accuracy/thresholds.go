package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
	"github.com/touchstone-go/touchstone/index"
)

// What each threshold of a policy implies. The tables of a run cannot tell it: a
// stranger that is accused by its hash may be accused by geometry as well. So
// strangers are judged once for each check, by a policy under which nothing else
// matches and which is as loose as a policy may be, and what was found of the
// surest match is compared with one threshold after the other.

// sweep is one check, and the thresholds to look at.
type sweep struct {
	check  index.Check
	mode   method
	policy index.Policy
	at     []int
}

// beyond is evidence that nothing has.
const beyond = 101

var sweeps = []sweep{
	{index.CheckHash, fast, index.Policy{Weak: 64, RegionStrong: 1, RegionWeak: 1, GeometryStrong: beyond, GeometryWeak: beyond, Advise: index.Review},
		[]int{25, 31, 36, 40, 46, 50, 56}},
	{index.CheckRegion, fast, index.Policy{RegionStrong: 1, RegionWeak: 64, GeometryStrong: beyond, GeometryWeak: beyond, Advise: index.Review},
		[]int{30, 36, 40, 46, 50, 54, 58, 62}},
	{index.CheckGeometry, thorough, index.Policy{RegionStrong: 1, RegionWeak: 1, GeometryStrong: beyond, GeometryWeak: 60, Advise: index.Review},
		[]int{98, 96, 94, 92, 90, 88, 86, 84, 82, 80, 75, 70}},
}

// surest is what the check found of the surest match of a verdict on a
// stranger, so that less is surer for every check.
func (s sweep) surest(v index.Verdict) int {
	best := math.MaxInt
	for _, m := range v.Matches {
		if n, _ := m.Found(); m.Check == s.check && m.Relation != index.SameTemplate {
			best = min(best, s.ordered(n))
		}
	}
	return best
}

func (s sweep) ordered(n int) int {
	if s.check == index.CheckGeometry {
		return -n
	}
	return n
}

// printThresholds judges the strangers of a run by each check.
func printThresholds(ctx context.Context, o protocol, w io.Writer, bar *progress) error {
	all, err := photos(o.dir)
	if err != nil {
		return err
	}
	in, out := split(all)
	bar.begin("register", len(in))
	b, err := fill(ctx, o, in, bar.step)
	if err != nil {
		return err
	}
	defer b.close()
	pool, err := o.pool(out)
	if err != nil {
		return err
	}
	studios := make(map[attack.Set]*attack.Studio)
	for _, set := range o.sets {
		studios[set] = attack.NewStudio(set, pool)
	}
	strangers := o.strangers(out)
	fmt.Fprintf(w, "false alarms of %d strangers, each as it is and edited %d times, if one check alone decided at one threshold\n", len(strangers), o.negatives*len(o.sets))
	bar.begin("judge", len(sweeps)*len(strangers))
	defer bar.end()
	for _, s := range sweeps {
		if err := b.index.SetPolicy(ctx, bankName, s.policy); err != nil {
			return err
		}
		got := make([][]strangely, len(strangers))
		err := parallel(ctx, len(strangers), func(i int) error {
			defer bar.step()
			found, err := b.sweep(ctx, o, s, strangers[i], studios)
			got[i] = found
			return err
		})
		if err != nil {
			return err
		}
		s.print(w, slices.Concat(got...))
	}
	return nil
}

// strangely is what a check found of the surest match with a copy of a stranger.
type strangely struct {
	photo  photo
	surest int
}

// sweep judges a stranger and its copies.
func (b *bank) sweep(ctx context.Context, o protocol, s sweep, p photo, studios map[attack.Set]*attack.Studio) (got []strangely, err error) {
	file, err := o.read(p)
	if err != nil {
		return nil, err
	}
	img, err := o.load(p)
	if err != nil {
		return nil, err
	}
	pictures := [][]byte{file}
	for _, set := range o.sets {
		for _, a := range some(attack.All(set), o.negatives, p) {
			c, err := studios[set].Copy(a, p.file, img)
			if err != nil {
				return nil, err
			}
			pictures = append(pictures, c.Bytes)
		}
	}
	for _, picture := range pictures {
		v, err := b.index.Judge(ctx, bytes.NewReader(picture), judgeOptions(s.mode))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.file, err)
		}
		got = append(got, strangely{p, s.surest(v)})
	}
	return got, nil
}

func (s sweep) print(w io.Writer, got []strangely) {
	t := table(w)
	fmt.Fprintf(t, "\n%s\tqueries\tall\tinterval\twithout siblings\tinterval\tnatural\tinterval\t\n", s.check)
	for _, at := range s.at {
		fmt.Fprintf(t, "%d\t%d\t", at, len(got))
		for _, is := range []func(photo) bool{
			func(photo) bool { return true },
			func(p photo) bool { return !p.sibling },
			func(p photo) bool { return !p.plain },
		} {
			some := filter(got, func(g strangely) bool { return is(g.photo) })
			r := count(some, func(g strangely) bool { return g.surest <= s.ordered(at) })
			fmt.Fprintf(t, "%.2f %%\t%.2f-%.2f\t", 100*r.Share, 100*r.Low, 100*r.High)
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}
