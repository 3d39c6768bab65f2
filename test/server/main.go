// Command server is `thaw serve` for tests that kill it: its helper programs come from flags, so that it needs no make
// build, and a test can tell its processes from those of other servers on the machine.
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
	var level slog.LevelVar
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: &level}))
	flag.TextVar(&level, "log", &level, "least level of what is logged")
	flag.StringVar(&c.Engine, "engine", c.Engine, "sandbox engine")
	flag.StringVar(&c.DataDir, "data", "", "data directory")
	flag.StringVar(&c.Helpers.Agent, "agent", "", "the program thaw-agent")
	flag.StringVar(&c.Helpers.Sentry, "sentry", "", "the program thaw-sentry")
	flag.StringVar(&c.SQSEndpoint, "sqs", "", "URL of SQS")
	flag.StringVar(&c.EndpointsCredentials, "credentials", "", "file with the access key for SQS")
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
