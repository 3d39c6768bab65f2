package chaos_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/pool"
)

// trouble breaks things.
type trouble struct {
	t                     *testing.T
	server                *thawtest.Server
	traces                *traces
	spared                string     // the function whose sandboxes are not killed
	quiet                 sync.Mutex // held while nothing may be killed that spared might take
	killed, damaged       atomic.Int64
	frozen, stocked, most atomic.Int64 // what watch has seen
}

func (b *trouble) String() string {
	return fmt.Sprintf("trouble: %d sandboxes killed, %d snapshots damaged; seen at most %d environments, %d of them frozen, %d slots in stock",
		b.killed.Load(), b.damaged.Load(), b.most.Load(), b.frozen.Load(), b.stocked.Load())
}

// kill kills sandboxes until ctx ends: any, or the youngest, which is likely to be a slot in preparation or a cold start.
func (b *trouble) kill(ctx context.Context, r *rand.Rand) {
	for {
		pause(ctx, time.Duration(100+r.IntN(500))*time.Millisecond)
		if ctx.Err() != nil {
			return
		}
		all := sentries(b.t, b.traces)
		if len(all) == 0 {
			continue
		}
		pid := all[r.IntN(len(all))]
		if r.IntN(3) == 0 {
			pid = slices.Max(all)
		}
		b.killUnlessSpared(pid)
	}
}

func (b *trouble) killUnlessSpared(pid int) {
	if b.tenant(pid) == "" {
		b.quiet.Lock()
		defer b.quiet.Unlock()
	}
	if b.tenant(pid) != b.spared && killSentry(pid) {
		b.killed.Add(1)
	}
}

// tenant returns the function that a sandbox holds, "" if it holds none yet.
func (b *trouble) tenant(pid int) string {
	id := sentryID(pid)
	for _, e := range b.server.Status().Environments {
		if e.ID == id {
			return e.Function
		}
	}
	return ""
}

// killSentry reports whether it killed a sentry, and not something that has its process id now.
func killSentry(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	return sentryID(pid) != "" && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
}

// damage spoils snapshots until ctx ends.
func (b *trouble) damage(ctx context.Context, r *rand.Rand) {
	for {
		pause(ctx, time.Duration(200+r.IntN(1000))*time.Millisecond)
		if ctx.Err() != nil {
			return
		}
		var files []string
		err := filepath.WalkDir(filepath.Join(b.server.Dir, "snapshots"), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				files = append(files, path)
			}
			return nil // it may go away while we look
		})
		if err != nil {
			b.t.Error(err)
		}
		if len(files) > 0 && spoil(files[r.IntN(len(files))], r) == nil {
			b.damaged.Add(1)
		}
	}
}

// spoil damages a file in one of the ways in which files break.
func spoil(path string, r *rand.Rand) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch size := info.Size(); r.IntN(4) {
	case 0:
		return os.Remove(path)
	case 1:
		return os.RemoveAll(filepath.Dir(path))
	case 2:
		return os.Truncate(path, size/2)
	default:
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		_, err = f.WriteAt([]byte{0xff, 0x00, 0xff, 0x00}, r.Int64N(max(1, size-4)))
		return err
	}
}

// watch looks at the server's status until ctx ends, and checks that it makes sense at every moment.
func (b *trouble) watch(ctx context.Context, _ *rand.Rand) {
	for ctx.Err() == nil {
		st := b.server.Status()
		if st.ReservedBytes > st.BudgetBytes {
			b.t.Errorf("%d bytes are reserved, the budget is %d", st.ReservedBytes, st.BudgetBytes)
		}
		var frozen, stocked int64
		ids := map[string]bool{}
		for _, e := range st.Environments {
			if e.State == pool.StateFrozen {
				frozen++
			}
			if e.ID != "" && ids[e.ID] {
				b.t.Errorf("two environments in sandbox %s", e.ID)
			}
			ids[e.ID] = true
		}
		for _, s := range st.Stocks {
			stocked += int64(s.Ready)
			if s.Ready < 0 || s.Filling < 0 || s.ReservedBytes < 0 {
				b.t.Errorf("stock %+v", s)
			}
		}
		b.frozen.Store(max(b.frozen.Load(), frozen))
		b.stocked.Store(max(b.stocked.Load(), stocked))
		b.most.Store(max(b.most.Load(), int64(len(st.Environments))))
		pause(ctx, 20*time.Millisecond)
	}
}
