//go:build !amd64

package qemu

// counter is 0: there is no time stamp counter, and package kvm's and QEMU's machines are amd64's.
func counter() uint64 { return 0 }
