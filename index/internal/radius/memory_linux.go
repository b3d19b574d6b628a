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
	s := make([]T, n)
	advise(s, unix.MADV_HUGEPAGE)
	return s
}

// settle asks for large pages again, when the slice has been filled: what the
// garbage collector gave may have had small ones before.
func settle[T any](s []T) { advise(s, unix.MADV_COLLAPSE) }

// advise speaks of the whole large pages in s.
func advise[T any](s []T, advice int) {
	const page = 2 << 20
	size := uintptr(len(s)) * unsafe.Sizeof(*new(T))
	if size < 2*page {
		return
	}
	p := unsafe.Pointer(unsafe.SliceData(s))
	skip := -uintptr(p) % page
	// Nothing depends on whether the advice is taken.
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), (size-skip)/page*page), advice)
}
