package microvm

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// changes returns where sparse, whose data is in extents, differs from base, a file of the same size, in whole pages.
func changes(sparse, base *os.File, size int64, extents []extent, ended func() error) ([]extent, error) {
	others, err := extentsOf(base, size)
	if err != nil {
		return nil, err
	}
	var all []extent
	add := func(off, n int64, zero bool) {
		if last := len(all) - 1; last >= 0 && all[last].off+all[last].n == off && all[last].zero == zero {
			all[last].n += n
			return
		}
		all = append(all, extent{off, n, zero})
	}
	mine, theirs, zeros := make([]byte, packBuffer), make([]byte, packBuffer), make([]byte, pageBytes)
	for _, x := range union(extents, others) {
		if err := eachPiece(x, ended, func(off, n int64) error {
			if _, err := sparse.ReadAt(mine[:n], off); err != nil {
				return err
			}
			if _, err := base.ReadAt(theirs[:n], off); err != nil {
				return err
			}
			for at := int64(0); at < n; at += pageBytes {
				end := min(at+pageBytes, n)
				if !bytes.Equal(mine[at:end], theirs[at:end]) {
					add(off+at, end-at, bytes.Equal(mine[at:end], zeros[:end-at]))
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// union merges two lists of extents, both in order, into one without overlaps.
func union(a, b []extent) []extent {
	var all []extent
	for len(a)+len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && b[0].off < a[0].off {
			from = &b
		}
		x := (*from)[0]
		*from = (*from)[1:]
		if last := len(all) - 1; last >= 0 && x.off <= all[last].off+all[last].n {
			all[last].n = max(all[last].n, x.off+x.n-all[last].off)
			continue
		}
		all = append(all, x)
	}
	return all
}

// copyData copies what the sparse file from has into the file to, within the kernel.
func copyData(to, from *os.File, size int64, ended func() error) error {
	extents, err := extentsOf(from, size)
	if err != nil {
		return err
	}
	return hostfile.Control(to, func(out uintptr) error {
		return hostfile.Control(from, func(in uintptr) error {
			for _, x := range extents {
				if err := eachPiece(x, ended, func(off, n int64) error { return copyRange(int(out), int(in), off, n) }); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func copyRange(to, from int, off, n int64) error {
	there := off
	for n > 0 {
		k, err := unix.CopyFileRange(from, &off, to, &there, int(n), 0)
		if err != nil {
			return err
		}
		if k == 0 {
			return io.ErrUnexpectedEOF
		}
		n -= int64(k)
	}
	return nil
}
