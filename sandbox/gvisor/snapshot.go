package gvisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"thaw.dev/thaw/internal/hostfile"
)

// A snapshot is a directory with three files that gVisor writes and reads, and a fourth of ours that describes them and
// is written last. gVisor checks next to nothing of what it reads, and hangs or panics over some of what is missing, so
// everything that can be checked cheaply is checked before it sees a byte. The contents of the three are trusted after
// that: whoever can write them can do to the guest what they like, but not to the host, because it is the sentry that
// reads them, behind its seccomp filter as ever.

// The files of a snapshot.
const (
	kernelFile    = "kernel"     // gVisor's kernel: its objects, as a graph
	pageIndexFile = "page-index" // which page of memory is where in pagesFile
	pagesFile     = "pages"      // memory, and what is in /tmp
	describeFile  = "gvisor.json"
)

// snapshotFiles are in the order in which gVisor wants their descriptors.
var snapshotFiles = []string{kernelFile, pageIndexFile, pagesFile}

// maxDescriptionBytes bounds describeFile.
const maxDescriptionBytes = 64 << 10

// description is what describeFile contains, as JSON.
type description struct {
	Fingerprint string           `json:"fingerprint"`
	Bytes       map[string]int64 `json:"bytes"` // size of each of snapshotFiles
}

// errSnapshot is returned by Restore for a directory that is no usable snapshot.
var errSnapshot = errors.New("unusable snapshot")

// describe writes the description of the snapshot in dir.
func describe(dir, fingerprint string, files []*os.File) error {
	d := description{Fingerprint: fingerprint, Bytes: map[string]int64{}}
	for i, f := range files {
		st, err := f.Stat()
		if err != nil {
			return err
		}
		d.Bytes[snapshotFiles[i]] = st.Size()
	}
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, describeFile), b, 0o600)
}

// openSnapshot opens snapshotFiles in dir after it checked them against their description.
func openSnapshot(dir, fingerprint string) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			_ = hostfile.Close(files...)
			files = nil
		}
	}()
	d, err := readDescription(filepath.Join(dir, describeFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSnapshot, err)
	}
	if d.Fingerprint != fingerprint {
		return nil, fmt.Errorf("%w: its fingerprint is %.64q, this engine's is %q", errSnapshot, d.Fingerprint, fingerprint)
	}
	for _, name := range snapshotFiles {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return files, fmt.Errorf("%w: %w", errSnapshot, err)
		}
		files = append(files, f)
		st, err := f.Stat()
		if err != nil {
			return files, err
		}
		if want, ok := d.Bytes[name]; !ok || !st.Mode().IsRegular() || st.Size() != want {
			return files, fmt.Errorf("%w: %s has %d bytes, not the %d it was written with", errSnapshot, name, st.Size(), want)
		}
	}
	return files, nil
}

func readDescription(path string) (*description, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxDescriptionBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxDescriptionBytes {
		return nil, fmt.Errorf("%s has more than %d bytes", describeFile, maxDescriptionBytes)
	}
	d := &description{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("%s: %w", describeFile, err)
	}
	return d, nil
}
