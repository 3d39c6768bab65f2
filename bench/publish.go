package bench

import (
	"context"
	"fmt"

	"thaw.dev/thaw/client"
)

// optimised is the API's OptimizationStatus of a version that starts from a snapshot.
const optimised = "On"

// publish creates a function that asks for SnapStart, publishes a version of it, and waits until that starts from a
// snapshot.
func (d *server) publish(ctx context.Context, name string, f deployment) (target, error) {
	f.snapStart = &client.SnapStart{ApplyOn: "PublishedVersions"}
	if err := d.create(ctx, name, f); err != nil {
		return target{}, err
	}
	version, err := d.client.PublishVersion(ctx, name)
	if err != nil {
		return target{}, fmt.Errorf("publish a version of %s: %w", name, err)
	}
	ready, err := d.client.WaitActive(ctx, name+":"+version.Version)
	if err != nil {
		return target{}, fmt.Errorf("publish a version of %s: %w", name, err)
	}
	if status := ready.SnapStart.OptimizationStatus; status != optimised {
		return target{}, fmt.Errorf("version %s of %s starts without a snapshot: its optimization is %q", version.Version, name, status)
	}
	return target{function: name, qualifier: version.Version}, nil
}
