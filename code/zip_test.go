package code_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
)

// item is one entry of a zip that a test makes. The zero values make an ordinary file.
type item struct {
	name    string
	content string
	mode    fs.FileMode // 0644 if zero
	time    time.Time
	edit    func(h *zip.FileHeader) // last word on the header
}

// pack makes a zip. Sizes, checksums and flags that edit sets are written as they are, true or not.
func pack(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate, Modified: i.time}
		if i.mode == 0 {
			i.mode = 0o644
		}
		h.SetMode(i.mode)
		var packed bytes.Buffer
		f, err := flate.NewWriter(&packed, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, i.content); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		h.CRC32 = crc32.ChecksumIEEE([]byte(i.content))
		h.UncompressedSize64, h.CompressedSize64 = uint64(len(i.content)), uint64(packed.Len())
		if strings.HasSuffix(i.name, "/") {
			packed.Reset()
			h.Method, h.CompressedSize64, h.CRC32 = zip.Store, 0, 0
		}
		if i.edit != nil {
			i.edit(h)
		}
		body, err := w.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := body.Write(packed.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func link(name, target string) item {
	return item{name: name, content: target, mode: fs.ModeSymlink | 0o777}
}

// overlapping makes a zip of n entries that all share one compressed body, as bombs do.
func overlapping(t testing.TB, n int, content string) []byte {
	t.Helper()
	one := pack(t, item{name: "a", content: content})
	end := bytes.LastIndex(one, []byte("PK\x05\x06"))
	start := bytes.Index(one, []byte("PK\x01\x02"))
	record := one[start:end]
	out := bytes.Clone(one[:start])
	for i := range n {
		r := bytes.Clone(record)
		r = bytes.Replace(r, []byte("a"), []byte{byte('A' + i%26)}, 1)
		out = append(out, r...)
	}
	tail := bytes.Clone(one[end:])
	binary.LittleEndian.PutUint16(tail[8:], uint16(n))
	binary.LittleEndian.PutUint16(tail[10:], uint16(n))
	binary.LittleEndian.PutUint32(tail[12:], uint32(n*len(record)))
	return append(out, tail...)
}

const unzip = "Could not unzip uploaded file. Please check your file, then try to upload again."

// hostile are zips that Put refuses, with the start of its text and a word of the detail. The fuzz test starts from
// them too.
func hostile(t testing.TB) map[string]struct {
	zip          []byte
	text, detail string
} {
	type refusal = struct {
		zip          []byte
		text, detail string
	}
	big := fmt.Sprintf("Unzipped size must be smaller than %d bytes", lambda.MaxUnzippedBytes)
	noise := string(randomBytes(10_000))
	good := pack(t, item{name: "f", content: strings.Repeat("content", 100)})
	truncated := good[:len(good)-10]
	flipped := bytes.Clone(good)
	flipped[40] ^= 0xff
	return map[string]refusal{
		"empty":                {nil, "Uploaded file must be a non-empty zip", ""},
		"no entries":           {pack(t), "Uploaded file must be a non-empty zip", ""},
		"not a zip":            {[]byte("hello, world"), unzip, "not a valid zip"},
		"truncated":            {truncated, unzip, "not a valid zip"},
		"damaged":              {flipped, unzip, `"f"`},
		"dot dot":              {pack(t, item{name: "../evil"}), unzip, "leaves the package"},
		"dot dot inside":       {pack(t, item{name: "a/../../evil"}), unzip, "leaves the package"},
		"dot dot at the end":   {pack(t, item{name: "a/.."}), unzip, "leaves the package"},
		"absolute":             {pack(t, item{name: "/etc/passwd"}), unzip, "absolute"},
		"backslash":            {pack(t, item{name: `..\evil`}), unzip, "backslash"},
		"drive":                {pack(t, item{name: `C:\evil`}), unzip, "backslash"},
		"NUL":                  {pack(t, item{name: "a\x00b"}), unzip, "NUL"},
		"no name":              {pack(t, item{name: ""}), unzip, "without a name"},
		"only a dot":           {pack(t, item{name: "."}), unzip, "not a file name"},
		"long name":            {pack(t, item{name: strings.Repeat("n", 256)}), unzip, "256 bytes"},
		"link out":             {pack(t, link("l", "../secret")), unzip, "leaves the package"},
		"link out of a dir":    {pack(t, link("a/l", "../../secret")), unzip, "leaves the package"},
		"link in and out":      {pack(t, link("a/l", "b/../../../x")), unzip, "leaves the package"},
		"link to root":         {pack(t, link("l", "/etc/passwd")), unzip, "leaves the package"},
		"link near /opt":       {pack(t, link("l", "/option/x")), unzip, "leaves the package"},
		"link over /tmp":       {pack(t, link("l", "/tmp/../etc")), unzip, "leaves the package"},
		"link to nothing":      {pack(t, link("l", "")), unzip, "target of 0 bytes"},
		"link with NUL":        {pack(t, link("l", "a\x00b")), unzip, "leaves the package"},
		"link too long":        {pack(t, link("l", strings.Repeat("x/", 4096))), unzip, "target of 8192 bytes"},
		"file below a link":    {pack(t, link("l", "d"), item{name: "l/f"}), unzip, "conflicts"},
		"file below a file":    {pack(t, item{name: "f"}, item{name: "f/g"}), unzip, "conflicts"},
		"directory over file":  {pack(t, item{name: "f"}, item{name: "f/"}), unzip, "conflicts"},
		"file over directory":  {pack(t, item{name: "d/f"}, item{name: "d"}), unzip, "conflicts"},
		"directory with bytes": {pack(t, item{name: "d/", edit: func(h *zip.FileHeader) { h.UncompressedSize64 = 5 }}), unzip, "directory with content"},
		"device":               {pack(t, item{name: "d", mode: fs.ModeDevice | 0o600}), unzip, "neither file"},
		"pipe":                 {pack(t, item{name: "p", mode: fs.ModeNamedPipe | 0o600}), unzip, "neither file"},
		"encrypted":            {pack(t, item{name: "f", content: "x", edit: func(h *zip.FileHeader) { h.Flags |= 1 }}), unzip, "encrypted"},
		"method":               {pack(t, item{name: "f", content: "x", edit: func(h *zip.FileHeader) { h.Method = 12 }}), unzip, "method 12"},
		"claims less":          {pack(t, item{name: "f", content: strings.Repeat("x", 1000), edit: func(h *zip.FileHeader) { h.UncompressedSize64 = 10 }}), unzip, `"f"`},
		"claims more":          {pack(t, item{name: "f", content: "x", edit: func(h *zip.FileHeader) { h.UncompressedSize64 = 1000 }}), unzip, `"f"`},
		"claims too much":      {pack(t, item{name: "f", content: "x", edit: func(h *zip.FileHeader) { h.UncompressedSize64 = lambda.MaxUnzippedBytes + 1 }}), big, ""},
		"claims are added":     {pack(t, claim("a", 200_000_000), claim("b", 200_000_000)), big, ""},
		"wrong checksum":       {pack(t, item{name: "f", content: "x", edit: func(h *zip.FileHeader) { h.CRC32++ }}), unzip, "checksum"},
		"packed size":          {pack(t, item{name: "f", content: "x", edit: func(h *zip.FileHeader) { h.CompressedSize64 = 1 << 40 }}), unzip, "compressed size"},
		"overlapping":          {overlapping(t, 100, noise), unzip, "overlap"},
	}
}

// randomBytes gives bytes that do not compress, the same ones every time.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

func claim(name string, size uint64) item {
	return item{name: name, content: "x", edit: func(h *zip.FileHeader) { h.UncompressedSize64 = size }}
}
