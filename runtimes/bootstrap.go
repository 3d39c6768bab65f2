package runtimes

import (
	"io/fs"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/runtimes/python"
)

const nodeMain = "bootstrap.mjs"

// bootstrapFiles are what the family has in RuntimeDir; nil if nothing.
func bootstrapFiles(f lambda.Family) fs.FS {
	switch f {
	case lambda.FamilyPython:
		return python.Files
	default:
		return nil
	}
}
