//go:build !linux

package endtoend_test

// contention is measured on Linux only.
func contention() float64 { return 1 }
