package runtimes

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// tempPrefix begins the names of temporary files and directories. Whoever makes one holds its lock while using it.
const tempPrefix = ".building-"

// claim locks a temporary file or directory, so that no other process takes it for abandoned. Closing the result
// releases it, and so does the end of the process, however it ends.
func claim(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// removeTemp removes what interrupted builds left. Other processes may be building: what they hold the lock of stays.
func (c *Catalog) removeTemp() error {
	for _, dir := range []string{c.dir, c.customDir(), c.builtDir()} {
		left, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
		if err != nil {
			return err
		}
		for _, p := range left {
			f, err := claim(p)
			if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			err = os.RemoveAll(p)
			_ = f.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}
