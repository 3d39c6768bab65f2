// Package embedded holds the two helper programs that thaw carries inside itself: thaw-agent, which is PID 1 of every
// sandbox, and thaw-sentry, which runs gVisor's processes. `make build` builds them into files/ before it builds thaw.
// Without that step everything compiles, and the functions here say what is missing.
package embedded

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed files
var files embed.FS

// ErrMissing is returned when thaw was built without its helper programs.
var ErrMissing = errors.New("this build has no embedded helper programs: run make build")

const (
	agentName  = "thaw-agent"
	sentryName = "thaw-sentry"
)

// Agent returns the agent program, a static executable, or ErrMissing.
func Agent() ([]byte, error) { return read(agentName) }

// Sentry returns the program that runs gVisor's processes, a static executable, or ErrMissing.
func Sentry() ([]byte, error) { return read(sentryName) }

func read(name string) ([]byte, error) {
	b, err := files.ReadFile("files/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return b, err
}

// Paths says where Extract put the programs.
type Paths struct {
	Agent  string
	Sentry string
}

// Extract writes the programs into dir, which it creates, and returns their paths. A program's file name contains the
// hash of its content, and it appears under that name only when it is complete, so that several processes may extract
// into one directory and a running one keeps what it started with. It returns ErrMissing without embedded programs.
func Extract(dir string) (Paths, error) {
	agent, err := Agent()
	if err != nil {
		return Paths{}, err
	}
	sentry, err := Sentry()
	if err != nil {
		return Paths{}, err
	}
	// 0711: gVisor's processes run as nobody and must be able to execute, not to list.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return Paths{}, fmt.Errorf("extract helper programs: %w", err)
	}
	var p Paths
	if p.Agent, err = place(dir, agentName, agent); err != nil {
		return Paths{}, fmt.Errorf("extract helper programs: %w", err)
	}
	if p.Sentry, err = place(dir, sentryName, sentry); err != nil {
		return Paths{}, fmt.Errorf("extract helper programs: %w", err)
	}
	return p, nil
}

// place writes content to dir/name-HASH unless it is there already, and returns that path.
func place(dir, name string, content []byte) (string, error) {
	sum := sha256.Sum256(content)
	path := filepath.Join(dir, name+"-"+hex.EncodeToString(sum[:8]))
	if old, err := os.ReadFile(path); err == nil && sha256.Sum256(old) == sum {
		return path, os.Chmod(path, 0o755)
	}
	tmp, err := os.CreateTemp(dir, "."+name+"-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already after the rename
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Chmod(0o755)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", err
	}
	return path, os.Rename(tmp.Name(), path)
}
