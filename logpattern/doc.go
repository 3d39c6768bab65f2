// Package logpattern decides whether a log event matches a filter pattern of CloudWatch Logs. There are four kinds:
// words and "phrases" (words.go), { $.json = "paths" } (json.go), [space, delimited, columns] (columns.go) and, within each,
// %regular expressions%.
//
// Patterns and events come from outside: patterns are bounded in length and depth, regular expressions take linear time,
// and an event that is not what a pattern expects does not match. A Pattern is immutable and may be used concurrently.
// Standard library only.
//
// Source: CloudWatch Logs user guide, "Filter pattern syntax". Where it is silent: a comparison with a JSON property that
// is not there never holds, != included; * stands for any text within a value.
package logpattern
