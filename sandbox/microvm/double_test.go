package microvm_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest/wire"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// double is a vmm.VMM without virtual machines, for what can go wrong. Each of its machines is a process that sleeps, and
// a guest in this program: it keeps a number in the machine's memory, and on the control port it answers "count" with
// that number plus one, "exit N" by ending, and "drive N" with the beginning of a drive.
type double struct {
	mu    sync.Mutex
	fails map[string]error // guarded by mu; what a step of that name returns
	calls map[string]int   // guarded by mu
	mems  []uint64         // guarded by mu; inode numbers of the memory of each Prepare

	// answer, if not nil, is asked first for the answer to a request; nil leaves it to the guest.
	answer func(wire.Frame) []byte
	// mute keeps guests from saying that they are ready.
	mute bool
}

func newDouble() *double { return &double{fails: map[string]error{}, calls: map[string]int{}} }

func (d *double) Name() string                 { return "double" }
func (d *double) Accelerator() vmm.Accelerator { return vmm.TCG }
func (d *double) Fingerprint() (string, error) { return "of the double", d.begin("fingerprint") }
func (d *double) Sweep(context.Context) error  { return d.begin("sweep") }
func (d *double) Close() error                 { return d.begin("close") }
func (d *double) Probe(context.Context) []sandbox.Check {
	return []sandbox.Check{{Name: "monitor", OK: true}}
}
func (d *double) fail(step string, err error) { d.mu.Lock(); defer d.mu.Unlock(); d.fails[step] = err }
func (d *double) count(step string) int       { d.mu.Lock(); defer d.mu.Unlock(); return d.calls[step] }

func (d *double) begin(step string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[step]++
	return d.fails[step]
}

func (d *double) Boot(ctx context.Context, m vmm.Machine, k vmm.Kernel) (vmm.VM, error) {
	v, err := d.start(ctx, "boot", m)
	if err != nil {
		return nil, err
	}
	v.run(1)
	if !d.mute {
		ready := wire.Ready{Version: wire.Version, BootedMs: 1, Kernel: "double"}
		v.say(wire.Frame{Kind: wire.KindReady, Body: ready.Append(nil)})
	}
	return v, nil
}

func (d *double) Prepare(ctx context.Context, m vmm.Machine) (vmm.VM, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(m.Memory.Fd()), &st); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.mems = append(d.mems, st.Ino)
	d.mu.Unlock()
	if _, err := m.Memory.WriteAt([]byte("x"), 0); !errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("wrote to the memory of a template: %v", err)
	}
	return d.start(ctx, "prepare", m)
}

// doubleVM is one machine.
type doubleVM struct {
	d       *double
	m       vmm.Machine
	cmd     *exec.Cmd
	ports   [vmm.NumPorts]net.Conn
	guests  sync.WaitGroup
	done    chan struct{}
	end     sync.Once
	running sync.RWMutex // write-locked while the machine is stopped

	mu     sync.Mutex
	number uint64           // guarded by mu; what is in memory
	drives map[int]*os.File // guarded by mu
}

func (d *double) start(ctx context.Context, step string, m vmm.Machine) (_ *doubleVM, err error) {
	v := &doubleVM{d: d, m: m, done: make(chan struct{}), drives: map[int]*os.File{}}
	defer func() {
		if err != nil {
			v.close()
		}
	}()
	if err := errors.Join(d.begin(step), ctx.Err()); err != nil {
		return nil, err
	}
	v.cmd = exec.Command("sleep", "1000")
	if err := v.cmd.Start(); err != nil {
		return nil, err
	}
	if m.Started != nil {
		if err := m.Started(v.cmd.Process.Pid); err != nil {
			_, _ = v.cmd.Process.Kill(), v.cmd.Wait()
			return nil, err
		}
	}
	for i, f := range m.Ports {
		if v.ports[i], err = net.FileConn(f); err != nil {
			_, _ = v.cmd.Process.Kill(), v.cmd.Wait()
			return nil, err
		}
	}
	go func() { // ends with the process
		_ = v.cmd.Wait()
		v.close()
		v.guests.Wait()
		close(v.done)
	}()
	return v, nil
}

