package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"thaw.dev/thaw/internal/hostfile"
)

// Load gives a waiting machine the rest of its state and lets it run.
func (v *VM) Load(ctx context.Context, state *os.File) error {
	if err := v.load(ctx, state); err != nil {
		return fmt.Errorf("load: %w", v.explain(err))
	}
	return nil
}

func (v *VM) load(ctx context.Context, state *os.File) error {
	if _, err := state.Seek(0, io.SeekStart); err != nil {
		return err
	}
	own, err := hostfile.Memory("state")
	if err != nil {
		return err
	}
	defer func() { _ = own.Close() }()
	n, err := io.Copy(own, io.LimitReader(state, maxState))
	if err == nil && (n == 0 || n == maxState) {
		err = fmt.Errorf("state of %d bytes", n)
	}
	if err != nil {
		return err
	}
	if _, err := own.Seek(0, io.SeekStart); err != nil {
		return err
	}
	// The state says that the machine ran, so it runs when it is loaded.
	return v.qmp.doUntil(ctx, resumed,
		command{name: "getfd", args: object{"fdname": "state"}, file: own},
		command{name: "migrate-incoming", args: object{"uri": "fd:state"}},
	)
}

// resumed is the end of loading.
func resumed(m message) (bool, error) {
	switch m.Event {
	case "RESUME":
		return true, nil
	case "MIGRATION":
		var data struct {
			Status string `json:"status"`
		}
		if err := json.Unmarshal(m.Data, &data); err != nil {
			return false, err
		}
		if data.Status == "failed" {
			return false, errors.New("failed")
		}
	}
	return false, nil
}
