// Package accounts has the test that accounts are apart: every operation that Thaw implements, of every service, with the
// access keys of two accounts on a real server. Which operations there are the program says itself; one that the lists in
// lambda_test.go, logs_test.go and identity_test.go do not have fails the test.
package accounts
