package bench
import ("testing";"os";"github.com/go-analyze/charts")
func TestZZ(t *testing.T){ chartFormat = charts.ChartOutputPNG; b,_:=measured().chart(); os.WriteFile("/tmp/bench/cold.png",b,0o644)}
