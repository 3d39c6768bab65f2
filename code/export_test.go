package code

import "context"

// CheckWithin is check with smaller limits, for the fuzz test.
func CheckWithin(ctx context.Context, zip []byte, files int, unzipped int64) error {
	return checkWithin(ctx, zip, limits{files: files, unzipped: unzipped})
}
