package lambda_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"thaw.dev/thaw/lambda"
)

// The share of the second version is its weight: within five standard deviations of a binomial distribution.
func TestAliasDraw(t *testing.T) {
	t.Parallel()
	const n = 100_000
	random := rand.New(rand.NewPCG(1, 2))
	for _, weight := range []float64{0, 0.001, 0.1, 0.5, 0.9, 1} {
		a := lambda.Alias{Version: "1", Additional: "2", Weight: weight}
		seen := map[string]int{}
		for range n {
			seen[a.Draw(random.Float64())]++
		}
		if got, want := float64(seen["2"]), n*weight; math.Abs(got-want) > 5*math.Sqrt(want*(1-weight)) {
			t.Errorf("of %d invocations %v went to the version with weight %v", n, got, weight)
		}
		if seen["1"]+seen["2"] != n {
			t.Errorf("weight %v: %v", weight, seen)
		}
	}
	if got := (&lambda.Alias{Version: "$LATEST"}).Draw(0); got != "$LATEST" {
		t.Errorf("an alias of one version chose %q", got)
	}
}

func TestAliasPointsAt(t *testing.T) {
	t.Parallel()
	both, one := lambda.Alias{Version: "1", Additional: "2"}, lambda.Alias{Version: "1"}
	if !both.PointsAt("1") || !both.PointsAt("2") || both.PointsAt("3") || !one.PointsAt("1") || one.PointsAt("") {
		t.Error("PointsAt is wrong")
	}
}
