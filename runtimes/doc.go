// Package runtimes makes the images execution environments start from: an interpreter with its standard library and
// shared objects, our agent, our bootstrap, and the small system around them.
//
// # Where runtimes come from
//
// By default from this host: python3.N and nodejsN.x exist when their interpreter is found (see discover.go), and
// provided.al2023 and provided.al2 always. Add names another interpreter, or a directory that holds a complete root
// file system. Such additions are JSON records below Options.Dir; every call reads them anew, so that a command in
// another process takes effect at once.
//
// # What is in an image
//
// Files from the host keep their absolute paths, and the symbolic links on the way to them are kept, so that an
// interpreter finds what it finds on the host. /var/lang/bin links to the interpreter, /thaw/agent is PID 1, and
// /var/runtime holds the bootstrap. The standard library comes without tests, IDLE, Tk and pip, and with bytecode that
// Python never compares with its source (PEP 552, unchecked), so that no start compiles anything. site-packages are left out:
// boto3 is not bundled, functions bring their own. What programs load by name at run time (name service modules,
// OpenSSL's, libgcc_s) is there, as are CA certificates, time zones and C.UTF-8. Everything belongs to root and can be
// read by the sandbox's user; empty directories wait for mounts.
//
// A custom directory is used as it is, setuid bits, devices and sockets left out; agent, bootstrap, mount points and
// the files of /etc that must be ours are laid over it. For Python and Node.js the interpreter is searched in it.
//
// # Hot slots
//
// Argv and Env of an image are the same for all functions, so that a runtime process can be started before its function
// is known. NeedsOwnStart tells for which functions it cannot; theirs is started anew, with their variables. Warming up
// includes compiling and loading the small function in the bootstrap's directory rehearsal: inside gVisor, what counts
// is that the pages of the compiler and the import machinery have been touched.
//
// # Life cycle
//
// Ensure describes a runtime's image once per process, which gives its key, and builds it if package image's store
// lacks it. The key covers name, size and time of every host file and the content of agent and bootstrap: an upgraded
// interpreter gives a new image at the next start, and the old one is removed. List looks but builds nothing.
//
// The package runs interpreters of the host only to ask them for their paths and to compile their own library. It
// starts no goroutines.
package runtimes
