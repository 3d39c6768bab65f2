package lambda_test

import (
	"testing"

	"thaw.dev/thaw/lambda"
)

func TestZoneID(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1": "use1-az1", "eu-west-2": "euw2-az1", "eu-central-1": "euc1-az1", "ap-northeast-1": "apne1-az1",
		"ap-southeast-2": "apse2-az1", "ap-south-1": "aps1-az1", "sa-east-1": "sae1-az1", "eu-north-1": "eun1-az1",
		"us-gov-west-1": "usgw1-az1", "ca-central-1": "cac1-az1",
	} {
		if got := lambda.ZoneID(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
