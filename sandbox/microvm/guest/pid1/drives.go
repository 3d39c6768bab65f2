package pid1

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// drives are the machine's disks by the numbers the host gives them: their names below /dev. The writable one, if there is
// one, is last.
type drives []string

// scratchSerial is the serial number of the writable drive. Package vmm says so.
const scratchSerial = "scratch"

// serial is that of read-only drive i.
func serial(i int) string { return "drive" + itoa(i) }

// findDrives finds the disks by their serial numbers, or if the first has none, by the order of their devices.
func findDrives() (drives, error) {
	entries, err := os.ReadDir("/sys/block") // sorted
	if err != nil {
		return nil, err
	}
	var inOrder drives
	bySerial := map[string]string{}
	for _, e := range entries {
		name := e.Name()
		if len(name) != 3 || name[:2] != "vd" {
			continue
		}
		inOrder = append(inOrder, name)
		if s, err := get("/sys/block/" + name + "/serial"); err == nil {
			bySerial[s] = name
		}
	}
	if bySerial[serial(0)] == "" {
		return inOrder, nil
	}
	var d drives
	for range bySerial {
		if name := bySerial[serial(len(d))]; name != "" {
			d = append(d, name)
		}
	}
	if name := bySerial[scratchSerial]; name != "" {
		d = append(d, name)
	}
	if len(d) != len(inOrder) {
		return nil, errors.New("the disks' serial numbers do not tell them apart")
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
