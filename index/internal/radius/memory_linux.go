package radius

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Tables are read at random, so each read from pages of 4 KB needs an entry of
// the page table too, which at hundreds of megabytes is a cache miss of its
// own. Pages of 2 MB need a five-hundredth of them.

// advised makes a slice of n, and asks the system for large pages. The memory is
// the garbage collector's like any other.
func advised[T any](n int) []T {
	const page = 2 << 20
	s := make([]T, n)
	size := uintptr(n) * unsafe.Sizeof(*new(T))
	if size < 2*page {
		return s
	}
	p := unsafe.Pointer(unsafe.SliceData(s))
	skip := -uintptr(p) % page
	// Advice only: nothing depends on whether it is taken.
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), (size-skip)/page*page), unix.MADV_HUGEPAGE)
	return s
}
