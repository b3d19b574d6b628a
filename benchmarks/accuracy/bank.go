package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

const bankName = "catalogue"

// bank is the store with the photos that are in.
type bank struct {
	dir        string // of the store
	index      *index.Index
	registered []photo
	refused    []string          // photos that could not be registered, and why
	products   map[string]string // of each registered file
	fillers    int               // references that were added to time queries
	rivals     *rivals
	cost       bankCost
}

// bankCost is what the references cost, without what an empty store does.
type bankCost struct {
	References   int     `json:"references"`
	DiskBytes    float64 `json:"disk_bytes_per_reference"`
	MemoryBytes  float64 `json:"memory_bytes_per_reference"`
	LocalBytes   float64 `json:"local_feature_search_bytes_per_reference"` // in memory, not in MemoryBytes
	RegisterCPU  float64 `json:"register_cpu_ms_per_photo"`
	RegisterWall float64 `json:"register_ms_per_photo"`
}

// fill registers photos one after the other, so that the order of the
// references and with it every verdict is the same in each run, and so that
// nothing else is measured with it. The store is closed then, which brings all
// to disk, and opened anew. Close removes it.
func fill(ctx context.Context, o protocol, in []photo, step func()) (b *bank, err error) {
	b = &bank{products: make(map[string]string)}
	if b.dir, err = os.MkdirTemp("", "touchstone-accuracy-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.index, err = create(ctx, b.store()); err != nil {
		return nil, err
	}
	cpu, start := cpuTime(), time.Now()
	for _, p := range in {
		if err := b.register(ctx, o, p); err != nil {
			return nil, err
		}
		step()
	}
	n := float64(max(1, len(in)))
	b.cost.RegisterCPU = rounded(millis(cpuTime()-cpu) / n)
	b.cost.RegisterWall = rounded(millis(time.Since(start)) / n)
	if b.rivals, err = learn(ctx, o, b.registered); err != nil {
		return nil, err
	}
	question, err := o.question(b.registered)
	if err != nil {
		return nil, err
	}
	return b, b.weigh(ctx, question)
}

// question is a picture that is similar to references but the very same as
// none, so that nothing is spared in answering.
func (o protocol) question(registered []photo) ([]byte, error) {
	if len(registered) == 0 {
		return nil, errors.New("no photo could be registered")
	}
	img, err := o.load(registered[0])
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, img, nil)
	return b.Bytes(), err
}

func (b *bank) store() string { return filepath.Join(b.dir, "store") }

func create(ctx context.Context, dir string) (*index.Index, error) {
	x, err := index.Open(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	if _, err := x.CreateBank(ctx, index.Bank{Name: bankName, Kind: index.Genuine}); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

func (b *bank) register(ctx context.Context, o protocol, p photo) error {
	picture, err := o.read(p)
	if err != nil {
		return err
	}
	_, err = b.index.Register(ctx, index.Reference{Bank: bankName, ID: p.file}, bytes.NewReader(picture), index.RegisterOptions{})
	if reason, is := hash.IsUnusable(err); is {
		b.refused = append(b.refused, fmt.Sprintf("%s: %s", p.file, reason))
		return nil
	}
	if err != nil {
		return err
	}
	b.registered = append(b.registered, p)
	b.products[p.file] = p.product
	return nil
}

// weigh compares the store with one that holds an empty bank: the lengths of
// their files when closed, and what lives on the heap of this process after
// each was opened, has answered a question, and garbage was collected twice.
// What the search by local features holds is the difference that it makes to
// switch it off. Pages of files that the system maps for a store are not
// counted; it may take them back. It leaves the store open.
func (b *bank) weigh(ctx context.Context, question []byte) error {
	empty := filepath.Join(b.dir, "empty")
	x, err := create(ctx, empty)
	if err != nil {
		return err
	}
	for _, x := range []*index.Index{x, b.index} {
		if err := x.Close(); err != nil {
			return err
		}
	}
	disk, none := folderSize(b.store()), folderSize(empty)
	without := &index.Options{LocalFeatures: -1}
	var heaps [4]int64
	for i, v := range []struct {
		dir     string
		options *index.Options
	}{
		{empty, nil}, // pays for what a process sets up once
		{empty, without},
		{b.store(), without},
		{b.store(), nil},
	} {
		if i > 0 {
			if err := b.index.Close(); err != nil {
				return err
			}
		}
		if heaps[i], err = b.opened(ctx, v.dir, v.options, question); err != nil {
			return err
		}
	}
	b.cost.References = len(b.registered)
	n := float64(len(b.registered))
	b.cost.DiskBytes = rounded(float64(disk-none) / n)
	b.cost.MemoryBytes = rounded(float64(heaps[2]-heaps[1]) / n)
	b.cost.LocalBytes = rounded(float64(heaps[3]-heaps[2]) / n)
	return nil
}

// opened opens a store as b.index, asks it once in each mode, and returns by
// how much the heap has grown.
func (b *bank) opened(ctx context.Context, dir string, o *index.Options, question []byte) (bytesMore int64, err error) {
	before := heapInUse()
	x, err := index.Open(ctx, dir, o)
	if err != nil {
		return 0, err
	}
	b.index = x
	for _, m := range modes {
		if _, err := x.Judge(ctx, bytes.NewReader(question), judgeOptions(m)); err != nil {
			return 0, err
		}
	}
	return heapInUse() - before, nil
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what has a finalizer, and what pools hold, goes in the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// folderSize adds up the lengths of the files in a folder. A file that cannot
// be looked at counts nothing.
func folderSize(dir string) (n int64) {
	_ = fs.WalkDir(os.DirFS(dir), ".", func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

func (b *bank) close() {
	if b.index != nil {
		b.index.Close()
	}
	os.RemoveAll(b.dir)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
