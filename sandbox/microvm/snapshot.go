package microvm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// A snapshot is a directory with these files. The last describes the others and is written last; everything is compared
// with it before a monitor sees a byte. Whoever can write here can do to the guest what they like, but not to the host,
// because it is the monitor that reads the state, in its jail.
const (
	memoryFile   = "memory"  // packed, see sparse.go; upon the memory of the boot template, unless it is one
	stateFile    = "state"   // the monitor's
	scratchFile  = "scratch" // packed; missing in a boot template
	describeFile = "microvm.json"
)

const (
	maxDescriptionBytes = 64 << 10
	maxStateBytes       = 64 << 20
)

// description is what describeFile contains, as JSON.
type description struct {
	Fingerprint string             `json:"fingerprint"`
	Shape       vmm.Shape          `json:"shape"`
	Template    string             `json:"template"` // the name of the boot template that this is, or that it builds on
	Builds      bool               `json:"builds"`   // it builds on that
	Files       map[string]content `json:"files"`
}

type content struct {
	Bytes int64  `json:"bytes"`
	CRC   uint32 `json:"crc32c"`
}

// errSnapshot is returned by Restore for a directory that is no usable snapshot.
var errSnapshot = errors.New("unusable snapshot")

// draft writes a snapshot.
type draft struct {
	dir string
	d   description
}

// newDraft begins the snapshot that is the boot template, or one that builds on it.
func newDraft(dir, fingerprint string, shape vmm.Shape, template *saved, builds bool) *draft {
	return &draft{dir: dir, d: description{
		Fingerprint: fingerprint, Shape: shape, Template: template.template, Builds: builds, Files: map[string]content{},
	}}
}

// pack adds a sparse file, or what of it differs from base.
func (d *draft) pack(name string, sparse, base *os.File, ended func() error) error {
	return d.write(name, func(w io.Writer) (int64, uint32, error) { return pack(w, sparse, base, ended) })
}

// copy adds a small file.
func (d *draft) copy(name string, from *os.File) error {
	return d.write(name, func(w io.Writer) (int64, uint32, error) {
		out := &summing{w: w, sum: crc32.New(castagnoli)}
		n, err := io.Copy(out, io.NewSectionReader(from, 0, maxStateBytes+1))
		if err == nil && n > maxStateBytes {
			err = fmt.Errorf("%s has more than %d bytes", name, maxStateBytes)
		}
		return n, out.sum.Sum32(), err
	})
}

func (d *draft) write(name string, fill func(io.Writer) (int64, uint32, error)) error {
	f, err := os.OpenFile(filepath.Join(d.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, sum, err := fill(f)
	d.d.Files[name] = content{n, sum}
	return errors.Join(err, f.Close())
}

// finish writes the description.
func (d *draft) finish() error {
	b, err := json.Marshal(d.d)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, describeFile), b, 0o600)
}

// stored is a snapshot on disk.
type stored struct {
	dir string
	d   description
	// key changes whenever one of the files does, as far as the file system tells.
	key string
}

// open reads the description of the snapshot in dir and compares it with what is wanted and what is there.
func open(dir, fingerprint string, shape vmm.Shape, files ...string) (*stored, error) {
	s := &stored{dir: dir}
	b, err := readBounded(filepath.Join(dir, describeFile), maxDescriptionBytes)
	if err == nil {
		strict := json.NewDecoder(bytes.NewReader(b))
		strict.DisallowUnknownFields()
		err = strict.Decode(&s.d)
		if _, more := strict.Token(); err == nil && !errors.Is(more, io.EOF) {
			err = errors.New("there is more behind its end")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errSnapshot, describeFile, err)
	}
	if s.d.Fingerprint != fingerprint {
		return nil, fmt.Errorf("%w: its fingerprint is %.64q, this engine's is %q", errSnapshot, s.d.Fingerprint, fingerprint)
	}
	if s.d.Shape != shape {
		return nil, fmt.Errorf("%w: it is of a machine of shape %+v, this one has %+v", errSnapshot, s.d.Shape, shape)
	}
	var key strings.Builder
	for _, name := range append(files, describeFile) {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, name), &st); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errSnapshot, name, err)
		}
		want, ok := s.d.Files[name]
		if st.Mode&unix.S_IFMT != unix.S_IFREG || name != describeFile && (!ok || st.Size != want.Bytes) {
			return nil, fmt.Errorf("%w: %s has %d bytes, not the %d it was written with", errSnapshot, name, st.Size, want.Bytes)
		}
		fmt.Fprintf(&key, "%s %x:%x %d %d.%d %d.%d;", name, st.Dev, st.Ino, st.Size, st.Mtim.Sec, st.Mtim.Nsec, st.Ctim.Sec, st.Ctim.Nsec)
	}
	s.key = key.String()
	return s, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}

// load brings memory and state into memory. base is the boot template that a snapshot must build on; nil to load one.
func (s *stored) load(base *saved, ended func() error) (_ *saved, err error) {
	var below *os.File
	switch {
	case s.d.Builds && base == nil:
		return nil, fmt.Errorf("%w: it is no boot template, but builds on one", errSnapshot)
	case !s.d.Builds && base != nil, s.d.Template == "":
		return nil, fmt.Errorf("%w: it does not say which boot template it builds on", errSnapshot)
	case base != nil && s.d.Template != base.template:
		return nil, fmt.Errorf("%w: it builds on the boot template %.64q, which is gone; there is %q", errSnapshot, s.d.Template, base.template)
	case base != nil:
		below = base.memory
	}
	sv, err := newSaved()
	if err != nil {
		return nil, err
	}
	sv.template = s.d.Template
	defer func() {
		if err != nil {
			_ = sv.close()
		}
	}()
	if err := s.unpack(memoryFile, sv.memory, below, s.d.Shape.MemoryBytes, ended); err != nil {
		return nil, err
	}
	b, err := readBounded(filepath.Join(s.dir, stateFile), maxStateBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSnapshot, err)
	}
	if err := s.check(stateFile, crc32.Checksum(b, castagnoli)); err != nil {
		return nil, err
	}
	if _, err := sv.state.WriteAt(b, 0); err != nil {
		return nil, err
	}
	return sv, sv.seal()
}

// scratch makes the file f what the machine's scratch drive was.
func (s *stored) scratch(f *os.File, ended func() error) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	return s.unpack(scratchFile, f, nil, s.d.Shape.ScratchBytes, ended)
}

func (s *stored) unpack(name string, into, base *os.File, size int64, ended func() error) error {
	f, err := os.Open(filepath.Join(s.dir, name))
	if err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	defer func() { _ = hostfile.Close(f) }()
	sum, err := unpack(into, base, io.LimitReader(f, s.d.Files[name].Bytes), size, ended)
	if errors.Is(err, errPacked) {
		err = fmt.Errorf("%w: %s: %w", errSnapshot, name, err)
	}
	if err != nil {
		return err
	}
	return s.check(name, sum)
}

func (s *stored) check(name string, sum uint32) error {
	if want := s.d.Files[name].CRC; sum != want {
		return fmt.Errorf("%w: the checksum of %s is %08x, not %08x", errSnapshot, name, sum, want)
	}
	return nil
}
