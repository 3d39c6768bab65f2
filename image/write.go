package image

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"time"
)

// The on-disk format. Source: the Linux kernel's documentation, "EROFS - Enhanced Read-Only File System", and its
// header fs/erofs/erofs_fs.h. An image here is laid out as
//
//	block 0                 superblock at byte 1024
//	inodes                  64 bytes each, the root's first
//	directories and links   each on whole blocks
//	regular files           each on whole blocks
//
// All inodes are of the extended form, which carries a modification time, and use the flat plain layout.
const (
	blockBytes   = 4096
	inodeBytes   = 64
	direntBytes  = 12
	superOffset  = 1024
	magic        = 0xE0F5E1E2
	checksumFlag = 1 // feature_compat: the superblock's checksum is set
	inodeFormat  = 1 // extended inode, flat plain data
	typeRegular  = 1
	typeDir      = 2
	typeSymlink  = 7
)

// FormatVersion changes whenever equal trees give other bytes than before; keys contain it.
const FormatVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// target is what Write writes to: *os.File is one.
type target interface {
	io.Writer
	io.WriterAt
}

// placed is a node with its place in the image.
type placed struct {
	*node
	path   string
	nid    uint64
	parent uint64 // nid of the directory it is in; the root's own for the root
	nlink  uint32
	block  uint32
	data   []byte // directories and links
}

