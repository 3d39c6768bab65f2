package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

const (
	metaName   = "meta.json"
	metaSchema = 1
)

// ErrDamaged is returned by Verify.
var ErrDamaged = errors.New("snapshot is damaged")

// meta describes a snapshot.
type meta struct {
	Schema int    `json:"schema"`
	Key    string `json:"key"`
	Owner  string `json:"owner"`
	Files  []file `json:"files"`
}

type file struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	CRC  uint32 `json:"crc32c"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// describe syncs and lists the files in dir.
func describe(dir, key, owner string) (meta, int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return meta{}, 0, err
	}
	m := meta{Schema: metaSchema, Key: key, Owner: owner}
	var bytes int64
	for _, e := range entries {
		if !e.Type().IsRegular() {
			return meta{}, 0, fmt.Errorf("%s is no regular file", e.Name())
		}
		f, err := checksum(filepath.Join(dir, e.Name()), true)
		if err != nil {
			return meta{}, 0, err
		}
		m.Files = append(m.Files, f)
		bytes += f.Size
	}
	if len(m.Files) == 0 {
		return meta{}, 0, errors.New("no files")
	}
	return m, bytes, nil
}

// checksum reads a file.
func checksum(path string, sync bool) (file, error) {
	f, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	defer func() { _ = f.Close() }()
	if sync {
		if err := f.Sync(); err != nil {
			return file{}, err
		}
	}
	h := crc32.New(castagnoli)
	n, err := io.CopyBuffer(onlyWriter{h}, onlyReader{f}, make([]byte, 1<<20))
	return file{Name: filepath.Base(path), Size: n, CRC: h.Sum32()}, err
}

// onlyReader and onlyWriter keep io.CopyBuffer from finding shortcuts that use smaller buffers.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

func (m *meta) write(dir string) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, metaName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(dir))
}

// load reads the snapshot in path, which should have this key.
func load(path, key string) (*Snapshot, error) {
	b, err := os.ReadFile(filepath.Join(path, metaName))
	if err != nil {
		return nil, err
	}
	s := &Snapshot{key: key, dir: path}
	if err := json.Unmarshal(b, &s.meta); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if s.meta.Schema != metaSchema || s.meta.Key != key || !keyPattern.MatchString(key) {
		return nil, fmt.Errorf("%w: schema %d, key %q", ErrDamaged, s.meta.Schema, s.meta.Key)
	}
	for _, f := range s.meta.Files {
		s.bytes += f.Size
	}
	info, err := os.Stat(filepath.Join(path, metaName))
	if err != nil {
		return nil, err
	}
	s.used = info.ModTime()
	return s, nil
}

// Verify compares the files with what was committed: ErrDamaged, or an error of reading.
func (s *Snapshot) Verify() error {
	for _, want := range s.meta.Files {
		if want.Name != filepath.Base(want.Name) {
			return fmt.Errorf("%w: file %q", ErrDamaged, want.Name)
		}
		got, err := checksum(filepath.Join(s.dir, want.Name), false)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if got != want {
			return fmt.Errorf("%w: %s", ErrDamaged, want.Name)
		}
	}
	return nil
}
