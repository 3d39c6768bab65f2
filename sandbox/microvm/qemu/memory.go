package qemu

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

const pageBytes = 4096

// stepBytes is how much memory is saved at a time. The size of a machine's memory is a multiple of it.
const stepBytes = 2 << 20

// newMemory returns memory full of zeros.
func newMemory(size int64) (*os.File, error) {
	f, err := hostfile.Memory("memory")
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// sealed checks that nobody can change a memory file: QEMU opens it to write even where it maps it private.
func sealed(f *os.File) error {
	const all = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK
	return hostfile.Control(f, func(fd uintptr) error {
		seals, err := unix.FcntlInt(fd, unix.F_GET_SEALS, 0)
		if err != nil {
			return fmt.Errorf("memory to load is no memfd: %w", err)
		}
		if seals&all != all {
			return errors.New("memory to load is not sealed")
		}
		return nil
	})
}

// saveMemory writes the memory of a stopped machine into the empty file to.
//
// A page is the guest's own when QEMU's page table says that it is neither absent nor the file's; all others are as in the
// file. Of a machine that was booted all pages are the file's.
func (v *VM) saveMemory(ctx context.Context, to *os.File) error {
	if err := to.Truncate(v.shape.MemoryBytes); err != nil {
		return err
	}
	where, err := mappings(v.PID(), v.memory, v.shape.MemoryBytes)
	if err != nil {
		return err
	}
	table, err := os.Open(fmt.Sprintf("/proc/%d/pagemap", v.PID()))
	if err != nil {
		return err
	}
	defer func() { _ = table.Close() }()
	own, err := os.Open(fmt.Sprintf("/proc/%d/mem", v.PID()))
	if err != nil {
		return err
	}
	defer func() { _ = own.Close() }()
	buf := make([]byte, stepBytes)
	entries := make([]byte, stepBytes/pageBytes*8)
	for at := int64(0); at < v.shape.MemoryBytes; at += stepBytes {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		some, err := readData(v.memory, buf, at)
		if err != nil {
			return err
		}
		for _, m := range where {
			from, end := max(at, m.offset), min(at+stepBytes, m.offset+m.length)
			if from >= end {
				continue
			}
			address, part := m.address+from-m.offset, buf[from-at:end-at]
			changed, err := readOwn(own, table, entries[:len(part)/pageBytes*8], part, address)
			if err != nil {
				return err
			}
			some = some || changed
		}
		if some {
			if err := writeData(to, buf, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// readData fills buf from a file with holes at offset at and says whether there was any data.
func readData(f *os.File, buf []byte, at int64) (bool, error) {
	clear(buf)
	var next int64
	err := hostfile.Control(f, func(fd uintptr) (err error) {
		next, err = unix.Seek(int(fd), at, unix.SEEK_DATA)
		return err
	})
	if errors.Is(err, unix.ENXIO) || (err == nil && next >= at+int64(len(buf))) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.ReadAt(buf, at)
	return true, err
}

// Bits of an entry of a pagemap. Source: the kernel's Documentation/admin-guide/mm/pagemap.rst.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61
)

// readOwn reads those of the pages at address that are the process's own over buf and says whether there were any.
func readOwn(mem, table io.ReaderAt, entries, buf []byte, address int64) (bool, error) {
	if _, err := table.ReadAt(entries, address/pageBytes*8); err != nil {
		return false, err
	}
	isOwn := func(page int) bool {
		e := binary.NativeEndian.Uint64(entries[page*8:])
		return e&(pagePresent|pageSwapped) != 0 && e&pageOfFile == 0
	}
	some := false
	pages := len(buf) / pageBytes
	for i := 0; i < pages; i++ {
		first := i
		for i < pages && isOwn(i) {
			i++
		}
		if first == i {
			continue
		}
		some = true
		if _, err := mem.ReadAt(buf[first*pageBytes:i*pageBytes], address+int64(first)*pageBytes); err != nil {
			return false, err
		}
	}
	return some, nil
}

var zeroPage [pageBytes]byte

// writeData writes the pages of buf that are not zero.
func writeData(f *os.File, buf []byte, at int64) error {
	pages := len(buf) / pageBytes
	zero := func(page int) bool { return bytes.Equal(buf[page*pageBytes:(page+1)*pageBytes], zeroPage[:]) }
	for i := 0; i < pages; i++ {
		first := i
		for i < pages && !zero(i) {
			i++
		}
		if first == i {
			continue
		}
		if _, err := f.WriteAt(buf[first*pageBytes:i*pageBytes], at+int64(first)*pageBytes); err != nil {
			return err
		}
	}
	return nil
}

// mapping is a part of a file that a process has mapped. All members are multiples of a page.
type mapping struct{ address, offset, length int64 }

// mappings returns where process pid has mapped the first size bytes of f, once each.
func mappings(pid int, f *os.File, size int64) ([]mapping, error) {
	var st unix.Stat_t
	if err := hostfile.Control(f, func(fd uintptr) error { return unix.Fstat(int(fd), &st) }); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	device := fmt.Sprintf("%02x:%02x", unix.Major(st.Dev), unix.Minor(st.Dev))
	var all []mapping
	for line := range strings.Lines(string(b)) {
		var from, to, offset int64
		var flags, dev string
		var inode uint64
		if n, _ := fmt.Sscanf(line, "%x-%x %s %x %s %d", &from, &to, &flags, &offset, &dev, &inode); n != 6 || inode != st.Ino || dev != device {
			continue
		}
		all = append(all, mapping{address: from, offset: offset, length: to - from})
	}
	covered := int64(0)
	for _, m := range all { // in order of address, which is that of offset unless QEMU is up to something
		if m.offset != covered {
			return nil, fmt.Errorf("the guest's memory is mapped at offset %d behind %d", m.offset, covered)
		}
		covered += m.length
	}
	if covered != size {
		return nil, fmt.Errorf("%d bytes of the guest's memory are mapped, not %d", covered, size)
	}
	return all, nil
}
