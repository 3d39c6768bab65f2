// Package image writes and keeps the read-only file system images that sandboxes mount: EROFS files, one per runtime
// and one per deployment package.
//
// A Tree describes what goes into an image; Write turns it into bytes. Equal trees give equal bytes. Every regular
// file is stored flat, uncompressed and on whole blocks, never inside its inode, because gVisor maps file pages
// straight from the image file and refuses to map inline data: an ELF file stored inline could not be executed.
// Extended attributes, device nodes, sockets and pipes are not supported.
//
// A Store is a directory of finished images named by a key, the SHA-256 of whatever the image is made from (see Key).
// An image appears under its name by a rename after fsync, so that a name that exists is a whole image; a checksum
// inside lets Verify find later damage. Writes that a crash interrupted are removed by the next OpenStore.
//
// The package knows nothing of runtimes or deployment packages, does not mount, and never follows a symbolic link of
// the tree it writes.
package image
