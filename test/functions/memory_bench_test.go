package functions_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/internal/vmtest"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

// usingMemory does what its event says. Its init is slow enough for a snapshot.
const usingMemory = `
import importlib, mmap, os, time
time.sleep(0.4)
hold = []
def handler(e, c):
    do = e.get("do")
    if do == "wait":
        time.sleep(e["s"])
    if do == "fill": # most of the memory, files in memory and in /tmp, and much different code
        mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        for _ in range((mb - 192) // 4):
            hold.append(mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x8000))
        for n in range(4):
            with open("/tmp/%d" % n, "wb") as f:
                for _ in range(16):
                    f.write(b"x" * (1 << 20))
        for name in ("argparse ast asyncio bz2 calendar cmd codecs concurrent.futures csv ctypes dataclasses decimal difflib dis email.mime.text "
                     "fractions ftplib html.parser http.server imaplib json logging.config lzma multiprocessing optparse pdb pickle platform "
                     "plistlib pprint pydoc random sched secrets shelve smtplib sqlite3 statistics string tarfile tempfile typing unittest "
                     "urllib.request uuid wave xml.dom.minidom xmlrpc.client zipfile").split():
            importlib.import_module(name)
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))
`

// BenchmarkMachineMemory is what machines with Python take of the host's memory, by the function's memory: one that was
// started and has answered once; 100 times; one that was restored from a snapshot and has answered; and one that fills its
// memory, writes files and imports much. "beyond-MiB" is what it is charged beyond the memory
// that the function's process has.
//
//	go test ./test/functions -run - -bench MachineMemory -benchtime 1x
func BenchmarkMachineMemory(b *testing.B) {
	s := thawtest.Start(b, func(c *node.Config) {
		thawtest.Machines(b, c)
		c.Engine, c.SnapshotLatest = "microvm", true
	})
	for _, mb := range []int{128, 512, 1769} {
		b.Run(strconv.Itoa(mb), func(b *testing.B) {
			before := s.Status().Snapshots.Count
			name := s.Deploy(b, thawtest.Function{
				Name: fmt.Sprintf("memory-%d", mb), Runtime: thawtest.Python(b), Handler: "app.handler", MemoryMB: mb, Timeout: 300,
				Files: thawtest.Files{"app.py": usingMemory},
			})
			measure := func(state, event string, times int, source pool.Source) {
				b.Run("state="+state, func(b *testing.B) {
					var kib float64
					for b.Loop() {
						for range times {
							s.Result(b, name, event, &kib)
						}
					}
					for _, e := range s.Status().Environments {
						if e.Function != name || e.Source != source {
							continue
						}
						m := vmtest.MemoryOf(b, e.ID)
						b.ReportMetric(m.Share, "pss-MiB")
						b.ReportMetric(m.Guest, "guest-MiB")
						b.ReportMetric(m.Translated, "translated-MiB")
						b.ReportMetric(m.Own-m.Guest-m.Translated, "monitor-MiB")
						b.ReportMetric(m.Charged, "charged-MiB")
						b.ReportMetric(m.Charged-kib/1024, "beyond-MiB")
						return
					}
					b.Fatalf("no environment of %s is from %s: %+v", name, source, s.Status().Environments)
				})
			}
			measure("started", `{}`, 1, pool.SourceNone)
			measure("warm", `{}`, 100, pool.SourceNone)
			for s.Status().Snapshots.Count == before {
				time.Sleep(50 * time.Millisecond)
			}
			var wg sync.WaitGroup
			wg.Go(func() { s.Call(b, name, `{"do":"wait","s":40}`) })
			for !slices.ContainsFunc(s.Status().Environments, func(e pool.EnvironmentStatus) bool { return e.Function == name && e.State == pool.StateBusy }) {
				time.Sleep(time.Millisecond)
			}
			measure("restored", `{}`, 1, pool.SourceSnapshot)
			measure("restored-warm", `{}`, 100, pool.SourceSnapshot)
			if mb > 128 { // it would take minutes with such a share of a CPU
				measure("full", `{"do":"fill"}`, 1, pool.SourceSnapshot)
			}
			wg.Wait()
		})
	}
}