// close closes what the machine has of files.
func (v *doubleVM) close() {
	for i := range v.ports {
		if v.ports[i] != nil {
			_ = v.ports[i].Close()
		}
		_ = v.m.Ports[i].Close()
	}
	for _, f := range []*os.File{v.m.Memory, v.m.Scratch, v.m.Network} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// run starts the guest with what is in its memory.
func (v *doubleVM) run(number uint64) {
	v.number = number
	v.guests.Go(func() { v.manage() })
	v.guests.Go(func() { v.serve() })
}

func (v *doubleVM) say(f wire.Frame) { _, _ = v.ports[vmm.PortManage].Write(wire.Append(nil, f)) }

// manage answers the engine.
func (v *doubleVM) manage() {
	for {
		f, err := wire.Read(v.ports[vmm.PortManage], nil, wire.MaxRequest)
		if err != nil {
			return
		}
		v.running.RLock()
		_ = v.d.begin(fmt.Sprintf("request %d", f.Kind))
		if v.d.answer != nil {
			if b := v.d.answer(f); b != nil {
				_, _ = v.ports[vmm.PortManage].Write(b)
				v.running.RUnlock()
				continue
			}
		}
		answer := wire.Frame{Kind: wire.KindOK, ID: f.ID}
		if f.Kind == wire.KindStats {
			s := wire.Stats{PeakMemoryBytes: 1 << 60, OOMKills: 3}
			answer.Body = s.Append(nil)
		}
		v.say(answer)
		v.running.RUnlock()
	}
}

// serve answers on the control port.
func (v *doubleVM) serve() {
	lines := bufio.NewScanner(v.ports[vmm.PortControl])
	for lines.Scan() {
		v.running.RLock()
		v.mu.Lock()
		word, rest, _ := strings.Cut(lines.Text(), " ")
		var n int
		_, _ = fmt.Sscan(rest, &n)
		switch word {
		case "count":
			v.number++
			fmt.Fprintln(v.ports[vmm.PortControl], v.number)
		case "drive":
			b := make([]byte, 5)
			if f := v.drives[n]; f != nil {
				_, _ = f.ReadAt(b, 0)
			}
			fmt.Fprintf(v.ports[vmm.PortControl], "%q\n", b)
		case "exit":
			e := wire.Exited{Code: int32(n)}
			v.say(wire.Frame{Kind: wire.KindExited, Body: e.Append(nil)})
		}
		v.mu.Unlock()
		v.running.RUnlock()
	}
}

func (v *doubleVM) PID() int { return v.cmd.Process.Pid }

func (v *doubleVM) SetDrive(_ context.Context, i int, image *os.File) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drives[i] = image
	return v.d.begin("setdrive")
}

// numberAt is where the guest keeps its number: in the middle of a hole.
const numberAt = 64 << 20

func (v *doubleVM) Load(ctx context.Context, state *os.File) error {
	if err := errors.Join(v.d.begin("load"), ctx.Err()); err != nil {
		return err
	}
	b, err := io.ReadAll(state)
	if err != nil || string(b) != "state of the double" {
		return fmt.Errorf("state is %q, %v", b, err)
	}
	var number [8]byte
	if _, err := v.m.Memory.ReadAt(number[:], numberAt); err != nil {
		return err
	}
	v.run(binary.LittleEndian.Uint64(number[:]))
	return nil
}

func (v *doubleVM) Stop(context.Context) error {
	if err := v.d.begin("stop"); err != nil {
		return err
	}
	v.running.Lock()
	return nil
}

func (v *doubleVM) Continue(context.Context) error {
	v.running.Unlock()
	return v.d.begin("continue")
}

func (v *doubleVM) Save(_ context.Context, memory, state *os.File) error {
	if err := v.d.begin("save"); err != nil {
		return err
	}
	if memory == nil {
		memory = v.m.Memory
	} else if err := memory.Truncate(v.m.Shape.MemoryBytes); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := memory.WriteAt(binary.LittleEndian.AppendUint64(nil, v.number), numberAt); err != nil {
		return err
	}
	_, err := state.WriteString("state of the double")
	return err
}

func (v *doubleVM) Done() <-chan struct{} { return v.done }
func (v *doubleVM) Exit() string          { return "last words" }

func (v *doubleVM) Kill() error {
	v.end.Do(func() { _ = v.cmd.Process.Kill() }) // fails only if it has ended
	<-v.done
	return nil
}

// talk sends a line to the guest of s and returns its answer.
func talk(t testing.TB, s sandbox.Sandbox, line string) string {
	t.Helper()
	c := s.Link().Control
	if _, err := fmt.Fprintln(c, line); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSpace(answer)
}
