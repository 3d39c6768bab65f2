package gateway

import (
	"encoding/json"
	"net/http"
	"regexp"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/mapping"
)

// mappingHandlers are about event source mappings.
var mappingHandlers = map[string]handler{
	"CreateEventSourceMapping": {(*call).createEventSourceMapping, smallBody},
	"GetEventSourceMapping":    {(*call).getEventSourceMapping, smallBody},
	"UpdateEventSourceMapping": {(*call).updateEventSourceMapping, smallBody},
	"DeleteEventSourceMapping": {(*call).deleteEventSourceMapping, smallBody},
	"ListEventSourceMappings":  {(*call).listEventSourceMappings, smallBody},
}

// mappingRequest is the body of creations and updates.
type mappingRequest struct {
	mapping.Settings
	FunctionName *string
	Enabled      *bool
	Tags         map[string]string
}

// mappingAnswer is how the API shows a mapping. Members that its kind of source does not have are left out.
type mappingAnswer struct {
	mapping.Settings
	FunctionResponseTypes []string
	UUID                  string
	EventSourceMappingArn string
	FunctionArn           string
	State                 string
	StateTransitionReason string
	LastProcessingResult  string      `json:",omitempty"`
	LastModified          json.Number // seconds since 1970
}

func (c *call) createEventSourceMapping() error {
	var in mappingRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if in.FunctionName == nil {
		return lambda.Errorf(lambda.KindValidation,
			"1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null")
	}
	if len(in.Tags) > 0 {
		return api.NotYet("Tags of event source mappings")
	}
	ref, err := c.mappedTo(*in.FunctionName)
	if err != nil {
		return err
	}
	m, err := c.mappings.Create(c.r.Context(), c.caller.AccountID, mapping.Mapping{
		Function: ref.Name, Qualifier: ref.Qualifier, Settings: in.Settings, Disabled: in.Enabled != nil && !*in.Enabled,
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusAccepted, c.showMapping(&m))
}

// mappedTo is the function of a mapping, which must exist.
func (c *call) mappedTo(raw string) (lambda.FunctionRef, error) {
	ref, err := c.function(raw, "")
	if err == nil {
		_, err = c.functions.Get(c.caller.AccountID, ref.Name, ref.Qualifier)
	}
	return ref, err
}

func (c *call) getEventSourceMapping() error {
	m, err := c.mappings.Get(c.caller.AccountID, c.label(0))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.showMapping(&m))
}

func (c *call) updateEventSourceMapping() error {
	var in mappingRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	change := mapping.Change{Settings: in.Settings}
	if in.Enabled != nil {
		change.Disabled = new(!*in.Enabled)
	}
	if in.FunctionName != nil {
		ref, err := c.mappedTo(*in.FunctionName)
		if err != nil {
			return err
		}
		change.Function, change.Qualifier = ref.Name, ref.Qualifier
	}
	m, err := c.mappings.Update(c.r.Context(), c.caller.AccountID, c.label(0), change)
	if err != nil {
		return err
	}
	return c.json(http.StatusAccepted, c.showMapping(&m))
}

func (c *call) deleteEventSourceMapping() error {
	m, err := c.mappings.Delete(c.r.Context(), c.caller.AccountID, c.label(0))
	if err != nil {
		return err
	}
	return c.json(http.StatusAccepted, c.showMapping(&m))
}

// sourceARN is the form of EventSourceArn. Source: Lambda API model.
var sourceARN = regexp.MustCompile(`^arn:[a-zA-Z0-9-]+:[a-zA-Z0-9-]+:([a-z0-9-]*):(\d{12})?:.+$`)

func (c *call) listEventSourceMappings() error {
	source, function := c.query("EventSourceArn"), c.query("FunctionName")
	limit, err := maxItems(c.query("MaxItems"))
	if err != nil {
		return err
	}
	if limit != nil && (*limit < 1 || *limit > 10000) {
		return lambda.Errorf(lambda.KindValidation, "1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: "+
			"Member must have value between 1 and 10000", *limit)
	}
	if source != "" && !sourceARN.MatchString(source) {
		return lambda.Errorf(lambda.KindInvalid, "Unrecognized event source: %.256s", source)
	}
	if function != "" {
		ref, err := c.function(function, "")
		if err != nil {
			return err
		}
		function = ref.Name
	}
	p, err := readPage(c.query("Marker"), limit)
	if err != nil {
		return err
	}
	answer := struct {
		NextMarker          string `json:",omitempty"`
		EventSourceMappings []mappingAnswer
	}{EventSourceMappings: []mappingAnswer{}}
	for _, m := range c.mappings.List(c.caller.AccountID, source, function) {
		if m.ID <= p.after {
			continue
		}
		if n := len(answer.EventSourceMappings); n == p.size {
			answer.NextMarker = marker(answer.EventSourceMappings[n-1].UUID)
			break
		}
		answer.EventSourceMappings = append(answer.EventSourceMappings, c.showMapping(&m))
	}
	return c.json(http.StatusOK, answer)
}

func (c *call) showMapping(m *mapping.Mapping) mappingAnswer {
	kind, _ := m.Settings.KindOf()
	a := mappingAnswer{
		Settings: m.Settings.WithDefaults(), FunctionResponseTypes: m.Settings.FunctionResponseTypes, UUID: m.ID,
		EventSourceMappingArn: "arn:aws:lambda:" + c.region + ":" + c.caller.AccountID + ":event-source-mapping:" + m.ID,
		FunctionArn:           lambda.FunctionARN(c.region, c.caller.AccountID, m.Function, m.Qualifier),
		State:                 m.State, StateTransitionReason: "User action", LastModified: api.FormatSeconds(m.Modified),
	}
	if a.FunctionResponseTypes == nil {
		a.FunctionResponseTypes = []string{}
	}
	switch kind {
	case mapping.SQS:
		a.StateTransitionReason = "USER_INITIATED"
	case mapping.Kinesis, mapping.DynamoDB:
		a.LastProcessingResult = "No records processed"
	}
	return a
}
