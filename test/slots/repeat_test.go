package slots_test

import (
	"testing"

	"thaw.dev/thaw/internal/thawtest"
)

// TestConcurrentNodeEnvironmentsRepeatNothing: each is made in whatever way is the quickest, and none is a copy of another
// that Node.js had already started in.
func TestConcurrentNodeEnvironmentsRepeatNothing(t *testing.T) {
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Node(t), Handler: "app.handler", Timeout: 60, Files: thawtest.Files{"app.js": `
const crypto = require('crypto');
exports.handler = async () => {
  await new Promise((done) => setTimeout(done, 2000));
  return [Math.random(), crypto.randomUUID(), crypto.randomBytes(8).toString('hex'), crypto.randomInt(2 ** 47)];
};
`}})
	const callers = 3
	answers := make(chan []any)
	for range callers {
		go func() { // ends with its answer
			var a []any
			s.Result(t, name, `{}`, &a)
			answers <- a
		}()
	}
	seen := map[any]bool{}
	for range callers {
		for _, v := range <-answers {
			if seen[v] {
				t.Errorf("%v came twice", v)
			}
			seen[v] = true
		}
	}
	if n := len(environments(s.Status(), name)); n != callers || len(seen) != 4*callers {
		t.Errorf("%d values of %d environments", len(seen), n)
	}
}
