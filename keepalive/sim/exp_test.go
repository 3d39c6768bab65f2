package sim
import ("testing";"context";"fmt";"time";"os";"strconv")
func TestExp(t *testing.T){
 days:=1; if s:=os.Getenv("DAYS"); s!="" { days,_=strconv.Atoi(s)}
 seed:=1; if s:=os.Getenv("SEED"); s!="" { seed,_=strconv.Atoi(s)}
 a:=time.Now()
 tr,_:=Generate(context.Background(),GenerateOptions{Seed:uint64(seed),Days:days})
 a=time.Now()
 l,_:=Expand(context.Background(),tr,SpreadRandom,1)
 ups:=[3]int{}
 busy:=make([]int,len(tr.Functions))
 for _,e:=range l.Events { f:=e.Function; if e.Uses>0 { busy[f]++; if busy[f]==1 {ups[0]++} else if busy[f]<10 {ups[1]++} else {ups[2]++} } else {busy[f]--} }
 fmt.Println("expand",time.Since(a),len(l.Events),ups); a=time.Now()
 o:=Defaults()
 o.TTLs=nil
 o.BudgetsGB=[]float64{-1}
 o.Exchanges=nil
 x:="160,640,1280,2560"; if s:=os.Getenv("X"); s!="" {x=s}
 for _,s:=range splitComma(x) { v,_:=strconv.ParseFloat(s,64); o.Exchanges=append(o.Exchanges,v)}
 c,err:=Compare(context.Background(),l,o)
 if err!=nil {t.Fatal(err)}
 fmt.Println("compare",time.Since(a))
 for _,o:=range c.Outcomes { fmt.Printf("%-22s cold %8d rate %.6f gbs %.4g idle %.4g start %.3g pre %d p50 %.3f p75 %.3f lv %v idle %.3g\n",o.Policy,o.ColdStarts,o.ColdRate,o.GBs,o.IdleGBs,o.StartGBs,o.Prewarms,o.P50,o.P75,o.dbgCold,o.dbgIdle)}
 fmt.Println(c.Ratios)
}
func splitComma(s string) []string { var out []string; cur:=""; for _,r:=range s { if r==',' {out=append(out,cur);cur=""} else {cur+=string(r)}}; return append(out,cur)}
