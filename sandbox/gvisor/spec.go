package gvisor

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"gvisor.dev/gvisor/runsc/boot"
	"gvisor.dev/gvisor/runsc/specutils"

	"thaw.dev/thaw/sandbox"
)

// agentCapabilities are PID 1's, inside the sandbox only: they are the sentry's idea and mean nothing to the host. It
// changes to the runtime's user (SETUID, SETGID), ends its processes (KILL), and mounts (SYS_ADMIN). What it starts as
// another user has none.
var agentCapabilities = []string{"CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_SYS_ADMIN"}

// ociSpec is the sandbox as gVisor wants it described.
func ociSpec(s *sandbox.Spec, emptyDir string, tmpBytes int64) *specs.Spec {
	mounts := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid"}},
		tmpMount(emptyDir, tmpBytes),
	}
	for _, target := range s.Mounts {
		mounts = append(mounts, imageMount(target))
	}
	return &specs.Spec{
		Version: "1.1.0",
		Process: &specs.Process{
			Args:            s.Args,
			Env:             s.Env,
			Cwd:             "/",
			NoNewPrivileges: true,
			Capabilities: &specs.LinuxCapabilities{
				Bounding:  agentCapabilities,
				Effective: agentCapabilities,
				Permitted: agentCapabilities,
			},
		},
		// The directory stays empty and unused: the annotations below say what the root is.
		Root:     &specs.Root{Path: emptyDir, Readonly: true},
		Hostname: "sandbox",
		Mounts:   mounts,
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{
			{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
			{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace},
		}},
		Annotations: map[string]string{
			boot.RootfsPrefix + "source": s.Root,
			boot.RootfsPrefix + "type":   "erofs",
		},
	}
}

// mountConfs says for the root, and then for every spec mount that has a host file behind it, what kind it is.
func mountConfs(images int) specutils.GoferMountConfFlags {
	erofs := specutils.GoferMountConf{Lower: specutils.Erofs, Upper: specutils.NoOverlay}
	confs := specutils.GoferMountConfFlags{
		erofs,
		{Lower: specutils.NoneLower, Upper: specutils.AnonOverlay}, // /tmp
	}
	for range images {
		confs = append(confs, erofs)
	}
	return confs
}

// writeBundle writes the spec where the sentry reads it.
func writeBundle(dir string, s *specs.Spec) error {
	b, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.json"), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}
