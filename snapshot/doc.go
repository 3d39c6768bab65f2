// Package snapshot keeps snapshots of sandboxes on disk: what an engine's Checkpoint wrote, under a key that names
// everything it depends on.
//
//	DIR/<key>/            one snapshot: the engine's files, and meta.json, which lists them with sizes and checksums
//	DIR/tmp-<random>/     one that is being made; removed by Open
//
// # Invariants
//
//   - A snapshot appears under its key whole and synced, by one rename, or not at all.
//   - One that is in use is not removed; it goes when its last user is done.
//   - The checksums (CRC-32C) find damage, not malice: only root can write here. They are compared at every Verify.
//
// The store knows no engine, no function and nothing of what is inside. It is safe for concurrent use.
package snapshot
