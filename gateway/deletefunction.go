package gateway

import (
	"strings"

	"thaw.dev/thaw/lambda"
)

func (c *call) deleteFunction() error {
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return err
	}
	switch {
	case ref.Qualifier == lambda.Latest:
		return lambda.Errorf(lambda.KindInvalid, "$LATEST version cannot be deleted without deleting the function.")
	case ref.Qualifier == "":
		if err := c.functions.Delete(c.r.Context(), c.caller.AccountID, ref.Name); err != nil {
			return err
		}
		return c.nothing()
	case strings.Trim(ref.Qualifier, "0123456789") != "":
		return lambda.Errorf(lambda.KindInvalid, "Deletion of aliases is not currently supported.")
	}
	if err := c.functions.DeleteVersion(c.r.Context(), c.caller.AccountID, ref.Name, ref.Qualifier); err != nil {
		return err
	}
	return c.nothing()
}
