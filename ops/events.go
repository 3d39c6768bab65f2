package ops

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"thaw.dev/thaw/async"
)

// maxEntries bounds the events of one answer.
const maxEntries = 10_000

// EventReport is the answer to GET /events. Members are only ever added.
type EventReport struct {
	Lanes  []async.Depth `json:"lanes"`
	Events []async.Entry `json:"events,omitempty"` // if asked for: the oldest of those selected
}

// EventChange is the answer to POST /events/redrive and /events/purge.
type EventChange struct {
	Events int `json:"events"` // how many it was
}

// handleEvents serves the queue of asynchronous invocations. changes must only be reachable through the socket.
func handleEvents(mux *http.ServeMux, o Options, changes bool) {
	reply := func(w http.ResponseWriter, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			o.Logger.Error("encode events", "error", err)
			http.Error(w, "the events cannot be encoded", http.StatusInternalServerError)
			return
		}
		answer(w, "application/json", append(b, '\n'))
	}
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		report := EventReport{Lanes: o.Events.Depths()}
		if limit, _ := strconv.Atoi(r.FormValue("limit")); limit > 0 {
			report.Events = o.Events.Entries(selection(r), min(limit, maxEntries))
		}
		reply(w, report)
	})
	if !changes {
		return
	}
	change := func(path string, do func(context.Context, async.Selection) (int, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			n, err := do(r.Context(), selection(r))
			if err != nil {
				o.Logger.Error("change of the event queue failed", "path", path, "error", err)
				http.Error(w, "the queue could not be changed", http.StatusInternalServerError)
				return
			}
			reply(w, EventChange{n})
		})
	}
	change("/events/redrive", func(_ context.Context, s async.Selection) (int, error) { return o.Events.Redrive(s), nil })
	change("/events/purge", o.Events.Purge)
}

func selection(r *http.Request) async.Selection {
	return async.Selection{
		Account: r.FormValue("account"), Function: r.FormValue("function"), RequestID: r.FormValue("request_id"),
		UndeliveredOnly: r.FormValue("undelivered") == "true",
	}
}

func (s eventQuery) values() url.Values {
	v := url.Values{}
	for key, value := range map[string]string{"account": s.Account, "function": s.Function, "request_id": s.RequestID} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if s.UndeliveredOnly {
		v.Set("undelivered", "true")
	}
	return v
}

type eventQuery async.Selection

// Events returns the lanes of the queue of asynchronous invocations, and up to limit of the selected events. Errors as
// Report.
func (c *Client) Events(ctx context.Context, s async.Selection, limit int) (*EventReport, error) {
	v := eventQuery(s).values()
	v.Set("limit", strconv.Itoa(limit))
	return ask[EventReport](ctx, c, http.MethodGet, "/events?"+v.Encode())
}

// RedriveEvents has the selected events tried at once and returns how many there were. Errors as Report.
func (c *Client) RedriveEvents(ctx context.Context, s async.Selection) (int, error) {
	return c.changeEvents(ctx, "/events/redrive", s)
}

// PurgeEvents removes the selected events, but for those that are being tried, and returns how many there were. Errors as
// Report.
func (c *Client) PurgeEvents(ctx context.Context, s async.Selection) (int, error) {
	return c.changeEvents(ctx, "/events/purge", s)
}

func (c *Client) changeEvents(ctx context.Context, path string, s async.Selection) (int, error) {
	change, err := ask[EventChange](ctx, c, http.MethodPost, path+"?"+eventQuery(s).values().Encode())
	if err != nil {
		return 0, err
	}
	return change.Events, nil
}
