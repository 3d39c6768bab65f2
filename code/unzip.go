package code

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/lambda"
)

// MaxFiles is the largest number of entries a deployment package may have. Lambda publishes no such limit; this one
// bounds the memory a package can cost.
const MaxFiles = 100_000

// limits bound one package; tests use smaller ones.
type limits struct {
	files    int
	unzipped int64
}

var defaultLimits = limits{files: MaxFiles, unzipped: lambda.MaxUnzippedBytes}

// taskRoot is where the sandbox sees the package; absolute links are judged by it.
const taskRoot = "/var/task"

// invalid is the answer for a zip that cannot be used. Source: answers of AWS Lambda.
func invalid(format string, args ...any) error {
	return lambda.Errorf(lambda.KindInvalid,
		"Could not unzip uploaded file. Please check your file, then try to upload again. (%s)", fmt.Sprintf(format, args...))
}

// check reads a package completely: its tree, and all its content.
func check(ctx context.Context, data []byte) error { return checkWithin(ctx, data, defaultLimits) }

func checkWithin(ctx context.Context, data []byte, l limits) error {
	if len(data) == 0 {
		return lambda.Errorf(lambda.KindInvalid, "Uploaded file must be a non-empty zip")
	}
	// archive/zip takes memory for every header before it tells how many there are, so count their signatures first.
	// Stored content may contain the signature too: twice the limit leaves room for that.
	if n := bytes.Count(data, []byte("PK\x01\x02")); n > 2*l.files {
		return invalid("more than %d entries", l.files)
	}
	t, err := tree(ctx, bytes.NewReader(data), int64(len(data)), l)
	if err != nil {
		return err
	}
	left := l.unzipped
	return t.Walk(func(p string, e image.Entry) error {
		if !e.Mode.IsRegular() || e.Open == nil {
			return nil
		}
		n, err := readThrough(ctx, e, left)
		left -= n
		return err
	})
}

// readThrough reads one entry to its end, at most limit bytes.
func readThrough(ctx context.Context, e image.Entry, limit int64) (int64, error) {
	r, err := e.Open()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, &bounded{ctx: ctx, r: r, left: limit})
	return n, err
}

// bounded is a reader that stops at a number of bytes and when its context ends.
type bounded struct {
	ctx  context.Context //nolint:containedctx // lives for one Copy
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, errTooLarge()
	}
	return n, err
}

func errTooLarge() error {
	return lambda.Errorf(lambda.KindInvalid, "Unzipped size must be smaller than %d bytes", lambda.MaxUnzippedBytes)
}

