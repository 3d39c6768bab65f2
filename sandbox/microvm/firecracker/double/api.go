package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// The faults of calls at the wrong time. Source: VmmActionError in src/vmm/src/rpc_interface.rs.
var (
	errPostBoot = errors.New("The requested operation is not supported before starting the microVM.")
	errPreBoot  = errors.New("The requested operation is not supported after starting the microVM.")
	errLoad     = errors.New("Load snapshot error: Loading a microVM snapshot not allowed after configuring boot-specific resources.")
)

// maxBody is Firecracker's --http-api-max-payload-size, in bytes.
const maxBody = 51200

var firecrackerArgs = map[string]bool{
	"id": false, "api-sock": false, "level": false, "log-path": false, "start-time-us": false,
	"start-time-cpu-us": false, "parent-cpu-time-us": false, "http-api-max-payload-size": false,
}

// firecracker serves the API until the machine ends.
func firecracker(args []string) error {
	a, rest, err := parse(args, firecrackerArgs)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return badArguments("unexpected arguments")
	}
	socket := "/run/firecracker.socket"
	if s := a["api-sock"]; len(s) > 0 {
		socket = s[0]
	}
	id := "anonymous-instance"
	if s := a["id"]; len(s) > 0 {
		id = s[0]
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("Failed to open the API socket at: %s. Check that it is not already used: %w", socket, err)
	}
	return http.Serve(l, &api{id: id}) //nolint:gosec // a double
}

// api is the state behind the API.
type api struct {
	id string

	mu     sync.Mutex
	config config // guarded by mu
	booted *vm    // guarded by mu; nil before InstanceStart or a load
}

// config is what was configured before the start, and what a snapshot's state consists of.
type config struct {
	Touched bool `json:"-"` // something was configured
	Machine machineConfig
	Boot    *bootSource
	Drives  []driveConfig
	Network []networkConfig
	Vsock   *vsockConfig
	Entropy bool
}

type machineConfig struct {
	CPUs      *int   `json:"vcpu_count"`
	MemoryMiB *int64 `json:"mem_size_mib"`
	SMT       bool   `json:"smt"`
	Dirty     bool   `json:"track_dirty_pages"`
	Template  string `json:"cpu_template,omitempty"`
	HugePages string `json:"huge_pages,omitempty"`
}

type bootSource struct {
	Kernel string  `json:"kernel_image_path"`
	Initrd string  `json:"initrd_path"`
	Args   *string `json:"boot_args"`
}

type driveConfig struct {
	ID       string `json:"drive_id"`
	Path     string `json:"path_on_host"`
	Root     *bool  `json:"is_root_device"`
	ReadOnly bool   `json:"is_read_only"`
	Cache    string `json:"cache_type"`
	Engine   string `json:"io_engine"`
	PartUUID string `json:"partuuid,omitempty"`
	Bytes    int64  `json:"bytes,omitempty"` // not in the API: the size that the guest has seen
}

type networkConfig struct {
	ID  string `json:"iface_id"`
	Tap string `json:"host_dev_name"`
	MAC string `json:"guest_mac"`
}

type vsockConfig struct {
	ID   string `json:"vsock_id,omitempty"`
	CID  uint32 `json:"guest_cid"`
	Path string `json:"uds_path"`
}

var deviceID = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// ServeHTTP answers 204 for what changed something, 200 for what was asked, 400 with a fault for everything else.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Firecracker API")
	w.Header().Set("Content-Type", "application/json")
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("Request payload with size %d is larger than the limit of %d allowed by server.", len(body), maxBody)
	}
	var answer any
	if err == nil {
		answer, err = a.do(r.Method, r.URL.Path, body)
	}
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"fault_message": err.Error()})
	case answer != nil:
		_ = json.NewEncoder(w).Encode(answer)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// do is one call, one at a time as in Firecracker's one thread.
func (a *api) do(method, path string, body []byte) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kind, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch method + " " + kind {
	case "GET ":
		state := "Not started"
		if a.booted != nil {
			state = a.booted.state()
		}
		return map[string]string{"id": a.id, "state": state, "vmm_version": strings.TrimPrefix(version, "v"), "app_name": "Firecracker"}, nil
	case "GET version":
		return map[string]string{"firecracker_version": strings.TrimPrefix(version, "v")}, nil
	case "PUT machine-config", "PUT boot-source", "PUT drives", "PUT network-interfaces", "PUT vsock", "PUT entropy":
		if a.booted != nil {
			return nil, errPreBoot
		}
		if err := a.configure(kind, id, body); err != nil {
			return nil, err
		}
		a.config.Touched = true
		return nil, nil
	case "PUT actions":
		var action struct {
			Type string `json:"action_type"`
		}
		if err := decode(body, &action); err != nil {
			return nil, err
		}
		if action.Type != "InstanceStart" {
			return nil, fmt.Errorf("unknown variant `%s`, expected one of `FlushMetrics`, `InstanceStart`, `SendCtrlAltDel`", action.Type)
		}
		return nil, a.start()
	case "PUT snapshot":
		if id == "load" {
			return nil, a.load(body)
		}
		if id == "create" {
			return nil, a.create(body)
		}
	case "PATCH vm":
		return nil, a.setState(body)
	case "PATCH drives":
		return nil, a.patchDrive(id, body)
	}
	return nil, fmt.Errorf("Invalid request method and/or path: %s %s.", method, strings.TrimPrefix(path, "/"))
}

// decode refuses unknown fields, as Firecracker's types do.
func decode(body []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("An error occurred when deserializing the json body of a request: %w.", err)
	}
	return nil
}

func (a *api) configure(kind, id string, body []byte) error {
	switch kind {
	case "machine-config":
		return a.putMachine(body)
	case "boot-source":
		return a.putBoot(body)
	case "drives":
		return a.putDrive(id, body)
	case "network-interfaces":
		return a.putNetwork(id, body)
	case "vsock":
		return a.putVsock(body)
	default:
		var none struct {
			RateLimiter *struct{} `json:"rate_limiter"`
		}
		a.config.Entropy = true
		return decode(body, &none)
	}
}
