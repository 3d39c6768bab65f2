package guest

import (
	"encoding/binary"
	"fmt"
	"os"
)

// The writable drive holds an ext4 file system without a journal and without checksums: it lives as long as its machine.
// Writing an empty one takes so little that nothing has to be kept or copied: per 128 MiB two blocks, and the rest of the
// file are holes. Source of the format: the Linux kernel's Documentation/filesystems/ext4.
const (
	blockBytes     = 4096
	groupBlocks    = blockBytes * 8 // as many as one bitmap block has bits
	groupInodes    = groupBlocks / 4
	inodeBytes     = 256
	tableBlocks    = groupInodes * inodeBytes / blockBytes
	descBytes      = 32
	minGroupBlocks = 64 // data blocks the last group has at least
	rootInode      = 2
	firstInode     = 11 // those below are reserved
)

// MaxTmpBytes bounds the size of /tmp: 1 TiB.
const MaxTmpBytes = 1 << 40

// ScratchBytes is the size of the writable drive of a machine whose /tmp has tmpBytes, which is rounded up to whole
// blocks of 4 KiB. It fails for sizes below 1 and above MaxTmpBytes.
func ScratchBytes(tmpBytes int64) (int64, error) {
	l, err := layOut(tmpBytes)
	return l.blocks * blockBytes, err
}

// FormatScratch makes the empty file f the content of such a drive: a file system whose one directory belongs to
// everybody. It has exactly tmpBytes of free space in the guest's eyes. Equal sizes give equal bytes.
func FormatScratch(f *os.File, tmpBytes int64) error {
	l, err := layOut(tmpBytes)
	if err == nil {
		err = f.Truncate(l.blocks * blockBytes)
	}
	for g := int64(0); err == nil && g < l.groups(); g++ {
		err = l.writeGroup(f, g)
	}
	if err != nil {
		return fmt.Errorf("format disk of %d bytes: %w", tmpBytes, err)
	}
	return nil
}

// layout is where everything is on the drive. All numbers are blocks.
type layout struct {
	blocks   int64
	reserved int64 // not free, so that what is free is exactly what was asked for
}

// layOut finds the smallest layout with tmpBytes of free space.
func layOut(tmpBytes int64) (layout, error) {
	if tmpBytes < 1 || tmpBytes > MaxTmpBytes {
		return layout{}, fmt.Errorf("/tmp of %d bytes, possible are 1 to %d", tmpBytes, int64(MaxTmpBytes))
	}
	want := (tmpBytes + blockBytes - 1) / blockBytes
	for l := (layout{blocks: want}); ; {
		last := l.groups() - 1
		if rest := l.blocks - last*groupBlocks; rest < l.overhead(last)+minGroupBlocks {
			l.blocks = last*groupBlocks + l.overhead(last) + minGroupBlocks
		}
		missing := want - l.available()
		if missing <= 0 {
			l.reserved = -missing
			return l, nil
		}
		l.blocks += missing
	}
}

func (l layout) groups() int64 { return (l.blocks + groupBlocks - 1) / groupBlocks }

// descBlocks is the length of the table of groups.
func (l layout) descBlocks() int64 { return (l.groups()*descBytes + blockBytes - 1) / blockBytes }

// super is how many blocks at the beginning of a group hold the superblock and the table of groups.
func (l layout) super(g int64) int64 {
	if !hasSuper(g) {
		return 0
	}
	return 1 + l.descBlocks()
}

// overhead is how many blocks of a group hold no data.
func (l layout) overhead(g int64) int64 { return l.super(g) + 2 + tableBlocks }

// groupLen is how many blocks a group has: only the last can be shorter.
func (l layout) groupLen(g int64) int64 { return min(groupBlocks, l.blocks-g*groupBlocks) }

// free is how many blocks of a group are free. The first block of data is the root directory.
func (l layout) free(g int64) int64 {
	n := l.groupLen(g) - l.overhead(g)
	if g == 0 {
		n--
	}
	return n
}

func (l layout) allFree() int64 {
	n := int64(0)
	for g := range l.groups() {
		n += l.free(g)
	}
	return n
}

// available is how many blocks statfs says are available: the kernel keeps two per cent, at most 4096, for itself. Source:
// ext4_calculate_resv_clusters.
func (l layout) available() int64 { return l.allFree() - min(l.blocks/50, 4096) }

// hasSuper says whether a group has a copy of the superblock: 0, 1 and the powers of 3, 5 and 7 do.
func hasSuper(g int64) bool {
	if g <= 1 {
		return true
	}
	for _, base := range []int64{3, 5, 7} {
		n := base
		for n < g {
			n *= base
		}
		if n == g {
			return true
		}
	}
	return false
}

