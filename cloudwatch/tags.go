package cloudwatch

import (
	"maps"
	"strings"

	"thaw.dev/thaw/store"
)

// maxTags is the number of tags a group may carry.
const maxTags = 50

type tagsAnswer struct {
	Tags map[string]string `json:"tags"`
}

type tagResourceRequest struct {
	ResourceArn string            `json:"resourceArn"`
	Tags        map[string]string `json:"tags"`
	TagKeys     []string          `json:"tagKeys"`
}

// tagged is the group of a resource ARN.
func (c *call) tagged(arn string) (string, error) {
	if !strings.HasPrefix(arn, "arn:") {
		return "", invalid("%.256s is not the ARN of a log group", arn)
	}
	return c.identified(arn)
}

func (c *call) tagResource(in *tagResourceRequest) (any, error) {
	group, err := c.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, c.tag(group, in.Tags)
}

func (c *call) untagResource(in *tagResourceRequest) (any, error) {
	group, err := c.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, c.untag(group, in.TagKeys)
}

func (c *call) listTagsForResource(in *tagResourceRequest) (any, error) {
	group, err := c.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return c.tags(group)
}

// The family of operations that came before the one above. untagLogGroupRequest's tags are keys.

type tagLogGroupRequest struct {
	LogGroupName string            `json:"logGroupName"`
	Tags         map[string]string `json:"tags"`
}

type untagLogGroupRequest struct {
	LogGroupName string   `json:"logGroupName"`
	Tags         []string `json:"tags"`
}

func (c *call) tagLogGroup(in *tagLogGroupRequest) (any, error) {
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	return nil, c.tag(in.LogGroupName, in.Tags)
}

func (c *call) untagLogGroup(in *untagLogGroupRequest) (any, error) {
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	return nil, c.untag(in.LogGroupName, in.Tags)
}

func (c *call) listTagsLogGroup(in *groupRequest) (any, error) {
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	return c.tags(in.LogGroupName)
}

func (c *call) tag(group string, tags map[string]string) error {
	return c.store.UpdateGroup(c.ctx, c.account, group, func(g store.LogGroup) (store.LogGroup, error) {
		next := maps.Clone(g.Tags)
		if next == nil {
			next = map[string]string{}
		}
		maps.Copy(next, tags)
		g.Tags = next
		return g, checkTags(next)
	})
}

func (c *call) untag(group string, keys []string) error {
	return c.store.UpdateGroup(c.ctx, c.account, group, func(g store.LogGroup) (store.LogGroup, error) {
		g.Tags = maps.Clone(g.Tags)
		for _, key := range keys {
			delete(g.Tags, key)
		}
		return g, nil
	})
}

func (c *call) tags(group string) (any, error) {
	g, err := c.store.Group(c.ctx, c.account, group)
	if err != nil {
		return nil, err
	}
	if g.Tags == nil {
		g.Tags = map[string]string{}
	}
	return tagsAnswer{g.Tags}, nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid("A log group can have at most %d tags", maxTags)
	}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("The tag %.128q is not valid: keys have 1 to 128 characters and do not begin with aws:, values have up to 256", key)
		}
	}
	return nil
}
