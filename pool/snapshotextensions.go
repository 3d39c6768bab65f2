package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"thaw.dev/thaw/link"
)

// extensionsName is the file of a snapshot that says which extensions are inside. Snapshots without extensions have none.
const extensionsName = "extensions.json"

// writeExtensions adds what a host must know of the extensions inside to the snapshot in dir.
func writeExtensions(dir string, state link.ExtensionState) error {
	if len(state.Extensions) == 0 {
		return nil
	}
	b, err := json.Marshal(state)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, extensionsName), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep extensions: %w", err)
	}
	return nil
}

// readExtensions reads what writeExtensions wrote; nothing if there is nothing.
func readExtensions(dir string) (state link.ExtensionState, err error) {
	b, err := os.ReadFile(filepath.Join(dir, extensionsName))
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		return state, fmt.Errorf("read extensions: %w", err)
	}
	return state, nil
}
