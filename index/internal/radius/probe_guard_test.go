//go:build linux && amd64 && !noasm

package radius

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/touchstone-go/touchstone/index/internal/hamming"
)

// guarded returns a copy of s behind which nothing may be read or written.
func guarded[T any](t *testing.T, s []T) []T {
	page := unix.Getpagesize()
	size := len(s) * int(unsafe.Sizeof(*new(T)))
	whole := (size + page - 1) / page * page
	m, err := unix.Mmap(-1, 0, whole+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(m) })
	if err := unix.Mprotect(m[whole:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	g := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(m[whole-size:]))), len(s))
	copy(g, s)
	return g
}

// The kernels neither read nor write behind what they are given: it ends where
// readable memory does, so they would crash.
func TestProbeStaysInside(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := probed(t, r, 3000, 16, true)
	tab := p.tables[3]
	tab.records = guarded(t, tab.records)
	tab.ids = guarded(t, tab.ids)
	all := tab.ball(2)
	for _, level := range kernelLevels() {
		if !kernels(level) {
			t.Skip("the machine has no BMI2")
		}
		for size := 1; size < 50; size++ {
			from := len(all.masks) - size
			b := &ball{masks: guarded(t, all.masks[from:]), dists: guarded(t, all.dists[from:]), lines: guarded(t, all.lines)}
			// The last bucket, and one that holds something.
			for _, key := range []uint32{1<<tab.width - 1, tab.of(p.blocks[0].raw(size))} {
				a := request{&tab, key ^ b.masks[size-1], b}
				spans := guarded(t, make([]span, size+probeGroup))[:0]
				got, _, _ := a.probeFast(level, spans, a)
				if unsafe.SliceData(got) != unsafe.SliceData(spans) {
					t.Fatal("there was room for the spans")
				}
				got = append(got, newSpan(uint32(len(tab.ids)-min(size, gatherLanes)), uint32(min(size, gatherLanes)), 0))
				out := guarded(t, make([]uint32, (len(got)+1)*gatherLanes))[:0]
				sign := tab.signs(40, 0)
				for len(got) > 0 {
					var n int
					out, n = sign.gatherFast(level, out, got)
					got = got[max(n, 1):]
				}
			}
		}
	}
}

// The same of the kernels for four buckets.
func TestFamilyStaysInside(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := probed(t, r, 3000, 16, true)
	tab := p.tables[3]
	tab.records = guarded(t, tab.records)
	tab.ids = guarded(t, tab.ids)
	if !slices.Contains(kernelLevels(), hamming.AVX512) {
		t.Skip("the machine has no AVX-512")
	}
	all := tab.ball(2)
	for size := 1; size < 50; size++ {
		from := len(all.masks) - size
		b := &ball{masks: guarded(t, all.masks[from:]), dists: guarded(t, all.dists[from:])}
		for _, key := range []uint32{1<<tab.width - 1, tab.of(p.blocks[0].raw(size))} {
			g := group{table: &tab, key: (key ^ b.masks[size-1]) >> fourBits << fourBits, ball: b}
			g.starts, g.ends = guarded(t, make([]uint32, size)), guarded(t, make([]uint32, size))
			if _, _, ok := g.probeFast(hamming.AVX512); !ok {
				t.Fatal("there is no kernel")
			}
			g.takeOut()
			// The last numbers of all.
			g.starts[size-1], g.ends[size-1] = uint32(len(tab.ids)-min(size, maxRun)), uint32(min(size, maxRun))*0x01010101
			out := guarded(t, make([]uint32, (size+1)*maxRun))[:0]
			got, _ := g.gatherFast(hamming.AVX512, out, tab.signs(40, 0), &[1 << fourBits]uint32{})
			if unsafe.SliceData(got) != unsafe.SliceData(out) || len(got) == 0 {
				t.Fatal("there was room for the numbers, and there are some")
			}
		}
	}
}

// A directory that leads beyond the numbers is found out before they are read.
func TestProbeBeyondNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := probed(t, r, 3000, 16, false)
	tab := p.tables[0]
	tab.ids = tab.ids[:len(tab.ids)-1]
	for _, level := range kernelLevels() {
		if !kernels(level) {
			t.Skip("the machine has no BMI2")
		}
		for key := range uint32(64) {
			a := request{&tab, 1<<tab.width - 1 - key, tab.ball(3)}
			beyond := false
			for _, m := range a.ball.masks {
				start, n := tab.bucket(a.key ^ m)
				beyond = beyond || int(start+n) > len(tab.ids)
			}
			func() {
				defer func() {
					if (recover() != nil) != beyond {
						t.Errorf("%v, key %d: it leads beyond is %v, and it panics is not", level, a.key, beyond)
					}
				}()
				a.probe(&probing{level: level}, request{})
			}()
		}
	}
}
