package gvisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/internal/hostfile"
)

// The images of Spec.Mounts belong to the sandbox's mount table, and gVisor takes the files for that only when it makes
// the sandbox, long before anybody knows what they will contain. So each gets a nameless file of its own, and Attach
// copies the image into it; the sentry does not look inside before Start or Restore. On a file system that can share
// blocks between files the copy takes no time and no space. An image attached to a running sandbox is not copied, but
// gVisor cannot restore its mount.

// mount is the place of one image of the mount table.
type mount struct {
	target string
	file   *os.File // read-write; closed once the sandbox runs
}

// copyChunk is how much of an image is copied between two looks at the context, in bytes.
const copyChunk = 32 << 20

// emptyImage returns an EROFS image of nothing.
func emptyImage() ([]byte, error) {
	var b seekless
	if err := image.Write(context.Background(), &b, image.NewTree()); err != nil {
		return nil, fmt.Errorf("make empty image: %w", err)
	}
	return b, nil
}

// seekless is a byte slice to write to.
type seekless []byte

func (s *seekless) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

func (s *seekless) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(*s)) {
		return 0, errors.New("write outside of image")
	}
	return copy((*s)[off:], p), nil
}

// newMounts makes the places for targets, each with an empty image, and what the sentry gets of them.
func (e *Engine) newMounts(targets []string) (mounts []*mount, sentrys []*os.File, err error) {
	for _, target := range targets {
		var f, ro *os.File
		if f, err = hostfile.Nameless(e.tmpDir()); err != nil {
			break
		}
		mounts = append(mounts, &mount{target: target, file: f})
		if ro, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err != nil {
			break
		}
		sentrys = append(sentrys, ro)
		if _, err = io.Copy(f, bytes.NewReader(e.empty)); err != nil {
			break
		}
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make mounts: %w", err), closeMounts(mounts), hostfile.Close(sentrys...))
	}
	return mounts, sentrys, nil
}

func closeMounts(mounts []*mount) error {
	var errs []error
	for _, m := range mounts {
		errs = append(errs, hostfile.Close(m.file))
	}
	return errors.Join(errs...)
}

// fill makes m contain what from does.
func (m *mount) fill(ctx context.Context, from *os.File) error {
	st, err := from.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Size() == 0 {
		return fmt.Errorf("%s is no image", from.Name())
	}
	if err := m.file.Truncate(0); err != nil {
		return err
	}
	if _, err := m.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for left := st.Size(); left > 0; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := io.CopyN(m.file, from, min(left, copyChunk)) // by copy_file_range, see os.File.ReadFrom
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// imageMount is a mount in the spec. The source shows up in no place inside.
func imageMount(target string) specs.Mount {
	return specs.Mount{Destination: target, Type: "erofs", Source: "image", Options: []string{"ro", "nosuid"}}
}
