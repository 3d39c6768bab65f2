package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/client"
)

// followPause is the time between two questions for new log lines.
const followPause = 200 * time.Millisecond

// logs shows what a function wrote.
type logs struct {
	name, filter string
	follow       bool
	since        time.Duration
}

func newLogs(a *app) *cobra.Command {
	var l logs
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show what a function wrote",
		Example: "  thaw logs hello --since 1h --filter ERROR\n" +
			"  thaw logs hello -f",
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l.name = args[0]
			if l.since < 0 {
				return usage(cmd, "--since must not be negative")
			}
			return l.run(cmd.Context(), a)
		},
	}
	a.connection.register(cmd.Flags())
	f := cmd.Flags()
	f.BoolVarP(&l.follow, "follow", "f", false, "go on with new lines until stopped by Ctrl-C")
	f.DurationVar(&l.since, "since", 10*time.Minute, "how far back to begin")
	f.StringVar(&l.filter, "filter", "", `words that must all occur in a line, "phrases", ?one ?of, -without`)
	return cmd
}

func (l *logs) run(ctx context.Context, a *app) error {
	c, err := a.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	fn, err := c.GetFunctionConfiguration(ctx, l.name)
	if err != nil {
		return err
	}
	r := logReader{client: c, group: fn.LoggingConfig.LogGroup, filter: l.filter, from: time.Now().Add(-l.since)}
	for {
		err := r.read(ctx, func(e client.LogEvent) error { return writeLogEvent(a, e) })
		if l.follow && ctx.Err() != nil {
			return nil // the only way to end it
		}
		if err != nil || !l.follow {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(followPause):
		}
	}
}

// overlap is how far behind the newest line seen the next read begins: lines of several environments reach the log in
// an order that is not quite that of their times.
const overlap = 5 * time.Second

// logReader reads a log group, each event once.
type logReader struct {
	client *client.Client
	group  string
	filter string
	from   time.Time

	newest time.Time
	seen   map[string]time.Time // ids of events that the next read may meet again
}

// read gives what is new to each.
func (r *logReader) read(ctx context.Context, each func(client.LogEvent) error) error {
	in := client.FilterLogEventsInput{LogGroupName: r.group, FilterPattern: r.filter, Start: r.from}
	for {
		page, err := r.client.FilterLogEvents(ctx, in)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if _, again := r.seen[e.ID]; again {
				continue
			}
			r.remember(e)
			if err := each(e); err != nil {
				return err
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == "" {
			break
		}
	}
	r.forget()
	return nil
}

func (r *logReader) remember(e client.LogEvent) {
	if r.seen == nil {
		r.seen = map[string]time.Time{}
	}
	r.seen[e.ID] = e.Time
	if e.Time.After(r.newest) {
		r.newest = e.Time
	}
}

// forget moves the beginning forward and drops the ids before it.
func (r *logReader) forget() {
	if begin := r.newest.Add(-overlap); begin.After(r.from) {
		r.from = begin
	}
	for id, at := range r.seen {
		if at.Before(r.from.Truncate(time.Millisecond)) {
			delete(r.seen, id)
		}
	}
}

func writeLogEvent(a *app, e client.LogEvent) error {
	if !a.json {
		_, err := fmt.Fprintf(a.out, "%s  %s\n", e.Time.Local().Format("2006-01-02 15:04:05.000"), strings.TrimRight(e.Message, "\n"))
		return err
	}
	return json.NewEncoder(a.out).Encode(struct {
		ID      string    `json:"id"`
		Time    time.Time `json:"time"`
		Stream  string    `json:"stream"`
		Message string    `json:"message"`
	}{e.ID, e.Time.UTC(), e.Stream, e.Message})
}
