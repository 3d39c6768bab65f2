// Package code keeps deployment packages on this host: the uploaded zip, and the read-only image sandboxes mount at
// /var/task.
//
// Put checks a zip completely before it is stored: names, types, limits, and every byte of content. Nothing of it is
// ever unpacked onto the host; its files go from the zip into an EROFS image, and names in it mean something only
// inside a sandbox. What Put refuses is the caller's mistake (*lambda.Error); what it accepts can be turned into an
// image at any time. Blobs are durable before Put returns and named by the SHA-256 of the zip, so identical packages
// are stored once. Images are a cache: Image builds a missing or damaged one again from the blob.
//
// # Rules for zips
//
// As unzip on Linux does it: an entry that comes again replaces the earlier one, permission bits are kept, missing
// parent directories are created. Symbolic links are kept if they stay inside /var/task or point below /opt or /tmp.
// Refused are absolute names, "..", backslashes and NUL in names, a file below a file or link, encryption, methods
// other than store and deflate, devices, pipes and sockets, sizes or checksums that do not hold, entries that overlap so
// that together they have more compressed bytes than the zip, more than MaxFiles entries, and more than
// lambda.MaxUnzippedBytes of content. Setuid, setgid and sticky bits are dropped; every file can be read, every
// directory entered by the sandbox's user.
//
// # Removal
//
// GC deletes what nobody refers to (gc.go). A package is safe from it for GraceTime after Put, in which its caller records
// the reference, and everything is until two collections in a row found nobody to need it.
//
//	DIR/blobs/<sha256>    zips
//	DIR/images/…          package image's store
package code
