package runtimes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mountPoints are the directories that every image has, for the sandbox to mount upon or simply to be there.
var mountPoints = []string{
	TaskRoot, LayerRoot, "/tmp", "/proc", "/dev", "/sys", "/mnt", "/run",
	"/etc", "/root", "/var/lang/bin", "/var/lang/lib", RuntimeDir, "/thaw",
}

// shadowed are the mount points that hide what an image has below them.
var shadowed = []string{TaskRoot, LayerRoot, "/tmp", "/proc", "/dev", "/sys", "/mnt", "/run"}

// etc is what every image says of itself, whatever the host says. Name resolution goes to the address at which the
// egress network answers DNS.
var etc = map[string]string{
	"/etc/hosts":         "127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n",
	"/etc/resolv.conf":   "nameserver 10.255.255.1\n",
	"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
	"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n" +
		fmt.Sprintf("%s:x:%d:%d::/home/%s:/sbin/nologin\n", UserName, UserID, GroupID, UserName),
	"/etc/group": fmt.Sprintf("root:x:0:\n%s:x:%d:\n", UserName, GroupID),
	"/etc/os-release": "NAME=\"Thaw\"\nID=thaw\nID_LIKE=\"amzn\"\nPRETTY_NAME=\"Thaw execution environment\"\n" +
		"HOME_URL=\"https://thaw.dev/\"\n",
}

// The programs that images get from the host where it has them. provided.* gets both lists, the others the first.
var (
	commonPrograms = strings.Fields(`sh
		[ arch b2sum base32 base64 basename basenc cat chgrp chmod chown cksum comm cp csplit cut date dd df dir
		dircolors dirname du echo env expand expr factor false fmt fold groups head hostid id install join link ln
		logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od paste pathchk pinky pr printenv
		printf ptx pwd readlink realpath rm rmdir seq sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep
		sort split stat stdbuf stty sum sync tac tail tee test timeout touch tr true truncate tsort tty uname unexpand
		uniq unlink users vdir wc who whoami yes`)
	providedPrograms = strings.Fields(`bash grep egrep fgrep sed awk find xargs curl tar gzip gunzip zcat openssl jq`)
	programDirs      = []string{"/usr/bin", "/bin"}
)

// loadedByName are shared objects that programs open without naming them in their ELF header, or that prebuilt
// functions expect of the system: glibc's parts, name service, thread cancellation, C++ and zlib.
var loadedByName = []string{
	"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2",
	"libnss_files.so.2", "libnss_dns.so.2", "libcrypt.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1",
}

// caBundle is where images have their CA certificates; the other names are what programs look for. Sources: the
// compiled-in defaults of OpenSSL on Debian, Fedora and upstream, and Go's crypto/x509.
const caBundle = "/etc/ssl/certs/ca-certificates.crt"

var (
	caSources = []string{caBundle, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}
	caNames   = []string{"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem", "/usr/lib/ssl/cert.pem", "/usr/local/ssl/cert.pem"}
)

