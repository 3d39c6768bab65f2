package guest_test

import (
	"testing"
	"time"

	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

func TestBoot(t *testing.T) {
	root := sandboxtest.RootImage(t)
	began := time.Now()
	m := boot(t, []string{root}, 64<<20)
	if err := m.conn.Ready(within(t)); err != nil {
		t.Fatal(err)
	}
	kernel, took := m.conn.Boot()
	t.Logf("ready after %s, kernel %s by its own clock after %s", time.Since(began), kernel, took)
	began = time.Now()
	if err := m.conn.Setup(within(t), guest.Setup{Args: []string{sandboxtest.GuestPath}, Refresh: guest.Refresh{Hostname: "name"}}); err != nil {
		t.Fatal(err)
	}
	t.Logf("setup took %s", time.Since(began))
}
