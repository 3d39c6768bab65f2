package store

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// maxPayloadBytes bounds one message. The server's default is 1 MB; log batches come near that when their text
	// needs escaping. The server warns above 8 MiB.
	maxPayloadBytes = 8 << 20
	// maxStoreBytes is the space that streams may reserve. The server's default is a share of the disk's free space,
	// with which a full disk could keep the daemon from starting; a disk that is full must fail writes, nothing else.
	maxStoreBytes = 1 << 50
	// startTimeout bounds the server's start. Loading 100,000 records takes under a second.
	startTimeout = 30 * time.Second
)

// startServer runs a NATS server in this process: it listens nowhere and syncs every write of a stream to disk before
// it acknowledges it, unless the stream says otherwise. Without SyncAlways it syncs every two minutes only.
func startServer(dir string, logger *slog.Logger) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName:             "thaw",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             true,
		MaxPayload:             maxPayloadBytes,
		JetStreamMaxStore:      maxStoreBytes,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded server: %w", err)
	}
	srv.SetLoggerV2(serverLog{logger.With("component", "nats")}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, errors.New("embedded server did not start")
	}
	if !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, errors.New("embedded server could not use its directory; its log says why")
	}
	return srv, nil
}

// serverLog is the server's logger. What it tells about a normal start is of no interest to an operator.
type serverLog struct{ log *slog.Logger }

var _ server.Logger = serverLog{}

func (l serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Fatalf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
