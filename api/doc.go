// Package api holds the wire shapes of the AWS APIs that Thaw answers: the table of Lambda operations, the request and
// answer bodies, the constraints the service model puts on requests, timestamps, and the table that maps each kind of
// error to its wire type, status and spelling.
//
// It knows JSON (and the XML of STS) and no behaviour: it stores nothing, decides nothing about functions and calls
// nobody. Package gateway decodes requests into these types and encodes answers from them; control and everything
// below it never see them.
//
// Invariants: a member that is absent from a request is a nil pointer, slice or map, so that absent and empty stay
// apart; a member without a value is left out of answers, never null. Constraint failures are collected, not returned
// one by one (constraints.go). Struct fields are named as the service names its members; units are the service's.
package api
