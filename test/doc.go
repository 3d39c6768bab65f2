// Package test has the tests of the whole program, from outside: scripts of command lines in scripts/*.txtar, and in
// the directories below it what functions see, what AWS tools get, what emulators get wrong, and what the promises are
// worth.
package test
