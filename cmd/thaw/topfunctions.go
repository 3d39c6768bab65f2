package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/pool"
)

// topFunction is a function version and its environments.
type topFunction struct {
	topKey
	runtime, engine                                 string
	busy, idle, frozen, starting, provisioned, wait int
	reserved, used                                  int64
	served                                          int
	source                                          pool.Source // of the latest environment
	latest                                          time.Time
}

type topKey struct{ account, name, version string }

// topSorts are the orders of functions; equal ones are in order of their names.
var topSorts = []struct {
	name    string
	compare func(a, b *topFunction) int
}{
	{"memory", func(a, b *topFunction) int { return cmp.Compare(b.reserved, a.reserved) }},
	{"busy", func(a, b *topFunction) int { return cmp.Compare(b.busy, a.busy) }},
	{"waiting", func(a, b *topFunction) int { return cmp.Compare(b.wait, a.wait) }},
	{"served", func(a, b *topFunction) int { return cmp.Compare(b.served, a.served) }},
	{"name", func(*topFunction, *topFunction) int { return 0 }},
}

// functions groups the environments, filtered and in order.
func (v *topView) functions() []*topFunction {
	p := &v.report.Pool
	all := map[topKey]*topFunction{}
	at := func(account, name, version string) *topFunction {
		k := topKey{account, name, version}
		if all[k] == nil {
			all[k] = &topFunction{topKey: k}
		}
		return all[k]
	}
	for i := range p.Environments {
		e := &p.Environments[i]
		at(e.Account, e.Function, e.Version).add(e)
	}
	for i := range p.Waiting {
		w := &p.Waiting[i]
		f := at(w.Account, w.Function, w.Version)
		f.wait += w.Callers
		f.starting = max(f.starting, w.Starting)
	}
	filter := strings.ToLower(v.filter)
	list := make([]*topFunction, 0, len(all))
	for _, f := range all {
		if strings.Contains(strings.ToLower(f.name), filter) || strings.Contains(f.runtime, filter) || f.engine == filter && filter != "" {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b *topFunction) int {
		return cmp.Or(topSorts[v.sort].compare(a, b),
			cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version), cmp.Compare(a.account, b.account))
	})
	return list
}

func (f *topFunction) add(e *pool.EnvironmentStatus) {
	f.runtime = cmp.Or(e.Runtime, f.runtime) // one that starts has none yet, nor an engine, nor a source
	f.engine = cmp.Or(e.Engine, f.engine)
	switch e.State {
	case pool.StateStarting:
		f.starting++
	case pool.StateBusy:
		f.busy++
	case pool.StateIdle:
		f.idle++
	case pool.StateFrozen:
		f.frozen++
	}
	if e.Provisioned {
		f.provisioned++
	}
	f.reserved += e.ReservedBytes
	f.used += e.UsedBytes
	f.served += e.Served
	if e.Source != "" && (f.source == "" || e.Since.After(f.latest)) {
		f.source, f.latest = e.Source, e.Since
	}
}

// functionTable shows the functions, with their accounts and engines if there are several.
func (v *topView) functionTable() *topTable {
	t := &topTable{columns: []topColumn{
		{"FUNCTION", true, 40}, {"VERSION", true, 8}, {"BUSY", false, 0}, {"IDLE", false, 0}, {"FROZEN", false, 0},
		{"STARTING", false, 0}, {"WAIT", false, 0}, {"PROV", false, 0}, {"MEMORY", false, 0}, {"USED", false, 0},
		{"SERVED", false, 0}, {"FROM", true, 0}, {"RUNTIME", true, 20},
	}}
	list := v.functions()
	accounts := map[string]bool{}
	for _, f := range list {
		accounts[f.account] = true
	}
	for _, f := range list {
		name := f.name
		if len(accounts) > 1 {
			name = f.account + "/" + name
		}
		used := "-"
		if f.used > 0 {
			used = sizeText(f.used)
		}
		t.rows = append(t.rows, []string{
			printable(name), printable(f.version), zeroDash(f.busy), zeroDash(f.idle), zeroDash(f.frozen), zeroDash(f.starting),
			zeroDash(f.wait), zeroDash(f.provisioned), sizeText(f.reserved), used, fmt.Sprint(f.served),
			printable(cmp.Or(string(f.source), "-")), printable(cmp.Or(f.runtime, "-")),
		})
	}
	if len(v.report.Pool.Engines) > 1 {
		t.insert(2, topColumn{"ENGINE", true, 12}, func(i int) string { return printable(cmp.Or(list[i].engine, "-")) })
	}
	return t
}

// zeroDash lets what is there stand out.
func zeroDash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
