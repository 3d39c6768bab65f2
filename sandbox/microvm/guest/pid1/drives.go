package pid1

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// drives are the machine's disks by the numbers the host gives them: their names below /dev. The writable one is last.
type drives []string

// findDrives finds the disks, which are in the order of their devices.
func findDrives() (drives, error) {
	entries, err := os.ReadDir("/sys/block") // sorted
	if err != nil {
		return nil, err
	}
	var d drives
	for _, e := range entries {
		if name := e.Name(); len(name) == 3 && name[:2] == "vd" {
			d = append(d, name)
		}
	}
	return d, nil
}

// open returns the path of drive i after it made the kernel forget what it has read of it: its content may be new.
func (d drives) open(i int) (string, error) {
	if i < 0 || i >= len(d) {
		return "", errors.New("there is no drive " + itoa(i))
	}
	path := "/dev/" + d[i]
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fail("open "+path, err)
	}
	err = unix.IoctlSetInt(fd, unix.BLKFLSBUF, 0)
	_ = unix.Close(fd)
	return path, fail("flush "+path, err)
}

// writable returns the path of the writable drive, or "" if there is none.
func (d drives) writable() (string, error) {
	if len(d) == 0 {
		return "", nil
	}
	last := d[len(d)-1]
	ro, err := get("/sys/block/" + last + "/ro")
	if err != nil || ro != "0" {
		return "", err
	}
	return "/dev/" + last, nil
}
