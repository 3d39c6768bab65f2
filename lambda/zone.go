package lambda

import "strings"

// ZoneID is the id of a region's first availability zone, in the form of AWS's: use1-az1 for us-east-1, apne1-az1 for
// ap-northeast-1. The region must be of the form of AWS's names. Source: AWS RAM user guide, "Availability Zone IDs".
func ZoneID(region string) string {
	parts := strings.Split(region, "-")
	var id strings.Builder
	for i, p := range parts {
		switch {
		case i == 0 || len(p) <= 1:
			id.WriteString(p)
		case strings.HasPrefix(p, "north"), strings.HasPrefix(p, "south"):
			id.WriteString(p[:1])
			if rest := p[len("north"):]; rest != "" {
				id.WriteString(rest[:1])
			}
		default:
			id.WriteString(p[:1])
		}
	}
	return id.String() + "-az1"
}
