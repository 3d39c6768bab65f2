package guest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// elfWith is an ELF file with one section.
func elfWith(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	names := []byte("\x00.shstrtab\x00" + name + "\x00")
	const head, entry = 64, 64
	h := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: head,
		Shoff: uint64(head + len(data) + len(names)), Shentsize: entry, Shnum: 3, Shstrndx: 1,
	}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var b bytes.Buffer
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_STRTAB), Off: uint64(head + len(data)), Size: uint64(len(names)), Addralign: 1},
		{Name: 11, Type: uint32(elf.SHT_PROGBITS), Off: head, Size: uint64(len(data)), Addralign: 1},
	}
	for _, part := range []any{h, data, names, sections} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// kernel is an ELF kernel, with the entry that monitors use or without.
func kernel(t *testing.T, pvh bool) []byte {
	t.Helper()
	note := binary.LittleEndian.AppendUint32(nil, 4)
	note = binary.LittleEndian.AppendUint32(note, 4)
	kind := uint32(18)
	if !pvh {
		kind = 1
	}
	note = binary.LittleEndian.AppendUint32(note, kind)
	note = append(note, "Xen\x00\x00\x00\x00\x01"...)
	const head, entry = 64, 56
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: head, Phoff: head, Phentsize: entry, Phnum: 1,
	}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	p := elf.Prog64{Type: uint32(elf.PT_NOTE), Off: head + entry, Filesz: uint64(len(note)), Memsz: uint64(len(note))}
	var b bytes.Buffer
	for _, part := range []any{h, p, note, bytes.Repeat([]byte("kernel"), 3<<19)} { // more than one block of LZ4
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// bzImage packs a kernel as the kernel's own build does.
func bzImage(t *testing.T, kernel []byte, how string) []byte {
	t.Helper()
	var payload []byte
	switch how {
	case "gzip":
		payload = gzipped(t, kernel)
	case "lz4":
		payload = []byte{0x02, 0x21, 0x4c, 0x18}
		for rest := kernel; len(rest) > 0; {
			n := min(len(rest), 8<<20)
			out := make([]byte, lz4.CompressBlockBound(n))
			m, err := lz4.CompressBlock(rest[:n], out, nil)
			if err != nil {
				t.Fatal(err)
			}
			payload = append(binary.LittleEndian.AppendUint32(payload, uint32(m)), out[:m]...)
			rest = rest[n:]
		}
		payload = binary.LittleEndian.AppendUint32(payload, uint32(len(kernel)))
	}
	b := make([]byte, 1024, 1024+len(payload)+64) // boot sector and one sector of setup
	b[0x1f1] = 1
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint32(b[0x248:], 32)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	b = append(b, make([]byte, 32)...)
	b = append(b, payload...)
	return append(b, "the end"...)
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// deb is a Debian package of files.
func deb(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	b := []byte("!<arch>\n")
	for _, m := range []struct {
		name string
		data []byte
	}{
		{"debian-binary", []byte("2.0\n")},
		{"control.tar.gz", tarball(t, map[string][]byte{"./control": []byte("Package: linux-image-test\nVersion: 1.2-3\n")})},
		{"data.tar.gz", tarball(t, files)},
	} {
		b = fmt.Appendf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, 0, 0, 0, "100644", len(m.data))
		b = append(b, m.data...)
		if len(m.data)%2 == 1 {
			b = append(b, '\n')
		}
	}
	return b
}

func tarball(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return gzipped(t, b.Bytes())
}
