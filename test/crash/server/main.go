// Command server is `thaw serve` for the tests in test/crash: its helper programs come from flags, so that it needs no
// make build, and the test can tell its processes from those of other servers on the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"thaw.dev/thaw/node"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until SIGTERM. It prints the address when it serves.
func run() error {
	c := node.Default()
	c.Listen = "127.0.0.1:0"
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	flag.StringVar(&c.DataDir, "data", "", "data directory")
	flag.StringVar(&c.Helpers.Agent, "agent", "", "the program thaw-agent")
	flag.StringVar(&c.Helpers.Sentry, "sentry", "", "the program thaw-sentry")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	n, err := node.Open(ctx, c)
	if err != nil {
		return err
	}
	fmt.Println(n.Addr())
	<-ctx.Done()
	return n.Shutdown(context.Background())
}
