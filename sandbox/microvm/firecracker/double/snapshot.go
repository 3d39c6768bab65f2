package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// state is a snapshot's file: the configuration, behind a line with its checksum.
func encodeState(c config) ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return append([]byte(strconv.FormatUint(checksum(b), 16)+"\n"), b...), nil
}

func decodeState(b []byte) (config, error) {
	var c config
	sum, body, ok := strings.Cut(string(b), "\n")
	if !ok || sum != strconv.FormatUint(checksum([]byte(body)), 16) {
		return c, errors.New("CRC64 validation failed")
	}
	return c, json.Unmarshal([]byte(body), &c)
}

func checksum(b []byte) uint64 { return crc64.Checksum(b, crc64.MakeTable(crc64.ECMA)) }

// create is PUT /snapshot/create.
func (a *api) create(body []byte) error {
	var c struct {
		Type   string `json:"snapshot_type"`
		State  string `json:"snapshot_path"`
		Memory string `json:"mem_file_path"`
	}
	if err := decode(body, &c); err != nil {
		return err
	}
	switch {
	case a.booted == nil:
		return errPostBoot
	case c.State == "" || c.Memory == "":
		return errors.New("missing field `snapshot_path` or `mem_file_path`")
	case c.Type != "" && c.Type != "Full":
		return fmt.Errorf("the double has no snapshots of type %s", c.Type)
	case a.booted.state() != "Paused":
		return errors.New("Create snapshot error: Cannot create snapshot: Operation not allowed: microVM is not paused")
	}
	a.booted.forgetConnections()
	state, err := encodeState(a.booted.config)
	if err != nil {
		return err
	}
	if err := overwrite(c.State, state); err != nil {
		return fmt.Errorf("Create snapshot error: %w", err)
	}
	if err := overwrite(c.Memory, a.booted.memory); err != nil {
		return fmt.Errorf("Create snapshot error: Cannot write memory file: %w", err)
	}
	return nil
}

func overwrite(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// load is PUT /snapshot/load.
func (a *api) load(body []byte) error {
	var c struct {
		State   string `json:"snapshot_path"`
		Backend *struct {
			Type string `json:"backend_type"`
			Path string `json:"backend_path"`
		} `json:"mem_backend"`
		Memory string `json:"mem_file_path"`
		Diff   bool   `json:"enable_diff_snapshots"`
		Resume bool   `json:"resume_vm"`
	}
	if err := decode(body, &c); err != nil {
		return err
	}
	switch {
	case a.booted != nil:
		return errPreBoot
	case a.config.Touched:
		return errLoad
	case (c.Backend == nil) == (c.Memory == ""):
		return errors.New("Either `mem_file_path` or `mem_backend` must be specified, and not both")
	case c.Backend != nil && c.Backend.Type != "File":
		return fmt.Errorf("the double has no memory backend %s", c.Backend.Type)
	}
	path := c.Memory
	if c.Backend != nil {
		path = c.Backend.Path
	}
	b, err := os.ReadFile(c.State)
	if err != nil {
		return fmt.Errorf("Load snapshot error: Failed to open snapshot file: %w", err)
	}
	saved, err := decodeState(b)
	if err != nil {
		return fmt.Errorf("Load snapshot error: Failed to restore from snapshot: %w", err)
	}
	v, err := restore(saved, path)
	if err != nil {
		return fmt.Errorf("Load snapshot error: %w", err)
	}
	a.booted = v
	if c.Resume {
		v.resume()
	}
	return nil
}

// mapMemory maps the guest's memory private from the file at path, or from nowhere.
func mapMemory(bytes int64, path string) ([]byte, error) {
	if path == "" {
		return unix.Mmap(-1, 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("Failed to load guest memory: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || info.Size() != bytes {
		return nil, errors.New("Failed to load guest memory: the file has another size")
	}
	return unix.Mmap(int(f.Fd()), 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_NORESERVE)
}
