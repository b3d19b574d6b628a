//go:build !linux

package radius

// largePages does nothing here: see memory_linux.go.
func largePages[T any]([]T) {}
