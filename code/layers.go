package code

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"archive/zip"

	"thaw.dev/thaw/image"
)

// Unzipped is the sum of the sizes of all files in a stored package, in bytes, at most lambda.MaxUnzippedBytes. The error
// wraps fs.ErrNotExist if the package is not stored.
func (s *Store) Unzipped(sha string) (int64, error) {
	f, size, err := s.open(sha)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	z, err := zip.NewReader(f, size)
	if err != nil {
		return 0, fmt.Errorf("measure package %s: %w", sha, err)
	}
	var total int64
	for _, e := range z.File {
		total += int64(e.UncompressedSize64) // Put has checked that the sum is within its limit
	}
	return total, nil
}

// Layers returns the host path of the EROFS image that is to be /opt for these packages, named in the order in which
// they are unpacked: later ones replace what earlier ones have of the same name. Otherwise as Image.
func (s *Store) Layers(ctx context.Context, shas []string) (string, error) {
	var blobs []*os.File
	defer func() {
		for _, f := range blobs {
			f.Close()
		}
	}()
	start := time.Now()
	path, err := s.images.Ensure(ctx, layersKey(shas), func(ctx context.Context) (*image.Tree, error) {
		merged := image.NewTree()
		for _, sha := range shas {
			f, size, err := s.open(sha)
			if err != nil {
				return nil, err
			}
			blobs = append(blobs, f)
			t, err := tree(ctx, f, size, defaultLimits)
			if err != nil {
				return nil, err
			}
			merged.Merge(t)
		}
		return merged, nil
	})
	if err != nil {
		return "", fmt.Errorf("image of layers %s: %w", strings.Join(shas, ", "), err)
	}
	if len(blobs) > 0 {
		s.log.Debug("image of layers built", "layers", shas, "dur_ms", time.Since(start).Milliseconds())
	}
	return path, nil
}

func layersKey(shas []string) string {
	return image.Key(append([]string{"layers"}, shas...)...)
}
