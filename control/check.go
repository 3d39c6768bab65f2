package control

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"thaw.dev/thaw/lambda"
)

// check is the second validation layer: values that are well formed and make no sense. The first layer, lengths,
// patterns and ranges, is package api's.
func check(c *lambda.Config) error {
	if c.Runtime == "" || c.Handler == "" {
		return lambda.Errorf(lambda.KindInvalid, "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if err := checkRuntime(c.Runtime); err != nil {
		return err
	}
	if err := checkSnapStart(c); err != nil {
		return err
	}
	if err := checkLogging(c); err != nil {
		return err
	}
	if err := checkDurable(c); err != nil {
		return err
	}
	return checkEnvironment(c.Environment)
}

// checkDurable refuses what durable functions do not have here: what becomes of an execution is in its history.
func checkDurable(c *lambda.Config) error {
	if c.Durable != nil && c.DeadLetterTarget != "" {
		return lambda.Errorf(lambda.KindInvalid, "DeadLetterConfig of a durable function is not implemented yet by Thaw")
	}
	return nil
}

// checkLogging refuses log levels that nothing would apply. Source of the text: answers of AWS Lambda.
func checkLogging(c *lambda.Config) error {
	if !c.LogsJSON() && c.ApplicationLogLevel+c.SystemLogLevel != "" {
		return lambda.Errorf(lambda.KindInvalid, `LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`)
	}
	return nil
}

// checkSnapStart refuses what AWS does not combine with SnapStart. Source: AWS Lambda developer guide, "Improving startup
// performance with Lambda SnapStart", "Supported features and limitations".
func checkSnapStart(c *lambda.Config) error {
	if c.SnapStart != lambda.SnapStartPublishedVersions {
		return nil
	}
	if err := lambda.SnapshotsOffered(c.Runtime); err != nil {
		return err
	}
	if c.Tenancy != "" {
		return lambda.Errorf(lambda.KindInvalid, "SnapStart is not supported for functions with tenancy configuration.")
	}
	if c.EphemeralMB > lambda.DefaultEphemeralMB {
		return lambda.Errorf(lambda.KindInvalid, "Ephemeral storage of more than %d MB is not supported for SnapStart enabled functions.", lambda.DefaultEphemeralMB)
	}
	return nil
}

// offered are the identifiers that an unknown runtime's error lists: those of Lambda that Thaw can run.
const offered = "nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x, nodejs26.x, provided.al2, provided.al2023, " +
	"python3.9, python3.10, python3.11, python3.12, python3.13, python3.14, python3.15"

func checkRuntime(name string) error {
	if _, ok := lambda.RuntimeFamily(name); ok {
		return nil
	}
	for _, family := range []string{"java", "dotnet", "ruby", "go1.x"} {
		if strings.HasPrefix(name, family) && len(name) <= 32 {
			return lambda.Errorf(lambda.KindInvalid, "The runtime %s is not implemented yet by Thaw", name)
		}
	}
	return lambda.Errorf(lambda.KindInvalid,
		"Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", shorten(name), offered)
}

func checkEnvironment(variables map[string]string) error {
	const unable = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	var reserved []string
	for name := range variables {
		if lambda.ReservedVariable(name) {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return lambda.Errorf(lambda.KindInvalid, unable+
			"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(reserved, ", "))
	}
	for name, value := range variables {
		if strings.ContainsRune(value, 0) {
			return lambda.Errorf(lambda.KindInvalid, unable+"contains a NUL character in the value of %s", shorten(name))
		}
	}
	if text := measured(variables); len(text) > lambda.MaxEnvironmentBytes {
		return lambda.Errorf(lambda.KindInvalid, unable+"exceeded the 4KB limit. String measured: %s", shorten(text))
	}
	return nil
}

// measured is the JSON text whose length the service limits.
func measured(variables map[string]string) string {
	if len(variables) == 0 {
		return "{}"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(variables) // a map of strings always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// checkTags bounds the tags a function would have.
func checkTags(tags map[string]string) error {
	if len(tags) > lambda.MaxTags {
		return lambda.Errorf(lambda.KindInvalid, "Number of tags exceeds resource tag limit.")
	}
	for key := range tags {
		if len(key) >= 4 && strings.EqualFold(key[:4], "aws:") {
			return lambda.Errorf(lambda.KindInvalid, "System tags cannot be added/updated by requester: %s", key)
		}
	}
	return nil
}

// shorten bounds how much of a caller's value an error repeats.
func shorten(s string) string {
	const most = 8 << 10
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
