package node

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
)

// ServerFile is the name of the file below the data directory in which a running server says where it is.
const ServerFile = "server.json"

// Announcement is the content of ServerFile. It is there while a server runs, and after one was killed.
type Announcement struct {
	Endpoint string `json:"endpoint"` // "http://127.0.0.1:4580"
	Region   string `json:"region"`
	Account  string `json:"account"`
	PID      int    `json:"pid"`
	Version  string `json:"version"`
}

func (n *Node) announce(c Config) error {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	b, err := json.MarshalIndent(Announcement{
		Endpoint: "http://" + n.addr, Region: c.Region, Account: c.Account, PID: os.Getpid(), Version: version,
	}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(c.DataDir, ServerFile)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o644); err != nil {
		return err
	}
	n.onClose(func() { _ = os.Remove(path) })
	return os.Rename(path+".new", path)
}
