package firecracker

// The bodies of Firecracker's API, version 1.8, as far as the driver uses them.
// Source: src/firecracker/swagger/firecracker.yaml.

// instance is the answer of GET /.
type instance struct {
	State   string `json:"state"` // stateRunning, statePaused or "Not started"
	Version string `json:"vmm_version"`
}

const (
	stateRunning = "Running"
	statePaused  = "Paused"
)

// machineConfig is PUT /machine-config.
type machineConfig struct {
	CPUs      int   `json:"vcpu_count"`
	MemoryMiB int64 `json:"mem_size_mib"`
	SMT       bool  `json:"smt"`
}

// bootSource is PUT /boot-source. Without arguments Firecracker's own would apply, which contain nomodule.
type bootSource struct {
	Kernel string `json:"kernel_image_path"`
	Initrd string `json:"initrd_path"`
	Args   string `json:"boot_args"`
}

// drive is PUT /drives/{id}.
type drive struct {
	ID       string `json:"drive_id"`
	Path     string `json:"path_on_host"`
	Root     bool   `json:"is_root_device"`
	ReadOnly bool   `json:"is_read_only"`
	Cache    string `json:"cache_type"` // "Unsafe": what the host has in its page cache need not be on its disk
	Engine   string `json:"io_engine"`  // "Sync"
}

// drivePath is PATCH /drives/{id}.
type drivePath struct {
	ID   string `json:"drive_id"`
	Path string `json:"path_on_host"`
}

// networkInterface is PUT /network-interfaces/{id}.
type networkInterface struct {
	ID  string `json:"iface_id"`
	Tap string `json:"host_dev_name"`
	MAC string `json:"guest_mac"`
}

// vsockDevice is PUT /vsock.
type vsockDevice struct {
	CID  uint32 `json:"guest_cid"`
	Path string `json:"uds_path"`
}

// action is PUT /actions.
type action struct {
	Type string `json:"action_type"`
}

// vmState is PATCH /vm.
type vmState struct {
	State string `json:"state"` // "Paused" or "Resumed"
}

// snapshotCreate is PUT /snapshot/create.
type snapshotCreate struct {
	Type   string `json:"snapshot_type"` // "Full"
	State  string `json:"snapshot_path"`
	Memory string `json:"mem_file_path"`
}

// snapshotLoad is PUT /snapshot/load.
type snapshotLoad struct {
	State  string        `json:"snapshot_path"`
	Memory memoryBackend `json:"mem_backend"`
	Resume bool          `json:"resume_vm"`
}

// memoryBackend is where a loaded machine's memory comes from.
type memoryBackend struct {
	Type string `json:"backend_type"` // "File": mapped private
	Path string `json:"backend_path"`
}
