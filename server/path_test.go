package server

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// attacks are paths that some program on the way would read as others.
func attacks() []string {
	return []string{
		"//v1/judge", "/v1//judge", "/v1/judge/", "/./v1/judge", "/v1/../v1/judge", "/..", "/../etc/passwd", "//", "/%2F", "/.", "/v1/banks/",
		"/v1/banks/%2e%2e/references/a", "/v1/banks/fakes/references/", "/v1/banks/fakes/references//a", "/v1/banks/fakes/references/a//b",
		"/v1/banks/fakes/references/../a", "/v1/banks/fakes/references/a/..", "/v1/banks/fakes/references/a/../b", "/v1/banks/fakes/references/.",
		"/v1/banks/fakes/references/%2e%2e", "/v1/banks/fakes/references/%2E%2E/a", "/v1/banks/fakes/references/a/%2e%2e/%2e%2e/b",
		"/v1/banks/fakes/references/%2F..", "/v1/banks/fakes/references/a%2F..%2Fb", "/v1/banks/fakes/references/%2F", "/v1/banks/fakes/references/a%2F",
		"/v1/banks/fakes/references/%00", "/v1/banks/fakes/references/a%00.jpg", "/v1/banks/fakes/references/%0d%0aX:1", "/v1/banks/fakes/references/%7f",
		"/v1/banks/fakes/references/%ff%fe", "/v1/banks/fakes/references/%c0%ae%c0%ae/a", "/v1/banks//references/a", "/v1/banks/%00/references/a",
	}
}

// Raw requests, since clients clean paths before they send them.
func TestPathAttacks(t *testing.T) {
	s, _ := start(t, Options{})
	addr := serve(t, s)
	for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
		for _, path := range attacks() {
			status, header := raw(t, addr, method, path)
			if status != 400 && status != 404 {
				t.Errorf("%s %s: status %d (Location %q), want 400 or 404", method, path, status, header.Get("Location"))
			}
		}
	}
	// These are ids like any other.
	for _, path := range []string{"...", "a%2Fb", "%252e%252e", "%5c..%5ca", "%E2%80%AE", ".hidden", "a..b"} {
		if status, _ := raw(t, addr, "PUT", "/v1/banks/fakes/references/"+path); status != 422 {
			t.Errorf("id %s: status %d, want 422 (the body is no picture)", path, status)
		}
	}
}

// raw sends one request as it is written.
func raw(t *testing.T, addr, method, path string) (int, http.Header) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\ntext", method, path)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

func FuzzPath(f *testing.F) {
	for _, p := range attacks() {
		f.Add("GET", p)
	}
	for _, r := range routes() {
		f.Add(r.method, r.path)
	}
	s, _ := start(f, Options{})
	f.Fuzz(func(t *testing.T, method, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" {
			return
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, &http.Request{Method: method, URL: u, Header: http.Header{}, Body: http.NoBody, Host: "x"})
		if w.Code >= 500 || w.Code >= 300 && w.Code < 400 {
			t.Fatalf("%s %q: status %d: %s", method, path, w.Code, w.Body)
		}
		if w.Code >= 400 && !strings.HasPrefix(w.Body.String(), `{"type":"`+problemPrefix) {
			t.Fatalf("%s %q: %s", method, path, w.Body)
		}
	})
}

func FuzzSearchBody(f *testing.F) {
	s, _ := start(f, Options{})
	for _, b := range []string{
		`{"fingerprint":"t1:AVcAAAAAAAAABAAAAAAAAAADAAAAAAAAAAIAAAAAAAAAAQ","banks":["fakes"],"limit":3,"authorised":true}`,
		`{"fingerprint":"t1:"}`, `{"fingerprint":"t9:AA"}`, `{`, `[]`, `{"banks":null}`, `{"limit":1e99}`, "\xff",
	} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := ask(t, s, "POST", "/v1/search", b)
		switch {
		case w.Code == 200:
			verdictOf(t, w.Body.Bytes())
		case w.Code >= 500 || !strings.HasPrefix(w.Body.String(), `{"type":"`+problemPrefix):
			t.Fatalf("%q: status %d: %s", b, w.Code, w.Body)
		}
	})
}

func TestOversizedHeader(t *testing.T) {
	s, _ := start(t, Options{})
	addr := serve(t, s)
	if status, _ := raw(t, addr, "GET", "/livez HTTP/1.1\r\nX: "+strings.Repeat("x", 64<<10)+"\r\nY:"); status != 431 {
		t.Errorf("a header of 64 KB: status %d, want 431", status)
	}
}
