// Package server answers for an index over HTTP.
//
// The simplest way is a handler that reads the body and calls Index.Judge. It
// is not enough: whoever may upload could then fill the memory with bodies
// that never end and answers that are never fetched, occupy every core with
// pictures that are costly to decode, or address files and banks by paths that
// mean one thing here and another in the proxy before it. So every request
// passes these doors, in this order:
//
//	path      refused unless it is already clean; never a redirect (server.go)
//	query     refused unless every parameter is known (wire.go)
//	body      held in memory that all requests share, grown only as bytes
//	          arrive (admit.go), cut off when they come too slowly (slow.go)
//	slot      few pictures are worked on at a time; a short queue, then 429
//	          with Retry-After (admit.go)
//	index     the same call a Go program makes; the answer to a judgement is
//	          the bytes of Verdict.MarshalJSON and nothing else (judge.go)
//	answer    sent without a slot; long ones in memory of their own (slow.go)
//
// Whatever goes wrong leaves through one table as application/problem+json
// (problem.go). A picture that cannot be used is not an error when it is judged:
// it is a verdict with status 200.
//
// New returns a handler, not a process: it can be mounted in another mux. The
// process around it takes its time-outs from NewHTTPServer, its connection cap
// from Limit, and answers while the index is being opened through Switch and
// Loading. Metrics belong on another, private address.
//
// Deliberately not here: keys and users, TLS, and fetching pictures by URL. Put
// a proxy in front, or listen on loopback, which is the default.
package server
