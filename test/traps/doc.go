// Package traps has one test for each thing that emulators of Lambda usually get wrong.
package traps