// hostBase collects the parts of an image of host files that do not depend on the interpreter.
func (c *Catalog) hostBase(col *collector, l *linker, programs []string) error {
	// First the host's own links such as /lib -> usr/lib, so that nothing turns them into directories.
	for _, p := range []string{"/bin", "/sbin", "/lib", "/lib64", "/usr/lib64", "/usr/sbin"} {
		if _, err := col.follow(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, p := range append([]string{"/usr/bin", "/usr/lib"}, mountPoints...) {
		if err := col.dir(p); err != nil {
			return err
		}
	}
	for _, name := range programs {
		p, ok := lookProgram(name)
		if !ok {
			continue
		}
		if err := l.add(p); err != nil && !errors.Is(err, errNoLibrary) {
			return err
		}
	}
	if err := l.named(loadedByName...); err != nil {
		return err
	}
	for _, p := range []string{"/usr/share/locale/locale.alias", "/etc/services", "/etc/protocols", "/etc/mime.types"} {
		if err := col.optional(p); err != nil {
			return err
		}
	}
	if err := locales(col); err != nil {
		return err
	}
	if err := zones(col); err != nil {
		return err
	}
	if err := c.certificates(col); err != nil {
		return err
	}
	return etcFiles(col)
}

func etcFiles(col *collector) error {
	for _, p := range sortedKeys(etc) {
		if err := col.text(p, etc[p]); err != nil {
			return err
		}
	}
	return nil
}

func lookProgram(name string) (string, bool) {
	for _, dir := range programDirs {
		p := filepath.Join(dir, name)
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return p, true
		}
	}
	return "", false
}

// maxLocaleArchive bounds the compiled locales taken from the host, which some distributions ship for every language
// (200 MB).
const maxLocaleArchive = 16 << 20

func locales(col *collector) error {
	dir := "/usr/lib/locale"
	for _, name := range []string{"C.utf8", "C.UTF-8", "en_US.utf8", "en_US.UTF-8"} {
		if err := col.optional(path.Join(dir, name)); err != nil {
			return err
		}
	}
	archive := path.Join(dir, "locale-archive")
	if info, err := os.Stat(archive); err != nil || info.Size() > maxLocaleArchive {
		return nil //nolint:nilerr // a host without it has the directories above
	}
	return col.host(archive)
}

// zones collects the time zones, without the copies that count leap seconds ("right") or say they do not ("posix").
func zones(col *collector) error {
	const dir = "/usr/share/zoneinfo"
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil //nolint:nilerr // not every host has them
	}
	err := col.below(dir, func(p string, _ fs.DirEntry) bool {
		rel := strings.TrimPrefix(p, dir+"/")
		return rel != "right" && rel != "posix" && rel != "localtime"
	})
	if err != nil {
		return err
	}
	if _, ok := col.tree.Lookup(dir + "/UTC"); !ok {
		return nil
	}
	return col.link("/etc/localtime", "../usr/share/zoneinfo/UTC")
}

func (c *Catalog) certificates(col *collector) error {
	for _, source := range caSources {
		real, err := filepath.EvalSymlinks(source)
		if err != nil {
			continue
		}
		info, err := os.Stat(real)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := col.file(caBundle, real, info); err != nil {
			return err
		}
		for _, name := range caNames {
			if err := col.caLink(name); err != nil {
				return err
			}
		}
		// OpenSSL's configuration and the modules it loads by name.
		for _, p := range []string{"/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf"} {
			if err := col.optional(p); err != nil {
				return err
			}
		}
		modules, _ := filepath.Glob("/usr/lib/*/ossl-modules") // the pattern is valid
		for _, p := range modules {
			if err := col.optional(p); err != nil {
				return err
			}
		}
		return nil
	}
	c.log.Warn("this host has no CA certificates: functions cannot verify TLS servers", "remedy", "install ca-certificates")
	return nil
}

// caLink makes name another name of the CA bundle, unless something is there.
func (col *collector) caLink(name string) error {
	if _, ok := col.tree.Lookup(name); ok || name == caBundle {
		return nil
	}
	return col.link(name, caBundle)
}

// agentSum remembers the agent's content hash while its file stays as it is.
type agentSum struct {
	stamp stamp
	sum   string
}

// platform adds what is ours to every image: the agent and the bootstrap.
func (c *Catalog) platform(ctx context.Context, col *collector, files fs.FS) error {
	sum, err := c.agentSum()
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	col.note("agent", AgentPath, sum) // by content: its file is made anew at each start
	if err := col.tree.AddHostFile(AgentPath, 0o755, c.agent); err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	if files == nil {
		return nil
	}
	return fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		data, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		return col.text(path.Join(RuntimeDir, p), string(data))
	})
}

func (c *Catalog) agentSum() (string, error) {
	now := stampOf(c.agent)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.agentS.sum != "" && c.agentS.stamp == now {
		return c.agentS.sum, nil
	}
	f, err := os.Open(c.agent)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	c.agentS = agentSum{now, hex.EncodeToString(h.Sum(nil))}
	return c.agentS.sum, nil
}
