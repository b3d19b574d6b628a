package server

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".json")
	got = append(slices.Clone(got), '\n')
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s:\ngot  %s\nwant %s", file, got, want)
	}
}

// The answers that clients parse, byte for byte.
func TestWire(t *testing.T) {
	s, ix := start(t, Options{})
	f := hash.FromPDQ(hash.Code{1, 2, 3, 4}, 87)
	for bank, advise := range map[string]index.Advice{"fakes": index.Block, "genuines": index.Review} {
		// Not the default thresholds, which measurements may change.
		p := index.Policy{Strong: 30, Weak: 40, RegionStrong: 20, RegionWeak: 25, GeometryStrong: 90, GeometryWeak: 80, Advise: advise}
		if err := ix.SetPolicy(t.Context(), bank, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []index.Reference{
		{Bank: "fakes", ID: "bags/<1>&.jpg", Fingerprint: f, SHA256: index.Digest{1}, SKU: "S", Source: "web", Note: "n", Meta: map[string]string{"b": "2", "a": "1"}},
		{Bank: "fakes", ID: "plain", Fingerprint: hash.FromPDQ(hash.Code{1 << 63, 2, 3, 4}, 87), Opinion: index.Seed},
	} {
		if _, err := ix.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"banks":      ask(t, s, "GET", "/v1/banks", nil),
		"bank":       ask(t, s, "GET", "/v1/banks/fakes", nil),
		"reference":  ask(t, s, "GET", "/v1/banks/fakes/references/bags/%3C1%3E%26.jpg", nil),
		"references": ask(t, s, "GET", "/v1/banks/fakes/references?limit=1", nil),
		"search":     ask(t, s, "POST", "/v1/search", []byte(`{"fingerprint":"`+f.String()+`"}`)),
		"problem":    ask(t, s, "GET", "/v1/banks/absent", nil),
		"unusable":   ask(t, s, "PUT", "/v1/banks/fakes/references/x", []byte("text")),
		"status":     ask(t, s, "GET", "/readyz", nil),
	} {
		golden(t, name, w.Body.Bytes())
	}
}

// description is what is compared of openapi.json.
type description struct {
	OpenAPI    string                                `json:"openapi"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type schema struct {
	Enum       []string          `json:"enum"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
}

type operation struct {
	Parameters []parameter                `json:"parameters"`
	Responses  map[string]json.RawMessage `json:"responses"`
}

type parameter struct{ Name, In string }

func readDescription(t *testing.T) (d description) {
	t.Helper()
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	if d.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", d.OpenAPI)
	}
	return d
}

// Routes, methods and parameters of the description are those of the table.
func TestDescriptionHasTheRoutes(t *testing.T) {
	var got, want []string
	for path, methods := range readDescription(t).Paths {
		shared := parametersOf(t, methods["parameters"])
		for method, raw := range methods {
			if method == "parameters" {
				continue
			}
			var op operation
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			got = append(got, line(method, path, append(op.Parameters, shared...)))
		}
	}
	for _, r := range routes() {
		path := strings.ReplaceAll(r.path, "...", "")
		var ps []parameter
		for _, q := range r.query {
			ps = append(ps, parameter{q, "query"})
		}
		for _, segment := range strings.Split(path, "/") {
			if name, ok := strings.CutPrefix(segment, "{"); ok {
				ps = append(ps, parameter{strings.TrimSuffix(name, "}"), "path"})
			}
		}
		want = append(want, line(r.method, path, ps))
	}
	compare(t, "routes", got, want)
}

func parametersOf(t *testing.T, raw json.RawMessage) (ps []parameter) {
	t.Helper()
	if raw != nil {
		if err := json.Unmarshal(raw, &ps); err != nil {
			t.Fatal(err)
		}
	}
	return ps
}

func line(method, path string, ps []parameter) string {
	var names []string
	for _, p := range ps {
		if p.In == "path" && !strings.Contains(path, "{"+p.Name+"}") {
			continue
		}
		names = append(names, p.In+":"+p.Name)
	}
	slices.Sort(names)
	return strings.ToUpper(method) + " " + path + " " + strings.Join(names, " ")
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: described\n  %s\nwritten\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// Fields of the description are those of the shapes, and those without
// omitempty are required in answers.
func TestDescriptionHasTheFields(t *testing.T) {
	schemas := readDescription(t).Components.Schemas
	shapes := map[string]any{
		"Status": statusJSON{}, "Fingerprint": fingerprintJSON{}, "Search": searchJSON{}, "Policy": policyJSON{},
		"BankPut": bankPutJSON{}, "Bank": bankJSON{}, "Banks": banksJSON{}, "Reference": referenceJSON{},
		"References": referencesJSON{}, "Problem": problemJSON{},
	}
	for name, shape := range shapes {
		var all, required []string
		for f := range fields(reflect.TypeOf(shape)) {
			key, omit, _ := strings.Cut(f.Tag.Get("json"), ",")
			all = append(all, key)
			if omit == "" {
				required = append(required, key)
			}
		}
		compare(t, name, keys(schemas[name].Properties), all)
		if name != "BankPut" { // what makes a bank has nothing that is always required
			compare(t, name+", required", schemas[name].Required, required)
		}
	}
	for name := range schemas {
		if _, ok := shapes[name]; !ok && !slices.Contains([]string{"Verdict", "Match", "Region", "Geometry", "Opinion", "Kind", "Main"}, name) {
			t.Errorf("schema %s is of nothing", name)
		}
	}
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

func keys[V any](m map[string]V) (ks []string) {
	for k := range m {
		ks = append(ks, k)
	}
	return ks
}

// A verdict that has everything has the fields of the description.
func TestDescriptionHasTheVerdict(t *testing.T) {
	schemas := readDescription(t).Components.Schemas
	m := index.Match{
		Kind: index.Fake, Grade: index.Strong, Relation: index.SamePhoto, Opinion: index.Confirmed,
		Check: index.CheckHash, Main: hash.Perception, Advise: index.Block,
		Region: &index.RegionHit{Query: [4]int{0, 0, 1, 1}}, Geometry: &hash.Alignment{Template: true},
	}
	full := index.Decide(hash.FromPDQ(hash.Code{}, 80), []index.Match{m}, index.DecideOptions{Authorised: true})
	least := index.Decide(hash.FromPDQ(hash.Code{}, 80), nil, index.DecideOptions{})
	var v, l, d map[string]json.RawMessage
	var ms []map[string]json.RawMessage
	for _, c := range []struct {
		from any
		to   *map[string]json.RawMessage
	}{{full, &v}, {least, &l}} {
		b, err := json.Marshal(c.from)
		if err == nil {
			err = json.Unmarshal(b, c.to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(json.Unmarshal(v["matches"], &ms), json.Unmarshal(ms[0]["distances"], &d)); err != nil {
		t.Fatal(err)
	}
	compare(t, "Verdict", keys(schemas["Verdict"].Properties), keys(v))
	compare(t, "Verdict, required", schemas["Verdict"].Required, keys(l))
	compare(t, "Match", keys(schemas["Match"].Properties), keys(ms[0]))
	for name, optional := range map[string][]string{"Region": {"query", "quad"}, "Geometry": {"template"}} {
		var part map[string]json.RawMessage
		if err := json.Unmarshal(ms[0][strings.ToLower(name)], &part); err != nil {
			t.Fatal(err)
		}
		compare(t, name, keys(schemas[name].Properties), keys(part))
		for _, key := range optional {
			delete(part, key)
		}
		compare(t, name+", required", schemas[name].Required, keys(part))
	}
	for _, key := range []string{"main", "region", "geometry"} {
		delete(ms[0], key)
	}
	compare(t, "Match, required", schemas["Match"].Required, keys(ms[0]))
	compare(t, "distances", keys(schemas["Match"].Properties["distances"].Properties), keys(d))
}

// The types of problems are those of the table.
func TestDescriptionHasTheProblems(t *testing.T) {
	var want []string
	for _, row := range problems() {
		if code := problemPrefix + row.code; !slices.Contains(want, code) {
			want = append(want, code)
		}
	}
	want = append(want, problemPrefix+unusableProblem().code, problemPrefix+internalProblem().code)
	compare(t, "problem types", readDescription(t).Components.Schemas["Problem"].Properties["type"].Enum, want)
}

// The words of the description are those of the types.
func TestDescriptionHasTheWords(t *testing.T) {
	schemas := readDescription(t).Components.Schemas
	var frames, transforms, kinds []string
	for f := range hash.Frame(hash.Frames) {
		frames = append(frames, f.String())
	}
	for x := range hash.Transform(hash.Transforms) {
		transforms = append(transforms, x.String())
	}
	for k := hash.PDQ; k <= hash.Average; k++ {
		kinds = append(kinds, k.String())
	}
	verdict, match := schemas["Verdict"].Properties, schemas["Match"].Properties
	for name, c := range map[string]struct {
		got  schema
		want []string
	}{
		"region's frame":     {schemas["Region"].Properties["frame"], frames},
		"region's transform": {schemas["Region"].Properties["transform"], transforms},
		"check":              {match["check"], words(index.CheckSHA256, index.CheckHash, index.CheckRegion, index.CheckGeometry)},
		"mode":               {verdict["mode"], words(index.Fast, index.Thorough)},
		"query frame":        {match["frames"].Properties["query"], frames},
		"reference frame":    {match["frames"].Properties["reference"], frames},
		"transform":          {match["transform"], transforms},
		"main":               {schemas["Main"], kinds},
		"kind":               {schemas["Kind"], words(index.Genuine, index.Fake)},
		"opinion":            {schemas["Opinion"], words(index.Confirmed, index.Seed, index.Disputed, index.Withdrawn)},
		"grade":              {match["grade"], words(index.Exact, index.Strong, index.Weak)},
		"relation":           {match["relation"], words(index.SamePhoto, index.SameTemplate)},
		"advise":             {match["advise"], words(index.Block, index.Review)},
		"policy advise":      {schemas["Policy"].Properties["advise"], words(index.Block, index.Review)},
		"advice":             {verdict["advice"], words(index.Block, index.Review, index.AllowListed, index.NoAdvice)},
		"outcome": {verdict["outcome"], words(index.KnownFake, index.KnownGenuine, index.Conflict, index.NearMiss,
			index.None, index.Unusable)},
		"reason": {verdict["reason"], words("", hash.NotImage, hash.UnsupportedFormat, hash.Corrupt, hash.TooLarge,
			hash.TooSmall, hash.TooPlain, hash.TooCostly)},
	} {
		compare(t, name, c.got.Enum, c.want)
	}
}

func words[T ~string](ws ...T) (out []string) {
	for _, w := range ws {
		out = append(out, string(w))
	}
	return out
}

func TestDescriptionIsServed(t *testing.T) {
	s, _ := start(t, Options{})
	if got := want(t, ask(t, s, "GET", "/openapi.json", nil), 200).Body.String(); got != string(openAPI) {
		t.Error("another description is served")
	}
}

func TestMetrics(t *testing.T) {
	s, ix := start(t, Options{})
	if _, err := ix.Add(t.Context(), index.Reference{Bank: "fakes", ID: "a", Fingerprint: hash.FromPDQ(hash.Code{}, 100)}); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "POST", "/v1/judge", []byte("text"))
	ask(t, s, "GET", "/v1/banks/stranger", nil)
	ask(t, s, "BREW", "/stranger", nil)
	got := want(t, ask(t, s.Metrics(), "GET", "/metrics", nil), 200).Body.String()
	for _, line := range []string{
		`touchstone_http_requests_total{code="200",method="POST",route="/v1/judge"} 1`,
		`touchstone_http_requests_total{code="404",method="GET",route="/v1/banks/{bank}"} 1`,
		`touchstone_http_requests_total{code="404",method="other",route="other"} 1`,
		`touchstone_http_request_duration_seconds_count{route="/v1/judge"} 1`,
		`touchstone_verdicts_total{mode="thorough",outcome="unusable"} 1`,
		`touchstone_unusable_total{reason="not_image"} 1`,
		`touchstone_references{bank="fakes",kind="fake"} 1`,
		`touchstone_references{bank="genuines",kind="genuine"} 0`,
		`touchstone_codes{bank="fakes",kind="fake"} 1`,
		`touchstone_unindexed_codes{bank="fakes",kind="fake"} 1`,
		`touchstone_dead_codes{bank="fakes",kind="fake"} 0`,
		`touchstone_codes_bytes{bank="genuines",kind="genuine"} 0`,
		`touchstone_http_requests_in_flight 0`,
		`touchstone_body_bytes 0`,
		fmt.Sprintf("touchstone_index_sequence_number %d", ix.Seq()),
		"go_goroutines ",
	} {
		if !strings.Contains(got, "\n"+line) {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(got, "stranger") {
		t.Error("a stranger's word became a label")
	}
}
