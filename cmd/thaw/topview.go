package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/ops"
	"thaw.dev/thaw/pool"
)

// topView is what thaw top shows: the last report, and what the user chose.
type topView struct {
	report  *ops.Report
	history topHistory
	problem error // why there is no newer report

	sort    int // index in topSorts
	filter  string
	typing  bool // the filter is being typed
	help    bool
	skipped int // functions scrolled past
}

// add takes a newer report.
func (v *topView) add(r *ops.Report) {
	v.report = r
	v.history.add(r)
}

// topLine is one line of a frame.
type topLine struct {
	text string
	head bool // of a table
}

// press reacts to a key; it reports true for quit.
func (v *topView) press(key string) bool {
	if v.typing {
		v.typeFilter(key)
		return key == keyInterrupt
	}
	switch key {
	case "q", keyInterrupt:
		return true
	case "s":
		v.sort = (v.sort + 1) % len(topSorts)
	case "/":
		v.typing, v.help = true, false
	case "?", "h":
		v.help = !v.help
	case keyEscape:
		v.filter, v.help, v.skipped = "", false, 0
	case keyDown, "j":
		v.skipped++
	case keyUp, "k":
		v.skipped = max(v.skipped-1, 0)
	}
	return false
}

// maxFilter bounds the text of the filter.
const maxFilter = 64

func (v *topView) typeFilter(key string) {
	v.skipped = 0
	switch key {
	case keyEnter:
		v.typing = false
	case keyEscape:
		v.typing, v.filter = false, ""
	case keyBackspace:
		if r := []rune(v.filter); len(r) > 0 {
			v.filter = string(r[:len(r)-1])
		}
	default:
		if len([]rune(key)) == 1 && len(v.filter) < maxFilter && printable(key) == key {
			v.filter += key
		}
	}
}

// frame is the picture for a terminal of that size, exactly height lines.
func (v *topView) frame(width, height int) []topLine {
	lines := v.body(width, max(height-1, 1))
	for len(lines) < height-1 {
		lines = append(lines, topLine{})
	}
	lines = append(lines[:max(height-1, 0)], topLine{text: clip(v.footer(), width)})
	return lines[len(lines)-min(height, len(lines)):]
}

func (v *topView) footer() string {
	if v.typing {
		return "filter: " + v.filter + "_   enter keeps it, esc drops it"
	}
	text := "q quit   s sort: " + topSorts[v.sort].name + "   / filter"
	if v.filter != "" {
		text += ": " + v.filter
	}
	return text + "   ? help"
}

// body is everything above the footer. Width and height 0 do not bound it.
func (v *topView) body(width, height int) []topLine {
	var lines []topLine
	if v.help {
		lines = plain(topHelp)
	} else {
		lines = append(plain(v.header(width)), topLine{})
		lines = append(lines, v.table(v.coldTable(), width)...)
		lines = append(lines, v.table(v.slotTable(), width)...)
		if events := v.eventTable(); len(events.rows) > 0 {
			lines = append(lines, v.table(events, width)...)
		}
		functions := v.functionTable()
		if height > 0 {
			v.scroll(functions, height-len(lines)-1)
		}
		lines = append(lines, v.table(functions, width)...)
		lines = lines[:len(lines)-1] // the empty line
	}
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	if width > 0 {
		for i := range lines {
			lines[i].text = clip(lines[i].text, width)
		}
	}
	return lines
}

// scroll cuts the rows to those that have room; the head of the first column then tells which they are.
func (v *topView) scroll(t *topTable, room int) {
	room, all := max(room, 1), len(t.rows)
	v.skipped = max(min(v.skipped, all-room), 0)
	if all <= room {
		return
	}
	t.rows = t.rows[v.skipped : v.skipped+room]
	t.columns[0].name += fmt.Sprintf(" %d-%d of %d", v.skipped+1, v.skipped+room, all)
}

func plain(texts []string) []topLine {
	lines := make([]topLine, len(texts))
	for i, text := range texts {
		lines[i].text = text
	}
	return lines
}

// table is a table with an empty line after it.
func (v *topView) table(t *topTable, width int) []topLine {
	lines := plain(t.lines(width))
	lines[0].head = true
	return append(lines, topLine{})
}

