package microvm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// Memory and scratch drive of a machine are large files that are mostly holes. A snapshot holds them packed: a head, the
// list of extents, and their bytes one after the other. Everything that reads a snapshot (its checksums, a copy of the
// directory) takes as long as what is in it, not as long as what the guest might have had.
//
//	magic 8 | size of the sparse file 8 | number of extents 4 | (offset 8, length 8)... | bytes
//
// Numbers are little-endian. A file may be packed upon another of the same size, its base: then the extents are what
// differs from that, and those whose length has the bit zeroExtent are all zero and have no bytes. Which base it was, the
// file does not say.

const (
	packMagic = "thawpck2"
	packHead  = len(packMagic) + 8 + 4

	// zeroExtent is set in the length of an extent that is zero where the base is not.
	zeroExtent = 1 << 63

	// maxExtents bounds what is read. The most that a file of 16 GiB can have, every other page, is half of it more.
	maxExtents = 4 << 20

	// packBuffer is how much is copied at once, in bytes.
	packBuffer = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errPacked is returned for bytes that are no packed file.
var errPacked = errors.New("not a packed file")

type extent struct {
	off, n int64
	zero   bool // all of it is zero, and the base's is not
}

// extentsOf returns where f has data.
func extentsOf(f *os.File, size int64) ([]extent, error) {
	var all []extent
	for at := int64(0); at < size; {
		data, err := seek(f, at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break // a hole to the end
		}
		if err != nil {
			return nil, err
		}
		hole, err := seek(f, data, unix.SEEK_HOLE)
		if err != nil {
			return nil, err
		}
		hole = min(hole, size)
		if data >= hole {
			break
		}
		all = append(all, extent{off: data, n: hole - data})
		at = hole
	}
	return all, nil
}

func seek(f *os.File, off int64, whence int) (n int64, err error) {
	err = hostfile.Control(f, func(fd uintptr) (err error) {
		n, err = unix.Seek(int(fd), off, whence)
		return err
	})
	return n, err
}

// pack writes what the sparse file has, or what of it differs from base, to w. It returns how many bytes it wrote and their
// checksum, CRC-32C.
func pack(w io.Writer, sparse, base *os.File, ended func() error) (n int64, sum uint32, err error) {
	st, err := sparse.Stat()
	if err != nil {
		return 0, 0, err
	}
	extents, err := extentsOf(sparse, st.Size())
	if err == nil && base != nil {
		extents, err = changes(sparse, base, st.Size(), extents, ended)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("find data: %w", err)
	}
	out := &summing{w: w, sum: crc32.New(castagnoli)}
	head := make([]byte, 0, packHead+16*len(extents))
	head = append(head, packMagic...)
	head = binary.LittleEndian.AppendUint64(head, uint64(st.Size()))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(extents)))
	for _, x := range extents {
		length := uint64(x.n)
		if x.zero {
			length |= zeroExtent
		}
		head = binary.LittleEndian.AppendUint64(head, uint64(x.off))
		head = binary.LittleEndian.AppendUint64(head, length)
	}
	if _, err := out.Write(head); err != nil {
		return 0, 0, err
	}
	body := bufio.NewWriterSize(out, packBuffer)
	buf := make([]byte, packBuffer)
	for _, x := range extents {
		if x.zero {
			continue
		}
		if err := eachPiece(x, ended, func(off, n int64) error {
			if _, err := sparse.ReadAt(buf[:n], off); err != nil {
				return err
			}
			_, err := body.Write(buf[:n])
			return err
		}); err != nil {
			return 0, 0, err
		}
	}
	if err := body.Flush(); err != nil {
		return 0, 0, err
	}
	return out.n, out.sum.Sum32(), nil
}

