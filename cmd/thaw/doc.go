// Command thaw is Thaw: the server (thaw serve) and everything a person does with it from a shell.
//
// Each command is a type in the file of its name with a run method that takes a context and an app: the app carries
// stdin, stdout, stderr and the flags that all commands share, so that tests call commands like functions. The rules of
// output stand in output.go, the exit codes in exit.go, how a command finds its server in connect.go.
//
// What a command does is mostly done elsewhere: the server is package node's, calls are package client's, measurements
// package bench's. This package turns flags into their arguments and their results into text.
package main
