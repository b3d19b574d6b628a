package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// Forms. mime/multipart reads parts as a stream, but the header of each part
// into memory, up to 10 MB of it: two hundred connections that send nothing but
// header held 2 GB. Here a part's header is as short as a request's.

// maxPartHeader is the longest header of a part, in bytes, boundary and what
// the reader takes ahead included.
const maxPartHeader = 16 << 10

var errPartHeader = fmt.Errorf("the header of a part is longer than %d bytes", maxPartHeader)

// formParts is the parts of a multipart body, one after the other.
type formParts struct {
	parts *multipart.Reader
	src   *leash
	last  *multipart.Part
}

// next returns the next part, or io.EOF. What is left of the one before is
// passed over.
func (f *formParts) next() (*multipart.Part, error) {
	if f.last != nil {
		if _, err := io.Copy(io.Discard, f.last); err != nil {
			return nil, bodyError(err)
		}
	}
	f.src.left = maxPartHeader
	p, err := f.parts.NextRawPart()
	f.src.left = -1
	f.last = p
	switch {
	case errors.Is(err, errPartHeader):
		return nil, refuse(errBody, errPartHeader.Error())
	case err != nil && err != io.EOF:
		return nil, bodyError(err)
	}
	return p, err
}

// leash is a reader that ends after left bytes, unless that is negative.
type leash struct {
	r    io.Reader
	left int
}

func (l *leash) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, errPartHeader
	}
	if l.left > 0 {
		p = p[:min(len(p), l.left)]
	}
	n, err := l.r.Read(p)
	if l.left > 0 {
		l.left -= n
	}
	return n, err
}

// formOf returns the parts of a multipart/form-data body of at most most
// bytes, or nil if the body is none. Other multipart bodies are refused: they
// would be judged as one picture.
func formOf(w http.ResponseWriter, r *http.Request, in io.ReadCloser, most int64) (*formParts, error) {
	if err := checkEncoding(r); err != nil {
		return nil, err
	}
	given := r.Header.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(given)
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(given)), "multipart/") {
		return nil, nil
	}
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" || len(params["boundary"]) > 70 {
		return nil, refuse(errBody, "a form is multipart/form-data with one boundary of up to 70 characters")
	}
	src := &leash{r: http.MaxBytesReader(w, in, most), left: -1}
	return &formParts{parts: multipart.NewReader(src, params["boundary"]), src: src}, nil
}

// checkEncoding refuses compressed bodies: they would be judged as they are.
func checkEncoding(r *http.Request) error {
	for _, e := range r.Header.Values("Content-Encoding") {
		if e != "" && !strings.EqualFold(e, "identity") {
			return errEncoding
		}
	}
	return nil
}
