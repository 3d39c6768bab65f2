package traps_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/internal/thawtest"
)

func TestStateAndRevision(t *testing.T) {
	t.Parallel()
	s := server(t)
	zip := base64.StdEncoding.EncodeToString(thawtest.Zip(t, thawtest.Files{"app.py": "def handler(e, c):\n    pass\n"}))
	read := func() (c api.FunctionConfiguration) {
		s.Do(t, "GET", functions+"/states/configuration", "").Decode(t, 200, &c)
		return c
	}
	settled := func() (c api.FunctionConfiguration) {
		await(t, "the function is ready", func() bool {
			c = read()
			return c.State == "Active" && c.LastUpdateStatus == "Successful"
		})
		return c
	}
	var revisions []string
	seen := func(id string) {
		t.Helper()
		for _, before := range revisions {
			if before == id {
				t.Errorf("the revision %s came twice", id)
			}
		}
		revisions = append(revisions, id)
	}

	var c api.FunctionConfiguration
	a := s.Do(t, "POST", functions, `{"FunctionName":"states","Runtime":"`+thawtest.Python(t)+`","Handler":"app.handler","Role":"`+thawtest.Role+`","Code":{"ZipFile":"`+zip+`"}}`)
	a.Decode(t, 201, &c)
	if c.State != "Pending" || c.StateReasonCode != "Creating" || c.StateReason != "The function is being created." || strings.Contains(a.Body, "LastUpdateStatus") {
		t.Errorf("created: %s", a.Body)
	}
	seen(c.RevisionId)
	c = settled()
	if c.StateReason != "" || c.StateReasonCode != "" {
		t.Errorf("active: %+v", c)
	}
	seen(c.RevisionId)
	if again := read(); again.RevisionId != c.RevisionId {
		t.Error("reading changes the revision")
	}
	for what, put := range map[string][2]string{
		"configuration": {"/configuration", `{"Timeout":7}`},
		"code":          {"/code", `{"ZipFile":"` + zip + `"}`},
	} {
		a := s.Do(t, "PUT", functions+"/states"+put[0], put[1])
		a.Decode(t, 200, &c)
		if c.State != "Active" || c.LastUpdateStatus != "InProgress" || !strings.Contains(a.Body, `"LastUpdateStatusReason":"The function is being created.","LastUpdateStatusReasonCode":"Creating"`) {
			t.Errorf("%s: %s", what, a.Body)
		}
		seen(c.RevisionId)
		seen(settled().RevisionId)
	}
	fails(t, s.Do(t, "PUT", functions+"/states/configuration", `{"Timeout":8,"RevisionId":"`+revisions[0]+`"}`), 412, "PreconditionFailedException", `{"Type":"User","message":"`)
	if c := read(); c.Timeout != 7 {
		t.Errorf("a refused update counted: %+v", c)
	}
}
