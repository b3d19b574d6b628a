package server

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// A part may hold a picture, its header may not hold a megabyte.
func TestPartHeaderIsShort(t *testing.T) {
	s, _ := start(t, Options{})
	const ct = "multipart/form-data; boundary=B"
	part := func(header string) []byte {
		return append(append([]byte("--B\r\nContent-Disposition: form-data; name=image\r\n"+header+"\r\n"), photo(1, 90)...), "\r\n--B--\r\n"...)
	}
	long := "A: " + strings.Repeat("a", 2*maxPartHeader) + "\r\n"
	for _, path := range []string{"/v1/judge", "/v1/banks/fakes/references/new"} {
		method := "POST"
		if strings.Contains(path, "banks") {
			method = "PUT"
		}
		if w := ask(t, s, method, path, part(long), "Content-Type", ct); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "header of a part") {
			t.Errorf("%s with a long header: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(t, s, "POST", "/v1/judge", part("X: y\r\n"), "Content-Type", ct); w.Code != http.StatusOK {
		t.Errorf("a short header: %d %s", w.Code, w.Body)
	}
	// The header after a part that is too large has the same length to itself.
	var b bytes.Buffer
	b.WriteString("--B\r\n\r\n" + strings.Repeat("x", 21<<20) + "\r\n")
	b.Write(part(""))
	if w := ask(t, s, "POST", "/v1/judge", b.Bytes(), "Content-Type", ct); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "too_large") {
		t.Errorf("after a large part: %d %.200s", w.Code, w.Body)
	}
}

func TestOtherFormsAreRefused(t *testing.T) {
	s, _ := start(t, Options{})
	for ct, want := range map[string]int{
		"multipart/form-data; boundary=B; boundary=C": 400,
		"multipart/mixed; boundary=B":                 400,
		"Multipart/Form-Data":                         400,
		"image/jpeg":                                  200,
		"application/x-www-form-urlencoded":           200,
		"nonsense;;;":                                 200,
	} {
		if w := ask(t, s, "POST", "/v1/judge", photo(1, 90), "Content-Type", ct); w.Code != want {
			t.Errorf("%s: %d, want %d", ct, w.Code, want)
		}
	}
}
