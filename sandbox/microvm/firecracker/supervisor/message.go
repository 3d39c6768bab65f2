package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Start is what the supervisor is told first.
type Start struct {
	// Base is an existing empty directory; a tmpfs of at most BaseBytes is mounted on it.
	Base      string
	BaseBytes int64
	// Root is the jail's root directory: below Base, where the jailer will look for it.
	Root string
	// Argv is the jailer's path and arguments.
	Argv []string
	// UID and GID are who Firecracker will be.
	UID, GID int
	// Drives is the number of read-only drives, DriveBytes the size each has while there is nothing in it.
	Drives     int
	DriveBytes int64
	// MTU is the largest packet of the network device in bytes; 0 means that there is no device.
	MTU int
}

// request is a step of the running supervisor. A mount comes with the descriptor of a detached mount.
type request struct {
	Mount   string `json:",omitempty"` // a Place
	Unmount string `json:",omitempty"` // a Place
	Network bool   `json:",omitempty"` // wait until it carries frames
}

// reply answers Start and every request. That to Start carries the descriptors of Root and, with an MTU, of the tap.
type reply struct {
	Error string `json:",omitempty"`
}

// maxMessage bounds one message, in bytes; Start is by far the largest.
const maxMessage = 64 << 10

// send writes one message with descriptors.
func send(socket int, message any, fds ...int) error {
	b, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(b) > maxMessage {
		return fmt.Errorf("message of %d bytes", len(b))
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for {
		err := unix.Sendmsg(socket, b, rights, nil, unix.MSG_NOSIGNAL)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// errClosed is returned by receive when the other side is gone.
var errClosed = errors.New("the other side closed the socket")

// receive reads one message and the descriptors that came with it, at most two.
func receive(socket int, message any) ([]*os.File, error) {
	b, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(2*4))
	var n, oobn, flags int
	var err error
	for {
		n, oobn, flags, _, err = unix.Recvmsg(socket, b, oob, unix.MSG_CMSG_CLOEXEC)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	files, err := received(oob[:oobn])
	if err != nil {
		return nil, err
	}
	switch {
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = errors.New("message is too long")
	case n == 0:
		err = errClosed
	default:
		err = json.Unmarshal(b[:n], message)
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

func received(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			closeAll(files)
			return nil, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
