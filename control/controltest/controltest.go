// Package controltest has doubles of what package control works with: a store of records, a store of deployment packages,
// both in memory, and slots. They are for tests of control and of what stands above it.
package controltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"strconv"
	"sync"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// Packages keeps deployment packages in memory. Any bytes that begin with "PK" pass for a zip.
type Packages struct {
	// Build, if set before the first call, is what Image does for a package that is stored.
	Build func(ctx context.Context, sha256 string) error

	mu   sync.Mutex
	zips map[string][]byte
}

var _ control.Packages = (*Packages)(nil)

// Put stores a package.
func (p *Packages) Put(_ context.Context, zip []byte) (lambda.Code, error) {
	if !bytes.HasPrefix(zip, []byte("PK")) {
		return lambda.Code{}, lambda.Errorf(lambda.KindInvalid,
			"Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	sum := sha256.Sum256(zip)
	code := lambda.Code{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(zip))}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.zips == nil {
		p.zips = make(map[string][]byte)
	}
	p.zips[code.SHA256] = bytes.Clone(zip)
	return code, nil
}

// Image runs Build.
func (p *Packages) Image(ctx context.Context, sha256 string) (string, error) {
	p.mu.Lock()
	_, ok := p.zips[sha256]
	p.mu.Unlock()
	if !ok {
		return "", fs.ErrNotExist
	}
	if p.Build == nil {
		return "/images/" + sha256, nil
	}
	return "/images/" + sha256, p.Build(ctx, sha256)
}

// Layers runs Build for each package.
func (p *Packages) Layers(ctx context.Context, sha256s []string) (string, error) {
	for _, sha := range sha256s {
		if _, err := p.Image(ctx, sha); err != nil {
			return "", err
		}
	}
	return "/images/layers", nil
}

// Unzipped is the number of bytes behind "PK" if those are a number, else the package's length.
func (p *Packages) Unzipped(sha256 string) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	zip, ok := p.zips[sha256]
	if !ok {
		return 0, fs.ErrNotExist
	}
	if n, err := strconv.ParseInt(string(zip[2:]), 10, 64); err == nil {
		return n, nil
	}
	return int64(len(zip)), nil
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Zip opens a package.
func (p *Packages) Zip(sha256 string) (io.ReadSeekCloser, int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	zip, ok := p.zips[sha256]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	return reader{bytes.NewReader(zip)}, int64(len(zip)), nil
}