// writeGroup writes what is not zero of a group.
func (l layout) writeGroup(f *os.File, g int64) error {
	start := g * groupBlocks * blockBytes
	var head []byte
	if hasSuper(g) {
		block := make([]byte, blockBytes)
		if g == 0 {
			l.superblock(block[1024:], g)
		} else {
			l.superblock(block, g)
		}
		head = append(append(head, block...), l.descriptors()...)
	}
	head = append(head, l.blockBitmap(g)...)
	head = append(head, l.inodeBitmap(g)...)
	if g == 0 { // the root directory's inode is in the table's first block
		table := make([]byte, blockBytes)
		l.root(table[(rootInode-1)*inodeBytes:])
		head = append(head, table...)
		if _, err := f.WriteAt(l.rootBlock(), l.overhead(0)*blockBytes); err != nil {
			return err
		}
	}
	_, err := f.WriteAt(head, start)
	return err
}

// superblock writes struct ext4_super_block, in group g.
func (l layout) superblock(b []byte, g int64) {
	le := binary.LittleEndian
	put32 := func(at int, v int64) { le.PutUint32(b[at:], uint32(v)) }
	put16 := func(at int, v int64) { le.PutUint16(b[at:], uint16(v)) }
	put32(0x00, l.groups()*groupInodes)
	put32(0x04, l.blocks)
	put32(0x08, l.reserved)
	put32(0x0c, l.allFree())
	put32(0x10, l.groups()*groupInodes-(firstInode-1))
	put32(0x18, 2) // blocks of 1024 << 2 bytes
	put32(0x1c, 2)
	put32(0x20, groupBlocks)
	put32(0x24, groupBlocks)
	put32(0x28, groupInodes)
	put16(0x36, 0xffff) // never to be checked for its number of mounts
	put16(0x38, 0xef53)
	put16(0x3a, 1) // clean
	put16(0x3c, 1) // on errors: go on
	put32(0x4c, 1) // inodes have a size of their own
	put32(0x54, firstInode)
	put16(0x58, inodeBytes)
	put16(0x5a, g)
	put32(0x5c, 0x28) // extended attributes, indexed directories
	put32(0x60, 0x42) // extents, file types in directories
	put32(0x64, 0x6b) // few copies of this; large, huge files; many links; extra inode fields
	copy(b[0x68:], "thaw scratch ext")
	copy(b[0xec:], "thaw scratch dir") // seed of the directories' hash
	b[0xfc] = 1                        // which is half MD4
	put16(0x15c, 32)
	put16(0x15e, 32)
}

// descriptors is the table of groups, struct ext4_group_desc each.
func (l layout) descriptors() []byte {
	b := make([]byte, l.descBlocks()*blockBytes)
	le := binary.LittleEndian
	for g := range l.groups() {
		d := b[g*descBytes:]
		at := g*groupBlocks + l.super(g)
		le.PutUint32(d[0:], uint32(at))
		le.PutUint32(d[4:], uint32(at+1))
		le.PutUint32(d[8:], uint32(at+2))
		le.PutUint16(d[12:], uint16(l.free(g)))
		le.PutUint16(d[14:], groupInodes)
		if g == 0 {
			le.PutUint16(d[14:], groupInodes-(firstInode-1))
			le.PutUint16(d[16:], 1) // directories
		}
	}
	return b
}

func (l layout) blockBitmap(g int64) []byte {
	b := make([]byte, blockBytes)
	setBits(b, 0, l.groupLen(g)-l.free(g))
	setBits(b, l.groupLen(g), groupBlocks)
	return b
}

func (l layout) inodeBitmap(g int64) []byte {
	b := make([]byte, blockBytes)
	if g == 0 {
		setBits(b, 0, firstInode-1)
	}
	setBits(b, groupInodes, groupBlocks)
	return b
}

func setBits(b []byte, from, to int64) {
	for i := from; i < to; i++ {
		b[i/8] |= 1 << (i % 8)
	}
}

// root writes the root directory's struct ext4_inode.
func (l layout) root(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b[0x00:], 0o041777)
	le.PutUint32(b[0x04:], blockBytes)
	le.PutUint16(b[0x1a:], 2)                     // links
	le.PutUint32(b[0x1c:], blockBytes/512)        // in sectors
	le.PutUint32(b[0x28:], uint32(l.overhead(0))) // its block
	le.PutUint16(b[0x80:], 32)                    // extra fields
}

// rootBlock is the root directory, two entries of struct ext4_dir_entry_2.
func (l layout) rootBlock() []byte {
	b := make([]byte, blockBytes)
	le := binary.LittleEndian
	for _, e := range []struct {
		at, length int
		name       string
	}{{0, 12, "."}, {12, blockBytes - 12, ".."}} {
		le.PutUint32(b[e.at:], rootInode)
		le.PutUint16(b[e.at+4:], uint16(e.length))
		b[e.at+6] = byte(len(e.name))
		b[e.at+7] = 2 // a directory
		copy(b[e.at+8:], e.name)
	}
	return b
}
