package fake

import (
	"encoding/json"
	"sync"

	"thaw.dev/thaw/link"
)

// maxEventBytes bounds what the double collects of one event.
const maxEventBytes = 8 << 20

// Double is the guest that stands in for the agent and a runtime: it speaks package link's protocol, every handler can
// be loaded, and every function returns its event.
func Double(in Inside) int {
	d := &double{control: link.NewWriter(in.Control), data: link.NewWriter(in.Data), gate: in.Gate}
	if !in.Restored {
		hello, err := json.Marshal(link.HelloMeta{Version: link.Version})
		if err != nil || d.control.Frame(link.TypeHello, 0, hello) != nil {
			return 1
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { d.serveData(link.NewReader(in.Data)) })
	code := d.serveControl(link.NewReader(in.Control))
	_ = in.Data.Close() // ends serveData
	wg.Wait()
	return code
}

type double struct {
	gate    func()
	control *link.Writer // only serveControl's

	mu          sync.Mutex
	data        *link.Writer // guarded by mu
	specialised bool         // guarded by mu
}

// serveControl plays the agent, until the host is gone or talks nonsense.
func (d *double) serveControl(r *link.Reader) int {
	for {
		f, err := r.Next()
		if err != nil {
			return 1
		}
		d.gate()
		switch f.Type {
		case link.TypeStart:
			body, _, _, perr := r.Payload(f, f.Body, maxEventBytes)
			var req link.StartRequest
			if perr != nil || json.Unmarshal(body, &req) != nil {
				return 1
			}
			err = d.send(func(w *link.Writer) error {
				switch {
				case req.Kind == link.KindHTTP: // nothing to specialise: it is ready when it asks for an event
					return w.Frame(link.TypeReady, 0, nil)
				case !d.specialised:
					return w.Frame(link.TypeIdle, 0, nil) // warm
				}
				return nil
			})
		case link.TypeReset:
			nonce := append([]byte(nil), f.Body...)
			err = d.send(func(w *link.Writer) error {
				d.specialised = false
				return w.Frame(link.TypeSync, 0, nonce)
			})
		case link.TypeExtend: // it has none
			var req link.ExtendRequest
			body, _, _, perr := r.Payload(f, f.Body, maxEventBytes)
			if perr != nil || json.Unmarshal(body, &req) != nil {
				return 1
			}
			var out []byte
			if out, err = json.Marshal(link.ExtensionMeta{Era: req.Era}); err == nil {
				err = d.control.Frame(link.TypeExtended, 0, out)
			}
		case link.TypePing:
			err = d.control.Frame(link.TypePong, 0, f.Body)
		default:
			return 1
		}
		if err != nil {
			return 1
		}
	}
}

// serveData plays the runtime.
func (d *double) serveData(r *link.Reader) {
	for {
		f, err := r.Next()
		if err != nil {
			return
		}
		d.gate()
		switch f.Type {
		case link.TypeSpecialise, link.TypeSnapshot, link.TypeRestored: // it has no hooks, and nothing that must differ
			if _, _, _, err = r.Payload(f, f.Body, maxEventBytes); err == nil {
				err = d.send(func(w *link.Writer) error {
					d.specialised = true
					return w.Frame(link.TypeReady, 0, nil)
				})
			}
		case link.TypeInvoke:
			err = d.answer(r, f)
		default:
			return
		}
		if err != nil {
			return
		}
	}
}

// answer returns the event as the result.
func (d *double) answer(r *link.Reader, f link.Frame) error {
	meta, first, err := link.SplitMeta(f.Body)
	if err != nil {
		return err
	}
	var event link.EventMeta
	if err := json.Unmarshal(meta, &event); err != nil {
		return err
	}
	payload, _, _, err := r.Payload(f, first, maxEventBytes)
	if err != nil {
		return err
	}
	return d.send(func(w *link.Writer) error {
		return w.Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: event.ID, ContentType: "application/json"}, payload)
	})
}

func (d *double) send(f func(*link.Writer) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return f(d.data)
}
