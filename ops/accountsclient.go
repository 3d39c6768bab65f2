package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"thaw.dev/thaw/account"
)

// CreateAccount makes an account with one key; see account.Accounts for this and the methods below. Errors of all:
// ErrNoServer; fs.ErrPermission if the server runs as another user; what the server says against it.
func (c *Client) CreateAccount(ctx context.Context, id, name string) (Created, error) {
	var out Created
	return out, c.change(ctx, http.MethodPost, "/accounts", change{ID: id, Name: name}, &out)
}

// Accounts lists the accounts.
func (c *Client) Accounts(ctx context.Context) (out []account.Account, err error) {
	return out, c.change(ctx, http.MethodGet, "/accounts", change{}, &out)
}

// DisableAccount disables an account, or enables it again.
func (c *Client) DisableAccount(ctx context.Context, id string, disabled bool) error {
	return c.change(ctx, http.MethodPut, "/accounts/"+url.PathEscape(id), change{Disabled: disabled}, nil)
}

// AccountKeys lists the keys of an account.
func (c *Client) AccountKeys(ctx context.Context, id string) (out []account.Key, err error) {
	return out, c.change(ctx, http.MethodGet, keysPath(id), change{}, &out)
}

// CreateKey makes another key of an account.
func (c *Client) CreateKey(ctx context.Context, id string) (out account.Key, err error) {
	return out, c.change(ctx, http.MethodPost, keysPath(id), change{}, &out)
}

// ActivateKey activates or deactivates a key.
func (c *Client) ActivateKey(ctx context.Context, id, key string, active bool) error {
	return c.change(ctx, http.MethodPut, keysPath(id)+"/"+url.PathEscape(key), change{Active: active}, nil)
}

// DeleteKey removes a key.
func (c *Client) DeleteKey(ctx context.Context, id, key string) error {
	return c.change(ctx, http.MethodDelete, keysPath(id)+"/"+url.PathEscape(key), change{}, nil)
}

func keysPath(id string) string { return "/accounts/" + url.PathEscape(id) + "/keys" }

// change makes a request under /accounts and decodes the answer into out, unless that is nil.
func (c *Client) change(ctx context.Context, method, path string, in change, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	status, b, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		var p problem
		if err := json.Unmarshal(b, &p); err != nil || p.Message == "" {
			return fmt.Errorf("the server answered %d: %.100s", status, bytes.TrimSpace(b))
		}
		return errors.New(p.Message)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}
