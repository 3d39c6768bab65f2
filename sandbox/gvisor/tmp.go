package gvisor

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// defaultTmpBytes is the size of /tmp where the spec names none. Source: AWS Lambda, "Configure ephemeral storage".
const defaultTmpBytes = 512 << 20

// /tmp is gVisor's tmpfs with its pages in a file of the host instead of in the sentry's memory: what functions write
// there is disk, as on Lambda, and is no part of their memory limit beyond the page cache, which the kernel drops when
// the limit is reached. The file has no name, so it vanishes with the sandbox whatever happens. A checkpoint contains
// what is in /tmp: gVisor saves the pages of the file with those of memory.
//
// gVisor can only give a file to a mount that exists from the beginning, and cannot change a mounted tmpfs's size, so
// the size is part of the spec. (Taking the excess of a larger mount away with fallocate does not work: gVisor commits
// the space on the host's disk.)

// tmpMount is /tmp in the spec. gVisor recognises a mount that has a host file by its type "bind"; what it really is,
// mountConfs says.
func tmpMount(emptyDir string, bytes int64) specs.Mount {
	if bytes <= 0 {
		bytes = defaultTmpBytes
	}
	return specs.Mount{
		Destination: "/tmp",
		Type:        "bind",
		Source:      emptyDir,
		Options:     []string{"rw", "nosuid", "mode=1777", "size=" + strconv.FormatInt(bytes, 10)},
	}
}
