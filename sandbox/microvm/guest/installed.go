package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Installed says which kernel the directory dir has, for people: what Files.Version says after Open. It verifies nothing
// and changes nothing. ErrMissing before the first Build.
func Installed(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrMissing
	}
	f := Files{}
	if err == nil {
		err = json.Unmarshal(b, &f.rec)
	}
	if err != nil {
		return "", fmt.Errorf("read guest's record: %w", err)
	}
	return f.Version(), nil
}
