package node

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/code"
	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/snapshot"
)

// disk measures what the data directory takes.
type disk struct {
	dir       string
	packages  *code.Store
	snapshots *snapshot.Store
	freed     func() code.Freed
	log       *slog.Logger

	mu   sync.Mutex
	at   time.Time    // guarded by mu
	last metrics.Disk // guarded by mu
}

// diskEvery is how old a measurement may be: it looks at every file.
const diskEvery = 30 * time.Second

// usage is what there is, not older than diskEvery.
func (d *disk) usage() metrics.Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at.IsZero() || time.Since(d.at) > diskEvery {
		d.last, d.at = d.measure(), time.Now()
	}
	return d.last
}

func (d *disk) measure() (m metrics.Disk) {
	u, err := d.packages.Size()
	if err != nil {
		d.log.Warn("code store could not be measured", "error", err)
	}
	m.Packages, m.PackageBytes, m.ImageBytes = u.Packages, u.ZipBytes, u.ImageBytes
	_, m.SnapshotBytes = d.snapshots.Usage()
	m.RuntimeBytes, m.StoreBytes = treeBytes(filepath.Join(d.dir, "runtimes")), treeBytes(filepath.Join(d.dir, "store"))
	m.FreedBytes = d.freed().Bytes
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		d.log.Warn("free disk space is unknown", "error", err)
		return m
	}
	m.FreeBytes = int64(s.Bavail) * s.Bsize //nolint:gosec // no file system is that large
	return m
}

// treeBytes is the sum of the lengths of the files below dir. What cannot be read, because it goes meanwhile, does not count.
func treeBytes(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil //nolint:nilerr // it is gone
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
