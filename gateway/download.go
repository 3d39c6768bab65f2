package gateway

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"thaw.dev/thaw/lambda"
)

// codePrefix begins the paths of code downloads: ACCOUNT/FUNCTION/SHA256 follows; a qualifier stands behind FUNCTION and a colon.
const codePrefix = "/_thaw/code/"

// Packages is where deployment packages can be read; *code.Store is one.
type Packages interface {
	// Zip opens the package of that hexadecimal SHA-256 and returns its length in bytes; fs.ErrNotExist without it.
	Zip(sha256 string) (io.ReadSeekCloser, int64, error)
}

// codePath is where f's code can be fetched by who may see f under that qualifier; "" is for the function.
func codePath(f *lambda.Config, qualifier string) string {
	name := f.Name
	if qualifier != "" && qualifier != lambda.Latest {
		name += ":" + qualifier
	}
	return codePrefix + f.Account + "/" + name + "/" + f.Code.SHA256
}

// download sends a function's package to whoever has a valid presigned URL and may still see the function. The function, or a
// version of it, must still have that code: knowing a digest gives nobody another account's package.
func (c *call) download(path string) error {
	if err := c.mayDownload(); err != nil {
		return err
	}
	parts := strings.Split(path, "/")
	if len(parts) != 3 {
		return c.unknown()
	}
	name, qualifier, _ := strings.Cut(parts[1], ":")
	if err := c.allowFunction("lambda:GetFunction", parts[0], name, qualifier); err != nil || !c.functions.HasCode(parts[0], name, parts[2]) {
		return packageGone()
	}
	return c.sendPackage(parts[2])
}

// mayDownload refuses those without a valid presigned URL.
func (c *call) mayDownload() error {
	if c.r.Method != http.MethodGet {
		return c.unknown()
	}
	return c.authenticate("lambda", 0)
}

func packageGone() error {
	return lambda.Errorf(lambda.KindNotFound, "There is no such package any more")
}

// sendPackage answers with the zip of that hexadecimal SHA-256.
func (c *call) sendPackage(sha256 string) error {
	zip, size, err := c.packages.Zip(sha256)
	if errors.Is(err, fs.ErrNotExist) {
		return packageGone()
	}
	if err != nil {
		return err
	}
	defer zip.Close()
	h := c.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	c.status = http.StatusOK
	if _, err := io.Copy(c.w, zip); err != nil {
		c.log.Debug("download broke off", "request_id", c.id, "err", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}
