package gateway

import "net/http"

// createFunctionURLConfig leaves what Lambda leaves out of this answer: the time of the last change, and InvokeMode unless it
// was given.
func (c *call) createFunctionURLConfig() error {
	in, err := c.urlInput(false)
	if err != nil {
		return err
	}
	u, err := c.functions.CreateURL(c.r.Context(), in)
	if err != nil {
		return err
	}
	answer := c.urlConfig(in.Name, in.Qualifier, u)
	answer.LastModifiedTime, answer.InvokeMode = "", u.InvokeMode
	return c.json(http.StatusCreated, answer)
}
