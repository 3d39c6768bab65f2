package supervisor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Place is where something can be mounted in the jail, relative to its root.
type Place string

// The places besides drives.
const (
	Scratch    Place = "drives/scratch" // the writable drive
	Kernel     Place = "load/kernel"
	Initrd     Place = "load/initrd"
	SaveMemory Place = "save/memory" // what the guest's memory is written to
)

// Places that are files of the jail itself.
const (
	LoadState Place = "load/state" // written by the driver
	SaveState Place = "save/state" // written by Firecracker
	Memory    Place = "fd/0"       // Firecracker's standard input
)

// Drive is the place of read-only drive i.
func Drive(i int) Place { return Place("drives/" + strconv.Itoa(i)) }

// Path is the place's absolute path as Firecracker sees it.
func (p Place) Path() string { return "/" + string(p) }

// split returns the directory and the name in it.
func (p Place) split() (dir, name string, err error) {
	dir, name, ok := strings.Cut(string(p), "/")
	if !ok || name == "" || strings.Contains(name, "/") || name == "." || name == ".." {
		return "", "", fmt.Errorf("%q is no place", string(p))
	}
	return dir, name, nil
}

// errPlace is returned for a place outside the directories that things can be mounted in.
var errPlace = errors.New("nothing can be mounted there")
