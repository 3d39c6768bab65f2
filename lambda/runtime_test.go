package lambda_test

import (
	"testing"

	"thaw.dev/thaw/lambda"
)

func TestSnapshotsOffered(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"python3.8": "", "python3.13": "", "provided.al2": "", "provided.al2023": "",
		"nodejs20.x": "nodejs20.x is not supported for SnapStart enabled functions.",
		"cobol":      "cobol is not supported for SnapStart enabled functions.",
	} {
		err := lambda.SnapshotsOffered(name)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want || lambda.KindOf(err) != lambda.KindInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
