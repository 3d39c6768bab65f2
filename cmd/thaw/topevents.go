package main

import (
	"fmt"
	"strings"
	"time"
)

// maxTopLanes bounds the table of events, so that functions have room, too.
const maxTopLanes = 6

// events is the queue of asynchronous invocations on one line.
func (v *topView) events(rates *topRates) string {
	e := v.report.Events
	if e == nil {
		return "-"
	}
	text := "none wait"
	if n := e.Due + e.Later + e.Running + e.Undelivered; n > 0 {
		text = fmt.Sprintf("%d due, %d running, %d later, %d undelivered   oldest %s", e.Due, e.Running, e.Later, e.Undelivered, v.age(e.Oldest))
	}
	return fmt.Sprintf("%s   in %.1f/s   out %.1f/s", text, rates.perSecond(rates.eventsIn), rates.perSecond(rates.eventsOut))
}

// age is how old what came at that time was when the report was made.
func (v *topView) age(t time.Time) string {
	return max(0, v.report.Pool.At.Sub(t)).Round(time.Second).String()
}

// eventTable shows the longest lanes that the filter leaves.
func (v *topView) eventTable() *topTable {
	t := &topTable{columns: []topColumn{
		{"EVENTS OF", true, 40}, {"TO", true, 30}, {"DUE", false, 0}, {"LATER", false, 0}, {"RUNNING", false, 0},
		{"UNDELIVERED", false, 0}, {"OLDEST", false, 0}, {"LAST ERROR", true, 60},
	}}
	if v.report.Events == nil {
		return t
	}
	filter := strings.ToLower(v.filter)
	for i := range v.report.Events.Lanes {
		l := &v.report.Events.Lanes[i]
		if !strings.Contains(strings.ToLower(l.Function), filter) || len(t.rows) == maxTopLanes {
			continue
		}
		running := zeroDash(l.Running)
		if l.Window > 0 {
			running = fmt.Sprintf("%d of %d", l.Running, l.Window)
		}
		t.rows = append(t.rows, []string{
			printable(l.Function), orDash(shortTarget(l.Target)), zeroDash(l.Due), zeroDash(l.Later), running, zeroDash(l.Undelivered),
			v.age(l.Oldest), orDash(l.LastError),
		})
	}
	return t
}

// shortTarget is the service and the name of an ARN.
func shortTarget(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return arn
	}
	return parts[2] + ":" + parts[5]
}
