package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

const bank = "catalogue"

// perStranger is how many edited copies of each unregistered photo are judged
// beside the photo itself.
const perStranger = 5

// answer is what came of judging one picture.
type answer struct {
	photo    photo
	family   string // of the attack; "" for the photo's own file
	attack   string
	own      grade // of the match with the photo's own reference
	foreign  grade // of the best match with another product
	nearest  index.Match
	distance int // from the own reference, -1 if that cannot be told
}

// grade orders the grades of index: 0 no match, 1 weak, 2 strong or exact.
type grade int

func gradeOf(g index.Grade) grade {
	if g == index.Weak {
		return 1
	}
	return 2
}

// measurement is one run over a folder.
type measurement struct {
	dir      string
	index    *index.Index
	products map[string]string // of each registered file
	refused  []string          // photos that could not be registered, and why
	answers  []answer
}

// measure registers the photos that the split puts in and judges copies of
// every n-th photo. Registered are always all.
func measure(ctx context.Context, dir string, n int) (*measurement, error) {
	all, err := photos(dir)
	if err != nil {
		return nil, err
	}
	x, err := index.Open(ctx, "", &index.Options{InMemory: true, NoThumbnails: true})
	if err != nil {
		return nil, err
	}
	defer x.Close()
	m := &measurement{dir: dir, index: x, products: make(map[string]string)}
	if _, err := x.CreateBank(ctx, index.Bank{Name: bank, Kind: index.Genuine}); err != nil {
		return nil, err
	}
	var in, out []photo
	for _, p := range all {
		if p.in() {
			in = append(in, p)
			m.products[p.file] = p.product
		} else {
			out = append(out, p)
		}
	}
	if err := m.register(ctx, in); err != nil {
		return nil, err
	}
	for _, part := range [][]photo{in, out} {
		if err := m.judge(ctx, every(part, n)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func every(ps []photo, n int) (kept []photo) {
	for i := 0; i < len(ps); i += n {
		kept = append(kept, ps[i])
	}
	return kept
}

// forEach runs f for all photos, one goroutine a core, and keeps their order.
func forEach[T any](ctx context.Context, ps []photo, f func(context.Context, photo) (T, error)) ([]T, error) {
	got := make([]T, len(ps))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range ps {
		g.Go(func() error {
			v, err := f(ctx, p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.file, err)
			}
			got[i] = v
			return ctx.Err()
		})
	}
	return got, g.Wait()
}

func (m *measurement) register(ctx context.Context, ps []photo) error {
	refused, err := forEach(ctx, ps, func(ctx context.Context, p photo) (string, error) {
		b, err := os.ReadFile(filepath.Join(m.dir, filepath.FromSlash(p.file)))
		if err != nil {
			return "", err
		}
		_, err = m.index.Register(ctx, index.Reference{Bank: bank, ID: p.file}, bytes.NewReader(b), index.RegisterOptions{})
		if reason, is := hash.IsUnusable(err); is {
			return fmt.Sprintf("%s: %s", p.file, reason), nil
		}
		return "", err
	})
	m.refused = slices.DeleteFunc(refused, func(s string) bool { return s == "" })
	return err
}

// judge adds the answers for copies of ps: all attacks on registered photos,
// the file itself and a few attacks on others.
func (m *measurement) judge(ctx context.Context, ps []photo) error {
	as := attacks()
	got, err := forEach(ctx, ps, func(ctx context.Context, p photo) ([]answer, error) {
		path := filepath.Join(m.dir, filepath.FromSlash(p.file))
		img, err := edit.Load(path)
		if err != nil {
			return nil, err
		}
		var answers []answer
		ask := func(family, name string, b []byte) error {
			a, err := m.ask(ctx, p, b)
			a.family, a.attack = family, name
			answers = append(answers, a)
			return err
		}
		use := as
		if !p.in() {
			use = some(as, perStranger, p.file)
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if err := ask("", "the file itself", b); err != nil {
				return nil, err
			}
		}
		for _, a := range use {
			if err := ask(a.family, a.name, a.make(img)); err != nil {
				return nil, err
			}
		}
		return answers, nil
	})
	m.answers = append(m.answers, slices.Concat(got...)...)
	return err
}

// ask judges one copy.
func (m *measurement) ask(ctx context.Context, p photo, b []byte) (answer, error) {
	a := answer{photo: p, distance: -1}
	v, err := m.index.Judge(ctx, bytes.NewReader(b), index.JudgeOptions{Limit: len(m.products) + 1})
	if err != nil {
		return a, err
	}
	for _, match := range v.Matches {
		switch g := gradeOf(match.Grade); {
		case match.ID == p.file:
			a.own = g
		case m.products[match.ID] != p.product && g > a.foreign:
			a.foreign, a.nearest = g, match
		}
	}
	if p.in() && a.own == 0 {
		a.distance = m.distance(ctx, p, v.Fingerprint)
	}
	return a, nil
}

// distance tells how far a missed copy is from its original.
func (m *measurement) distance(ctx context.Context, p photo, f hash.Fingerprint) int {
	ref, err := m.index.Get(ctx, bank, p.file)
	if err != nil {
		return -1
	}
	d, err := hash.Compare(f, ref.Fingerprint)
	if err != nil {
		return -1
	}
	return d.PDQ
}