func (v *topView) header(width int) []string {
	p, rates := &v.report.Pool, v.history.rates()
	lines := []string{
		fmt.Sprintf("thaw %s   engine %s   up %s   daemon %s   %s", printable(v.report.Process.Version), printable(engineText(p)),
			p.At.Sub(v.report.Totals.Since).Round(time.Second), sizeText(v.report.Process.ResidentBytes),
			p.At.UTC().Format("15:04:05 UTC")),
	}
	if v.problem != nil {
		lines[0] = "! no new report: " + printable(v.problem.Error())
	}
	lines = append(lines, v.memory(width)...)
	hitRate := "-"
	if n := rates.hits + rates.misses; n > 0 {
		hitRate = fmt.Sprintf("%.1f %%", 100*float64(rates.hits)/float64(n))
	}
	return append(lines,
		fmt.Sprintf("hits     %s   invocations %.1f/s   thaws %.1f/s   over the last %s", hitRate,
			rates.perSecond(rates.invocations), rates.perSecond(rates.thaws), rates.over.Round(time.Second)),
		fmt.Sprintf("ended    evicted %.1f/s   keep-alive %.1f/s   broken %.1f/s   failed starts %.1f/s",
			rates.perSecond(rates.destroyed[string(pool.CauseEvicted)]),
			rates.perSecond(rates.destroyed[string(pool.CauseKeepAlive)]),
			rates.perSecond(rates.destroyed[string(pool.CauseDied)]+rates.destroyed[string(pool.CauseBroken)]),
			rates.perSecond(rates.coldFailed)),
		fmt.Sprintf("queue    %s   refused %.1f/s   snapshots %d, %s", v.queue(), rates.perSecond(rates.refused),
			p.Snapshots.Count, sizeText(p.Snapshots.Bytes)),
		"events   "+v.events(&rates),
		"disk     "+v.disk(),
	)
}