// Write writes t as an EROFS image to w, from offset 0. It fails when a file's content is longer or shorter than its
// entry says. Cancelling ctx stops it between two files.
func Write(ctx context.Context, w target, t *Tree) error {
	entries, blocks, err := place(t)
	if err != nil {
		return err
	}
	sum := &checksum{w: w}
	buf := bufio.NewWriterSize(sum, 256<<10)
	if _, err := w.Write(make([]byte, blockBytes)); err != nil {
		return err
	}
	for i := range entries {
		if _, err := buf.Write(inode(&entries[i])); err != nil {
			return err
		}
	}
	if err := pad(buf, int64(len(entries)*inodeBytes)); err != nil {
		return err
	}
	for i := range entries {
		if e := &entries[i]; len(e.data) > 0 {
			if _, err := buf.Write(e.data); err != nil {
				return err
			}
			if err := pad(buf, int64(len(e.data))); err != nil {
				return err
			}
		}
	}
	for i := range entries {
		if e := &entries[i]; fileSize(e.Entry) > 0 {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if err := writeFile(buf, e); err != nil {
				return fmt.Errorf("write %s into image: %w", e.path, err)
			}
		}
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	_, err = w.WriteAt(superblock(uint64(len(entries)), blocks, sum.crc), 0)
	return err
}

// place gives every entry its inode number and its blocks, and makes the content of directories and links.
func place(t *Tree) ([]placed, uint32, error) {
	entries := make([]placed, 0, t.count)
	nids := make(map[*node]uint64, t.count)
	_ = walk(t.root, "/", func(p string, n *node) error { // fn never fails
		nid := uint64(len(entries)) * (inodeBytes / 32) // counted in slots of 32 bytes
		nids[n] = nid
		entries = append(entries, placed{node: n, path: p, nid: nid, nlink: 1})
		return nil
	})
	for i := range entries {
		e := &entries[i]
		if !e.Mode.IsDir() {
			continue
		}
		e.nlink = 2
		for _, c := range e.children {
			if c.Mode.IsDir() {
				e.nlink++
				entries[nids[c]/(inodeBytes/32)].parent = e.nid
			}
		}
	}
	next := uint64(1 + blocksOf(int64(len(entries)*inodeBytes)))
	for i := range entries {
		e := &entries[i]
		switch e.Mode.Type() {
		case fs.ModeDir:
			e.data = dirents(e, nids)
		case fs.ModeSymlink:
			e.data = []byte(e.Target)
		default:
			continue
		}
		e.block = uint32(min(next, math.MaxUint32))
		next += uint64(blocksOf(int64(len(e.data))))
	}
	for i := range entries {
		if e := &entries[i]; fileSize(e.Entry) > 0 {
			e.block = uint32(min(next, math.MaxUint32))
			next += uint64(blocksOf(e.Size))
		}
	}
	if next > math.MaxUint32 {
		return nil, 0, fmt.Errorf("image of %d blocks of %d bytes is too large", next, blockBytes)
	}
	return entries, uint32(next), nil
}

// dirents is the content of a directory: blocks that each hold an array of records followed by their names, "." and
// ".." included, in byte order throughout.
func dirents(d *placed, nids map[*node]uint64) []byte {
	type record struct {
		name string
		nid  uint64
		kind byte
	}
	var records []record
	dots := []record{{".", d.nid, typeDir}, {"..", d.parent, typeDir}}
	for _, c := range d.sorted() {
		for len(dots) > 0 && dots[0].name < c.name {
			records, dots = append(records, dots[0]), dots[1:]
		}
		kind := byte(typeRegular)
		switch c.Mode.Type() {
		case fs.ModeDir:
			kind = typeDir
		case fs.ModeSymlink:
			kind = typeSymlink
		}
		records = append(records, record{c.name, nids[c], kind})
	}
	records = append(records, dots...)

	var out []byte
	for len(records) > 0 {
		n, used := 0, 0
		for n < len(records) && used+direntBytes+len(records[n].name) <= blockBytes {
			used += direntBytes + len(records[n].name)
			n++
		}
		if tail := len(out) % blockBytes; tail > 0 {
			out = append(out, make([]byte, blockBytes-tail)...)
		}
		nameOffset := n * direntBytes
		for _, r := range records[:n] {
			out = binary.LittleEndian.AppendUint64(out, r.nid)
			out = binary.LittleEndian.AppendUint16(out, uint16(nameOffset))
			out = append(out, r.kind, 0)
			nameOffset += len(r.name)
		}
		for _, r := range records[:n] {
			out = append(out, r.name...)
		}
		records = records[n:]
	}
	return out
}

func inode(e *placed) []byte {
	mode, size := uint16(e.Mode.Perm()), uint64(len(e.data))
	switch e.Mode.Type() {
	case fs.ModeDir:
		mode |= 0o040000
	case fs.ModeSymlink:
		mode |= 0o120000
	default:
		mode |= 0o100000
		size = uint64(e.Size)
	}
	mtime := e.ModTime
	if mtime.IsZero() {
		mtime = DefaultTime
	}
	if mtime.Before(time.Unix(0, 0)) {
		mtime = time.Unix(0, 0)
	}
	b := make([]byte, inodeBytes)
	binary.LittleEndian.PutUint16(b[0:], inodeFormat)
	binary.LittleEndian.PutUint16(b[4:], mode)
	binary.LittleEndian.PutUint64(b[8:], size)
	binary.LittleEndian.PutUint32(b[16:], e.block)
	binary.LittleEndian.PutUint32(b[20:], uint32(e.nid/(inodeBytes/32)+1))
	binary.LittleEndian.PutUint32(b[24:], e.UID)
	binary.LittleEndian.PutUint32(b[28:], e.GID)
	binary.LittleEndian.PutUint64(b[32:], uint64(mtime.Unix()))
	binary.LittleEndian.PutUint32(b[40:], uint32(mtime.Nanosecond()))
	binary.LittleEndian.PutUint32(b[44:], e.nlink)
	return b
}

// superblock is block 0. The checksum of all other blocks stands in the volume's UUID, which nothing else here uses.
func superblock(inodes uint64, blocks, content uint32) []byte {
	b := make([]byte, blockBytes)
	s := b[superOffset:]
	binary.LittleEndian.PutUint32(s[0:], magic)
	binary.LittleEndian.PutUint32(s[8:], checksumFlag)
	s[12] = 12 // log2 of blockBytes
	binary.LittleEndian.PutUint64(s[16:], inodes)
	binary.LittleEndian.PutUint64(s[24:], uint64(DefaultTime.Unix()))
	binary.LittleEndian.PutUint32(s[36:], blocks)
	binary.LittleEndian.PutUint32(s[40:], 1) // block of the first inode
	binary.LittleEndian.PutUint32(s[48:], content)
	copy(s[52:64], "thaw image\x00")
	binary.LittleEndian.PutUint32(s[4:], ^crc32.Checksum(s, castagnoli))
	return b
}

func writeFile(w *bufio.Writer, e *placed) error {
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(w, io.LimitReader(r, e.Size))
	if err != nil {
		return err
	}
	if n != e.Size {
		return fmt.Errorf("%d bytes, expected %d: %w", n, e.Size, io.ErrUnexpectedEOF)
	}
	if extra, _ := io.CopyN(io.Discard, r, 1); extra > 0 {
		return fmt.Errorf("longer than the expected %d bytes", e.Size)
	}
	if err := r.Close(); err != nil { // a zip reader reports a wrong checksum at the latest here
		return err
	}
	return pad(w, e.Size)
}

func pad(w io.Writer, n int64) error {
	if tail := n % blockBytes; tail > 0 {
		_, err := w.Write(make([]byte, blockBytes-tail))
		return err
	}
	return nil
}

func blocksOf(n int64) int64 { return (n + blockBytes - 1) / blockBytes }

// checksum computes the CRC-32C of what passes through.
type checksum struct {
	w   io.Writer
	crc uint32
}

func (c *checksum) Write(p []byte) (int, error) {
	c.crc = crc32.Update(c.crc, castagnoli, p)
	return c.w.Write(p)
}
