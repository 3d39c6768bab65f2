package bench

import (
	"fmt"
	"strings"

	"github.com/go-analyze/charts"
)

// chart draws the medians of cold starts by source beside the bare interpreters, as SVG; nil if there is nothing to draw.
func (s *Suite) chart() ([]byte, error) {
	families := []string{"python", "nodejs"}
	var labels []string
	values := make([][]float64, len(families))
	add := func(label string, of func(family string) float64) {
		found := false
		for i, family := range families {
			v := of(family)
			found = found || v > 0
			values[i] = append(values[i], v)
		}
		if found {
			labels = append(labels, label)
			return
		}
		for i := range values {
			values[i] = values[i][:len(values[i])-1]
		}
	}
	add("bare interpreter", func(family string) float64 {
		for _, r := range s.Cold {
			if strings.HasPrefix(r.Runtime, family) {
				return r.Baseline.P50
			}
		}
		return 0
	})
	for _, from := range Sources {
		add(string(from), func(family string) float64 {
			if r := s.coldOf(from, family); r != nil {
				return r.P50
			}
			return 0
		})
	}
	if len(labels) == 0 {
		return nil, nil
	}
	o := charts.NewBarChartOptionWithData(values)
	o.Title.Text = "Cold starts by source, median in ms"
	if s.Machine.Accelerator != "" {
		o.Title.Subtext = s.Machine.on(s.Engine)
	}
	o.CategoryAxis.Labels, o.CategoryAxis.LabelCount = labels, len(labels) // else it leaves out what is close
	o.Legend.SeriesNames = families
	o.Legend.Offset = charts.OffsetRight
	for i := range o.SeriesList {
		o.SeriesList[i].Label.Show = charts.Ptr(true)
		o.SeriesList[i].Label.ValueFormatter = barLabel
	}
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: 800, Height: 420})
	if err := p.BarChart(o); err != nil {
		return nil, err
	}
	return p.Bytes()
}

// barLabel is the text at a bar's end; a bar that was not measured has none.
func barLabel(ms float64) string {
	if ms == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", ms)
}
