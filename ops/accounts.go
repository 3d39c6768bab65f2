package ops

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"thaw.dev/thaw/account"
	"thaw.dev/thaw/lambda"
)

// Accounts keeps the accounts; *account.Accounts does.
type Accounts interface {
	Create(ctx context.Context, id, name string) (account.Account, account.Key, error)
	List() []account.Account
	SetDisabled(ctx context.Context, id string, disabled bool) error
	Keys(id string) ([]account.Key, error)
	CreateKey(ctx context.Context, id string) (account.Key, error)
	SetActive(ctx context.Context, id, key string, active bool) error
	DeleteKey(ctx context.Context, id, key string) error
}

// Created is the answer to POST /accounts: the account and its first key.
type Created struct {
	account.Account
	Key account.Key `json:"key"`
}

// problem is the body of an answer that refuses a change.
type problem struct {
	Message string `json:"message"`
}

// maxChangeBytes bounds the body of a request.
const maxChangeBytes = 4 << 10

// handleAccounts adds the paths under /accounts, which must only be reachable through the socket.
func handleAccounts(mux *http.ServeMux, accounts Accounts, log *slog.Logger) {
	handle := func(pattern string, do func(r *http.Request, in *change) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var in change
			var out any
			err := in.read(w, r)
			if err == nil {
				out, err = do(r, &in)
			}
			answerChange(w, out, err, log)
		})
	}
	handle("GET /accounts", func(*http.Request, *change) (any, error) { return accounts.List(), nil })
	handle("POST /accounts", func(r *http.Request, in *change) (any, error) {
		a, k, err := accounts.Create(r.Context(), in.ID, in.Name)
		return Created{a, k}, err
	})
	handle("PUT /accounts/{id}", func(r *http.Request, in *change) (any, error) {
		return struct{}{}, accounts.SetDisabled(r.Context(), r.PathValue("id"), in.Disabled)
	})
	handle("GET /accounts/{id}/keys", func(r *http.Request, _ *change) (any, error) { return accounts.Keys(r.PathValue("id")) })
	handle("POST /accounts/{id}/keys", func(r *http.Request, _ *change) (any, error) {
		return accounts.CreateKey(r.Context(), r.PathValue("id"))
	})
	handle("PUT /accounts/{id}/keys/{key}", func(r *http.Request, in *change) (any, error) {
		return struct{}{}, accounts.SetActive(r.Context(), r.PathValue("id"), r.PathValue("key"), in.Active)
	})
	handle("DELETE /accounts/{id}/keys/{key}", func(r *http.Request, _ *change) (any, error) {
		return struct{}{}, accounts.DeleteKey(r.Context(), r.PathValue("id"), r.PathValue("key"))
	})
}

// change is the body of any request that has one.
type change struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
	Active   bool   `json:"active,omitempty"`
}

func (in *change) read(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet || r.ContentLength == 0 {
		return nil
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxChangeBytes))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return lambda.Errorf(lambda.KindInvalid, "the request cannot be read: %v", err)
	}
	return nil
}

// statuses of the kinds of error that package account has.
var statuses = map[lambda.Kind]int{
	lambda.KindInvalid: http.StatusBadRequest, lambda.KindNotFound: http.StatusNotFound, lambda.KindConflict: http.StatusConflict,
}

func answerChange(w http.ResponseWriter, out any, err error, log *slog.Logger) {
	status := http.StatusOK
	if err != nil {
		message := "the server could not do it; its log says why"
		var known bool
		if status, known = statuses[lambda.KindOf(err)]; known {
			e, _ := errors.AsType[*lambda.Error](err)
			message = e.Msg
		} else {
			status = http.StatusInternalServerError
			log.Error("change of accounts failed", "error", err)
		}
		out = problem{message}
	}
	b, err := json.Marshal(out)
	if err != nil { // texts, times and truth values
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // an error means that the caller left
}
