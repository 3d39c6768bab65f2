package sim

import (
	"fmt"
	"math"

	"github.com/go-analyze/charts"
)

// columns is how finely a chart samples the curves.
const columns = 200

// SVG draws cold starts per 1,000 invocations against the mean memory held, a curve for each family. Between outcomes
// the curves are straight lines.
func (c *Comparison) SVG() ([]byte, error) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, o := range c.Outcomes {
		lo, hi = min(lo, o.GBs), max(hi, o.GBs)
	}
	if !(lo < hi) {
		return nil, fmt.Errorf("draw a chart: %d policies that hold the same memory make no curve", len(c.Outcomes))
	}
	labels := make([]string, columns)
	for i := range labels {
		labels[i] = fmt.Sprintf("%.4g", (lo+(hi-lo)*float64(i)/(columns-1))/(float64(c.Minutes)*60))
	}
	var names []string
	var values [][]float64
	for _, f := range families {
		curve := c.Curve(f)
		if len(curve) < 2 {
			continue
		}
		row := make([]float64, columns)
		for i := range row {
			row[i] = charts.GetNullValue()
			if rate, ok := rateAt(curve, lo+(hi-lo)*float64(i)/(columns-1)); ok {
				row[i] = 1000 * rate
			}
		}
		names, values = append(names, string(f)), append(values, row)
	}
	o := charts.NewLineChartOptionWithData(values)
	o.Title.Text = "Cold starts per 1,000 invocations by mean memory held, GB"
	o.Legend.SeriesNames = names
	o.Legend.Offset = charts.OffsetRight
	o.XAxis.Labels, o.XAxis.LabelCount = labels, 10
	o.XAxis.BoundaryGap = charts.Ptr(false)
	o.YAxis = []charts.YAxisOption{{Min: charts.Ptr(0.0)}}
	o.Symbol.Shape = charts.SymbolNone
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: 900, Height: 500})
	if err := p.LineChart(o); err != nil {
		return nil, fmt.Errorf("draw a chart: %w", err)
	}
	return p.Bytes()
}
