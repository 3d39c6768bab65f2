package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/ops"
)

// events looks at the queue of asynchronous invocations of a running server, and changes it.
type events struct {
	data   string
	choice async.Selection
	all    bool
	limit  int
}

func newEvents(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Look at asynchronous invocations that wait, redrive or purge them",
		Long: "Look at asynchronous invocations that wait, redrive or purge them. It uses the operator's socket in the server's\n" +
			"data directory, so it must run as the server's user. Payloads are never shown.",
		Args: cobra.ArbitraryArgs,
		RunE: refuse("command"),
	}
	sub := func(use, short string, args cobra.PositionalArgs, run func(*events, context.Context, *app, *ops.Client) error) *cobra.Command {
		e := &events{}
		c := &cobra.Command{
			Use: use, Short: short, Args: args,
			RunE: func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					e.choice.RequestID = args[0]
				}
				c := ops.NewClient(e.data)
				defer c.Close()
				if err := run(e, cmd.Context(), a, c); err != nil {
					return (&top{}).explain(err)
				}
				return nil
			},
		}
		registerData(c.Flags(), &e.data)
		c.Flags().StringVar(&e.choice.Function, "function", "", "only events of this function")
		c.Flags().StringVar(&e.choice.Account, "account", "", "only events of this account")
		switch use {
		case "list":
			c.Flags().IntVar(&e.limit, "events", 0, "list this many single events, the oldest first, instead of functions")
			c.Flags().BoolVar(&e.choice.UndeliveredOnly, "undelivered", false, "only events that are tried no more")
		case "redrive [REQUEST-ID]", "purge [REQUEST-ID]":
			c.Flags().BoolVar(&e.all, "all", false, "also events that are still tried by themselves")
		}
		cmd.AddCommand(c)
		return c
	}
	sub("list", "List how many events of each function wait, how old they are and what went wrong", cobra.NoArgs, (*events).list)
	sub("show REQUEST-ID", "Show one event", exactly("REQUEST-ID"), (*events).show)
	sub("redrive [REQUEST-ID]", "Try undelivered events again, from anew", cobra.MaximumNArgs(1), (*events).redrive)
	sub("purge [REQUEST-ID]", "Remove undelivered events for good", cobra.MaximumNArgs(1), (*events).purge)
	return cmd
}

func (e *events) list(ctx context.Context, a *app, c *ops.Client) error {
	r, err := c.Events(ctx, e.choice, e.limit)
	if err != nil {
		return err
	}
	if e.limit > 0 {
		if r.Events == nil {
			r.Events = []async.Entry{}
		}
		return a.write(map[string]any{"Events": r.Events}, func(w io.Writer) error { return writeEvents(w, r.Events) })
	}
	lanes := []async.Depth{}
	for _, l := range r.Lanes {
		if (e.choice.Function == "" || l.Function == e.choice.Function) && (e.choice.Account == "" || l.Account == e.choice.Account) &&
			(!e.choice.UndeliveredOnly || l.Undelivered > 0) {
			lanes = append(lanes, l)
		}
	}
	if len(lanes) == 0 {
		a.note("No events wait.")
	}
	return a.write(map[string]any{"Lanes": lanes}, func(w io.Writer) error { return writeLanes(w, lanes) })
}

func writeLanes(w io.Writer, lanes []async.Depth) error {
	if len(lanes) == 0 {
		return nil
	}
	var rows [][]string
	for i := range lanes {
		l := &lanes[i]
		rows = append(rows, []string{
			printable(l.Function), orDash(l.Target), fmt.Sprint(l.Due), fmt.Sprint(l.Later), fmt.Sprint(l.Running), fmt.Sprint(l.Undelivered),
			ageText(l.Oldest), orDash(clip(l.LastError, 60)),
		})
	}
	return writeTable(w, []string{"FUNCTION", "TARGET", "DUE", "LATER", "RUNNING", "UNDELIVERED", "OLDEST", "LAST ERROR"}, rows)
}

func writeEvents(w io.Writer, list []async.Entry) error {
	if len(list) == 0 {
		return nil
	}
	var rows [][]string
	for i := range list {
		e := &list[i]
		rows = append(rows, []string{
			e.RequestID, printable(e.Function), orDash(e.Target), e.State, fmt.Sprint(e.Attempts), ageText(e.Accepted), orDash(clip(e.LastError, 60)),
		})
	}
	return writeTable(w, []string{"REQUEST ID", "FUNCTION", "TARGET", "STATE", "ATTEMPTS", "AGE", "LAST ERROR"}, rows)
}

func (e *events) show(ctx context.Context, a *app, c *ops.Client) error {
	r, err := c.Events(ctx, e.choice, 100) // an invocation, or its deliveries
	if err != nil {
		return err
	}
	if len(r.Events) == 0 {
		return fmt.Errorf("no event of the request %s is in the queue", e.choice.RequestID)
	}
	return a.write(map[string]any{"Events": r.Events}, func(w io.Writer) error {
		for i := range r.Events {
			if err := writeEvent(w, &r.Events[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeEvent(w io.Writer, e *async.Entry) error {
	next := "-"
	if !e.Next.IsZero() {
		next = e.Next.Local().Format(time.DateTime)
	}
	return writeTable(w, nil, [][]string{
		{"Request id", e.RequestID}, {"Account", e.Account}, {"Function", printable(e.Function)}, {"Qualifier", orDash(e.Qualifier)},
		{"Target", orDash(e.Target)}, {"State", e.State}, {"Accepted", e.Accepted.Local().Format(time.DateTime)}, {"Next try", next},
		{"Attempts", fmt.Sprint(e.Attempts)}, {"Refusals", fmt.Sprint(e.Refusals)}, {"Last error", orDash(e.LastError)},
	})
}

func (e *events) redrive(ctx context.Context, a *app, c *ops.Client) error {
	e.choice.UndeliveredOnly = !e.all
	n, err := c.RedriveEvents(ctx, e.choice)
	if err != nil {
		return err
	}
	return a.write(ops.EventChange{Events: n}, sentence("%d events are tried again.", n))
}

func (e *events) purge(ctx context.Context, a *app, c *ops.Client) error {
	e.choice.UndeliveredOnly = !e.all
	n, err := c.PurgeEvents(ctx, e.choice)
	if err != nil {
		return err
	}
	return a.write(ops.EventChange{Events: n}, sentence("%d events were removed.", n))
}

// orDash is s for a terminal, or a dash for nothing.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return printable(strings.ReplaceAll(s, "\n", " "))
}

// ageText is how long ago t was.
func ageText(t time.Time) string { return time.Since(t).Round(time.Second).String() }
