package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// Everything that goes wrong leaves through this file, as a problem of RFC 9457.
// The type is for programs and never changes its meaning; title is for people.
// What an error says inside (paths, keys, causes) goes to the log only.

// problemPrefix begins the type of every problem.
const problemPrefix = "urn:touchstone:problem:"

// problem is one kind of failure as the client sees it.
type problem struct {
	status int
	code   string // the type without problemPrefix
	title  string
	retry  bool // another attempt may succeed: Retry-After is sent
}

// Errors of this package. Those of index and hash are in the table too.
var (
	errPath        = errors.New("path is not clean")
	errRoute       = errors.New("no such route")
	errMethod      = errors.New("method not allowed")
	errQuery       = errors.New("bad query")
	errBody        = errors.New("bad body")
	errEncoding    = errors.New("content encoding not supported")
	errTooLarge    = errors.New("body too large")
	errTooSlow     = errors.New("body took too long")
	errIncomplete  = errors.New("body ended early")
	errBusy        = errors.New("too busy")
	errStarting    = errors.New("index is being opened")
	errStopping    = errors.New("server is stopping")
	errBankDiffers = errors.New("bank exists with another kind, owner or main hash")
)

// problems is the table. The first row whose error matches decides.
func problems() []struct {
	err error
	problem
} {
	return []struct {
		err error
		problem
	}{
		{errPath, problem{400, "bad-path", "The path has an empty, dot or unprintable segment.", false}},
		{errRoute, problem{404, "no-route", "There is nothing at this path.", false}},
		{errMethod, problem{405, "method-not-allowed", "This path does not take this method; see Allow.", false}},
		{errQuery, problem{400, "bad-query", "The query is not understood.", false}},
		{errBody, problem{400, "bad-body", "The body is not understood.", false}},
		{errEncoding, problem{415, "bad-encoding", "Send the body without a content encoding.", false}},
		{errTooLarge, problem{413, "too-large", "The body is larger than the limit.", false}},
		{errTooSlow, problem{408, "too-slow", "The body took too long to arrive.", false}},
		{errIncomplete, problem{400, "incomplete", "The body ended early.", false}},
		{errBusy, problem{429, "busy", "Too much work at the moment; try again.", true}},
		{context.DeadlineExceeded, problem{429, "busy", "Too much work at the moment; try again.", true}},
		{errStarting, problem{503, "starting", "The index is being opened; try again.", true}},
		{errStopping, problem{503, "stopping", "The server is stopping.", true}},
		{errBankDiffers, problem{409, "bank-differs", "The bank exists with another kind, owner or main hash.", false}},
		{index.ErrConflict, problem{409, "conflict", "The picture matches a reference of the opposite kind; force=true registers it nevertheless.", false}},
		{index.ErrExists, problem{409, "exists", "The id is taken by another picture; replace=true replaces it.", false}},
		{index.ErrNotFound, problem{404, "not-found", "There is no such bank or reference.", false}},
		{index.ErrInvalid, problem{400, "invalid", "A name, an id, a policy or metadata breaks the rules.", false}},
		{index.ErrRecipe, problem{400, "other-recipe", "The fingerprint was made by another recipe.", false}},
		{hash.ErrRecipe, problem{400, "other-recipe", "The fingerprint was made by another recipe.", false}},
		{hash.ErrSyntax, problem{400, "bad-fingerprint", "The fingerprint cannot be read.", false}},
		{index.ErrNoSpace, problem{507, "no-space", "The disk is nearly full; nothing is written.", false}},
		{index.ErrReadOnly, problem{403, "read-only", "The index is open for reading only.", false}},
		{index.ErrClosed, problem{503, "stopping", "The server is stopping.", true}},
		{index.ErrCorrupt, problem{500, "damaged", "The store is damaged; the operator has to look.", false}},
		{context.Canceled, problem{503, "cancelled", "The request was given up.", true}},
	}
}

// unusableProblem answers for pictures that cannot be registered.
func unusableProblem() problem {
	return problem{422, "unusable", "The picture cannot be fingerprinted; see reason.", false}
}

// internalProblem answers for what is not in the table.
func internalProblem() problem {
	return problem{500, "internal", "Something went wrong here.", false}
}

// problemOf finds the row for err.
func problemOf(err error) problem {
	if _, ok := hash.IsUnusable(err); ok {
		return unusableProblem()
	}
	for _, row := range problems() {
		if errors.Is(err, row.err) {
			return row.problem
		}
	}
	return internalProblem()
}

// problemJSON is the body of a problem.
type problemJSON struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what about the request was wrong, where that is known.
	Detail string `json:"detail,omitempty"`
	// Reason is why a picture is unusable.
	Reason hash.Reason `json:"reason,omitempty"`
	// Match is the reference that stands against a registration.
	Match *index.Match `json:"match,omitempty"`
}

// writeProblem answers with the problem of err.
func writeProblem(w http.ResponseWriter, err error) {
	p := problemOf(err)
	body := problemJSON{Type: problemPrefix + p.code, Title: p.title, Status: p.status, Detail: detail(err)}
	body.Reason, _ = hash.IsUnusable(err)
	if errors.Is(err, errTooLarge) {
		body.Reason = hash.TooLarge
	}
	var conflict *index.ConflictError
	if errors.As(err, &conflict) {
		body.Match = &conflict.Match
	}
	if p.retry {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	b, merr := encode(body)
	if merr != nil { // a match that cannot be written; the rest can
		body.Match = nil
		b, _ = encode(body)
	}
	writeBytes(w, p.status, "application/problem+json", b)
}

// retryAfter is the number of seconds after which a busy server may be asked
// again: the queue has turned over by then.
const retryAfter = 1

// requestError is an error about the request whose detail the client may see.
type requestError struct {
	err    error // a row of the table
	detail string
}

func (e *requestError) Error() string { return e.err.Error() + ": " + e.detail }
func (e *requestError) Unwrap() error { return e.err }

func refuse(err error, detail string) error { return &requestError{err, detail} }

// detail is what the client may know beyond the title: what this package says
// about the request, and what the index says about names and metadata, which
// are the client's own words.
func detail(err error) string {
	var e *requestError
	if errors.As(err, &e) {
		return e.detail
	}
	if errors.Is(err, index.ErrInvalid) {
		return err.Error()
	}
	return ""
}

// bodyError says in the terms of the table why a body could not be read.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTooSlow
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errIncomplete
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return refuse(errBody, "not JSON")
	}
	return refuse(errBody, "it cannot be read")
}
