package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"thaw.dev/thaw/ops"
)

// top shows what a server does: once, as a stream of JSON documents, or live on a terminal. Rates come from what the
// server counted between two reports (toprates.go), the picture from topview.go, the terminal is topscreen.go's.
type top struct {
	data  string
	once  bool
	every time.Duration
}

func newTop(a *app) *cobra.Command {
	var t top
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch slots, environments and cold starts of a running server",
		Long: "Watch slots, environments and cold starts of a running server. It reads the operator's socket in the server's\n" +
			"data directory, so it must run as the server's user. The screen's key ? explains what it shows.\n\n" +
			"If stdout is no terminal, one frame is printed, as with --once. With --json each report of the server is a line.",
		Example: "  thaw top --data /srv/thaw\n" +
			"  thaw top --once\n" +
			"  thaw top --once --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.every < 100*time.Millisecond {
				return usage(cmd, "--every must be at least 100ms")
			}
			return t.run(cmd.Context(), a)
		},
	}
	registerData(cmd.Flags(), &t.data)
	cmd.Flags().BoolVar(&t.once, "once", false, "print one frame, whose rates are those of one --every, and exit")
	cmd.Flags().DurationVar(&t.every, "every", time.Second, "time between two reports")
	return cmd
}

func (t *top) run(ctx context.Context, a *app) error {
	c := ops.NewClient(t.data)
	defer c.Close()
	first, err := c.Report(ctx)
	if err != nil {
		return t.explain(err)
	}
	in, inTTY := a.in.(*os.File)
	out, outTTY := a.out.(*os.File)
	live := inTTY && outTTY && isTerminal(in) && isTerminal(out)
	switch {
	case a.json && t.once:
		return writeJSON(a.out, first)
	case a.json:
		return t.stream(ctx, a, c, first)
	case t.once || !live:
		return t.print(ctx, a, c, first)
	}
	s, err := openScreen(in, out)
	if err != nil {
		return err
	}
	defer s.close()
	return t.watch(ctx, s, c, first)
}

// explain adds what to do to an error of the client.
func (t *top) explain(err error) error {
	switch {
	case errors.Is(err, ops.ErrNoServer):
		return withHint(&unreachableError{err}, "start one with thaw serve, or name another directory with --data")
	case errors.Is(err, fs.ErrPermission):
		return withHint(err, "run this as the user who runs the server")
	}
	return err
}

// stream writes reports until it is stopped or the server ends.
func (t *top) stream(ctx context.Context, a *app, c *ops.Client, r *ops.Report) error {
	for e := json.NewEncoder(a.out); ; {
		if err := e.Encode(r); err != nil {
			return err
		}
		if !t.pause(ctx) {
			return nil
		}
		next, err := c.Report(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return t.explain(err)
		}
		r = next
	}
}

// print writes one frame as text.
func (t *top) print(ctx context.Context, a *app, c *ops.Client, first *ops.Report) error {
	v := &topView{}
	v.add(first)
	if !t.pause(ctx) {
		return context.Cause(ctx)
	}
	second, err := c.Report(ctx)
	if err != nil {
		return t.explain(err)
	}
	v.add(second)
	width := 0
	if f, ok := a.out.(*os.File); ok && isTerminal(f) {
		width, _, _ = term.GetSize(int(f.Fd())) // 0 does not bound lines
	}
	var text strings.Builder
	for _, l := range v.body(width, 0) {
		text.WriteString(strings.TrimRight(l.text, " ") + "\n")
	}
	_, err = io.WriteString(a.out, text.String())
	return err
}

// pause waits for the next report; it reports false if the command was stopped.
func (t *top) pause(ctx context.Context) bool {
	timer := time.NewTimer(t.every)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watch keeps the screen up to date until the user quits.
func (t *top) watch(ctx context.Context, s *screen, c *ops.Client, first *ops.Report) error {
	v := &topView{}
	v.add(first)
	ticker := time.NewTicker(t.every)
	defer ticker.Stop()
	type answer struct {
		report *ops.Report
		err    error
	}
	asking, answers := false, make(chan answer, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer func() { // the one question that may be open
		cancel()
		if asking {
			<-answers
		}
	}()
	for {
		if err := s.draw(v.frame(s.size())); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case key, open := <-s.keys:
			if !open || v.press(key) {
				return nil
			}
		case <-s.resized:
		case <-ticker.C:
			if !asking { // a slow server is not asked twice
				asking = true
				go func() { // ends with the client's time limit at the latest
					r, err := c.Report(ctx)
					answers <- answer{r, err}
				}()
			}
		case got := <-answers:
			asking = false
			if v.problem = got.err; got.err == nil {
				v.add(got.report)
			}
		}
	}
}
