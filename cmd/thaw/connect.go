package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/node"
)

// connection is how a command finds its server and an access key:
//
//  1. with --data or THAW_DATA, from that data directory: the credentials file and what the server announced there;
//  2. else from the environment that `eval "$(thaw env)"` sets, if it has an endpoint (or --endpoint is given) and a key;
//  3. else from the default data directory.
//
// --endpoint and --region replace what was found.
type connection struct {
	data, endpoint, region string

	flags *pflag.FlagSet
}

// register adds the flags to a command that talks to the server.
func (c *connection) register(flags *pflag.FlagSet) {
	c.flags = flags
	registerData(flags, &c.data)
	flags.StringVar(&c.endpoint, "endpoint", "", "base URL of the server")
	flags.StringVar(&c.region, "region", "", "region to sign for")
}

// registerData adds --data, which may also come from the environment.
func registerData(flags *pflag.FlagSet, to *string) {
	flags.StringVar(to, "data", cmp.Or(os.Getenv("THAW_DATA"), node.Default().DataDir), "data directory of the server; also THAW_DATA")
}

// open returns a client of the server.
func (c *connection) open() (*client.Client, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	return client.New(o)
}

func (c *connection) options() (client.Options, error) {
	if !c.flags.Changed("data") && os.Getenv("THAW_DATA") == "" {
		o, err := client.FromEnvironment()
		o.Endpoint, o.Region = cmp.Or(c.endpoint, o.Endpoint), cmp.Or(c.region, o.Region)
		if err == nil && o.Endpoint != "" {
			return o, nil
		}
	}
	announced, err := readAnnouncement(c.data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return client.Options{}, err
	}
	o, err := client.FromDataDir(c.data, cmp.Or(c.endpoint, announced.Endpoint))
	if err != nil {
		return client.Options{}, err
	}
	o.Region = cmp.Or(c.region, announced.Region, o.Region)
	return o, nil
}

// readAnnouncement reads what a server said about itself in its data directory.
func readAnnouncement(dataDir string) (node.Announcement, error) {
	var a node.Announcement
	path := filepath.Join(dataDir, node.ServerFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("read %s: %w", path, err)
	}
	return a, nil
}