// engineText names the server's engines, the first that of functions for which the operator chose no other.
func engineText(p *pool.Status) string {
	if len(p.Engines) == 0 {
		return p.Engine // an older server
	}
	var all []string
	for _, e := range p.Engines {
		text := e.Name
		if e.Monitor != "" {
			text += " (" + e.Monitor + ", " + e.Accelerator
			if e.Emulated() {
				text += ": emulated"
			}
			text += ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// disk is what the data directory takes.
func (v *topView) disk() string {
	d := v.report.Disk
	if d == nil {
		return "-"
	}
	return fmt.Sprintf("packages %d, %s   images %s   runtimes %s   records, logs, events %s   free %s", d.Packages, sizeText(d.PackageBytes),
		sizeText(d.ImageBytes), sizeText(d.RuntimeBytes), sizeText(d.StoreBytes), sizeText(d.FreeBytes))
}

func (v *topView) queue() string {
	callers, starting := 0, 0
	for _, w := range v.report.Pool.Waiting {
		callers += w.Callers
		starting += w.Starting
	}
	if callers == 0 {
		return "nobody waits"
	}
	return fmt.Sprintf("%d callers wait, %d cold starts under way", callers, starting)
}

// memory draws the budget: a bar, and what its parts are.
func (v *topView) memory(width int) []string {
	p := &v.report.Pool
	parts := []struct {
		mark, name string
		bytes      int64
	}{{"█", "busy", 0}, {"▓", "idle", 0}, {"▒", "frozen", 0}, {"░", "slots", 0}, {"x", "changing", p.ReservedBytes}}
	add := func(i int, bytes int64) {
		parts[i].bytes += bytes
		parts[4].bytes -= bytes
	}
	for i := range p.Environments {
		e := &p.Environments[i]
		switch e.State {
		case pool.StateIdle:
			add(1, e.ReservedBytes)
		case pool.StateFrozen:
			add(2, e.ReservedBytes)
		case pool.StateBusy:
			add(0, e.ReservedBytes)
		case pool.StateStarting: // the rest, with those that are being destroyed
		}
	}
	for i := range p.Stocks {
		add(3, p.Stocks[i].ReservedBytes)
	}
	amounts := fmt.Sprintf("%s of %s reserved", sizeText(p.ReservedBytes), sizeText(p.BudgetBytes))
	cells := 40
	if width > 0 {
		cells = max(min(cells, width-len("memory   []  ")-len(amounts)), 10)
	}
	var bar strings.Builder
	var legend []string
	drawn := 0
	for _, part := range parts {
		if part.bytes <= 0 {
			continue
		}
		n := 0
		if p.BudgetBytes > 0 {
			n = min(int(float64(part.bytes)/float64(p.BudgetBytes)*float64(cells)+0.5), cells-drawn)
		}
		bar.WriteString(strings.Repeat(part.mark, n))
		drawn += n
		legend = append(legend, fmt.Sprintf("%s %s %s", part.mark, part.name, sizeText(part.bytes)))
	}
	bar.WriteString(strings.Repeat("·", cells-drawn))
	return []string{
		fmt.Sprintf("memory   [%s]  %s", bar.String(), amounts),
		"         " + strings.Join(legend, "  "),
	}
}

// coldTable shows cold starts by source: their rate, and how long their phases took.
func (v *topView) coldTable() *topTable {
	t := &topTable{columns: []topColumn{
		{"COLD FROM", true, 0}, {"PER S", false, 0}, {fmt.Sprintf("IN %.0f MIN", metrics.RecentWindow.Minutes()), false, 0},
		{"PLACE MS", false, 0}, {"CODE MS", false, 0}, {"INIT MS", false, 0},
	}}
	rates := v.history.rates()
	recent := map[pool.Source]metrics.ColdStarts{}
	for _, c := range v.report.ColdStarts {
		recent[c.Source] = c
	}
	for _, source := range []pool.Source{pool.SourceHot, pool.SourceSnapshot, pool.SourceEmpty, pool.SourceNone, "other"} {
		c, any := recent[source]
		n := rates.coldStarts[string(source)]
		if source == "other" && n == 0 && !any {
			continue
		}
		row := []string{string(source), fmt.Sprintf("%.1f", rates.perSecond(n)), fmt.Sprint(c.Count), "-", "-", "-"}
		if any {
			row[3], row[4], row[5] = fmt.Sprintf("%.1f", c.PlaceMS), fmt.Sprintf("%.1f", c.CodeMS), fmt.Sprintf("%.1f", c.InitMS)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// slotTable shows the stocks, with their engines if there are several.
func (v *topView) slotTable() *topTable {
	t := &topTable{columns: []topColumn{
		{"SLOTS", true, 0}, {"RUNTIME", true, 20}, {"READY", false, 0}, {"FILLING", false, 0}, {"TARGET", false, 0},
		{"MEMORY", false, 0}, {"TAKEN", false, 0}, {"MISSED", false, 0}, {"DRAINED", false, 0}, {"WHY", true, 60},
	}}
	for i := range v.report.Pool.Stocks {
		s := &v.report.Pool.Stocks[i]
		t.rows = append(t.rows, []string{
			printable(string(s.Kind)), printable(s.Runtime), fmt.Sprint(s.Ready), fmt.Sprint(s.Filling), fmt.Sprint(s.Target),
			sizeText(s.ReservedBytes), fmt.Sprint(s.Taken), fmt.Sprint(s.Missed), fmt.Sprint(s.Drained), printable(s.Reason),
		})
	}
	if slices.ContainsFunc(v.report.Pool.Stocks, func(s pool.StockStatus) bool { return s.MemoryMB > 0 }) {
		t.insert(2, topColumn{"FOR MB", false, 0}, func(i int) string { return zeroDash(v.report.Pool.Stocks[i].MemoryMB) })
	}
	if len(v.report.Pool.Engines) > 1 {
		t.insert(2, topColumn{"ENGINE", true, 12}, func(i int) string { return printable(v.report.Pool.Stocks[i].Engine) })
	}
	return t
}

var topHelp = []string{
	"thaw top shows what a server holds and does.",
	"memory   what environments and slots reserve of the budget; changing: being made or destroyed",
	"hits     share of invocations that found an idle environment; rates are over the last minute at most",
	"ended    environments destroyed: for memory, at the end of their keep-alive, by a fault; and cold starts that failed",
	"queue    callers that wait for an environment; refused: those who get an error instead",
	"events   asynchronous invocations and deliveries of what became of them; undelivered ones are tried no more",
	"",
	"Cold starts by what they began with: a hot slot (runtime up), a snapshot of the initialised function, an empty",
	"slot (sandbox created), or none; with the medians of their phases place, code and init, which overlap.",
	"Slots have no tenant. Taken: by cold starts. Missed: cold starts that found none. Drained: destroyed unused.",
	"Those of an engine whose memory is fixed are FOR functions of at most so many MB.",
	"Events by function, or by function and the target that its records and dead letters go to; the longest lanes. DUE wait",
	"for their turn, LATER for the time of their next try; RUNNING of how many at once. See thaw events.",
	"Functions: environments by what they do, PROV of them provisioned, WAIT callers that wait. FROM is what the",
	"latest environment's cold start began with.",
	"",
	"q quit   s next order   / filter by name or runtime   esc no filter   j k or arrows scroll   ? back",
}
