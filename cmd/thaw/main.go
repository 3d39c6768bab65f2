package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, halt := signals()
	os.Exit(execute(ctx, os.Args[1:], &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, halt: halt}))
}

// signals returns a context that ends with the first SIGINT or SIGTERM and a channel that is closed by the second. Its
// goroutine lives as long as the process.
func signals() (context.Context, <-chan struct{}) {
	ctx, cancel := context.WithCancelCause(context.Background())
	halt := make(chan struct{})
	received := make(chan os.Signal, 2)
	signal.Notify(received, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-received
		cancel(errStopped)
		<-received
		close(halt)
	}()
	return ctx, halt
}
