package main

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// topColumn is a column of a topTable.
type topColumn struct {
	name string
	left bool // left-aligned
	most int  // widest; 0 does not bound it
}

// topTable is a table that fits a width: columns that have no room are left out, the last first.
type topTable struct {
	columns []topColumn
	rows    [][]string
}

const topGap = 2

// insert adds a column before the one at the given place; cell returns its content for each row.
func (t *topTable) insert(at int, c topColumn, cell func(row int) string) {
	t.columns = slices.Insert(t.columns, at, c)
	for i := range t.rows {
		t.rows[i] = slices.Insert(t.rows[i], at, cell(i))
	}
}

// lines lays the table out; width 0 does not bound it. The first line is the header.
func (t *topTable) lines(width int) []string {
	widths, sum := make([]int, 0, len(t.columns)), 0
	for i, c := range t.columns {
		w := utf8.RuneCountInString(c.name)
		for _, r := range t.rows {
			w = max(w, utf8.RuneCountInString(r[i]))
		}
		if c.most > 0 {
			w = min(w, max(c.most, utf8.RuneCountInString(c.name)))
		}
		if i > 0 {
			sum += topGap
		}
		if sum += w; width > 0 && sum > width && i > 0 {
			break
		}
		widths = append(widths, w)
	}
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	lines := []string{t.line(names, widths)}
	for _, r := range t.rows {
		lines = append(lines, t.line(r, widths))
	}
	return lines
}

func (t *topTable) line(cells []string, widths []int) string {
	var b strings.Builder
	for i, w := range widths {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", topGap))
		}
		cell := clip(cells[i], w)
		pad := strings.Repeat(" ", max(w-utf8.RuneCountInString(cell), 0))
		if t.columns[i].left {
			b.WriteString(cell + pad)
		} else {
			b.WriteString(pad + cell)
		}
	}
	return b.String()
}

// clip cuts s to width runes, the last an ellipsis if something is missing.
func clip(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string([]rune(s)[:width-1]) + "…"
}

// printable makes s fit for a terminal: what is not a letter, digit or sign of one column's width becomes a question
// mark. Names come from tenants; nothing of them may steer the terminal or shift columns.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r < 0x7f, r > 0xa0 && r < 0x300 && r != 0xad:
			return r
		}
		return '?'
	}, s)
}
