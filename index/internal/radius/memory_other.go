//go:build !linux

package radius

// advised makes a slice of n.
func advised[T any](n int) []T { return make([]T, n) }

// settle does nothing here.
func settle[T any]([]T) {}
