package runtimes

import (
	"io/fs"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/runtimes/nodejs"
	"thaw.dev/thaw/runtimes/python"
)

// bootstrapFiles are what the family has in RuntimeDir; nil if nothing.
func bootstrapFiles(f lambda.Family) fs.FS {
	switch f {
	case lambda.FamilyPython:
		return python.Files
	case lambda.FamilyNode:
		return nodejs.Files
	default:
		return nil
	}
}
