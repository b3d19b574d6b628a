package server

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// The shapes of this package in JSON, apart from the Go types of the index so
// that either may change. A verdict is not among them: index writes it. No
// answer ends with a line break, and <, > and & in ids stand as they are.

type statusJSON struct {
	Status string `json:"status"`
}

type fingerprintJSON struct {
	Fingerprint hash.Fingerprint `json:"fingerprint"`
	Quality     int              `json:"quality"`
	Format      string           `json:"format"`
	Width       int              `json:"width"`
	Height      int              `json:"height"`
	SHA256      string           `json:"sha256"`
}

type searchJSON struct {
	Fingerprint string   `json:"fingerprint"`
	Banks       []string `json:"banks,omitempty"`
	Authorised  bool     `json:"authorised,omitempty"`
	Limit       int      `json:"limit,omitempty"`
}

// policyJSON has the thresholds of regions and geometry only for banks of PDQ.
type policyJSON struct {
	Strong         *int          `json:"strong,omitempty"`
	Weak           *int          `json:"weak,omitempty"`
	RegionStrong   *int          `json:"region_strong,omitempty"`
	RegionWeak     *int          `json:"region_weak,omitempty"`
	GeometryStrong *int          `json:"geometry_strong,omitempty"`
	GeometryWeak   *int          `json:"geometry_weak,omitempty"`
	Advise         *index.Advice `json:"advise,omitempty"`
}

func policyWire(p index.Policy, main hash.Kind) policyJSON {
	w := policyJSON{Strong: &p.Strong, Weak: &p.Weak, Advise: &p.Advise}
	if main == hash.PDQ {
		w.RegionStrong, w.RegionWeak, w.GeometryStrong, w.GeometryWeak = &p.RegionStrong, &p.RegionWeak, &p.GeometryStrong, &p.GeometryWeak
	}
	return w
}

// onto puts what was given over p.
func (w policyJSON) onto(p index.Policy) index.Policy {
	for _, n := range []struct{ given, to *int }{
		{w.Strong, &p.Strong}, {w.Weak, &p.Weak}, {w.RegionStrong, &p.RegionStrong}, {w.RegionWeak, &p.RegionWeak},
		{w.GeometryStrong, &p.GeometryStrong}, {w.GeometryWeak, &p.GeometryWeak},
	} {
		if n.given != nil {
			*n.to = *n.given
		}
	}
	if w.Advise != nil {
		p.Advise = *w.Advise
	}
	return p
}

// bankPutJSON is what a bank is made or changed by. What is left out keeps its
// value, or takes the default.
type bankPutJSON struct {
	Kind   index.Kind `json:"kind,omitempty"`
	Owner  *string    `json:"owner,omitempty"`
	Main   string     `json:"main,omitempty"`
	Policy policyJSON `json:"policy"`
}

type bankJSON struct {
	Name       string     `json:"name"`
	Kind       index.Kind `json:"kind"`
	Owner      string     `json:"owner"`
	Main       string     `json:"main"`
	Policy     policyJSON `json:"policy"`
	References int64      `json:"references"`
	Searchable int64      `json:"searchable"`
	Featured   int64      `json:"featured"`
}

func bankWire(b index.Bank) bankJSON {
	return bankJSON{
		Name: b.Name, Kind: b.Kind, Owner: b.Owner, Main: mainOf(b).String(),
		Policy:     policyWire(b.Policy, mainOf(b)),
		References: b.References, Searchable: b.Searchable, Featured: b.Featured,
	}
}

// mainOf is the hash by which b is searched.
func mainOf(b index.Bank) hash.Kind {
	if b.Main == 0 {
		return hash.PDQ
	}
	return b.Main
}

type banksJSON struct {
	Banks []bankJSON `json:"banks"`
}

type referenceJSON struct {
	Bank        string            `json:"bank"`
	ID          string            `json:"id"`
	Fingerprint hash.Fingerprint  `json:"fingerprint"`
	SHA256      string            `json:"sha256,omitempty"`
	Opinion     index.Opinion     `json:"opinion"`
	SKU         string            `json:"sku,omitempty"`
	Source      string            `json:"source,omitempty"`
	Note        string            `json:"note,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
	AddedAt     string            `json:"added_at"`
	MadeBy      string            `json:"made_by,omitempty"`
}

func referenceWire(r index.Reference) referenceJSON {
	w := referenceJSON{
		Bank: r.Bank, ID: r.ID, Fingerprint: r.Fingerprint, Opinion: r.Opinion,
		SKU: r.SKU, Source: r.Source, Note: r.Note, Meta: r.Meta,
		AddedAt: r.AddedAt.UTC().Format(time.RFC3339), MadeBy: r.MadeBy,
	}
	if r.SHA256 != (index.Digest{}) {
		w.SHA256 = hex.EncodeToString(r.SHA256[:])
	}
	return w
}

// referencesJSON is a page; addPage writes it piece by piece.
type referencesJSON struct {
	References []referenceJSON `json:"references"`
	// Next is where the next page begins (the query parameter after); empty on
	// the last page.
	Next string `json:"next"`
}

// encode writes v without a line break and without escaping <, > and &.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	writeBytes(w, status, "application/json", b)
	return nil
}

// writeBytes sends an answer. A client that has gone is of no interest.
func writeBytes(w http.ResponseWriter, status int, contentType string, b []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// maxJSON is the largest JSON body in bytes. The longest fingerprint, one of
// three frames with everything, has some 600.
const maxJSON = 64 << 10

// readJSON reads one JSON object into v. Fields that v does not have, and
// anything after the object, are refused: a misspelt restriction must not be
// passed over.
func readJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return refuse(errBody, "not JSON")
		}
		return refuse(errBody, "not the fields or types that this path takes")
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse(errBody, "something follows the JSON object")
	}
	return nil
}

// checkQuery refuses parameters that the route does not know, and all but bank
// if they come twice.
func checkQuery(r *http.Request, rt route) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuse(errQuery, "it is not well-formed")
	}
	for name, values := range q {
		if !slices.Contains(rt.query, name) {
			return refuse(errQuery, fmt.Sprintf("unknown parameter %q", clip(name)))
		}
		if len(values) > 1 && name != "bank" {
			return refuse(errQuery, fmt.Sprintf("parameter %q comes %d times", name, len(values)))
		}
	}
	return nil
}

// boolOf reads true, false, 1 or 0; an absent parameter is false.
func boolOf(q url.Values, name string) (bool, error) {
	if !q.Has(name) {
		return false, nil
	}
	v, err := strconv.ParseBool(q.Get(name))
	if err != nil {
		return false, refuse(errQuery, fmt.Sprintf("parameter %q is true or false", name))
	}
	return v, nil
}

// countOf reads a number from 1 to most; an absent parameter is def.
func countOf(q url.Values, name string, def, most int) (int, error) {
	if !q.Has(name) {
		return def, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > most {
		return 0, refuse(errQuery, fmt.Sprintf("parameter %q is a number from 1 to %d", name, most))
	}
	return n, nil
}

// clip shortens what is quoted to the client.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
