// Package pidfd has processes by descriptors instead of numbers, which the kernel gives away again as soon as a process
// was waited for: so no other process is ever signalled or killed. It knows nothing of what the processes are.
package pidfd
