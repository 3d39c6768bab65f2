package code

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// References are what all functions and layers that there are need of a Store.
type References struct {
	Packages map[string]bool // by their hexadecimal SHA-256
	Layers   [][]string      // lists of packages of which one image is made, see Layers
}

// Add takes up a function's package and its layers'.
func (r *References) Add(sha string, layers []string) {
	if r.Packages == nil {
		r.Packages = map[string]bool{}
	}
	r.Packages[sha] = true
	for _, l := range layers {
		r.Packages[l] = true
	}
	if len(layers) > 0 {
		r.Layers = append(r.Layers, layers)
	}
}

// Freed is what a GC deleted.
type Freed struct {
	Packages, Images int
	Bytes            int64 // of both
}

// GC deletes the packages that nobody needs and that are older than GraceTime, and the images that nobody needs. What began
// before need was found out may still come to refer to something: so a GC deletes only what the one before it found, too, to
// be needed by nobody; with atOnce, which says that nothing is under way, it does not wait for that. It returns what it
// deleted, also with an error.
func (s *Store) GC(ctx context.Context, need References, atOnce bool) (freed Freed, err error) {
	s.collecting.Lock()
	defer s.collecting.Unlock()
	before, spare := s.spare, map[string]bool{}
	s.spare = nil // after an error the next begins anew
	dispensable := func(path string) bool {
		spare[path] = true
		return atOnce || before[path]
	}
	kept, err := s.collectPackages(ctx, need.Packages, dispensable, &freed)
	if err != nil {
		return freed, fmt.Errorf("collect packages: %w", err)
	}
	for _, shas := range need.Layers {
		kept[layersKey(shas)] = true
	}
	if err := s.collectImages(ctx, kept, dispensable, &freed); err != nil {
		return freed, fmt.Errorf("collect images: %w", err)
	}
	s.spare = spare
	return freed, nil
}

// collectPackages deletes packages. It returns the keys of the images of those that stay.
func (s *Store) collectPackages(ctx context.Context, need map[string]bool, dispensable func(path string) bool, freed *Freed) (kept map[string]bool, err error) {
	names, err := os.ReadDir(s.blobs)
	if err != nil {
		return nil, err
	}
	kept = make(map[string]bool, len(names))
	for _, d := range names {
		sha := d.Name()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !validSHA(sha):
			continue
		case need[sha] || !dispensable(s.blob(sha)):
			kept[imageKey(sha)] = true
			continue
		}
		bytes, err := s.deleteOld(sha)
		switch {
		case err != nil:
			return nil, err
		case bytes < 0:
			kept[imageKey(sha)] = true
		default:
			freed.Packages++
			freed.Bytes += bytes
		}
	}
	return kept, nil
}

// deleteOld deletes a package and returns its size; it returns -1 for one that is gone or was put within GraceTime.
func (s *Store) deleteOld(sha string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.blob(sha))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1, nil
	case err != nil:
		return 0, err
	case time.Since(info.ModTime()) < GraceTime:
		return -1, nil
	}
	s.libraries.Delete(sha)
	return info.Size(), os.Remove(s.blob(sha))
}

// collectImages deletes the images that are not in kept and whose package was not stored since kept was made.
func (s *Store) collectImages(ctx context.Context, kept map[string]bool, dispensable func(path string) bool, freed *Freed) error {
	images, err := s.images.List()
	if err != nil {
		return err
	}
	names, err := os.ReadDir(s.blobs)
	if err != nil {
		return err
	}
	for _, d := range names {
		kept[imageKey(d.Name())] = true
	}
	for _, i := range images {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case kept[i.Key] || !dispensable(s.images.Path(i.Key)):
			continue
		}
		if err := s.images.Remove(i.Key); err != nil {
			return err
		}
		freed.Images++
		freed.Bytes += i.Bytes
	}
	return nil
}
