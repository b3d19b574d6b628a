package radius

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Tables and codes are read at random, and each read from a page of 4 KB needs an
// entry of the page table too, which at hundreds of megabytes is a cache miss of
// its own. Pages of 2 MB need a five-hundredth of them. They are asked for when
// an array is complete. Asking for them beforehand would be cheaper, but the wish
// stays with the addresses when the collector has given them to others, and then a
// small object takes 2 MB.

// largePages asks the system to put s on large pages, as far as it fills them.
// Nothing depends on whether it does. Systems before Linux 6.1 do it in their own
// time, or not at all.
func largePages[T any](s []T) {
	const page = 2 << 20
	size := uintptr(len(s)) * unsafe.Sizeof(*new(T))
	if size < 2*page {
		return
	}
	p := unsafe.Pointer(unsafe.SliceData(s))
	skip := -uintptr(p) % page
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), (size-skip)/page*page), unix.MADV_COLLAPSE)
}