// unpack is pack's inverse: it makes the empty file sparse what was packed into r, of which it reads everything, upon base if
// it was packed upon one. It fails unless that was a file of size bytes. sum is the checksum of what r had.
func unpack(sparse, base *os.File, r io.Reader, size int64, ended func() error) (sum uint32, err error) {
	summed := &summing{r: r, sum: crc32.New(castagnoli)}
	in := bufio.NewReaderSize(summed, packBuffer)
	head := make([]byte, packHead)
	if _, err := io.ReadFull(in, head); err != nil {
		return 0, fmt.Errorf("%w: %w", errPacked, err)
	}
	count := binary.LittleEndian.Uint32(head[packHead-4:])
	if string(head[:len(packMagic)]) != packMagic || binary.LittleEndian.Uint64(head[len(packMagic):]) != uint64(size) || count > maxExtents {
		return 0, fmt.Errorf("%w of %d bytes", errPacked, size)
	}
	list := make([]byte, 16*int(count))
	if _, err := io.ReadFull(in, list); err != nil {
		return 0, fmt.Errorf("%w: %w", errPacked, err)
	}
	if err := sparse.Truncate(size); err != nil {
		return 0, err
	}
	if base != nil {
		if err := copyData(sparse, base, size, ended); err != nil {
			return 0, fmt.Errorf("copy the base: %w", err)
		}
	}
	last := uint64(0)
	for ; len(list) > 0; list = list[16:] {
		off, n := binary.LittleEndian.Uint64(list), binary.LittleEndian.Uint64(list[8:])
		zero := n&zeroExtent != 0
		n &^= zeroExtent
		if off < last || n == 0 || off > uint64(size) || n > uint64(size)-off || zero && base == nil {
			return 0, fmt.Errorf("%w: extent of %d bytes at %d", errPacked, n, off)
		}
		last = off + n
		x := extent{off: int64(off), n: int64(n), zero: zero}
		if zero {
			if err := punch(sparse, x.off, x.n); err != nil {
				return 0, err
			}
			continue
		}
		if err := eachPiece(x, ended, func(off, n int64) error {
			b, err := in.Peek(int(n)) // a piece fits into the reader's buffer
			if err != nil {
				return fmt.Errorf("%w: %w", errPacked, err)
			}
			if _, err := sparse.WriteAt(b, off); err != nil {
				return err
			}
			_, err = in.Discard(int(n))
			return err
		}); err != nil {
			return 0, err
		}
	}
	if n, err := io.Copy(io.Discard, in); n > 0 || err != nil {
		return 0, fmt.Errorf("%w: %d bytes too many, %w", errPacked, n, err)
	}
	return summed.sum.Sum32(), nil
}

// pageBytes is the unit in which a file in memory has holes.
const pageBytes = 4096

// dropZeros makes holes of the pages of f, a file in memory, that are all zero: a guest that was booted has touched many
// of which nothing is left.
func dropZeros(f *os.File, ended func() error) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	extents, err := extentsOf(f, st.Size())
	if err != nil {
		return err
	}
	buf, zeros := make([]byte, packBuffer), make([]byte, pageBytes)
	drop := func(off, n int64) error {
		if n == 0 {
			return nil
		}
		return punch(f, off, n)
	}
	for _, x := range extents {
		if err := eachPiece(x, ended, func(off, n int64) error {
			if _, err := f.ReadAt(buf[:n], off); err != nil {
				return err
			}
			from := int64(0) // where the run of zero pages begins
			for at := int64(0); at < n; at += pageBytes {
				end := min(at+pageBytes, n)
				if bytes.Equal(buf[at:end], zeros[:end-at]) {
					continue
				}
				if err := drop(off+from, at-from); err != nil {
					return err
				}
				from = end
			}
			return drop(off+from, n-from)
		}); err != nil {
			return fmt.Errorf("drop zeros: %w", err)
		}
	}
	return nil
}

// punch makes a hole.
func punch(f *os.File, off, n int64) error {
	return hostfile.Control(f, func(fd uintptr) error {
		return unix.Fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}

// eachPiece calls f for every piece of x that fits into a buffer, as long as ended returns nil.
func eachPiece(x extent, ended func() error, f func(off, n int64) error) error {
	for x.n > 0 {
		if err := ended(); err != nil {
			return err
		}
		n := min(x.n, packBuffer)
		if err := f(x.off, n); err != nil {
			return err
		}
		x.off, x.n = x.off+n, x.n-n
	}
	return nil
}

// summing counts and sums up what passes through it.
type summing struct {
	r   io.Reader
	w   io.Writer
	n   int64
	sum hash.Hash32
}

func (s *summing) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	_, _ = s.sum.Write(b[:n]) // never fails
	s.n += int64(n)
	return n, err
}

func (s *summing) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	_, _ = s.sum.Write(b[:n]) // never fails
	s.n += int64(n)
	return n, err
}
