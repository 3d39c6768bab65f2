package code

import (
	"archive/zip"
	"fmt"
	"path"
	"strings"
)

// HasLibraries reports whether a stored package has shared libraries in its directory lib, which is on the dynamic
// loader's path once the package is attached. The loader of a process that was started earlier has looked for that
// directory then, and never does again where there was none. The error wraps fs.ErrNotExist if the package is not stored.
func (s *Store) HasLibraries(sha string) (bool, error) {
	if has, ok := s.libraries.Load(sha); ok {
		return has.(bool), nil
	}
	f, size, err := s.open(sha)
	if err != nil {
		return false, err
	}
	defer f.Close()
	z, err := zip.NewReader(f, size)
	if err != nil {
		return false, fmt.Errorf("look into package %s: %w", sha, err)
	}
	has := false
	for _, e := range z.File {
		dir, name := path.Split(path.Clean("/" + e.Name))
		has = has || dir == "/lib/" && (strings.HasSuffix(name, ".so") || strings.Contains(name, ".so."))
	}
	s.libraries.Store(sha, has)
	return has, nil
}
