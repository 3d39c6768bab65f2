package ops

import (
	"bytes"
	"encoding/json"
	"net/http"

	"thaw.dev/thaw/metrics"
)

// newHandler returns what answers through the socket, or, without changes, at the TCP address.
func newHandler(o Options, changes bool) http.Handler {
	mux := http.NewServeMux()
	if changes && o.Accounts != nil {
		handleAccounts(mux, o.Accounts, o.Logger)
	}
	if o.Events != nil {
		handleEvents(mux, o, changes)
	}
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var page bytes.Buffer
		_ = o.Metrics.Write(&page, o.Status()) // a buffer takes everything
		answer(w, metrics.ContentType, page.Bytes())
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		report := Report{Pool: o.Status(), Totals: o.Metrics.Totals(), ColdStarts: o.Metrics.Recent(), Process: metrics.ReadProcess()}
		if o.Events != nil {
			events := o.Events.Summary(reportedLanes)
			report.Events = &events
		}
		if o.Disk != nil {
			disk := o.Disk()
			report.Disk = &disk
		}
		b, err := json.Marshal(report)
		if err != nil {
			o.Logger.Error("encode status", "error", err)
			http.Error(w, "the status cannot be encoded", http.StatusInternalServerError)
			return
		}
		answer(w, "application/json", append(b, '\n'))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, "text/plain; charset=utf-8", []byte("ok\n"))
	})
	return mux
}

// answer writes b. An error means that the caller left.
func answer(w http.ResponseWriter, contentType string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b)
}