// tree describes the image of a package. It reads headers and link targets; the content of files is read, and checked
// against its header, when the tree's entries are.
func tree(ctx context.Context, r io.ReaderAt, size int64, l limits) (*image.Tree, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are judged below
		return nil, invalid("%v", err)
	}
	if len(z.File) == 0 {
		return nil, lambda.Errorf(lambda.KindInvalid, "Uploaded file must be a non-empty zip")
	}
	if len(z.File) > l.files {
		return nil, invalid("more than %d entries", l.files)
	}
	if err := checkSizes(z.File, size, l); err != nil {
		return nil, err
	}
	t := image.NewTree()
	for _, f := range z.File {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := addEntry(t, f); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// checkSizes judges what the headers claim. Claims bound the work to come: content is never read beyond its claim.
func checkSizes(files []*zip.File, size int64, l limits) error {
	var packed, unpacked uint64
	for _, f := range files {
		if f.CompressedSize64 > uint64(size) {
			return invalid("%q: compressed size is larger than the file", f.Name)
		}
		if f.UncompressedSize64 > uint64(l.unzipped) {
			return errTooLarge()
		}
		packed += f.CompressedSize64
		unpacked += f.UncompressedSize64
	}
	if packed > uint64(size) { // or a small zip of many overlapping entries would take long to read
		return invalid("entries overlap")
	}
	if unpacked > uint64(l.unzipped) {
		return errTooLarge()
	}
	return nil
}

func addEntry(t *image.Tree, f *zip.File) error {
	name, err := entryPath(f.Name)
	if err != nil {
		return err
	}
	switch {
	case f.Flags&0x1 != 0:
		return invalid("%q: encrypted", f.Name)
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return invalid("%q: compression method %d is not supported", f.Name, f.Method)
	}
	mode := f.Mode()
	if strings.HasSuffix(f.Name, "/") {
		mode = fs.ModeDir | mode.Perm()
	}
	e := image.Entry{ModTime: modTime(f)}
	switch mode.Type() {
	case fs.ModeDir:
		if f.UncompressedSize64 != 0 {
			return invalid("%q: directory with content", f.Name)
		}
		e.Mode = fs.ModeDir | mode.Perm() | 0o755
	case fs.ModeSymlink:
		if e.Target, err = linkTarget(name, f); err != nil {
			return err
		}
		e.Mode = fs.ModeSymlink
	case 0:
		if name == "/" {
			return invalid("%q: not a file name", f.Name)
		}
		e.Mode = mode.Perm() | 0o444
		e.Size = int64(f.UncompressedSize64)
		e.Open = func() (io.ReadCloser, error) { return openEntry(f) }
	default:
		return invalid("%q: neither file, directory nor symbolic link", f.Name)
	}
	if err := t.Add(name, e); err != nil {
		return invalid("%q: %v", f.Name, err)
	}
	return nil
}

// entryPath turns a name in a zip into a path in the image.
func entryPath(name string) (string, error) {
	switch {
	case name == "":
		return "", invalid("entry without a name")
	case strings.HasPrefix(name, "/"):
		return "", invalid("%q: absolute name", name)
	case strings.ContainsAny(name, "\\\x00"):
		return "", invalid("%q: backslash or NUL in name", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", invalid("%q: name leaves the package", name)
		}
	}
	return path.Clean("/" + name), nil
}

// linkTarget reads and judges the target of the link at p, a path inside the package.
func linkTarget(p string, f *zip.File) (string, error) {
	if f.UncompressedSize64 == 0 || f.UncompressedSize64 > image.MaxPathBytes {
		return "", invalid("%q: symbolic link with a target of %d bytes", f.Name, f.UncompressedSize64)
	}
	r, err := openEntry(f)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, image.MaxPathBytes+1))
	if err != nil {
		return "", err
	}
	target := string(b)
	if strings.IndexByte(target, 0) >= 0 || !staysInside(p, target) {
		return "", invalid("%q: symbolic link to %q leaves the package", f.Name, target)
	}
	return target, nil
}

// staysInside reports whether a link at p of the package may point to target: below /var/task, or absolutely below
// /opt or /tmp, which belong to the function too. It goes by the text alone: ".." may follow another link of the
// package and then lead elsewhere, but never out of the sandbox.
func staysInside(p, target string) bool {
	if path.IsAbs(target) {
		clean := path.Clean(target)
		for _, root := range []string{taskRoot, "/opt", "/tmp"} {
			if clean == root || strings.HasPrefix(clean, root+"/") {
				return true
			}
		}
		return false
	}
	depth := strings.Count(path.Dir(p), "/")
	if path.Dir(p) == "/" {
		depth = 0
	}
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return false
			}
		default:
			depth++
		}
	}
	return true
}

// openEntry opens an entry's content. Its errors are about the zip, so they are the caller's.
func openEntry(f *zip.File) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, invalid("%q: %v", f.Name, err)
	}
	return &entryReader{ReadCloser: r, name: f.Name}, nil
}

type entryReader struct {
	io.ReadCloser
	name string
}

func (r *entryReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = invalid("%q: %v", r.name, err)
	}
	return n, err
}

// modTime is the entry's time of modification. Times before 1980, the zip format's first year, are no times.
func modTime(f *zip.File) time.Time {
	if t := f.Modified.UTC(); t.Year() >= 1980 {
		return t
	}
	return time.Time{}
}
