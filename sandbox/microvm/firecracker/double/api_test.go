package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call is one request and what must come of it: "" for 204, or a part of the fault.
type call struct{ method, path, body, fault string }

// TestRefusals: what the real one refuses, the double refuses too; else the driver's tests would prove nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	q := func(s string) string { return strings.NewReplacer("FILE", file, "DIR", dir).Replace(s) }
	machine := call{"PUT", "/machine-config", `{"vcpu_count":1,"mem_size_mib":16}`, ""}
	kernel := call{"PUT", "/boot-source", `{"kernel_image_path":"FILE","boot_args":"quiet"}`, ""}
	start := call{"PUT", "/actions", `{"action_type":"InstanceStart"}`, ""}
	pause := call{"PATCH", "/vm", `{"state":"Paused"}`, ""}
	create := call{"PUT", "/snapshot/create", `{"snapshot_type":"Full","snapshot_path":"DIR/state","mem_file_path":"DIR/memory"}`, ""}
	load := func(fault string) call {
		return call{"PUT", "/snapshot/load", `{"snapshot_path":"DIR/state","mem_backend":{"backend_type":"File","backend_path":"DIR/memory"}}`, fault}
	}
	for name, calls := range map[string][]call{
		"unknown path":        {{"PUT", "/no-such", `{}`, "Invalid request method and/or path"}},
		"unknown field":       {{"PUT", "/machine-config", `{"vcpu_count":1,"mem_size_mib":16,"x":1}`, "unknown field"}},
		"no CPUs":             {{"PUT", "/machine-config", `{"vcpu_count":0,"mem_size_mib":16}`, "vCPU number is invalid"}},
		"missing field":       {{"PUT", "/machine-config", `{"vcpu_count":1}`, "missing field"}},
		"missing kernel":      {{"PUT", "/boot-source", `{"kernel_image_path":"/no/such"}`, "cannot be opened"}},
		"start without any":   {{"PUT", "/actions", `{"action_type":"InstanceStart"}`, "without kernel"}},
		"unknown action":      {{"PUT", "/actions", `{"action_type":"Stop"}`, "unknown variant"}},
		"drive of other name": {{"PUT", "/drives/a", `{"drive_id":"b","path_on_host":"FILE","is_root_device":false}`, "does not match"}},
		"drive with dash":     {{"PUT", "/drives/a-b", `{"drive_id":"a-b","path_on_host":"FILE","is_root_device":false}`, "alphanumeric"}},
		"drive without file":  {{"PUT", "/drives/a", `{"drive_id":"a","path_on_host":"/no/such","is_root_device":false}`, "Unable to open"}},
		"low CID":             {{"PUT", "/vsock", `{"guest_cid":2,"uds_path":"v"}`, "guest_cid"}},
		"post-boot before":    {{"PATCH", "/vm", `{"state":"Paused"}`, "before starting"}, {"PATCH", "/drives/a", `{"drive_id":"a","path_on_host":"FILE"}`, "before starting"}},
		"pre-boot after":      {machine, kernel, start, {"PUT", "/entropy", `{}`, "after starting"}, {"PUT", "/actions", `{"action_type":"InstanceStart"}`, "after starting"}},
		"load after config":   {machine, load("not allowed after configuring")},
		"save while running":  {machine, kernel, start, {"PUT", create.path, create.body, "not paused"}},
		"save and load again": {machine, kernel, start, pause, create, load("after starting")},
		"unknown state":       {machine, kernel, start, {"PATCH", "/vm", `{"state":"Stopped"}`, "unknown variant"}},
		"unknown drive":       {machine, kernel, start, {"PATCH", "/drives/a", `{"drive_id":"a","path_on_host":"FILE"}`, "no drive"}},
		"both backends":       {{"PUT", "/snapshot/load", `{"snapshot_path":"s","mem_file_path":"m","mem_backend":{"backend_type":"File","backend_path":"m"}}`, "not both"}},
		"long body":           {{"PUT", "/boot-source", `{"boot_args":"` + strings.Repeat("x", maxBody) + `"}`, "larger than the limit"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{}
			for _, c := range calls {
				w := httptest.NewRecorder()
				a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(q(c.body))))
				got := w.Body.String()
				if c.fault == "" && w.Code != http.StatusNoContent {
					t.Fatalf("%s %s: %d %s", c.method, c.path, w.Code, got)
				}
				if c.fault != "" && (w.Code != http.StatusBadRequest || !strings.Contains(got, c.fault) || !strings.Contains(got, "fault_message")) {
					t.Fatalf("%s %s: %d %s, want %q", c.method, c.path, w.Code, got, c.fault)
				}
			}
		})
	}
}

func TestSnapshotsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	b, err := encodeState(config{Entropy: true})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := decodeState(b); err != nil || !c.Entropy {
		t.Errorf("got %+v, %v", c, err)
	}
	b[len(b)-1] ^= 1
	if _, err := decodeState(b); err == nil {
		t.Error("a damaged state was taken")
	}
}

func TestJailerRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--no-such", "1"}, {"--id"}, {"--id", "a", "--id", "b"}, {"--id", "a"}, {"x"},
		{"--id", "a_b", "--exec-file", "/x", "--uid", "1", "--gid", "1"},
		{"--id", "a", "--exec-file", "/bin/sh", "--uid", "1", "--gid", "1"},
	} {
		if err := jailer(args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
