package guest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
)

// The formats kernels, modules and packages are compressed in, by how they begin.
const (
	gzipMagic = "\x1f\x8b"
	xzMagic   = "\xfd7zXZ\x00"
	zstdMagic = "\x28\xb5\x2f\xfd"
	lz4Magic  = "\x02\x21\x4c\x18" // the old format, which the kernel uses
)

// decompress reads what r has, in whatever of the formats it is.
func decompress(r io.Reader, magic []byte) (io.Reader, error) {
	r = io.MultiReader(bytes.NewReader(magic), r)
	is := func(m string) bool { return bytes.HasPrefix(magic, []byte(m)) }
	switch {
	case is(gzipMagic):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		z.Multistream(false) // more may follow
		return z, nil
	case is(xzMagic):
		z, err := xz.NewReader(r, xz.DefaultDictMax)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return z, nil
	case is(zstdMagic):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case is(lz4Magic):
		return &lz4Legacy{r: r}, nil
	}
	return nil, fmt.Errorf("compression % x is not known", magic)
}

// magicBytes is how many bytes decompress wants to see.
const magicBytes = 6

// lz4Legacy reads LZ4's old format: blocks, each with its length before it, to the end of the input or to a length that no
// block can have; the kernel has the length of the whole there. Source: LZ4 Frame Format, "Legacy frame".
type lz4Legacy struct {
	r     io.Reader
	began bool
	block []byte // what is left of it
}

const lz4BlockBytes = 8 << 20

func (l *lz4Legacy) Read(p []byte) (int, error) {
	for len(l.block) == 0 {
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.block)
	l.block = l.block[n:]
	return n, nil
}

func (l *lz4Legacy) next() error {
	var word [4]byte
	if !l.began {
		l.began = true
		if _, err := io.ReadFull(l.r, word[:]); err != nil {
			return err
		}
	}
	if _, err := io.ReadFull(l.r, word[:]); err != nil {
		return err // io.EOF between blocks
	}
	n := binary.LittleEndian.Uint32(word[:])
	if int64(n) > int64(lz4.CompressBlockBound(lz4BlockBytes)) {
		return io.EOF
	}
	packed := make([]byte, n)
	if _, err := io.ReadFull(l.r, packed); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF // that was no length of a block
	} else if err != nil {
		return err
	}
	out := make([]byte, lz4BlockBytes)
	m, err := lz4.UncompressBlock(packed, out)
	if err != nil {
		return fmt.Errorf("lz4: %w", err)
	}
	l.block = out[:m]
	return nil
}
