// Command server is `thaw serve` with the fake engine for the test in test/events that kills it.
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
	c.Listen, c.Engine = "127.0.0.1:0", "fake"
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	flag.StringVar(&c.DataDir, "data", "", "data directory")
	flag.StringVar(&c.Helpers.Agent, "agent", "", "the program thaw-agent")
	flag.StringVar(&c.SQSEndpoint, "sqs", "", "URL of SQS")
	flag.StringVar(&c.EndpointsCredentials, "credentials", "", "file with the access key for SQS")
	flag.Parse()
	c.Helpers.Sentry = "/nonexistent/sentry"
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
