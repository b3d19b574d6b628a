package main

import (
	"time"

	"golang.org/x/sys/windows"
)

// cpuTime is the time that the processors spent on this process so far, in it
// and in the kernel for it. Windows counts in steps of some 16 ms: means are
// right, single values are not.
func cpuTime() time.Duration {
	var created, ended, kernel, user windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &created, &ended, &kernel, &user) != nil {
		return 0 // it fails only for wrong arguments
	}
	ticks := func(t windows.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (ticks(kernel) + ticks(user)))
}
