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

// settings make a disk quick for what is done with it: large files of another machine's, which has a scheduler and caches
// of its own.
var settings = [...][2]string{{"scheduler", "none"}, {"wbt_lat_usec", "0"}, {"iostats", "0"}, {"nomerges", "2"}}

// settle makes the disks ready for content that comes later. Nothing reads them between this and a mount, so it is enough
// to make the kernel forget here what it has read of them.
func (d drives) settle() error {
	for _, name := range d {
		for _, s := range settings {
			if err := put("/sys/block/"+name+"/queue/"+s[0], s[1]); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EINVAL) {
				return err // a kernel may lack one of them
			}
		}
		if err := forget("/dev/" + name); err != nil {
			return err
		}
	}
	return nil
}

// forget makes the kernel forget what it has read of a disk.
func forget(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("open "+path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	return fail("flush "+path, unix.IoctlSetInt(fd, unix.BLKFLSBUF, 0))
}

// path is that of drive i.
func (d drives) path(i int) (string, error) {
	if i < 0 || i >= len(d) {
		return "", errors.New("there is no drive " + itoa(i))
	}
	return "/dev/" + d[i], nil
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
