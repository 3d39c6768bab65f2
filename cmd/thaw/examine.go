package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/sandbox"
)

// Disk space on the data directory's file system, in bytes: below the first nothing can be stored, below the second
// little.
const (
	minDiskBytes    = 1 << 30
	enoughDiskBytes = 5 << 30
)

// examine makes all checks. An error means that there are no such engines.
func (d *doctor) examine(ctx context.Context) ([]sandbox.Check, error) {
	dir, remove, err := scratch()
	if err != nil {
		return []sandbox.Check{{Name: "temporary directory", Must: true, Detail: err.Error(), Remedy: "name one that can be written with TMPDIR"}}, nil
	}
	defer remove()
	helpers, err := embedded.Extract(filepath.Join(dir, "bin"))
	build := sandbox.Check{Name: "helper programs", Must: true, OK: err == nil, Detail: "embedded"}
	if err != nil {
		build.Detail, build.Remedy = err.Error(), "build thaw with make build"
	}
	checks := []sandbox.Check{build}
	engines, err := node.Examine(ctx, d.config, helpers)
	if err != nil {
		return nil, err
	}
	for _, engine := range engines {
		for _, c := range engine.Checks {
			if len(engines) > 1 {
				c.Name = engine.Engine + ": " + c.Name
			}
			checks = append(checks, c)
		}
	}
	return append(checks, d.checkData(), d.checkCredentials(), d.checkDisk(), d.checkRuntimes(ctx, dir), d.checkServer(ctx)), nil
}

// checkData looks at the directory, or at the parent in which a server would create it.
func (d *doctor) checkData() sandbox.Check {
	c := sandbox.Check{Name: "data directory", Must: true}
	dir := existing(d.config.DataDir)
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		c.Detail, c.Remedy = dir+" cannot be written: "+err.Error(), "run the server as a user who may, or name another directory with --data"
		return c
	}
	c.OK, c.Detail = true, d.config.DataDir
	if dir != filepath.Clean(d.config.DataDir) {
		c.Detail += ", created when a server starts"
	}
	return c
}

func (d *doctor) checkCredentials() sandbox.Check {
	c := sandbox.Check{Name: "credentials"}
	path := filepath.Join(d.config.DataDir, "credentials")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.OK, c.Detail = true, "none yet, created when a server starts"
	case err != nil:
		c.Detail, c.Remedy = err.Error(), "run this as the user who runs the server"
	case info.Mode().Perm()&0o077 != 0:
		c.Detail, c.Remedy = fmt.Sprintf("%s has mode %04o: others can read the keys", path, info.Mode().Perm()), "chmod 600 "+shellWord(path)
	default:
		c.OK, c.Detail = true, path
	}
	return c
}

func (d *doctor) checkDisk() sandbox.Check {
	const remedy = "make room, or put the data directory on a larger disk with --data"
	c := sandbox.Check{Name: "disk space", Must: true, Remedy: remedy}
	var s unix.Statfs_t
	dir := existing(d.config.DataDir)
	if err := unix.Statfs(dir, &s); err != nil {
		c.Detail = err.Error()
		return c
	}
	free := int64(s.Bavail) * s.Bsize
	c.Detail = sizeText(free) + " free at " + dir
	c.OK, c.Must = free >= enoughDiskBytes, free < minDiskBytes
	if c.OK {
		c.Remedy = ""
	}
	return c
}

// existing is the nearest directory at or above path that exists.
func existing(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return "/"
	}
	for ; path != "/"; path = filepath.Dir(path) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			break
		}
	}
	return path
}

// checkRuntimes looks at the data directory's runtimes, or at those a new one would have, in dir.
func (d *doctor) checkRuntimes(ctx context.Context, dir string) sandbox.Check {
	c := sandbox.Check{Name: "runtimes"}
	if info, err := os.Stat(filepath.Join(d.config.DataDir, "runtimes")); err == nil && info.IsDir() {
		dir = d.config.DataDir
	}
	all, err := listRuntimes(ctx, dir)
	if err != nil {
		c.Detail, c.Remedy = err.Error(), "run this as the user who runs the server"
		return c
	}
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
		c.OK = c.OK || r.Family != lambda.FamilyProvided
	}
	c.Detail = strings.Join(names, ", ")
	if !c.OK {
		c.Remedy = "for Python or Node.js functions install python3 or nodejs on this host, or add one: thaw runtime add --help"
	}
	return c
}

func (d *doctor) checkServer(ctx context.Context) sandbox.Check {
	c := sandbox.Check{Name: "server"}
	announced, err := readAnnouncement(d.config.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		c.OK, c.Detail = true, "none runs with this data directory"
		return c
	}
	if err == nil {
		err = reach(ctx, announced.Endpoint)
	}
	if err != nil {
		c.Detail, c.Remedy = err.Error(), "if it was killed, start it again: thaw serve"
		return c
	}
	c.OK, c.Detail = true, fmt.Sprintf("%s, process %d", announced.Endpoint, announced.PID)
	return c
}

// reach asks a server whether it is ready.
func reach(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := client.New(client.Options{Endpoint: endpoint})
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Ready(ctx)
}

// scratch makes a directory for what a check must write, and returns what removes it. Other users may pass through it,
// because gVisor's processes run as nobody.
func scratch() (string, func(), error) {
	dir, err := os.MkdirTemp("", "thaw-doctor-")
	if err != nil {
		return "", nil, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, os.Chmod(dir, 0o711)
}
