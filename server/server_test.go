package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// TestMain also lets this test binary be a server; see startTarget.
func TestMain(m *testing.M) {
	if os.Getenv(childMode) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := serveChild(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// open returns an empty index in memory with a clock that stands still.
func open(t testing.TB, limits hash.Limits) *index.Index {
	t.Helper()
	ix, err := index.Open(t.Context(), "", &index.Options{
		InMemory: true, Limits: limits, MadeBy: "test",
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil && !errors.Is(err, index.ErrClosed) {
			t.Error(err)
		}
	})
	return ix
}

// start returns a server over an index with the banks fakes and genuines.
func start(t testing.TB, o Options) (*Server, *index.Index) {
	t.Helper()
	ix := open(t, o.Limits)
	for name, kind := range map[string]index.Kind{"fakes": index.Fake, "genuines": index.Genuine} {
		if _, err := ix.CreateBank(t.Context(), index.Bank{Name: name, Kind: kind, Owner: "acme"}); err != nil {
			t.Fatal(err)
		}
	}
	return New(ix, o), ix
}

// photo makes a JPEG that hashes well; every seed is another motif.
func photo(seed uint64, quality int) []byte {
	const side, cells = 128, 9
	r := rand.New(rand.NewPCG(seed, 1))
	var grid [cells + 1][cells + 1]float64
	for y := range grid {
		for x := range grid[y] {
			grid[y][x] = r.Float64() * 255
		}
	}
	m := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			fx, fy := float64(x)*cells/side, float64(y)*cells/side
			i, j := int(fx), int(fy)
			fx, fy = fx-float64(i), fy-float64(j)
			top := grid[j][i]*(1-fx) + grid[j][i+1]*fx
			bottom := grid[j+1][i]*(1-fx) + grid[j+1][i+1]*fx
			m.SetGray(x, y, color.Gray{Y: uint8(top*(1-fy) + bottom*fy)})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// ask sends one request to h and returns the answer.
func ask(t testing.TB, h http.Handler, method, target string, body []byte, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// want fails unless the answer has this status.
func want(t testing.TB, w *httptest.ResponseRecorder, status int) *httptest.ResponseRecorder {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	return w
}

// wantProblem fails unless the answer is this problem.
func wantProblem(t testing.TB, w *httptest.ResponseRecorder, status int, code string) problemJSON {
	t.Helper()
	want(t, w, status)
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %q", ct)
	}
	var p struct {
		problemJSON
		Match json.RawMessage `json:"match"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if p.Type != problemPrefix+code || p.Status != status || p.Title == "" {
		t.Errorf("got %s, want type %s", w.Body, code)
	}
	return p.problemJSON
}

func verdictOf(t testing.TB, b []byte) index.Verdict {
	t.Helper()
	var v index.Verdict
	if err := json.Unmarshal(b, &v); err != nil {
		t.Errorf("%v: %s", err, b)
		return v
	}
	if err := index.Replay(v); err != nil {
		t.Error(err)
	}
	return v
}

func TestFromPhotoToVerdict(t *testing.T) {
	s, _ := start(t, Options{})
	const ref = "/v1/banks/fakes/references/bags/1%20%26.jpg"
	w := want(t, ask(t, s, "PUT", ref+"?opinion=seed", photo(1, 90)), 201)
	var stored referenceJSON
	if err := json.Unmarshal(w.Body.Bytes(), &stored); err != nil {
		t.Fatal(err)
	}
	if stored.ID != "bags/1 &.jpg" || stored.Opinion != "seed" || len(stored.SHA256) != 64 || stored.AddedAt != "2026-01-02T03:04:05Z" {
		t.Errorf("stored %+v", stored)
	}
	want(t, ask(t, s, "PUT", ref, photo(1, 90)), 200)
	if got := want(t, ask(t, s, "PUT", ref+"?opinion=disputed", photo(1, 90)), 200).Body.String(); !strings.Contains(got, `"opinion":"disputed"`) {
		t.Errorf("the same picture with another opinion: %s", got)
	}
	want(t, ask(t, s, "PUT", ref+"?opinion=seed", nil), 200)
	wantProblem(t, ask(t, s, "PUT", ref, photo(2, 90)), 409, "exists")
	v := verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge", photo(1, 60)), 200).Body.Bytes())
	if v.Outcome != index.KnownFake || v.Advice != index.Review || v.Matches[0].Grade != index.Strong {
		t.Errorf("copy of a seed: %+v", v)
	}
	want(t, ask(t, s, "PUT", ref+"?opinion=confirmed", nil), 200)
	v = verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge?bank=fakes&bank=genuines&limit=3", photo(1, 90)), 200).Body.Bytes())
	if v.Outcome != index.KnownFake || v.Advice != index.Block || v.Matches[0].Grade != index.Exact {
		t.Errorf("the same file, confirmed: %+v", v)
	}
	v = verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge?bank=genuines", photo(1, 90)), 200).Body.Bytes())
	if v.Outcome != index.None {
		t.Errorf("in another bank: %+v", v)
	}
	want(t, ask(t, s, "PUT", ref+"?replace=true", photo(2, 90)), 200)
	v = verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge", photo(1, 90)), 200).Body.Bytes())
	if v.Outcome != index.None {
		t.Errorf("after it was replaced: %+v", v)
	}
	want(t, ask(t, s, "GET", ref, nil), 200)
	if w := want(t, ask(t, s, "DELETE", ref, nil), 204); w.Body.Len() != 0 {
		t.Errorf("204 with a body: %q", w.Body)
	}
	wantProblem(t, ask(t, s, "DELETE", ref, nil), 404, "not-found")
	wantProblem(t, ask(t, s, "GET", ref, nil), 404, "not-found")
}

func TestConflictingRegistration(t *testing.T) {
	s, _ := start(t, Options{})
	want(t, ask(t, s, "PUT", "/v1/banks/genuines/references/a", photo(1, 90)), 201)
	w := ask(t, s, "PUT", "/v1/banks/fakes/references/b", photo(1, 60))
	wantProblem(t, w, 409, "conflict")
	for _, s := range []string{`"match":{"bank":"genuines","kind":"genuine","id":"a","grade":"strong"`, `"threshold":31`} {
		if !strings.Contains(w.Body.String(), s) {
			t.Errorf("%s is not in %s", s, w.Body)
		}
	}
	want(t, ask(t, s, "PUT", "/v1/banks/fakes/references/b?force=true", photo(1, 60)), 201)
	v := verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge", photo(1, 75)), 200).Body.Bytes())
	if v.Outcome != index.Conflict {
		t.Errorf("outcome %s", v.Outcome)
	}
}

// The three doors give the same bytes; here two of them.
func TestAnswerIsVerdictOfLibrary(t *testing.T) {
	limits := hash.Limits{MaxBytes: 100 << 10}
	s, ix := start(t, Options{Limits: limits})
	want(t, ask(t, s, "PUT", "/v1/banks/fakes/references/%3Ca%3E", photo(1, 90)), 201)
	want(t, ask(t, s, "PUT", "/v1/banks/genuines/references/b", photo(2, 90)), 201)
	plain := image.NewGray(image.Rect(0, 0, 64, 64))
	var blank bytes.Buffer
	if err := jpeg.Encode(&blank, plain, nil); err != nil {
		t.Fatal(err)
	}
	for name, picture := range map[string][]byte{
		"copy": photo(1, 50), "same": photo(2, 90), "unknown": photo(3, 90), "text": []byte("no picture"), "empty": {},
		"cut": photo(1, 90)[:900], "blank": blank.Bytes(), "too large": make([]byte, limits.MaxBytes+1),
		"at the limit": append(photo(1, 70), make([]byte, 100<<10-len(photo(1, 70)))...),
	} {
		for _, authorised := range []bool{false, true} {
			v, err := ix.Judge(t.Context(), bytes.NewReader(picture), index.JudgeOptions{Authorised: authorised})
			if err != nil {
				t.Fatal(err)
			}
			b, err := v.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			w := want(t, ask(t, s, "POST", fmt.Sprintf("/v1/judge?authorised=%v", authorised), picture), 200)
			if !bytes.Equal(w.Body.Bytes(), b) {
				t.Errorf("%s: HTTP %s, library %s", name, w.Body, b)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("content type %q", ct)
			}
		}
	}
}

// TestJudgeMode: the request says how, else the server.
func TestJudgeMode(t *testing.T) {
	for _, c := range []struct {
		server index.Mode
		query  string
		want   index.Mode
	}{
		{"", "", index.Thorough}, {"", "?mode=fast", index.Fast}, {index.Fast, "", index.Fast}, {index.Fast, "?mode=thorough", index.Thorough},
	} {
		s, _ := start(t, Options{Mode: c.server, Limits: hash.Limits{MaxBytes: 100 << 10}})
		for _, body := range [][]byte{photo(1, 90), []byte("text"), make([]byte, 200<<10)} {
			if v := verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge"+c.query, body), 200).Body.Bytes()); v.Mode != c.want {
				t.Errorf("server %q, query %q: %s by mode %q, want %q", c.server, c.query, v.Outcome, v.Mode, c.want)
			}
		}
	}
}

// TestModeOfOldStore: a store of recipe 1 is judged by hashes alone, and what is
// unusable says so as well.
func TestModeOfOldStore(t *testing.T) {
	limits := hash.Limits{MaxBytes: 100 << 10}
	ix, err := index.Open(t.Context(), oldStore(t), &index.Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	s := New(ix, Options{Limits: limits})
	for _, body := range [][]byte{photo(1, 90), []byte("text"), make([]byte, 200<<10)} {
		v := verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge?mode=thorough", body), 200).Body.Bytes())
		if v.Mode != index.Fast || v.Recipe != hash.OldestRecipe {
			t.Errorf("%s: mode %s, recipe %d", v.Outcome, v.Mode, v.Recipe)
		}
	}
}

// oldStore unpacks the store of recipe 1 in testdata.
func oldStore(t *testing.T) string {
	t.Helper()
	packed, err := os.ReadFile("../testdata/banks/1.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := tar.NewReader(z)
	for h, err := files.Next(); err != io.EOF; h, err = files.Next() {
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(files)
		if err := errors.Join(err, os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestJudgeTooLarge(t *testing.T) {
	s, _ := start(t, Options{Limits: hash.Limits{MaxBytes: 5000}})
	for name, header := range map[string][]string{"announced": nil, "awaiting leave": {"Expect", "100-continue"}} {
		v := verdictOf(t, want(t, ask(t, s, "POST", "/v1/judge", make([]byte, 5001), header...), 200).Body.Bytes())
		if v.Outcome != index.Unusable || v.Reason != hash.TooLarge {
			t.Errorf("%s: %+v", name, v)
		}
	}
	r := httptest.NewRequest("POST", "/v1/judge", io.LimitReader(endless{}, 1<<20))
	if r.ContentLength != -1 {
		t.Fatal("the length is announced")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if v := verdictOf(t, want(t, w, 200).Body.Bytes()); v.Reason != hash.TooLarge {
		t.Errorf("unannounced: %+v", v)
	}
	wantProblem(t, ask(t, s, "POST", "/v1/judge?bank=absent", make([]byte, 5001)), 404, "not-found")
	p := wantProblem(t, ask(t, s, "PUT", "/v1/banks/fakes/references/a", make([]byte, 5001)), 413, "too-large")
	if p.Reason != hash.TooLarge {
		t.Errorf("reason %q", p.Reason)
	}
	if held := s.admit.held(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// form makes a multipart body of (name, content) pairs.
func form(t testing.TB, parts ...[2]string) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		f, err := w.CreateFormFile(p[0], "../x.png")
		if err == nil {
			_, err = io.WriteString(f, p[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

func TestJudgeSeveral(t *testing.T) {
	s, _ := start(t, Options{Limits: hash.Limits{MaxBytes: 50 << 10}, MaxParts: 4})
	want(t, ask(t, s, "PUT", "/v1/banks/fakes/references/a", photo(1, 90)), 201)
	pictures := []string{string(photo(2, 90)), "text", string(photo(1, 60)), strings.Repeat("x", 60<<10)}
	body, ct := form(t, [2]string{"a", pictures[0]}, [2]string{"a", pictures[1]}, [2]string{"", pictures[2]}, [2]string{"z", pictures[3]})
	got := want(t, ask(t, s, "POST", "/v1/judge?authorised=1", body, "Content-Type", ct), 200).Body.String()
	var each []string
	for _, p := range pictures {
		each = append(each, ask(t, s, "POST", "/v1/judge?authorised=1", []byte(p)).Body.String())
	}
	if all := "[" + strings.Join(each, ",") + "]"; got != all {
		t.Errorf("together %s, one by one %s", got, all)
	}
	body, ct = form(t, [2]string{"1"}, [2]string{"2"}, [2]string{"3"}, [2]string{"4"}, [2]string{"5"})
	wantProblem(t, ask(t, s, "POST", "/v1/judge", body, "Content-Type", ct), 400, "bad-body")
	body, ct = form(t, [2]string{"1", strings.Repeat("x", 501<<10)})
	wantProblem(t, ask(t, s, "POST", "/v1/judge", body, "Content-Type", ct), 413, "too-large")
	body, ct = form(t)
	wantProblem(t, ask(t, s, "POST", "/v1/judge", body, "Content-Type", ct), 400, "bad-body")
	body, ct = form(t, [2]string{"1", "text"})
	wantProblem(t, ask(t, s, "POST", "/v1/judge", body[:len(body)-10], "Content-Type", ct), 400, "incomplete")
	wantProblem(t, ask(t, s, "POST", "/v1/judge", body, "Content-Type", "multipart/form-data"), 400, "bad-body")
	if held := s.admit.held(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

func TestRegisterForm(t *testing.T) {
	s, ix := start(t, Options{})
	const target = "/v1/banks/fakes/references/a"
	body, ct := form(t, [2]string{"meta", `{"k":"v"}`}, [2]string{"image", string(photo(1, 90))}, [2]string{"sku", "S1"}, [2]string{"note", "n"}, [2]string{"source", "src"})
	want(t, ask(t, s, "PUT", target, body, "Content-Type", ct), 201)
	ref, err := ix.Get(t.Context(), "fakes", "a")
	if err != nil {
		t.Fatal(err)
	}
	if ref.SKU != "S1" || ref.Note != "n" || ref.Source != "src" || ref.Meta["k"] != "v" || ref.Opinion != index.Confirmed {
		t.Errorf("stored %+v", ref)
	}
	for name, parts := range map[string][][2]string{
		"no image":      {{"sku", "1"}},
		"unknown part":  {{"image", "x"}, {"skew", "1"}},
		"twice":         {{"image", "x"}, {"image", "x"}},
		"meta no JSON":  {{"image", "x"}, {"meta", "x"}},
		"meta numbers":  {{"image", "x"}, {"meta", `{"a":1}`}},
		"endless field": {{"image", "x"}, {"note", strings.Repeat("x", maxField+1)}},
	} {
		t.Run(name, func(t *testing.T) {
			body, ct := form(t, parts...)
			wantProblem(t, ask(t, s, "PUT", target, body, "Content-Type", ct), 400, "bad-body")
		})
	}
	body, ct = form(t, [2]string{"image", string(photo(2, 90))}, [2]string{"note", strings.Repeat("x", 2000)})
	wantProblem(t, ask(t, s, "PUT", target+"2", body, "Content-Type", ct), 400, "invalid")
	if held := s.admit.held(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

func TestFingerprintAndSearch(t *testing.T) {
	s, ix := start(t, Options{})
	want(t, ask(t, s, "PUT", "/v1/banks/fakes/references/a", photo(1, 90)), 201)
	var f fingerprintJSON
	if err := json.Unmarshal(want(t, ask(t, s, "POST", "/v1/fingerprint", photo(1, 60)), 200).Body.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	if f.Format != "jpeg" || f.Width != 128 || f.Height != 128 || f.Quality < hash.MinQuality || f.Fingerprint.Fast() || len(f.SHA256) != 64 {
		t.Errorf("fingerprint %+v", f)
	}
	body, err := json.Marshal(searchJSON{Fingerprint: f.Fingerprint.String(), Banks: []string{"fakes"}, Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	got := want(t, ask(t, s, "POST", "/v1/search", body), 200).Body.Bytes()
	v, err := ix.JudgeFingerprint(t.Context(), f.Fingerprint, index.JudgeOptions{Banks: []string{"fakes"}, Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := v.MarshalJSON(); !bytes.Equal(got, b) || v.Outcome != index.KnownFake {
		t.Errorf("HTTP %s, library %s", got, b)
	}
	if p := wantProblem(t, ask(t, s, "POST", "/v1/fingerprint", []byte("text")), 422, "unusable"); p.Reason != hash.NotImage {
		t.Errorf("reason %q", p.Reason)
	}
}

func TestBanks(t *testing.T) {
	s, _ := start(t, Options{})
	const bank = "/v1/banks/third"
	w := want(t, ask(t, s, "PUT", bank, []byte(`{"kind":"fake","owner":"o","policy":{"strong":20}}`)), 201)
	d := index.DefaultPolicy(index.Fake, hash.PDQ)
	if got, want := w.Body.String(), fmt.Sprintf(`{"name":"third","kind":"fake","owner":"o","main":"pdq","policy":{"strong":20,"weak":%d,"region_strong":%d,"region_weak":%d,"geometry_strong":%d,"geometry_weak":%d,"advise":"block"},"references":0,"searchable":0,"featured":0}`,
		d.Weak, d.RegionStrong, d.RegionWeak, d.GeometryStrong, d.GeometryWeak); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want(t, ask(t, s, "PUT", bank, []byte(`{"kind":"fake","owner":"o","policy":{"region_weak":60,"geometry_strong":95,"advise":"review"}}`)), 200)
	if got := want(t, ask(t, s, "GET", bank, nil), 200).Body.String(); !strings.Contains(got, fmt.Sprintf(`"policy":{"strong":20,"weak":%d,"region_strong":%d,"region_weak":60,"geometry_strong":95,"geometry_weak":%d,"advise":"review"}`,
		d.Weak, d.RegionStrong, d.GeometryWeak)) {
		t.Errorf("policy was not set, or other parts of it changed: %s", got)
	}
	for _, body := range []string{`{"kind":"genuine"}`, `{"owner":"other"}`, `{"main":"phash"}`} {
		wantProblem(t, ask(t, s, "PUT", bank, []byte(body)), 409, "bank-differs")
	}
	wantProblem(t, ask(t, s, "PUT", bank, []byte(`{"policy":{"strong":50}}`)), 400, "invalid") // weak is 46
	want(t, ask(t, s, "PUT", "/v1/banks/words", []byte(`{"kind":"genuine","main":"dhash"}`)), 201)
	var all banksJSON
	if err := json.Unmarshal(want(t, ask(t, s, "GET", "/v1/banks", nil), 200).Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range all.Banks {
		names = append(names, b.Name)
	}
	if got := strings.Join(names, " "); got != "fakes genuines third words" {
		t.Errorf("banks %s", got)
	}
}

func TestListReferences(t *testing.T) {
	s, ix := start(t, Options{})
	for i := range 5 {
		f := hash.FromPDQ(hash.Code{uint64(i)}, 100)
		if _, err := ix.Add(t.Context(), index.Reference{Bank: "fakes", ID: fmt.Sprintf("%d/&", i), Fingerprint: f}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	after, pages := "", 0
	for {
		page := pageOf(t, ask(t, s, "GET", "/v1/banks/fakes/references?limit=2&after="+url.QueryEscape(after), nil))
		pages++
		for _, r := range page.References {
			got = append(got, r.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if s := strings.Join(got, " "); s != "0/& 1/& 2/& 3/& 4/&" || pages != 3 {
		t.Errorf("%d pages: %s", pages, s)
	}
	if got := want(t, ask(t, s, "GET", "/v1/banks/genuines/references", nil), 200).Body.String(); got != `{"references":[],"next":""}` {
		t.Errorf("empty bank: %s", got)
	}
}

func pageOf(t testing.TB, w *httptest.ResponseRecorder) (page referencesJSON) {
	t.Helper()
	if err := json.Unmarshal(want(t, w, 200).Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	return page
}

// Of requests that make the same bank at a time one makes it and the others
// find it; what never changes is the first one's.
func TestBankIsMadeOnce(t *testing.T) {
	s, _ := start(t, Options{})
	for round := range 20 {
		var mu sync.Mutex
		var clients sync.WaitGroup
		answers := map[string]int{}
		for c := range 8 {
			body := `{"kind":"` + []string{"fake", "genuine"}[c%2] + `"}`
			clients.Go(func() {
				w := ask(t, s, "PUT", fmt.Sprintf("/v1/banks/race%d", round), []byte(body))
				if w.Code == 409 {
					wantProblem(t, w, 409, "bank-differs")
				}
				mu.Lock()
				defer mu.Unlock()
				answers[fmt.Sprint(w.Code)]++
			})
		}
		clients.Wait()
		if answers["201"] != 1 || answers["200"] != 3 || answers["409"] != 4 {
			t.Fatalf("answers %v", answers)
		}
	}
}

func TestProblems(t *testing.T) {
	s, _ := start(t, Options{})
	for _, c := range []struct {
		method, target, body string
		status               int
		code                 string
	}{
		{"GET", "/", "", 404, "no-route"},
		{"GET", "/v2/judge", "", 404, "no-route"},
		{"GET", "/v1/judge", "", 405, "method-not-allowed"},
		{"DELETE", "/v1/banks/fakes", "", 405, "method-not-allowed"},
		{"PUT", "/v1/banks/fakes/references", "x", 405, "method-not-allowed"},
		{"POST", "/v1/banks/fakes/references/a", "x", 405, "method-not-allowed"},
		{"BREW", "/livez", "", 405, "method-not-allowed"},
		{"POST", "/v1/judge?bnak=fakes", "x", 400, "bad-query"},
		{"POST", "/v1/judge?limit=0", "x", 400, "bad-query"},
		{"POST", "/v1/judge?mode=quick", "x", 400, "bad-query"},
		{"POST", "/v1/judge?mode=", "x", 400, "bad-query"},
		{"POST", "/v1/search?mode=fast", "{}", 400, "bad-query"},
		{"POST", "/v1/judge?limit=1001", "x", 400, "bad-query"},
		{"POST", "/v1/judge?limit=1&limit=2", "x", 400, "bad-query"},
		{"POST", "/v1/judge?authorised=maybe", "x", 400, "bad-query"},
		{"POST", "/v1/judge?a=%zz", "x", 400, "bad-query"},
		{"POST", "/v1/judge?bank=absent", "x", 404, "not-found"},
		{"GET", "/livez?x=1", "", 400, "bad-query"},
		{"POST", "/v1/search", "", 400, "bad-body"},
		{"POST", "/v1/search", "{", 400, "bad-body"},
		{"POST", "/v1/search", "[]", 400, "bad-body"},
		{"POST", "/v1/search", `{"fingerprint":1}`, 400, "bad-body"},
		{"POST", "/v1/search", `{"fingerprnt":"x"}`, 400, "bad-body"},
		{"POST", "/v1/search", `{"fingerprint":"t1:"} {}`, 400, "bad-body"},
		{"POST", "/v1/search", `{"fingerprint":"t1:"}}`, 400, "bad-body"},
		{"POST", "/v1/search", `{"fingerprint":"t1:","limit":-1}`, 400, "bad-body"},
		{"POST", "/v1/search", `{"fingerprint":""}`, 400, "bad-fingerprint"},
		{"POST", "/v1/search", `{"fingerprint":"t1:AA"}`, 400, "bad-fingerprint"},
		{"POST", "/v1/search", `{"fingerprint":"t9:AA"}`, 400, "other-recipe"},
		{"POST", "/v1/search", `{"fingerprint":"` + hash.FromPDQ(hash.Code{}, 100).String() + `","banks":["absent"]}`, 404, "not-found"},
		{"POST", "/v1/search", strings.Repeat(" ", maxJSON+1), 413, "too-large"},
		{"GET", "/v1/banks/absent", "", 404, "not-found"},
		{"GET", "/v1/banks/absent/references", "", 404, "not-found"},
		{"GET", "/v1/banks/fakes/references?limit=x", "", 400, "bad-query"},
		{"PUT", "/v1/banks/UPPER", `{"kind":"fake"}`, 400, "invalid"},
		{"PUT", "/v1/banks/new", `{}`, 400, "bad-body"},
		{"PUT", "/v1/banks/new", `{"kind":"bad"}`, 400, "bad-body"},
		{"PUT", "/v1/banks/new", `{"kind":"fake","main":"md5"}`, 400, "bad-body"},
		{"PUT", "/v1/banks/new", `{"kind":"fake","policy":{"advise":"burn"}}`, 400, "invalid"},
		{"PUT", "/v1/banks/new", `{"kind":"fake","color":"red"}`, 400, "bad-body"},
		{"PUT", "/v1/banks/absent/references/a", "x", 404, "not-found"},
		{"PUT", "/v1/banks/fakes/references/a", "x", 422, "unusable"},
		{"PUT", "/v1/banks/fakes/references/a", "", 422, "unusable"},
		{"PUT", "/v1/banks/fakes/references/a?opinion=sure", "x", 400, "bad-query"},
		{"PUT", "/v1/banks/fakes/references/a?opinion=", "x", 400, "bad-query"},
		{"PUT", "/v1/banks/fakes/references/a?opinion=seed", "", 404, "not-found"},
		{"PUT", "/v1/banks/fakes/references/a?replace=2", "x", 400, "bad-query"},
		{"PUT", "/v1/banks/fakes/references/a?force=2", "x", 400, "bad-query"},
		{"PUT", "/v1/banks/fakes/references/" + strings.Repeat("x", 513), "x", 400, "invalid"},
		{"GET", "/v1/banks/fakes/references/a", "", 404, "not-found"},
		{"DELETE", "/v1/banks/fakes/references/a", "", 404, "not-found"},
	} {
		t.Run(c.method+" "+clip(c.target)+" "+clip(c.body), func(t *testing.T) {
			w := ask(t, s, c.method, c.target, []byte(c.body))
			wantProblem(t, w, c.status, c.code)
			if c.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("header %v", w.Header())
			}
		})
	}
	wantProblem(t, ask(t, s, "POST", "/v1/judge", photo(1, 90), "Content-Encoding", "gzip"), 415, "bad-encoding")
	wantProblem(t, ask(t, s, "POST", "/v1/search", []byte("{}"), "Content-Encoding", "gzip"), 415, "bad-encoding")
	if got := ask(t, s, "POST", "/v1/banks/fakes/references/a", nil).Header().Get("Allow"); got != "DELETE, GET, HEAD, PUT" {
		t.Errorf("Allow: %s", got)
	}
}

// Every error of the index has its row.
func TestProblemTable(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{index.ErrNoSpace, 507}, {index.ErrClosed, 503}, {index.ErrReadOnly, 403}, {index.ErrCorrupt, 500}, {index.ErrRecipe, 400},
		{index.ErrExists, 409}, {&index.ConflictError{}, 409}, {context.DeadlineExceeded, 429}, {fmt.Errorf("secret"), 500},
		{&hash.UnusableError{Reason: hash.TooPlain}, 422}, {errBusy, 429}, {errStarting, 503},
	} {
		w := httptest.NewRecorder()
		writeProblem(w, fmt.Errorf("in /secret/path: %w", c.err))
		if w.Code != c.status {
			t.Errorf("%v: status %d, want %d", c.err, w.Code, c.status)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v tells too much: %s", c.err, w.Body)
		}
		if retry := w.Header().Get("Retry-After"); (retry != "") != (c.status == 429 || c.status == 503) {
			t.Errorf("%v: Retry-After %q", c.err, retry)
		}
	}
}

func TestClosedIndex(t *testing.T) {
	s, ix := start(t, Options{})
	want(t, ask(t, s, "GET", "/readyz", nil), 200)
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, ask(t, s, "GET", "/livez", nil), 200)
	wantProblem(t, ask(t, s, "GET", "/readyz", nil), 503, "stopping")
	wantProblem(t, ask(t, s, "POST", "/v1/judge", photo(1, 90)), 503, "stopping")
	want(t, ask(t, s.Metrics(), "GET", "/metrics", nil), 200)
}

func TestLifeCycle(t *testing.T) {
	var sw Switch
	want(t, ask(t, &sw, "GET", "/livez", nil), 200)
	wantProblem(t, ask(t, &sw, "GET", "/readyz", nil), 503, "starting")
	wantProblem(t, ask(t, &sw, "POST", "/v1/judge", nil), 503, "starting")
	s, _ := start(t, Options{})
	sw.Set(s)
	want(t, ask(t, &sw, "GET", "/readyz", nil), 200)
	s.Drain()
	wantProblem(t, ask(t, &sw, "GET", "/readyz", nil), 503, "stopping")
	want(t, ask(t, &sw, "GET", "/livez", nil), 200)
	want(t, ask(t, &sw, "POST", "/v1/judge", photo(1, 90)), 200)
}

func TestRequestID(t *testing.T) {
	s, _ := start(t, Options{})
	for _, c := range []struct {
		sent   string
		echoed bool
	}{
		{"abc-1.2_Z", true}, {"", false}, {"a b", false}, {"é", false}, {strings.Repeat("x", 65), false}, {"a\nb", false},
	} {
		got := ask(t, s, "GET", "/livez", nil, requestID, c.sent).Header().Get(requestID)
		if (got == c.sent) != c.echoed || got == "" {
			t.Errorf("sent %q, got %q", c.sent, got)
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	var log bytes.Buffer
	s, _ := start(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s.mux.HandleFunc("/v1/panic", func(http.ResponseWriter, *http.Request) { panic("secret") })
	w := ask(t, s, "GET", "/v1/panic", nil, requestID, "id1")
	wantProblem(t, w, 500, "internal")
	if strings.Contains(w.Body.String(), "secret") || !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "id=id1") {
		t.Errorf("answer %s, log %s", w.Body, log.String())
	}
}

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	s, _ := start(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ask(t, s, "GET", "/v1/banks/fakes", nil)
	for _, word := range []string{"msg=request", "method=GET", "path=/v1/banks/fakes", "route=/v1/banks/{bank}", "status=200"} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("%s is not in %s", word, log.String())
		}
	}
}

// Clients that work at the same time each see their own writes at once.
func TestReadYourWrites(t *testing.T) {
	s, _ := start(t, Options{MaxWait: 20 * time.Second, MaxWork: 20 * time.Second})
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			ref := fmt.Sprintf("/v1/banks/fakes/references/%d", c)
			for i := range 5 {
				picture, outcome := photo(uint64(100*c+i), 90), index.KnownFake
				for _, method := range []string{"PUT", "DELETE"} {
					if w := ask(t, s, method, ref, picture); w.Code >= 300 {
						t.Errorf("%s: %d %s", method, w.Code, w.Body)
					}
					if v := verdictOf(t, ask(t, s, "POST", "/v1/judge", picture).Body.Bytes()); v.Outcome != outcome {
						t.Errorf("after %s: %s", method, v.Outcome)
					}
					outcome = index.None
				}
			}
		})
	}
	clients.Wait()
}

// serve starts s as a process would, and returns its address.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := NewHTTPServer(h)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(Limit(l)) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
			srv.Close()
		}
		<-done
	})
	return l.Addr().String()
}
