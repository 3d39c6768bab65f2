package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
)

func (a *api) putMachine(body []byte) error {
	var c machineConfig
	if err := decode(body, &c); err != nil {
		return err
	}
	switch {
	case c.CPUs == nil || c.MemoryMiB == nil:
		return errors.New("missing field `vcpu_count` or `mem_size_mib`")
	case *c.CPUs < 1 || *c.CPUs > 32 || (c.SMT && *c.CPUs > 1 && *c.CPUs%2 == 1):
		return errors.New("The vCPU number is invalid! The vCPU number can only be 1 or an even number when SMT is enabled.")
	case *c.MemoryMiB < 1:
		return errors.New("The memory size (MiB) is invalid.")
	}
	a.config.Machine = c
	return nil
}

func (a *api) putBoot(body []byte) error {
	var c bootSource
	if err := decode(body, &c); err != nil {
		return err
	}
	for _, path := range []string{c.Kernel, c.Initrd} {
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("Boot source error: The kernel or initrd file cannot be opened: %w", err)
		}
		_ = f.Close()
	}
	if c.Kernel == "" {
		return errors.New("missing field `kernel_image_path`")
	}
	if c.Args == nil {
		args := "reboot=k panic=1 pci=off nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.dumbkbd swiotlb=noforce"
		c.Args = &args
	}
	a.config.Boot = &c
	return nil
}

func (a *api) putDrive(id string, body []byte) error {
	var c driveConfig
	if err := decode(body, &c); err != nil {
		return err
	}
	switch {
	case c.ID != id:
		return errors.New("The id from the path does not match the id from the body!")
	case !deviceID.MatchString(id):
		return errors.New("API Resource IDs can only contain alphanumeric characters and underscores.")
	case c.Root == nil:
		return errors.New("missing field `is_root_device`")
	case c.Bytes != 0:
		return errors.New("unknown field `bytes`")
	case !slices.Contains([]string{"", "Unsafe", "Writeback"}, c.Cache), !slices.Contains([]string{"", "Sync", "Async"}, c.Engine):
		return errors.New("unknown variant of cache_type or io_engine")
	}
	f, err := openDrive(c)
	if err != nil {
		return err
	}
	c.Bytes = size(f)
	_ = f.Close()
	for i := range a.config.Drives {
		if a.config.Drives[i].ID == id {
			a.config.Drives[i] = c
			return nil
		}
	}
	a.config.Drives = append(a.config.Drives, c)
	return nil
}

// openDrive opens the file behind a drive.
func openDrive(c driveConfig) (*os.File, error) {
	flags := os.O_RDWR
	if c.ReadOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(c.Path, flags, 0)
	if err != nil {
		return nil, fmt.Errorf("Drive config error: Unable to open the block device file: %w %s", err, c.Path)
	}
	return f, nil
}

// size is what the guest learns of a file: whole sectors.
func size(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size() &^ 511
}

func (a *api) putNetwork(id string, body []byte) error {
	var c networkConfig
	if err := decode(body, &c); err != nil {
		return err
	}
	if c.ID != id || !deviceID.MatchString(id) || c.Tap == "" {
		return errors.New("The id from the path does not match the id from the body!")
	}
	if _, err := net.ParseMAC(c.MAC); c.MAC != "" && err != nil {
		return fmt.Errorf("invalid MAC address: %w", err)
	}
	a.config.Network = append(a.config.Network, c)
	return nil
}

func (a *api) putVsock(body []byte) error {
	var c vsockConfig
	if err := decode(body, &c); err != nil {
		return err
	}
	if c.CID < 3 || c.Path == "" {
		return errors.New("invalid value: guest_cid must be at least 3, uds_path is required")
	}
	a.config.Vsock = &c
	return nil
}

// start is InstanceStart.
func (a *api) start() error {
	switch {
	case a.booted != nil:
		return errPreBoot
	case a.config.Boot == nil:
		return errors.New("Start microvm error: Cannot start microvm without kernel configuration.")
	}
	if a.config.Machine.CPUs == nil { // Firecracker's defaults
		cpus, memory := 1, int64(128)
		a.config.Machine.CPUs, a.config.Machine.MemoryMiB = &cpus, &memory
	}
	v, err := boot(a.config)
	if err != nil {
		return fmt.Errorf("Start microvm error: %w", err)
	}
	a.booted = v
	return nil
}

func (a *api) setState(body []byte) error {
	var c struct {
		State string `json:"state"`
	}
	if err := decode(body, &c); err != nil {
		return err
	}
	if a.booted == nil {
		return errPostBoot
	}
	switch c.State {
	case "Paused":
		a.booted.pause()
	case "Resumed":
		a.booted.resume()
	default:
		return fmt.Errorf("unknown variant `%s`, expected `Paused` or `Resumed`", c.State)
	}
	return nil
}

func (a *api) patchDrive(id string, body []byte) error {
	var c struct {
		ID   string `json:"drive_id"`
		Path string `json:"path_on_host"`
	}
	if err := decode(body, &c); err != nil {
		return err
	}
	if c.ID != id {
		return errors.New("The id from the path does not match the id from the body!")
	}
	if a.booted == nil {
		return errPostBoot
	}
	return a.booted.changeDrive(id, c.Path)
}
