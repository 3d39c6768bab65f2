// Package eventstream is AWS's binary event stream (application/vnd.amazon.eventstream), as much of it as streamed
// answers of Lambda use: messages whose headers are text. Append writes messages, Reader reads them. It knows no
// operations, and imports the standard library only.
//
// A message is
//
//	total length u32 | headers length u32 | CRC-32 of those 8 bytes | headers | payload | CRC-32 of all before
//
// and a header is
//
//	name length u8 | name | type u8, 7 for text | value length u16 | value
//
// all numbers big-endian. Source: Smithy, "Amazon Event Stream specification".
//
// What is read is hostile: a length is checked before memory is taken for it, and both checksums before anything is
// returned.
package eventstream
