package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"

	"github.com/touchstone-go/touchstone/index"
)

// The page sizes of a listing.
const (
	defaultPage = 100
	maxPage     = 1000
	// pageBytes is the length of an answer from which on its page ends early.
	pageBytes = 1 << 20
)

// maxField is the largest metadata field of a form in bytes; the index has
// tighter rules.
const maxField = 8 << 10

// listReferences answers GET /v1/banks/{bank}/references. A page ends at the
// limit or at pageBytes, whichever comes first. It is made in a slot, like large
// pictures in one that leaves another to ordinary ones, and holds none while it
// is sent.
func (s *Server) listReferences(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := countOf(q, "limit", defaultPage, maxPage)
	if err != nil {
		return err
	}
	out := s.admit.reply()
	defer out.release()
	err = s.work(r.Context(), true, func(ctx context.Context) error {
		return addPage(out, s.ix.References(ctx, r.PathValue("bank"), q.Get("after")), limit)
	})
	if err != nil {
		return err
	}
	return s.send(w, out)
}

// addPage writes up to limit references as referencesJSON.
func addPage(out *reply, refs iter.Seq2[index.Reference, error], limit int) error {
	if err := out.add([]byte(`{"references":[`)); err != nil {
		return err
	}
	n, last, next := 0, "", ""
	for ref, err := range refs {
		if err != nil {
			return err
		}
		if n == limit || len(out.b) >= pageBytes {
			next = last
			break
		}
		if err := addElement(out, n, referenceWire(ref)); err != nil {
			return err
		}
		n, last = n+1, ref.ID
	}
	b, err := encode(next)
	if err != nil {
		return err
	}
	return out.add(slices.Concat([]byte(`],"next":`), b, []byte("}")))
}

// addElement writes element n of an array.
func addElement(out *reply, n int, v any) error {
	b, err := encode(v)
	if err == nil && n > 0 {
		err = out.add([]byte(","))
	}
	if err != nil {
		return err
	}
	return out.add(b)
}

// getReference answers GET /v1/banks/{bank}/references/{id}.
func (s *Server) getReference(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ix.Get(r.Context(), r.PathValue("bank"), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, referenceWire(ref))
}

// deleteReference answers DELETE /v1/banks/{bank}/references/{id} with 204.
func (s *Server) deleteReference(w http.ResponseWriter, r *http.Request) error {
	if err := s.ix.Remove(r.Context(), r.PathValue("bank"), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// registration is one PUT of a reference.
type registration struct {
	ref     index.Reference
	options index.RegisterOptions
	image   *upload // nil: only the opinion is to be set
}

// putReference answers PUT /v1/banks/{bank}/references/{id}: 201 if the
// reference is new, 200 if it was there or was replaced. The body is the picture,
// or a form with the picture in the part "image" and metadata in the parts sku,
// source, note and meta (a JSON object of strings). An empty body with
// ?opinion= sets the opinion of a reference that exists.
func (s *Server) putReference(w http.ResponseWriter, r *http.Request) error {
	p, err := registrationOf(r)
	if err != nil {
		return err
	}
	if err := s.receivePicture(w, r, &p); err != nil {
		return err
	}
	if p.image == nil {
		return s.putOpinion(w, r, p.ref)
	}
	defer p.image.release()
	status, err := s.statusOf(r.Context(), p)
	if err != nil {
		return err
	}
	var stored index.Reference
	err = s.pictureWork(r.Context(), p.image.b, func(ctx context.Context) (err error) {
		stored, err = s.ix.Register(ctx, p.ref, p.image.reader(), p.options)
		return err
	})
	if err != nil {
		return err
	}
	if p.ref.Opinion != "" && stored.Opinion != p.ref.Opinion {
		return s.putOpinion(w, r, p.ref)
	}
	return writeJSON(w, status, referenceWire(stored))
}

func registrationOf(r *http.Request) (p registration, err error) {
	q := r.URL.Query()
	p.ref = index.Reference{Bank: r.PathValue("bank"), ID: r.PathValue("id")}
	if p.ref.Opinion, err = opinionOf(q); err != nil {
		return p, err
	}
	if p.options.Replace, err = boolOf(q, "replace"); err != nil {
		return p, err
	}
	p.options.Force, err = boolOf(q, "force")
	return p, err
}

func opinionOf(q url.Values) (index.Opinion, error) {
	o := index.Opinion(q.Get("opinion"))
	switch o {
	case index.Confirmed, index.Seed, index.Disputed, index.Withdrawn:
		return o, nil
	}
	if q.Has("opinion") {
		return "", refuse(errQuery, "opinion is confirmed, seed, disputed or withdrawn")
	}
	return "", nil
}

// statusOf says what a successful registration will be answered with.
func (s *Server) statusOf(ctx context.Context, p registration) (int, error) {
	_, err := s.ix.Get(ctx, p.ref.Bank, p.ref.ID)
	switch {
	case err == nil:
		return http.StatusOK, nil
	case errors.Is(err, index.ErrNotFound): // of a missing bank Register will say so
		return http.StatusCreated, nil
	}
	return 0, err
}

// putOpinion sets the opinion of a reference and answers with it.
func (s *Server) putOpinion(w http.ResponseWriter, r *http.Request, ref index.Reference) error {
	if err := s.ix.SetOpinion(r.Context(), ref.Bank, ref.ID, ref.Opinion); err != nil {
		return err
	}
	return s.getReference(w, r)
}

// receivePicture reads the body of a registration.
func (s *Server) receivePicture(w http.ResponseWriter, r *http.Request, p *registration) error {
	in := s.arriving(w, r)
	parts, err := formOf(w, r, in, 2*s.o.Limits.MaxBytes)
	if err != nil {
		return err
	}
	if parts != nil {
		return s.receiveForm(r, parts, p)
	}
	up, err := s.receive(r, in, s.o.Limits.MaxBytes)
	if err != nil {
		return err
	}
	if len(up.b) == 0 && p.ref.Opinion != "" {
		up.release()
		return nil
	}
	p.image = up
	return nil
}

// receiveForm reads a form. Parts come in any order, each at most once.
func (s *Server) receiveForm(r *http.Request, parts *formParts, p *registration) error {
	err := s.readForm(r, parts, p)
	if err == nil && p.image == nil {
		err = refuse(errBody, "the form has no part image")
	}
	if err != nil && p.image != nil {
		p.image.release()
	}
	return err
}

func (s *Server) readForm(r *http.Request, parts *formParts, p *registration) error {
	seen := map[string]bool{}
	for {
		part, err := parts.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := part.FormName()
		if seen[name] {
			return refuse(errBody, fmt.Sprintf("the part %q comes twice", clip(name)))
		}
		seen[name] = true
		if name == "image" {
			p.image, err = s.admit.receive(r.Context(), part, -1, s.o.Limits.MaxBytes)
		} else {
			err = setField(&p.ref, name, part)
		}
		if err != nil {
			return err
		}
	}
}

// setField puts one metadata part into ref.
func setField(ref *index.Reference, name string, part io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return bodyError(err)
	}
	if len(b) > maxField {
		return refuse(errBody, fmt.Sprintf("the part %q is longer than %d bytes (the picture's part is named image)", clip(name), maxField))
	}
	switch name {
	case "sku":
		ref.SKU = string(b)
	case "source":
		ref.Source = string(b)
	case "note":
		ref.Note = string(b)
	case "meta":
		if err := readJSON(b, &ref.Meta); err != nil {
			return refuse(errBody, "meta is a JSON object of strings")
		}
	default:
		return refuse(errBody, fmt.Sprintf("unknown part %q", clip(name)))
	}
	return nil
}
