package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/touchstone-go/touchstone/benchmarks/attack"
)

// answer is what came of asking for one copy.
type answer struct {
	set    attack.Set
	photo  photo
	attack attack.Attack // of name "" for the photo's own file
	placed bool          // the place of the original in the copy is looked at
	by     [methods]reading
}

// name tells which copy it was.
func (a answer) name() string {
	if a.attack.Name == "" {
		return a.photo.file
	}
	return a.photo.file + "|" + a.attack.Name
}

// measurement is one run over a folder.
type measurement struct {
	protocol
	bank    *bank
	photos  []photo
	asked   []photo // the originals
	out     []photo // strangers that were asked
	pool    int
	answers []answer // in a fixed order
	cost    [methods]queryCost
}

// job is one photo of which copies are made.
type job struct {
	set     attack.Set
	photo   photo
	attacks []attack.Attack
	plain   bool // ask for the photo's own file, too
}

func (j job) copies() int {
	n := len(j.attacks)
	if j.plain {
		n++
	}
	return n
}

func measure(ctx context.Context, o protocol, bar *progress) (*measurement, error) {
	all, err := photos(o.dir)
	if err != nil {
		return nil, err
	}
	in, out := split(all)
	bar.begin("register", len(in))
	b, err := fill(ctx, o, in, bar.step)
	if err != nil {
		return nil, err
	}
	defer b.close()
	m := &measurement{protocol: o, bank: b, photos: all, asked: o.originals(b.registered), out: o.strangers(out)}
	jobs, total := m.jobs()
	bar.begin("judge", total)
	s := newSample(total)
	if err := m.askAll(ctx, out, jobs, s, bar.step); err != nil {
		return nil, err
	}
	bar.begin("fill", (o.fill-1)*len(b.registered))
	if err := b.fillUp(ctx, o, bar.step); err != nil {
		return nil, err
	}
	bar.begin("time", methods*len(s.copies))
	m.cost, err = s.cost(ctx, b, bar.step)
	bar.end()
	return m, err
}

// jobs lists what is asked, and how many copies that is. The files of the
// strangers themselves are the same in all sets; they are asked in the first
// and the answers stand in all.
func (m *measurement) jobs() (jobs []job, total int) {
	for i, set := range m.sets {
		as := attack.All(set)
		for _, p := range m.asked {
			jobs = append(jobs, job{set: set, photo: p, attacks: fitting(as, p)})
		}
		for _, p := range m.out {
			jobs = append(jobs, job{set: set, photo: p, attacks: some(as, m.negatives, p), plain: i == 0})
		}
	}
	for _, j := range jobs {
		total += j.copies()
	}
	return jobs, total
}

// parallel runs f for 0 to n-1 in as many goroutines as there are cores.
func parallel(ctx context.Context, n int, f func(i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return f(i)
		})
	}
	return g.Wait()
}

// askAll makes and judges all copies.
func (m *measurement) askAll(ctx context.Context, out []photo, jobs []job, s *sample, step func()) error {
	pool, err := m.protocol.pool(out)
	if err != nil {
		return err
	}
	m.pool = len(pool)
	studios := make(map[attack.Set]*attack.Studio)
	for _, set := range m.sets {
		studios[set] = attack.NewStudio(set, pool)
	}
	got := make([][]answer, len(jobs))
	err = parallel(ctx, len(jobs), func(i int) error {
		as, err := m.ask(ctx, jobs[i], studios[jobs[i].set], s, step)
		got[i] = as
		return err
	})
	for _, as := range got {
		m.answers = append(m.answers, as...)
	}
	return err
}

// ask makes the copies of one photo and judges each.
func (m *measurement) ask(ctx context.Context, j job, studio *attack.Studio, s *sample, step func()) ([]answer, error) {
	img, err := m.load(j.photo)
	if err != nil {
		return nil, err
	}
	var got []answer
	take := func(a attack.Attack, c attack.Copy) error {
		r := answer{set: j.set, photo: j.photo, attack: a, placed: isPlaced(a, c)}
		if !r.placed {
			c.Place = nil
		}
		s.offer(r, c.Bytes)
		if err := m.bank.answer(ctx, &r, c); err != nil {
			return fmt.Errorf("%s: %w", r.name(), err)
		}
		got = append(got, r)
		step()
		return nil
	}
	if j.plain {
		file, err := m.read(j.photo)
		if err != nil {
			return nil, err
		}
		if err := take(attack.Attack{}, attack.Copy{Bytes: file}); err != nil {
			return nil, err
		}
	}
	for _, a := range j.attacks {
		c, err := studio.Copy(a, j.photo.file, img)
		if err != nil {
			return nil, fmt.Errorf("%s|%s: %w", j.photo.file, a.Name, err)
		}
		if err := take(a, c); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// isPlaced says whether the place of the original is looked at: where it is one
// picture among other things.
func isPlaced(a attack.Attack, c attack.Copy) bool {
	return c.Place != nil && slices.Contains(placedFamilies, a.Family)
}

var placedFamilies = []string{"screenshot", "collage", "compose"}

// answer judges a copy by all methods.
func (b *bank) answer(ctx context.Context, a *answer, c attack.Copy) error {
	rivals, err := b.rivals.ask(c.Bytes, a.photo, phash, dhash, pdq)
	if err != nil {
		return err
	}
	a.by = rivals
	for _, m := range modes {
		if a.by[m], err = b.judge(ctx, m, c.Bytes, a.photo, c.Place); err != nil {
			return err
		}
	}
	return nil
}
