package egress

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
)

const (
	// maxResolvers is how many name servers of a resolv.conf count (resolv.conf(5): MAXNS).
	maxResolvers = 3
	// maxResolvConf is how much of the file is read, in bytes.
	maxResolvConf = 64 << 10
)

// resolvers knows whom to ask for names: fixed, or what the file at path says at the moment.
type resolvers struct {
	path  string
	fixed []netip.AddrPort
	log   *slog.Logger

	mu      sync.Mutex
	servers []netip.AddrPort // what the file said; replaced, never changed
	file    os.FileInfo      // of the file then
}

// list returns the resolvers in the order in which to ask them, never none. Callers do not change the list.
func (r *resolvers) list() []netip.AddrPort {
	if len(r.fixed) > 0 {
		return r.fixed
	}
	info, err := os.Stat(r.path)
	r.mu.Lock()
	servers := r.servers
	current := err == nil && r.file != nil && os.SameFile(info, r.file) && info.ModTime().Equal(r.file.ModTime()) &&
		info.Size() == r.file.Size()
	r.mu.Unlock()
	if current {
		return servers
	}
	content, err := readStart(r.path)
	if err != nil {
		if servers == nil {
			servers = parseResolvConf(nil)
		}
		r.log.Warn("cannot read the host's resolver configuration", "file", r.path, "error", err)
		return servers
	}
	servers = parseResolvConf(content)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers, r.file = servers, info
	return servers
}

func readStart(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxResolvConf))
}

// parseResolvConf returns the name servers of a resolv.conf. Without any it is the one of this machine, as
// resolv.conf(5) says.
func parseResolvConf(content []byte) []netip.AddrPort {
	var servers []netip.AddrPort
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() && len(servers) < maxResolvers {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(fields[1]); err == nil {
			servers = append(servers, netip.AddrPortFrom(addr, dnsPort))
		}
	}
	if len(servers) == 0 {
		servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort)}
	}
	return servers
}
